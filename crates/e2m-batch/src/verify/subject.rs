//! What is verified: the tasks of the batch, and what is on record of tasks whose raw images are gone.

use crate::batch_file::BatchFile;
use crate::plan::{Plan, PlanError, asked_for};
use crate::selection::{PlanOptions, TaskSelection};
use e2m_io::MissingPair;
use e2m_pipeline::RecordedTask;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What is verified.
#[derive(Debug)]
pub struct VerifySubject {
    /// The batch file, as it was given.
    pub batch: PathBuf,
    /// The tasks of the batch, then those that are only on record.
    pub tasks: Vec<RecordedTask>,
    /// Pairs that were asked for, have nothing on record and are not there.
    pub missing: Vec<MissingPair>,
    /// Whether missing pairs matter.
    pub strict: bool,
    /// What the user should know of the batch file.
    pub warnings: Vec<String>,
}

impl VerifySubject {
    /// Settles what is verified; `shown` is the batch file as messages are to name it.
    ///
    /// # Errors
    /// Contradictions, and a raw folder without any pair.
    pub fn of(batch: &BatchFile, shown: &Path, wanted: &TaskSelection) -> Result<Self, PlanError> {
        let options = PlanOptions {
            tasks: wanted.clone(),
            ..PlanOptions::default()
        };
        let plan = Plan::with_gaps(batch, &options)?;
        let mut tasks: Vec<RecordedTask> = plan.tasks.iter().map(RecordedTask::from).collect();
        let (samples, dyes) = asked_for(batch, wanted);
        let in_batch: BTreeSet<_> = tasks.iter().map(name).collect();
        for (sample, dye) in on_record(&plan.output_dir) {
            let wanted = samples.include(&sample) && dyes.include(&dye);
            if wanted && !in_batch.contains(&(sample.clone(), dye.clone())) {
                tasks.push(RecordedTask {
                    sample,
                    dye,
                    output_dir: plan.output_dir.clone(),
                    raw: None,
                    params: None,
                });
            }
        }
        // Of those with something on record the missing images are reported with the task.
        let has_record = |missing: &MissingPair| {
            let of = |task: &&RecordedTask| {
                let same_dye = missing.dye.as_ref().is_none_or(|dye| *dye == task.dye);
                task.sample == missing.sample && same_dye
            };
            tasks.iter().skip(in_batch.len()).any(|task| of(&task))
        };
        let missing = plan.missing.into_iter();
        Ok(Self {
            batch: shown.to_owned(),
            missing: missing.filter(|missing| !has_record(missing)).collect(),
            tasks,
            strict: batch.general.strict_dyes,
            warnings: plan.warnings,
        })
    }
}

fn name(task: &RecordedTask) -> (String, String) {
    (task.sample.clone(), task.dye.clone())
}

/// Samples and dyes of which there is a manifest below a folder.
fn on_record(output_dir: &Path) -> BTreeSet<(String, String)> {
    let named = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let mut found = BTreeSet::new();
    for sample in entries(output_dir) {
        for dye in entries(&sample) {
            let has_record = entries(&dye).iter().any(|path| {
                named(path)
                    .is_some_and(|name| name.starts_with("e2m_task") && name.ends_with(".json"))
            });
            if let (true, Some(sample), Some(dye)) = (has_record, named(&sample), named(&dye)) {
                found.insert((sample, dye));
            }
        }
    }
    found
}

/// What is in a folder; nothing where there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
