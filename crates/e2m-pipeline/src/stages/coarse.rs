//! Stage 2: the coarse warp.

use crate::alignment_record::AlignmentRecord;
use crate::background::{Done, Lane, both};
use crate::error::PipelineError;
use crate::history::Found;
use crate::names::{COARSE_PRE, Header, ICP_PRE, INTERIOR_PRE};
use crate::output::{Target, target_name};
use crate::params::Params;
use crate::pictures::draw_coarse;
use crate::run::TaskRun;
use crate::stage::Stage;
use crate::stages::pad::{factor, load_pre};
use e2m_align::{BoundaryOptions, CoarseChoice, CoarseOptions, Previews, Verdict};
use e2m_image::{
    BandError, BlockMean, Plane, PlaneSource, Warp, WarpedPlane, default_band_rows, stream_bands,
};
use e2m_io::CheckpointFormat;
use e2m_resources::return_memory;
use ndarray::Array2;
use std::ops::ControlFlow;
use std::sync::Arc;

pub(crate) fn restore(run: &mut TaskRun<'_>) -> Result<bool, PipelineError> {
    match run.find(Stage::Coarse, ICP_PRE, true) {
        Some(Found::Recorded(manifest, _)) if manifest.warps.icp.is_some() => {
            if run.spec.params.save_all_intermediates
                && run.find(Stage::Coarse, COARSE_PRE, false).is_none()
            {
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
            Ok(!run.lacks_pictures(Stage::Coarse)? || redraw(run)?)
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
    if !run.spec.params.interior_ecc || run.spec.to_stage < Stage::Fine {
        run.foreign_aligned = Some((format, ICP_PRE));
        return true;
    }
    if run.spec.from_stage != Stage::Fine
        && let Some(Found::Foreign(format)) = run.find(Stage::Fine, INTERIOR_PRE, true)
    {
        run.foreign_aligned = Some((format, INTERIOR_PRE));
        return true;
    }
    run.note("02_icp_aligned_pre was written without its warp, which stage 3 needs: stage 2 is done again".to_owned());
    false
}

fn search(run: &mut TaskRun<'_>) -> Result<CoarseChoice, PipelineError> {
    let previews = load_previews(run)?;
    run.announce(Stage::Coarse, "looking for the alignment");
    let params = &run.spec.params;
    let found = previews.align_coarsely(
        params.coarse_method.ways(),
        &CoarseOptions::default(),
        &boundary_options(params),
    )?;
    return_memory();
    run.stop_if_asked()?;
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
    let target = aligned_target(run, Stage::Coarse, stem, warp, None)?;
    let (plane, canvas) = (load_pre(run)?, run.canvas);
    run.start(
        Lane::Writing,
        Stage::Coarse,
        target_name(stem),
        move |tick| {
            let mut aligned = WarpedPlane::new(&*plane, canvas, warp);
            Ok(Done::checkpoints(target.write(&mut aligned, tick)?))
        },
    )
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

fn boundary_options(params: &Params) -> BoundaryOptions {
    BoundaryOptions {
        use_edges: params.use_edges,
        width_px: params.boundary_width,
        smooth_px: params.boundary_smooth,
        rotation_search: params.rotation_search,
        angle_range_deg: params.angle_range,
        angle_step_deg: params.angle_step,
        scale_search: params.scale_search,
        scale_min: params.scale_min,
        scale_max: params.scale_max,
        scale_step: params.scale_step,
        multiscale: params.multiscale,
        down_scale: params.down_scale,
        max_translation_px: params.max_translation,
        max_rotation_deg: params.max_rotation,
        max_scale_delta: params.max_scale_delta,
        max_scale_diff: params.max_scale_diff,
        fine_ecc: params.fine_ecc,
        ecc_iterations: params.stopit,
        ecc_delta: params.stopdelta,
    }
}

/// The previews, made unless they are there.
pub(crate) fn load_previews(run: &mut TaskRun<'_>) -> Result<Arc<Previews>, PipelineError> {
    if let Some(previews) = &run.previews {
        return Ok(Arc::clone(previews));
    }
    let factor = factor(run);
    let plane = load_pre(run)?;
    let mut post = BlockMean::new(run.post.size(), factor);
    let mut bands = run.post.bands()?;
    let output = &mut run.output;
    let (read, pre) = both(
        || output.stream(Stage::Coarse, "reading post", &mut bands, &mut [&mut post]),
        || reduced(&plane, factor),
    );
    read?;
    let previews = Arc::new(Previews::new(post.into_image(), pre?, factor)?);
    run.previews = Some(Arc::clone(&previews));
    Ok(previews)
}

/// A plane at reduced resolution.
fn reduced(plane: &Plane, factor: usize) -> Result<Array2<f32>, BandError> {
    let mut preview = BlockMean::new(plane.size(), factor);
    let rows = default_band_rows(plane.size().width);
    stream_bands(
        &mut PlaneSource::new(plane),
        &mut [&mut preview],
        rows,
        |_| ControlFlow::Continue(()),
    )?;
    Ok(preview.into_image())
}

/// The checkpoint of pre through `warp` (canvas pixels).
pub(crate) fn aligned_target(
    run: &TaskRun<'_>,
    stage: Stage,
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
