//! Stage 2: the coarse warp.

use crate::error::PipelineError;
use crate::history::Found;
use crate::manifest::{AlignmentRecord, FeatureCounts};
use crate::names::{COARSE_PRE, Header, ICP_PRE, INTERIOR_PRE};
use crate::output::Target;
use crate::run::{Previews, TaskRun};
use crate::stages::pad::{factor, load_pre};
use e2m_align::{CoarseOptions, align_coarse};
use e2m_image::{BlockMean, PlaneSource, WarpedPlane};
use e2m_io::CheckpointFormat;

pub(crate) fn restore(run: &mut TaskRun<'_>) -> bool {
    match run.find(2, ICP_PRE, true) {
        Some(Found::Recorded(manifest, _)) if manifest.warps.icp.is_some() => {
            if run.spec.params.save_all_intermediates && run.find(2, COARSE_PRE, false).is_none() {
                return false;
            }
            run.manifest.warps.coarse = manifest.warps.coarse;
            run.manifest.warps.icp = manifest.warps.icp;
            // What that run thought of its refined warp says nothing about this one.
            let refined = manifest.warps.interior.is_some();
            let alignment = manifest.alignment.clone();
            run.manifest.alignment = alignment.map(|a| if refined { a.unjudged() } else { a });
            true
        }
        Some(Found::Foreign(format)) => restore_foreign(run, format),
        _ => false,
    }
}

/// An image of the Python program has no warp. It will do where nothing needs one: if stage 3 is off or not asked for,
/// or its image is there as well and not to be made anew.
fn restore_foreign(run: &mut TaskRun<'_>, format: CheckpointFormat) -> bool {
    if !run.spec.params.interior_ecc || run.spec.to_stage < 3 {
        run.foreign_aligned = Some((format, ICP_PRE));
        return true;
    }
    if run.spec.from_stage != 3
        && let Some(Found::Foreign(format)) = run.find(3, INTERIOR_PRE, true)
    {
        run.foreign_aligned = Some((format, INTERIOR_PRE));
        return true;
    }
    run.note("02_icp_aligned_pre was written without its warp, which stage 3 needs: stage 2 is done again".to_owned());
    false
}

pub(crate) fn perform(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    load_previews(run)?;
    run.announce(2, "finding features");
    let Some(previews) = &run.previews else {
        return Err(PipelineError::MissingStage { stage: 2, needs: 1 });
    };
    let found = align_coarse(
        previews.post.view(),
        previews.pre.view(),
        previews.factor,
        &CoarseOptions::default(),
    )?;
    run.stop_if_asked()?;
    let warp = run.canvas.warp_from_raw(&found.warp);
    run.manifest.warps.coarse = Some(warp);
    run.manifest.warps.icp = Some(warp);
    run.manifest.alignment = Some(AlignmentRecord::of_features(FeatureCounts {
        post: found.features.0,
        pre: found.features.1,
        matched: found.matched,
        inliers: found.inliers,
    }));
    write_aligned(run, 2, ICP_PRE, None)?;
    if run.spec.params.save_all_intermediates {
        write_aligned(run, 2, COARSE_PRE, None)?;
    }
    Ok(())
}

/// Makes the previews unless they are there; stage 1 may have left post's on its way.
pub(crate) fn load_previews(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    if run.previews.is_some() {
        return Ok(());
    }
    let factor = factor(run);
    let post = match run.post_preview.take() {
        Some(preview) => preview,
        None => {
            let mut preview = BlockMean::new(run.post.size(), factor);
            let mut bands = run.post.bands()?;
            run.output
                .stream(2, "reading post", &mut bands, &mut [&mut preview])?;
            preview.into_image()
        }
    };
    load_pre(run)?;
    let Some(plane) = &run.pre_plane else {
        return Err(PipelineError::MissingStage { stage: 2, needs: 1 });
    };
    let mut preview = BlockMean::new(plane.size(), factor);
    run.output.stream(
        2,
        "reducing pre",
        &mut PlaneSource::new(plane),
        &mut [&mut preview],
    )?;
    run.previews = Some(Previews {
        factor,
        post,
        pre: preview.into_image(),
    });
    Ok(())
}

/// Writes pre through the finest warp known.
pub(crate) fn write_aligned(
    run: &mut TaskRun<'_>,
    stage: u8,
    stem: &'static str,
    interior: Option<(f64, usize)>,
) -> Result<(), PipelineError> {
    let (Some(warp), Some(plane)) = (run.manifest.warps.finest(), &run.pre_plane) else {
        return Err(PipelineError::MissingStage {
            stage,
            needs: stage - 1,
        });
    };
    let spec = run.spec;
    let header = Header {
        sample: &spec.sample,
        dye: &spec.dye,
        stage,
        params: &spec.params,
        scale: None,
        interior,
        warp: Some(warp),
    };
    let (facts, suffix) = (header.facts()?, run.suffix(stage));
    let target = Target {
        stem,
        suffix: &suffix,
        facts: &facts,
        formats: spec.checkpoint_format.list(),
    };
    let mut aligned = WarpedPlane::new(plane, run.canvas, warp);
    let records = run.output.write(stage, &target, &mut aligned)?;
    run.record(records);
    Ok(())
}
