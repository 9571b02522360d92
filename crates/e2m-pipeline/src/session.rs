//! The beginning of a task: both raw files by their headers, then its folders, in which nobody else may work from then on.

use crate::error::PipelineError;
use crate::observer::{Observer, TaskEvent};
use crate::stage::Stage;
use crate::task::{CheckpointFormats, TaskSpec};
use e2m_io::{Attempt, FolderLock, LockSeeker, RawImage, TaskPaths};
use std::time::{Duration, Instant};

/// Another run is asked so often whether it is done.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// Nothing is said of a shorter wait: whoever clears up holds the lock for a moment.
const SAY_AFTER: Duration = Duration::from_secs(1);

/// A task of which no other run makes anything as long as this is there.
pub(crate) struct TaskSession {
    pub(crate) paths: TaskPaths,
    pub(crate) post: RawImage,
    pub(crate) pre: RawImage,
    pub(crate) lock: FolderLock,
    /// What was said meanwhile.
    pub(crate) notes: Vec<String>,
}

impl TaskSession {
    /// Opens the raw files, makes the folders, waits for other runs that work on the task, and removes what killed ones left.
    pub(crate) fn of(spec: &TaskSpec, observer: &mut dyn Observer) -> Result<Self, PipelineError> {
        check(spec)?;
        let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye)?;
        let (post, pre) = open_raw(spec)?;
        paths.create_dir()?;
        let mut notes = Vec::new();
        let lock = wait_for_lock(&paths, observer, &mut notes)?;
        let mut formats = spec.checkpoint_format.list().to_vec();
        if spec.to_stage >= Stage::Difference {
            formats = CheckpointFormats::Both.list().to_vec();
        }
        paths.create_dirs(&formats)?;
        let removed = paths.remove_temporaries(&lock)?;
        if removed > 0 {
            tracing::info!(dir = %paths.dir().display(), removed, "removed what an earlier run left half-written");
        }
        Ok(Self {
            paths,
            post,
            pre,
            lock,
            notes,
        })
    }
}

/// Opens both raw files of a task by their headers, at the pages that its parameters ask for.
pub(crate) fn open_raw(spec: &TaskSpec) -> Result<(RawImage, RawImage), PipelineError> {
    let ([post, pre], [post_page, pre_page]) = (spec.params.channels(), spec.params.pages());
    Ok((
        RawImage::open_page(&spec.post, post_page, post)?,
        RawImage::open_page(&spec.pre, pre_page, pre)?,
    ))
}

/// Refuses what no batch file lets through and another program might ask for.
fn check(spec: &TaskSpec) -> Result<(), PipelineError> {
    let (from, to) = (spec.from_stage, spec.to_stage);
    if from > to {
        return Err(PipelineError::Stages { from, to });
    }
    Ok(spec.params.validate()?)
}

/// Waits until no other run works on the task; what that one makes is then there to be used.
fn wait_for_lock(
    paths: &TaskPaths,
    observer: &mut dyn Observer,
    notes: &mut Vec<String>,
) -> Result<FolderLock, PipelineError> {
    let (started, mut seeker) = (Instant::now(), LockSeeker::new(&paths.lock_path()));
    loop {
        let owner = match seeker.attempt()? {
            Attempt::Held(lock) => return Ok(lock),
            Attempt::Busy(owner) => owner,
        };
        if notes.is_empty() && started.elapsed() >= SAY_AFTER {
            let text = format!("waiting: another run works on this task ({owner})");
            observer.on_event(&TaskEvent::Note { text: text.clone() });
            notes.push(text);
        }
        std::thread::sleep(ASK_EVERY);
        if observer.should_stop() {
            return Err(PipelineError::Interrupted);
        }
    }
}
