//! From a batch file, and what narrows it, to the tasks that will run.

use crate::batch_file::BatchFile;
use crate::batch_file::Execution;
use crate::batch_file::Resources;
use crate::batch_file::SlurmSettings;
use crate::batch_file::problem::{BatchFileError, Problem};
use crate::batch_file::setting::Setting as _;
use crate::batch_file::values::Names;
use crate::human::count;
use crate::questions;
use crate::selection::{PlanOptions, TaskSelection};
use e2m_io::{ChannelRequest, Discovery, DiscoveryError, MissingPair, RawPair, discover_named};
use e2m_pipeline::{
    KeptCheckpoints, Params, Stage, TaskSpec, TooLong, USUAL_LONGEST_NAME, check_lengths,
};
use e2m_resources::longest_name;
use std::path::PathBuf;

/// What will run, and what will not.
#[derive(Debug)]
pub struct Plan {
    /// The batch file.
    pub batch_path: PathBuf,
    /// Where results go.
    pub output_dir: PathBuf,
    /// How tasks are run.
    pub execution: Execution,
    /// What they may use of the machine.
    pub resources: Resources,
    /// The cluster.
    pub slurm: SlurmSettings,
    /// Samples that are known to hold no microbes.
    pub blanks: Vec<String>,
    /// The tasks in their order.
    pub tasks: Vec<TaskSpec>,
    /// Tasks of the batch file that were not asked for, and after which task of `tasks` each stands.
    pub left_alone: Vec<(usize, TaskSpec)>,
    /// Pairs of the batch file that are not there and were not asked for.
    pub missing_besides: Vec<MissingPair>,
    /// Whether the batch file takes a missing pair for a failure.
    pub strict: bool,
    /// Pairs that were asked for and are not there, and are left out.
    pub missing: Vec<MissingPair>,
    /// What the user should know before it starts.
    pub warnings: Vec<String>,
}

/// Why nothing can run.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The batch file cannot be used.
    #[error(transparent)]
    BatchFile(#[from] BatchFileError),
    /// Stages given on the command line contradict each other, or the batch file.
    #[error(
        "from_stage is {from} and to_stage is {to}: nothing would run; --from-stage must not be above --to-stage"
    )]
    Stages {
        /// The first stage.
        from: Stage,
        /// The last stage.
        to: Stage,
    },
    /// The raw folder is not laid out as it should be.
    #[error(transparent)]
    Layout(#[from] DiscoveryError),
    /// Images are missing.
    #[error("{}", missing_text(missing, *found))]
    Missing {
        /// All of them.
        missing: Vec<MissingPair>,
        /// Pairs that are complete.
        found: usize,
    },
    /// Files could not have their names.
    #[error("nothing was run, as names would be too long:{}", too_long_text(tasks))]
    TooLong {
        /// The tasks, and the first name of each that is too long.
        tasks: Vec<(String, TooLong)>,
    },
    /// There is nothing to run.
    #[error("{} holds no pair of the samples and dyes asked for (samples = {samples}, dyes = {dyes})", raw_dir.display())]
    Nothing {
        /// The raw folder.
        raw_dir: PathBuf,
        /// The samples asked for.
        samples: String,
        /// The dyes asked for.
        dyes: String,
    },
}

/// Why a pair is missing, without the names that a message about it begins with.
pub fn missing_reason(missing: &MissingPair) -> String {
    let text = missing.to_string();
    let names = match &missing.dye {
        Some(dye) => format!("{:?}, {dye:?}: ", missing.sample),
        None => format!("{:?}: ", missing.sample),
    };
    text.strip_prefix(&names)
        .map_or_else(|| text.clone(), str::to_owned)
}

/// Every missing pair, and the ways out.
fn missing_text(missing: &[MissingPair], found: usize) -> String {
    let list: Vec<String> = missing.iter().map(|pair| format!("\n  {pair}")).collect();
    let way_out = match found {
        0 => "Nothing was run; no other pair is complete either.".to_owned(),
        n => format!(
            "Nothing was run. To leave these out and run the {} there, set strict_dyes = false.",
            complete(n)
        ),
    };
    format!(
        "raw images are missing or unclear for {}:{}\n{way_out}",
        count(missing.len(), "task"),
        list.concat()
    )
}

/// Tasks that a message names before it says how many more there are.
const TASKS_NAMED: usize = 8;

fn too_long_text(tasks: &[(String, TooLong)]) -> String {
    let shown = tasks.iter().take(TASKS_NAMED);
    let mut text: String = shown
        .map(|(task, error)| format!("\n  {task}: {error}"))
        .collect();
    if let more @ 1.. = tasks.len().saturating_sub(TASKS_NAMED) {
        text.push_str(&format!("\n  and {} more", count(more, "task")));
    }
    text
}

fn complete(pairs: usize) -> String {
    if pairs == 1 {
        "1 pair that is".into()
    } else {
        format!("{pairs} pairs that are")
    }
}

/// The samples and the dyes that a batch file and a selection ask for.
pub(crate) fn asked_for(batch: &BatchFile, wanted: &TaskSelection) -> (Names, Names) {
    let names = |given: &[String], file: &Names| {
        if given.is_empty() {
            file.clone()
        } else {
            Names::from_arguments(given)
        }
    };
    let samples = names(&wanted.samples, &batch.general.samples);
    (samples, names(&wanted.dyes, &batch.general.dyes))
}

/// The pairs that a batch file and a selection ask for.
///
/// # Errors
/// A raw folder that is not laid out as it should be, or holds none of them.
pub fn find(batch: &BatchFile, wanted: &TaskSelection) -> Result<Discovery, PlanError> {
    let (samples, dyes) = asked_for(batch, wanted);
    let raw_dir = batch.raw_dir();
    let (wanted, of_dyes) = (samples.selection(), dyes.selection());
    let found = match &batch.table {
        Some(table) => table.discover(&wanted, &of_dyes),
        None => {
            // It was checked when the batch file was read.
            let naming = batch.files.naming().unwrap_or_default();
            discover_named(&raw_dir, &naming, &wanted, &of_dyes)?
        }
    };
    if found.pairs.is_empty() && found.missing.is_empty() {
        return Err(PlanError::Nothing {
            raw_dir,
            samples: samples.written(),
            dyes: dyes.written(),
        });
    }
    Ok(found)
}

impl Plan {
    /// Settles what runs.
    ///
    /// # Errors
    /// Contradictions, and raw images that are missing where the batch file does not allow it.
    pub fn new(batch: &BatchFile, options: &PlanOptions) -> Result<Self, PlanError> {
        let plan = Self::with_gaps(batch, options)?;
        if !plan.missing.is_empty() && (batch.general.strict_dyes || plan.tasks.is_empty()) {
            return Err(PlanError::Missing {
                missing: plan.missing,
                found: plan.tasks.len(),
            });
        }
        let longest = longest_name(&plan.output_dir).unwrap_or(USUAL_LONGEST_NAME);
        let too_long = plan.tasks.iter().filter_map(|task| {
            let error = check_lengths(task, longest).err()?;
            Some((task_name(task), error))
        });
        let tasks: Vec<_> = too_long.collect();
        if tasks.is_empty() {
            Ok(plan)
        } else {
            Err(PlanError::TooLong { tasks })
        }
    }

    /// These tasks with the settings of the batch file, whatever lies in its raw_dir now.
    pub fn of_tasks(batch: &BatchFile, tasks: Vec<TaskSpec>) -> Self {
        Self {
            batch_path: batch.path.clone(),
            output_dir: batch.output_dir(),
            execution: batch.execution.clone(),
            resources: batch.resources.clone(),
            slurm: batch.slurm.clone(),
            blanks: batch.blanks.samples().to_vec(),
            tasks,
            left_alone: Vec::new(),
            missing_besides: Vec::new(),
            strict: batch.general.strict_dyes,
            missing: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The same, whatever pairs are missing: for those who inspect results, which need no raw images.
    ///
    /// # Errors
    /// Contradictions, and a raw folder without any pair.
    pub fn with_gaps(batch: &BatchFile, options: &PlanOptions) -> Result<Self, PlanError> {
        let from_stage = options
            .stages
            .from_stage
            .unwrap_or(batch.general.from_stage.stage());
        let to_stage = options
            .stages
            .to_stage
            .unwrap_or(batch.general.to_stage.stage());
        if from_stage > to_stage {
            return Err(PlanError::Stages {
                from: from_stage,
                to: to_stage,
            });
        }
        let Discovery {
            pairs,
            missing,
            notes,
        } = find(batch, &options.tasks)?;
        let mut warnings: Vec<String> = notes.iter().map(ToString::to_string).collect();
        warnings.extend(idle_overrides(batch, &options.tasks, &pairs));
        warnings.extend(unknown_blanks(batch, &options.tasks, &pairs));
        warnings.extend(questions::on_percentile(batch));
        warnings.extend(batch.files.idle());
        let spec = |pair: RawPair| -> Result<TaskSpec, BatchFileError> {
            Ok(TaskSpec {
                checkpoints: kept_of(batch, &pair.sample, &pair.dye),
                params: params_of(batch, &pair.sample, &pair.dye)?,
                from_stage,
                to_stage,
                force: options.stages.force || batch.general.force,
                redraw: options.stages.redraw,
                sample: pair.sample,
                dye: pair.dye,
                post: pair.post,
                pre: pair.pre,
                output_dir: batch.output_dir(),
                checkpoint_format: batch.general.checkpoint_format,
                checkpoint_compression: batch.general.checkpoint_compression,
            })
        };
        let tasks: Vec<TaskSpec> = pairs.into_iter().map(spec).collect::<Result<_, _>>()?;
        let Besides {
            pairs: others,
            missing: missing_besides,
        } = Besides::of(batch, &options.tasks);
        let mut left_alone = Vec::new();
        let mut before = 0;
        for pair in others {
            let asked_for = tasks
                .iter()
                .position(|task| task.sample == pair.sample && task.dye == pair.dye);
            match asked_for {
                Some(index) => before = index + 1,
                None => left_alone.extend(spec(pair).ok().map(|task| (before, task))),
            }
        }
        Ok(Self {
            left_alone,
            missing_besides,
            missing,
            warnings,
            ..Self::of_tasks(batch, tasks)
        })
    }
}

/// Which images a task keeps: as the last override that matches says, or else as for all.
fn kept_of(batch: &BatchFile, sample: &str, dye: &str) -> KeptCheckpoints {
    let matching = batch.overrides.iter().rev();
    let mut matching = matching.filter(|one| one.matches(sample, dye));
    matching
        .find_map(|one| one.checkpoints)
        .unwrap_or(batch.general.checkpoints)
}

/// What else the batch file names, where the command line asks for a part of it.
#[derive(Default)]
struct Besides {
    /// All pairs, those asked for among them.
    pairs: Vec<RawPair>,
    /// What is missing and was not asked for.
    missing: Vec<MissingPair>,
}

impl Besides {
    fn of(batch: &BatchFile, wanted: &TaskSelection) -> Self {
        if *wanted == TaskSelection::default() {
            return Self::default();
        }
        let Ok(all) = find(batch, &TaskSelection::default()) else {
            return Self::default();
        };
        let (samples, dyes) = asked_for(batch, wanted);
        let is_wanted = |missing: &MissingPair| {
            let dye = missing.dye.as_ref();
            samples.include(&missing.sample) && dye.is_none_or(|dye| dyes.include(dye))
        };
        let missing = all.missing.into_iter();
        Self {
            pairs: all.pairs,
            missing: missing.filter(|missing| !is_wanted(missing)).collect(),
        }
    }
}

/// The parameters of a task: those of all, over them those of its files, and over these each override that matches, in the order of
/// the batch file.
pub(crate) fn params_of(
    batch: &BatchFile,
    sample: &str,
    dye: &str,
) -> Result<Params, BatchFileError> {
    let params = written_params(batch, sample, dye);
    params.validate().map_err(|error| {
        let text = format!("{error} for {sample}/{dye}, where several overrides match");
        batch.refused(vec![Problem::of_file(text)])
    })?;
    Ok(params)
}

/// The same, whether or not they contradict each other.
pub(crate) fn written_params(batch: &BatchFile, sample: &str, dye: &str) -> Params {
    let matching = batch
        .overrides
        .iter()
        .filter(|one| one.matches(sample, dye));
    let mut params = batch.params.clone();
    let channels = batch
        .files
        .channels
        .as_ref()
        .filter(|_| batch.table.is_none());
    let request = channels.and_then(|channels| ChannelRequest::from_word(channels.channel(dye)?));
    if let Some(request) = request {
        params.channel = request;
    }
    if let Some(table) = &batch.table {
        params = table.over(params, sample, dye);
    }
    matching.fold(params, |params, one| one.params.over(params))
}

/// Overrides for tasks that the batch does not have. Where the command line chooses tasks, that is to be expected.
fn idle_overrides(batch: &BatchFile, wanted: &TaskSelection, pairs: &[RawPair]) -> Vec<String> {
    if !wanted.samples.is_empty() || !wanted.dyes.is_empty() {
        return Vec::new();
    }
    let unused = batch.overrides.iter().filter(|one| {
        !pairs
            .iter()
            .any(|pair| one.matches(&pair.sample, &pair.dye))
    });
    unused
        .map(|one| {
            let line = crate::batch_file::problem::line_number(&batch.text, one.at.start);
            let named = [("sample", &one.sample), ("dye", &one.dye)];
            let named: Vec<String> = named
                .iter()
                .filter_map(|(key, name)| Some(format!("{key} {:?}", name.as_ref()?)))
                .collect();
            format!(
                "the override in line {line} ({}) matches no task",
                named.join(", ")
            )
        })
        .collect()
}

/// Blanks that the batch does not have: nothing would be held against them.
fn unknown_blanks(batch: &BatchFile, wanted: &TaskSelection, pairs: &[RawPair]) -> Vec<String> {
    if !wanted.samples.is_empty() {
        return Vec::new();
    }
    let is_there = |name: &String| pairs.iter().any(|pair| pair.sample == *name);
    let unknown = batch.blanks.samples().iter();
    unknown
        .filter(|name| !is_there(name))
        .map(|name| format!("[blanks] names {name:?}, which is no sample of this batch"))
        .collect()
}

/// `CD070/DAPI`.
pub fn task_name(task: &TaskSpec) -> String {
    format!("{}/{}", task.sample, task.dye)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn batch(rest: &str) -> BatchFile {
        let text = format!("raw_dir = \"raw\"\noutput_dir = \"out\"\n{rest}");
        BatchFile::parse(Path::new("/b/batch.toml"), &text).expect("a good file")
    }

    #[test]
    fn the_last_override_counts_and_contradictions_are_found() {
        let several = batch(
            "[params]\npad = 10\nbw = 3\n[[override]]\nsample = \"a\"\nparams = { pad = 20, scale_min = 1.1 }\n\
             [[override]]\ndye = \"d\"\nparams = { pad = 30, scale_max = 1.05 }\n"
                .replace("bw = 3\n", "")
                .as_str(),
        );
        let pad = |sample, dye| params_of(&several, sample, dye).map(|params| params.pad);
        assert_eq!(pad("x", "x").expect("fine"), 10);
        assert_eq!(pad("a", "x").expect("fine"), 20);
        assert_eq!(pad("x", "d").expect("fine"), 30);
        let error = pad("a", "d")
            .expect_err("each is fine, both together are not")
            .to_string();
        assert!(
            error.contains("scale_min (1.1) must be less than scale_max (1.05) for a/d"),
            "{error}"
        );
    }

    #[test]
    fn overrides_without_a_task_are_named() {
        let pairs = [RawPair {
            sample: "a".into(),
            dye: "d".into(),
            post: "x".into(),
            pre: "y".into(),
        }];
        let all = TaskSelection {
            samples: vec![],
            dyes: vec![],
        };
        let batch = batch(
            "[[override]]\nsample = \"b\"\nparams = { pad = 1 }\n[[override]]\ndye = \"d\"\nparams = { pad = 1 }\n",
        );
        assert_eq!(
            idle_overrides(&batch, &all, &pairs),
            ["the override in line 3 (sample \"b\") matches no task"]
        );
    }
}
