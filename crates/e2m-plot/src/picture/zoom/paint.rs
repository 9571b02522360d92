//! From the values of a panel to colours.

use super::{ZoomPanel, ZoomShows, ZoomStretch};
use crate::draw::colour::{BLACK, ColourMap};
use crate::draw::image::percentiles;
use crate::draw::number::number;

/// Brightness is black up to this share of the pixels, and white beyond the other.
const BRIGHTNESS_SHARES: [f64; 2] = [0.01, 0.998];
/// Of a panel around zero this share is within the colours …
const SIGNED_SHARE: f64 = 0.998;
/// … which reach at least so many standard deviations of its noise, so that noise alone is dark.
const LEAST_SIGMAS: f64 = 6.0;
/// The standard deviation of normal noise is so many times the median of its magnitude.
const SIGMA_PER_MEDIAN: f64 = 1.4826;

/// The bits of a mask and their colours, the one that matters most first.
const FLAG_COLOURS: [(u8, [u8; 3]); 6] = [
    (16, [255, 64, 220]),
    (32, [0, 229, 255]),
    (4, [255, 225, 0]),
    (8, [255, 140, 0]),
    (1, [120, 120, 120]),
    (2, [80, 80, 80]),
];

/// How the values of a panel become colours. A viewer that paints tiles takes it from a sample of the image, and paints all tiles
/// alike.
#[derive(Debug, Clone, PartialEq)]
pub enum Painted {
    /// Black at `low`, white at `high`, in units of `asinh((v - low) / knee)`; linear without a knee.
    Brightness {
        /// The value that is black, counts.
        low: f64,
        /// The value that is white, counts.
        high: f64,
        /// Up to so many counts above `low` the stretch is about linear.
        knee: Option<f64>,
    },
    /// Full colour at ± `limit`, in units of `asinh(v / knee)`; linear without a knee.
    Signed {
        /// The value of full colour.
        limit: f64,
        /// Up to about this value the stretch is linear.
        knee: Option<f64>,
    },
    /// The flags that are set anywhere.
    Flags(u8),
}

impl Painted {
    /// The range that suits these pixels.
    pub fn of(panel: &ZoomPanel<'_>, stretch: ZoomStretch) -> Self {
        let finite = || panel.pixels.iter().copied().filter(|v| v.is_finite());
        match panel.shows {
            ZoomShows::Brightness => {
                // Zero is padding, unless there is nothing else.
                let signal: Vec<f32> = finite().filter(|v| *v != 0.0).collect();
                let [low, middle, high, top] = percentiles(
                    signal,
                    [BRIGHTNESS_SHARES[0], 0.5, BRIGHTNESS_SHARES[1], 1.0],
                )
                .unwrap_or([0.0, 0.5, 1.0, 1.0]);
                let (high, knee) = match stretch {
                    ZoomStretch::Percentile => (high, None),
                    ZoomStretch::Asinh => (top, Some(middle - low).filter(|knee| *knee > 0.0)),
                };
                let high = if high > low { high } else { low + 1.0 };
                Self::Brightness { low, high, knee }
            }
            ZoomShows::Signed => {
                let magnitudes: Vec<f32> = finite().map(f32::abs).collect();
                let [median, high, top] =
                    percentiles(magnitudes, [0.5, SIGNED_SHARE, 1.0]).unwrap_or([0.0, 1.0, 1.0]);
                let sigma = SIGMA_PER_MEDIAN * median;
                let (limit, knee) = match stretch {
                    ZoomStretch::Percentile => (high, None),
                    ZoomStretch::Asinh => (top, Some(sigma).filter(|knee| *knee > 0.0)),
                };
                let limit = limit.max(LEAST_SIGMAS * sigma);
                let limit = if limit > 0.0 { limit } else { 1.0 };
                Self::Signed { limit, knee }
            }
            ZoomShows::Flags => Self::Flags(finite().fold(0, |all, v| all | v as u8)),
        }
    }

    /// Red, green and blue of a value.
    pub fn colour(&self, value: f64) -> [u8; 3] {
        match *self {
            Self::Brightness { low, high, knee } => {
                ColourMap::Grey.at(bent(value - low, knee) / bent(high - low, knee))
            }
            Self::Signed { limit, knee } => {
                ColourMap::Diverging.at(0.5 + 0.5 * bent(value, knee) / bent(limit, knee))
            }
            Self::Flags(_) => {
                let flags = value as u8;
                let mut colours = FLAG_COLOURS.iter();
                let colour = colours.find(|(bit, _)| flags & bit != 0);
                colour.map_or(BLACK, |(_, colour)| *colour)
            }
        }
    }

    /// The range in words, as it stands above a panel.
    pub fn range(&self, unit: &str) -> String {
        let bent = |knee: Option<f64>| if knee.is_some() { ", asinh" } else { "" };
        match *self {
            Self::Brightness { low, high, knee } => {
                let step = step_of(high - low);
                let (low, high) = (number(low, step), number(high, step));
                format!("black {low}, white {high} {unit}{}", bent(knee))
            }
            Self::Signed { limit, knee } => {
                let limit = number(limit, step_of(limit));
                format!("± {limit} {unit}, black at 0{}", bent(knee))
            }
            Self::Flags(0) => "no flag is set".to_owned(),
            Self::Flags(flags) => {
                let set = (0..8).map(|bit| 1u8 << bit).filter(|bit| flags & bit != 0);
                let set: Vec<String> = set.map(|bit| bit.to_string()).collect();
                format!("flags {}", set.join(", "))
            }
        }
    }
}

fn bent(value: f64, knee: Option<f64>) -> f64 {
    knee.map_or(value, |knee| (value / knee).asinh())
}

/// What tells numbers of this size apart: a hundredth of it.
fn step_of(size: f64) -> f64 {
    10f64.powf((size.abs().max(1e-6) / 30.0).log10().floor())
}
