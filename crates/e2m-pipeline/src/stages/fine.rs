//! Stage 3: the refined warp and what is to be thought of it.

use super::{FOUND_DIFFERENTLY, SHOWN_AS_RECORDED};
use crate::alignment_options::alignment_options;
use crate::alignment_record::{
    AlignmentRecord, CoverageRecord, InteriorRecord, LocalRecord, RefinementRecord, WorstTile,
    local_facts,
};
use crate::artifact::Image;
use crate::doubts::Doubt;
use crate::error::PipelineError;
use crate::manifest::CheckpointRecord;
use crate::output::{ImageFacts, Target};
use crate::overlap::SAID_FROM_MISSING;
use crate::overlay_record::{CheckedTile, outline_on_canvas};
use crate::pictures::{draw_comparison_of, draw_residual};
use crate::resume::Results;
use crate::stage::Stage;
use crate::stages::difference::{StatisticsPass, write_and_count};
use crate::workbench::Workbench;
use e2m_align::{
    AlignOptions, Aligner, Assessment, Check, FineAlignment, FineOutcome, InteriorCorrection,
    Similarity, Verdict, misaligned_tiles, section_outlines,
};
use e2m_image::Mapping;
use e2m_resources::return_memory;

/// What stage 3 finds.
pub(crate) struct FineResult {
    fine: FineAlignment,
    assessment: Assessment,
    /// What is on record of the alignment.
    pub(crate) alignment: AlignmentRecord,
}

/// Looks for the refined warp and judges it.
pub(crate) fn find(
    bench: &mut Workbench<'_>,
    before: &Results,
) -> Result<FineResult, PipelineError> {
    let outcome = search(bench, before)?;
    let (aligner, previews) = (bench.aligner(), bench.previews()?);
    let messages = &mut bench.alignment_messages();
    let (similarity, assessment) = aligner.assess(&previews, &outcome, messages)?;
    let FineOutcome { interior, fine } = outcome;
    let alignment = before.alignment.clone().ok_or_else(no_coarse_warp)?;
    let canvas = bench.task.canvas;
    let coverage = CoverageRecord::of(
        similarity.covered_fraction,
        [bench.post.size(), bench.pre.size()],
        canvas,
        &canvas.mapping_from_raw(&fine.mapping()),
    );
    say_what_is_missing(bench, &coverage);
    say_what_was_corrected(bench, &fine);
    let alignment = judged(
        alignment,
        interior.as_ref(),
        &fine,
        &similarity,
        &assessment,
    );
    let outlines = section_outlines(previews.post(), previews.pre(), previews.factor());
    let section_outline = outlines.map_or_else(Vec::new, |[post, _]| {
        outline_on_canvas(&post, previews.factor(), canvas)
    });
    Ok(FineResult {
        alignment: AlignmentRecord {
            coverage: Some(coverage),
            worst_tile: WorstTile::of(&fine.check.residuals, canvas),
            checked_tiles: CheckedTile::all(&fine.check, canvas),
            section_outline,
            ..alignment
        },
        fine,
        assessment,
    })
}

/// Says that the section was corrected locally, and by how much.
fn say_what_was_corrected(bench: &mut Workbench<'_>, fine: &FineAlignment) {
    if let Some(local) = fine.correction() {
        let note = format!(
            "the section is deformed and was corrected: displaced by up to {:.2} px (median {:.2} px) beyond the warp; the \
             median residual fell from {:.2} px to {:.2} px on tiles outside the fit",
            local.max_px, local.median_px, local.residual_before_px, local.residual_after_px
        );
        bench.messages.keep_note(Stage::Fine, note);
    }
}

/// Says how much of the section pre does not cover.
fn say_what_is_missing(bench: &mut Workbench<'_>, coverage: &CoverageRecord) {
    if let Some(doubt) = Doubt::of_coverage(coverage) {
        bench.messages.doubt(doubt);
    } else if 1.0 - coverage.section >= SAID_FROM_MISSING {
        let note = format!(
            "pre covers {:.0} % of the section in post: the rest has no difference (04_mask, flag 2)",
            100.0 * coverage.section
        );
        bench.messages.keep_note(Stage::Fine, note);
    }
}

/// Draws what was found, whatever the verdict. Answers with the refined warp on the canvas, if the parameters want one.
///
/// # Errors
/// A verdict that fails.
pub(crate) fn accept(
    bench: &mut Workbench<'_>,
    found: &FineResult,
) -> Result<Option<Mapping>, PipelineError> {
    draw(bench, &found.fine)?;
    if found.assessment.verdict == Verdict::Fail {
        // A section seen from behind has the outline of its mirror image; that is worth saying.
        let mirrored = bench.aligner().mirrored(&*bench.previews()?);
        return Err(match mirrored {
            Some(error) => error.into(),
            None => PipelineError::AlignmentWrong(found.assessment.reasons.join("; ")),
        });
    }
    let wanted = bench.task.spec.params.interior_ecc;
    let canvas = bench.task.canvas;
    Ok(wanted.then(|| canvas.mapping_from_raw(&found.fine.mapping())))
}

/// Writes pre through the refined warp, counting on the way what stage 4 wants to know, if `counts`.
pub(crate) fn write(
    bench: &mut Workbench<'_>,
    results: &Results,
    found: &FineResult,
    counts: bool,
) -> Result<(Vec<CheckpointRecord>, Option<StatisticsPass>), PipelineError> {
    let facts = ImageFacts {
        warp: results.warps.interior,
        deformation: results.warps.deformation.clone(),
        interior: Some(interior_facts(&found.alignment)),
        local: local_facts(&found.alignment),
        ..ImageFacts::default()
    };
    let target = Target::new(bench.task, Image::InteriorPre, facts)?;
    let what = Image::InteriorPre.writing();
    write_and_count(bench, results, what, &target, counts)
}

/// Accuracy estimate in px and levels completed, for the header of aligned pre.
pub(super) fn interior_facts(alignment: &AlignmentRecord) -> (f64, usize) {
    let accuracy = alignment.estimated_accuracy_px;
    let accuracy = accuracy.or(alignment.residual_median_px);
    let refinement = alignment.refinement.as_ref();
    // A header takes no infinity: -1 stands for unknown.
    (
        accuracy.unwrap_or(-1.0),
        refinement.map_or(0, |refinement| refinement.levels_completed),
    )
}

/// Draws the pictures of a stage whose result is there. `false` where it is found differently now, by another version
/// perhaps: then the stage has to be done again, unless only pictures were asked for.
pub(crate) fn redraw(bench: &mut Workbench<'_>, recorded: &Results) -> Result<bool, PipelineError> {
    let fine = search(bench, recorded)?.fine;
    let canvas = bench.task.canvas;
    let interior = recorded.warps.interior.and(recorded.warps.mapping());
    let found = canvas.mapping_from_raw(&fine.mapping());
    if let Some(mapping) = interior.filter(|mapping| *mapping != found) {
        if !bench.task.spec.redraw {
            bench.messages.note(FOUND_DIFFERENTLY.to_owned());
            return Ok(false);
        }
        bench.messages.note(SHOWN_AS_RECORDED.to_owned());
        let mapping = canvas.mapping_to_raw(&mapping);
        let checked = check(bench, &mapping)?;
        draw_residual(bench, checked)?;
        draw_comparison_of(bench, mapping)?;
        return Ok(true);
    }
    draw(bench, &fine)?;
    Ok(true)
}

fn draw(bench: &mut Workbench<'_>, fine: &FineAlignment) -> Result<(), PipelineError> {
    draw_residual(bench, fine.check.clone())?;
    draw_comparison_of(bench, fine.mapping())
}

/// The refined warp, and how well it holds.
fn search(bench: &mut Workbench<'_>, before: &Results) -> Result<FineOutcome, PipelineError> {
    let icp = before.warps.icp.ok_or_else(no_coarse_warp)?;
    let icp = bench.task.canvas.warp_to_raw(&icp);
    let (aligner, plane, previews) = (bench.aligner(), bench.plane()?, bench.previews()?);
    let mut bands = bench.post.bands()?;
    let messages = &mut bench.alignment_messages();
    let found = aligner.align_finely(&previews, &icp, &mut bands, plane.view(), messages)?;
    return_memory();
    Ok(found)
}

/// A raw mapping as it is, checked on tiles of post.
fn check(bench: &mut Workbench<'_>, mapping: &Mapping) -> Result<Check, PipelineError> {
    let options = AlignOptions {
        refine_on_tiles: false,
        local_correction: false,
        ..alignment_options(&bench.task.spec.params)
    };
    let aligner = Aligner::new(bench.post.size(), bench.pre.size(), options);
    let (plane, previews) = (bench.plane()?, bench.previews()?);
    let mut bands = bench.post.bands()?;
    let messages = &mut bench.alignment_messages();
    Ok(aligner.check(&previews, mapping, &mut bands, plane.view(), messages)?)
}

fn no_coarse_warp() -> PipelineError {
    PipelineError::MissingStage {
        stage: Stage::Fine,
        needs: Stage::Coarse,
    }
}

/// What is on record of the alignment after its assessment.
fn judged(
    coarse: AlignmentRecord,
    interior: Option<&InteriorCorrection>,
    fine: &FineAlignment,
    similarity: &Similarity,
    assessment: &Assessment,
) -> AlignmentRecord {
    let summary = fine.check.summary.as_ref();
    let refinement = &fine.refinement;
    let kept = refinement.rejected.is_none();
    let of_warp = kept.then_some(refinement.estimated_accuracy_px);
    let of_field = fine.correction().map(|local| local.estimated_accuracy_px);
    let accuracy = of_field.or(of_warp);
    AlignmentRecord {
        verdict: assessment.verdict,
        reasons: assessment.reasons.clone(),
        residual_median_px: summary.map(|s| s.median_px),
        residual_p90_px: summary.map(|s| s.p90_px),
        overlap_fraction: similarity.overlap_fraction,
        correlation: similarity.correlation,
        detail_correlation: similarity.detail_correlation,
        estimated_accuracy_px: accuracy.filter(|v| v.is_finite()),
        interior: interior.map(InteriorRecord::from),
        refinement: Some(RefinementRecord::from(refinement)),
        local: fine.local.as_ref().and_then(LocalRecord::of),
        residual: summary.cloned(),
        null_correlation: Some(fine.check.null_correlation),
        tile_correlation: Some(fine.check.correlation),
        misaligned: misaligned_tiles(&fine.check),
        misplaced: fine.check.misplaced_parts(),
        ..coarse
    }
}
