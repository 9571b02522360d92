//! A picture, decoded from its first byte to its last. No hash of it is on record.

use super::finding::Fault;
use super::watched::{ReadWatch, Watched};
use crate::error::PipelineError;
use e2m_plot::check_picture;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Larger than any picture, so that a file that was put in its place does not fill the memory.
const MAX_BYTES: u64 = 200_000_000;

/// What is wrong with the picture at `path`.
pub(super) fn verify(path: &Path, watch: ReadWatch<'_>) -> Result<Option<Fault>, PipelineError> {
    let unreadable = |error: std::io::Error| Ok(Some(Fault::Unreadable(error.to_string())));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return unreadable(error),
    };
    let mut content = Watched::new(file.take(MAX_BYTES), watch);
    let mut bytes = Vec::new();
    let read = content.read_to_end(&mut bytes);
    if let Err(error) = content.outcome(read)? {
        return unreadable(error);
    }
    let checked = check_picture(&bytes);
    Ok(checked
        .err()
        .map(|error| Fault::Unreadable(error.to_string())))
}
