//! The program `e2m`: from the command line and a batch file to results on disk and words on the terminal.
//!
//! | module | what it does |
//! |---|---|
//! | `args`, `command` | the command line as given, and what it means |
//! | `batch` | the batch file: its keys, their types, what can be wrong with them |
//! | `plan` | which tasks will run: the batch file, the command line and the raw folder together |
//! | `look`, `gate` | what each task would do and need, and whether the machine has it |
//! | `run` | hands them to a runner of `e2m-schedule` and follows them, whatever happens to one of them |
//! | `unit` | one task on its own, for other engines |
//! | `cluster` | a batch as jobs of a SLURM cluster |
//! | `worker` | the process in which a runner has tasks done |
//! | `terminal` | the only place that prints: progress, warnings, results |
//! | `report` | the summary, `e2m_batch.json`, `e2m_batch.csv`, the run log |
//! | `survey`, `dry_run`, `check`, `status`, `diagnose` | a look before a run |
//! | `verify` | whether what earlier runs wrote is still as it was written |
//! | `documents` | the JSON Schema and the docs pages that are made from the batch file's tables |
//!
//! Nothing here knows images; that is `e2m-pipeline`, which runs one task. This library exists so that all of it can be
//! tested, and for the generator of the docs:
//!
//! ```
//! let schema = e2m_cli::batch_schema();
//! assert_eq!(schema["required"], serde_json::json!(["raw_dir", "output_dir"]));
//! ```
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod args;
mod batch;
mod check;
mod cluster;
mod command;
mod diagnose;
mod documents;
mod dry_run;
mod exit;
#[cfg(feature = "fault-injection")]
mod faults;
mod forecast;
mod gate;
mod human;
mod logging;
mod look;
mod machine;
mod plan;
mod report;
mod run;
mod signals;
mod status;
mod survey;
mod table;
mod task_size;
mod terminal;
mod unit;
mod verify;
mod worker;

pub use documents::{Document, batch_schema, documents};
pub use exit::Exit;

use clap::Parser as _;

/// Reads the command line and does what it says.
pub fn main() -> std::process::ExitCode {
    e2m_resources::bound_heaps();
    match args::Cli::try_parse() {
        #[cfg(feature = "fault-injection")]
        Ok(cli) if let Err(error) = faults::arm(&cli) => {
            terminal::Terminal::new(cli.run.talk).error(&error);
            Exit::BadInput.into()
        }
        Ok(cli) => command::execute(cli).into(),
        Err(message) => {
            // Help and version are messages too; a closed terminal is no reason to fail.
            let _ = message.print();
            let code = if message.use_stderr() {
                Exit::BadInput
            } else {
                Exit::Complete
            };
            code.into()
        }
    }
}

/// Reads the batch file at `path` and says what is wrong with it, all of it; for tests that feed it any bytes.
#[doc(hidden)]
pub fn check_batch_file(path: &std::path::Path) -> Result<(), String> {
    match batch::Batch::read(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// `CD070/DAPI`.
fn task_name(task: &e2m_pipeline::TaskSpec) -> String {
    format!("{}/{}", task.sample, task.dye)
}
