//! The scales: found in one pass, a percentile in two, or taken over from an earlier run.

use super::counting::Counting;
use super::pairs::for_each_pair;
use super::write_all;
use crate::error::PipelineError;
use crate::manifest::{CheckpointRecord, ManualRecord, MoffatRecord, PercentileRecord, Scales};
use crate::output::{Target, finish};
use crate::pictures::Counted;
use crate::run::TaskRun;
use crate::stage::Stage;
use e2m_scale::{CoarseRanks, PercentilePasses, ScaleError};
use ndarray::ArrayView2;

/// What was found on a pair.
pub(super) struct Found {
    pub(super) scales: Scales,
    pub(super) counted: Counted,
    /// Why the scale of the peak is not among them.
    pub(super) no_peak: Option<ScaleError>,
}

/// The scales wanted, if an earlier run of the same version found them on the same aligned pair: another manual scale changes
/// neither the peak nor the percentile. A stage that is to be done again finds them again.
pub(super) fn known(run: &TaskRun<'_>) -> Option<Scales> {
    if run.is_fresh(Stage::Difference) {
        return None;
    }
    let warp = run.manifest.warps.finest()?;
    let alike = run.history.manifests().iter().filter(|m| {
        m.version == run.manifest.version
            && m.canvas == run.canvas
            && m.inputs.same_content(&run.manifest.inputs)
            && m.warps.finest() == Some(warp)
    });
    let moffat = alike.clone().find_map(|m| m.scales.moffat.clone())?;
    let percentile = match run.spec.params.scale_percentile {
        Some(wanted) => {
            let mut found = alike.filter_map(|m| m.scales.percentile);
            Some(found.find(|p| p.percentile == wanted)?)
        }
        None => None,
    };
    Some(Scales {
        moffat: Some(moffat),
        percentile,
        manual: manual(run),
    })
}

/// What one pass over the pair gathers.
pub(crate) struct Gathered {
    counting: Counting,
    ranks: Option<CoarseRanks>,
}

impl Gathered {
    fn new(run: &mut TaskRun<'_>) -> Result<Self, PipelineError> {
        let percent = run.spec.params.scale_percentile;
        let passes = percent.map(PercentilePasses::new).transpose()?;
        Ok(Self {
            counting: Counting::new(run)?,
            ranks: passes.map(PercentilePasses::first),
        })
    }

    fn add_band(
        &mut self,
        first_row: usize,
        post: ArrayView2<'_, f32>,
        aligned: ArrayView2<'_, f32>,
    ) {
        self.counting.add_band(first_row, post, aligned);
        if let Some(ranks) = &mut self.ranks {
            ranks.add_band(post, aligned);
        }
    }
}

/// Writes aligned pre, with the warp that the manifest has, and gathers on the way what stage 4 wants to know.
pub(crate) fn write_and_gather(
    run: &mut TaskRun<'_>,
    stage: Stage,
    what: &'static str,
    target: &Target,
) -> Result<Vec<CheckpointRecord>, PipelineError> {
    let mut writers = target.open(run.canvas.size())?;
    let wanted = run.spec.to_stage >= Stage::Difference && known(run).is_none();
    let mut gathered = if wanted {
        Some(Gathered::new(run)?)
    } else {
        None
    };
    for_each_pair(run, stage, what, |first_row, post, aligned| {
        let (written, ()) = rayon::join(
            || write_all(&mut writers, aligned),
            || {
                if let Some(gathered) = &mut gathered {
                    gathered.add_band(first_row, post, aligned);
                }
            },
        );
        written
    })?;
    run.gathered = gathered;
    finish(&run.output.paths, writers)
}

/// Finds the scales, from what was counted while aligned pre was written, if that was in this run.
pub(super) fn find(run: &mut TaskRun<'_>) -> Result<Found, PipelineError> {
    let gathered = match run.gathered.take() {
        Some(gathered) => gathered,
        None => {
            let mut gathered = Gathered::new(run)?;
            for_each_pair(
                run,
                Stage::Difference,
                "gathering ratios",
                |first_row, post, aligned| {
                    gathered.add_band(first_row, post, aligned);
                    Ok(())
                },
            )?;
            gathered
        }
    };
    let Gathered { counting, ranks } = gathered;
    let (counted, no_peak) = counting.finish(run)?;
    let percentile = match ranks.and_then(CoarseRanks::second) {
        Some(mut fine) => {
            for_each_pair(
                run,
                Stage::Difference,
                "ranking ratios",
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
            .zip(run.spec.params.scale_percentile)
            .map(|(value, percentile)| PercentileRecord { value, percentile }),
        manual: manual(run),
    };
    Ok(Found {
        scales,
        counted,
        no_peak,
    })
}

fn manual(run: &TaskRun<'_>) -> Option<ManualRecord> {
    let value = run.spec.params.manual_scale?;
    Some(ManualRecord { value })
}
