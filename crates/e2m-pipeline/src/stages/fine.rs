//! Stage 3: the refined warp and what is to be thought of it.

use super::{FOUND_DIFFERENTLY, SHOWN_AS_RECORDED};
use crate::alignment_record::{AlignmentRecord, InteriorRecord, RefinementRecord};
use crate::artifact::Image;
use crate::error::PipelineError;
use crate::manifest::CheckpointRecord;
use crate::output::{ImageFacts, Target};
use crate::pictures::{draw_comparison_of, draw_residual};
use crate::resume::Results;
use crate::stage::Stage;
use crate::stages::difference::{StatisticsPass, write_and_count};
use crate::workbench::Workbench;
use e2m_align::{
    CoarseOptions, FineAlignment, InteriorCorrection, InteriorOptions, Judgement, RefineOptions,
    Similarity, TileCollector, Verdict, align_fine, choose_tiles, judge,
};
use e2m_image::Warp;
use e2m_resources::return_memory;

/// What stage 3 finds.
pub(crate) struct FineResult {
    fine: FineAlignment,
    judgement: Judgement,
    /// What is on record of the alignment.
    pub(crate) alignment: AlignmentRecord,
}

/// Looks for the refined warp and judges it.
pub(crate) fn find(
    bench: &mut Workbench<'_>,
    before: &Results,
) -> Result<FineResult, PipelineError> {
    let (interior, fine) = search(bench, before)?;
    let similarity = bench.previews()?.similarity(&fine.warp)?;
    bench.messages.stop_if_asked()?;
    let judgement = judge(
        &fine.check,
        &similarity,
        interior.as_ref().map(|found| found.inliers),
    );
    let alignment = before.alignment.clone().ok_or_else(no_coarse_warp)?;
    Ok(FineResult {
        alignment: judged(alignment, interior.as_ref(), &fine, &similarity, &judgement),
        fine,
        judgement,
    })
}

/// Draws what was found, whatever the verdict. Answers with the refined warp on the canvas, if the parameters want one.
///
/// # Errors
/// A verdict that fails.
pub(crate) fn accept(
    bench: &mut Workbench<'_>,
    found: &FineResult,
) -> Result<Option<Warp>, PipelineError> {
    draw(bench, &found.fine)?;
    if found.judgement.verdict == Verdict::Fail {
        // A section seen from behind has the outline of its mirror image; that is worth saying.
        let mirrored = bench.previews()?.mirrored(&CoarseOptions::default());
        return Err(match mirrored {
            Some(error) => error.into(),
            None => PipelineError::AlignmentWrong(found.judgement.reasons.join("; ")),
        });
    }
    let wanted = bench.task.spec.params.interior_ecc;
    Ok(wanted.then(|| bench.task.canvas.warp_from_raw(&found.fine.warp)))
}

/// Writes pre through the refined warp, counting on the way what stage 4 wants to know, if `counts`.
pub(crate) fn write(
    bench: &mut Workbench<'_>,
    results: &Results,
    found: &FineResult,
    counts: bool,
) -> Result<(Vec<CheckpointRecord>, Option<StatisticsPass>), PipelineError> {
    let levels = found.fine.refinement.levels_completed;
    // A header takes no infinity: -1 stands for unknown.
    let accuracy = found.alignment.estimated_accuracy_px;
    let accuracy = accuracy.or(found.alignment.residual_median_px);
    let facts = ImageFacts {
        warp: results.warps.interior,
        interior: Some((accuracy.unwrap_or(-1.0), levels)),
        ..ImageFacts::default()
    };
    let target = Target::new(bench.task, Image::InteriorPre, facts)?;
    let what = Image::InteriorPre.writing();
    write_and_count(bench, results, what, &target, counts)
}

/// Draws the pictures of a stage whose result is there. `false` where it is found differently now, by another version
/// perhaps: then the stage has to be done again, unless only pictures were asked for.
pub(crate) fn redraw(bench: &mut Workbench<'_>, recorded: &Results) -> Result<bool, PipelineError> {
    let (_, mut fine) = search(bench, recorded)?;
    let canvas = bench.task.canvas;
    let interior = recorded.warps.interior;
    if let Some(warp) = interior.filter(|warp| *warp != canvas.warp_from_raw(&fine.warp)) {
        if !bench.task.spec.redraw {
            bench.messages.note(FOUND_DIFFERENTLY.to_owned());
            return Ok(false);
        }
        bench.messages.note(SHOWN_AS_RECORDED.to_owned());
        fine = align(bench, &canvas.warp_to_raw(&warp), false)?;
    }
    draw(bench, &fine)?;
    Ok(true)
}

fn draw(bench: &mut Workbench<'_>, fine: &FineAlignment) -> Result<(), PipelineError> {
    draw_residual(bench, fine.check.clone())?;
    draw_comparison_of(bench, fine.warp)
}

/// The refined warp, and how well it holds.
fn search(
    bench: &mut Workbench<'_>,
    before: &Results,
) -> Result<(Option<InteriorCorrection>, FineAlignment), PipelineError> {
    let icp = before.warps.icp.ok_or_else(no_coarse_warp)?;
    let icp = bench.task.canvas.warp_to_raw(&icp);
    let interior = correct_inside(bench, &icp)?;
    let start = interior.as_ref().map_or(icp, |found| found.warp);
    let params = &bench.task.spec.params;
    let refines = params.interior_ecc && params.subpixel;
    let fine = align(bench, &start, refines)?;
    return_memory();
    Ok((interior, fine))
}

fn no_coarse_warp() -> PipelineError {
    PipelineError::MissingStage {
        stage: Stage::Fine,
        needs: Stage::Coarse,
    }
}

/// The correction by features inside the section, if the parameters want it.
fn correct_inside(
    bench: &mut Workbench<'_>,
    icp: &Warp,
) -> Result<Option<InteriorCorrection>, PipelineError> {
    let params = &bench.task.spec.params;
    let previews = bench.previews()?;
    if !params.interior_ecc {
        return Ok(None);
    }
    bench.announce(Stage::Fine, "matching features inside");
    let limits = InteriorOptions {
        max_correction_px: params.interior_max_correction,
        min_inlier_ratio: params.interior_min_inlier_ratio,
    };
    let found = previews.correct_inside(icp, &limits, &CoarseOptions::default())?;
    if let Some(reason) = &found.rejected {
        let text = format!("stage 3 starts from the warp of stage 2 as it is: {reason}");
        bench.messages.note(text);
    }
    Ok(Some(found))
}

/// Refines the raw warp `start` on tiles of post, if it `refines`, and checks it on others.
fn align(
    bench: &mut Workbench<'_>,
    start: &Warp,
    refines: bool,
) -> Result<FineAlignment, PipelineError> {
    let (post, pre) = (bench.post.size(), bench.pre.size());
    let params = &bench.task.spec.params;
    let options = RefineOptions {
        // The parameter counts px at half resolution.
        smoothest_px: 2.0 * params.interior_blur_base,
        max_correction_px: params.interior_max_correction,
        min_inlier_ratio: params.interior_min_inlier_ratio,
        ..RefineOptions::default()
    };
    let (plane, previews) = (bench.plane()?, bench.previews()?);
    let plan = choose_tiles(
        previews.post(),
        previews.factor(),
        post,
        pre,
        start,
        &options,
    );
    // Without tiles to fit there is nothing to refine; the check is made all the same.
    let specs = if refines { plan.fit } else { Vec::new() };
    let (mut fit, mut check) = (
        TileCollector::new(post, specs),
        TileCollector::new(post, plan.check),
    );
    let mut bands = bench.post.bands()?;
    bench.messages.stream(
        Stage::Fine,
        "reading tiles of post",
        &mut bands,
        &mut [&mut fit, &mut check],
    )?;
    bench.announce(Stage::Fine, "refining");
    let (fit, check) = (fit.into_tiles(), check.into_tiles());
    let fine = align_fine(&fit, &check, post, plane.view(), start, &options);
    if refines && let Some(reason) = &fine.refinement.rejected {
        bench.messages.note(format!(
            "the refinement by brightness was not kept: {reason}"
        ));
    }
    Ok(fine)
}

/// What is on record of the alignment after its judgement.
fn judged(
    coarse: AlignmentRecord,
    interior: Option<&InteriorCorrection>,
    fine: &FineAlignment,
    similarity: &Similarity,
    judgement: &Judgement,
) -> AlignmentRecord {
    let summary = fine.check.summary.as_ref();
    let refinement = &fine.refinement;
    let kept = refinement.rejected.is_none();
    let accuracy = kept.then_some(refinement.estimated_accuracy_px);
    AlignmentRecord {
        verdict: judgement.verdict,
        reasons: judgement.reasons.clone(),
        residual_median_px: summary.map(|s| s.median_px),
        residual_p90_px: summary.map(|s| s.p90_px),
        overlap_fraction: similarity.overlap_fraction,
        correlation: similarity.correlation,
        detail_correlation: similarity.detail_correlation,
        estimated_accuracy_px: accuracy.filter(|v| v.is_finite()),
        interior: interior.map(InteriorRecord::from),
        refinement: Some(RefinementRecord::from(refinement)),
        residual: summary.cloned(),
        chance: Some(fine.check.chance),
        tile_correlation: Some(fine.check.correlation),
        ..coarse
    }
}
