//! How the scheduler handles what the worker pool reports.

use super::{Running, Scheduler};
use crate::liveness::Liveness;
use crate::usage::Usage;
use crate::worker_pool::{ExitCause, Lifetime, WorkerExit, WorkerReport};
use crate::{JobEnding, Reply, RunnerEvent, StopReason, WorkerError};
use std::time::{Duration, Instant};

/// How often a task may be stopped for want of memory. After that it fails: a batch has to end.
const MOST_POSTPONEMENTS: u32 = 5;

/// SIGKILL.
const KILLED: i32 = 9;

impl Scheduler<'_, '_> {
    pub(super) fn handle(&mut self, report: WorkerReport) {
        match report {
            WorkerReport::Started {
                worker,
                task,
                usage,
            } => self.task_started(worker, task, usage),
            WorkerReport::Progress {
                worker,
                task,
                event,
            } => {
                if let Some(running) = self.running_task(worker, task) {
                    running.liveness.record_sign(Instant::now());
                    let job = running.queued.job;
                    self.emit(&RunnerEvent::Progress { job, event: &event });
                }
            }
            WorkerReport::Measured {
                worker,
                task,
                usage,
            } => self.task_measured(worker, task, usage),
            WorkerReport::Answered {
                worker,
                task,
                answer,
            } => self.task_answered(worker, task, answer),
            WorkerReport::Note(note) => self.emit(&RunnerEvent::Note(note)),
            WorkerReport::Exited { worker, exit } => self.worker_exited(worker, exit),
        }
    }

    /// The task `task`, if this worker still has it.
    fn running_task(&mut self, worker: usize, task: u64) -> Option<&mut Running> {
        let running = self.slots[worker].running.as_mut();
        running.filter(|running| running.task == task)
    }

    fn task_started(&mut self, worker: usize, task: u64, usage: Option<Usage>) {
        let Some(running) = self.running_task(worker, task) else {
            return;
        };
        let now = Instant::now();
        running.started = Some(now);
        running.liveness = Liveness::new(now, usage.map(|usage| usage.cpu_seconds));
        let event = RunnerEvent::TaskStarted {
            job: running.queued.job,
            worker,
            attempt: running.queued.attempt,
            threads: running.threads,
        };
        self.emit(&event);
    }

    pub(super) fn task_measured(&mut self, worker: usize, task: u64, usage: Usage) {
        let Some(running) = self.running_task(worker, task) else {
            return;
        };
        running
            .liveness
            .record_cpu(usage.cpu_seconds, Instant::now());
        let event = RunnerEvent::Usage {
            job: running.queued.job,
            worker,
            rss_bytes: usage.rss_bytes,
            cpu_seconds: usage.cpu_seconds,
        };
        self.emit(&event);
    }

    fn task_answered(&mut self, worker: usize, task: u64, answer: Result<Reply, WorkerError>) {
        let lifetime = self.pool.lifetime();
        let Some(running) = self.running_task(worker, task) else {
            return;
        };
        match answer {
            // The worker is being killed; the failure is emitted when it has exited.
            Ok(reply) if reply.stopped && is_timed_out(running) => {
                self.pool.terminate(worker, Duration::ZERO);
            }
            Ok(reply) => {
                let killed = running.kill_reason.is_some();
                self.slots[worker].exiting |= killed || lifetime == Lifetime::OneTask;
                if let Some(running) = self.slots[worker].running.take() {
                    self.task_replied(worker, running, reply);
                }
            }
            Err(error) if lifetime == Lifetime::Threads => {
                if let Some(running) = self.slots[worker].running.take() {
                    self.fail(worker, &running, error, String::new(), None);
                }
            }
            // A panic may leave the process in any state, so the next task gets a new one. The failure is emitted with the
            // end of the old process's standard error.
            Err(error) => {
                running.kill_reason.get_or_insert(error);
                self.pool.terminate(worker, Duration::ZERO);
            }
        }
    }

    fn task_replied(&mut self, worker: usize, running: Running, reply: Reply) {
        let job = running.queued.job;
        if !reply.stopped {
            self.finish(worker, job, JobEnding::Done(reply.value));
            return;
        }
        match &running.stop_request {
            Some((reason @ StopReason::LowMemory { .. }, _)) if !self.interrupted => {
                let reason = reason.clone();
                self.postpone(worker, running, reason);
            }
            _ => self.finish(worker, job, JobEnding::Stopped(reply.value)),
        }
    }

    fn postpone(&mut self, worker: usize, running: Running, reason: StopReason) {
        let mut queued = running.queued.clone();
        queued.postponed += 1;
        queued.attempt += 1;
        if queued.postponed >= MOST_POSTPONEMENTS {
            let error = WorkerError::LowMemory {
                times: queued.postponed,
                reason,
            };
            self.fail(worker, &running, error, String::new(), None);
            return;
        }
        self.emit(&RunnerEvent::TaskPostponed {
            job: queued.job,
            reason: &reason,
        });
        self.queue.push_front(queued);
    }

    fn worker_exited(&mut self, worker: usize, exit: WorkerExit) {
        let WorkerExit {
            cause,
            stderr,
            peak_rss_bytes,
        } = exit;
        self.pool.remove(worker);
        let expected = std::mem::take(&mut self.slots[worker].exiting);
        let Some(running) = self.slots[worker].running.take() else {
            if !expected {
                let how = self.error_of(cause, None);
                let note = format!("worker {worker} ended between two tasks ({how})");
                self.emit(&RunnerEvent::Note(note));
            }
            return;
        };
        let cause = match cause {
            ExitCause::VersionMismatch(mismatch) => {
                self.mismatch.get_or_insert(mismatch);
                self.clear_queue();
                return;
            }
            _ if self.interrupted && running.started.is_none() => return,
            cause => cause,
        };
        let never_received =
            running.warm && running.started.is_none() && running.kill_reason.is_none();
        if never_received && self.mismatch.is_none() {
            // The worker died idle, before the task reached it: the task is not to blame.
            let how = self.error_of(cause, None);
            let note = format!("worker {worker} ended between two tasks ({how})");
            self.emit(&RunnerEvent::Note(note));
            self.queue.push_front(running.queued);
            return;
        }
        let error = match running.kill_reason.clone() {
            Some(kill_reason) => kill_reason,
            None => self.error_of(cause, running.oom_kills_before),
        };
        let tries_left = running.queued.memory_deaths < self.options.retries;
        let batch_goes_on = !self.interrupted && self.mismatch.is_none();
        if error.is_out_of_memory() && tries_left && batch_goes_on {
            self.retry(running, &error);
        } else {
            self.fail(worker, &running, error, stderr, peak_rss_bytes);
        }
    }

    fn retry(&mut self, running: Running, error: &WorkerError) {
        self.max_running = (self.max_running - 1).max(1);
        let mut queued = running.queued;
        queued.memory_deaths += 1;
        queued.attempt += 1;
        self.emit(&RunnerEvent::TaskRetried {
            job: queued.job,
            reason: error,
            workers: self.max_running,
        });
        self.queue.push_back(queued);
    }

    fn error_of(&self, cause: ExitCause, oom_kills_before: Option<u64>) -> WorkerError {
        match cause {
            ExitCause::Exited(code) => WorkerError::ExitedWithoutResult { code },
            ExitCause::Signalled(KILLED) => {
                let kills = (self.hooks.oom_kills)();
                WorkerError::LikelyOom {
                    confirmed: kills
                        .zip(oom_kills_before)
                        .is_some_and(|(now, before)| now > before),
                }
            }
            ExitCause::Signalled(signal) => WorkerError::KilledBySignal { signal },
            ExitCause::Fault(error) => error,
            // A version mismatch shows before the first task, where it ends the batch.
            ExitCause::VersionMismatch(mismatch) => WorkerError::BrokeProtocol {
                what: mismatch.to_string(),
            },
        }
    }
}

fn is_timed_out(running: &Running) -> bool {
    matches!(running.kill_reason, Some(WorkerError::TimedOut { .. }))
}
