//! The state of the protocol with one worker: what each line means, and whether it was the worker's turn. There are no pipes
//! or processes here.

use crate::protocol::{self, FromWorker};
use crate::{Reply, VersionMismatch, WorkerError};
use serde_json::Value;
use std::path::PathBuf;

/// What a line from the worker means.
#[derive(Debug, PartialEq)]
pub(crate) enum Received {
    /// The handshake is done.
    Hello,
    Progress {
        task: u64,
        event: Value,
    },
    Answer {
        task: u64,
        answer: Result<Reply, WorkerError>,
    },
    /// It is about a task that has its answer already. It does no harm and counts for nothing.
    Stale {
        task: u64,
    },
}

/// Why a line ends the worker.
#[derive(Debug, PartialEq)]
pub(crate) enum ReceiveError {
    Fault(WorkerError),
    VersionMismatch(VersionMismatch),
}

impl From<WorkerError> for ReceiveError {
    fn from(error: WorkerError) -> Self {
        Self::Fault(error)
    }
}

/// Whether the worker has said hello, and which task it has.
#[derive(Debug)]
pub(crate) struct ProtocolState {
    program: PathBuf,
    version: String,
    said_hello: bool,
    current: Option<u64>,
    /// The highest task that this worker was ever assigned.
    last_assigned: u64,
}

impl ProtocolState {
    pub(crate) fn new(program: PathBuf, version: String) -> Self {
        Self {
            program,
            version,
            said_hello: false,
            current: None,
            last_assigned: 0,
        }
    }

    /// Whether the worker said hello.
    pub(crate) fn said_hello(&self) -> bool {
        self.said_hello
    }

    /// The task that the worker has now.
    pub(crate) fn current(&self) -> Option<u64> {
        self.current
    }

    /// The worker was assigned a task.
    pub(crate) fn assign(&mut self, task: u64) {
        self.current = Some(task);
        self.last_assigned = task;
    }

    /// Takes a line from the worker, without its end.
    pub(crate) fn receive(&mut self, line: &[u8]) -> Result<Received, ReceiveError> {
        let message: FromWorker<'_> = match serde_json::from_slice(line) {
            Ok(message) => message,
            Err(_) if !self.said_hello => return Err(self.no_hello(line)),
            Err(error) => {
                let what = format!("`{}` is no message ({error})", protocol::excerpt(line));
                return Err(WorkerError::BrokeProtocol { what }.into());
            }
        };
        match message {
            FromWorker::Hello { .. } if self.said_hello => Err(WorkerError::BrokeProtocol {
                what: "it said hello twice".to_owned(),
            }
            .into()),
            FromWorker::Hello { protocol, version } => {
                protocol::compare(&self.version, protocol, &version)
                    .map_err(ReceiveError::VersionMismatch)?;
                self.said_hello = true;
                Ok(Received::Hello)
            }
            _ if !self.said_hello => Err(self.no_hello(line)),
            FromWorker::Progress { id, event } => {
                self.about(id, |task| Received::Progress { task, event })
            }
            FromWorker::Reply { id, value, stopped } => {
                self.answer(id, Ok(Reply { value, stopped }))
            }
            FromWorker::Panicked { id, message } => {
                self.answer(id, Err(WorkerError::Panicked { message }))
            }
            FromWorker::AnswerTooLong { id, bytes } => {
                let limit = protocol::LONGEST_LINE;
                self.answer(id, Err(WorkerError::AnswerTooLong { bytes, limit }))
            }
        }
    }

    fn answer(
        &mut self,
        id: u64,
        answer: Result<Reply, WorkerError>,
    ) -> Result<Received, ReceiveError> {
        let received = self.about(id, |task| Received::Answer { task, answer })?;
        if matches!(received, Received::Answer { .. }) {
            self.current = None;
        }
        Ok(received)
    }

    fn about(
        &self,
        id: u64,
        received: impl FnOnce(u64) -> Received,
    ) -> Result<Received, ReceiveError> {
        if self.current == Some(id) {
            return Ok(received(id));
        }
        if (1..=self.last_assigned).contains(&id) {
            return Ok(Received::Stale { task: id });
        }
        let given = match self.current {
            Some(task) => format!("it was given task {task}"),
            None => "it was given none".to_owned(),
        };
        let what = format!("it spoke of task {id} when {given}");
        Err(WorkerError::BrokeProtocol { what }.into())
    }

    fn no_hello(&self, line: &[u8]) -> ReceiveError {
        WorkerError::HandshakeMissing {
            program: self.program.clone(),
            found: protocol::excerpt(line),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn connected() -> ProtocolState {
        let mut state = ProtocolState::new("/bin/worker".into(), "1.0".to_owned());
        let hello = br#"{"hello":{"protocol":1,"version":"1.0"}}"#;
        assert_eq!(state.receive(hello), Ok(Received::Hello));
        state
    }

    fn fault(result: Result<Received, ReceiveError>) -> String {
        match result {
            Err(ReceiveError::Fault(error)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_task_is_answered_once_and_what_follows_counts_no_more() {
        let mut state = connected();
        state.assign(4);
        let reply = br#"{"reply":{"id":4,"value":{"a":1},"stopped":false}}"#;
        assert_eq!(
            state.receive(reply),
            Ok(Received::Answer {
                task: 4,
                answer: Ok(Reply::done(json!({"a": 1})))
            })
        );
        assert_eq!(state.current(), None);
        assert_eq!(state.receive(reply), Ok(Received::Stale { task: 4 }));
        state.assign(5);
        assert_eq!(state.receive(reply), Ok(Received::Stale { task: 4 }));
        assert_eq!(state.current(), Some(5));
    }

    #[test]
    fn wrong_tasks_and_garbage_break_the_protocol() {
        let mut state = connected();
        state.assign(4);
        let wrong = br#"{"progress":{"id":9,"event":null}}"#;
        assert_eq!(
            fault(state.receive(wrong)),
            "subprocess broke the protocol: it spoke of task 9 when it was given task 4"
        );
        let text = fault(state.receive(b"Segmentation fault"));
        assert!(
            text.starts_with(
                "subprocess broke the protocol: `Segmentation fault` is no message (expected"
            ),
            "{text}"
        );
        let hello = br#"{"hello":{"protocol":1,"version":"1.0"}}"#;
        assert_eq!(
            fault(state.receive(hello)),
            "subprocess broke the protocol: it said hello twice"
        );
    }

    #[test]
    fn another_version_is_named_even_if_it_says_more() {
        let mut state = ProtocolState::new("/bin/worker".into(), "1.0".to_owned());
        let hello = br#"{"hello":{"protocol":7,"version":"3.1","colour":"red"}}"#;
        let Err(ReceiveError::VersionMismatch(mismatch)) = state.receive(hello) else {
            panic!("accepted");
        };
        assert_eq!(
            mismatch.to_string(),
            "the worker is version 3.1 (protocol 7), this program is version 1.0 (protocol 1); start both from the same installation"
        );
    }

    #[test]
    fn the_first_line_has_to_be_a_greeting() {
        let mut state = ProtocolState::new("/bin/cat".into(), "1.0".to_owned());
        assert_eq!(
            fault(state.receive(b"Usage: cat")),
            "subprocess did not say hello but `Usage: cat`; check that /bin/cat is a worker of this program"
        );
    }
}
