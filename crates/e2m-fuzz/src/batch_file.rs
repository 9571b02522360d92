//! Batch files.

use crate::{FileInMemory, ReadOutcome};

/// An error lists everything that is wrong, but nobody reads more than this of it.
const LONGEST_ERROR_BYTES: usize = 64 << 10;

pub(crate) fn read(bytes: &[u8]) -> ReadOutcome {
    let file = FileInMemory::of("batch.toml", bytes);
    let outcome = ReadOutcome::from(e2m_batch::BatchFile::read(file.path()).map(drop));
    if let ReadOutcome::Refused(error) = &outcome {
        file.assert_named(error);
        let length = error.len();
        assert!(length <= LONGEST_ERROR_BYTES, "an error of {length} bytes");
    }
    outcome
}
