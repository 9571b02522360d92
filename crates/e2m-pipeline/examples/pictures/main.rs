//! Keeps small copies of every diagnostic picture of a clean, a hard and a failed pair: those of docs/pictures.md.
//!
//! `cargo run --release -p e2m-pipeline --example pictures -- FOLDER`; `cargo xtask pictures` calls it.
#![expect(
    clippy::print_stderr,
    reason = "a command for developers tells what it did"
)]

mod copies;

use e2m_fixtures::{Recipe, write_pair};
use e2m_image::{BandSink as _, BandSource as _};
use e2m_io::{CheckpointFormat, CheckpointReader, CheckpointWriter, Facts, TaskPaths};
use e2m_pipeline::{Params, Stage, Status, TaskSpec, Unobserved, run_task, suffix};
use ndarray::Array2;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Width of the post images, px.
const WIDTH: usize = 1500;
/// Margin of the canvas, px; the pairs need no more.
const PAD: usize = 100;
const DYE: &str = "DAPI";

/// A pair whose pictures are kept.
struct Example {
    /// What its pictures' names begin with.
    name: &'static str,
    /// The recipe it is made by.
    recipe: &'static str,
    /// Scales beside the estimated one: percentile, by hand.
    more_scales: Option<(f64, f64)>,
    /// How its run has to end.
    ends: ExpectedEnding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExpectedEnding {
    /// With a difference image.
    Finished,
    /// In stage 3, because the alignment is wrong.
    Failed,
}

const EXAMPLES: [Example; 3] = [
    Example {
        name: "clean",
        recipe: "clean",
        more_scales: Some((50.0, 1.42)),
        ends: ExpectedEnding::Finished,
    },
    Example {
        name: "hard",
        recipe: "combination",
        more_scales: None,
        ends: ExpectedEnding::Finished,
    },
    Example {
        name: "failed",
        recipe: "other_rock",
        more_scales: None,
        ends: ExpectedEnding::Failed,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        eprintln!("usage: pictures FOLDER");
        return ExitCode::FAILURE;
    };
    match EXAMPLES.iter().try_for_each(|one| keep(one, &folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs e2m on a pair and keeps its pictures in `folder`.
fn keep(example: &Example, folder: &Path) -> Result<(), Box<dyn Error>> {
    let work = tempfile::tempdir()?;
    let recipe = Recipe::shipped(example.recipe)?.resized_to_width(WIDTH);
    let pair = write_pair(&recipe, &work.path().join("raw"), example.name, DYE)?;
    let task = TaskSpec {
        sample: example.name.to_owned(),
        dye: DYE.to_owned(),
        post: pair.post,
        pre: pair.pre,
        output_dir: work.path().join("processed"),
        params: Params {
            pad: PAD,
            scale_percentile: example.more_scales.map(|(percentile, _)| percentile),
            manual_scale: example.more_scales.map(|(_, manual)| manual),
            ..Params::default()
        },
        from_stage: Stage::Pad,
        to_stage: Stage::LAST,
        force: false,
        redraw: false,
        checkpoint_format: Default::default(),
        checkpoint_compression: Default::default(),
        checkpoints: Default::default(),
    };
    let status = run_task(&task, &mut Unobserved).status;
    eprintln!("{}: {status}", example.name);
    let ending = match status {
        Status::Complete | Status::Suspect(_) => ExpectedEnding::Finished,
        Status::Error(_) | Status::Incomplete(_) => ExpectedEnding::Failed,
    };
    if ending != example.ends {
        return Err(format!("{} ended otherwise than it should", example.name).into());
    }
    copies::keep(&drawn(&task)?, example.name, folder)?;
    if ending == ExpectedEnding::Failed {
        copies::keep(&drawn(&unchecked(&task)?)?, example.name, folder)?;
    }
    Ok(())
}

/// Where the pictures of a task are.
fn drawn(task: &TaskSpec) -> Result<PathBuf, Box<dyn Error>> {
    Ok(TaskPaths::new(&task.output_dir, &task.sample, &task.dye)?.plots_dir())
}

/// Stage 4 of a pair whose alignment failed, which e2m itself never does: a fresh output folder is given aligned pre as
/// images that no manifest knows, as the Python program leaves them, and e2m takes these unchecked.
fn unchecked(failed: &TaskSpec) -> Result<TaskSpec, Box<dyn Error>> {
    let task = TaskSpec {
        output_dir: failed.output_dir.with_extension("unchecked"),
        ..failed.clone()
    };
    let from = TaskPaths::new(&failed.output_dir, &failed.sample, &failed.dye)?;
    let to = TaskPaths::new(&task.output_dir, &task.sample, &task.dye)?;
    let format = CheckpointFormat::Tiff;
    to.create_dirs(&[format])
        .map_err(|error| error.to_string())?;
    let stem = "02_icp_aligned_pre";
    let aligned = from.checkpoint_path(format, stem, &suffix(&failed.params, Stage::Coarse));
    let mut reader = CheckpointReader::open(&aligned)?;
    let size = reader.size();
    let mut image = Array2::zeros(size.shape());
    reader.read_band(0, image.view_mut())?;
    for (stage, stem) in [
        (Stage::Coarse, stem),
        (Stage::Fine, "03_interior_aligned_pre"),
    ] {
        let path = to.checkpoint_path(format, stem, &suffix(&task.params, stage));
        let bare = Facts::new();
        let mut writer = CheckpointWriter::create(&path, size, &bare, format, Default::default())?;
        writer.write_band(image.view())?;
        writer.finish()?;
    }
    let outcome = run_task(&task, &mut Unobserved);
    eprintln!("{}, unchecked: {}", task.sample, outcome.status);
    if !outcome.stages_done.contains(&Stage::Difference) {
        return Err(format!("no stage 4: {}", outcome.status).into());
    }
    Ok(task)
}
