//! What is to be thought of a scale: judged here, once, from facts that a record can keep.

use crate::backgrounds::{Background, PeakChoice};
use crate::error::ScaleError;
use crate::estimate::MoffatScale;
use std::fmt;

/// A scale is doubtful from this standard error on, as a share. With noise of 12 counts, one image out of focus by 2.5 px or
/// half of the light missing in a corner the errors are below 1 %; at 2 % a background of 60 counts leaves more in the
/// difference than the noise of one camera pixel.
const MAX_ERROR: f64 = 0.02;
/// And from this change with the brightness of the background on, as a share. Defocus of 2.5 px makes up to 2 %.
const MAX_TREND: f64 = 0.03;
/// A change with brightness counts if it is so many times its own error: by chance one in twenty is larger.
const TREND_SIGNIFICANCE: f64 = 2.0;
/// And from this error of the black levels on, as a share of post on the section: half of what is allowed in all.
const MAX_BLACK_ERROR: f64 = 0.01;
/// And where noise that was cut off at 0 may make the ratio too small by this share: half of 1 %.
const MAX_CUT_OFF_BIAS: f64 = 0.005;
/// And below so many pixels: 300 blocks of 4 x 4 px. With fewer, ratios are those of single pixels, which rounding, noise and
/// focus change by more than blocks.
const MIN_PIXELS: u64 = 4800;

/// What a verdict is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleFacts {
    /// The scale.
    pub value: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Whether a Moffat profile could be fitted to the peak.
    pub has_profile: bool,
    /// Pixels it rests on.
    pub pixels: u64,
    /// How much the ratio changes from faint to bright background, as a share.
    pub brightness_trend: f64,
    /// The standard error of that, as a share.
    pub trend_error: f64,
    /// The standard error of the black levels as a share of the brightness of post on the section.
    pub black_error: f64,
    /// By what share the ratio may be too small because noise was cut off at 0.
    pub cut_off_bias: f64,
    /// The backgrounds of the section.
    pub backgrounds: Vec<Background>,
    /// Which of them was asked for.
    pub peak: PeakChoice,
}

/// A reason to doubt a scale, with the figures it rests on. Its text says what it is and what to do.
#[derive(Debug, Clone, PartialEq)]
pub enum ScaleDoubt {
    /// No Moffat profile fits.
    NoProfile,
    /// The scale is not known well enough.
    LargeError {
        /// The scale.
        value: f64,
        /// Its standard error.
        std_error: f64,
    },
    /// The ratio depends on brightness.
    BrightnessTrend {
        /// By how much from faint to bright background, as a share.
        trend: f64,
    },
    /// The black levels are not known well enough.
    UncertainBlack {
        /// Their standard error as a share of the brightness of post on the section.
        error: f64,
    },
    /// The section is so dark that its noise was cut off at 0.
    CutOffNoise {
        /// By what share the ratio may be too small.
        bias: f64,
    },
    /// Another part of the section became brighter by another factor.
    SecondBackground {
        /// The background whose scale was taken.
        taken: Background,
        /// The largest of the others.
        other: Background,
    },
    /// Hardly any section.
    FewPixels {
        /// Pixels that the scale rests on.
        pixels: u64,
    },
}

impl fmt::Display for ScaleDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| 100.0 * share.abs();
        match self {
            Self::NoProfile => f.write_str(
                "no Moffat profile could be fitted to the ratios, and the scale is the peak of their smoothed histogram: look at \
                 ratio_histogram",
            ),
            Self::LargeError { value, std_error } => write!(
                f,
                "the scale {value:.4} is known to {:.1} % only: look at ratio_histogram, and give manual_scale if a control tells it",
                percent(std_error / value)
            ),
            Self::BrightnessTrend { trend } => write!(
                f,
                "the ratio of post to pre changes by {:.1} % from faint to bright background, as with a black level, saturation or \
                 defocus: give post_black and pre_black if the camera's offset is known, and look at pre_post_heatmap",
                percent(*trend)
            ),
            Self::UncertainBlack { error } => write!(
                f,
                "the black levels are known to {:.1} % of the section's brightness only: give post_black and pre_black, as an image \
                 without light tells them",
                percent(*error)
            ),
            Self::CutOffNoise { bias } => write!(
                f,
                "the section is so dark that its noise is cut off at 0, which may make the scale too small by {:.1} %: expose longer, or \
                 leave an offset in the raw images instead of subtracting a background",
                percent(*bias)
            ),
            Self::SecondBackground { taken, other } => write!(
                f,
                "the section has two backgrounds: {:.0} % of it became brighter by {:.4}, which is the scale, and {:.0} % by {:.4}: \
                 choose with scale_peak = \"lowest\" or \"largest\"",
                percent(taken.share),
                taken.value,
                percent(other.share),
                other.value
            ),
            Self::FewPixels { pixels } => write!(
                f,
                "the scale rests on {pixels} pixels only: see in the comparison whether the images overlap"
            ),
        }
    }
}

/// What is to be thought of a scale.
#[derive(Debug, Clone, PartialEq)]
pub enum ScaleVerdict {
    /// Nothing speaks against it.
    Pass,
    /// There is a scale, and reasons to doubt it.
    Suspect(Vec<ScaleDoubt>),
    /// There is none.
    Fail(ScaleError),
}

impl ScaleVerdict {
    /// The verdict on what an estimate came to.
    pub fn of(found: &Result<MoffatScale, ScaleError>) -> Self {
        match found {
            Ok(scale) => Self::judge(&scale.facts()),
            Err(error) => Self::Fail(error.clone()),
        }
    }

    /// The verdict on a scale by its facts.
    pub fn judge(facts: &ScaleFacts) -> Self {
        let doubts = doubts(facts);
        if doubts.is_empty() {
            Self::Pass
        } else {
            Self::Suspect(doubts)
        }
    }

    /// Why it is not [`ScaleVerdict::Pass`], in sentences.
    pub fn reasons(&self) -> Vec<String> {
        match self {
            Self::Pass => Vec::new(),
            Self::Suspect(doubts) => doubts.iter().map(ToString::to_string).collect(),
            Self::Fail(error) => vec![error.to_string()],
        }
    }
}

/// What speaks against a scale, the gravest first.
fn doubts(facts: &ScaleFacts) -> Vec<ScaleDoubt> {
    let second = second_background(facts);
    // What is no number is no good scale either.
    let is_uncertain = |share: f64, limit: f64| share.is_nan() || share > limit;
    let error = is_uncertain(facts.std_error / facts.value, MAX_ERROR);
    let trend = facts.brightness_trend.abs() > MAX_TREND
        && facts.brightness_trend.abs() > TREND_SIGNIFICANCE * facts.trend_error;
    let listed = [
        second,
        error.then_some(ScaleDoubt::LargeError {
            value: facts.value,
            std_error: facts.std_error,
        }),
        trend.then_some(ScaleDoubt::BrightnessTrend {
            trend: facts.brightness_trend,
        }),
        is_uncertain(facts.black_error, MAX_BLACK_ERROR).then_some(ScaleDoubt::UncertainBlack {
            error: facts.black_error,
        }),
        is_uncertain(facts.cut_off_bias, MAX_CUT_OFF_BIAS).then_some(ScaleDoubt::CutOffNoise {
            bias: facts.cut_off_bias,
        }),
        (!facts.has_profile).then_some(ScaleDoubt::NoProfile),
        (facts.pixels < MIN_PIXELS).then_some(ScaleDoubt::FewPixels {
            pixels: facts.pixels,
        }),
    ];
    listed.into_iter().flatten().collect()
}

/// The other background, unless the user has chosen between them.
fn second_background(facts: &ScaleFacts) -> Option<ScaleDoubt> {
    if facts.peak != PeakChoice::Auto {
        return None;
    }
    let distance = |b: &Background| (b.value / facts.value).ln().abs();
    let mut by_distance: Vec<Background> = facts.backgrounds.clone();
    by_distance.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    let (taken, others) = by_distance.split_first()?;
    let other = others
        .iter()
        .max_by(|a, b| a.share.total_cmp(&b.share))
        .copied()?;
    Some(ScaleDoubt::SecondBackground {
        taken: *taken,
        other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut ScaleFacts);

    fn good() -> ScaleFacts {
        ScaleFacts {
            value: 1.35,
            std_error: 0.001,
            has_profile: true,
            pixels: 100_000,
            brightness_trend: 0.01,
            trend_error: 0.001,
            black_error: 0.0,
            cut_off_bias: 0.0,
            backgrounds: vec![Background {
                value: 1.35,
                share: 0.9,
            }],
            peak: PeakChoice::Auto,
        }
    }

    #[test]
    fn each_doubt_has_its_own_fact_and_sentence() {
        assert_eq!(ScaleVerdict::judge(&good()), ScaleVerdict::Pass);
        let changes: [(Change, &str); 7] = [
            (|f| f.has_profile = false, "smoothed histogram"),
            (|f| f.std_error = 0.05, "known to 3.7 % only"),
            (|f| f.brightness_trend = -0.04, "by 4.0 % from"),
            (|f| f.black_error = 0.02, "to 2.0 % of the section's"),
            (|f| f.cut_off_bias = 0.01, "too small by 1.0 %"),
            (|f| f.pixels = 1000, "on 1000 pixels only"),
            (
                |f| {
                    f.backgrounds.push(Background {
                        value: 1.85,
                        share: 0.4,
                    });
                },
                "90 % of it became brighter by 1.3500, which is the scale, and 40 % by 1.8500",
            ),
        ];
        for (change, expected) in changes {
            let mut facts = good();
            change(&mut facts);
            let reasons = ScaleVerdict::judge(&facts).reasons();
            assert_eq!(reasons.len(), 1, "{reasons:?}");
            assert!(reasons[0].contains(expected), "{}", reasons[0]);
        }
    }

    #[test]
    fn what_the_user_has_chosen_and_what_may_be_chance_is_no_doubt() {
        let mut facts = good();
        facts.backgrounds.push(Background {
            value: 1.85,
            share: 0.4,
        });
        facts.peak = PeakChoice::Lowest;
        (facts.brightness_trend, facts.trend_error) = (0.04, 0.03);
        assert_eq!(ScaleVerdict::judge(&facts), ScaleVerdict::Pass);
    }

    #[test]
    fn no_number_and_no_scale_never_pass() {
        let mut facts = good();
        facts.std_error = f64::NAN;
        assert_ne!(ScaleVerdict::judge(&facts), ScaleVerdict::Pass);
        let error = ScaleError::FewPixels {
            found: 3,
            needed: 100,
        };
        let verdict = ScaleVerdict::of(&Err(error.clone()));
        assert_eq!(verdict, ScaleVerdict::Fail(error));
        assert_eq!(verdict.reasons().len(), 1);
    }
}
