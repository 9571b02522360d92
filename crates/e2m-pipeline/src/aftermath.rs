//! What is left to do for a run that could not do it itself, because it was killed.

use crate::error::PipelineError;
use crate::manifest::Manifest;
use crate::params::suffix;
use crate::status::Status;
use crate::task::TaskSpec;
use e2m_io::{TaskPaths, is_locked, lock_folder};

/// Removes what killed runs left half-written of a task, and answers how many files that were. Where another run works on
/// the task, nothing is removed.
///
/// # Errors
/// What the file system says.
pub fn remove_leftovers(spec: &TaskSpec) -> Result<usize, PipelineError> {
    let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye)?;
    if !paths.has_temporaries()? {
        return Ok(0);
    }
    match lock_folder(&paths.lock_path())? {
        Some(lock) => Ok(paths.remove_temporaries(&lock)?),
        None => Ok(0),
    }
}

/// Whether another run works on a task just now, as far as a look tells.
pub fn is_worked_on(spec: &TaskSpec) -> bool {
    TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye)
        .is_ok_and(|paths| is_locked(&paths.lock_path()))
}

/// Puts into a task's manifest why its run ended, where that run had begun one; otherwise it would be `incomplete` for no
/// reason. Where another run works on the task by now, nothing is written.
///
/// # Errors
/// What the file system says.
pub fn record_failure(spec: &TaskSpec, why: &str) -> Result<(), PipelineError> {
    let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye)?;
    let path = paths.manifest_path(&suffix(&spec.params, 4));
    if !path.is_file() {
        return Ok(());
    }
    let Some(_lock) = lock_folder(&paths.lock_path())? else {
        return Ok(());
    };
    match Manifest::read(&path) {
        Some(mut manifest) if matches!(manifest.status, Status::Incomplete(_)) => {
            manifest.status = Status::Error(why.to_owned());
            manifest.write(&path)
        }
        _ => Ok(()),
    }
}
