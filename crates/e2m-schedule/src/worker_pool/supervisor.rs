//! The supervisor of a worker process: starts it, talks with it, measures it, kills it, reaps it.
//!
//! Each worker process has one supervisor thread. The thread waits in `poll` for the pipes, for commands, and for the exit of
//! the process. So nothing is learned by letting something else time out, and a pipe whose process is dead is never waited
//! for. Only this thread signals the process, and only before it is reaped: the id cannot have become another's.

use super::command_channel::{CommandReceiver, Disconnected};
use super::deadlines::Deadlines;
use super::memory_limit::MemoryWatch;
use super::pipes::{PipeState, Pipes};
use super::process::WorkerProcess;
use super::processes::ProcessSetup;
use super::protocol_state::{ProtocolState, ReceiveError, Received};
use super::stderr_tail::StderrTail;
use super::{Assignment, ExitCause, WorkerExit, WorkerReport};
use crate::amount::whole_seconds;
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

/// Between two checks whether the process has exited, where there is no pidfd.
const EXIT_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// What a supervisor is to do.
#[derive(Debug)]
pub(super) enum SupervisorCommand {
    Assign(Assignment),
    Stop { task: u64, reason: StopReason },
    Terminate { grace: Duration },
    ShutDown,
}

/// Supervises one worker process from its start to its exit.
pub(super) fn supervise(
    worker: usize,
    setup: ProcessSetup<'_>,
    commands: CommandReceiver<SupervisorCommand>,
    reports: SyncSender<WorkerReport>,
) {
    let exit = match WorkerSupervisor::start(worker, setup, commands, reports.clone()) {
        Ok(supervisor) => supervisor.run(),
        Err(error) => WorkerExit {
            cause: ExitCause::Fault(WorkerError::NotStarted {
                program: setup.command.program.clone(),
                reason: error.to_string(),
            }),
            stderr: String::new(),
            peak_rss_bytes: None,
        },
    };
    // It fails when the batch is over, and then nobody waits for the report.
    let _ = reports.send(WorkerReport::Exited { worker, exit });
}

struct WorkerSupervisor<'env> {
    worker: usize,
    setup: ProcessSetup<'env>,
    /// `None` once the sender is gone.
    commands: Option<CommandReceiver<SupervisorCommand>>,
    reports: SyncSender<WorkerReport>,
    process: WorkerProcess,
    pipes: Pipes,
    incoming: LineBuffer,
    tail: StderrTail,
    protocol: ProtocolState,
    /// What the worker is given once it has said hello.
    assignment: Option<Assignment>,
    memory: MemoryWatch,
    deadlines: Deadlines,
    /// Whether the worker got the command to exit.
    shutting_down: bool,
    /// Why the process is being killed; `None` while it is not.
    kill_reason: Option<ExitCause>,
}

impl<'env> WorkerSupervisor<'env> {
    fn start(
        worker: usize,
        setup: ProcessSetup<'env>,
        commands: CommandReceiver<SupervisorCommand>,
        reports: SyncSender<WorkerReport>,
    ) -> io::Result<Self> {
        let (process, pipes) = WorkerProcess::start(setup.command)?;
        let Options {
            version,
            handshake_timeout,
            memory_limit_bytes,
            ..
        } = setup.options;
        let hello = ToWorker::Hello {
            protocol: protocol::PROTOCOL,
            version: Cow::Borrowed(version),
            threads: setup.options.share(worker),
        };
        let mut supervisor = Self {
            worker,
            setup,
            commands: Some(commands),
            reports,
            process,
            pipes,
            incoming: LineBuffer::default(),
            tail: StderrTail::default(),
            protocol: ProtocolState::new(setup.command.program.clone(), version.clone()),
            assignment: None,
            memory: MemoryWatch::new(*memory_limit_bytes),
            deadlines: Deadlines::new(
                Instant::now(),
                *handshake_timeout,
                memory_limit_bytes.is_some(),
            ),
            shutting_down: false,
            kill_reason: None,
        };
        supervisor.pipes.queue(protocol::line(&hello));
        Ok(supervisor)
    }

    /// Works until the process has exited.
    fn run(mut self) -> WorkerExit {
        loop {
            self.wait();
            self.handle_commands();
            self.read_messages();
            self.pipes.read_stderr(&mut self.tail);
            self.write_messages();
            if self.process.has_exited() {
                return self.reap();
            }
            self.check_deadlines();
            self.measure();
        }
    }

    /// Waits until something happens or is due.
    fn wait(&self) {
        let timeout = self.next_deadline().map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            Timespec {
                tv_sec: left.as_secs().min(3600) as _,
                tv_nsec: left.subsec_nanos().into(),
            }
        });
        let mut fds = Vec::with_capacity(5);
        if let Some(commands) = &self.commands {
            fds.push(PollFd::new(commands.wake_rx(), PollFlags::IN));
        }
        if let Some(exit_fd) = self.process.exit_fd() {
            fds.push(PollFd::new(exit_fd, PollFlags::IN));
        }
        self.pipes.poll_fds(&mut fds);
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                // The kernel is out of memory at worst; checking at intervals still works.
                tracing::warn!(%error, "waiting for a worker failed");
                std::thread::sleep(EXIT_CHECK_INTERVAL);
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let has_no_fd = self.process.exit_fd().is_none();
        let exit_check = has_no_fd.then(|| Instant::now() + EXIT_CHECK_INTERVAL);
        self.deadlines.next().into_iter().chain(exit_check).min()
    }

    fn handle_commands(&mut self) {
        let Some(commands) = self.commands.take() else {
            return;
        };
        commands.drain();
        loop {
            match commands.try_recv() {
                Ok(Some(command)) => self.handle(command),
                Ok(None) => break,
                Err(Disconnected) => {
                    if !self.shutting_down {
                        self.process.kill();
                    }
                    return; // and drop the receiver: no command will ever come
                }
            }
        }
        self.commands = Some(commands);
    }

    fn handle(&mut self, command: SupervisorCommand) {
        match command {
            SupervisorCommand::Assign(assignment) if self.protocol.said_hello() => {
                self.send_task(assignment);
            }
            SupervisorCommand::Assign(assignment) => self.assignment = Some(assignment),
            SupervisorCommand::Stop { task, reason } => {
                let stop = ToWorker::Stop { id: task, reason };
                self.pipes.queue(protocol::line(&stop));
            }
            SupervisorCommand::Terminate { grace } => {
                self.assignment = None;
                // What the pipe does not take now is lost; the signal means the same.
                self.write_messages();
                if grace.is_zero() {
                    self.process.kill();
                } else {
                    self.process.signal(Signal::TERM);
                    self.deadlines.kill_at(Instant::now() + grace);
                }
            }
            SupervisorCommand::ShutDown => self.shut_down(),
        }
    }

    fn send_task(&mut self, assignment: Assignment) {
        let Assignment { task, job, threads } = assignment;
        let message = ToWorker::Task {
            id: task,
            threads,
            payload: Cow::Borrowed(&self.setup.jobs[job].payload),
        };
        let line = protocol::line(&message);
        self.pipes.read_stderr(&mut self.tail);
        self.tail.clear();
        self.protocol.assign(task);
        if line.len() > protocol::LONGEST_LINE {
            self.kill_because(ExitCause::Fault(WorkerError::TaskTooLong {
                bytes: line.len(),
                limit: protocol::LONGEST_LINE,
            }));
            return;
        }
        self.pipes.queue(line);
        let usage = Usage::of_process(self.process.id());
        self.memory.start_task(usage);
        self.deadlines.task_started(Instant::now());
        let worker = self.worker;
        self.report(WorkerReport::Started {
            worker,
            task,
            usage,
        });
        self.write_messages();
    }

    /// Tells the worker to exit.
    fn shut_down(&mut self) {
        self.shutting_down = true;
        self.pipes.queue(protocol::line(&ToWorker::Exit {}));
        self.pipes.close_when_written();
        self.deadlines
            .kill_at(Instant::now() + self.setup.options.grace);
    }

    fn report(&self, report: WorkerReport) {
        // An error means that the batch is over. Then the sender of commands is gone as well, which ends the worker.
        let _ = self.reports.send(report);
    }

    fn read_messages(&mut self) {
        // The output of a worker that is being killed is read and dropped.
        let killed = self.kill_reason.is_some();
        let incoming = &mut self.incoming;
        let state = self.pipes.read(|bytes| {
            if !killed {
                incoming.push(bytes);
            }
        });
        self.read_lines();
        self.note_pipe(state);
    }

    fn write_messages(&mut self) {
        let state = self.pipes.write();
        self.note_pipe(state);
    }

    fn note_pipe(&mut self, state: PipeState) {
        if state == PipeState::Closed {
            self.deadlines.pipe_closed(Instant::now());
        }
    }

    fn read_lines(&mut self) {
        while self.kill_reason.is_none() {
            match self.incoming.take_line() {
                Ok(Some(line)) => self.read_line(&line),
                Ok(None) => return,
                Err(protocol::TooLong) => {
                    let what = format!(
                        "it wrote a line of more than {} bytes",
                        protocol::LONGEST_LINE
                    );
                    self.kill_because(ExitCause::Fault(WorkerError::BrokeProtocol { what }));
                }
            }
        }
    }

    fn read_line(&mut self, line: &[u8]) {
        let worker = self.worker;
        match self.protocol.receive(line) {
            Ok(Received::Hello) => {
                self.deadlines.clear_handshake();
                if let Some(assignment) = self.assignment.take() {
                    self.send_task(assignment);
                }
            }
            Ok(Received::Progress { task, event }) => self.report(WorkerReport::Progress {
                worker,
                task,
                event,
            }),
            Ok(Received::Answer { task, answer }) => {
                self.deadlines.task_ended();
                self.report(WorkerReport::Answered {
                    worker,
                    task,
                    answer,
                });
                if self.setup.one_task {
                    self.shut_down();
                }
            }
            Ok(Received::Stale { .. }) => self.report(WorkerReport::Note(format!(
                "worker {worker} spoke of a task that it had answered already; only the first answer counts"
            ))),
            Err(ReceiveError::Fault(error)) => self.kill_because(ExitCause::Fault(error)),
            Err(ReceiveError::VersionMismatch(mismatch)) => {
                self.kill_because(ExitCause::VersionMismatch(mismatch));
            }
        }
    }

    /// Kills the process, and keeps the first reason.
    fn kill_because(&mut self, cause: ExitCause) {
        self.kill_reason.get_or_insert(cause);
        self.deadlines.clear_handshake();
        self.process.kill();
    }

    fn check_deadlines(&mut self) {
        let now = Instant::now();
        if self.deadlines.kill_is_due(now) {
            self.process.kill();
        }
        // A worker that got the command to exit may live without pipes until its grace is over.
        if self.deadlines.lives_without_pipes(now) && !self.shutting_down {
            self.kill_because(ExitCause::Fault(WorkerError::ClosedPipes));
        }
        if self.deadlines.handshake_is_late(now) {
            let waited = self.setup.options.handshake_timeout;
            self.kill_because(ExitCause::Fault(WorkerError::HandshakeLate {
                program: self.setup.command.program.clone(),
                seconds: whole_seconds(waited),
            }));
        }
    }

    fn measure(&mut self) {
        let now = Instant::now();
        let Some(task) = self.protocol.current() else {
            return;
        };
        if !self.deadlines.measurement_is_due(now) {
            return;
        }
        let Some(usage) = Usage::of_process(self.process.id()) else {
            return;
        };
        if let Err(error) = self.memory.check(usage)
            && self.kill_reason.is_none()
        {
            self.kill_because(ExitCause::Fault(error));
        }
        if self.deadlines.report_is_due(now) {
            let worker = self.worker;
            self.report(WorkerReport::Measured {
                worker,
                task,
                usage,
            });
        }
    }

    /// The process has exited: kills what it started, reads what is left in its pipes, and reaps it.
    fn reap(mut self) -> WorkerExit {
        self.process.kill();
        self.read_messages();
        self.pipes.read_stderr(&mut self.tail);
        let peak_rss_bytes = self.memory.peak_bytes();
        let exit_cause = self.process.reap();
        WorkerExit {
            cause: self.kill_reason.unwrap_or(exit_cause),
            stderr: self.tail.take(),
            peak_rss_bytes,
        }
    }
}
