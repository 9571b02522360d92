//! What the manifest says about the scales.

use crate::names::ScaleKind;
use e2m_align::Verdict;
use e2m_detect::{HeldOut, ScaleField};
use e2m_scale::{
    Background, BlackLevels, MoffatScale, PeakChoice, ScaleError, ScaleFacts, ScaleVerdict,
    Subtraction,
};
use serde::{Deserialize, Serialize};

/// What is to be thought of the scale, apart from the alignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleAssessment {
    /// The verdict: `fail` where there is no scale.
    pub verdict: Verdict,
    /// Why it is not `pass`.
    pub reasons: Vec<String>,
}

impl ScaleAssessment {
    /// That of a scale by its facts.
    pub(crate) fn of(facts: &ScaleFacts) -> Self {
        Self::from(&ScaleVerdict::judge(facts))
    }

    /// That of no scale.
    pub(crate) fn failed(error: &ScaleError) -> Self {
        Self::from(&ScaleVerdict::Fail(error.clone()))
    }
}

impl From<&ScaleVerdict> for ScaleAssessment {
    fn from(verdict: &ScaleVerdict) -> Self {
        Self {
            verdict: match verdict {
                ScaleVerdict::Pass => Verdict::Pass,
                ScaleVerdict::Suspect(_) => Verdict::Suspect,
                ScaleVerdict::Fail(_) => Verdict::Fail,
            },
            reasons: verdict.reasons(),
        }
    }
}

/// The scales of the difference images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Scales {
    /// From the peak of the ratios.
    pub moffat: Option<MoffatRecord>,
    /// From a percentile of the ratios.
    pub percentile: Option<PercentileRecord>,
    /// As given.
    pub manual: Option<ManualRecord>,
    /// What a scale that varies over the section does for the background; none where that was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<ScaleFieldRecord>,
}

/// What a scale and an offset that vary slowly over the section do for the background.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScaleFieldRecord {
    /// What remains in parts of the section that had no say in it, counts.
    #[serde(flatten)]
    pub held_out: HeldOut,
    /// Whether less remains than with one scale, so that there is an image with it.
    pub is_subtracted: bool,
}

impl ScaleFieldRecord {
    /// That of a field.
    pub(crate) fn of(field: &ScaleField) -> Self {
        let held_out = field.held_out();
        Self {
            held_out,
            is_subtracted: held_out.improves(),
        }
    }

    /// What it comes to, in a sentence.
    pub fn note(&self) -> String {
        let HeldOut {
            cells,
            constant,
            field,
            nearer,
        } = self.held_out;
        let measured = format!(
            "in {cells} parts of the section that had no say in it the background scatters by {field:.3} counts with a scale field and by \
             {constant:.3} with one scale ({nearer} parts are nearer to 0 with the field)"
        );
        if self.is_subtracted {
            format!("{measured}: 04_difference_field is the difference with it")
        } else {
            format!("{measured}, which is no better: there is no 04_difference_field")
        }
    }
}

impl Scales {
    /// What is taken off post with the scale of this kind, if it was found. A percentile is one of raw counts, black levels and
    /// all, and is subtracted from them; the other two are factors of light.
    pub(crate) fn of(&self, kind: ScaleKind) -> Option<Subtraction> {
        let above_black = |scale| {
            let black = self.moffat.as_ref().and_then(|moffat| moffat.black);
            black.map_or(Subtraction::of_scale(scale), |black| Subtraction {
                scale,
                post_black: black.post,
                pre_black: black.pre,
            })
        };
        match kind {
            ScaleKind::Moffat => self.moffat.as_ref().map(|scale| above_black(scale.value)),
            ScaleKind::Percentile(percent) => self
                .percentile
                .filter(|scale| scale.percentile == percent)
                .map(|scale| Subtraction::of_scale(scale.value)),
            ScaleKind::Manual => self.manual.map(|scale| above_black(scale.value)),
        }
    }

    /// Whether there is a difference with a scale field, as far as these were looked for.
    pub(crate) fn has_field(&self) -> bool {
        self.field.is_none_or(|field| field.is_subtracted)
    }

    /// What is to be thought of the scale that was found.
    pub(crate) fn assessment(&self) -> Option<ScaleAssessment> {
        let moffat = self.moffat.as_ref()?;
        Some(ScaleAssessment {
            verdict: moffat.verdict,
            reasons: moffat.reasons.clone(),
        })
    }
}

/// From this share of the scale on there is something to say of its variation over the section.
const LARGE_SCATTER: f64 = 0.05;

/// A scale from the peak of the ratios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoffatRecord {
    /// The scale: 10 to the power of the centre of the distribution of block ratios, uneven light taken out.
    pub value: f64,
    /// Centre of the fitted profile, log10 of the ratio.
    pub mu: Option<f64>,
    /// Its width.
    pub alpha: Option<f64>,
    /// Its exponent.
    pub beta: Option<f64>,
    /// Its height, pixels per bin.
    pub amp: Option<f64>,
    /// Distance of the histogram from the profile, as a share of its height.
    pub rms_residual: Option<f64>,
    /// Standard error of the scale.
    pub std_error: f64,
    /// Pixels it rests on.
    pub pixels: u64,
    /// Side of the blocks whose ratios were taken, px.
    #[serde(default)]
    pub block_side_px: usize,
    /// How much the ratio varies over the section with the light, as a share of the scale: what one scale cannot follow.
    #[serde(default)]
    pub field_scatter: f64,
    /// How much the ratio changes from faint to bright background, as a share: a sign of a black level or of saturation.
    #[serde(default)]
    pub brightness_trend: f64,
    /// Standard error of that, as a share.
    #[serde(default)]
    pub trend_error: f64,
    /// The black levels that were taken off before the ratios, and are in the difference; none in a record of version 0.1.0,
    /// which knew of none.
    #[serde(default)]
    pub black: Option<BlackLevels>,
    /// Median of post on the section above its black level, counts.
    #[serde(default)]
    pub typical_post: f64,
    /// By what share the scale may be too small because noise of dark section was cut off at 0.
    #[serde(default)]
    pub cut_off_bias: f64,
    /// The backgrounds of the section with their shares, by ascending factor.
    #[serde(default)]
    pub backgrounds: Vec<Background>,
    /// Which of them was asked for.
    #[serde(default)]
    pub peak: PeakChoice,
    /// What is to be thought of it.
    #[serde(default = "unjudged")]
    pub verdict: Verdict,
    /// Why it is not `pass`.
    #[serde(default)]
    pub reasons: Vec<String>,
}

/// The verdict of records that have none of their own; [`ScaleAssessment`] has one for all.
fn unjudged() -> Verdict {
    Verdict::Pass
}

impl MoffatRecord {
    /// What there is to know about the scale beside its verdict, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let uneven = self.field_scatter > LARGE_SCATTER;
        let note = uneven.then(|| {
            format!(
                "the light is uneven: the ratio of post to pre varies by {:.1} % over the section, which no single scale can follow",
                100.0 * self.field_scatter
            )
        });
        note.into_iter().collect()
    }

    /// What a verdict is made from, as far as it is on record.
    pub(crate) fn facts(&self) -> ScaleFacts {
        let black_error = self.black.map_or(0.0, |black| black.std_error);
        ScaleFacts {
            value: self.value,
            std_error: self.std_error,
            has_profile: self.mu.is_some(),
            pixels: self.pixels,
            brightness_trend: self.brightness_trend,
            trend_error: self.trend_error,
            black_error: if self.typical_post > 0.0 {
                black_error / self.typical_post
            } else {
                0.0
            },
            cut_off_bias: self.cut_off_bias,
            backgrounds: self.backgrounds.clone(),
            peak: self.peak,
        }
    }
}

impl From<&MoffatScale> for MoffatRecord {
    fn from(scale: &MoffatScale) -> Self {
        let fit = scale.fit.as_ref();
        let ScaleAssessment { verdict, reasons } = ScaleAssessment::of(&scale.facts());
        Self {
            value: scale.value,
            mu: fit.map(|f| f.mu),
            alpha: fit.map(|f| f.alpha),
            beta: fit.map(|f| f.beta),
            amp: fit.map(|f| f.amp),
            rms_residual: fit.map(|f| f.rms_residual),
            std_error: scale.std_error,
            pixels: scale.pixels,
            block_side_px: scale.block_side_px,
            field_scatter: scale.field_scatter,
            brightness_trend: scale.brightness_trend,
            trend_error: scale.trend_error,
            black: Some(scale.black),
            typical_post: scale.typical_post,
            cut_off_bias: scale.cut_off_bias,
            backgrounds: scale.backgrounds.clone(),
            peak: scale.peak,
            verdict,
            reasons,
        }
    }
}

/// A scale from a percentile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PercentileRecord {
    /// The scale.
    pub value: f64,
    /// Which percentile.
    pub percentile: f64,
}

/// A scale given by the user.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ManualRecord {
    /// The scale.
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_scale::{BlackSource, RatioStatistics, ScaleOptions, estimate_scale};
    use ndarray::Array2;

    fn record() -> MoffatRecord {
        let pre = Array2::from_shape_fn((200, 200), |(y, x)| 40.0 + ((x * 7 + y * 13) % 50) as f32);
        let mut statistics = RatioStatistics::default();
        statistics.add_band(pre.mapv(|v| 1.3 * v).view(), pre.view());
        let scale = estimate_scale(&statistics, &ScaleOptions::default()).expect("a scale");
        MoffatRecord::from(&scale)
    }

    #[test]
    fn a_record_is_judged_as_the_scale_it_came_from() {
        let good = record();
        assert_eq!(good.verdict, Verdict::Pass, "{:?}", good.reasons);
        assert!(good.notes().is_empty());
        let bad = MoffatRecord {
            std_error: 0.05,
            field_scatter: 0.08,
            ..good
        };
        assert_eq!(ScaleAssessment::of(&bad.facts()).verdict, Verdict::Suspect);
        assert!(bad.notes()[0].contains("by 8.0 % over"));
    }

    #[test]
    fn black_levels_are_taken_off_for_factors_of_light_only() {
        let black = BlackLevels {
            post: 12.0,
            pre: 9.0,
            std_error: 0.1,
            source: BlackSource::Glass,
        };
        let percentile = PercentileRecord {
            value: 1.2,
            percentile: 50.0,
        };
        let scales = Scales {
            moffat: Some(MoffatRecord {
                black: Some(black),
                ..record()
            }),
            percentile: Some(percentile),
            manual: Some(ManualRecord { value: 1.5 }),
            field: None,
        };
        let manual = Subtraction {
            scale: 1.5,
            post_black: 12.0,
            pre_black: 9.0,
        };
        assert_eq!(scales.of(ScaleKind::Manual), Some(manual));
        let of_raw = Some(Subtraction::of_scale(1.2));
        assert_eq!(scales.of(ScaleKind::Percentile(50.0)), of_raw);
    }

    #[test]
    fn a_record_of_an_older_version_can_be_read() {
        let mut json = serde_json::to_value(record()).expect("written");
        let object = json.as_object_mut().expect("an object");
        for key in [
            "trend_error",
            "black",
            "typical_post",
            "backgrounds",
            "peak",
            "verdict",
            "reasons",
        ] {
            assert!(object.remove(key).is_some(), "{key}");
        }
        let old: MoffatRecord = serde_json::from_value(json).expect("read");
        assert_eq!(old.black, None);
        assert_eq!(ScaleAssessment::of(&old.facts()).verdict, Verdict::Pass);
    }
}
