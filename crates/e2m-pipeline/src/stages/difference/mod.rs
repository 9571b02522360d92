//! Stage 4: the scales, post minus scaled pre, and the mask of what is known of each pixel.
//!
//! One pass counts what scales and pictures need, a percentile takes one more, and one pass writes all difference images. A
//! scale that an earlier run found for the same warp is taken over; then the counting goes along with the writing.

mod canvas_pair;
mod comparable;
mod field;
mod flag_sources;
mod mask;
mod pair_check;
mod pairs;
mod scales;
mod statistics;

use crate::alignment_record::local_facts;
use crate::artifact::{Image, scale_kinds};
use crate::context::TaskContext;
use crate::doubts::Doubt;
use crate::error::PipelineError;
use crate::manifest::{CheckpointRecord, LegacyRecord};
use crate::names::ScaleKind;
use crate::output::{ImageFacts, Target, finish, finish_flags};
use crate::pictures::{draw_counted, draw_difference_images};
use crate::resume::{LegacyAligned, Results};
use crate::scale_record::{MoffatRecord, Scales};
use crate::stage::Stage;
use crate::workbench::Workbench;
pub(crate) use canvas_pair::{CanvasPair, Progress, facts_of};
use e2m_image::{BandError, BandSink, preview_factor};
use e2m_io::{CheckpointWriter, FlagsWriter};
use e2m_plot::{DifferencePreview, DifferenceSummary};
use e2m_scale::{ScaleError, Subtraction, subtract_scaled};
use field::FieldDifference;
pub(crate) use mask::Mask;
use ndarray::{Array2, ArrayView2};
use pair_check::PairCheck;
use pairs::for_each_pair;
use pairs::open_aligned;
use rayon::prelude::*;
pub(crate) use scales::{StatisticsPass, known_scales, write_and_count};
use statistics::{BandStatistics, frames};

/// Longer side of the preview that a picture of the difference is drawn from, px.
const PICTURE_PX: usize = 1500;

/// What stage 4 makes.
pub(crate) struct Made {
    pub(crate) checkpoints: Vec<CheckpointRecord>,
    pub(crate) scales: Scales,
    /// Why there is no scale from the peak of the ratios.
    pub(crate) no_peak: Option<ScaleError>,
}

/// What is known of the image of the Python program that stands for aligned pre.
pub(crate) fn legacy_record(
    task: &TaskContext<'_>,
    legacy: LegacyAligned,
) -> Result<LegacyRecord, PipelineError> {
    let path = task.image_path(legacy.image, legacy.format);
    legacy
        .record(task)
        .map_err(PipelineError::io(&path, "looking at it"))
}

/// Draws the pictures of difference images that are there, from one pass over the pair.
pub(crate) fn redraw(bench: &mut Workbench<'_>, recorded: &Results) -> Result<(), PipelineError> {
    let mut statistics = BandStatistics::new(bench, recorded)?;
    let lines = lines_of(bench.task, &recorded.scales);
    let nowhere = &mut Outputs::default();
    let counting = (Some(&mut statistics), None);
    let images = subtract(bench, recorded, (&lines, None), counting, nowhere)?;
    let (counted, _) = statistics.finish(bench)?;
    draw_counted(bench, counted, &lines)?;
    draw_difference_images(bench, images)
}

/// Makes the difference images: with the scales that are `known`, or with those that are found, from `statistics` of an earlier
/// pass if there was one.
pub(crate) fn make(
    bench: &mut Workbench<'_>,
    before: &Results,
    known: Option<Scales>,
    statistics: Option<StatisticsPass>,
) -> Result<Made, PipelineError> {
    let (mut scales, counted, no_peak) = match known {
        Some(scales) => (scales, None, None),
        None => {
            let found = scales::find(bench, before, statistics)?;
            (found.scales, Some(found.counted), found.no_peak)
        }
    };
    for note in scales.moffat.iter().flat_map(MoffatRecord::notes) {
        bench.messages.note_again(&note);
    }
    if let Some(doubt) = Doubt::of_scale(&scales, &bench.task.doubts) {
        bench.messages.doubt(doubt);
    }
    let lines = lines_of(bench.task, &scales);
    let mut field = FieldDifference::measure(bench, before, &mut scales)?;
    if let Some(record) = scales.field {
        bench.messages.keep_note(Stage::Difference, record.note());
    }
    let mut writers = open_writers(bench.task, before, &lines, field.is_some())?;
    let mut check = PairCheck::new(bench, before, &scales);
    let images = match counted {
        Some(counted) => {
            draw_counted(bench, counted, &lines)?;
            let counting = (None, check.as_mut());
            subtract(
                bench,
                before,
                (&lines, field.as_mut()),
                counting,
                &mut writers,
            )?
        }
        None => {
            let mut statistics = BandStatistics::new(bench, before)?;
            let counting = (Some(&mut statistics), check.as_mut());
            let what = (&lines[..], field.as_mut());
            let images = subtract(bench, before, what, counting, &mut writers)?;
            let (counted, _) = statistics.finish(bench)?;
            draw_counted(bench, counted, &lines)?;
            images
        }
    };
    if let Some(check) = check {
        check.finish(bench);
    }
    draw_difference_images(bench, images)?;
    // Before the checkpoints get their names: where these are, the pictures are.
    bench.wait()?;
    let Outputs {
        differences,
        field,
        mask,
    } = writers;
    let paths = &bench.task.paths;
    let differences = differences.into_iter().chain([field]).flatten();
    let mut checkpoints = finish(paths, differences.collect())?;
    checkpoints.extend(finish_flags(paths, mask)?);
    Ok(Made {
        checkpoints,
        scales,
        no_peak,
    })
}

/// The difference images that can be made with these scales, in the order of their names.
fn lines_of(task: &TaskContext<'_>, scales: &Scales) -> Vec<(ScaleKind, Subtraction)> {
    let kinds = scale_kinds(&task.spec.params).into_iter();
    kinds
        .filter_map(|kind| Some((kind, scales.of(kind)?)))
        .collect()
}

/// Where the images of stage 4 go.
#[derive(Default)]
struct Outputs {
    /// The writers of each difference image, one per format.
    differences: Vec<Vec<CheckpointWriter>>,
    /// Those of the difference with a scale field.
    field: Vec<CheckpointWriter>,
    /// Those of the mask.
    mask: Vec<FlagsWriter>,
}

/// The writers of all images.
fn open_writers(
    task: &TaskContext<'_>,
    before: &Results,
    lines: &[(ScaleKind, Subtraction)],
    has_field: bool,
) -> Result<Outputs, PipelineError> {
    let of_warp = || ImageFacts {
        warp: before.warps.finest(),
        local: before.alignment.as_ref().and_then(local_facts),
        ..ImageFacts::default()
    };
    let open = |image, (kind, subtraction): (ScaleKind, Subtraction)| {
        let facts = ImageFacts {
            scale: Some((subtraction, kind)),
            ..of_warp()
        };
        Target::new(task, image, facts)?.open(task.canvas.size())
    };
    let facts = of_warp();
    let differences = lines.iter();
    let moffat = lines.iter().find(|(kind, _)| *kind == ScaleKind::Moffat);
    let of_field = moffat.filter(|_| has_field);
    Ok(Outputs {
        differences: differences
            .map(|&line| open(Image::Difference(line.0), line))
            .collect::<Result<_, _>>()?,
        field: of_field.map_or(Ok(Vec::new()), |&line| open(Image::DifferenceField, line))?,
        mask: Target::new(task, Image::Mask, facts)?.open_flags(task.canvas.size())?,
    })
}

/// One pass over the pair: every difference image and the mask to their writers, if there are any, and every difference into
/// the preview of its picture.
fn subtract(
    bench: &mut Workbench<'_>,
    before: &Results,
    (lines, mut field): (&[(ScaleKind, Subtraction)], Option<&mut FieldDifference>),
    (mut statistics, mut check): (Option<&mut BandStatistics>, Option<&mut PairCheck>),
    outputs: &mut Outputs,
) -> Result<Vec<(ScaleKind, DifferenceSummary)>, PipelineError> {
    let size = bench.task.canvas.size();
    let (post_frame, pre_frame) = frames(bench, before);
    let factor = preview_factor(size, PICTURE_PX);
    let mut images: Vec<(ScaleKind, Subtraction, DifferencePreview)> = lines
        .iter()
        .map(|&(kind, subtraction)| {
            let scale = subtraction.scale;
            let preview = DifferencePreview::new(size, factor, scale, post_frame, pre_frame)
                .with_offset(subtraction.offset());
            (kind, subtraction, preview)
        })
        .collect();
    let mask = Mask::new(bench, before)?;
    let no_data = bench.task.spec.params.no_data.value();
    let Outputs {
        differences,
        field: field_writers,
        mask: mask_writers,
    } = outputs;
    let mut difference = Array2::zeros((0, 0));
    let mut flags = Array2::zeros((0, 0));
    let what = if mask_writers.is_empty() {
        "looking at the difference"
    } else {
        "writing the difference"
    };
    for_each_pair(
        bench,
        before,
        (Stage::Difference, what),
        |first_row, post, aligned| {
            if let Some(statistics) = &mut statistics {
                statistics.add_band(first_row, post, aligned);
            }
            if let Some(check) = &mut check {
                check.add_band(first_row, post, aligned);
            }
            for (_, _, preview) in &mut images {
                preview.add_band(first_row, post, aligned);
            }
            if mask_writers.is_empty() {
                return Ok(());
            }
            if difference.dim() != post.dim() {
                difference = Array2::zeros(post.dim());
                flags = Array2::zeros(post.dim());
            }
            let write_mask = || {
                mask.fill(first_row, (post, aligned), flags.view_mut());
                let mut writers = mask_writers.iter_mut();
                writers.try_for_each(|writer| writer.write_band(flags.view()))
            };
            let write_differences = || {
                for ((_, subtraction, _), writers) in images.iter().zip(differences.iter_mut()) {
                    subtract_scaled(post, aligned, subtraction, difference.view_mut());
                    mask.blank(first_row, aligned, no_data, difference.view_mut());
                    write_all(writers, difference.view())?;
                }
                if let Some(field) = &mut field {
                    field.fill(first_row, (post, aligned), difference.view_mut());
                    mask.blank(first_row, aligned, no_data, difference.view_mut());
                    write_all(field_writers, difference.view())?;
                }
                Ok(())
            };
            let (mask_written, written) = rayon::join(write_mask, write_differences);
            written.and(mask_written)
        },
    )?;
    let summary = |(kind, _, preview): (_, _, DifferencePreview)| (kind, preview.finish());
    Ok(images.into_iter().map(summary).collect())
}

/// Gives a band to several writers at the same time.
fn write_all(writers: &mut [CheckpointWriter], band: ArrayView2<'_, f32>) -> Result<(), BandError> {
    writers
        .par_iter_mut()
        .try_for_each(|writer| writer.write_band(band))
}
