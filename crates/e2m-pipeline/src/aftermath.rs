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
pub fn settle(
    tasks: &[(&TaskSpec, Option<&str>)],
    patience: Duration,
) -> Vec<Result<bool, PipelineError>> {
    let began = Instant::now();
    let mut waiting: Vec<Option<Unsettled>> = Vec::new();
    let mut settled: Vec<Result<bool, PipelineError>> = Vec::new();
    for (spec, _) in tasks {
        let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye);
        // What was never begun is in order.
        let there = paths.as_ref().is_ok_and(|paths| paths.dir().is_dir());
        settled.push(paths.as_ref().map_or(Ok(false), |_| Ok(!there)));
        waiting.push(paths.ok().filter(|_| there).map(|paths| Unsettled {
            seeker: LockSeeker::new(&paths.lock_path()),
            paths,
        }));
    }
    loop {
        for (index, place) in waiting.iter_mut().enumerate() {
            let Some(unsettled) = place else {
                continue;
            };
            match unsettled.try_to_settle(tasks[index]) {
                Ok(false) => {}
                done => {
                    settled[index] = done;
                    *place = None;
                }
            }
        }
        if waiting.iter().all(Option::is_none) || began.elapsed() >= patience {
            return settled;
        }
        std::thread::sleep(ASK_EVERY);
    }
}

/// A task whose lock somebody has, or seems to have.
struct Unsettled {
    paths: TaskPaths,
    seeker: LockSeeker,
}

impl Unsettled {
    fn try_to_settle(
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
    note_failure(&path, why)
}

/// Under the task's lock.
fn note_failure(path: &Path, why: &str) -> Result<(), PipelineError> {
    match Manifest::read(path) {
        Some(mut manifest) if matches!(manifest.status, Status::Incomplete(_)) => {
            manifest.status = Status::Error(why.to_owned());
            manifest.write(path)
        }
        _ => Ok(()),
    }
}
