//! Runs a batch of image pairs: from a batch file to results on disk.
//!
//! This crate knows everything about many tasks and nothing about a terminal. What happens is reported to a [`Reporter`] as
//! [`BatchEvent`]s, an [`Interrupt`] stops a run, and what comes of it is a [`BatchOutcome`].
//!
//! ```
//! use e2m_batch::{BatchEvent, BatchFile, Environment, Interrupt, Plan, PlanOptions, run};
//! # let folder = tempfile::tempdir()?;
//! # let recipe = e2m_fixtures::Recipe { width: 400, height: 360, ..Default::default() };
//! # e2m_fixtures::write_pair(&recipe, &folder.path().join("raw"), "CD070", "DAPI")?;
//! # let path = folder.path().join("batch.toml");
//! # std::fs::write(&path, "raw_dir = \"raw\"\noutput_dir = \"processed\"\n[params]\npad = 40\n")?;
//!
//! let file = BatchFile::read(&path)?;
//! let plan = Plan::new(&file, &PlanOptions::default())?;
//! let mut reporter = |event: &BatchEvent<'_>| {
//!     if let BatchEvent::TaskEnded { task, result, .. } = event {
//!         println!("{}: {}", task.name, result.status); // CD070/DAPI: complete
//!     }
//! };
//! let environment = Environment::default(); // a program hands in std::env::vars_os()
//! let outcome = run(&plan, &environment, &Interrupt::default(), &mut reporter)?;
//! assert_eq!(outcome.results[0].status.to_string(), "complete");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which part does what
//!
//! | module | what it does |
//! |---|---|
//! | [`batch_file`] | the batch file: its keys, their types, what can be wrong with them |
//! | `selection`, `plan` | which tasks will run: the batch file, what narrows it, and the raw folder together |
//! | `inspect`, `admission` | what each task would do and need, and whether the machine has it |
//! | `run` | hands them to a runner of e2m-schedule and follows them, whatever happens to one of them |
//! | `event`, `reporter` | what is reported meanwhile, and to whom |
//! | [`report`] | results as JSON, table and page |
//! | [`logs`] | run log and `events.jsonl` |
//! | `single_task` | one task on its own, for other engines |
//! | [`cluster`] | a batch as jobs of a SLURM cluster |
//! | `status`, `survey`, [`diagnose`] | what there is to know before a run, as data |
//! | [`compare`] | the tasks with several values of some parameters |
//! | [`export`] | images of finished tasks as OME-TIFF or OME-Zarr, for viewers |
//! | `raw_copy` | a raw image as a plain OME-TIFF |
//! | [`apply`] | other images, points and outlines through the warp of a task |
//! | [`judgements`] | what people think of tasks and objects, and the counts after it |
//! | [`verify`] | whether what earlier runs wrote is still as it was written |
//!
//! # What is promised
//!
//! - Nothing is printed, and neither the environment nor arguments are read: the caller hands in an [`Environment`].
//! - Reporters are called on the thread that runs the batch. Several may listen to one run ([`Reporters`]).
//! - Where tasks run in this process, their events and results are passed on as they are. Only a worker process gets its
//!   task, and replies, as JSON.
//! - A task that fails, crashes or hangs is a result, and stops no other.
//!
//! When not to use it: for one pair, `e2m_pipeline::run_task` has no batch file, no admission check and no report.
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
pub mod apply;
pub mod batch_file;
pub mod cluster;
pub mod compare;
pub mod diagnose;
mod ending;
mod environment;
mod event;
mod expectation;
pub mod export;
mod export_record;
mod forecast;
pub mod human;
mod inspect;
pub mod judgements;
pub mod logs;
mod plan;
mod questions;
mod raw_content;
mod raw_copy;
pub mod report;
mod reporter;
mod run;
mod selection;
mod shared_files;
mod single_task;
mod status;
mod survey;
mod task_size;
mod task_view;
pub mod verify;

pub use admission::Admission;
pub use batch_file::{BatchFile, BatchFileError};
pub use e2m_schedule::{Interrupt, ScheduleError, WorkerCommand};
pub use ending::BatchEnding;
pub use environment::Environment;
pub use event::{BatchEvent, ProcessFacts, StageStep};
pub use expectation::{Expectation, Experience};
pub use forecast::Forecast;
pub use inspect::{Preview, inspect};
pub use logs::Running;
pub use plan::{Plan, PlanError, find, missing_reason, task_name};
pub use raw_copy::{RawCopy, RawCopyError, copy_raw};
pub use report::{BatchReport, TaskEnding, TaskResult, Unwritten};
pub use reporter::{Reporter, Reporters};
pub use run::{BatchOutcome, OutputDirError, StartError, run, serve_tasks};
pub use selection::{PlanOptions, StageSelection, TaskSelection};
pub use single_task::{NotOneTask, SingleTask, ending_of, only_task};
pub use status::{BatchStatus, status};
pub use survey::{BatchSurvey, SurveyedImage, survey};
pub use task_size::TaskSize;
pub use task_view::TaskView;

/// The example of the README, which has to compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
