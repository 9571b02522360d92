//! The one who owns a worker process: starts it, talks with it, measures it, ends it, reaps it.
//!
//! One thread per worker. It waits in `poll` for the pipes, for orders, and for the process's death, so that nothing
//! is learned by waiting for something else to time out, and no pipe is ever waited for whose process is dead. Only this
//! thread sends the process signals, and only while it is not reaped: its id cannot have become another's.

use super::conversation::{Conversation, Heard, Wrong};
use super::due::Due;
use super::mailbox::{Abandoned, Mailbox};
use super::memory_limit::MemoryWatch;
use super::pipes::{End, Pipes};
use super::process::Process;
use super::processes::Terms;
use super::stderr_tail::StderrTail;
use super::{Assignment, Cause, Departure, Report};
use crate::protocol::{self, LineBuffer, ToWorker};
use crate::usage::Usage;
use crate::{Options, StopReason, WorkerError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;
use std::borrow::Cow;
use std::io;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// Between two looks whether the process lives, where the system does not tell by itself.
const DEATH_INTERVAL: Duration = Duration::from_millis(50);

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
    process: Process,
    pipes: Pipes,
    incoming: LineBuffer,
    tail: StderrTail,
    conversation: Conversation,
    /// What waits for the handshake.
    assignment: Option<Assignment>,
    memory: MemoryWatch,
    due: Due,
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
        let (process, pipes) = Process::start(terms.command)?;
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
            process,
            pipes,
            incoming: LineBuffer::default(),
            tail: StderrTail::default(),
            conversation: Conversation::new(terms.command.program.clone(), version.clone()),
            assignment: None,
            memory: MemoryWatch::new(*memory_limit_bytes),
            due: Due::new(
                Instant::now(),
                *handshake_timeout,
                memory_limit_bytes.is_some(),
            ),
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
            if self.process.is_dead() {
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
        if let Some(notice) = self.process.death_notice() {
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
        let look = self.process.death_notice().is_none();
        let look = look.then(|| Instant::now() + DEATH_INTERVAL);
        self.due.next().into_iter().chain(look).min()
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
                        self.process.kill();
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
                    self.process.kill();
                } else {
                    self.process.signal(Signal::TERM);
                    self.due.kill_at(Instant::now() + grace);
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
            self.judge(Cause::Fault(WorkerError::TaskTooLong {
                bytes: line.len(),
                limit: protocol::LONGEST_LINE,
            }));
            return;
        }
        self.pipes.queue(line);
        let usage = Usage::of_process(self.process.id());
        self.memory.begin(usage);
        self.due.task_begins(Instant::now());
        let worker = self.worker;
        self.report(Report::Begun {
            worker,
            task,
            usage,
        });
        self.write_messages();
    }

    fn retire(&mut self) {
        self.retiring = true;
        self.pipes.queue(protocol::line(&ToWorker::Exit {}));
        self.pipes.close_when_said();
        self.due.kill_at(Instant::now() + self.terms.options.grace);
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
            self.due.pipe_closed(Instant::now());
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
                self.due.no_greeting();
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
                self.due.task_ends();
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
        self.due.no_greeting();
        self.process.kill();
    }

    fn look_at_the_clock(&mut self) {
        let now = Instant::now();
        if self.due.kill_is_due(now) {
            self.process.kill();
        }
        // One that was told to exit may take its time, until it is killed.
        if self.due.lives_without_pipes(now) && !self.retiring {
            self.judge(Cause::Fault(WorkerError::ClosedPipes));
        }
        if self.due.greeting_is_late(now) {
            let waited = self.terms.options.handshake_timeout;
            self.judge(Cause::Fault(WorkerError::HandshakeLate {
                program: self.terms.command.program.clone(),
                seconds: crate::run::whole_seconds(waited),
            }));
        }
    }

    fn measure(&mut self) {
        let now = Instant::now();
        let Some(task) = self.conversation.current() else {
            return;
        };
        if !self.due.measurement_is_due(now) {
            return;
        }
        let Some(usage) = Usage::of_process(self.process.id()) else {
            return;
        };
        if let Err(error) = self.memory.look(usage)
            && self.verdict.is_none()
        {
            self.judge(Cause::Fault(error));
        }
        if self.due.telling_is_due(now) {
            let worker = self.worker;
            self.report(Report::Measured {
                worker,
                task,
                usage,
            });
        }
    }

    /// The process is dead: ends what it started, hears its last words, and reaps it.
    fn bury(mut self) -> Departure {
        self.process.kill();
        self.read_messages();
        self.pipes.read_stderr(&mut self.tail);
        let peak_rss_bytes = self.memory.peak_bytes();
        let death = self.process.reap();
        Departure {
            cause: self.verdict.unwrap_or(death),
            stderr: self.tail.take(),
            peak_rss_bytes,
        }
    }
}
