//! Workers that are threads of this process.

use super::{Assignment, Crew, Lifetime, Report};
use crate::throttle::Throttle;
use crate::usage::Usage;
use crate::{Handler, Interrupt, Job, Reply, StopReason, TaskContext, WorkerError};
use serde_json::Value;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

/// What all threads of a batch have in common.
#[derive(Clone, Copy)]
pub(crate) struct Workplace<'env> {
    pub(crate) jobs: &'env [Job],
    pub(crate) handler: &'env dyn Handler,
    pub(crate) interrupt: &'env Interrupt,
}

/// The wish that a task stops, between scheduler and worker.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopCell(Arc<Mutex<Option<StopReason>>>);

impl StopCell {
    pub(crate) fn set(&self, reason: Option<StopReason>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    pub(crate) fn get(&self) -> Option<StopReason> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

struct Desk {
    tasks: Sender<Assignment>,
    stop: StopCell,
}

/// Starts a thread for each worker when it is first needed.
pub(crate) struct Threads<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    workplace: Workplace<'env>,
    reports: SyncSender<Report>,
    desks: Vec<Option<Desk>>,
}

impl<'scope, 'env> Threads<'scope, 'env> {
    pub(crate) fn new(
        scope: &'scope Scope<'scope, 'env>,
        workers: usize,
        workplace: Workplace<'env>,
        reports: SyncSender<Report>,
    ) -> Self {
        Self {
            scope,
            workplace,
            reports,
            desks: std::iter::repeat_with(|| None).take(workers).collect(),
        }
    }

    fn open_desk(&self, worker: usize) -> std::io::Result<Desk> {
        let (tasks, receiver) = channel();
        let stop = StopCell::default();
        let (workplace, reports, cell) = (self.workplace, self.reports.clone(), stop.clone());
        std::thread::Builder::new()
            .name(format!("worker {worker}"))
            .spawn_scoped(self.scope, move || {
                work(worker, workplace, &receiver, &reports, &cell);
            })?;
        Ok(Desk { tasks, stop })
    }
}

impl Crew for Threads<'_, '_> {
    fn lifetime(&self) -> Lifetime {
        Lifetime::Threads
    }

    fn is_warm(&self, worker: usize) -> bool {
        self.desks[worker].is_some()
    }

    fn assign(&mut self, worker: usize, assignment: Assignment) -> Result<(), WorkerError> {
        let desk = match self.desks[worker].take() {
            Some(desk) => desk,
            None => self
                .open_desk(worker)
                .map_err(|error| WorkerError::NoThread {
                    reason: error.to_string(),
                })?,
        };
        desk.stop.set(None);
        // The thread lives as long as its desk.
        let _ = desk.tasks.send(assignment);
        self.desks[worker] = Some(desk);
        Ok(())
    }

    fn stop(&mut self, worker: usize, _: u64, reason: StopReason) {
        if let Some(desk) = &self.desks[worker] {
            desk.stop.set(Some(reason));
        }
    }

    fn terminate(&mut self, _: usize, _: Duration) {}

    fn bury(&mut self, _: usize) {}

    fn retire(&mut self) {
        self.desks.clear();
    }
}

impl Drop for Threads<'_, '_> {
    /// When the scheduler goes before its tasks, by a panic of the listener, they work for nobody.
    fn drop(&mut self) {
        for desk in self.desks.iter().flatten() {
            desk.stop.set(Some(StopReason::Interrupted));
        }
    }
}

fn work(
    worker: usize,
    workplace: Workplace<'_>,
    tasks: &Receiver<Assignment>,
    reports: &SyncSender<Report>,
    stop: &StopCell,
) {
    while let Ok(Assignment { task, job, threads }) = tasks.recv() {
        let usage = Usage::of_process(std::process::id());
        let _ = reports.send(Report::Begun {
            worker,
            task,
            usage,
        });
        let mut context = ThreadContext {
            worker,
            task,
            threads,
            reports: reports.clone(),
            stop: stop.clone(),
            interrupt: workplace.interrupt.clone(),
            throttle: Throttle::default(),
        };
        let answer = guarded(
            workplace.handler,
            &workplace.jobs[job].payload,
            &mut context,
        )
        .map_err(|message| WorkerError::Panicked { message });
        let answered = Report::Answered {
            worker,
            task,
            answer,
        };
        if reports.send(answered).is_err() {
            return;
        }
    }
}

/// Performs a task; a panic becomes its message.
pub(crate) fn guarded(
    handler: &dyn Handler,
    payload: &Value,
    context: &mut dyn TaskContext,
) -> Result<Reply, String> {
    // What the handler left half-done is its own; nothing of it is looked at after a panic.
    catch_unwind(AssertUnwindSafe(|| handler.handle(payload, context)))
        .map_err(|panic| message_of(&*panic))
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    if let Some(message) = panic.downcast_ref::<&str>() {
        (*message).to_owned()
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message.clone()
    } else {
        "without a message".to_owned()
    }
}

struct ThreadContext {
    worker: usize,
    task: u64,
    threads: usize,
    reports: SyncSender<Report>,
    stop: StopCell,
    interrupt: Interrupt,
    throttle: Throttle,
}

impl TaskContext for ThreadContext {
    fn progress(&mut self, event: Value) {
        if self.throttle.admits(&event, Instant::now()) {
            self.report(event);
        }
    }

    fn report(&mut self, event: Value) {
        let _ = self.reports.send(Report::Progress {
            worker: self.worker,
            task: self.task,
            event,
        });
    }

    fn stop_reason(&self) -> Option<StopReason> {
        if self.interrupt.is_raised() {
            return Some(StopReason::Interrupted);
        }
        self.stop.get()
    }

    fn threads(&self) -> usize {
        self.threads
    }
}
