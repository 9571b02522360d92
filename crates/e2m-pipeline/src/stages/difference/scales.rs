//! The scales: found in one pass, a percentile in two, or taken over from an earlier run.

use super::counting::Counting;
use super::pairs::for_each_pair;
use crate::error::PipelineError;
use crate::manifest::{ManualRecord, MoffatRecord, PercentileRecord, Scales};
use crate::pictures::Counted;
use crate::run::TaskRun;
use e2m_scale::{CoarseRanks, PercentilePasses, ScaleError};

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
    if run.is_fresh(4) {
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

/// Finds the scales, and counts what the pictures need on the way.
pub(super) fn find(run: &mut TaskRun<'_>) -> Result<Found, PipelineError> {
    let mut counting = Counting::new(run)?;
    let mut ranks = match run.spec.params.scale_percentile {
        Some(percent) => Some(PercentilePasses::new(percent)?.first()),
        None => None,
    };
    for_each_pair(run, "gathering ratios", |first_row, post, aligned| {
        counting.add_band(first_row, post, aligned);
        if let Some(ranks) = &mut ranks {
            ranks.add_band(post, aligned);
        }
        Ok(())
    })?;
    let (counted, no_peak) = counting.finish(run)?;
    let percentile = match ranks.and_then(CoarseRanks::second) {
        Some(mut fine) => {
            for_each_pair(run, "ranking ratios", |_, post, aligned| {
                fine.add_band(post, aligned);
                Ok(())
            })?;
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
