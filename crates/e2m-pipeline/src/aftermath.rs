//! What is left to do for a run that could not do it itself, because it was killed.

use crate::error::PipelineError;
use crate::manifest::Manifest;
use crate::params::suffix;
use crate::status::Status;
use crate::task::TaskSpec;
use e2m_io::{TaskPaths, remove_stale_temporaries};

/// Removes what killed runs left half-written of a task, and answers how many files that were.
///
/// # Errors
/// What the file system says.
pub fn remove_leftovers(spec: &TaskSpec) -> Result<usize, PipelineError> {
    let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye)?;
    let mut removed = 0;
    for dir in paths.all_dirs().iter().filter(|dir| dir.exists()) {
        removed += remove_stale_temporaries(dir)
            .map_err(PipelineError::io(dir, "looking for left-over files"))?;
    }
    Ok(removed)
}

/// Puts into a task's manifest why its run ended, where that run had begun one; otherwise it would be `incomplete` for no
/// reason.
///
/// # Errors
/// What the file system says.
pub fn record_failure(spec: &TaskSpec, why: &str) -> Result<(), PipelineError> {
    let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye)?;
    let path = paths.manifest_path(&suffix(&spec.params, 4));
    let manifest = path.is_file().then(|| Manifest::read(&path)).flatten();
    match manifest {
        Some(mut manifest) if matches!(manifest.status, Status::Incomplete(_)) => {
            manifest.status = Status::Error(why.to_owned());
            manifest.write(&path)
        }
        _ => Ok(()),
    }
}
