//! The program `e2m`: command line, terminal, signals and exit codes around [`e2m_batch`].
//!
//! | module | what it does |
//! |---|---|
//! | `args` (and `export_args`, `convert_args`, `demo_args`), `command` | the command line as given, and what it means |
//! | `environment` | variables and programs for e2m-batch, which reads none itself |
//! | `run`, `single_task`, `cluster` | a batch, one task, jobs of a cluster: started, shown, ended with an exit code |
//! | `terminal` | the only module that prints: bars, lines, results |
//! | `reporter` | what happens in a batch, on the terminal |
//! | `summary`, `admission` | the end of a batch, and the check before its start, as text |
//! | `survey`, `dry_run`, `check`, `status`, `verify`, `diagnose` | what e2m-batch finds, as tables |
//! | `params`, `docs`, `shell`, `licences` | what explains the program: parameters, pages, completions, manual pages, licences |
//! | `demo` | synthetic images for a first look |
//! | `compare` | several values of parameters, as a table and pictures |
//! | `zoom`, `zoom_args` | a region of a task's images, drawn and written |
//! | `export` | images of finished tasks for viewers: its arguments, and what was written |
//! | `serve`, `serve_args` | the web app: its address, its browser, its end |
//! | `convert` | one image from TIFF to FITS, or back |
//! | `signals`, `logging`, `exit` | Ctrl-C, the log, exit codes |
//! | `worker` | the process in which a runner has tasks done |
//! | `documents` | the docs pages that are made from tables of the code |
//!
//! Nothing here decides anything about a batch; that is `e2m-batch`. This library exists so that all of it can be tested, and
//! for the generator of the docs:
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

mod admission;
mod after_help;
mod apply;
mod apply_args;
mod args;
mod check;
mod cluster;
mod command;
mod compare;
mod convert;
mod convert_args;
mod demo;
mod demo_args;
mod diagnose;
mod docs;
mod documents;
mod dry_run;
mod environment;
mod exit;
mod export;
mod export_args;
#[cfg(feature = "fault-injection")]
mod faults;
mod hints;
mod init;
mod licences;
mod logging;
mod only_task;
mod params;
mod reporter;
mod run;
mod serve;
mod serve_args;
mod shell;
mod signals;
mod single_task;
mod status;
mod summary;
mod survey;
mod table;
mod terminal;
mod verify;
mod worker;
mod zoom;
mod zoom_args;

pub use documents::{Document, documents};
pub use e2m_batch::batch_file::schema as batch_schema;
pub use exit::Exit;

use clap::Parser as _;

/// Reads the command line and does what it says.
pub fn main() -> std::process::ExitCode {
    e2m_resources::bound_heaps();
    signals::survive_file_limit();
    match args::Cli::try_parse() {
        #[cfg(feature = "fault-injection")]
        Ok(cli) if let Err(error) = faults::arm(&cli) => {
            terminal::Terminal::new(cli.run.talk).error(&error);
            Exit::BadInput.into()
        }
        Ok(cli) => command::execute(cli).into(),
        Err(message) => {
            if let Some(hint) = hints::on_arguments(std::env::args_os().skip(1)) {
                terminal::Terminal::new(args::TalkArgs::default()).error(&hint);
                return Exit::BadInput.into();
            }
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
