//! What only somebody who knows all tasks of a batch can say of one: that a raw file is another task's as well.

use crate::doubts::Doubt;
use crate::error::PipelineError;
use crate::manifest::Manifest;
use crate::params::suffix;
use crate::stage::Stage;
use crate::status::Status;
use crate::task::TaskSpec;
use e2m_io::{TaskPaths, lock_folder};

/// What a task is to be called by its record and the files it shares with others.
#[derive(Debug)]
pub struct SharedFiles {
    /// How it has ended, up to the stage that was asked for.
    pub status: Status,
    /// Everything there is to doubt of it apart from alignment and scale.
    pub doubts: Vec<Doubt>,
    /// Why the record does not say so, if it does not.
    pub unrecorded: Option<PipelineError>,
}

/// Puts on record of a task which of its raw files are other tasks' as well: `shared` in place of what is there of that kind. `None`
/// where the task has no record. While another run works on the task nothing is written: that run's batch will say it.
pub fn record_shared_files(spec: &TaskSpec, shared: &[Doubt]) -> Option<SharedFiles> {
    let paths = TaskPaths::new(&spec.output_dir, &spec.sample, &spec.dye).ok()?;
    let path = paths.manifest_path(&suffix(&spec.params, Stage::LAST));
    let mut manifest = Manifest::read(&path)?;
    let mut write = || -> Result<(), PipelineError> {
        let Some(_lock) = lock_folder(&paths.lock_path())? else {
            return Ok(());
        };
        // It may have been written since.
        if let Some(now) = Manifest::read(&path) {
            manifest = now;
        }
        manifest.share_files(shared);
        manifest.write(&path)
    };
    let written = write();
    manifest.share_files(shared);
    Some(SharedFiles {
        status: manifest.judged_status(spec.to_stage),
        doubts: manifest.doubts,
        unrecorded: written.err(),
    })
}

impl Manifest {
    /// Replaces what is on record of files that are other tasks' as well, and judges the task by it, unless it has failed.
    fn share_files(&mut self, shared: &[Doubt]) {
        self.doubts
            .retain(|doubt| !matches!(doubt, Doubt::SharedFile { .. }));
        self.doubts.extend_from_slice(shared);
        let last = self.stages.last().map(|record| record.stage);
        if let Some(last) = last
            && matches!(self.status, Status::Complete | Status::Suspect(_))
        {
            self.status = self.judged_status(last);
        }
    }
}
