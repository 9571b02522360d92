//! The scheduler: one thread that decides which worker runs what, until every job has its ending.
//!
//! It runs on the caller's thread and alone calls the caller's [`Hooks`]: it reads the available memory, checks the interrupt,
//! and emits events to the listener. Threads and processes belong to the worker pool ([`crate::worker_pool`]).
//!
//! [`reports`] handles what the pool reports. [`timers`] handles what is due as time goes by.

mod reports;
mod timers;

use crate::liveness::Liveness;
use crate::queue::{Capacity, Queue, WaitingJob};
use crate::watchdog::Watchdog;
use crate::worker_pool::{Assignment, Lifetime, WorkerPool, WorkerReport};
use crate::{
    Failure, Interrupt, Job, JobEnding, Options, RunnerEvent, RunnerListener, ScheduleError,
    StopReason, VersionMismatch, WorkerError,
};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long to wait for a report before the timers are checked again.
const TICK: Duration = Duration::from_millis(100);

/// What the caller provides: what the scheduler asks, and whom it tells.
pub(crate) struct Hooks<'a> {
    pub(super) available_memory: &'a dyn Fn() -> Option<u64>,
    pub(super) oom_kills: &'a dyn Fn() -> Option<u64>,
    pub(super) interrupt: &'a Interrupt,
    pub(super) listener: &'a mut dyn RunnerListener,
}

/// A task at a worker.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) queued: WaitingJob,
    /// Different for each attempt at each job, rising.
    pub(super) task: u64,
    pub(super) threads: usize,
    /// When the worker was given the task; `None` while the worker starts.
    pub(super) started: Option<Instant>,
    /// Whether the worker was there before the task, so that it did not have to start first.
    pub(super) warm: bool,
    /// The last reason for which the task was asked to stop, and when.
    pub(super) stop_request: Option<(StopReason, Instant)>,
    /// Why the worker is being killed; `None` while it is not.
    pub(super) kill_reason: Option<WorkerError>,
    pub(super) liveness: Liveness,
    pub(super) oom_kills_before: Option<u64>,
}

/// One worker, as the scheduler sees it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) running: Option<Running>,
    /// Whether the process is about to exit; no task starts here before it has.
    pub(super) exiting: bool,
}

/// See the module.
pub(crate) struct Scheduler<'a, 'pool> {
    pub(super) options: &'a Options,
    pub(super) pool: Box<dyn WorkerPool + 'pool>,
    pub(super) hooks: Hooks<'a>,
    pub(super) queue: Queue,
    pub(super) slots: Vec<Slot>,
    /// How many tasks may run at a time; one fewer after each worker that ran out of memory.
    pub(super) max_running: usize,
    pub(super) watchdog: Option<Watchdog>,
    pub(super) last_memory_reading: Option<Instant>,
    pub(super) last_own_measurement: Instant,
    pub(super) interrupted: bool,
    pub(super) mismatch: Option<VersionMismatch>,
    jobs: &'a [Job],
    reports: Receiver<WorkerReport>,
    endings: Vec<Option<JobEnding>>,
    next_task: u64,
}

impl<'a, 'pool> Scheduler<'a, 'pool> {
    pub(crate) fn new(
        jobs: &'a [Job],
        options: &'a Options,
        pool: Box<dyn WorkerPool + 'pool>,
        reports: Receiver<WorkerReport>,
        hooks: Hooks<'a>,
    ) -> Self {
        let workers = options.runner.workers();
        Self {
            options,
            pool,
            hooks,
            queue: Queue::new(jobs.iter().map(|job| job.plan_bytes)),
            slots: std::iter::repeat_with(Slot::default)
                .take(workers)
                .collect(),
            max_running: workers,
            watchdog: options.min_available_bytes.map(Watchdog::new),
            last_memory_reading: None,
            last_own_measurement: Instant::now(),
            interrupted: false,
            mismatch: None,
            jobs,
            reports,
            endings: vec![None; jobs.len()],
            next_task: 1,
        }
    }

    /// Runs until every job has its ending.
    pub(crate) fn run(mut self) -> Result<Vec<JobEnding>, ScheduleError> {
        loop {
            self.check_timers();
            self.start_what_fits();
            if self.running().next().is_none() && self.queue.is_empty() {
                break;
            }
            match self.reports.recv_timeout(TICK) {
                Ok(report) => self.handle(report),
                Err(RecvTimeoutError::Timeout) => {}
                // The pool holds a sender as long as it exists.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // Reports that piled up meanwhile are cheaper to handle before the timers are checked again.
            for _ in 0..crate::worker_pool::REPORTS {
                let Ok(report) = self.reports.try_recv() else {
                    break;
                };
                self.handle(report);
            }
        }
        self.pool.shut_down();
        let endings = self.endings.into_iter();
        let endings = endings
            .map(|ending| ending.unwrap_or(JobEnding::NotBegun))
            .collect();
        match self.mismatch {
            Some(mismatch) => Err(ScheduleError::VersionMismatch { mismatch, endings }),
            None => Ok(endings),
        }
    }

    pub(super) fn running(&self) -> impl Iterator<Item = (usize, &Running)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(worker, slot)| Some((worker, slot.running.as_ref()?)))
    }

    pub(super) fn emit(&mut self, event: &RunnerEvent<'_>) {
        self.hooks.listener.on_event(event);
    }

    fn start_what_fits(&mut self) {
        while !self.queue.is_empty() && !self.is_held() {
            let running = self.running().count();
            if running >= self.max_running {
                return;
            }
            let Some(worker) = self.free_worker() else {
                return;
            };
            let taken: u64 = self
                .running()
                .map(|(_, running)| running.queued.plan_bytes)
                .fold(0, u64::saturating_add);
            let capacity = Capacity {
                budget_bytes: self
                    .options
                    .memory_budget_bytes
                    .map(|budget| budget.saturating_sub(taken)),
                spare_bytes: self.watchdog.as_ref().and_then(Watchdog::spare_bytes),
                idle: running == 0,
            };
            let Some(queued) = self.queue.take(capacity) else {
                return;
            };
            self.start(worker, queued);
        }
    }

    fn is_held(&self) -> bool {
        self.watchdog.as_ref().is_some_and(Watchdog::is_holding)
    }

    /// A worker without a task; one that is there already rather than one that has to be started.
    fn free_worker(&self) -> Option<usize> {
        let free = || {
            let slots = self.slots.iter().enumerate();
            slots
                .filter(|(_, slot)| slot.running.is_none() && !slot.exiting)
                .map(|(worker, _)| worker)
        };
        free()
            .find(|worker| self.pool.is_warm(*worker))
            .or_else(|| free().next())
    }

    fn start(&mut self, worker: usize, queued: WaitingJob) {
        let assignment = Assignment {
            task: self.next_task,
            job: queued.job,
            threads: self.options.share(worker),
        };
        self.next_task += 1;
        let name = &self.jobs[queued.job].name;
        tracing::debug!(name, worker, task = assignment.task, "assigned to a worker");
        let warm = self.pool.is_warm(worker);
        let assigned = self.pool.assign(worker, assignment);
        self.slots[worker].running = Some(Running {
            queued,
            task: assignment.task,
            threads: assignment.threads,
            started: None,
            warm,
            stop_request: None,
            kill_reason: None,
            liveness: Liveness::new(Instant::now(), None),
            oom_kills_before: (self.hooks.oom_kills)(),
        });
        if let Err(error) = assigned
            && let Some(running) = self.slots[worker].running.take()
        {
            self.fail(worker, &running, error, String::new(), None);
        }
    }

    pub(super) fn fail(
        &mut self,
        worker: usize,
        running: &Running,
        error: WorkerError,
        stderr: String,
        peak_rss_bytes: Option<u64>,
    ) {
        let seconds = running
            .started
            .map_or(0.0, |started| started.elapsed().as_secs_f64());
        let failure = Failure {
            error,
            stderr,
            peak_rss_bytes,
            seconds,
        };
        self.finish(worker, running.queued.job, JobEnding::Failed(failure));
    }

    pub(super) fn finish(&mut self, worker: usize, job: usize, ending: JobEnding) {
        self.hooks.listener.on_event(&RunnerEvent::TaskFinished {
            job,
            worker,
            ending: &ending,
        });
        self.endings[job] = Some(if self.options.keep_answers {
            ending
        } else {
            ending.without_answer()
        });
    }

    /// No task begins any more.
    pub(super) fn clear_queue(&mut self) {
        self.queue.clear();
    }

    pub(super) fn runs_in_processes(&self) -> bool {
        self.pool.lifetime() != Lifetime::Threads
    }
}
