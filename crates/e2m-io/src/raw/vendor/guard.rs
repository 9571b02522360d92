//! What the readers of other people say, in the words of this crate.

use crate::tiff::TiffProblem;
use openreadout_core::source::{Input, LocalFile};
use openreadout_core::{Error, Result};
use std::any::Any;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// What to do about a file that is not read.
pub(super) const EXPORT: &str =
    "export the image as OME-TIFF, tiled, from the software of the microscope";

/// The file as what the readers take. They see this file alone, whatever has its name by now and whatever lies beside it.
pub(super) fn input(path: &Path, file: &Arc<File>) -> std::result::Result<Input, TiffProblem> {
    let name = Path::new(path.file_name().unwrap_or(path.as_os_str()));
    let source = LocalFile::from_file(file.try_clone()?, name);
    Ok(Input::from_source(name, Arc::new(source)))
}

/// Runs what a reader does. A panic in it is a damaged file: no file may end a run.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T>) -> std::result::Result<T, TiffProblem> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(problem(error)),
        Err(panic) => Err(TiffProblem::damaged(format!(
            "its reader came to an end in it ({})",
            words(&*panic)
        ))),
    }
}

fn problem(error: Error) -> TiffProblem {
    match error {
        Error::Unsupported { feature, .. } => TiffProblem::Unsupported {
            found: feature,
            advice: EXPORT,
        },
        Error::Corrupt { detail, offset, .. } => TiffProblem::damaged(match offset {
            Some(offset) => format!("{detail} (at byte {offset})"),
            None => detail,
        }),
        Error::Io { source, .. } => TiffProblem::Read(source),
        other => TiffProblem::damaged(other.to_string()),
    }
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let said = panic.downcast_ref::<&str>().copied();
    said.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_damaged_file() {
        let result = guarded::<()>(|| panic!("index {} out of bounds", 7));
        let said = result.expect_err("a problem").to_string();
        assert_eq!(
            said,
            "the file is damaged: its reader came to an end in it (index 7 out of bounds)"
        );
    }
}
