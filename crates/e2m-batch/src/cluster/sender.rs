//! Gives scripts to `sbatch`, and takes back what was only half handed over.

use super::scripts::Scripts;
use super::submission::{Submission, TaskList};
use super::submit::SubmitError;
use crate::batch_file::SlurmSettings;
use e2m_io::write_atomic;
use e2m_pipeline::TaskSpec;
use e2m_schedule::Interrupt;
use e2m_schedule::slurm::{Site, Slurm};
use std::path::{Path, PathBuf};

/// Gives scripts to `sbatch`.
pub(super) struct Sender {
    pub(super) submission: Submission,
    pub(super) tasks: Vec<TaskSpec>,
    pub(super) site: Site,
    pub(super) settings: SlurmSettings,
    pub(super) program: PathBuf,
    pub(super) client: Slurm,
}

impl Sender {
    /// Submits every array, and a job that collects after them: all of them, or none.
    pub(super) fn send(&mut self, interrupt: &Interrupt) -> Result<(), SubmitError> {
        self.send_all(interrupt)
            .map_err(|error| self.take_back(error))
    }

    /// Takes back what was submitted before an error. Neither step waits for the other to succeed: on a full disk jobs can be
    /// cancelled though nothing can be written, and jobs that cannot be cancelled end by themselves where their submission is
    /// on record as over.
    fn take_back(&mut self, error: SubmitError) -> SubmitError {
        let jobs: Vec<String> = self.submission.jobs().iter().map(u64::to_string).collect();
        let cancelled = self.client.cancel(&jobs);
        self.submission.record.closed = true;
        if let Err(error) = self.submission.write() {
            tracing::warn!(%error, "that a submission is over could not be written down");
        }
        match cancelled {
            Ok(()) => error,
            Err(source) => SubmitError::NotTakenBack {
                error: Box::new(error),
                jobs: jobs.join(" "),
                source,
            },
        }
    }

    fn send_all(&mut self, interrupt: &Interrupt) -> Result<(), SubmitError> {
        let stop = || match interrupt.is_raised() {
            true => Err(SubmitError::Interrupted),
            false => Ok(()),
        };
        let mut jobs = Vec::new();
        for index in 0..self.submission.record.arrays.len() {
            stop()?;
            jobs.push(self.send_array(index)?);
        }
        stop()?;
        self.send_collector(&jobs)?;
        stop()
    }

    /// Submits an array; returns its number.
    pub(super) fn send_array(&mut self, index: usize) -> Result<u64, SubmitError> {
        let arrays = &self.submission.record.arrays;
        let array = &arrays[index];
        let before = array.after.and_then(|before| arrays.get(before)?.job);
        let list = TaskList::of(array, &self.tasks);
        self.submission
            .write_json(&format!("{}.json", array.name), &list)?;
        let (path, text) = self.scripts().array(array)?;
        let job = self.hand_in(&path, &text, before.as_slice())?;
        self.submission.record.arrays[index].job = Some(job);
        self.submission.write()?;
        Ok(job)
    }

    /// Submits the job that collects after these.
    pub(super) fn send_collector(&mut self, after: &[u64]) -> Result<(), SubmitError> {
        let (path, text) = self.scripts().collector()?;
        let job = self.hand_in(&path, &text, after)?;
        self.submission.record.collectors.push(job);
        Ok(self.submission.write()?)
    }

    fn hand_in(&self, path: &Path, text: &str, after: &[u64]) -> Result<u64, SubmitError> {
        write_atomic(path, text.as_bytes())?;
        Ok(self.client.submit(path, after)?)
    }

    fn scripts(&self) -> Scripts<'_> {
        Scripts {
            submission: &self.submission,
            site: &self.site,
            settings: &self.settings,
            program: &self.program,
        }
    }
}
