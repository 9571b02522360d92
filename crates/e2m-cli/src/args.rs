//! The command line as it is given. What it means is settled in `command`.

use clap::{Args, Parser, Subcommand};
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
#[command(after_help = after_help())]
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
    /// Write a commented batch file to start from
    Init(InitArgs),
    /// Print the JSON Schema of batch files, for editors
    Schema,
    /// Print the licence of the font that is part of the program
    Licences,
}

/// `e2m BATCH`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The batch file
    #[arg(value_name = "BATCH", required = true)]
    pub(crate) batch: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tasks: TaskArgs,
    /// Do again the stages from this one on, 1 to 4
    #[arg(long, value_name = "STAGE", value_parser = clap::value_parser!(u8).range(1..=4))]
    pub(crate) from_stage: Option<u8>,
    /// Stop after this stage, 1 to 4
    #[arg(long, value_name = "STAGE", value_parser = clap::value_parser!(u8).range(1..=4))]
    pub(crate) to_stage: Option<u8>,
    /// Do every stage again, whatever results are there
    #[arg(long)]
    pub(crate) force: bool,
    /// List what would run and what is missing, and run nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// Which tasks of a batch.
#[derive(Debug, Default, Args)]
pub(crate) struct TaskArgs {
    /// Only these samples, separated by commas, or `all`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) samples: Vec<String>,
    /// Only these dyes, separated by commas, or `all`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) dyes: Vec<String>,
}

/// How much is said.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct TalkArgs {
    /// Say nothing but what is wrong
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: -v what is decided, -vv how, -vvv everything (finer: E2M_LOG=e2m_align=debug)
    #[arg(long, short, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
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
    pub(crate) talk: TalkArgs,
}

/// `e2m init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder for batch.toml; made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
}

fn after_help() -> String {
    let examples = "\
Examples:
  e2m init                              write batch.toml into this folder
  e2m --dry-run batch.toml              what would run, what is missing
  e2m batch.toml                        run it; run it again to go on after an interruption
  e2m batch.toml --samples CD070        run only this sample
  e2m batch.toml --from-stage 3         align finely and subtract again
  e2m survey batch.toml                 look at the raw images first

Ctrl-C stops after the rows at hand and keeps what is done; pressed again it stops at once.";
    format!("{examples}\n\n{}", crate::exit::help())
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
        assert!(Cli::try_parse_from(["e2m", "b.toml", "--from-stage", "5"]).is_err());
    }
}
