//! Workers that are processes.

use super::command_channel::{CommandSender, command_channel};
use super::supervisor::{SupervisorCommand, supervise};
use super::{Assignment, Lifetime, WorkerPool, WorkerReport};
use crate::{Job, Options, StopReason, WorkerCommand, WorkerError};
use std::sync::mpsc::SyncSender;
use std::thread::Scope;
use std::time::Duration;

/// What all worker processes of a batch have in common.
#[derive(Clone, Copy)]
pub(crate) struct ProcessSetup<'env> {
    pub(crate) jobs: &'env [Job],
    pub(crate) options: &'env Options,
    pub(crate) command: &'env WorkerCommand,
    /// Whether a worker exits after its first task.
    pub(crate) one_task: bool,
}

/// A pool of worker processes. Each is started, with its supervisor, when it is first needed.
pub(crate) struct ProcessPool<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    setup: ProcessSetup<'env>,
    reports: SyncSender<WorkerReport>,
    supervisors: Vec<Option<CommandSender<SupervisorCommand>>>,
}

impl<'scope, 'env> ProcessPool<'scope, 'env> {
    pub(crate) fn new(
        scope: &'scope Scope<'scope, 'env>,
        workers: usize,
        setup: ProcessSetup<'env>,
        reports: SyncSender<WorkerReport>,
    ) -> Self {
        Self {
            scope,
            setup,
            reports,
            supervisors: std::iter::repeat_with(|| None).take(workers).collect(),
        }
    }

    /// Starts a supervisor thread, which starts the worker process.
    ///
    /// The thread stays until the process has exited: the process is killed when the thread that started it ends, see
    /// [`super::spawn`].
    fn start_supervisor(&self, worker: usize) -> std::io::Result<CommandSender<SupervisorCommand>> {
        let (sender, commands) = command_channel()?;
        let (setup, reports) = (self.setup, self.reports.clone());
        std::thread::Builder::new()
            .name(format!("supervisor {worker}"))
            .spawn_scoped(self.scope, move || {
                supervise(worker, setup, commands, reports);
            })?;
        Ok(sender)
    }

    fn send(&self, worker: usize, command: SupervisorCommand) {
        if let Some(supervisor) = &self.supervisors[worker] {
            supervisor.send(command);
        }
    }
}

impl WorkerPool for ProcessPool<'_, '_> {
    fn lifetime(&self) -> Lifetime {
        if self.setup.one_task {
            Lifetime::OneTask
        } else {
            Lifetime::ManyTasks
        }
    }

    fn is_warm(&self, worker: usize) -> bool {
        self.supervisors[worker].is_some()
    }

    fn assign(&mut self, worker: usize, assignment: Assignment) -> Result<(), WorkerError> {
        if self.supervisors[worker].is_none() {
            let supervisor =
                self.start_supervisor(worker)
                    .map_err(|error| WorkerError::NotStarted {
                        program: self.setup.command.program.clone(),
                        reason: error.to_string(),
                    })?;
            self.supervisors[worker] = Some(supervisor);
        }
        self.send(worker, SupervisorCommand::Assign(assignment));
        Ok(())
    }

    fn stop(&mut self, worker: usize, task: u64, reason: StopReason) {
        self.send(worker, SupervisorCommand::Stop { task, reason });
    }

    fn terminate(&mut self, worker: usize, grace: Duration) {
        self.send(worker, SupervisorCommand::Terminate { grace });
    }

    fn remove(&mut self, worker: usize) {
        self.supervisors[worker] = None;
    }

    fn shut_down(&mut self) {
        for supervisor in self.supervisors.iter().flatten() {
            supervisor.send(SupervisorCommand::ShutDown);
        }
    }
}
