//! The scales: found in one pass, a percentile in two, or taken over from an earlier run.

use super::counting::Counting;
use super::pairs::for_each_pair;
use crate::error::PipelineError;
use crate::manifest::{ManualRecord, MoffatRecord, PercentileRecord, Scales};
use crate::pictures::Counted;
use crate::run::TaskRun;
use e2m_scale::{CoarseRanks, MoffatScale, PercentilePasses, ScaleError};

/// Beyond these shares of the scale there is something to say: its standard error …
const LARGE_ERROR: f64 = 0.02;
/// … its change with the brightness of the background …
const LARGE_TREND: f64 = 0.03;
/// … and its variation over the section.
const LARGE_SCATTER: f64 = 0.05;

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
    if let Some(peak) = &counted.peak {
        for doubt in doubts(peak) {
            run.note(doubt);
        }
    }
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

/// What there is to know about a scale before it is trusted.
fn doubts(peak: &MoffatScale) -> Vec<String> {
    let mut doubts = Vec::new();
    if peak.fit.is_none() {
        doubts.push(
            "no Moffat profile could be fitted to the ratios; the scale is the peak of their smoothed histogram"
                .to_owned(),
        );
    }
    let percent = |share: f64| 100.0 * share;
    let error = peak.std_error / peak.value;
    if error > LARGE_ERROR {
        doubts.push(format!(
            "the scale {:.4} is known to {:.1} % only; look at ratio_histogram",
            peak.value,
            percent(error)
        ));
    }
    if peak.brightness_trend.abs() > LARGE_TREND {
        doubts.push(format!(
            "the ratio of post to pre changes by {:.1} % from faint to bright background: an offset of the camera that was \
             not subtracted, saturation, or defocus; the scale fits where the background is faint",
            percent(peak.brightness_trend.abs())
        ));
    }
    if peak.field_scatter > LARGE_SCATTER {
        doubts.push(format!(
            "the light is uneven: the ratio of post to pre varies by {:.1} % over the section, which no single scale can follow",
            percent(peak.field_scatter)
        ));
    }
    doubts
}

fn manual(run: &TaskRun<'_>) -> Option<ManualRecord> {
    let value = run.spec.params.manual_scale?;
    Some(ManualRecord { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_scale::{RatioStatistics, estimate_scale};
    use ndarray::Array2;

    #[test]
    fn what_is_doubtful_about_a_scale_is_said() {
        let pre = Array2::from_shape_fn((200, 200), |(y, x)| 40.0 + ((x * 7 + y * 13) % 50) as f32);
        let mut statistics = RatioStatistics::default();
        statistics.add_band(pre.mapv(|v| 1.3 * v).view(), pre.view());
        let good = estimate_scale(&statistics).expect("a scale");
        assert_eq!(doubts(&good), [""; 0]);
        let bad = MoffatScale {
            fit: None,
            std_error: 0.05,
            brightness_trend: -0.04,
            field_scatter: 0.08,
            ..good
        };
        let said = doubts(&bad).join("\n");
        for expected in [
            "smoothed histogram",
            "to 3.8 % only",
            "by 4.0 % from",
            "by 8.0 % over",
        ] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}
