//! Stage 3: the refined warp and what is to be thought of it.

use crate::error::PipelineError;
use crate::history::Found;
use crate::manifest::Verdict;
use crate::names::INTERIOR_PRE;
use crate::run::TaskRun;
use crate::stages::coarse::{load_previews, write_aligned};
use crate::stages::pad::load_pre;
use crate::verdict::judge;
use e2m_align::{
    FineAlignment, RefineOptions, Similarity, TileCollector, align_fine, choose_tiles, similarity,
};
use e2m_image::{BlockMean, Canvas, Warp, WarpedPlane};

pub(crate) fn restore(run: &mut TaskRun<'_>) -> bool {
    if matches!(run.foreign_aligned, Some((_, INTERIOR_PRE))) {
        return true;
    }
    if !run.spec.params.interior_ecc {
        // Without a checkpoint of its own, the stage only judges; a judgement is kept with the warp it is about.
        let judged = |a: &crate::manifest::AlignmentRecord| {
            a.residual.is_some() || a.verdict == Verdict::Pass
        };
        return run.foreign_aligned.is_some()
            || run.manifest.alignment.as_ref().is_some_and(judged);
    }
    match run.find(3, INTERIOR_PRE, false) {
        // Another run may have refined another coarse warp since.
        Some(Found::Recorded(manifest, _))
            if manifest.warps.interior.is_some()
                && manifest.warps.icp == run.manifest.warps.icp =>
        {
            run.manifest.warps.interior = manifest.warps.interior;
            run.manifest.alignment = manifest.alignment.clone();
            true
        }
        _ => false,
    }
}

pub(crate) fn perform(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    let Some(icp) = run.manifest.warps.icp else {
        return Err(PipelineError::MissingStage { stage: 3, needs: 2 });
    };
    load_pre(run)?;
    load_previews(run)?;
    let fine = align(run, &run.canvas.warp_to_raw(&icp))?;
    let likeness = whole_similarity(run, &fine.warp)?;
    run.stop_if_asked()?;
    if run.spec.params.interior_ecc {
        run.manifest.warps.interior = Some(run.canvas.warp_from_raw(&fine.warp));
        if run.spec.params.subpixel
            && let Some(reason) = &fine.refinement.rejected
        {
            run.note(format!("stage 3 keeps the warp of stage 2: {reason}"));
        }
    }
    let accuracy = record(run, &fine, &likeness);
    if run.spec.params.interior_ecc {
        write_aligned(
            run,
            3,
            INTERIOR_PRE,
            Some((accuracy, fine.refinement.levels_completed)),
        )?;
    }
    Ok(())
}

/// Refines the raw warp `icp` on tiles of post, as far as the parameters want it, and measures what remains.
fn align(run: &mut TaskRun<'_>, icp: &Warp) -> Result<FineAlignment, PipelineError> {
    let (post, pre) = (run.post.size(), run.pre.size());
    let params = &run.spec.params;
    let options = RefineOptions {
        max_correction_px: params.interior_max_correction,
        min_inlier_ratio: params.interior_min_inlier_ratio,
        ..RefineOptions::default()
    };
    let missing = || PipelineError::MissingStage { stage: 3, needs: 2 };
    let previews = run.previews.as_ref().ok_or_else(missing)?;
    let plan = choose_tiles(
        previews.post.view(),
        previews.factor,
        post,
        pre,
        icp,
        &options,
    );
    let (mut fit, mut check) = (
        TileCollector::new(post, plan.fit),
        TileCollector::new(post, plan.check),
    );
    let mut bands = run.post.bands()?;
    run.output.stream(
        3,
        "reading tiles of post",
        &mut bands,
        &mut [&mut fit, &mut check],
    )?;
    run.announce(3, "refining");
    let plane = run.pre_plane.as_ref().ok_or_else(missing)?;
    // Without tiles to fit there is nothing to refine; the check is made all the same.
    let wanted = run.spec.params.interior_ecc && run.spec.params.subpixel;
    let fit = if wanted { fit.into_tiles() } else { Vec::new() };
    Ok(align_fine(
        &fit,
        &check.into_tiles(),
        post,
        plane.view(),
        icp,
        &options,
    ))
}

/// Likeness of post and aligned pre at preview resolution.
fn whole_similarity(run: &mut TaskRun<'_>, warp: &Warp) -> Result<Similarity, PipelineError> {
    let (Some(previews), Some(plane)) = (&run.previews, &run.pre_plane) else {
        return Err(PipelineError::MissingStage { stage: 3, needs: 2 });
    };
    let post = run.post.size();
    let mut aligned = BlockMean::new(post, previews.factor);
    let mut source = WarpedPlane::new(plane, Canvas::new(post, post, 0), *warp);
    run.output.stream(
        3,
        "comparing post and pre",
        &mut source,
        &mut [&mut aligned],
    )?;
    Ok(similarity(&previews.post, &aligned.into_image()))
}

/// Puts the outcome into the manifest; answers with the accuracy that goes into the header, px: that of the refinement,
/// or where it was not kept the median residual.
fn record(run: &mut TaskRun<'_>, fine: &FineAlignment, likeness: &Similarity) -> f64 {
    let (verdict, reasons) = judge(fine, likeness);
    let refined = fine
        .refinement
        .rejected
        .is_none()
        .then_some(fine.refinement.estimated_accuracy_px);
    let refined = refined.filter(|v| v.is_finite());
    if let Some(alignment) = &mut run.manifest.alignment {
        alignment.verdict = verdict;
        alignment.reasons = reasons;
        alignment.residual_median_px = fine.summary.as_ref().map(|s| s.median_px);
        alignment.residual_p90_px = fine.summary.as_ref().map(|s| s.p90_px);
        alignment.overlap_fraction = likeness.overlap_fraction;
        alignment.correlation = likeness.correlation;
        alignment.estimated_accuracy_px = refined;
        alignment.residual = fine.summary.clone();
        alignment.levels_completed = fine.refinement.levels_completed;
    }
    // A header takes no infinity: -1 stands for unknown.
    refined
        .or(fine.summary.as_ref().map(|s| s.median_px))
        .unwrap_or(-1.0)
}
