//! The scripts of a submission.

use super::record_error::RecordError;
use super::sizing;
use super::submission::{ArrayRecord, Submission};
use crate::batch_file::SlurmSettings;
use crate::human;
use e2m_schedule::slurm::{ArrayScript, DependentScript, Group, Site};
use std::path::{Path, PathBuf};

/// What all scripts of a submission have in common.
pub(super) struct Scripts<'a> {
    pub(super) submission: &'a Submission,
    pub(super) site: &'a Site,
    pub(super) settings: &'a SlurmSettings,
    /// This program, as its jobs are to call it.
    pub(super) program: &'a Path,
}

impl Scripts<'_> {
    /// The script of an array, and its text.
    pub(super) fn array(&self, array: &ArrayRecord) -> Result<(PathBuf, String), RecordError> {
        let folder = &self.submission.folder;
        let (program, list) = (self.program, folder.join(format!("{}.json", array.name)));
        let logs = folder.join("logs");
        let log = format!(
            "{}/%A_%a.log",
            ArrayScript::escaped(Submission::text(&logs)?)
        );
        let group = Group {
            jobs: array.tasks.clone(),
            memory_bytes: array.memory_bytes,
            seconds: array.seconds,
            at_a_time: array.at_a_time,
            after: array.after,
        };
        let waits = array
            .after
            .and_then(|index| self.submission.record.arrays.get(index));
        let waits = waits.map_or_else(String::new, |array| format!(", after {}", array.name));
        let try_again = if array.again {
            " again, with more memory"
        } else {
            ""
        };
        let text = ArrayScript {
            name: &self.name(),
            group: &group,
            cpus: array.cpus,
            site: self.site,
            log: &log,
            warn_seconds: array.warn_seconds,
            command: &[
                Submission::text(program)?,
                "slurm-task",
                Submission::text(&list)?,
            ],
            about: &format!(
                "{}{try_again}{waits}: e2m {}, {}",
                human::count(array.tasks.len(), "task"),
                env!("CARGO_PKG_VERSION"),
                self.submission.record.batch.display()
            ),
        };
        Ok((folder.join(format!("{}.sh", array.name)), text.to_string()))
    }

    /// The script of the job that collects, and its text.
    pub(super) fn collector(&self) -> Result<(PathBuf, String), RecordError> {
        let folder = &self.submission.folder;
        let logs = folder.join("logs");
        let log = format!(
            "{}/collect-%j.log",
            ArrayScript::escaped(Submission::text(&logs)?)
        );
        let tasks = self
            .submission
            .record
            .arrays
            .iter()
            .map(|array| array.tasks.len())
            .sum();
        let demand = sizing::collector(tasks, self.settings);
        let text = DependentScript {
            name: &format!("{}-collect", self.name()),
            memory_bytes: demand.memory_bytes,
            seconds: demand.seconds,
            site: self.site,
            log: &log,
            command: &[
                Submission::text(self.program)?,
                "slurm-collect",
                Submission::text(folder)?,
            ],
            about: &format!(
                "result, table and report: e2m {}, {}",
                env!("CARGO_PKG_VERSION"),
                self.submission.record.batch.display()
            ),
        };
        Ok((folder.join("collect.sh"), text.to_string()))
    }

    /// `e2m-` and the name of the batch file, or of its folder where it is called as all are.
    fn name(&self) -> String {
        let batch = &self.submission.record.batch;
        let stem = batch.file_stem().unwrap_or_default();
        let folder = batch.parent().and_then(Path::file_name);
        let usual = Path::new(crate::batch_file::USUAL_NAME).file_stem();
        let name = if Some(stem) == usual {
            folder.unwrap_or(stem)
        } else {
            stem
        };
        format!("e2m-{}", name.to_string_lossy())
    }
}
