//! What the scheduler does as time goes by: the interrupt, available memory, time limits, stalls.

use super::{Running, Scheduler};
use crate::amount::whole_seconds;
use crate::usage::Usage;
use crate::watchdog::{Advice, IDLE_PATIENCE};
use crate::worker_pool::Lifetime;
use crate::{RunnerEvent, StopReason, WorkerError};
use std::time::{Duration, Instant};

/// Between two readings of the machine's available memory.
const MEMORY_INTERVAL: Duration = Duration::from_millis(500);

/// Between two measurements of this process.
const OWN_INTERVAL: Duration = Duration::from_secs(1);

/// How long a task that was asked to stop may go on while it shows signs of life.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a task that was asked to stop for want of memory is waited for before another one is asked.
const LOW_MEMORY_STOP_INTERVAL: Duration = Duration::from_secs(10);

/// The shortest silence that means something: processor time is measured once a second.
const MIN_SILENCE: Duration = Duration::from_millis(2500);

impl Scheduler<'_, '_> {
    pub(super) fn check_timers(&mut self) {
        let now = Instant::now();
        self.check_interrupt(now);
        self.check_memory(now);
        self.check_time_limit(now);
        self.kill_unresponsive(now);
        self.measure_this_process(now);
        self.report_stalls(now);
    }

    fn check_interrupt(&mut self, now: Instant) {
        if self.interrupted || !self.hooks.interrupt.is_raised() {
            return;
        }
        self.interrupted = true;
        self.clear_queue();
        for worker in 0..self.slots.len() {
            let Some(running) = &mut self.slots[worker].running else {
                continue;
            };
            let reason = StopReason::Interrupted;
            running.stop_request = Some((reason.clone(), now));
            if running.started.is_none() && self.pool.lifetime() != Lifetime::Threads {
                // The worker is still starting: no work is lost.
                self.pool.terminate(worker, Duration::ZERO);
            } else {
                self.pool.stop(worker, running.task, reason);
            }
        }
    }

    fn check_time_limit(&mut self, now: Instant) {
        let Some(timeout) = self.options.timeout.filter(|_| self.runs_in_processes()) else {
            return;
        };
        for worker in 0..self.slots.len() {
            let Some(running) = &mut self.slots[worker].running else {
                continue;
            };
            let late = running
                .started
                .is_some_and(|started| now.saturating_duration_since(started) >= timeout);
            if late && running.kill_reason.is_none() {
                running.kill_reason = Some(WorkerError::TimedOut {
                    seconds: whole_seconds(timeout),
                });
                self.pool.stop(worker, running.task, StopReason::TimedOut);
                self.pool.terminate(worker, self.options.grace);
            }
        }
    }

    /// Kills processes that neither answer after an interrupt nor show signs of life.
    fn kill_unresponsive(&mut self, now: Instant) {
        if !self.interrupted || !self.runs_in_processes() {
            return;
        }
        let silence = self.options.grace.max(MIN_SILENCE);
        for worker in 0..self.slots.len() {
            let Some(running) = &mut self.slots[worker].running else {
                continue;
            };
            let Some((_, asked_at)) = running.stop_request else {
                continue;
            };
            let waited = now.saturating_duration_since(asked_at);
            let lives = running.liveness.silence(now) < silence || waited < silence;
            if running.kill_reason.is_none() && (!lives || waited >= STOP_TIMEOUT) {
                running.kill_reason = Some(WorkerError::Unresponsive {
                    seconds: waited.as_secs(),
                });
                self.pool.terminate(worker, self.options.grace);
            }
        }
    }

    /// Measures this process on behalf of all tasks that run in it: they share one set of figures.
    fn measure_this_process(&mut self, now: Instant) {
        let due = now.saturating_duration_since(self.last_own_measurement) >= OWN_INTERVAL;
        if self.runs_in_processes() || !due {
            return;
        }
        self.last_own_measurement = now;
        let tasks: Vec<(usize, u64)> = self
            .running()
            .map(|(worker, running)| (worker, running.task))
            .collect();
        if tasks.is_empty() {
            return;
        }
        if let Some(usage) = Usage::of_process(std::process::id()) {
            for (worker, task) in tasks {
                self.task_measured(worker, task, usage);
            }
        }
    }

    fn report_stalls(&mut self, now: Instant) {
        for worker in 0..self.slots.len() {
            let Some(running) = &mut self.slots[worker].running else {
                continue;
            };
            if running.started.is_some()
                && running.liveness.stall_begins(self.options.stall_after, now)
            {
                let event = RunnerEvent::TaskStalled {
                    job: running.queued.job,
                    seconds: running.liveness.silence(now).as_secs(),
                };
                self.emit(&event);
            }
        }
    }

    fn check_memory(&mut self, now: Instant) {
        let due = self
            .last_memory_reading
            .is_none_or(|last| now.saturating_duration_since(last) >= MEMORY_INTERVAL);
        let running = self.running().count();
        let Some(watchdog) = self.watchdog.as_mut().filter(|_| due && !self.interrupted) else {
            return;
        };
        self.last_memory_reading = Some(now);
        let Some(available) = (self.hooks.available_memory)() else {
            return;
        };
        let min = watchdog.min_bytes();
        match watchdog.judge(available, running, now) {
            Advice::GoOn => {}
            Advice::Hold => self.emit(&RunnerEvent::Held { available, min }),
            Advice::Release => self.emit(&RunnerEvent::Released),
            Advice::StopOne => self.stop_youngest(available, min, now),
            Advice::TryAnyway => {
                let minutes = IDLE_PATIENCE.as_secs() / 60;
                self.emit(&RunnerEvent::Note(format!(
                    "memory has not come back for {minutes} min and nothing runs: a task is tried all the same"
                )));
            }
        }
    }

    /// Asks the youngest task to stop. One at a time: memory comes back only when that task has reached a point where it can.
    fn stop_youngest(&mut self, available_bytes: u64, min_available_bytes: u64, now: Instant) {
        let stopping = |running: &Running| {
            let asked = running.stop_request.as_ref().map(|(_, when)| *when);
            asked.is_some_and(|when| now.saturating_duration_since(when) < LOW_MEMORY_STOP_INTERVAL)
        };
        if self.running().any(|(_, running)| stopping(running)) {
            return;
        }
        let youngest = self
            .slots
            .iter_mut()
            .enumerate()
            .filter_map(|(worker, slot)| Some((worker, slot.running.as_mut()?)))
            .filter(|(_, running)| running.started.is_some() && running.kill_reason.is_none())
            .filter(|(_, running)| running.stop_request.is_none())
            .max_by_key(|(_, running)| running.task);
        let Some((worker, running)) = youngest else {
            return;
        };
        let reason = StopReason::LowMemory {
            available_bytes,
            min_available_bytes,
        };
        running.stop_request = Some((reason.clone(), now));
        tracing::debug!(job = running.queued.job, %reason, "asked to stop");
        self.pool.stop(worker, running.task, reason);
    }
}
