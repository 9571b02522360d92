//! A raw image: whether it is still what the results were made from.

use super::finding::Fault;
use super::watched::{ReadWatch, Watched};
use crate::error::PipelineError;
use e2m_io::{ContentHash, content_hash_of};
use std::fs::File;
use std::path::Path;

/// The hash of the file at `path`, or why it cannot be read.
pub(super) fn hash(
    path: &Path,
    watch: ReadWatch<'_>,
) -> Result<Result<ContentHash, Fault>, PipelineError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return Ok(Err(Fault::Unreadable(error.to_string()))),
    };
    let mut content = Watched::new(file, watch);
    let hash = content_hash_of(&mut content);
    let hash = content.outcome(hash)?;
    Ok(hash.map_err(|error| Fault::Unreadable(error.to_string())))
}
