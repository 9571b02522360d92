//! The scheduler: who runs what, until every job has its ending.

use crate::crew::{Assignment, Crew, Lifetime, Report};
use crate::pulse::Pulse;
use crate::queue::{Queue, Room, Waiting};
use crate::watchdog::Watchdog;
use crate::{
    Ending, Event, Failure, Interrupt, Job, Listener, Options, ScheduleError, StopReason,
    VersionMismatch, WorkerError,
};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long to wait for reports before looking at clocks again.
const TICK: Duration = Duration::from_millis(100);

/// The outside world.
pub(super) struct Surroundings<'a> {
    pub(super) memory: &'a dyn Fn() -> Option<u64>,
    pub(super) oom_kills: &'a dyn Fn() -> Option<u64>,
    pub(super) interrupt: &'a Interrupt,
    pub(super) listener: &'a mut dyn Listener,
}

/// A task at a worker.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) waiting: Waiting,
    /// Different for each attempt at each job, rising.
    pub(super) task: u64,
    pub(super) threads: usize,
    /// When it was handed over; `None` while the worker starts.
    pub(super) begun: Option<Instant>,
    /// Its worker had done tasks before, so that it does not have to start first.
    pub(super) warm: bool,
    /// The wish to stop that it was told last, and when.
    pub(super) asked: Option<(StopReason, Instant)>,
    /// Why its worker is being ended.
    pub(super) condemned: Option<WorkerError>,
    pub(super) pulse: Pulse,
    pub(super) oom_kills_before: Option<u64>,
}

/// A worker's place.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) running: Option<Running>,
    /// Its process ends; nothing starts here before it is gone.
    pub(super) leaving: bool,
}

/// See the module.
pub(super) struct Scheduler<'a, 'crew> {
    pub(super) options: &'a Options,
    pub(super) crew: Box<dyn Crew + 'crew>,
    pub(super) outside: Surroundings<'a>,
    pub(super) queue: Queue,
    pub(super) slots: Vec<Slot>,
    /// How many tasks may run at a time; falls with deaths of memory.
    pub(super) width: usize,
    pub(super) watchdog: Option<Watchdog>,
    pub(super) last_look: Option<Instant>,
    pub(super) last_own_measurement: Instant,
    pub(super) interrupted: bool,
    pub(super) mismatch: Option<VersionMismatch>,
    jobs: &'a [Job],
    reports: Receiver<Report>,
    endings: Vec<Option<Ending>>,
    next_task: u64,
}

impl<'a, 'crew> Scheduler<'a, 'crew> {
    pub(super) fn new(
        jobs: &'a [Job],
        options: &'a Options,
        crew: Box<dyn Crew + 'crew>,
        reports: Receiver<Report>,
        outside: Surroundings<'a>,
    ) -> Self {
        let width = options.runner.workers();
        Self {
            options,
            crew,
            outside,
            queue: Queue::new(jobs.iter().map(|job| job.plan_bytes)),
            slots: std::iter::repeat_with(Slot::default).take(width).collect(),
            width,
            watchdog: options.min_available_bytes.map(Watchdog::new),
            last_look: None,
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
    pub(super) fn run(mut self) -> Result<Vec<Ending>, ScheduleError> {
        loop {
            self.look_at_the_clocks();
            self.start_what_fits();
            if self.running().next().is_none() && self.queue.is_empty() {
                break;
            }
            match self.reports.recv_timeout(TICK) {
                Ok(report) => self.hear(report),
                Err(RecvTimeoutError::Timeout) => {}
                // The crew holds a sender as long as it lives.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // What piled up meanwhile is cheaper to hear before the clocks are looked at again.
            for _ in 0..crate::crew::REPORTS {
                let Ok(report) = self.reports.try_recv() else {
                    break;
                };
                self.hear(report);
            }
        }
        self.crew.retire();
        let endings = self.endings.into_iter();
        let endings = endings
            .map(|ending| ending.unwrap_or(Ending::NotBegun))
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

    pub(super) fn tell(&mut self, event: &Event<'_>) {
        self.outside.listener.on_event(event);
    }

    fn start_what_fits(&mut self) {
        while !self.queue.is_empty() && !self.is_held() {
            let running = self.running().count();
            if running >= self.width {
                return;
            }
            let Some(worker) = self.free_worker() else {
                return;
            };
            let taken: u64 = self
                .running()
                .map(|(_, running)| running.waiting.plan_bytes)
                .fold(0, u64::saturating_add);
            let room = Room {
                budget_bytes: self
                    .options
                    .memory_budget_bytes
                    .map(|budget| budget.saturating_sub(taken)),
                spare_bytes: self.watchdog.as_ref().and_then(Watchdog::spare_bytes),
                idle: running == 0,
            };
            let Some(waiting) = self.queue.take(room) else {
                return;
            };
            self.start(worker, waiting);
        }
    }

    fn is_held(&self) -> bool {
        self.watchdog.as_ref().is_some_and(Watchdog::is_holding)
    }

    /// A worker that is there already rather than one that has to be started.
    fn free_worker(&self) -> Option<usize> {
        let free = || {
            let slots = self.slots.iter().enumerate();
            slots
                .filter(|(_, slot)| slot.running.is_none() && !slot.leaving)
                .map(|(worker, _)| worker)
        };
        free()
            .find(|worker| self.crew.is_warm(*worker))
            .or_else(|| free().next())
    }

    fn start(&mut self, worker: usize, waiting: Waiting) {
        let assignment = Assignment {
            task: self.next_task,
            job: waiting.job,
            threads: self.options.share(worker),
        };
        self.next_task += 1;
        let name = &self.jobs[waiting.job].name;
        tracing::debug!(name, worker, task = assignment.task, "given to a worker");
        let warm = self.crew.is_warm(worker);
        let assigned = self.crew.assign(worker, assignment);
        self.slots[worker].running = Some(Running {
            waiting,
            task: assignment.task,
            threads: assignment.threads,
            begun: None,
            warm,
            asked: None,
            condemned: None,
            pulse: Pulse::new(Instant::now(), None),
            oom_kills_before: (self.outside.oom_kills)(),
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
            .begun
            .map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        let failure = Failure {
            error,
            stderr,
            peak_rss_bytes,
            seconds,
        };
        self.finish(worker, running.waiting.job, Ending::Failed(failure));
    }

    pub(super) fn finish(&mut self, worker: usize, job: usize, ending: Ending) {
        self.outside.listener.on_event(&Event::TaskFinished {
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
    pub(super) fn close_the_queue(&mut self) {
        self.queue.clear();
    }

    pub(super) fn works_in_processes(&self) -> bool {
        self.crew.lifetime() != Lifetime::Threads
    }
}
