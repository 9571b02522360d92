//! Workers that are threads of this process.

use super::{Assignment, Lifetime, WorkerPool, WorkerReport};
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

/// What all worker threads of a batch have in common.
#[derive(Clone, Copy)]
pub(crate) struct ThreadSetup<'env> {
    pub(crate) jobs: &'env [Job],
    pub(crate) handler: &'env dyn Handler,
    pub(crate) interrupt: &'env Interrupt,
}

/// Why a task should stop, once it should; shared between scheduler and worker.
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

/// The way to a worker thread, which ends when this is dropped.
struct ThreadHandle {
    tasks: Sender<Assignment>,
    stop: StopCell,
}

/// A pool of worker threads. Each is started when it is first needed.
pub(crate) struct ThreadPool<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    setup: ThreadSetup<'env>,
    reports: SyncSender<WorkerReport>,
    threads: Vec<Option<ThreadHandle>>,
}

impl<'scope, 'env> ThreadPool<'scope, 'env> {
    pub(crate) fn new(
        scope: &'scope Scope<'scope, 'env>,
        workers: usize,
        setup: ThreadSetup<'env>,
        reports: SyncSender<WorkerReport>,
    ) -> Self {
        Self {
            scope,
            setup,
            reports,
            threads: std::iter::repeat_with(|| None).take(workers).collect(),
        }
    }

    fn start_thread(&self, worker: usize) -> std::io::Result<ThreadHandle> {
        let (tasks, receiver) = channel();
        let stop = StopCell::default();
        let (setup, reports, cell) = (self.setup, self.reports.clone(), stop.clone());
        std::thread::Builder::new()
            .name(format!("worker {worker}"))
            .spawn_scoped(self.scope, move || {
                run_tasks(worker, setup, &receiver, &reports, &cell);
            })?;
        Ok(ThreadHandle { tasks, stop })
    }
}

impl WorkerPool for ThreadPool<'_, '_> {
    fn lifetime(&self) -> Lifetime {
        Lifetime::Threads
    }

    fn is_warm(&self, worker: usize) -> bool {
        self.threads[worker].is_some()
    }

    fn assign(&mut self, worker: usize, assignment: Assignment) -> Result<(), WorkerError> {
        let thread = match self.threads[worker].take() {
            Some(thread) => thread,
            None => self
                .start_thread(worker)
                .map_err(|error| WorkerError::NoThread {
                    reason: error.to_string(),
                })?,
        };
        thread.stop.set(None);
        // The thread lives as long as its handle.
        let _ = thread.tasks.send(assignment);
        self.threads[worker] = Some(thread);
        Ok(())
    }

    fn stop(&mut self, worker: usize, _: u64, reason: StopReason) {
        if let Some(thread) = &self.threads[worker] {
            thread.stop.set(Some(reason));
        }
    }

    fn terminate(&mut self, _: usize, _: Duration) {}

    fn remove(&mut self, _: usize) {}

    fn shut_down(&mut self) {
        self.threads.clear();
    }
}

impl Drop for ThreadPool<'_, '_> {
    /// Asks all tasks to stop: when the pool is dropped while they run (the listener panicked), nobody waits for their answers.
    fn drop(&mut self) {
        for thread in self.threads.iter().flatten() {
            thread.stop.set(Some(StopReason::Interrupted));
        }
    }
}

/// The loop of a worker thread.
fn run_tasks(
    worker: usize,
    setup: ThreadSetup<'_>,
    tasks: &Receiver<Assignment>,
    reports: &SyncSender<WorkerReport>,
    stop: &StopCell,
) {
    while let Ok(Assignment { task, job, threads }) = tasks.recv() {
        let usage = Usage::of_process(std::process::id());
        let _ = reports.send(WorkerReport::Started {
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
            interrupt: setup.interrupt.clone(),
            throttle: Throttle::default(),
        };
        let answer = handle_guarded(setup.handler, &setup.jobs[job].payload, &mut context)
            .map_err(|message| WorkerError::Panicked { message });
        let answered = WorkerReport::Answered {
            worker,
            task,
            answer,
        };
        if reports.send(answered).is_err() {
            return;
        }
    }
}

/// Handles a task; a panic becomes its message.
pub(crate) fn handle_guarded(
    handler: &dyn Handler,
    payload: &Value,
    context: &mut dyn TaskContext,
) -> Result<Reply, String> {
    // Nothing that the handler left half-done is looked at after a panic.
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
    reports: SyncSender<WorkerReport>,
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
        let _ = self.reports.send(WorkerReport::Progress {
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
