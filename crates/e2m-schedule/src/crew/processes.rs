//! Workers that are processes.

use super::attendant::{Order, attend};
use super::mailbox::{Letterbox, mailbox};
use super::{Assignment, Crew, Lifetime, Report};
use crate::{Job, Options, StopReason, WorkerCommand, WorkerError};
use std::sync::mpsc::SyncSender;
use std::thread::Scope;
use std::time::Duration;

/// What all attendants of a batch have in common.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'env> {
    pub(crate) jobs: &'env [Job],
    pub(crate) options: &'env Options,
    pub(crate) command: &'env WorkerCommand,
    /// Whether the worker ends after its first task.
    pub(crate) one_task: bool,
}

/// Starts an attendant for each worker process when it is first needed.
pub(crate) struct Processes<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    terms: Terms<'env>,
    reports: SyncSender<Report>,
    letterboxes: Vec<Option<Letterbox<Order>>>,
}

impl<'scope, 'env> Processes<'scope, 'env> {
    pub(crate) fn new(
        scope: &'scope Scope<'scope, 'env>,
        workers: usize,
        terms: Terms<'env>,
        reports: SyncSender<Report>,
    ) -> Self {
        Self {
            scope,
            terms,
            reports,
            letterboxes: std::iter::repeat_with(|| None).take(workers).collect(),
        }
    }

    /// A thread that starts the worker and stays with it. Its death would be the worker's, see [`super::spawn`].
    fn hire(&self, worker: usize) -> std::io::Result<Letterbox<Order>> {
        let (letterbox, mailbox) = mailbox()?;
        let (terms, reports) = (self.terms, self.reports.clone());
        std::thread::Builder::new()
            .name(format!("attendant {worker}"))
            .spawn_scoped(self.scope, move || attend(worker, terms, mailbox, reports))?;
        Ok(letterbox)
    }

    fn post(&self, worker: usize, order: Order) {
        if let Some(letterbox) = &self.letterboxes[worker] {
            letterbox.post(order);
        }
    }
}

impl Crew for Processes<'_, '_> {
    fn lifetime(&self) -> Lifetime {
        if self.terms.one_task {
            Lifetime::OneTask
        } else {
            Lifetime::ManyTasks
        }
    }

    fn is_warm(&self, worker: usize) -> bool {
        self.letterboxes[worker].is_some()
    }

    fn assign(&mut self, worker: usize, assignment: Assignment) -> Result<(), WorkerError> {
        if self.letterboxes[worker].is_none() {
            let letterbox = self.hire(worker).map_err(|error| WorkerError::NotStarted {
                program: self.terms.command.program.clone(),
                reason: error.to_string(),
            })?;
            self.letterboxes[worker] = Some(letterbox);
        }
        self.post(worker, Order::Assign(assignment));
        Ok(())
    }

    fn stop(&mut self, worker: usize, task: u64, reason: StopReason) {
        self.post(worker, Order::Stop { task, reason });
    }

    fn terminate(&mut self, worker: usize, grace: Duration) {
        self.post(worker, Order::Terminate { grace });
    }

    fn bury(&mut self, worker: usize) {
        self.letterboxes[worker] = None;
    }

    fn retire(&mut self) {
        for letterbox in self.letterboxes.iter().flatten() {
            letterbox.post(Order::Retire);
        }
    }
}
