//! What tasks of this process say, on its way to the thread that reports: as it is, and never as JSON.
//!
//! The runner of e2m-schedule carries JSON, for tasks that run in other processes. For tasks of this process it carries
//! the number of the job one way and a mere sign the other; what the sign stands for waits here, by job.

use super::message::{TaskMessage, TaskReply};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Messages and replies by job.
#[derive(Debug)]
pub(super) struct Exchange(Vec<Mutex<Lane>>);

/// What one job has said.
#[derive(Debug, Default)]
struct Lane {
    messages: Vec<TaskMessage>,
    reply: Option<TaskReply>,
}

impl Exchange {
    /// For so many jobs.
    pub(super) fn new(jobs: usize) -> Self {
        Self(std::iter::repeat_with(Mutex::default).take(jobs).collect())
    }

    /// The job begins, or begins again: an earlier reply counts no more.
    pub(super) fn begin(&self, job: usize) {
        self.lane(job).reply = None;
    }

    /// The job says something. Of rows that go by only the last waits.
    pub(super) fn post(&self, job: usize, message: TaskMessage) {
        let messages = &mut self.lane(job).messages;
        match messages.last_mut() {
            Some(last) if last.is_superseded_by(&message) => *last = message,
            _ => messages.push(message),
        }
    }

    /// The job has ended.
    pub(super) fn reply(&self, job: usize, reply: TaskReply) {
        self.lane(job).reply = Some(reply);
    }

    /// Everything that the job has said since the last time.
    pub(super) fn take_messages(&self, job: usize) -> Vec<TaskMessage> {
        std::mem::take(&mut self.lane(job).messages)
    }

    /// Its reply.
    pub(super) fn take_reply(&self, job: usize) -> Option<TaskReply> {
        self.lane(job).reply.take()
    }

    fn lane(&self, job: usize) -> MutexGuard<'_, Lane> {
        self.0[job].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_pipeline::{Stage, TaskEvent};

    #[test]
    fn rows_that_went_by_meanwhile_are_told_once() {
        let exchange = Exchange::new(2);
        let rows = |rows| TaskMessage::Event {
            event: TaskEvent::Progress {
                stage: Stage::Pad,
                what: "padding".into(),
                rows,
                of: 9,
            },
        };
        for message in [rows(0), rows(1), rows(2), rows(9)] {
            exchange.post(1, message);
        }
        assert_eq!(exchange.take_messages(1), [rows(0), rows(2), rows(9)]);
        assert!(exchange.take_messages(0).is_empty() && exchange.take_messages(1).is_empty());
    }
}
