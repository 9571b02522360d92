//! The command line as it is given. What it means is settled in `command`.

use crate::apply_args::ApplyArgs;
use crate::convert_args::ConvertArgs;
use crate::demo_args::DemoArgs;
use crate::export_args::ExportArgs;
use crate::serve_args::ServeArgs;
use crate::zoom_args::{BlinkArgs, ZoomArgs};
use clap::builder::TypedValueParser;
use clap::{Args, Parser, Subcommand};
use e2m_batch::batch_file::Assignment;
use e2m_batch::{PlanOptions, StageSelection, TaskSelection};
use e2m_pipeline::Stage;
use std::path::PathBuf;

/// What `e2m` is, at the head of its help.
const ABOUT: &str = "\
Finds stained microbes: aligns the image before staining to the one after it, and subtracts it.

A batch file says where the raw images are and which samples and dyes to run; `e2m init` writes one.";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "e2m",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true
)]
#[command(
    about = ABOUT,
    subcommand_help_heading = "Commands",
    max_term_width = 100
)]
#[command(override_usage = "e2m [OPTIONS] <BATCH>\n       e2m <COMMAND>")]
#[command(after_help = crate::after_help::text())]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Sub>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Commands besides the usual one.
#[derive(Debug, Subcommand)]
pub(crate) enum Sub {
    /// Run a batch; the same as `e2m BATCH`, for files that are called like a command
    #[command(arg_required_else_help = true)]
    Run(RunArgs),
    /// Look at the raw images of a batch without loading them: size, type, brightness of each channel
    Survey(SurveyArgs),
    /// Tell what a run would need in memory and disk, and whether this machine has it
    Check(ShowArgs),
    /// Tell what is there of each task, and what a run would do
    Status(ShowArgs),
    /// Hand a batch to a SLURM cluster, one job per task; the same as `parallel = "slurm"`
    Submit(SubmitArgs),
    /// Cancel the jobs of a batch that wait or run on a cluster; what they have finished stays
    Cancel(PlanArgs),
    /// Run one task and write nothing but its own folder: the unit for Snakemake, Nextflow and others
    Task(SingleTaskArgs),
    /// Write the batch's result, table and report from what is there of its tasks
    Collect(ShowArgs),
    /// Compare every file on record with its record: checkpoints, raw images, pictures; writes nothing
    Verify(VerifyArgs),
    /// Show a region of a task's images at full resolution, side by side
    #[command(arg_required_else_help = true)]
    Zoom(Box<ZoomArgs>),
    /// Show a region of two images in turn, as an animated PNG
    #[command(arg_required_else_help = true)]
    Blink(Box<BlinkArgs>),
    /// Try several values of parameters: one table, and pictures of the same places
    Compare(CompareArgs),
    /// Write images of finished tasks as OME-TIFF or OME-Zarr, for QuPath, Fiji, napari and OMERO
    Export(ExportArgs),
    /// Warp another image, points or outlines with the warp that a task has found
    Apply(Box<ApplyArgs>),
    /// Convert an image that e2m wrote from TIFF to FITS, or back
    Convert(ConvertArgs),
    /// Open the web app: run, watch and look at the batches of a folder in a browser
    Serve(Box<ServeArgs>),
    /// Describe this machine: memory, processors, disk, and how many tasks it can run at a time
    Diagnose(DiagnoseArgs),
    /// Make three pairs of synthetic images, run them, and show the report: a first look at what e2m does
    Demo(DemoArgs),
    /// Write a commented batch file to start from
    Init(InitArgs),
    /// List the parameters: what each means, its default and range, and when to change it
    Params(ParamsArgs),
    /// List the pages of the documentation, or print one of them
    Docs(DocsArgs),
    /// Print the JSON Schema of batch files, for editors
    Schema,
    /// Print what a shell needs to complete commands and options
    #[command(after_help = COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
    /// Write the manual pages e2m.1, e2m-run.1 and so on
    Man(ManArgs),
    /// Print the licences of everything that is part of the program
    Licences,
    /// Do tasks for another e2m
    #[command(hide = true)]
    Worker(WorkerArgs),
    /// Do the task of a job array; SLURM starts it
    #[command(hide = true)]
    SlurmTask(SlurmTaskArgs),
    /// Report on a submission whose jobs have ended; SLURM starts it
    #[command(hide = true)]
    SlurmCollect(SlurmCollectArgs),
}

/// `e2m BATCH`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The batch file
    #[arg(value_name = "BATCH", required = true)]
    pub(crate) batch: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tasks: TaskArgs,
    #[command(flatten)]
    pub(crate) stages: StageArgs,
    #[command(flatten)]
    pub(crate) set: SetArgs,
    /// List what would run and what is missing, and run nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    /// Print one JSON document to standard output instead of a table: the batch's result, or what would run
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

impl RunArgs {
    /// What narrows the batch file.
    pub(crate) fn plan_options(&self) -> PlanOptions {
        PlanOptions {
            tasks: self.tasks.selection(),
            stages: self.stages.selection(),
        }
    }
}

/// Which stages.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct StageArgs {
    /// Do again the stages from this one on, 1 to 5
    #[arg(long, value_name = "STAGE", value_parser = stage())]
    pub(crate) from_stage: Option<Stage>,
    /// Stop after this stage, 1 to 5
    #[arg(long, value_name = "STAGE", value_parser = stage())]
    pub(crate) to_stage: Option<Stage>,
    /// Do every stage again, whatever results are there
    #[arg(long)]
    pub(crate) force: bool,
    /// Draw every picture again; the alignment and the images stay as they are
    #[arg(long)]
    pub(crate) redraw: bool,
}

impl StageArgs {
    /// The same without a command line.
    pub(crate) fn selection(&self) -> StageSelection {
        StageSelection {
            from_stage: self.from_stage,
            to_stage: self.to_stage,
            force: self.force,
            redraw: self.redraw,
        }
    }
}

/// Which tasks of a batch.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TaskArgs {
    /// Only these samples, separated by commas, or `all`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) samples: Vec<String>,
    /// Only these dyes, separated by commas, or `all`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) dyes: Vec<String>,
}

impl TaskArgs {
    /// The same without a command line.
    pub(crate) fn selection(&self) -> TaskSelection {
        TaskSelection {
            samples: self.samples.clone(),
            dyes: self.dyes.clone(),
        }
    }
}

/// Values in place of those of the batch file.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SetArgs {
    /// Take this value instead of the batch file's, for all tasks, such as stage4.scale_percentile=50; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<Assignment>,
}

/// How much is said.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct TalkArgs {
    /// Say nothing but what is wrong
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: -v what is decided, -vv how, -vvv everything (finer: E2M_LOG=e2m_align=debug)
    #[arg(long, short, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl TalkArgs {
    /// The same, but where standard output is for a document nothing else goes there.
    pub(crate) fn beside_json(self, json: bool) -> Self {
        Self {
            quiet: self.quiet || json,
            ..self
        }
    }

    /// The arguments that say the same.
    pub(crate) fn as_arguments(self) -> Vec<std::ffi::OsString> {
        let verbose = std::iter::repeat_n("-v".into(), usize::from(self.verbose));
        self.quiet
            .then(|| "-q".into())
            .into_iter()
            .chain(verbose)
            .collect()
    }
}

/// `e2m survey`.
#[derive(Debug, Args)]
pub(crate) struct SurveyArgs {
    /// The batch file
    #[arg(value_name = "BATCH")]
    pub(crate) batch: PathBuf,
    #[command(flatten)]
    pub(crate) tasks: TaskArgs,
    /// Side of the square in the centre that is looked at, px
    #[arg(long, value_name = "PX", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) crop: u32,
    #[command(flatten)]
    pub(crate) set: SetArgs,
    /// Print one JSON document to standard output instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// A batch that is only looked at.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The batch file
    #[arg(value_name = "BATCH")]
    pub(crate) batch: PathBuf,
    #[command(flatten)]
    pub(crate) tasks: TaskArgs,
    #[command(flatten)]
    pub(crate) set: SetArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

impl PlanArgs {
    /// What narrows the batch file.
    pub(crate) fn plan_options(&self) -> PlanOptions {
        PlanOptions {
            tasks: self.tasks.selection(),
            ..PlanOptions::default()
        }
    }
}

/// `e2m submit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every task becomes a job that asks for what its plan needs; jobs of like sizes become one array. A last \
job writes the result, the table and the report when all have ended, however. What is finished or in the \
queue already is left out. `e2m status` tells how far it is, `e2m cancel` ends it. [slurm] in the batch \
file says what the cluster wants to know.")]
pub(crate) struct SubmitArgs {
    /// The batch file
    #[arg(value_name = "BATCH")]
    pub(crate) batch: PathBuf,
    #[command(flatten)]
    pub(crate) tasks: TaskArgs,
    #[command(flatten)]
    pub(crate) stages: StageArgs,
    #[command(flatten)]
    pub(crate) set: SetArgs,
    /// Print the scripts that would be submitted, and submit nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

impl SubmitArgs {
    /// The run that is handed over.
    pub(crate) fn run(&self) -> RunArgs {
        RunArgs {
            batch: Some(self.batch.clone()),
            tasks: self.tasks.clone(),
            stages: self.stages.clone(),
            set: self.set.clone(),
            dry_run: self.dry_run,
            json: false,
            talk: self.talk,
        }
    }
}

/// `e2m task`.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is shared with other tasks but the raw images, so that any number may run at the same time, on any \
number of machines with a common output_dir. `e2m collect` writes the report of the batch afterwards.

Exit codes: 0 complete, 1 failed, 2 bad arguments or batch file, 3 not enough memory or disk, 4 raw images \
missing, 5 complete but suspect, 130 interrupted (run again to go on).")]
pub(crate) struct SingleTaskArgs {
    /// The batch file
    #[arg(value_name = "BATCH")]
    pub(crate) batch: PathBuf,
    /// The sample
    #[arg(long, value_name = "NAME")]
    pub(crate) sample: String,
    /// The dye
    #[arg(long, value_name = "NAME")]
    pub(crate) dye: String,
    #[command(flatten)]
    pub(crate) stages: StageArgs,
    #[command(flatten)]
    pub(crate) set: SetArgs,
    /// Print how it ended to standard output, as one line of JSON, also when it could not begin
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

impl SingleTaskArgs {
    /// What narrows the batch file to this one task.
    pub(crate) fn plan_options(&self) -> PlanOptions {
        PlanOptions {
            tasks: TaskSelection {
                samples: vec![self.sample.clone()],
                dyes: vec![self.dye.clone()],
            },
            stages: self.stages.selection(),
        }
    }
}

/// `e2m slurm-task`.
#[derive(Debug, Args)]
pub(crate) struct SlurmTaskArgs {
    /// The list of the array's tasks
    #[arg(value_name = "FILE")]
    pub(crate) list: PathBuf,
}

/// `e2m slurm-collect`.
#[derive(Debug, Args)]
pub(crate) struct SlurmCollectArgs {
    /// The folder of the submission
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// `e2m check`, `e2m collect` and others that look at a batch and print.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Print one JSON document to standard output instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// `e2m verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Checks what is on record of each task in output_dir, for whatever parameters: that checkpoints
have the length and the pixels that were written, FITS files the checksums in their headers, and
headers what the record says; that raw images still have the content that results were made
from; that pictures can be decoded. Do not verify while a run is going on.

Exit codes:
    0  everything on record is as it was written; a task that has not run is said, no failure
    1  something is missing, damaged, changed or misplaced
    2  bad arguments or batch file
    4  raw_dir is not there, or raw images are missing of a task that has nothing on record
  130  interrupted")]
pub(crate) struct VerifyArgs {
    /// The batch file
    #[arg(value_name = "BATCH")]
    pub(crate) batch: PathBuf,
    #[command(flatten)]
    pub(crate) tasks: TaskArgs,
    /// Print one JSON document to standard output instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// `e2m diagnose`.
#[derive(Debug, Args)]
pub(crate) struct DiagnoseArgs {
    /// Size of the images to plan for, px
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "30000x25000", value_parser = size)]
    pub(crate) image: (usize, usize),
    /// Padding to plan for, px per side
    #[arg(long, value_name = "PX", default_value_t = 2000)]
    pub(crate) pad: usize,
    /// Folder on the disk that is measured
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Do not measure how fast the disk is
    #[arg(long)]
    pub(crate) no_disk: bool,
    /// Print one JSON document to standard output instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// A stage by its number.
fn stage() -> impl TypedValueParser<Value = Stage> {
    clap::value_parser!(u8)
        .range(1..=5)
        .try_map(Stage::try_from)
}

/// `30000x25000`.
fn size(text: &str) -> Result<(usize, usize), String> {
    let sides = text.split_once(['x', 'X', '×']);
    let side = |text: &str| text.trim().parse::<usize>().ok().filter(|side| *side > 0);
    sides
        .and_then(|(width, height)| Some((side(width)?, side(height)?)))
        .ok_or_else(|| format!("{text:?} is no size; it must be like 30000x25000"))
}

/// `e2m worker`.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// `e2m init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder for batch.toml; made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Also list the images below raw_dir in files.csv, with sample, dye and stain as their names suggest, to be corrected and used in
    /// place of names
    #[arg(long)]
    pub(crate) table: bool,
}

/// `e2m compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every combination of the values is run on each task. Variants go to the folder compare in output_dir and share \
what does not depend on their values; results of the batch stay as they are. Run again, what is there is not \
done again.

Examples:
  e2m compare batch.toml --param boundary_width --values 10,15,20
  e2m compare batch.toml --samples CD070 --param detect_sigma --values 4,5,6 --param min_area_px --values 4,9
  e2m compare batch.toml --param manual_scale --values 1.2,1.3,1.4 --save 2

Exit codes: 0 compared, whatever the verdicts, 1 a variant failed, 2 bad arguments or batch file, 3 not enough \
memory or disk, 4 raw images missing, 130 interrupted; with --save those of the run.")]
pub(crate) struct CompareArgs {
    /// The batch file
    #[arg(value_name = "BATCH")]
    pub(crate) batch: PathBuf,
    #[command(flatten)]
    pub(crate) tasks: TaskArgs,
    /// A parameter; with several, every combination of their values is tried
    #[arg(long = "param", value_name = "NAME", required = true)]
    pub(crate) params: Vec<String>,
    /// Its values, separated by commas; once for each --param
    #[arg(
        long,
        value_name = "VALUES",
        required = true,
        allow_hyphen_values = true
    )]
    pub(crate) values: Vec<String>,
    /// Then run the batch with the values of this variant, counted from 1: they become results of the batch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) save: Option<u32>,
    #[command(flatten)]
    pub(crate) set: SetArgs,
    /// Print one JSON document to standard output instead of a table
    #[arg(long, conflicts_with = "save")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// `e2m params`.
#[derive(Debug, Args)]
pub(crate) struct ParamsArgs {
    /// Only these: names or the beginnings of names, or a stage such as stage2
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Print one JSON document to standard output instead
    #[arg(long)]
    pub(crate) json: bool,
}

/// `e2m docs`.
#[derive(Debug, Args)]
pub(crate) struct DocsArgs {
    /// The page to print, such as `trust`
    #[arg(value_name = "PAGE")]
    pub(crate) page: Option<String>,
}

const COMPLETIONS_HELP: &str = "\
Where shells look for it:
  bash  e2m completions bash > ~/.local/share/bash-completion/completions/e2m
  zsh   e2m completions zsh  > ~/.zfunc/_e2m, with fpath+=~/.zfunc before compinit in ~/.zshrc
  fish  e2m completions fish > ~/.config/fish/completions/e2m.fish";

/// `e2m completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// `e2m man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder for the pages; made if it is not there
    #[arg(value_name = "DIR", default_value = "man")]
    pub(crate) dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_file_is_the_default_command() {
        let cli =
            Cli::try_parse_from(["e2m", "batch.toml", "--samples", "a,b", "-vv"]).expect("valid");
        assert!(cli.command.is_none());
        assert_eq!(cli.run.batch, Some("batch.toml".into()));
        assert_eq!(cli.run.tasks.samples, ["a", "b"]);
        assert_eq!(cli.run.talk.verbose, 2);
    }

    #[test]
    fn a_file_called_like_a_command_can_be_run() {
        let cli = Cli::try_parse_from(["e2m", "run", "survey"]).expect("valid");
        assert!(matches!(cli.command, Some(Sub::Run(run)) if run.batch == Some("survey".into())));
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(Cli::try_parse_from(["e2m", "b.toml", "-q", "-v"]).is_err());
        assert!(Cli::try_parse_from(["e2m", "b.toml", "--from-stage", "6"]).is_err());
    }
}
