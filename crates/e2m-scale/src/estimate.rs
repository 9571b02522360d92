//! The scale of the background: the peak of the log ratios, its profile and its error.
//!
//! ```text
//! p_i, a_i = means of post and aligned pre             blocks of 16 x 16 px with signal in every pixel
//! r_i = log10((p_i - black of post) / (a_i - black of pre))   blocks of the section only (black.rs)
//! b_i = brightness, from both images (brightness.rs)
//! w_i = b_i^4 / (b_i^4 + b_0^4)                        b_0: 0.35 x the brightness at which half the light lies
//! f_i = quadratic surface of the background's r, zero in the median; flat unless the light was uneven (field.rs)
//! mu  = peak of the histogram of r_i - f_i, weighted by w_i, smoothed by a quarter of its width
//! scale = 10^mu
//! ```
//!
//! *Why blocks:* a ratio of two pixels depends on rounding, noise and on how sharp each image is just there. Sums do not,
//! and lose nothing, as the background's ratio changes slowly. *Why not all alike:* of the faintest
//! blocks only noise and rounding remain. Weights level off, because weighting by brightness itself prefers blocks that are
//! bright in the sharper image, and `b_0` hardly depends on the brightest: a few bright grains count as what they cover. *Why the peak:* stain adds to the right of it, bleaching to the left; a mean or median follows them, the
//! peak hardly.
//!
//! The scale is that of the typical background. Where the light was uneven, that is the median over the section: half of
//! its background is left a little positive by the difference, half a little negative, by
//! [`MoffatScale::field_scatter`] as a rule. No estimate can tell how much brighter the background itself
//! became from how much brighter it was lit.
//!
//! A black level of either image draws the scale towards 1: by 2 % where 5 counts lie below a background of 60 that became 1.3
//! times as bright. What glass and section tell of it is taken off before any ratio (black.rs). What is left shows in
//! [`MoffatScale::brightness_trend`]: dark background then has another ratio than bright one. So it has where one image is out
//! of focus.

use crate::backgrounds::{self, Background, PeakChoice};
use crate::black::{BlackLevels, Levels};
use crate::blocks::{Block, BlockTable};
use crate::brightness::Brightness;
use crate::error::ScaleError;
use crate::field::{Field, Samples};
use crate::moffat::MoffatFit;
use crate::peak::{Peak, peak, weighted_median};
use crate::profile::RatioProfile;
use crate::statistics::RatioStatistics;
use crate::uncertainty;
use crate::verdict::{ScaleFacts, ScaleVerdict};
use serde::{Deserialize, Serialize};

/// Pixels with signal in both images that a scale needs.
const MIN_PIXELS: u64 = 100;
/// Blocks this share as bright as the bright section count half.
const FAINT_SHARE: f64 = 0.35;
/// No block counts for more than so many of median brightness when the brightness of the section is taken.
const MAX_BRIGHTNESS: f64 = 3.0;
/// Smoothing of the histogram, as a share of its peak's width: takes the noise and leaves the position.
pub(crate) const SMOOTHING_SHARE: f64 = 0.25;
/// An intercept leaves at most this part of how the ratio depends on brightness.
const MAX_TREND_LEFT: f64 = 0.5;
/// Levels of glass are believed before the section's, unless the ratio depends on brightness by more than this share above them:
/// more than defocus makes of it.
const MAX_TREND_ABOVE_GLASS: f64 = 0.02;
/// A block counts for the change with brightness by its brightness, but at most as if it were so many times as bright, or as faint, as
/// the bright section: a few grains that are brighter still have no say.
const TREND_RANGE: f64 = 2.0;
/// Blocks whose log10 ratio is closer to 0 than this did not change at all: both saturated, or a frame of an editor.
const UNCHANGED: f64 = 2e-5;
/// Where fewer than this share of the blocks changed, the background itself did not, and those blocks stay.
const MIN_CHANGED_SHARE: f64 = 0.1;

/// What is known of a pair beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ScaleOptions {
    /// The black level of post, counts; measured where it is not given.
    pub post_black: Option<f64>,
    /// The black level of pre, counts; measured where it is not given.
    pub pre_black: Option<f64>,
    /// Which background's scale is taken where there are several.
    pub peak: PeakChoice,
}

/// A scale from the distribution of ratios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoffatScale {
    /// The factor by which the background became brighter: `10^mu` of the profile.
    pub value: f64,
    /// Its standard error: scatter between regions of the image, what the choice of weights and smoothing changes, and
    /// what is not known of the black levels.
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
    /// The standard error of that, as a share.
    pub trend_error: f64,
    /// The black levels that were taken off before the ratios.
    pub black: BlackLevels,
    /// By what share the ratio may be too small because noise of dark section was cut off at 0.
    pub cut_off_bias: f64,
    /// The backgrounds of the section by ascending factor; more than one where a part of it took up stain evenly.
    pub backgrounds: Vec<Background>,
    /// Which of them was asked for.
    pub peak: PeakChoice,
    /// Median of post over the section above its black level, counts.
    pub typical_post: f64,
}

impl MoffatScale {
    /// What a verdict is made from.
    pub fn facts(&self) -> ScaleFacts {
        ScaleFacts {
            value: self.value,
            std_error: self.std_error,
            has_profile: self.fit.is_some(),
            pixels: self.pixels,
            brightness_trend: self.brightness_trend,
            trend_error: self.trend_error,
            black_error: self.black.std_error / self.typical_post,
            cut_off_bias: self.cut_off_bias,
            backgrounds: self.backgrounds.clone(),
            peak: self.peak,
        }
    }

    /// What is to be thought of it.
    pub fn verdict(&self) -> ScaleVerdict {
        ScaleVerdict::judge(&self.facts())
    }
}

/// The scale at the peak of the distribution of log ratios.
///
/// # Errors
/// [`ScaleError::FewPixels`] where hardly a pixel has signal in both images, [`ScaleError::NoBackground`] where no part of the section
/// stands out in both.
pub fn estimate_scale(
    statistics: &RatioStatistics,
    options: &ScaleOptions,
) -> Result<MoffatScale, ScaleError> {
    let found = statistics.both_positive();
    if found < MIN_PIXELS {
        return Err(ScaleError::FewPixels {
            found,
            needed: MIN_PIXELS,
        });
    }
    let no_background = ScaleError::NoBackground { found };
    let table = statistics.blocks();
    if table.blocks().is_empty() {
        return Err(no_background);
    }
    let levels = Levels::measure(&table, statistics.broken(), options);
    let (levels, blocks, field) = with_intercept(&table, levels).ok_or(no_background.clone())?;
    let samples = &blocks.samples;
    let rest = field.taken_out(samples);
    let Some(highest) = peak(&rest, &samples.weights, SMOOTHING_SHARE) else {
        return Err(no_background);
    };
    let backgrounds = backgrounds::find(
        &rest,
        &samples.weights,
        (highest.at, highest.width),
        backgrounds::CLEAR_VALLEY,
    );
    let top = chosen(options.peak, &backgrounds, &rest, samples).unwrap_or(highest);
    let value = 10f64.powf(top.at);
    let (trend, trend_error) = blocks.brightness_trend(&rest);
    let black = levels.levels(value);
    let relative_error = uncertainty::relative(samples, &rest, &top, trend, field.scatter)
        .hypot(black.std_error / blocks.typical_post)
        .hypot(levels.cut_off_bias());
    let side = table.side();
    let pixels_per_block = (side * side) as f64;
    let in_pixels: Vec<f64> = samples
        .weights
        .iter()
        .map(|w| w * pixels_per_block)
        .collect();
    let profile = RatioProfile::new(&rest, &in_pixels, top.at, top.width);
    let fit = profile.fit();
    let used = samples.logs.len() as f64 / table.blocks().len() as f64;
    tracing::debug!(
        value,
        trend,
        ?black,
        fitted = fit.is_some(),
        "peak of the ratios"
    );
    Ok(MoffatScale {
        value,
        std_error: value * relative_error,
        fit,
        profile,
        pixels: (table.offered() as f64 * used).round() as u64 * (side * side) as u64,
        block_side_px: side,
        field_scatter: field.scatter * std::f64::consts::LN_10,
        brightness_trend: trend,
        trend_error,
        black,
        cut_off_bias: levels.cut_off_bias(),
        backgrounds: backgrounds.iter().map(|found| found.background).collect(),
        peak: options.peak,
        typical_post: blocks.typical_post,
    })
}

/// The section above its black levels and its field of light. Levels of glass that do not matter are let be; then the section
/// itself is asked whether a level is left. `None` where no block is section.
fn with_intercept(table: &BlockTable, levels: Levels) -> Option<(Levels, Blocks, Field)> {
    let mut levels = levels;
    let mut found = Section::find(table, &levels)?;
    if levels.are_of_glass() {
        levels = levels.if_they_matter(10f64.powf(found.top.at), found.blocks.typical_post);
        // Right levels make the ratio of the section depend less on its brightness. Dark minerals, taken for glass, more.
        let left_in = Section::find(table, &levels.leaving_glass());
        let depends_less = |left_in: Section| {
            left_in.is_one && found.is_one && left_in.trend.abs() < found.trend.abs()
        };
        if left_in.is_some_and(depends_less) {
            levels = levels.without_glass();
        }
        if !levels.are_of_glass() {
            found = Section::find(table, &levels)?;
        }
    }
    // Two backgrounds of different brightness look like an intercept.
    let section = found.blocks.brightnesses(&found.field, found.top.width);
    let mut with_intercept = levels;
    let is_open = !levels.are_of_glass() || found.trend.abs() > MAX_TREND_ABOVE_GLASS;
    if is_open && found.is_one && with_intercept.find_intercept(&section) {
        let above = Section::find(table, &with_intercept)?;
        // An intercept explains how the ratio depends on brightness. What leaves that as it was is stain.
        if above.trend.abs() <= MAX_TREND_LEFT * found.trend.abs() {
            (levels, found) = (with_intercept, above);
        }
    }
    Some((levels, found.blocks, found.field))
}

/// The section above some black levels.
struct Section {
    blocks: Blocks,
    field: Field,
    /// The peak of the ratios.
    top: Peak,
    /// Whether there is one background only.
    is_one: bool,
    /// By what share the ratio depends on brightness.
    trend: f64,
}

impl Section {
    fn find(table: &BlockTable, levels: &Levels) -> Option<Self> {
        let blocks = Blocks::new(table, levels)?;
        let field = Field::fit(&blocks.samples);
        let rest = field.taken_out(&blocks.samples);
        let weights = &blocks.samples.weights;
        let top = peak(&rest, weights, SMOOTHING_SHARE)?;
        Some(Self {
            trend: blocks.brightness_trend(&rest).0,
            is_one: backgrounds::find(&rest, weights, (top.at, top.width), backgrounds::ANY_VALLEY)
                .len()
                < 2,
            top,
            field,
            blocks,
        })
    }
}

/// The peak of the background that was asked for, if it is not the highest.
fn chosen(
    choice: PeakChoice,
    backgrounds: &[backgrounds::Found],
    rest: &[f64],
    samples: &Samples,
) -> Option<Peak> {
    let found = match choice {
        PeakChoice::Auto => return None,
        PeakChoice::Lowest => backgrounds.first(),
        PeakChoice::Largest => backgrounds
            .iter()
            .max_by(|a, b| a.background.share.total_cmp(&b.background.share)),
    }?;
    let inside = |log: f64| found.range.0 <= log && log <= found.range.1;
    let weights: Vec<f64> = rest
        .iter()
        .zip(&samples.weights)
        .map(|(log, weight)| if inside(*log) { *weight } else { 0.0 })
        .collect();
    peak(rest, &weights, SMOOTHING_SHARE)
}

/// Blocks of the section with their weights.
struct Blocks {
    blocks: Vec<Block>,
    /// Means of post and aligned pre above their black levels.
    means: Vec<(f64, f64)>,
    samples: Samples,
    /// Brightness as a share of that of the bright section.
    brightness: Vec<f64>,
    /// Median of post over the section, above its black level.
    typical_post: f64,
}

impl Blocks {
    fn new(table: &BlockTable, levels: &Levels) -> Option<Self> {
        let (blocks, means): (Vec<Block>, Vec<(f64, f64)>) =
            levels.section(table.blocks(), table.side()).unzip();
        let logs: Vec<f64> = means
            .iter()
            .map(|(post, pre)| (post / pre).log10())
            .collect();
        let (weights, brightness) = changed_apart(&blocks, &means, &logs)
            .unwrap_or_else(|| by_brightness(&means, &vec![true; blocks.len()]));
        let places = places(&blocks, &weights);
        let posts: Vec<f64> = means.iter().map(|(post, _)| *post).collect();
        let typical_post = weighted_median(&posts, &weights)?;
        Some(Self {
            samples: Samples {
                logs,
                weights,
                places,
            },
            blocks,
            means,
            brightness,
            typical_post,
        })
    }

    /// What an intercept is looked for in.
    fn brightnesses<'a>(
        &'a self,
        field: &'a Field,
        peak_width: f64,
    ) -> crate::intercept::Section<'a> {
        crate::intercept::Section {
            peak_width,
            blocks: &self.blocks,
            means: &self.means,
            weights: &self.samples.weights,
            field: &field.values,
        }
    }

    /// The difference between the scales of bright and of faint blocks and its standard error, as shares.
    fn brightness_trend(&self, rest: &[f64]) -> (f64, f64) {
        let weights = self.samples.weights.iter().zip(&self.brightness);
        let bounded = |b: f64| b.clamp(1.0 / TREND_RANGE, TREND_RANGE);
        let (bright, faint): (Vec<f64>, Vec<f64>) = weights
            .map(|(w, b)| (w * bounded(*b), w / bounded(*b)))
            .unzip();
        let at = |weights: &[f64]| {
            let top = peak(rest, weights, SMOOTHING_SHARE)?;
            let error = uncertainty::between_regions(&self.samples.places, weights, rest, &top);
            Some((top.at, error))
        };
        let (Some(bright), Some(faint)) = (at(&bright), at(&faint)) else {
            return (0.0, 0.0);
        };
        let trend = bright.0 - faint.0;
        let error = bright.1.hypot(faint.1);
        (
            trend * std::f64::consts::LN_10,
            error * std::f64::consts::LN_10,
        )
    }
}

/// Weights of the blocks that count, and the brightness of all, as a share of that of the bright section.
fn by_brightness(means: &[(f64, f64)], counts: &[bool]) -> (Vec<f64>, Vec<f64>) {
    let of_both = Brightness::of_section(means);
    let mut brightness: Vec<f64> = means.iter().map(|mean| of_both.of(*mean)).collect();
    let counted: Vec<f64> = counts.iter().map(|counts| f64::from(*counts)).collect();
    let median = weighted_median(&brightness, &counted).unwrap_or(1.0);
    let light: Vec<f64> = brightness
        .iter()
        .zip(&counted)
        .map(|(b, counted)| counted * (b / median).min(MAX_BRIGHTNESS))
        .collect();
    let bright = weighted_median(&brightness, &light).unwrap_or(1.0);
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
fn changed_apart(
    blocks: &[Block],
    means: &[(f64, f64)],
    logs: &[f64],
) -> Option<(Vec<f64>, Vec<f64>)> {
    let changed: Vec<bool> = blocks
        .iter()
        .map(|block| block.log_ratio().abs() >= UNCHANGED)
        .collect();
    let count = changed.iter().filter(|c| **c).count();
    if count == logs.len() || (count as f64) < MIN_CHANGED_SHARE * logs.len() as f64 {
        return None;
    }
    let (weights, brightness) = by_brightness(means, &changed);
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
