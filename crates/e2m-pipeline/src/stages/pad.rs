//! Stage 1: the raw signals on the canvas.

use crate::error::PipelineError;
use crate::names::{Header, PADDED_POST, PADDED_PRE};
use crate::output::Target;
use crate::run::TaskRun;
use e2m_align::CoarseOptions;
use e2m_image::{BlockMean, Padded, PlaneSource, Tap, preview_factor};

pub(crate) fn restore(run: &mut TaskRun<'_>) -> bool {
    // Both are looked at, so that everything wrong with either is said.
    let there = [PADDED_POST, PADDED_PRE].map(|stem| run.find(1, stem, true).is_some());
    there == [true, true]
}

pub(crate) fn perform(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    let suffix = run.suffix(1);
    let spec = run.spec;
    let header = Header {
        sample: &spec.sample,
        dye: &spec.dye,
        stage: 1,
        params: &spec.params,
        scale: None,
        interior: None,
        warp: None,
    };
    let facts = header.facts()?;
    let target = |stem| Target {
        stem,
        suffix: &suffix,
        facts: &facts,
        formats: spec.checkpoint_format.list(),
    };

    let mut preview = BlockMean::new(run.post.size(), factor(run));
    let mut padded = Padded::new(Tap::new(run.post.bands()?, &mut preview), run.canvas)?;
    let post = run.output.write(1, &target(PADDED_POST), &mut padded)?;
    run.post_preview = Some(preview.into_image());
    run.record(post);

    load_pre(run)?;
    if let Some(plane) = &run.pre_plane {
        let mut padded = Padded::new(PlaneSource::new(plane), run.canvas)?;
        let pre = run.output.write(1, &target(PADDED_PRE), &mut padded)?;
        run.record(pre);
    }
    Ok(())
}

/// The factor that brings the larger of both images to the working size of the coarse alignment.
pub(crate) fn factor(run: &TaskRun<'_>) -> usize {
    preview_factor(
        run.post.size().max(run.pre.size()),
        CoarseOptions::default().working_px,
    )
}

/// Reads the raw pre plane unless it is there already.
pub(crate) fn load_pre(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    if run.pre_plane.is_none() {
        run.pre_plane = Some(run.pre.load()?);
    }
    Ok(())
}
