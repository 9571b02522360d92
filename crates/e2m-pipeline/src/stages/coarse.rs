//! Stage 2: the coarse warp.

use super::{FOUND_DIFFERENTLY, SHOWN_AS_RECORDED};
use crate::alignment_record::AlignmentRecord;
use crate::artifact::Image;
use crate::background::{Done, Lane};
use crate::doubts::Side;
use crate::error::PipelineError;
use crate::manifest::Warps;
use crate::output::{ImageFacts, Target};
use crate::pictures::draw_coarse;
use crate::pixel_record::PixelRecord;
use crate::resume::Results;
use crate::stage::Stage;
use crate::workbench::Workbench;
use e2m_align::CoarseChoice;
use e2m_image::{Mapping, WarpedPlane};
use e2m_resources::return_memory;

/// What stage 2 finds.
pub(crate) struct CoarseResult {
    choice: CoarseChoice,
    /// The warps on the canvas.
    pub(crate) warps: Warps,
    /// What is on record of the alignment, which nothing has judged yet.
    pub(crate) alignment: AlignmentRecord,
    /// What is on record of the pixels of the raw images.
    pub(crate) pixels: Option<PixelRecord>,
}

/// Looks for the coarse alignment.
pub(crate) fn find(bench: &mut Workbench<'_>) -> Result<CoarseResult, PipelineError> {
    let pixels = look_at_pixels(bench)?;
    let choice = search(bench)?;
    let canvas = bench.task.canvas;
    Ok(CoarseResult {
        pixels,
        warps: Warps {
            coarse: Some(canvas.warp_from_raw(&choice.first)),
            icp: Some(canvas.warp_from_raw(&choice.warp)),
            interior: None,
            deformation: None,
        },
        alignment: AlignmentRecord::of_coarse(&choice),
        choice,
    })
}

/// Says what is wrong with the pixels of the raw images.
fn look_at_pixels(bench: &mut Workbench<'_>) -> Result<Option<PixelRecord>, PipelineError> {
    let record = bench.faults()?.map(|faults| faults.record.clone());
    // Both files have been read to their end.
    let altered = [(Side::Post, &bench.post), (Side::Pre, &bench.pre)];
    let altered = altered.map(|(side, raw)| {
        raw.alterations()
            .into_iter()
            .map(move |what| format!("the {side} file: {what}"))
    });
    for note in altered.into_iter().flatten().collect::<Vec<String>>() {
        bench.messages.keep_note(Stage::Coarse, note);
    }
    if let Some(record) = &record {
        for note in record.notes() {
            bench.messages.keep_note(Stage::Coarse, note);
        }
        for doubt in record.doubts() {
            bench.messages.doubt(doubt);
        }
    }
    Ok(record)
}

/// Draws what was found, and writes pre through its warps while the next stage goes on.
pub(crate) fn write(bench: &mut Workbench<'_>, found: CoarseResult) -> Result<(), PipelineError> {
    let CoarseResult { choice, warps, .. } = found;
    say_what_was_not_kept(bench, &choice);
    draw_coarse(bench, choice)?;
    let images = [(Image::IcpPre, warps.icp), (Image::CoarsePre, warps.coarse)];
    for (image, warp) in images {
        let wanted = image == Image::IcpPre || bench.task.spec.params.save_all_intermediates;
        if let Some(warp) = warp.filter(|_| wanted && bench.task.keeps(image)) {
            let facts = ImageFacts {
                warp: Some(warp),
                ..ImageFacts::default()
            };
            write_beside(bench, image, facts)?;
        }
    }
    Ok(())
}

/// Draws the pictures of a stage whose results are there. `false` where its alignment is found differently now, by another
/// version perhaps: then the stage has to be done again, unless only pictures were asked for.
pub(crate) fn redraw(bench: &mut Workbench<'_>, recorded: &Results) -> Result<bool, PipelineError> {
    let mut found = search(bench)?;
    let (canvas, warps) = (bench.task.canvas, &recorded.warps);
    if warps.icp != Some(canvas.warp_from_raw(&found.warp)) {
        let (Some(icp), true) = (warps.icp, bench.task.spec.redraw) else {
            bench.messages.note(FOUND_DIFFERENTLY.to_owned());
            return Ok(false);
        };
        bench.messages.note(SHOWN_AS_RECORDED.to_owned());
        found.warp = canvas.warp_to_raw(&icp);
        found.first = warps
            .coarse
            .map_or(found.warp, |first| canvas.warp_to_raw(&first));
    }
    draw_coarse(bench, found)?;
    Ok(true)
}

fn search(bench: &mut Workbench<'_>) -> Result<CoarseChoice, PipelineError> {
    let (aligner, previews) = (bench.aligner(), bench.previews()?);
    let found = aligner.align_coarsely(&previews, &mut bench.alignment_messages())?;
    return_memory();
    Ok(found)
}

/// Writes pre through the warp (canvas pixels) of `facts`, if there is one, while the next stage goes on.
pub(super) fn write_beside(
    bench: &mut Workbench<'_>,
    image: Image,
    facts: ImageFacts,
) -> Result<(), PipelineError> {
    let Some(warp) = facts.warp else {
        return Ok(());
    };
    let mapping = Mapping {
        warp,
        deformation: facts.deformation.clone(),
    };
    let target = Target::new(bench.task, image, facts)?;
    let (plane, canvas) = (bench.plane()?, bench.task.canvas);
    bench.start(Lane::Writing, image.stage(), image.writing(), move |tick| {
        let mut aligned = WarpedPlane::new(&*plane, canvas, mapping);
        Ok(Done::checkpoints(target.write(&mut aligned, tick)?))
    })
}

/// The steps that the boundary rejected, where its warp is the one that is used.
fn say_what_was_not_kept(bench: &mut Workbench<'_>, found: &CoarseChoice) {
    let Some(boundary) = found
        .boundary
        .as_ref()
        .filter(|_| found.method == e2m_align::CoarseMethod::Boundary)
    else {
        return;
    };
    if !boundary.icp.accepted {
        let reasons = boundary.icp.reasons.join("; ");
        let text = format!("the fit by contour points was not kept: {reasons}");
        bench.messages.keep_note(Stage::Coarse, text);
    }
    if let Some(ecc) = boundary.ecc.as_ref().filter(|ecc| !ecc.accepted) {
        let reasons = ecc.reasons.join("; ");
        let text = format!(
            "the refinement of the boundary by brightness (fine_ecc) was not kept: {reasons}"
        );
        bench.messages.keep_note(Stage::Coarse, text);
    }
}
