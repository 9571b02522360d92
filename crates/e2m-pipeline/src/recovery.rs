//! What is left to do for a run that could not do it itself, because it was killed.

use crate::error::PipelineError;
use crate::manifest::Manifest;
use crate::params::suffix;
use crate::stage::Stage;
use crate::status::Status;
use crate::task::TaskSpec;
use e2m_io::{Attempt, LockSeeker, TaskPaths, is_locked, lock_folder};
use std::path::Path;
use std::time::{Duration, Instant};

/// Locks are asked for so often.
const ASK_EVERY: Duration = Duration::from_millis(500);

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

/// Puts tasks in order whose runs were killed, perhaps on another machine: removes what is half-written of each, and puts into
/// its manifest why it ended (where a reason is given), as [`record_failure`] does. The lock of a dead run on another machine
/// can only be taken over after it has stood still for a minute; for all tasks together that is waited for once, and no longer than
/// `patience`.
///
/// Answers, in the same order, with whether each was put in order. Where another run goes on working on one, it was not.
pub fn recover(
    tasks: &[(&TaskSpec, Option<&str>)],
    patience: Duration,
) -> Vec<Result<bool, PipelineError>> {
    let began = Instant::now();
    let mut waiting: Vec<Option<Unrecovered>> = Vec::new();
    let mut recovered: Vec<Result<bool, PipelineError>> = Vec::new();
    for (spec, _) in tasks {
        let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye);
        // What was never begun is in order.
        let there = paths.as_ref().is_ok_and(|paths| paths.dir().is_dir());
        recovered.push(paths.as_ref().map_or(Ok(false), |_| Ok(!there)));
        waiting.push(paths.ok().filter(|_| there).map(|paths| Unrecovered {
            seeker: LockSeeker::new(&paths.lock_path()),
            paths,
        }));
    }
    loop {
        for (index, slot) in waiting.iter_mut().enumerate() {
            let Some(unrecovered) = slot else {
                continue;
            };
            match unrecovered.try_to_recover(tasks[index]) {
                Ok(false) => {}
                done => {
                    recovered[index] = done;
                    *slot = None;
                }
            }
        }
        if waiting.iter().all(Option::is_none) || began.elapsed() >= patience {
            return recovered;
        }
        std::thread::sleep(ASK_EVERY);
    }
}

/// A task whose lock somebody has, or seems to have.
struct Unrecovered {
    paths: TaskPaths,
    seeker: LockSeeker,
}

impl Unrecovered {
    fn try_to_recover(
        &mut self,
        (spec, why): (&TaskSpec, Option<&str>),
    ) -> Result<bool, PipelineError> {
        let Attempt::Held(lock) = self.seeker.attempt()? else {
            return Ok(false);
        };
        self.paths.remove_temporaries(&lock)?;
        if let Some(why) = why {
            note_failure(
                &self.paths.manifest_path(&suffix(&spec.params, Stage::LAST)),
                spec.to_stage,
                why,
            )?;
        }
        Ok(true)
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
    let path = paths.manifest_path(&suffix(&spec.params, Stage::LAST));
    if !path.is_file() {
        return Ok(());
    }
    let Some(_lock) = lock_folder(&paths.lock_path())? else {
        return Ok(());
    };
    note_failure(&path, spec.to_stage, why)
}

/// Puts into a task's manifest why its last run could not begin: a raw image that cannot be read. The results on record are as
/// they were, and the next run that can read it says so. Where another run works on the task, nothing is written.
pub(crate) fn record_unreadable(spec: &TaskSpec, error: &PipelineError) {
    let written = || -> Result<(), PipelineError> {
        let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye)?;
        let path = paths.manifest_path(&suffix(&spec.params, Stage::LAST));
        if !path.is_file() {
            return Ok(());
        }
        let Some(_lock) = lock_folder(&paths.lock_path())? else {
            return Ok(());
        };
        let Some(mut manifest) = Manifest::read(&path) else {
            return Ok(());
        };
        manifest.status = Status::Error(error.to_string());
        manifest.write(&path)
    };
    // The user hears what went wrong first.
    if let Err(also) = written() {
        tracing::info!(%also, "the manifest does not say that the last run failed");
    }
}

/// Under the task's lock.
fn note_failure(path: &Path, to_stage: Stage, why: &str) -> Result<(), PipelineError> {
    let Some(mut manifest) = Manifest::read(path) else {
        return Ok(());
    };
    let last = manifest.stages.last().map(|last| last.stage);
    let is_whole = match &manifest.status {
        Status::Complete | Status::Suspect(_) => last >= Some(to_stage),
        // An error is that of an earlier run, unless this one was killed just after it had said why.
        Status::Error(_) | Status::Incomplete(_) => false,
    };
    if is_whole {
        return Ok(());
    }
    manifest.status = Status::Error(why.to_owned());
    manifest.write(path)
}
