//! The fuzz API: what scheduler and worker make of any bytes, without pipes and processes.

use crate::protocol::{self, FromWorker, LineBuffer, ToWorker};
use crate::worker_pool::protocol_state::{ProtocolState, ReceiveError, Received};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// What was understood of a stream before its end, or before its first fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamReading {
    /// How many messages.
    pub messages: usize,
    /// The first fault, which ends the reading.
    pub fault: Option<String>,
    /// Whether a message changed when it was written and read again, which must never be.
    pub altered: bool,
}

/// What the scheduler makes of everything that a worker prints, in pieces of `piece` bytes. The worker is assigned task 1 when
/// it has said hello, and another one after each answer.
pub fn read_from_worker(bytes: &[u8], piece: usize) -> StreamReading {
    let mut state = ProtocolState::new(Path::new("worker").to_owned(), "0.1.0".to_owned());
    let mut assigned = 0;
    each_line::<FromWorker<'_>>(bytes, piece, |line| {
        let received = state.receive(line).map_err(|error| match error {
            ReceiveError::Fault(error) => error.to_string(),
            ReceiveError::VersionMismatch(mismatch) => mismatch.to_string(),
        })?;
        if matches!(received, Received::Hello | Received::Answer { .. }) {
            assigned += 1;
            state.assign(assigned);
        }
        Ok(())
    })
}

/// What a worker makes of everything that its scheduler sends, in pieces of `piece` bytes.
pub fn read_from_scheduler(bytes: &[u8], piece: usize) -> StreamReading {
    each_line::<ToWorker<'_>>(bytes, piece, |line| match ToWorker::parse(line) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    })
}

fn each_line<M: Serialize + DeserializeOwned + PartialEq>(
    bytes: &[u8],
    piece: usize,
    mut receive: impl FnMut(&[u8]) -> Result<(), String>,
) -> StreamReading {
    let mut reading = StreamReading::default();
    let mut buffer = LineBuffer::default();
    for piece in bytes.chunks(piece.max(1)) {
        buffer.push(piece);
        loop {
            let received = match buffer.take_line() {
                Ok(None) => break,
                Ok(Some(line)) => {
                    reading.altered |= !survives::<M>(&line);
                    receive(&line)
                }
                Err(protocol::TooLong) => Err("a line is too long".to_owned()),
            };
            if let Err(fault) = received {
                reading.fault = Some(fault);
                return reading;
            }
            reading.messages += 1;
        }
    }
    reading
}

/// Whether a message that was understood is understood the same when it is written again.
fn survives<M: Serialize + DeserializeOwned + PartialEq>(line: &[u8]) -> bool {
    let Ok(first) = serde_json::from_slice::<M>(line) else {
        return true;
    };
    let again = serde_json::from_slice(&protocol::line(&first));
    again.is_ok_and(|again: M| again == first)
}
