//! Batch files.

use crate::{Answer, FileInMemory};

/// An error lists everything that is wrong, but nobody reads more than this of it.
const LONGEST_ERROR_BYTES: usize = 64 << 10;

pub(crate) fn read(bytes: &[u8]) -> Answer {
    let file = FileInMemory::of("batch.toml", bytes);
    let answer = Answer::from(e2m_cli::check_batch_file(file.path()));
    if let Answer::Refused(error) = &answer {
        file.assert_named(error);
        let length = error.len();
        assert!(length <= LONGEST_ERROR_BYTES, "an error of {length} bytes");
    }
    answer
}
