//! Both sides' ears without pipes and processes: what they make of any bytes, for tests and fuzzers.

use crate::crew::conversation::{Conversation, Heard, Wrong};
use crate::protocol::{self, FromWorker, LineBuffer, ToWorker};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// What was understood before the end, or before the conversation broke off.
#[doc(hidden)]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overheard {
    /// Messages.
    pub messages: usize,
    /// Why it broke off.
    pub fault: Option<String>,
    /// Whether a message would have been another one after being written and read again, which must never be.
    pub altered: bool,
}

/// What the scheduler makes of everything that a worker prints, as it comes in pieces of `piece` bytes. The worker is given
/// task 1 when it has said hello, and another whenever it answers.
#[doc(hidden)]
pub fn overhear_worker(bytes: &[u8], piece: usize) -> Overheard {
    let mut conversation = Conversation::new(Path::new("worker").to_owned(), "0.1.0".to_owned());
    let mut given = 0;
    each_line::<FromWorker<'_>>(bytes, piece, |line| {
        let heard = conversation.hear(line).map_err(|wrong| match wrong {
            Wrong::Fault(error) => error.to_string(),
            Wrong::Stranger(mismatch) => mismatch.to_string(),
        })?;
        if matches!(heard, Heard::Hello | Heard::Answer { .. }) {
            given += 1;
            conversation.give(given);
        }
        Ok(())
    })
}

/// What a worker makes of everything that its scheduler says, as it comes in pieces of `piece` bytes.
#[doc(hidden)]
pub fn overhear_scheduler(bytes: &[u8], piece: usize) -> Overheard {
    each_line::<ToWorker<'_>>(bytes, piece, |line| match ToWorker::parse(line) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    })
}

fn each_line<M: Serialize + DeserializeOwned + PartialEq>(
    bytes: &[u8],
    piece: usize,
    mut hear: impl FnMut(&[u8]) -> Result<(), String>,
) -> Overheard {
    let mut overheard = Overheard::default();
    let mut buffer = LineBuffer::default();
    for piece in bytes.chunks(piece.max(1)) {
        buffer.push(piece);
        loop {
            let heard = match buffer.take_line() {
                Ok(None) => break,
                Ok(Some(line)) => {
                    overheard.altered |= !survives::<M>(&line);
                    hear(&line)
                }
                Err(protocol::TooLong) => Err("a line is too long".to_owned()),
            };
            if let Err(fault) = heard {
                overheard.fault = Some(fault);
                return overheard;
            }
            overheard.messages += 1;
        }
    }
    overheard
}

/// Whether a message that was understood is understood the same when it is said again.
fn survives<M: Serialize + DeserializeOwned + PartialEq>(line: &[u8]) -> bool {
    let Ok(first) = serde_json::from_slice::<M>(line) else {
        return true;
    };
    let again = serde_json::from_slice(&protocol::line(&first));
    again.is_ok_and(|again: M| again == first)
}
