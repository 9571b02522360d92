//! The scales: found in one pass, a percentile in two, or taken over from an earlier run.

use super::pairs::for_each_pair;
use super::statistics::BandStatistics;
use super::write_all;
use crate::context::TaskContext;
use crate::error::PipelineError;
use crate::history::History;
use crate::manifest::{CheckpointRecord, Manifest};
use crate::output::{Target, finish};
use crate::params::Params;
use crate::pictures::Counted;
use crate::resume::Results;
use crate::scale_record::{ManualRecord, MoffatRecord, PercentileRecord, Scales};
use crate::stage::Stage;
use crate::workbench::Workbench;
use e2m_scale::{CoarseRanks, PercentilePasses, ScaleError};
use ndarray::ArrayView2;

/// The scales of a pair, and what else was counted on it.
pub(super) struct FoundScales {
    pub(super) scales: Scales,
    pub(super) counted: Counted,
    /// Why the scale of the peak is not among them.
    pub(super) no_peak: Option<ScaleError>,
}

/// Whether a scale was looked for in the same way.
fn same_options(a: &Params, b: &Params) -> bool {
    let options = |p: &Params| (p.post_black, p.pre_black, p.scale_peak);
    options(a) == options(b)
}

/// The scales wanted, if an earlier run of the same version as `manifest` found them on the same aligned pair: another manual
/// scale changes neither the peak nor the percentile. A stage that is to be done again finds them again.
pub(crate) fn known_scales(
    task: &TaskContext<'_>,
    history: &History,
    manifest: &Manifest,
    before: &Results,
) -> Option<Scales> {
    if task.is_forced(Stage::Difference) {
        return None;
    }
    let mapping = Some(before.warps.mapping()?);
    let alike = history.manifests().iter().filter(|m| {
        m.version == manifest.version
            && m.canvas == task.canvas
            && same_options(&m.params, &task.spec.params)
            && m.inputs.same_content(&manifest.inputs)
            && m.warps.mapping() == mapping
    });
    // A record of a version that knew no black levels has none.
    let moffat = alike
        .clone()
        .find_map(|m| m.scales.moffat.clone().filter(|s| s.black.is_some()))?;
    let percentile = match task.spec.params.scale_percentile {
        Some(wanted) => {
            let mut found = alike.filter_map(|m| m.scales.percentile);
            Some(found.find(|p| p.percentile == wanted)?)
        }
        None => None,
    };
    Some(Scales {
        moffat: Some(moffat),
        percentile,
        manual: manual(task),
        field: None,
    })
}

/// What one pass over the pair counts.
pub(crate) struct StatisticsPass {
    bands: BandStatistics,
    ranks: Option<CoarseRanks>,
}

impl StatisticsPass {
    fn new(bench: &mut Workbench<'_>, before: &Results) -> Result<Self, PipelineError> {
        let percent = bench.task.spec.params.scale_percentile;
        let passes = percent.map(PercentilePasses::new).transpose()?;
        Ok(Self {
            bands: BandStatistics::new(bench, before)?,
            ranks: passes.map(PercentilePasses::first),
        })
    }

    fn add_band(
        &mut self,
        first_row: usize,
        post: ArrayView2<'_, f32>,
        aligned: ArrayView2<'_, f32>,
    ) {
        self.bands.add_band(first_row, post, aligned);
        if let Some(ranks) = &mut self.ranks {
            ranks.add_band(post, aligned);
        }
    }
}

/// Writes aligned pre through the finest warp for stage 3, and `counts` on the way what stage 4 wants to know.
pub(crate) fn write_and_count(
    bench: &mut Workbench<'_>,
    results: &Results,
    what: &'static str,
    target: &Target,
    counts: bool,
) -> Result<(Vec<CheckpointRecord>, Option<StatisticsPass>), PipelineError> {
    let mut writers = target.open(bench.task.canvas.size())?;
    let mut statistics = if counts {
        Some(StatisticsPass::new(bench, results)?)
    } else {
        None
    };
    for_each_pair(
        bench,
        results,
        (Stage::Fine, what),
        |first_row, post, aligned| {
            let (written, ()) = rayon::join(
                || write_all(&mut writers, aligned),
                || {
                    if let Some(statistics) = &mut statistics {
                        statistics.add_band(first_row, post, aligned);
                    }
                },
            );
            written
        },
    )?;
    Ok((finish(&bench.task.paths, writers)?, statistics))
}

/// Finds the scales, from what was counted while aligned pre was written, if that was in this run.
pub(super) fn find(
    bench: &mut Workbench<'_>,
    before: &Results,
    statistics: Option<StatisticsPass>,
) -> Result<FoundScales, PipelineError> {
    let statistics = match statistics {
        Some(statistics) => statistics,
        None => {
            let mut statistics = StatisticsPass::new(bench, before)?;
            for_each_pair(
                bench,
                before,
                (Stage::Difference, "gathering ratios"),
                |first_row, post, aligned| {
                    statistics.add_band(first_row, post, aligned);
                    Ok(())
                },
            )?;
            statistics
        }
    };
    let StatisticsPass { bands, ranks } = statistics;
    let (counted, no_peak) = bands.finish(bench)?;
    let percentile = match ranks.and_then(CoarseRanks::second) {
        Some(mut fine) => {
            for_each_pair(
                bench,
                before,
                (Stage::Difference, "ranking ratios"),
                |_, post, aligned| {
                    fine.add_band(post, aligned);
                    Ok(())
                },
            )?;
            Some(fine.value())
        }
        None => None,
    };
    let scales = Scales {
        moffat: counted.peak.as_ref().map(MoffatRecord::from),
        percentile: percentile
            .zip(bench.task.spec.params.scale_percentile)
            .map(|(value, percentile)| PercentileRecord { value, percentile }),
        manual: manual(bench.task),
        field: None,
    };
    Ok(FoundScales {
        scales,
        counted,
        no_peak,
    })
}

fn manual(task: &TaskContext<'_>) -> Option<ManualRecord> {
    let value = task.spec.params.manual_scale?;
    Some(ManualRecord { value })
}
