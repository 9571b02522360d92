//! Stage 3: the refined warp and what is to be thought of it.

use crate::alignment_record::{InteriorRecord, RefinementRecord};
use crate::error::PipelineError;
use crate::history::Found;
use crate::names::INTERIOR_PRE;
use crate::output::target_name;
use crate::pictures::{draw_comparison_of, draw_residual};
use crate::run::TaskRun;
use crate::stages::alignment::{Watch, aligner};
use crate::stages::coarse::{FOUND_DIFFERENTLY, aligned_target, load_previews};
use crate::stages::difference::write_and_gather;
use crate::stages::pad::load_pre;
use e2m_align::{Assessment, FineAlignment, FineOutcome, InteriorCorrection, Similarity, Verdict};
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
            Some(a) if a.is_judged() => Ok(!run.lacks_pictures(3)? || redraw(run, None)?),
            _ => Ok(false),
        };
    }
    match run.find(3, INTERIOR_PRE, false) {
        // Another run may have refined another coarse warp since.
        Some(Found::Recorded(manifest, _))
            if manifest.warps.interior.is_some()
                && manifest.warps.icp == run.manifest.warps.icp =>
        {
            run.manifest.warps.interior = manifest.warps.interior;
            run.manifest.alignment = manifest.alignment.clone();
            Ok(!run.lacks_pictures(3)? || redraw(run, manifest.warps.interior)?)
        }
        _ => Ok(false),
    }
}

/// Draws the pictures of a stage whose result is there. `false` where it is found differently now, by another version
/// perhaps: then the stage has to be done again.
fn redraw(run: &mut TaskRun<'_>, interior: Option<Warp>) -> Result<bool, PipelineError> {
    let fine = find(run)?.fine;
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
fn find(run: &mut TaskRun<'_>) -> Result<FineOutcome, PipelineError> {
    let Some(icp) = run.manifest.warps.icp else {
        return Err(PipelineError::MissingStage { stage: 3, needs: 2 });
    };
    let (plane, previews) = (load_pre(run)?, load_previews(run)?);
    let icp = run.canvas.warp_to_raw(&icp);
    let mut bands = run.post.bands()?;
    let found =
        aligner(run).align_finely(&previews, &icp, &mut bands, plane.view(), &mut Watch(run))?;
    return_memory();
    Ok(found)
}

pub(crate) fn perform(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    run.manifest.warps.interior = None;
    let found = find(run)?;
    let (aligner, previews) = (aligner(run), load_previews(run)?);
    let (similarity, assessment) = aligner.assess(&previews, &found, &mut Watch(run))?;
    let FineOutcome { interior, fine } = found;
    let accuracy = record(run, interior.as_ref(), &fine, &similarity, &assessment);
    draw(run, &fine)?;
    if assessment.verdict == Verdict::Fail {
        // A section seen from behind has the outline of its mirror image; that is worth saying.
        return Err(match aligner.mirrored(&previews) {
            Some(error) => error.into(),
            None => PipelineError::AlignmentWrong(assessment.reasons.join("; ")),
        });
    }
    if run.spec.params.interior_ecc {
        let warp = run.canvas.warp_from_raw(&fine.warp);
        run.manifest.warps.interior = Some(warp);
        let levels = fine.refinement.levels_completed;
        let target = aligned_target(run, 3, INTERIOR_PRE, warp, Some((accuracy, levels)))?;
        let records = write_and_gather(run, 3, target_name(INTERIOR_PRE), &target)?;
        run.record(records);
    }
    Ok(())
}

/// Puts the outcome into the manifest; answers with the accuracy that goes into the header, px: that of the refinement,
/// or where it was not kept the median residual.
fn record(
    run: &mut TaskRun<'_>,
    interior: Option<&InteriorCorrection>,
    fine: &FineAlignment,
    similarity: &Similarity,
    assessment: &Assessment,
) -> f64 {
    let summary = fine.check.summary.as_ref();
    let refined = fine
        .refinement
        .rejected
        .is_none()
        .then_some(fine.refinement.estimated_accuracy_px);
    let refined = refined.filter(|v| v.is_finite());
    if let Some(alignment) = &mut run.manifest.alignment {
        alignment.verdict = assessment.verdict;
        alignment.reasons.clone_from(&assessment.reasons);
        alignment.residual_median_px = summary.map(|s| s.median_px);
        alignment.residual_p90_px = summary.map(|s| s.p90_px);
        alignment.overlap_fraction = similarity.overlap_fraction;
        alignment.correlation = similarity.correlation;
        alignment.detail_correlation = similarity.detail_correlation;
        alignment.estimated_accuracy_px = refined;
        alignment.interior = interior.map(InteriorRecord::from);
        alignment.refinement = Some(RefinementRecord::from(&fine.refinement));
        alignment.residual = summary.cloned();
        alignment.chance = Some(fine.check.null_correlation);
        alignment.tile_correlation = Some(fine.check.correlation);
    }
    // A header takes no infinity: -1 stands for unknown.
    refined.or(summary.map(|s| s.median_px)).unwrap_or(-1.0)
}
