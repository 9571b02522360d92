//! Stage 3: the refined warp and what is to be thought of it.

use crate::alignment_record::{InteriorRecord, RefinementRecord};
use crate::error::PipelineError;
use crate::history::Found;
use crate::names::INTERIOR_PRE;
use crate::output::target_name;
use crate::pictures::{draw_comparison_of, draw_residual};
use crate::run::TaskRun;
use crate::stage::Stage;
use crate::stages::coarse::{FOUND_DIFFERENTLY, aligned_target, load_previews};
use crate::stages::difference::write_and_gather;
use crate::stages::pad::load_pre;
use e2m_align::{
    CoarseOptions, FineAlignment, InteriorCorrection, InteriorOptions, Judgement, RefineOptions,
    Similarity, TileCollector, Verdict, align_fine, choose_tiles, judge,
};
use e2m_image::Warp;
use e2m_resources::return_memory;

pub(crate) fn restore(run: &mut TaskRun<'_>) -> Result<bool, PipelineError> {
    if matches!(run.foreign_aligned, Some((_, INTERIOR_PRE))) {
        return Ok(true);
    }
    if !run.spec.params.interior_ecc {
        if run.foreign_aligned.is_some() {
            return Ok(true);
        }
        // Without a checkpoint of its own, the stage only judges; a judgement is kept with the warp it is about.
        return match run.manifest.alignment.as_ref() {
            Some(a) if a.is_judged() => Ok(!run.lacks_pictures(Stage::Fine)? || redraw(run, None)?),
            _ => Ok(false),
        };
    }
    match run.find(Stage::Fine, INTERIOR_PRE, false) {
        // Another run may have refined another coarse warp since.
        Some(Found::Recorded(manifest, _))
            if manifest.warps.interior.is_some()
                && manifest.warps.icp == run.manifest.warps.icp =>
        {
            run.manifest.warps.interior = manifest.warps.interior;
            run.manifest.alignment = manifest.alignment.clone();
            Ok(!run.lacks_pictures(Stage::Fine)? || redraw(run, manifest.warps.interior)?)
        }
        _ => Ok(false),
    }
}

/// Draws the pictures of a stage whose result is there. `false` where it is found differently now, by another version
/// perhaps: then the stage has to be done again.
fn redraw(run: &mut TaskRun<'_>, interior: Option<Warp>) -> Result<bool, PipelineError> {
    let (_, fine) = find(run)?;
    let same = interior.is_none_or(|warp| warp == run.canvas.warp_from_raw(&fine.warp));
    if same {
        draw(run, &fine)?;
    } else {
        run.note(FOUND_DIFFERENTLY.to_owned());
    }
    Ok(same)
}

/// The pictures of the stage, drawn whatever the verdict.
fn draw(run: &mut TaskRun<'_>, fine: &FineAlignment) -> Result<(), PipelineError> {
    draw_residual(run, fine.check.clone())?;
    draw_comparison_of(run, fine.warp)
}

/// The refined warp, and how well it holds.
fn find(
    run: &mut TaskRun<'_>,
) -> Result<(Option<InteriorCorrection>, FineAlignment), PipelineError> {
    let Some(icp) = run.manifest.warps.icp else {
        return Err(PipelineError::MissingStage {
            stage: Stage::Fine,
            needs: Stage::Coarse,
        });
    };
    load_pre(run)?;
    load_previews(run)?;
    let icp = run.canvas.warp_to_raw(&icp);
    let interior = correct_inside(run, &icp)?;
    let start = interior.as_ref().map_or(icp, |found| found.warp);
    let fine = align(run, &start)?;
    return_memory();
    Ok((interior, fine))
}

pub(crate) fn perform(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    run.manifest.warps.interior = None;
    let (interior, fine) = find(run)?;
    let previews = run.previews.as_ref().ok_or_else(no_coarse_warp)?;
    let likeness = previews.similarity(&fine.warp)?;
    run.stop_if_asked()?;
    let judgement = judge(
        &fine.check,
        &likeness,
        interior.as_ref().map(|found| found.inliers),
    );
    let accuracy = record(run, interior.as_ref(), &fine, &likeness, &judgement);
    draw(run, &fine)?;
    if judgement.verdict == Verdict::Fail {
        // A section seen from behind has the outline of its mirror image; that is worth saying.
        let mirrored = run
            .previews
            .as_ref()
            .and_then(|previews| previews.mirrored(&CoarseOptions::default()));
        return Err(match mirrored {
            Some(error) => error.into(),
            None => PipelineError::AlignmentWrong(judgement.reasons.join("; ")),
        });
    }
    if run.spec.params.interior_ecc {
        let warp = run.canvas.warp_from_raw(&fine.warp);
        run.manifest.warps.interior = Some(warp);
        let levels = fine.refinement.levels_completed;
        let target = aligned_target(
            run,
            Stage::Fine,
            INTERIOR_PRE,
            warp,
            Some((accuracy, levels)),
        )?;
        let records = write_and_gather(run, Stage::Fine, target_name(INTERIOR_PRE), &target)?;
        run.record(records);
    }
    Ok(())
}

fn no_coarse_warp() -> PipelineError {
    PipelineError::MissingStage {
        stage: Stage::Fine,
        needs: Stage::Coarse,
    }
}

/// The correction by features inside the section, if the parameters want it.
fn correct_inside(
    run: &mut TaskRun<'_>,
    icp: &Warp,
) -> Result<Option<InteriorCorrection>, PipelineError> {
    let params = &run.spec.params;
    if !params.interior_ecc {
        return Ok(None);
    }
    run.announce(Stage::Fine, "matching features inside");
    let limits = InteriorOptions {
        max_correction_px: params.interior_max_correction,
        min_inlier_ratio: params.interior_min_inlier_ratio,
    };
    let previews = run.previews.as_ref().ok_or_else(no_coarse_warp)?;
    let found = previews.correct_inside(icp, &limits, &CoarseOptions::default())?;
    if let Some(reason) = &found.rejected {
        run.note(format!(
            "stage 3 starts from the warp of stage 2 as it is: {reason}"
        ));
    }
    Ok(Some(found))
}

/// Refines the raw warp `start` on tiles of post, as far as the parameters want it, and checks it on others.
fn align(run: &mut TaskRun<'_>, start: &Warp) -> Result<FineAlignment, PipelineError> {
    let (post, pre) = (run.post.size(), run.pre.size());
    let params = &run.spec.params;
    let options = RefineOptions {
        // The parameter counts px at half resolution.
        smoothest_px: 2.0 * params.interior_blur_base,
        max_correction_px: params.interior_max_correction,
        min_inlier_ratio: params.interior_min_inlier_ratio,
        ..RefineOptions::default()
    };
    let previews = run.previews.as_ref().ok_or_else(no_coarse_warp)?;
    let plan = choose_tiles(
        previews.post(),
        previews.factor(),
        post,
        pre,
        start,
        &options,
    );
    // Without tiles to fit there is nothing to refine; the check is made all the same.
    let wanted = params.interior_ecc && params.subpixel;
    let specs = if wanted { plan.fit } else { Vec::new() };
    let (mut fit, mut check) = (
        TileCollector::new(post, specs),
        TileCollector::new(post, plan.check),
    );
    let mut bands = run.post.bands()?;
    run.output.stream(
        Stage::Fine,
        "reading tiles of post",
        &mut bands,
        &mut [&mut fit, &mut check],
    )?;
    run.announce(Stage::Fine, "refining");
    let plane = run.pre_plane.as_ref().ok_or_else(no_coarse_warp)?;
    let (fit, check) = (fit.into_tiles(), check.into_tiles());
    let fine = align_fine(&fit, &check, post, plane.view(), start, &options);
    if wanted && let Some(reason) = &fine.refinement.rejected {
        run.note(format!(
            "the refinement by brightness was not kept: {reason}"
        ));
    }
    Ok(fine)
}

/// Puts the outcome into the manifest; answers with the accuracy that goes into the header, px: that of the refinement,
/// or where it was not kept the median residual.
fn record(
    run: &mut TaskRun<'_>,
    interior: Option<&InteriorCorrection>,
    fine: &FineAlignment,
    likeness: &Similarity,
    judgement: &Judgement,
) -> f64 {
    let summary = fine.check.summary.as_ref();
    let refined = fine
        .refinement
        .rejected
        .is_none()
        .then_some(fine.refinement.estimated_accuracy_px);
    let refined = refined.filter(|v| v.is_finite());
    if let Some(alignment) = &mut run.manifest.alignment {
        alignment.verdict = judgement.verdict;
        alignment.reasons.clone_from(&judgement.reasons);
        alignment.residual_median_px = summary.map(|s| s.median_px);
        alignment.residual_p90_px = summary.map(|s| s.p90_px);
        alignment.overlap_fraction = likeness.overlap_fraction;
        alignment.correlation = likeness.correlation;
        alignment.detail_correlation = likeness.detail_correlation;
        alignment.estimated_accuracy_px = refined;
        alignment.interior = interior.map(InteriorRecord::from);
        alignment.refinement = Some(RefinementRecord::from(&fine.refinement));
        alignment.residual = summary.cloned();
        alignment.chance = Some(fine.check.chance);
        alignment.tile_correlation = Some(fine.check.correlation);
    }
    // A header takes no infinity: -1 stands for unknown.
    refined.or(summary.map(|s| s.median_px)).unwrap_or(-1.0)
}
