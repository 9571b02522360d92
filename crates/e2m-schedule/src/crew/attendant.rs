//! The one who owns a worker process: starts it, talks with it, measures it, ends it, reaps it.
//!
//! One thread per worker. It waits in `poll` for the pipes, for orders, and for the process's death, so that nothing
//! is learned by waiting for something else to time out, and no pipe is ever waited for whose process is dead. Only this
//! thread sends the process signals, and only while it is not reaped: its id cannot have become another's.

use super::conversation::{Conversation, Heard, Wrong};
use super::mailbox::{Abandoned, Mailbox};
use super::memory_limit::MemoryWatch;
use super::pipes::{End, Pipes};
use super::processes::Terms;
use super::stderr_tail::StderrTail;
use super::{Assignment, Cause, Departure, Report, spawn};
use crate::protocol::{self, LineBuffer, ToWorker};
use crate::usage::Usage;
use crate::{Options, StopReason, WorkerError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::borrow::Cow;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// Between two looks at the memory while there is a limit.
const LIMIT_INTERVAL: Duration = Duration::from_millis(50);

/// Between two looks at the memory otherwise, for the peak in a failure's report.
const PEAK_INTERVAL: Duration = Duration::from_millis(250);

/// Between two measurements that are told.
const TOLD_INTERVAL: Duration = Duration::from_secs(1);

/// Between two looks whether the process lives, where the system does not tell by itself.
const DEATH_INTERVAL: Duration = Duration::from_millis(50);

/// A dying process closes its pipes a moment before it is dead; one that lives longer than this closed them on purpose.
const CLOSING_GRACE: Duration = Duration::from_secs(1);

/// What a worker process is told, or what is done to it.
#[derive(Debug)]
pub(super) enum Order {
    Assign(Assignment),
    Stop { task: u64, reason: StopReason },
    Terminate { grace: Duration },
    Retire,
}

/// Keeps one worker process company from its start to its end.
pub(super) fn attend(
    worker: usize,
    terms: Terms<'_>,
    mailbox: Mailbox<Order>,
    reports: SyncSender<Report>,
) {
    // A report that nobody hears any more is about a batch that nobody waits for.
    let gone = match Attendant::start(worker, terms, mailbox, reports.clone()) {
        Ok(attendant) => attendant.keep_company(),
        Err(error) => Departure {
            cause: Cause::Fault(WorkerError::NotStarted {
                program: terms.command.program.clone(),
                reason: error.to_string(),
            }),
            stderr: String::new(),
            peak_rss_bytes: None,
        },
    };
    let _ = reports.send(Report::Gone {
        worker,
        departure: gone,
    });
}

struct Attendant<'env> {
    worker: usize,
    terms: Terms<'env>,
    mailbox: Option<Mailbox<Order>>,
    reports: SyncSender<Report>,
    child: Child,
    pid: Pid,
    /// Becomes readable when the process dies, where there is such a thing.
    death_notice: Option<OwnedFd>,
    pipes: Pipes,
    incoming: LineBuffer,
    tail: StderrTail,
    conversation: Conversation,
    /// What waits for the handshake.
    assignment: Option<Assignment>,
    memory: MemoryWatch,
    measured: Instant,
    told: Instant,
    greet_by: Instant,
    kill_at: Option<Instant>,
    closed_since: Option<Instant>,
    retiring: bool,
    verdict: Option<Cause>,
}

impl<'env> Attendant<'env> {
    fn start(
        worker: usize,
        terms: Terms<'env>,
        mailbox: Mailbox<Order>,
        reports: SyncSender<Report>,
    ) -> io::Result<Self> {
        let mut child = spawn::spawn(terms.command)?;
        let pid = Pid::from_child(&child);
        let pipes = Pipes::of(&mut child).inspect_err(|_| {
            let _ = kill_process_group(pid, Signal::KILL);
            let _ = child.wait();
        })?;
        let now = Instant::now();
        let Options {
            version,
            handshake_timeout,
            memory_limit_bytes,
            ..
        } = terms.options;
        let hello = ToWorker::Hello {
            protocol: protocol::PROTOCOL,
            version: Cow::Borrowed(version),
            threads: terms.options.share(worker),
        };
        let mut attendant = Self {
            worker,
            terms,
            mailbox: Some(mailbox),
            reports,
            child,
            pid,
            death_notice: death_notice(pid),
            pipes,
            incoming: LineBuffer::default(),
            tail: StderrTail::default(),
            conversation: Conversation::new(terms.command.program.clone(), version.clone()),
            assignment: None,
            memory: MemoryWatch::new(*memory_limit_bytes),
            measured: now,
            told: now,
            greet_by: now + *handshake_timeout,
            kill_at: None,
            closed_since: None,
            retiring: false,
            verdict: None,
        };
        attendant.pipes.queue(protocol::line(&hello));
        Ok(attendant)
    }

    fn keep_company(mut self) -> Departure {
        loop {
            self.wait();
            self.take_orders();
            self.read_messages();
            self.pipes.read_stderr(&mut self.tail);
            self.write_messages();
            if self.is_dead() {
                return self.bury();
            }
            self.look_at_the_clock();
            self.measure();
        }
    }

    /// Waits until something happens or is due.
    fn wait(&self) {
        let timeout = self.next_due().map(|due| {
            let left = due.saturating_duration_since(Instant::now());
            Timespec {
                tv_sec: left.as_secs().min(3600) as _,
                tv_nsec: left.subsec_nanos().into(),
            }
        });
        let mut fds = Vec::with_capacity(5);
        if let Some(mailbox) = &self.mailbox {
            fds.push(PollFd::new(mailbox.ear(), PollFlags::IN));
        }
        if let Some(notice) = &self.death_notice {
            fds.push(PollFd::new(notice, PollFlags::IN));
        }
        self.pipes.poll_fds(&mut fds);
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                // Out of memory in the kernel at worst; looking now and then still works.
                tracing::warn!(%error, "waiting for a worker failed");
                std::thread::sleep(DEATH_INTERVAL);
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let mut due = vec![];
        due.extend(self.kill_at);
        due.extend(self.closed_since.map(|since| since + CLOSING_GRACE));
        if !self.conversation.greeted() && self.verdict.is_none() {
            due.push(self.greet_by);
        }
        if self.conversation.current().is_some() {
            due.push(self.measured + self.interval());
        }
        if self.death_notice.is_none() {
            due.push(Instant::now() + DEATH_INTERVAL);
        }
        due.into_iter().min()
    }

    fn interval(&self) -> Duration {
        match self.terms.options.memory_limit_bytes {
            Some(_) => LIMIT_INTERVAL,
            None => PEAK_INTERVAL,
        }
    }

    fn take_orders(&mut self) {
        let Some(mailbox) = self.mailbox.take() else {
            return;
        };
        mailbox.hush();
        loop {
            match mailbox.take() {
                Ok(Some(order)) => self.obey(order),
                Ok(None) => break,
                Err(Abandoned) => {
                    if !self.retiring {
                        self.kill();
                    }
                    return; // without the mailbox, which has nothing to say any more
                }
            }
        }
        self.mailbox = Some(mailbox);
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Assign(assignment) if self.conversation.greeted() => self.hand_over(assignment),
            Order::Assign(assignment) => self.assignment = Some(assignment),
            Order::Stop { task, reason } => {
                let stop = ToWorker::Stop { id: task, reason };
                self.pipes.queue(protocol::line(&stop));
            }
            Order::Terminate { grace } => {
                self.assignment = None;
                // What cannot be written to the pipe any more is lost; the signal says it as well.
                self.write_messages();
                if grace.is_zero() {
                    self.kill();
                } else {
                    self.signal(Signal::TERM);
                    self.kill_within(grace);
                }
            }
            Order::Retire => self.retire(),
        }
    }

    fn hand_over(&mut self, assignment: Assignment) {
        let Assignment { task, job, threads } = assignment;
        let message = ToWorker::Task {
            id: task,
            threads,
            payload: Cow::Borrowed(&self.terms.jobs[job].payload),
        };
        let line = protocol::line(&message);
        self.pipes.read_stderr(&mut self.tail);
        self.tail.clear();
        self.conversation.give(task);
        if line.len() > protocol::LONGEST_LINE {
            self.verdict = Some(Cause::Fault(WorkerError::TaskTooLong {
                bytes: line.len(),
                limit: protocol::LONGEST_LINE,
            }));
            self.kill();
            return;
        }
        self.pipes.queue(line);
        self.memory.begin(Usage::of_process(self.child.id()));
        let now = Instant::now();
        (self.measured, self.told) = (now, now);
        let worker = self.worker;
        self.report(Report::Begun { worker, task });
        self.write_messages();
    }

    fn retire(&mut self) {
        self.retiring = true;
        self.pipes.queue(protocol::line(&ToWorker::Exit {}));
        self.pipes.close_when_said();
        self.kill_within(self.terms.options.grace);
    }

    fn kill_within(&mut self, grace: Duration) {
        let at = Instant::now() + grace;
        self.kill_at = Some(self.kill_at.map_or(at, |earlier| earlier.min(at)));
    }

    fn report(&self, report: Report) {
        // An error means that the batch is over; then the letterbox is gone too, and that ends the worker.
        let _ = self.reports.send(report);
    }

    fn read_messages(&mut self) {
        // Once it is judged, what it says only has to go somewhere.
        let judged = self.verdict.is_some();
        let incoming = &mut self.incoming;
        let end = self.pipes.read(|bytes| {
            if !judged {
                incoming.push(bytes);
            }
        });
        self.read_lines();
        self.note_end(end);
    }

    fn write_messages(&mut self) {
        let end = self.pipes.write();
        self.note_end(end);
    }

    fn note_end(&mut self, end: End) {
        if end == End::Closed {
            self.closed_since.get_or_insert_with(Instant::now);
        }
    }

    fn read_lines(&mut self) {
        while self.verdict.is_none() {
            match self.incoming.take_line() {
                Ok(Some(line)) => self.read_line(&line),
                Ok(None) => return,
                Err(protocol::TooLong) => {
                    let what = format!(
                        "it wrote a line of more than {} bytes",
                        protocol::LONGEST_LINE
                    );
                    self.judge(Cause::Fault(WorkerError::BrokeProtocol { what }));
                }
            }
        }
    }

    fn read_line(&mut self, line: &[u8]) {
        let worker = self.worker;
        match self.conversation.hear(line) {
            Ok(Heard::Hello) => {
                if let Some(assignment) = self.assignment.take() {
                    self.hand_over(assignment);
                }
            }
            Ok(Heard::Progress { task, event }) => self.report(Report::Progress {
                worker,
                task,
                event,
            }),
            Ok(Heard::Answer { task, answer }) => {
                self.report(Report::Answered {
                    worker,
                    task,
                    answer,
                });
                if self.terms.one_task {
                    self.retire();
                }
            }
            Ok(Heard::Stale { .. }) => self.report(Report::Note(format!(
                "worker {worker} spoke of a task that it had answered already; only the first answer counts"
            ))),
            Err(Wrong::Fault(error)) => self.judge(Cause::Fault(error)),
            Err(Wrong::Stranger(mismatch)) => self.judge(Cause::Stranger(mismatch)),
        }
    }

    /// Ends the process, and remembers why.
    fn judge(&mut self, cause: Cause) {
        self.verdict.get_or_insert(cause);
        self.kill();
    }

    /// Whether the process is dead; it stays a zombie, so that its id and its group remain its own.
    fn is_dead(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(
            waitid(WaitId::Pid(self.pid), options),
            Ok(None) | Err(Errno::INTR)
        )
    }

    fn look_at_the_clock(&mut self) {
        let now = Instant::now();
        if self.kill_at.is_some_and(|at| now >= at) {
            self.kill_at = None;
            self.kill();
        }
        let closed = self
            .closed_since
            .is_some_and(|since| now >= since + CLOSING_GRACE);
        if closed {
            self.closed_since = None;
            // One that was told to exit may take its time; `kill_at` limits it.
            if !self.retiring {
                self.judge(Cause::Fault(WorkerError::ClosedPipes));
            }
        }
        if !self.conversation.greeted() && self.verdict.is_none() && now >= self.greet_by {
            let waited = self.terms.options.handshake_timeout;
            self.judge(Cause::Fault(WorkerError::HandshakeLate {
                program: self.terms.command.program.clone(),
                seconds: crate::run::whole_seconds(waited),
            }));
        }
    }

    fn measure(&mut self) {
        let Some(task) = self.conversation.current() else {
            return;
        };
        let now = Instant::now();
        if now < self.measured + self.interval() {
            return;
        }
        self.measured = now;
        let Some(usage) = Usage::of_process(self.child.id()) else {
            return;
        };
        if let Err(error) = self.memory.look(usage)
            && self.verdict.is_none()
        {
            self.judge(Cause::Fault(error));
        }
        if now >= self.told + TOLD_INTERVAL {
            self.told = now;
            let worker = self.worker;
            self.report(Report::Measured {
                worker,
                task,
                usage,
            });
        }
    }

    fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process_group(self.pid, signal) {
            tracing::debug!(%error, pid = %self.pid.as_raw_nonzero(), "a worker's group took no signal");
        }
    }

    fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// The process is dead: ends what it started, hears its last words, and reaps it.
    fn bury(mut self) -> Departure {
        self.kill();
        self.read_messages();
        self.pipes.read_stderr(&mut self.tail);
        let status = self.child.wait();
        let cause = self.verdict.take().unwrap_or_else(|| match status {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => Cause::Exited(code),
                (None, signal) => Cause::Signalled(signal.unwrap_or(0)),
            },
            Err(error) => Cause::Fault(WorkerError::BrokeProtocol {
                what: format!("how it ended is unknown ({error})"),
            }),
        });
        Departure {
            cause,
            stderr: self.tail.take(),
            peak_rss_bytes: self.memory.peak_bytes(),
        }
    }
}

#[cfg(target_os = "linux")]
fn death_notice(pid: Pid) -> Option<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    // Linux before 5.3 has none.
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn death_notice(_: Pid) -> Option<OwnedFd> {
    None
}
