//! What scheduler and worker say to each other: one JSON object per line, over the worker's standard input and output.
//!
//! ```text
//! scheduler                                              worker
//! {"hello":{"protocol":1,"version":"0.1.0","threads":2}}
//!                                                        {"hello":{"protocol":1,"version":"0.1.0"}}
//! {"task":{"id":1,"threads":2,"payload":…}}
//!                                                        {"progress":{"id":1,"event":…}}
//! {"stop":{"id":1,"reason":"interrupted"}}
//!                                                        {"reply":{"id":1,"value":…,"stopped":true}}
//! {"exit":{}}
//! ```
//!
//! The end of the worker's standard input means the same as `exit`, and to a worker that is busy that its scheduler is
//! gone. `hello` keeps its two fields in every protocol to come, so that any two versions can name each other.

use crate::{ServeError, StopReason, VersionMismatch};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// Goes up whenever a message changes its meaning.
pub(crate) const PROTOCOL: u32 = 1;

/// No line may be longer, in either direction, so that garbage cannot eat the memory.
pub(crate) const LONGEST_LINE: usize = 64_000_000;

/// What an error shows of a line.
const EXCERPT_CHARS: usize = 80;

/// From the scheduler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToWorker<'a> {
    Hello {
        protocol: u32,
        version: Cow<'a, str>,
        #[serde(default)]
        threads: usize,
    },
    Task {
        id: u64,
        threads: usize,
        payload: Cow<'a, Value>,
    },
    Stop {
        id: u64,
        reason: StopReason,
    },
    Exit {},
}

impl ToWorker<'_> {
    /// The message in a line without its end.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, ServeError> {
        serde_json::from_slice(line).map_err(|error| ServeError::BrokeProtocol {
            what: format!("`{}` is no message ({error})", excerpt(line)),
        })
    }
}

/// From the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromWorker<'a> {
    Hello {
        protocol: u32,
        version: Cow<'a, str>,
    },
    Progress {
        id: u64,
        event: Value,
    },
    Reply {
        id: u64,
        value: Value,
        stopped: bool,
    },
    Panicked {
        id: u64,
        message: String,
    },
    AnswerTooLong {
        id: u64,
        bytes: usize,
    },
}

/// A message with its line end.
pub(crate) fn line(message: &impl Serialize) -> Vec<u8> {
    // These types hold nothing that JSON cannot say: keys are strings, and writing to memory does not fail.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Whether both sides of a handshake are the same.
pub(crate) fn compare(
    version: &str,
    worker_protocol: u32,
    worker_version: &str,
) -> Result<(), VersionMismatch> {
    if worker_protocol == PROTOCOL && worker_version == version {
        return Ok(());
    }
    Err(VersionMismatch {
        version: version.to_owned(),
        protocol: PROTOCOL,
        worker_version: worker_version.to_owned(),
        worker_protocol,
    })
}

/// The beginning of a line, fit to be shown.
pub(crate) fn excerpt(line: &[u8]) -> String {
    let beginning = &line[..line.len().min(4 * EXCERPT_CHARS + 4)];
    let text = String::from_utf8_lossy(beginning);
    let shown: String = text
        .chars()
        .take(EXCERPT_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let cut = text.chars().count() > EXCERPT_CHARS || beginning.len() < line.len();
    if cut { format!("{shown}…") } else { shown }
}

/// A line got too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Cuts what comes out of a pipe into lines.
#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    bytes: Vec<u8>,
    /// How many of the bytes have been taken; they go when no line is left, not line by line, which would move what follows
    /// each time.
    taken: usize,
    /// How many of the bytes are known to hold no line end that was not taken.
    searched: usize,
}

impl LineBuffer {
    /// Adds what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, without its end.
    pub(crate) fn take_line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let found = self.bytes[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n');
        let Some(offset) = found else {
            self.bytes.drain(..self.taken);
            self.taken = 0;
            self.searched = self.bytes.len();
            return if self.bytes.len() > LONGEST_LINE {
                Err(TooLong)
            } else {
                Ok(None)
            };
        };
        let end = self.searched + offset;
        let line = &self.bytes[self.taken..end];
        self.taken = end + 1;
        self.searched = self.taken;
        if line.len() > LONGEST_LINE {
            return Err(TooLong);
        }
        Ok(Some(line.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_survive_the_way() {
        let task = ToWorker::Task {
            id: 3,
            threads: 2,
            payload: Cow::Owned(json!({"x": [1, 0.1, null]})),
        };
        let line_of_task = line(&task);
        assert_eq!(
            line_of_task,
            b"{\"task\":{\"id\":3,\"threads\":2,\"payload\":{\"x\":[1,0.1,null]}}}\n"
        );
        let back: ToWorker<'_> = serde_json::from_slice(&line_of_task).expect("parses");
        assert_eq!(back, task);
        assert_eq!(line(&ToWorker::Exit {}), b"{\"exit\":{}}\n");
        let reply = FromWorker::Reply {
            id: 3,
            value: json!(7),
            stopped: true,
        };
        let line_of_reply = line(&reply);
        assert_eq!(
            line_of_reply,
            b"{\"reply\":{\"id\":3,\"value\":7,\"stopped\":true}}\n"
        );
        let back: FromWorker<'_> = serde_json::from_slice(&line_of_reply).expect("parses");
        assert_eq!(back, reply);
    }

    /// Without serde_json's `float_roundtrip` some of these lose their last bit.
    #[test]
    fn numbers_arrive_to_the_last_bit() {
        let mut bits = 0x3ff0_0000_0000_0001_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = f64::from_bits(bits);
            if number.is_finite() {
                let there = line(&json!(number));
                let back: Value = serde_json::from_slice(&there).expect("parses");
                assert_eq!(back.as_f64().map(f64::to_bits), Some(bits));
            }
        }
    }

    #[test]
    fn lines_come_whole_however_they_were_read() {
        let mut buffer = LineBuffer::default();
        let mut lines = Vec::new();
        for chunk in ["one\ntw", "o", "\n\nfour\nhalf"] {
            buffer.push(chunk.as_bytes());
            while let Some(line) = buffer.take_line().expect("short lines") {
                lines.push(String::from_utf8(line).expect("text"));
            }
        }
        assert_eq!(lines, ["one", "two", "", "four"]);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut buffer = LineBuffer::default();
        buffer.push(&vec![b'x'; LONGEST_LINE]);
        assert_eq!(buffer.take_line(), Ok(None));
        buffer.push(b"x");
        assert_eq!(buffer.take_line(), Err(TooLong));
    }

    #[test]
    fn an_excerpt_is_short_and_printable() {
        assert_eq!(excerpt(b"\x1b[31mred\xff"), " [31mred\u{fffd}");
        let long = excerpt(&[b'y'; 100_000]);
        assert_eq!(long.chars().count(), EXCERPT_CHARS + 1);
    }
}
