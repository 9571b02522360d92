//! Stage 5: the microbes in the difference, and how sure they are.
//!
//! The pair is read again from the raw files through the warp, as stage 4 does, so that no image of an earlier stage has to be
//! there. The search itself is that of e2m-detect. Its catalogue stays at the workbench until the tables are written.

mod crops;

use crate::alignment_record::local_facts;
use crate::artifact::Image;
use crate::detection_record::{Detected, DetectionRecord};
use crate::error::PipelineError;
use crate::manifest::CheckpointRecord;
use crate::names::ScaleKind;
use crate::output::{ImageFacts, Target, finish};
use crate::params::Params;
use crate::pictures::{Crops, draw_detection};
use crate::resume::Results;
use crate::stage::Stage;
use crate::stages::difference::{CanvasPair, Progress, facts_of};
use crate::workbench::Workbench;
use crops::crops;
use e2m_detect::{Catalogue, DetectOptions, Placement, detect};
use e2m_image::{BandError, BandSink, Size};
use e2m_io::CheckpointWriter;
use e2m_resources::return_memory;
use ndarray::ArrayView2;
use rayon::prelude::*;

/// What is done on each pass over the pair.
const PASSES: &[&str] = &[
    "measuring the noise",
    "measuring the significance of noise",
    "looking for microbes",
    "cutting out microbes",
];

/// What stage 5 makes.
pub(crate) struct Made {
    pub(crate) checkpoints: Vec<CheckpointRecord>,
    pub(crate) record: DetectionRecord,
}

/// How a task with these parameters searches.
fn options_of(params: &Params) -> DetectOptions {
    DetectOptions {
        detect_sigma: params.detect_sigma,
        min_area_px: params.min_area_px,
        max_area_px: params.max_area_px,
        ..DetectOptions::default()
    }
}

/// Searches the difference, writes its significance, and draws the pictures. `suspect` is what speaks against the difference.
pub(crate) fn make(
    bench: &mut Workbench<'_>,
    before: &Results,
    suspect: &[String],
) -> Result<Made, PipelineError> {
    let task = bench.task;
    let subtraction = before.scales.of(ScaleKind::Moffat);
    let facts = ImageFacts {
        warp: before.warps.finest(),
        local: before.alignment.as_ref().and_then(local_facts),
        scale: subtraction.map(|subtraction| (subtraction, ScaleKind::Moffat)),
        ..ImageFacts::default()
    };
    let mut writers = None;
    if task.keeps(Image::Significance) {
        let size = task.canvas.size();
        let target = Target::new(task, Image::Significance, facts)?;
        let of_formats = target.open(size)?;
        writers = Some(Writers {
            size,
            writers: of_formats,
        });
    }
    let significance = writers.as_mut().map(|writers| writers as &mut dyn BandSink);
    let (catalogue, crops) = search(bench, before, significance)?;
    let record = DetectionRecord::of(&catalogue, suspect);
    for reason in record.suspect.iter().filter(|r| !suspect.contains(r)) {
        bench.messages.keep_note(
            Stage::Detection,
            format!("the catalogue of microbes is suspect: {reason}"),
        );
    }
    draw_detection(bench, &catalogue, crops)?;
    // Before the checkpoint gets its name: where it is, the pictures are.
    bench.wait()?;
    let writers = writers.map_or_else(Vec::new, |writers| writers.writers);
    let checkpoints = finish(&task.paths, writers)?;
    let pad = task.canvas.pad() as f64;
    let notes = record.suspect.iter().map(|why| format!("suspect: {why}"));
    bench.detected = Some(Detected {
        placement: Placement {
            raw_origin_px: [pad, pad],
            um_per_px: bench.um_per_px(),
        },
        notes: notes.collect(),
        catalogue,
    });
    Ok(Made {
        checkpoints,
        record,
    })
}

/// Draws the pictures again, from another search.
pub(crate) fn redraw(bench: &mut Workbench<'_>, recorded: &Results) -> Result<(), PipelineError> {
    if !bench.task.spec.params.detect {
        return Ok(());
    }
    let (catalogue, crops) = search(bench, recorded, None)?;
    draw_detection(bench, &catalogue, crops)
}

fn search(
    bench: &mut Workbench<'_>,
    before: &Results,
    significance: Option<&mut dyn BandSink>,
) -> Result<(Catalogue, Crops), PipelineError> {
    // What the stages before have freed makes room for what the search holds.
    return_memory();
    let task = bench.task;
    let (stage, needs) = (Stage::Detection, Stage::Difference);
    let facts = facts_of(&before.scales, before.alignment.as_ref())
        .ok_or(PipelineError::MissingStage { stage, needs })?;
    let mut plane = None;
    let mut pair = CanvasPair::open(bench, before, Progress::new(stage, PASSES), &mut plane)?;
    let options = options_of(&task.spec.params);
    let catalogue = detect(&mut pair, &facts, &options, significance)?;
    let worst = before.alignment.as_ref().and_then(|a| a.worst_tile);
    let worst = worst.map(|tile| {
        let middle = [tile.x, tile.y].map(|first| (first as f64) + 0.5 * tile.side_px as f64);
        (middle, tile.dx.hypot(tile.dy))
    });
    let crops = crops(&mut pair, &facts, &catalogue, worst)?;
    Ok((catalogue, crops))
}

/// The writers of the significance, one per format.
struct Writers {
    size: Size,
    writers: Vec<CheckpointWriter>,
}

impl BandSink for Writers {
    fn size(&self) -> Size {
        self.size
    }

    fn write_band(&mut self, band: ArrayView2<'_, f32>) -> Result<(), BandError> {
        self.writers
            .par_iter_mut()
            .try_for_each(|writer| writer.write_band(band))
    }
}
