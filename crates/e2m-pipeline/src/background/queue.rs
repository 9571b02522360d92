//! The jobs of a lane, and who does them.

use super::Job;
use crate::stage::Stage;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The jobs of a lane that have not begun.
pub(super) struct Queue {
    /// Of its thread.
    pub(super) name: &'static str,
    state: Mutex<QueueState>,
    /// Notified when nobody does its jobs any more.
    left: Condvar,
}

#[derive(Default)]
struct QueueState {
    jobs: VecDeque<Job>,
    worker: Worker,
}

/// Who does the jobs of a lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Worker {
    /// Nobody: there are none.
    #[default]
    None,
    /// Somebody will as soon as a thread is free.
    Called,
    /// A thread does them until none is left.
    Working,
}

impl Queue {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            state: Mutex::default(),
            left: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job. `true` where somebody has to be called to do it.
    pub(super) fn push(&self, job: Job) -> bool {
        let mut state = self.lock();
        state.jobs.push_back(job);
        let calls = state.worker == Worker::None;
        if calls {
            state.worker = Worker::Called;
        }
        calls
    }

    pub(super) fn is_called(&self) -> bool {
        self.lock().worker == Worker::Called
    }

    /// Whether whoever asks is the one to do the jobs.
    pub(super) fn take_up(&self) -> bool {
        let mut state = self.lock();
        let first = state.worker == Worker::Called;
        if first {
            state.worker = Worker::Working;
        }
        first
    }

    /// The next job; where there is none, whoever asks is done with this lane.
    pub(super) fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        let job = state.jobs.pop_front();
        if job.is_none() {
            state.worker = Worker::None;
            self.left.notify_all();
        }
        job
    }

    /// Nobody can be called.
    pub(super) fn give_up(&self) {
        let mut state = self.lock();
        state.jobs.clear();
        state.worker = Worker::None;
    }

    /// Takes back the jobs that have not begun, and waits for the one that has. Answers with the stages of the former.
    pub(super) fn close(&self) -> Vec<Stage> {
        let mut state = self.lock();
        let jobs = std::mem::take(&mut state.jobs);
        if state.worker == Worker::Called {
            state.worker = Worker::None;
        }
        while state.worker == Worker::Working {
            let waited = self.left.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        jobs.into_iter().map(|job| job.stage).collect()
    }
}
