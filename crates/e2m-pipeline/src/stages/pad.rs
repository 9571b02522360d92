//! Stage 1: the raw signals on the canvas.

use crate::background::{Done, Lane};
use crate::error::PipelineError;
use crate::names::{Header, PADDED_POST, PADDED_PRE};
use crate::output::{Target, target_name};
use crate::run::TaskRun;
use crate::stage::Stage;
use e2m_align::CoarseOptions;
use e2m_image::{Padded, PlaneSource, preview_factor};
use std::sync::Arc;

pub(crate) fn restore(run: &mut TaskRun<'_>) -> bool {
    // Both are looked at, so that everything wrong with either is said.
    let there = [PADDED_POST, PADDED_PRE].map(|stem| run.find(Stage::Pad, stem, true).is_some());
    there == [true, true]
}

/// Both images go to the disk beside the next stage, which does not need them.
pub(crate) fn perform(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    let canvas = run.canvas;
    let (post, bands) = (target(run, PADDED_POST)?, run.post.bands()?);
    run.start(
        Lane::Writing,
        Stage::Pad,
        target_name(PADDED_POST),
        move |tick| {
            let mut padded = Padded::new(bands, canvas)?;
            Ok(Done::checkpoints(post.write(&mut padded, tick)?))
        },
    )?;
    let pre = target(run, PADDED_PRE)?;
    let plane = load_pre(run)?;
    run.start(
        Lane::Writing,
        Stage::Pad,
        target_name(PADDED_PRE),
        move |tick| {
            let mut padded = Padded::new(PlaneSource::new(&*plane), canvas)?;
            Ok(Done::checkpoints(pre.write(&mut padded, tick)?))
        },
    )
}

fn target(run: &TaskRun<'_>, stem: &str) -> Result<Target, PipelineError> {
    let spec = run.spec;
    let header = Header {
        sample: &spec.sample,
        dye: &spec.dye,
        stage: Stage::Pad,
        params: &spec.params,
        scale: None,
        interior: None,
        warp: None,
    };
    run.output
        .target(stem, &header, spec.checkpoint_format.list())
}

/// The factor that brings the larger of both images to the working size of the coarse alignment.
pub(crate) fn factor(run: &TaskRun<'_>) -> usize {
    preview_factor(
        run.post.size().max(run.pre.size()),
        CoarseOptions::default().working_px,
    )
}

/// The raw pre plane, read unless it is there already.
pub(crate) fn load_pre(run: &mut TaskRun<'_>) -> Result<Arc<e2m_image::Plane>, PipelineError> {
    if let Some(plane) = &run.pre_plane {
        return Ok(Arc::clone(plane));
    }
    let plane = Arc::new(run.pre.load()?);
    run.pre_plane = Some(Arc::clone(&plane));
    Ok(plane)
}
