//! Stage 4: the scales, and post minus scaled pre.

use crate::error::PipelineError;
use crate::history::Found;
use crate::manifest::{ManualRecord, MoffatRecord, PercentileRecord, Scales};
use crate::names::{Header, ScaleKind};
use crate::observer::Event;
use crate::output::{Target, tell};
use crate::params::Params;
use crate::run::TaskRun;
use crate::stages::pad::load_pre;
use crate::task::CheckpointFormats;
use e2m_image::{BandError, BandSink, BandSource, Padded, WarpedPlane, default_band_rows};
use e2m_io::{CheckpointReader, CheckpointWriter};
use e2m_scale::{PercentilePasses, RatioStatistics, ScaleError, estimate_scale, subtract_scaled};
use ndarray::{Array2, ArrayView2, s};
use std::ops::ControlFlow;

/// The difference images that the parameters ask for.
pub(crate) fn kinds(params: &Params) -> Vec<ScaleKind> {
    let percentile = params.scale_percentile.map(ScaleKind::Percentile);
    let manual = params.manual_scale.map(|_| ScaleKind::Manual);
    [Some(ScaleKind::Moffat), percentile, manual]
        .into_iter()
        .flatten()
        .collect()
}

pub(crate) fn restore(run: &mut TaskRun<'_>) -> bool {
    let Some(earlier) = run
        .history
        .manifest_for(&run.manifest.inputs, &run.spec.params)
    else {
        return false;
    };
    if earlier.warps.finest() != run.manifest.warps.finest() {
        return false;
    }
    let both = CheckpointFormats::Both.list().len();
    let there = kinds(&run.spec.params)
        .into_iter()
        .fold(true, |there, kind| {
            let found = run.find(4, &kind.stem(), false);
            there && matches!(found, Some(Found::Recorded(_, records)) if records.len() == both)
        });
    if there {
        run.manifest.scales = earlier.scales.clone();
    }
    there
}

pub(crate) fn perform(run: &mut TaskRun<'_>) -> Result<(), PipelineError> {
    let (scales, no_peak) = find_scales(run)?;
    for kind in kinds(&run.spec.params) {
        let value = match kind {
            ScaleKind::Moffat => scales.moffat.as_ref().map(|s| s.value),
            ScaleKind::Percentile(_) => scales.percentile.map(|s| s.value),
            ScaleKind::Manual => scales.manual.map(|s| s.value),
        };
        if let Some(value) = value {
            write_difference(run, kind, value)?;
        }
    }
    run.manifest.scales = scales;
    // The other difference images do not need the peak and have been written.
    no_peak.map_or(Ok(()), |error| Err(error.into()))
}

/// Gathers the ratios in one pass, and in a second one where a percentile is wanted. With the scales comes why there is
/// none from the peak of the ratios, if so.
fn find_scales(run: &mut TaskRun<'_>) -> Result<(Scales, Option<ScaleError>), PipelineError> {
    let mut statistics = RatioStatistics::default();
    let mut ranks = match run.spec.params.scale_percentile {
        Some(percent) => Some(PercentilePasses::new(percent)?.first()),
        None => None,
    };
    for_each_pair(run, "gathering ratios", |post, aligned| {
        statistics.add_band(post, aligned);
        if let Some(ranks) = &mut ranks {
            ranks.add_band(post, aligned);
        }
        Ok(())
    })?;
    let (moffat, no_peak) = match estimate_scale(&statistics) {
        Ok(scale) => (Some(MoffatRecord::from(&scale)), None),
        Err(error) => (None, Some(error)),
    };
    let percentile = match ranks.and_then(e2m_scale::CoarseRanks::second) {
        Some(mut fine) => {
            for_each_pair(run, "ranking ratios", |post, aligned| {
                fine.add_band(post, aligned);
                Ok(())
            })?;
            Some(fine.value())
        }
        None => None,
    };
    let scales = Scales {
        moffat,
        percentile: percentile
            .zip(run.spec.params.scale_percentile)
            .map(|(value, percentile)| PercentileRecord { value, percentile }),
        manual: run
            .spec
            .params
            .manual_scale
            .map(|value| ManualRecord { value }),
    };
    Ok((scales, no_peak))
}

fn write_difference(
    run: &mut TaskRun<'_>,
    kind: ScaleKind,
    scale: f64,
) -> Result<(), PipelineError> {
    let spec = run.spec;
    let header = Header {
        sample: &spec.sample,
        dye: &spec.dye,
        stage: 4,
        params: &spec.params,
        scale: Some((scale, kind)),
        interior: None,
        warp: run.manifest.warps.finest(),
    };
    let (facts, suffix, stem) = (header.facts()?, run.suffix(4), kind.stem());
    let target = Target {
        stem: &stem,
        suffix: &suffix,
        facts: &facts,
        formats: CheckpointFormats::Both.list(),
    };
    let mut writers: Vec<CheckpointWriter> = run.output.open(run.canvas.size(), &target)?;
    let mut difference = Array2::zeros((0, 0));
    for_each_pair(run, "writing the difference", |post, aligned| {
        if difference.dim() != post.dim() {
            difference = Array2::zeros(post.dim());
        }
        subtract_scaled(post, aligned, scale, difference.view_mut());
        writers
            .iter_mut()
            .try_for_each(|writer| writer.write_band(difference.view()))
    })?;
    let records = run.output.finish(writers)?;
    run.record(records);
    Ok(())
}

/// Calls `visit` with each band of post on the canvas and of aligned pre, top to bottom.
fn for_each_pair(
    run: &mut TaskRun<'_>,
    what: &'static str,
    mut visit: impl FnMut(ArrayView2<'_, f32>, ArrayView2<'_, f32>) -> Result<(), BandError>,
) -> Result<(), PipelineError> {
    if run.foreign_aligned.is_none() {
        load_pre(run)?;
    }
    let size = run.canvas.size();
    let mut post_source = Padded::new(run.post.bands()?, run.canvas)?;
    let mut aligned_source: Box<dyn BandSource + '_> = match (
        run.foreign_aligned,
        run.manifest.warps.finest(),
        &run.pre_plane,
    ) {
        (Some((format, stem)), ..) => {
            let stage = if stem == crate::names::ICP_PRE { 2 } else { 3 };
            let suffix = crate::params::suffix(&run.spec.params, stage);
            Box::new(CheckpointReader::open(
                &run.output.paths.checkpoint_path(format, stem, &suffix),
            )?)
        }
        (None, Some(warp), Some(plane)) => Box::new(WarpedPlane::new(plane, run.canvas, warp)),
        _ => return Err(PipelineError::MissingStage { stage: 4, needs: 2 }),
    };
    let band_rows = default_band_rows(size.width).min(size.height);
    let (mut post, mut aligned) = (
        Array2::zeros((band_rows, size.width)),
        Array2::zeros((band_rows, size.width)),
    );
    let mut row = 0;
    while row < size.height {
        let rows = band_rows.min(size.height - row);
        let (mut post, mut aligned) = (
            post.slice_mut(s![..rows, ..]),
            aligned.slice_mut(s![..rows, ..]),
        );
        post_source.read_band(row, post.view_mut())?;
        aligned_source.read_band(row, aligned.view_mut())?;
        visit(post.view(), aligned.view())?;
        row += rows;
        let progress = Event::Progress {
            stage: 4,
            what,
            rows: row,
            of: size.height,
        };
        if let ControlFlow::Break(()) = tell(run.output.observer, progress) {
            return Err(PipelineError::Interrupted);
        }
    }
    Ok(())
}
