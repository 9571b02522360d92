//! What a worker says, and whether it was its turn: the protocol without pipes or processes.

use crate::protocol::{self, FromWorker};
use crate::{Reply, VersionMismatch, WorkerError};
use serde_json::Value;
use std::path::PathBuf;

/// What a line means.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
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
    /// About a task that has its result already. No harm is done, and its words count no more.
    Stale {
        task: u64,
    },
}

/// What is wrong with a line.
#[derive(Debug, PartialEq)]
pub(crate) enum Wrong {
    Fault(WorkerError),
    Stranger(VersionMismatch),
}

impl From<WorkerError> for Wrong {
    fn from(error: WorkerError) -> Self {
        Self::Fault(error)
    }
}

/// Where the conversation stands.
#[derive(Debug)]
pub(crate) struct Conversation {
    program: PathBuf,
    version: String,
    greeted: bool,
    current: Option<u64>,
    /// The highest task that was ever given to this worker.
    last_given: u64,
}

impl Conversation {
    pub(crate) fn new(program: PathBuf, version: String) -> Self {
        Self {
            program,
            version,
            greeted: false,
            current: None,
            last_given: 0,
        }
    }

    /// Whether the worker said hello.
    pub(crate) fn greeted(&self) -> bool {
        self.greeted
    }

    /// The task that the worker has.
    pub(crate) fn current(&self) -> Option<u64> {
        self.current
    }

    /// A task was given to the worker.
    pub(crate) fn give(&mut self, task: u64) {
        self.current = Some(task);
        self.last_given = task;
    }

    /// Takes a line without its end.
    pub(crate) fn hear(&mut self, line: &[u8]) -> Result<Heard, Wrong> {
        let message: FromWorker<'_> = match serde_json::from_slice(line) {
            Ok(message) => message,
            Err(_) if !self.greeted => return Err(self.no_hello(line)),
            Err(error) => {
                let what = format!("`{}` is no message ({error})", protocol::excerpt(line));
                return Err(WorkerError::BrokeProtocol { what }.into());
            }
        };
        match message {
            FromWorker::Hello { .. } if self.greeted => Err(WorkerError::BrokeProtocol {
                what: "it said hello twice".to_owned(),
            }
            .into()),
            FromWorker::Hello { protocol, version } => {
                protocol::compare(&self.version, protocol, &version).map_err(Wrong::Stranger)?;
                self.greeted = true;
                Ok(Heard::Hello)
            }
            _ if !self.greeted => Err(self.no_hello(line)),
            FromWorker::Progress { id, event } => {
                self.about(id, |task| Heard::Progress { task, event })
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

    fn answer(&mut self, id: u64, answer: Result<Reply, WorkerError>) -> Result<Heard, Wrong> {
        let heard = self.about(id, |task| Heard::Answer { task, answer })?;
        if matches!(heard, Heard::Answer { .. }) {
            self.current = None;
        }
        Ok(heard)
    }

    fn about(&self, id: u64, heard: impl FnOnce(u64) -> Heard) -> Result<Heard, Wrong> {
        if self.current == Some(id) {
            return Ok(heard(id));
        }
        if (1..=self.last_given).contains(&id) {
            return Ok(Heard::Stale { task: id });
        }
        let given = match self.current {
            Some(task) => format!("it was given task {task}"),
            None => "it was given none".to_owned(),
        };
        let what = format!("it spoke of task {id} when {given}");
        Err(WorkerError::BrokeProtocol { what }.into())
    }

    fn no_hello(&self, line: &[u8]) -> Wrong {
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

    fn greeted() -> Conversation {
        let mut conversation = Conversation::new("/bin/worker".into(), "1.0".to_owned());
        let hello = br#"{"hello":{"protocol":1,"version":"1.0"}}"#;
        assert_eq!(conversation.hear(hello), Ok(Heard::Hello));
        conversation
    }

    fn fault(result: Result<Heard, Wrong>) -> String {
        match result {
            Err(Wrong::Fault(error)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_task_is_answered_once_and_what_follows_counts_no_more() {
        let mut conversation = greeted();
        conversation.give(4);
        let reply = br#"{"reply":{"id":4,"value":{"a":1},"stopped":false}}"#;
        assert_eq!(
            conversation.hear(reply),
            Ok(Heard::Answer {
                task: 4,
                answer: Ok(Reply::done(json!({"a": 1})))
            })
        );
        assert_eq!(conversation.current(), None);
        assert_eq!(conversation.hear(reply), Ok(Heard::Stale { task: 4 }));
        conversation.give(5);
        assert_eq!(conversation.hear(reply), Ok(Heard::Stale { task: 4 }));
        assert_eq!(conversation.current(), Some(5));
    }

    #[test]
    fn wrong_tasks_and_garbage_break_the_protocol() {
        let mut conversation = greeted();
        conversation.give(4);
        let wrong = br#"{"progress":{"id":9,"event":null}}"#;
        assert_eq!(
            fault(conversation.hear(wrong)),
            "subprocess broke the protocol: it spoke of task 9 when it was given task 4"
        );
        let text = fault(conversation.hear(b"Segmentation fault"));
        assert!(
            text.starts_with(
                "subprocess broke the protocol: `Segmentation fault` is no message (expected"
            ),
            "{text}"
        );
        let hello = br#"{"hello":{"protocol":1,"version":"1.0"}}"#;
        assert_eq!(
            fault(conversation.hear(hello)),
            "subprocess broke the protocol: it said hello twice"
        );
    }

    #[test]
    fn another_version_is_named_even_if_it_says_more() {
        let mut conversation = Conversation::new("/bin/worker".into(), "1.0".to_owned());
        let hello = br#"{"hello":{"protocol":7,"version":"3.1","colour":"red"}}"#;
        let Err(Wrong::Stranger(mismatch)) = conversation.hear(hello) else {
            panic!("accepted");
        };
        assert_eq!(
            mismatch.to_string(),
            "the worker is version 3.1 (protocol 7), this program is version 1.0 (protocol 1); start both from the same installation"
        );
    }

    #[test]
    fn the_first_line_has_to_be_a_greeting() {
        let mut conversation = Conversation::new("/bin/cat".into(), "1.0".to_owned());
        assert_eq!(
            fault(conversation.hear(b"Usage: cat")),
            "subprocess did not say hello but `Usage: cat`; check that /bin/cat is a worker of this program"
        );
    }
}
