//! What scheduler and worker say to each other. The same bytes go both ways.

use crate::ReadOutcome;
use e2m_pipeline::TaskSpec;
use e2m_schedule::fuzz_api::{StreamReading, read_from_scheduler, read_from_worker};

/// Pipes give what they have: a byte at a time …
const SMALL: usize = 3;
/// … or as much as there is room for.
const LARGE: usize = 16 << 10;

pub(crate) fn read(bytes: &[u8]) -> ReadOutcome {
    let from_worker = both(bytes, read_from_worker);
    let from_scheduler = both(bytes, read_from_scheduler);
    for line in bytes.split(|&byte| byte == b'\n') {
        payload(line);
    }
    // A conversation is one side's; what is good for neither was refused.
    let outcome = if from_worker.messages >= from_scheduler.messages {
        from_worker.fault
    } else {
        from_scheduler.fault
    };
    outcome.map_or(ReadOutcome::Read, ReadOutcome::Refused)
}

/// However it comes, it has to mean the same.
fn both(bytes: &[u8], read: fn(&[u8], usize) -> StreamReading) -> StreamReading {
    let reading = read(bytes, LARGE);
    assert_eq!(reading, read(bytes, SMALL), "pieces matter");
    assert!(!reading.altered, "a message changed on its way");
    reading
}

/// What a task of e2m carries.
fn payload(line: &[u8]) {
    let Ok(task) = serde_json::from_slice::<TaskSpec>(line) else {
        return;
    };
    let again = serde_json::to_vec(&task).map(|json| serde_json::from_slice(&json));
    match again {
        Ok(Ok(again)) => assert_eq!(task, again, "a task changed"),
        Ok(Err(error)) | Err(error) => panic!("a task cannot be handed on: {error}"),
    }
}
