//! What the scheduler does as time goes by: time limits, the wish to stop, stalls, the machine's memory.

use super::scheduler::{Running, Scheduler};
use super::whole_seconds;
use crate::usage::Usage;
use crate::watchdog::{Advice, IDLE_PATIENCE};
use crate::{Event, StopReason, WorkerError};
use std::time::{Duration, Instant};

/// Between two looks at the machine's memory.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Between two measurements of this process.
const OWN_INTERVAL: Duration = Duration::from_secs(1);

/// How long a task that was asked to stop may go on while it shows that it lives.
const PATIENCE: Duration = Duration::from_secs(30);

/// After a task was asked to stop for want of memory, so long is waited for it before another one is asked.
const STOPPING: Duration = Duration::from_secs(10);

/// Signs of life are measured once a second; less silence than this means nothing.
const SHORTEST_SILENCE: Duration = Duration::from_millis(2500);

impl Scheduler<'_, '_> {
    pub(super) fn look_at_the_clocks(&mut self) {
        let now = Instant::now();
        self.heed_interrupt(now);
        self.heed_memory(now);
        self.heed_time_limit(now);
        self.end_unresponsive(now);
        self.measure_this_process(now);
        self.tell_stalls(now);
    }

    fn heed_interrupt(&mut self, now: Instant) {
        if self.interrupted || !self.outside.interrupt.is_raised() {
            return;
        }
        self.interrupted = true;
        self.close_the_queue();
        for worker in 0..self.slots.len() {
            let Some(running) = &mut self.slots[worker].running else {
                continue;
            };
            let reason = StopReason::Interrupted;
            running.asked = Some((reason.clone(), now));
            if running.begun.is_none() && self.crew.lifetime() != crate::crew::Lifetime::Threads {
                // Its worker is only just starting: nothing is lost.
                self.crew.terminate(worker, Duration::ZERO);
            } else {
                self.crew.stop(worker, running.task, reason);
            }
        }
    }

    fn heed_time_limit(&mut self, now: Instant) {
        let Some(timeout) = self.options.timeout.filter(|_| self.works_in_processes()) else {
            return;
        };
        for worker in 0..self.slots.len() {
            let Some(running) = &mut self.slots[worker].running else {
                continue;
            };
            let late = running
                .begun
                .is_some_and(|begun| now.saturating_duration_since(begun) >= timeout);
            if late && running.condemned.is_none() {
                running.condemned = Some(WorkerError::TimedOut {
                    seconds: whole_seconds(timeout),
                });
                self.crew.stop(worker, running.task, StopReason::TimedOut);
                self.crew.terminate(worker, self.options.grace);
            }
        }
    }

    /// After an interrupt a process that neither answers nor lives is not waited for.
    fn end_unresponsive(&mut self, now: Instant) {
        if !self.interrupted || !self.works_in_processes() {
            return;
        }
        let silence = self.options.grace.max(SHORTEST_SILENCE);
        for worker in 0..self.slots.len() {
            let Some(running) = &mut self.slots[worker].running else {
                continue;
            };
            let Some((_, asked)) = running.asked else {
                continue;
            };
            let waited = now.saturating_duration_since(asked);
            let lives = running.pulse.silence(now) < silence || waited < silence;
            if running.condemned.is_none() && (!lives || waited >= PATIENCE) {
                running.condemned = Some(WorkerError::Unresponsive {
                    seconds: waited.as_secs(),
                });
                self.crew.terminate(worker, self.options.grace);
            }
        }
    }

    /// Tasks in this process share one set of figures.
    fn measure_this_process(&mut self, now: Instant) {
        let due = now.saturating_duration_since(self.last_own_measurement) >= OWN_INTERVAL;
        if self.works_in_processes() || !due {
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
                self.measured(worker, task, usage);
            }
        }
    }

    fn tell_stalls(&mut self, now: Instant) {
        for worker in 0..self.slots.len() {
            let Some(running) = &mut self.slots[worker].running else {
                continue;
            };
            if running.begun.is_some() && running.pulse.stalls(self.options.stall_after, now) {
                let event = Event::TaskStalled {
                    job: running.waiting.job,
                    seconds: running.pulse.silence(now).as_secs(),
                };
                self.tell(&event);
            }
        }
    }

    fn heed_memory(&mut self, now: Instant) {
        let due = self
            .last_look
            .is_none_or(|last| now.saturating_duration_since(last) >= LOOK_INTERVAL);
        let running = self.running().count();
        let Some(watchdog) = self.watchdog.as_mut().filter(|_| due && !self.interrupted) else {
            return;
        };
        self.last_look = Some(now);
        let Some(available) = (self.outside.memory)() else {
            return;
        };
        let min = watchdog.min_bytes();
        match watchdog.look(available, running, now) {
            Advice::GoOn => {}
            Advice::Hold => self.tell(&Event::Held { available, min }),
            Advice::Release => self.tell(&Event::Released),
            Advice::StopOne => self.stop_youngest(available, min, now),
            Advice::TryAnyway => {
                let minutes = IDLE_PATIENCE.as_secs() / 60;
                self.tell(&Event::Note(format!(
                    "memory has not come back for {minutes} min and nothing runs: a task is tried all the same"
                )));
            }
        }
    }

    /// One at a time: memory comes back only when the task has reached its next band.
    fn stop_youngest(&mut self, available_bytes: u64, min_available_bytes: u64, now: Instant) {
        let stopping = |running: &Running| {
            let asked = running.asked.as_ref().map(|(_, when)| *when);
            asked.is_some_and(|when| now.saturating_duration_since(when) < STOPPING)
        };
        if self.running().any(|(_, running)| stopping(running)) {
            return;
        }
        let youngest = self
            .slots
            .iter_mut()
            .enumerate()
            .filter_map(|(worker, slot)| Some((worker, slot.running.as_mut()?)))
            .filter(|(_, running)| running.begun.is_some() && running.condemned.is_none())
            .filter(|(_, running)| running.asked.is_none())
            .max_by_key(|(_, running)| running.task);
        let Some((worker, running)) = youngest else {
            return;
        };
        let reason = StopReason::LowMemory {
            available_bytes,
            min_available_bytes,
        };
        running.asked = Some((reason.clone(), now));
        tracing::debug!(job = running.waiting.job, %reason, "asked to stop");
        self.crew.stop(worker, running.task, reason);
    }
}
