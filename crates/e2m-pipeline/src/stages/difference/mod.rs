//! Stage 4: the scales, and post minus scaled pre.
//!
//! One pass counts what scales and pictures need, a percentile takes one more, and one pass writes all difference images. A
//! scale that an earlier run found for the same warp is taken over; then the counting goes along with the writing.

mod counting;
mod pairs;
mod scales;

use crate::error::PipelineError;
use crate::history::{Found, relative_path};
use crate::manifest::{ForeignRecord, MoffatRecord, Scales};
use crate::names::{Header, ScaleKind};
use crate::output::finish;
use crate::params::Params;
use crate::pictures::{draw_counted, draw_difference_images};
use crate::run::TaskRun;
use crate::stage::Stage;
use crate::task::CheckpointFormats;
use counting::{Counting, frames};
use e2m_image::{BandError, BandSink, preview_factor};
use e2m_io::{CheckpointWriter, FileIdentity};
use e2m_plot::{DifferencePreview, DifferenceSummary};
use e2m_scale::subtract_scaled;
use ndarray::{Array2, ArrayView2};
use pairs::{for_each_pair, foreign_path};
use rayon::prelude::*;
pub(crate) use scales::{Gathered, write_and_gather};

/// Longer side of the preview that a picture of the difference is drawn from, px.
const PICTURE_PX: usize = 1500;

/// The difference images that the parameters ask for.
pub(crate) fn kinds(params: &Params) -> Vec<ScaleKind> {
    let percentile = params.scale_percentile.map(ScaleKind::Percentile);
    let manual = params.manual_scale.map(|_| ScaleKind::Manual);
    [Some(ScaleKind::Moffat), percentile, manual]
        .into_iter()
        .flatten()
        .collect()
}

/// Takes over the difference images of an earlier run. Pictures that are missing are drawn anew, from one pass over the pair.
pub(crate) fn restore(run: &mut TaskRun<'_>) -> Result<bool, PipelineError> {
    let Some(earlier) = run
        .history
        .manifest_for(&run.manifest.inputs, &run.spec.params)
    else {
        return Ok(false);
    };
    let foreign = foreign_aligned(run)?;
    if earlier.warps.finest() != run.manifest.warps.finest() || earlier.foreign_aligned != foreign {
        return Ok(false);
    }
    run.manifest.foreign_aligned = foreign;
    let both = CheckpointFormats::Both.list().len();
    let there = kinds(&run.spec.params)
        .into_iter()
        .fold(true, |there, kind| {
            let found = run.find(Stage::Difference, &kind.stem(), false);
            there && matches!(found, Some(Found::Recorded(_, records)) if records.len() == both)
        });
    if there {
        run.manifest.scales = earlier.scales.clone();
        if run.lacks_pictures(Stage::Difference)? {
            let mut counting = Counting::new(run)?;
            let images = subtract(run, &earlier.scales, Some(&mut counting), &mut [])?;
            let (counted, _) = counting.finish(run)?;
            draw_counted(run, counted, &images_of(&earlier.scales))?;
            draw_difference_images(run, images)?;
        }
    }
    Ok(there)
}

/// What is known of the image that stands for aligned pre where that is one of the Python program.
fn foreign_aligned(run: &TaskRun<'_>) -> Result<Option<ForeignRecord>, PipelineError> {
    let Some(path) = foreign_path(run) else {
        return Ok(None);
    };
    let identity = FileIdentity::of(&path).map_err(PipelineError::io(&path, "looking at it"))?;
    Ok(Some(ForeignRecord {
        path: relative_path(run.output.paths.dir(), &path),
        bytes: identity.bytes,
        modified: identity.modified,
    }))
}

pub(crate) fn perform(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    run.manifest.foreign_aligned = foreign_aligned(run)?;
    let (scales, counted, no_peak) = match scales::known(run) {
        Some(scales) => (scales, None, None),
        None => {
            let found = scales::find(run)?;
            (found.scales, Some(found.counted), found.no_peak)
        }
    };
    for doubt in scales.moffat.iter().flat_map(MoffatRecord::doubts) {
        run.note(doubt);
    }
    let mut writers = open_writers(run, &scales)?;
    let lines = images_of(&scales);
    let images = match counted {
        Some(counted) => {
            draw_counted(run, counted, &lines)?;
            subtract(run, &scales, None, &mut writers)?
        }
        None => {
            let mut counting = Counting::new(run)?;
            let images = subtract(run, &scales, Some(&mut counting), &mut writers)?;
            let (counted, _) = counting.finish(run)?;
            draw_counted(run, counted, &lines)?;
            images
        }
    };
    draw_difference_images(run, images)?;
    // Before the checkpoints get their names: where these are, the pictures are.
    run.wait()?;
    let records = finish(&run.output.paths, writers.into_iter().flatten().collect())?;
    run.record(records);
    run.manifest.scales = scales;
    // The other difference images do not need the peak and have been written.
    no_peak.map_or(Ok(()), |error| Err(error.into()))
}

/// The difference images that can be made with these scales, in the order of their names.
fn images_of(scales: &Scales) -> Vec<(ScaleKind, f64)> {
    let moffat = scales.moffat.as_ref().map(|s| (ScaleKind::Moffat, s.value));
    let percentile = scales
        .percentile
        .map(|s| (ScaleKind::Percentile(s.percentile), s.value));
    let manual = scales.manual.map(|s| (ScaleKind::Manual, s.value));
    [moffat, percentile, manual].into_iter().flatten().collect()
}

/// The writers of each difference image, one per format.
fn open_writers(
    run: &TaskRun<'_>,
    scales: &Scales,
) -> Result<Vec<Vec<CheckpointWriter>>, PipelineError> {
    let spec = run.spec;
    let open = |(kind, scale): (ScaleKind, f64)| {
        let header = Header {
            sample: &spec.sample,
            dye: &spec.dye,
            stage: Stage::Difference,
            params: &spec.params,
            scale: Some((scale, kind)),
            interior: None,
            warp: run.manifest.warps.finest(),
        };
        let formats = CheckpointFormats::Both.list();
        run.output
            .target(&kind.stem(), &header, formats)?
            .open(run.canvas.size())
    };
    images_of(scales).into_iter().map(open).collect()
}

/// One pass over the pair: every difference image to its writers, if there are any, and into the preview of its picture.
fn subtract(
    run: &mut TaskRun<'_>,
    scales: &Scales,
    mut counting: Option<&mut Counting>,
    writers: &mut [Vec<CheckpointWriter>],
) -> Result<Vec<(ScaleKind, DifferenceSummary)>, PipelineError> {
    let size = run.canvas.size();
    let (post_frame, pre_frame) = frames(run);
    let factor = preview_factor(size, PICTURE_PX);
    let mut images: Vec<(ScaleKind, f64, DifferencePreview)> = images_of(scales)
        .into_iter()
        .map(|(kind, scale)| {
            let preview = DifferencePreview::new(size, factor, scale, post_frame, pre_frame);
            (kind, scale, preview)
        })
        .collect();
    let mut difference = Array2::zeros((0, 0));
    let what = if writers.is_empty() {
        "looking at the difference"
    } else {
        "writing the difference"
    };
    for_each_pair(run, Stage::Difference, what, |first_row, post, aligned| {
        if let Some(counting) = &mut counting {
            counting.add_band(first_row, post, aligned);
        }
        for (_, _, preview) in &mut images {
            preview.add_band(first_row, post, aligned);
        }
        for ((_, scale, _), writers) in images.iter().zip(writers.iter_mut()) {
            if difference.dim() != post.dim() {
                difference = Array2::zeros(post.dim());
            }
            subtract_scaled(post, aligned, *scale, difference.view_mut());
            write_all(writers, difference.view())?;
        }
        Ok(())
    })?;
    let summary = |(kind, _, preview): (_, _, DifferencePreview)| (kind, preview.finish());
    Ok(images.into_iter().map(summary).collect())
}

/// Gives a band to several writers at the same time.
fn write_all(writers: &mut [CheckpointWriter], band: ArrayView2<'_, f32>) -> Result<(), BandError> {
    writers
        .par_iter_mut()
        .try_for_each(|writer| writer.write_band(band))
}
