//! What is verified: the tasks of the batch, and what is on record of tasks whose raw images are gone.

use crate::args::VerifyArgs;
use crate::batch::Batch;
use crate::plan::{Plan, PlanError, asked_for};
use e2m_io::MissingPair;
use e2m_pipeline::RecordedTask;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What is verified.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The batch file, as it was given.
    pub(crate) batch: PathBuf,
    /// The tasks of the batch, then those that are only on record.
    pub(crate) tasks: Vec<RecordedTask>,
    /// Pairs that were asked for, have nothing on record and are not there.
    pub(crate) missing: Vec<MissingPair>,
    /// Whether missing pairs matter.
    pub(crate) strict: bool,
    /// What the user should know of the batch file.
    pub(crate) warnings: Vec<String>,
}

impl Subject {
    /// Settles what is verified.
    pub(crate) fn of(batch: &Batch, args: &VerifyArgs) -> Result<Self, PlanError> {
        let plan = Plan::with_gaps(batch, &args.run())?;
        let mut tasks: Vec<RecordedTask> = plan.tasks.iter().map(RecordedTask::from).collect();
        let (samples, dyes) = asked_for(batch, &args.tasks);
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
        // Of those with something on record the missing images are told with the task.
        let has_record = |missing: &MissingPair| {
            let of = |task: &&RecordedTask| {
                let same_dye = missing.dye.as_ref().is_none_or(|dye| *dye == task.dye);
                task.sample == missing.sample && same_dye
            };
            tasks.iter().skip(in_batch.len()).any(|task| of(&task))
        };
        let missing = plan.missing.into_iter();
        Ok(Self {
            batch: args.batch.clone(),
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
