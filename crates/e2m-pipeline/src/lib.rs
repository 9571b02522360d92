//! From a pair of raw files to difference images and the microbes in them.
//!
//! [`run_task`] takes one [`TaskSpec`] through five stages and answers with a [`TaskOutcome`], always:
//!
//! | stage | module | result |
//! |---|---|---|
//! | 1 [`Stage::Pad`] | `stages::pad` | both raw signals on the canvas |
//! | 2 [`Stage::Coarse`] | `stages::coarse` | the coarse warp; pre through it |
//! | 3 [`Stage::Fine`] | `stages::fine` | the refined warp and its verdict; pre through it |
//! | 4 [`Stage::Difference`] | `stages::difference` | the scales; post minus scaled pre |
//! | 5 [`Stage::Detection`] | `stages::detection` | the microbes in it, and how sure they are |
//!
//! A task is three things: its context says what is to be done, its ledger what has been recorded, and the run has the order of the
//! [`Stage`]s. Which results of earlier runs are taken over is decided once, before the first stage; [`preview`] shows it
//! without running anything.
//!
//! [`Params`] and [`REGISTRY`] are the parameters. [`suffix`] and [`parse_suffix`] are their traces in file names. A
//! [`Manifest`] is what a task writes down about itself, and what a later run resumes from. [`Inventory`] holds files against it.
//! [`TaskImages`] gives parts of its images at full resolution.
//!
//! This crate knows images, files, alignment, scaling and detection. It does not know batches, processes or the terminal. Who wants
//! to watch implements [`Observer`].
//!
//! ```no_run
//! use e2m_pipeline::{Params, Stage, TaskSpec, Unobserved, run_task};
//!
//! let task = TaskSpec {
//!     sample: "CD070".into(),
//!     dye: "DAPI".into(),
//!     post: "raw/CD070/CD070_PostStain_DAPI.tif".into(),
//!     pre: "raw/CD070/CD070_PreStain_DAPI.tif".into(),
//!     output_dir: "processed".into(),
//!     params: Params { pad: 500, ..Params::default() },
//!     from_stage: Stage::Pad,
//!     to_stage: Stage::Detection,
//!     force: false,
//!     redraw: false,
//!     checkpoint_format: Default::default(),
//!     checkpoint_compression: Default::default(),
//!     checkpoints: Default::default(),
//! };
//! let outcome = run_task(&task, &mut Unobserved);
//! assert_eq!(outcome.status.to_string(), "complete");
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

mod alignment_messages;
mod alignment_options;
mod alignment_record;
mod artifact;
mod artifact_tables;
mod background;
mod comparable;
mod context;
mod detection_record;
mod documents;
mod doubts;
mod error;
mod flags;
mod history;
mod inputs;
mod ledger;
mod leftovers;
mod lengths;
mod manifest;
mod manifest_file;
mod memory;
mod messages;
mod names;
mod observer;
mod outcome;
mod output;
mod overlap;
mod overlay_record;
mod params;
mod pictures;
mod pixel_faults;
mod pixel_record;
mod preview;
mod recovery;
mod region;
mod results;
mod resume;
mod run;
mod scale_record;
mod session;
mod shared_files;
mod stage;
mod stages;
mod status;
mod tables;
mod task;
mod verify;
mod workbench;

pub use alignment_options::alignment_options;
pub use alignment_record::{
    AlignmentRecord, BoundaryRecord, CoverageRecord, FeatureCounts, InteriorRecord,
    RefinementRecord, WorstTile,
};
pub use detection_record::DetectionRecord;
pub use documents::{parameter_table, params_schema};
pub use doubts::{Doubt, Note, Side};
pub use e2m_align::Verdict;
pub use e2m_detect::Flags as ObjectFlags;
pub use error::PipelineError;
pub use flags::{
    DEFECT, FLAGS, MISALIGNED, MaskFlag, NO_POST, NO_PRE, POST_SATURATED, PRE_SATURATED,
};
pub use inputs::choose_pair;
pub use lengths::{TooLong, USUAL_LONGEST_NAME, check_lengths};
pub use manifest::{
    CheckpointRecord, InputRecord, Inputs, LegacyRecord, Manifest, MemoryRecord, PictureRecord,
    SCHEMA, StageRecord, TableRecord, Warps,
};
pub use manifest_file::{MAX_MANIFEST_BYTES, ManifestError, ManifestProblem};
pub use memory::MemoryNeeds;
pub use observer::{Observer, TaskEvent, Unobserved};
pub use outcome::{FailureKind, TaskOutcome};
pub use overlay_record::CheckedTile;
pub use params::{
    BlackLevel, CoarseMethod, LocalCorrectionChoice, NoBlackLevel, NoData, ParamError, ParamKind,
    ParamSpec, ParamValue, Params, REGISTRY, SuffixError, format_g, parse_suffix, suffix,
};
pub use pixel_record::{ImagePixels, PixelRecord, Saturation};
pub use preview::{StagePreview, TaskPreview, preview};
pub use recovery::{is_worked_on, record_failure, recover, remove_leftovers};
pub use region::{
    NoSuchImage, ObjectPlace, PixelOrigin, Region, RegionError, RegionPixels, StageImage,
    TaskImages, blur_reach_px, blurred,
};
pub use results::{NoResult, ResultFile, ResultImage, ResultsError, TaskResults};
pub use run::{run_task, run_task_in};
pub use scale_record::{
    ManualRecord, MoffatRecord, PercentileRecord, ScaleAssessment, ScaleFieldRecord, Scales,
};
pub use shared_files::{SharedFiles, record_shared_files};
pub use stage::{NoSuchStage, Stage};
pub use status::Status;
pub use task::{CheckpointFormats, KeptCheckpoints, TaskSpec};
pub use verify::{
    Fault, FileKind, Finding, Inventory, ReadWatch, RecordedFile, RecordedTask, Severity,
};

/// Makes the example of the README a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
