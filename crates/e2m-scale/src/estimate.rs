//! The scale of the background: the peak of the log ratios, its profile and its error.
//!
//! ```text
//! r_i = log10(sum of post / sum of aligned pre)      blocks of 16 x 16 px with signal in every pixel
//! b_i = sqrt(sum of post x sum of aligned pre)       brightness
//! w_i = b_i^4 / (b_i^4 + b_0^4)                      b_0: 0.35 x the brightness at which half the squared light lies
//! f_i = quadratic surface of the background's r, zero in the median; flat unless the light was uneven (field.rs)
//! mu  = peak of the histogram of r_i - f_i, weighted by w_i, smoothed by a quarter of its width
//! scale = 10^mu
//! ```
//!
//! *Why blocks:* a ratio of two pixels depends on rounding, noise and on how sharp each image is just there. Sums do not,
//! and lose nothing, as the background's ratio changes slowly. *Why not all alike:* of bare glass only the camera's
//! offset and rounding remain. Weights level off, because weighting by brightness itself prefers blocks that are bright in the
//! sharper image. *Why the peak:* stain adds to the right of it, bleaching to the left; a mean or median follows them, the
//! peak hardly.
//!
//! The scale is that of the typical background. Where the light was uneven, that is the median over the section: half of
//! its background is left a little positive by the difference, half a little negative, by
//! [`MoffatScale::field_scatter`] as a rule. No estimate can tell how much brighter the background itself
//! became from how much brighter it was lit.
//!
//! A black level `o` common to both images, `post = s (pre - o) + o`, draws the scale towards 1, by the factor
//! `(1 - (1 - 1/s) o / pre)` at a background of `pre` counts: 2 % for 5 counts on 60 at 1.3. That is a property of the
//! difference image as much as of the estimate, and [`MoffatScale::brightness_trend`] tells: dark background then has another
//! ratio than bright one. So it has where one image is out of focus.

use crate::blocks::{Block, BlockTable};
use crate::error::ScaleError;
use crate::field::{Field, Samples};
use crate::moffat::MoffatFit;
use crate::peak::{Peak, peak, weighted_median};
use crate::profile::RatioProfile;
use crate::statistics::RatioStatistics;
use crate::uncertainty;
use serde::{Deserialize, Serialize};

/// Pixels with signal in both images that a scale needs.
const MIN_PIXELS: u64 = 100;
/// Blocks this share as bright as the bright section count half.
const FAINT_SHARE: f64 = 0.35;
/// Smoothing of the histogram, as a share of its peak's width: takes the noise and leaves the position.
pub(crate) const SMOOTHING_SHARE: f64 = 0.25;
/// Blocks whose log10 ratio is closer to 0 than this did not change at all: both saturated, or a frame of an editor.
const UNCHANGED: f64 = 2e-5;
/// Where fewer than this share of the blocks changed, the background itself did not, and those blocks stay.
const MIN_CHANGED_SHARE: f64 = 0.1;

/// A scale from the distribution of ratios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoffatScale {
    /// The factor by which the background became brighter: `10^mu` of the profile.
    pub value: f64,
    /// Its standard error: scatter between regions of the image, and what the choice of weights and smoothing changes.
    pub std_error: f64,
    /// The Moffat profile about the peak; `None` where none could be fitted and the value is the smoothed peak itself.
    pub fit: Option<MoffatFit>,
    /// The histogram it was fitted to.
    pub profile: RatioProfile,
    /// Pixels it rests on: those of all blocks used.
    pub pixels: u64,
    /// Side of the blocks in px: 16, or less in small images.
    pub block_side_px: usize,
    /// How far the ratio varies over the section by uneven light, root mean square, as a share of the scale; 0 where the
    /// light was even.
    pub field_scatter: f64,
    /// How much higher the scale would be, as a share, were blocks weighted by their brightness rather than by its
    /// inverse: 0 if post is proportional to pre. A black level makes it differ from 0, and so does defocus.
    pub brightness_trend: f64,
}

/// The scale at the peak of the distribution of log ratios.
///
/// # Errors
/// [`ScaleError::FewPixels`] where hardly a pixel has signal in both images.
pub fn estimate_scale(statistics: &RatioStatistics) -> Result<MoffatScale, ScaleError> {
    let found = statistics.both_positive();
    let too_few = ScaleError::FewPixels {
        found,
        needed: MIN_PIXELS,
    };
    let table = statistics.blocks();
    if found < MIN_PIXELS || table.blocks().is_empty() {
        return Err(too_few);
    }
    let blocks = Blocks::new(&table);
    let samples = &blocks.samples;
    let field = Field::fit(samples);
    let rest: Vec<f64> = samples
        .logs
        .iter()
        .zip(&field.values)
        .map(|(log, field)| log - field)
        .collect();
    let Some(top) = peak(&rest, &samples.weights, SMOOTHING_SHARE) else {
        return Err(too_few);
    };
    let trend = blocks.brightness_trend(&rest);
    let relative_error = uncertainty::relative(samples, &rest, &top, trend, field.scatter);
    let side = table.side();
    let pixels_per_block = (side * side) as f64;
    let in_pixels: Vec<f64> = samples
        .weights
        .iter()
        .map(|w| w * pixels_per_block)
        .collect();
    let profile = RatioProfile::new(&rest, &in_pixels, top.at, top.width);
    let fit = profile.fit();
    let value = 10f64.powf(top.at);
    tracing::debug!(value, trend, fitted = fit.is_some(), "peak of the ratios");
    Ok(MoffatScale {
        value,
        std_error: value * relative_error,
        fit,
        profile,
        pixels: table.offered() * (side * side) as u64,
        block_side_px: side,
        field_scatter: field.scatter * std::f64::consts::LN_10,
        brightness_trend: trend,
    })
}

/// Blocks with their weights.
struct Blocks {
    samples: Samples,
    /// Brightness as a share of that of the bright section.
    brightness: Vec<f64>,
}

impl Blocks {
    fn new(table: &BlockTable) -> Self {
        let blocks = table.blocks();
        let logs: Vec<f64> = blocks.iter().map(Block::log_ratio).collect();
        let (weights, brightness) = changed_apart(blocks, &logs)
            .unwrap_or_else(|| by_brightness(blocks, &vec![true; blocks.len()]));
        let places = places(blocks, &weights);
        Self {
            samples: Samples {
                logs,
                weights,
                places,
            },
            brightness,
        }
    }

    /// The difference between the scales of bright and of faint blocks, as a share.
    fn brightness_trend(&self, rest: &[f64]) -> f64 {
        let weights = self.samples.weights.iter().zip(&self.brightness);
        let (bright, faint): (Vec<f64>, Vec<f64>) = weights.map(|(w, b)| (w * b, w / b)).unzip();
        let at = |weights: &[f64]| peak(rest, weights, SMOOTHING_SHARE).map(|p| p.at);
        let (Some(bright), Some(faint)) = (at(&bright), at(&faint)) else {
            return 0.0;
        };
        (bright - faint) * std::f64::consts::LN_10
    }
}

/// Weights of the blocks that count, and the brightness of all, as a share of that of the bright section.
fn by_brightness(blocks: &[Block], counts: &[bool]) -> (Vec<f64>, Vec<f64>) {
    let mut brightness: Vec<f64> = blocks.iter().map(Block::brightness).collect();
    let counted = |(b, counts): (&f64, &bool)| if *counts { b * b } else { 0.0 };
    let squares: Vec<f64> = brightness.iter().zip(counts).map(counted).collect();
    let bright = weighted_median(&brightness, &squares).unwrap_or(1.0);
    brightness.iter_mut().for_each(|b| *b /= bright);
    let weight = |(b, counts): (&f64, &bool)| {
        let fourth = (b / FAINT_SHARE).powi(4);
        if *counts {
            fourth / (1.0 + fourth)
        } else {
            0.0
        }
    };
    let weights = brightness.iter().zip(counts).map(weight).collect();
    (weights, brightness)
}

/// The weights and brightness without the blocks that did not change at all, if the background's peak is another one than
/// their pile: it lies farther from them than it is wide. Otherwise they are part of it.
fn changed_apart(blocks: &[Block], logs: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
    let changed: Vec<bool> = logs.iter().map(|log| log.abs() >= UNCHANGED).collect();
    let count = changed.iter().filter(|c| **c).count();
    if count == logs.len() || (count as f64) < MIN_CHANGED_SHARE * logs.len() as f64 {
        return None;
    }
    let (weights, brightness) = by_brightness(blocks, &changed);
    let apart = |p: &Peak| p.at.abs() > p.width;
    peak(logs, &weights, SMOOTHING_SHARE)
        .filter(apart)
        .map(|_| (weights, brightness))
}

/// Where the blocks lie, from their weighted middle, in units of 1.5 times their scatter about it.
fn places(blocks: &[Block], weights: &[f64]) -> Vec<[f64; 2]> {
    let total: f64 = weights.iter().sum();
    let mean = |value: &dyn Fn(&Block) -> f64| {
        let products = blocks.iter().zip(weights).map(|(b, w)| w * value(b));
        products.sum::<f64>() / total
    };
    let (x, y) = (mean(&|b| f64::from(b.x)), mean(&|b| f64::from(b.y)));
    let from_middle = |b: &Block| [f64::from(b.x) - x, f64::from(b.y) - y];
    let scatter = mean(&|b| from_middle(b).iter().map(|d| d * d).sum()).sqrt();
    let unit = 1.5 * scatter.max(1.0);
    blocks
        .iter()
        .map(|b| from_middle(b).map(|d| d / unit))
        .collect()
}
