//! What the scheduler makes of the crew's reports.

use super::scheduler::{Running, Scheduler};
use crate::crew::{Cause, Departure, Lifetime, Report};
use crate::pulse::Pulse;
use crate::usage::Usage;
use crate::{Ending, Event, Reply, StopReason, WorkerError};
use std::time::{Duration, Instant};

/// How often a task may be stopped for want of memory. Then it has had its chances, and the night is short.
const MOST_POSTPONEMENTS: u32 = 5;

/// SIGKILL.
const KILLED: i32 = 9;

impl Scheduler<'_, '_> {
    pub(super) fn hear(&mut self, report: Report) {
        match report {
            Report::Begun {
                worker,
                task,
                usage,
            } => self.begun(worker, task, usage),
            Report::Progress {
                worker,
                task,
                event,
            } => {
                if let Some(running) = self.at(worker, task) {
                    running.pulse.beat(Instant::now());
                    let job = running.waiting.job;
                    self.tell(&Event::Progress { job, event: &event });
                }
            }
            Report::Measured {
                worker,
                task,
                usage,
            } => self.measured(worker, task, usage),
            Report::Answered {
                worker,
                task,
                answer,
            } => self.answered(worker, task, answer),
            Report::Note(note) => self.tell(&Event::Note(note)),
            Report::Gone { worker, departure } => self.gone(worker, departure),
        }
    }

    /// The task `task`, if it is still the one at this worker.
    fn at(&mut self, worker: usize, task: u64) -> Option<&mut Running> {
        let running = self.slots[worker].running.as_mut();
        running.filter(|running| running.task == task)
    }

    fn begun(&mut self, worker: usize, task: u64, usage: Option<Usage>) {
        let Some(running) = self.at(worker, task) else {
            return;
        };
        let now = Instant::now();
        running.begun = Some(now);
        running.pulse = Pulse::new(now, usage.map(|usage| usage.cpu_seconds));
        let event = Event::TaskStarted {
            job: running.waiting.job,
            worker,
            attempt: running.waiting.attempt,
            threads: running.threads,
        };
        self.tell(&event);
    }

    pub(super) fn measured(&mut self, worker: usize, task: u64, usage: Usage) {
        let Some(running) = self.at(worker, task) else {
            return;
        };
        running.pulse.measure(usage.cpu_seconds, Instant::now());
        let event = Event::Usage {
            job: running.waiting.job,
            worker,
            rss_bytes: usage.rss_bytes,
            cpu_seconds: usage.cpu_seconds,
        };
        self.tell(&event);
    }

    fn answered(&mut self, worker: usize, task: u64, answer: Result<Reply, WorkerError>) {
        let lifetime = self.crew.lifetime();
        let Some(running) = self.at(worker, task) else {
            return;
        };
        match answer {
            // Its worker is being ended, and its failure is told when that is done.
            Ok(reply) if reply.stopped && is_timed_out(running) => {
                self.crew.terminate(worker, Duration::ZERO);
            }
            Ok(reply) => {
                let ending = running.condemned.is_some();
                self.slots[worker].leaving |= ending || lifetime == Lifetime::OneTask;
                if let Some(running) = self.slots[worker].running.take() {
                    self.replied(worker, running, reply);
                }
            }
            Err(error) if lifetime == Lifetime::Threads => {
                if let Some(running) = self.slots[worker].running.take() {
                    self.fail(worker, &running, error, String::new(), None);
                }
            }
            // A panic may leave anything behind; a new process does not. The failure is told with the last words of the old.
            Err(error) => {
                running.condemned.get_or_insert(error);
                self.crew.terminate(worker, Duration::ZERO);
            }
        }
    }

    fn replied(&mut self, worker: usize, running: Running, reply: Reply) {
        let job = running.waiting.job;
        if !reply.stopped {
            self.finish(worker, job, Ending::Done(reply.value));
            return;
        }
        match &running.asked {
            Some((reason @ StopReason::LowMemory { .. }, _)) if !self.interrupted => {
                let reason = reason.clone();
                self.postpone(worker, running, reason);
            }
            _ => self.finish(worker, job, Ending::Stopped(reply.value)),
        }
    }

    fn postpone(&mut self, worker: usize, running: Running, reason: StopReason) {
        let mut waiting = running.waiting.clone();
        waiting.postponed += 1;
        waiting.attempt += 1;
        if waiting.postponed >= MOST_POSTPONEMENTS {
            let error = WorkerError::LowMemory {
                times: waiting.postponed,
                reason,
            };
            self.fail(worker, &running, error, String::new(), None);
            return;
        }
        self.tell(&Event::TaskPostponed {
            job: waiting.job,
            reason: &reason,
        });
        self.queue.put_first(waiting);
    }

    fn gone(&mut self, worker: usize, departure: Departure) {
        let Departure {
            cause,
            stderr,
            peak_rss_bytes,
        } = departure;
        self.crew.bury(worker);
        let expected = std::mem::take(&mut self.slots[worker].leaving);
        let Some(running) = self.slots[worker].running.take() else {
            if !expected {
                let how = self.error_of(cause, None);
                let note = format!("worker {worker} ended between two tasks ({how})");
                self.tell(&Event::Note(note));
            }
            return;
        };
        let cause = match cause {
            Cause::Stranger(mismatch) => {
                self.mismatch.get_or_insert(mismatch);
                self.close_the_queue();
                return;
            }
            _ if self.interrupted && running.begun.is_none() => return,
            cause => cause,
        };
        let unmet = running.warm && running.begun.is_none() && running.condemned.is_none();
        if unmet && self.mismatch.is_none() {
            // It died idle, and the task came too late to have a part in it.
            let how = self.error_of(cause, None);
            let note = format!("worker {worker} ended between two tasks ({how})");
            self.tell(&Event::Note(note));
            self.queue.put_first(running.waiting);
            return;
        }
        let error = match running.condemned.clone() {
            Some(condemned) => condemned,
            None => self.error_of(cause, running.oom_kills_before),
        };
        let tries_left = running.waiting.memory_deaths < self.options.retries;
        let goes_on = !self.interrupted && self.mismatch.is_none();
        if error.is_memory_death() && tries_left && goes_on {
            self.retry(running, &error);
        } else {
            self.fail(worker, &running, error, stderr, peak_rss_bytes);
        }
    }

    fn retry(&mut self, running: Running, error: &WorkerError) {
        self.width = (self.width - 1).max(1);
        let mut waiting = running.waiting;
        waiting.memory_deaths += 1;
        waiting.attempt += 1;
        self.tell(&Event::TaskRetried {
            job: waiting.job,
            reason: error,
            workers: self.width,
        });
        self.queue.put_last(waiting);
    }

    fn error_of(&self, cause: Cause, oom_kills_before: Option<u64>) -> WorkerError {
        match cause {
            Cause::Exited(code) => WorkerError::ExitedWithoutResult { code },
            Cause::Signalled(KILLED) => {
                let kills = (self.outside.oom_kills)();
                WorkerError::LikelyOom {
                    confirmed: kills
                        .zip(oom_kills_before)
                        .is_some_and(|(now, before)| now > before),
                }
            }
            Cause::Signalled(signal) => WorkerError::KilledBySignal { signal },
            Cause::Fault(error) => error,
            // Comes only before a task, where it ends the batch.
            Cause::Stranger(mismatch) => WorkerError::BrokeProtocol {
                what: mismatch.to_string(),
            },
        }
    }
}

fn is_timed_out(running: &Running) -> bool {
    matches!(running.condemned, Some(WorkerError::TimedOut { .. }))
}
