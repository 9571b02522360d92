//! Stage 2: the coarse warp.

use crate::alignment_record::AlignmentRecord;
use crate::background::{Done, Lane};
use crate::error::PipelineError;
use crate::history::Found;
use crate::names::{COARSE_PRE, Header, ICP_PRE, INTERIOR_PRE};
use crate::output::{Target, target_name};
use crate::pictures::draw_coarse;
use crate::run::TaskRun;
use crate::stages::alignment::{Watch, aligner};
use crate::stages::pad::load_pre;
use e2m_align::{CoarseChoice, Previews, Verdict};
use e2m_image::{Warp, WarpedPlane};
use e2m_io::CheckpointFormat;
use e2m_resources::return_memory;
use std::sync::Arc;

pub(crate) fn restore(run: &mut TaskRun<'_>) -> Result<bool, PipelineError> {
    match run.find(2, ICP_PRE, true) {
        Some(Found::Recorded(manifest, _)) if manifest.warps.icp.is_some() => {
            if run.spec.params.save_all_intermediates && run.find(2, COARSE_PRE, false).is_none() {
                return Ok(false);
            }
            run.manifest.warps.coarse = manifest.warps.coarse;
            run.manifest.warps.icp = manifest.warps.icp;
            run.manifest.alignment = manifest.alignment.clone().map(|a| {
                // What that run thought of a refined warp says nothing about this one, and a failure is looked at again.
                if manifest.params.interior_ecc || a.verdict == Verdict::Fail {
                    a.unjudged()
                } else {
                    a
                }
            });
            Ok(!run.lacks_pictures(2)? || redraw(run)?)
        }
        Some(Found::Foreign(format)) => Ok(restore_foreign(run, format)),
        _ => Ok(false),
    }
}

/// Said where an alignment that is looked for again, for its pictures, comes out differently.
pub(crate) const FOUND_DIFFERENTLY: &str = "this version or this machine finds another alignment than that of the checkpoints: the stage is done again";

/// Draws the pictures of a stage whose checkpoints are there. `false` where its alignment is found differently now, by
/// another version perhaps: then the stage has to be done again.
fn redraw(run: &mut TaskRun<'_>) -> Result<bool, PipelineError> {
    let found = search(run)?;
    let same = run.manifest.warps.icp == Some(run.canvas.warp_from_raw(&found.warp));
    if same {
        draw_coarse(run, found)?;
    } else {
        run.note(FOUND_DIFFERENTLY.to_owned());
    }
    Ok(same)
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

fn search(run: &mut TaskRun<'_>) -> Result<CoarseChoice, PipelineError> {
    let previews = load_previews(run)?;
    let found = aligner(run).align_coarsely(&previews, &mut Watch(run))?;
    return_memory();
    Ok(found)
}

pub(crate) fn perform(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    let found = search(run)?;
    let warp = run.canvas.warp_from_raw(&found.warp);
    run.manifest.warps.coarse = Some(run.canvas.warp_from_raw(&found.first));
    run.manifest.warps.icp = Some(warp);
    run.manifest.alignment = Some(AlignmentRecord::of_coarse(&found));
    say_what_was_not_kept(run, &found);
    draw_coarse(run, found)?;
    write_beside(run, ICP_PRE, warp)?;
    if run.spec.params.save_all_intermediates
        && let Some(first) = run.manifest.warps.coarse
    {
        write_beside(run, COARSE_PRE, first)?;
    }
    Ok(())
}

/// Writes pre through `warp` (canvas pixels) while the next stage goes on.
fn write_beside(
    run: &mut TaskRun<'_>,
    stem: &'static str,
    warp: Warp,
) -> Result<(), PipelineError> {
    let target = aligned_target(run, 2, stem, warp, None)?;
    let (plane, canvas) = (load_pre(run)?, run.canvas);
    run.start(Lane::Writing, 2, target_name(stem), move |tick| {
        let mut aligned = WarpedPlane::new(&*plane, canvas, warp);
        Ok(Done::checkpoints(target.write(&mut aligned, tick)?))
    })
}

/// The steps that the boundary rejected, where its warp is the one that is used.
fn say_what_was_not_kept(run: &mut TaskRun<'_>, found: &CoarseChoice) {
    let Some(boundary) = found
        .boundary
        .as_ref()
        .filter(|_| found.method == e2m_align::CoarseMethod::Boundary)
    else {
        return;
    };
    if !boundary.icp.accepted {
        let reasons = boundary.icp.reasons.join("; ");
        run.note(format!("the fit by contour points was not kept: {reasons}"));
    }
    if let Some(ecc) = boundary.ecc.as_ref().filter(|ecc| !ecc.accepted) {
        let reasons = ecc.reasons.join("; ");
        run.note(format!(
            "the refinement of the boundary by brightness (fine_ecc) was not kept: {reasons}"
        ));
    }
}

/// The previews, made unless they are there.
pub(crate) fn load_previews(run: &mut TaskRun<'_>) -> Result<Arc<Previews>, PipelineError> {
    if let Some(previews) = &run.previews {
        return Ok(Arc::clone(previews));
    }
    let plane = load_pre(run)?;
    let mut bands = run.post.bands()?;
    let read = aligner(run).read_previews(&mut bands, plane.view(), &mut Watch(run));
    let previews = Arc::new(read?);
    run.previews = Some(Arc::clone(&previews));
    Ok(previews)
}

/// The checkpoint of pre through `warp` (canvas pixels).
pub(crate) fn aligned_target(
    run: &TaskRun<'_>,
    stage: u8,
    stem: &'static str,
    warp: Warp,
    interior: Option<(f64, usize)>,
) -> Result<Target, PipelineError> {
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
    run.output
        .target(stem, &header, spec.checkpoint_format.list())
}
