//! The level of bare glass in both images: what a camera adds to every pixel, and light that is no section's.
//!
//! Blocks of bare glass lie at the lower end of the distribution of brightness, close together, and apart from the section.
//! Only one combination of both levels matters, `post level - scale x pre level`: it is what glass would leave in the
//! difference. Dark minerals of a section that fills the frame may be taken for glass; as they became brighter by the same
//! factor as the rest, that combination is 0 for them, and nothing is lost.

use crate::blocks::Block;
use crate::peak::{smooth, weighted_median};

/// Bins of the distribution of brightness.
const BINS: usize = 400;
/// Its smoothing in bins.
const SMOOTHING_BINS: f64 = 3.0;
/// More where there is no glass by that: it has two levels, not farther apart than this share, where stain lies on a part of it.
const WIDE_SMOOTHING_BINS: f64 = 9.0;
const MAX_SPREAD_OF_LEVELS: f64 = 0.05;
/// Brightness is looked at on a logarithmic axis from this share of its median on; a linear one below.
const LINEAR_SHARE: f64 = 0.02;
/// Glass is at least this share of the blocks, and at least so many.
const MIN_SHARE: f64 = 0.01;
const MIN_BLOCKS: usize = 20;
/// Between glass and section the distribution falls below this share of the height of the glass.
const VALLEY_SHARE: f64 = 0.5;
/// Blocks above the glass by more than this many times its scatter are section.
const REACH: f64 = 4.0;
/// A group of blocks whose brightness varies by more than this share, in both images alike, has a texture: it is section.
const MAX_SPREAD: f64 = 0.1;
const MAX_CORRELATION: f64 = 0.5;
/// The scatter of a normal distribution over its median absolute deviation.
pub(crate) const NORMAL_PER_MAD: f64 = 1.4826;
/// Glass that is lit unevenly does not become more certain by more blocks than these.
const MAX_INDEPENDENT: f64 = 64.0;

/// The level of one image on bare glass, counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Level {
    /// The median over blocks.
    pub(crate) value: f64,
    /// The scatter of blocks about it.
    pub(crate) scatter: f64,
    /// The standard error of the median.
    pub(crate) std_error: f64,
}

/// Bare glass in both images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Glass {
    pub(crate) post: Level,
    pub(crate) pre: Level,
}

impl Glass {
    /// Glass among the means of blocks, `(post, pre)` in counts. `None` where nothing is set apart from the section.
    pub(crate) fn find(means: &[(f64, f64)]) -> Option<Self> {
        let brightness: Vec<f64> = means
            .iter()
            .map(|(post, pre)| (post * pre).sqrt())
            .collect();
        let limit = upper_limit(&brightness, |below, max_spread| {
            has_no_texture(means, &brightness, below, max_spread)
        })?;
        let level = |of: fn(&(f64, f64)) -> f64| {
            let glass = means.iter().zip(&brightness).filter(|(_, b)| **b <= limit);
            Level::of(&glass.map(|(mean, _)| of(mean)).collect::<Vec<_>>())
        };
        Some(Self {
            post: level(|mean| mean.0)?,
            pre: level(|mean| mean.1)?,
        })
    }
}

impl Level {
    fn of(values: &[f64]) -> Option<Self> {
        let alike = vec![1.0; values.len()];
        let value = weighted_median(values, &alike)?;
        let distances: Vec<f64> = values.iter().map(|v| (v - value).abs()).collect();
        let scatter = NORMAL_PER_MAD * weighted_median(&distances, &alike)?;
        let independent = (values.len() as f64).min(MAX_INDEPENDENT);
        Some(Self {
            value,
            scatter,
            // Of a median: sqrt(pi / 2) times that of a mean.
            std_error: (std::f64::consts::FRAC_PI_2 / independent).sqrt() * scatter,
        })
    }
}

/// How the brightness of blocks is distributed, along a logarithmic axis that is linear near 0.
struct Histogram {
    counts: Vec<f64>,
    /// The axis is `ln(brightness + unit)`.
    unit: f64,
    low: f64,
    bin_width: f64,
}

impl Histogram {
    fn new(brightness: &[f64]) -> Option<Self> {
        let alike = vec![1.0; brightness.len()];
        let unit = LINEAR_SHARE * weighted_median(brightness, &alike)?;
        if unit.is_nan() || unit <= 0.0 {
            return None;
        }
        let axis = |b: f64| (b + unit).ln();
        let (low, high) = brightness
            .iter()
            .fold((f64::MAX, f64::MIN), |(low, high), b| {
                (low.min(axis(*b)), high.max(axis(*b)))
            });
        let bin_width = (high - low) / BINS as f64;
        if bin_width.is_nan() || bin_width <= 0.0 {
            return None;
        }
        let mut counts = vec![0.0; BINS];
        for b in brightness {
            counts[(((axis(*b) - low) / bin_width) as usize).min(BINS - 1)] += 1.0;
        }
        Some(Self {
            counts,
            unit,
            low,
            bin_width,
        })
    }

    /// The upper end of the lowest pile that holds `needed` blocks, if it stands apart at this smoothing.
    fn lowest_pile(&self, smoothing_bins: f64, needed: f64) -> Option<f64> {
        // Room on both sides, so that a pile at the very end has two flanks.
        let margin = (4.0 * smoothing_bins) as usize;
        let mut padded = vec![0.0; margin];
        padded.extend(&self.counts);
        padded.extend(vec![0.0; margin]);
        let density = smooth(&padded, smoothing_bins);
        for top in 1..density.len() - 1 {
            if density[top] < density[top - 1] || density[top] <= density[top + 1] {
                continue;
            }
            let half = density[top] / 2.0;
            let flank = (0..top)
                .rev()
                .take_while(|&i| density[i] >= half)
                .count()
                .max(1);
            // 1.18 scatters lie between the top of a normal distribution and half its height.
            let limit_bins = top as f64 + REACH * flank as f64 / 1.177;
            let below: f64 = padded.iter().take(limit_bins as usize + 1).sum();
            if below < needed {
                continue;
            }
            let on_axis = self.low + (limit_bins + 0.5 - margin as f64) * self.bin_width;
            // A pile ends where its lower flank says; the slope of a section goes on.
            let end = (limit_bins as usize + 1).min(density.len());
            let valley = density[top..end]
                .iter()
                .take_while(|&&height| height <= density[top])
                .fold(f64::MAX, |low, &height| low.min(height));
            let is_apart = valley < VALLEY_SHARE * density[top];
            return is_apart.then(|| on_axis.exp() - self.unit);
        }
        None
    }
}

/// The brightness up to which blocks are glass: the lowest part of the distribution that stands alone and passes `is_glass`.
fn upper_limit(brightness: &[f64], is_glass: impl Fn(f64, Option<f64>) -> bool) -> Option<f64> {
    let needed = (MIN_SHARE * brightness.len() as f64).max(MIN_BLOCKS as f64);
    let histogram = Histogram::new(brightness)?;
    let found = |smoothing_bins, max_spread| {
        let limit = histogram.lowest_pile(smoothing_bins, needed)?;
        let above = brightness.iter().filter(|b| **b > limit).count();
        (above >= MIN_BLOCKS && is_glass(limit, max_spread)).then_some(limit)
    };
    found(SMOOTHING_BINS, None).or_else(|| found(WIDE_SMOOTHING_BINS, Some(MAX_SPREAD_OF_LEVELS)))
}

/// Whether the blocks up to a brightness vary little, or not in both images alike; with `max_spread`, whether they vary by no more
/// and not in both images alike.
fn has_no_texture(
    means: &[(f64, f64)],
    brightness: &[f64],
    limit: f64,
    max_spread: Option<f64>,
) -> bool {
    let members = || {
        let pairs = means.iter().zip(brightness);
        pairs.filter(|(_, b)| **b <= limit).map(|(mean, _)| *mean)
    };
    let number = members().count() as f64;
    let sum = members().fold((0.0, 0.0), |s, m| (s.0 + m.0, s.1 + m.1));
    let middle = (sum.0 / number, sum.1 / number);
    let (post, pre, both) = members().fold((0.0, 0.0, 0.0), |s, m| {
        let off = (m.0 - middle.0, m.1 - middle.1);
        (
            s.0 + off.0 * off.0,
            s.1 + off.1 * off.1,
            s.2 + off.0 * off.1,
        )
    });
    let correlation = both / (post * pre).sqrt().max(f64::MIN_POSITIVE);
    let spread = (pre / number).sqrt() / middle.1.max(f64::MIN_POSITIVE);
    max_spread.map_or_else(
        || spread <= MAX_SPREAD || correlation <= MAX_CORRELATION,
        |max_spread| spread <= max_spread && correlation <= MAX_CORRELATION,
    )
}

/// The means of post and of aligned pre over blocks of `side` px.
pub(crate) fn means<'b>(blocks: impl Iterator<Item = &'b Block>, side: usize) -> Vec<(f64, f64)> {
    let pixels = (side * side) as f64;
    blocks
        .map(|b| (f64::from(b.post) / pixels, f64::from(b.pre) / pixels))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number in -1..1.
    fn noise(i: usize, purpose: usize) -> f64 {
        let h = (i * 2 + purpose + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((h ^ (h >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 52) as f64
            - 1.0
    }

    fn section(n: usize, gain: f64, (post, pre): (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
        (0..n).map(move |i| {
            let light = 60.0 * (0.5 * noise(i, 0)).exp();
            (gain * light + post, light + pre)
        })
    }

    fn glass(n: usize, (post, pre): (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
        (0..n).map(move |i| (post + 0.2 * noise(i, 1), pre + 0.2 * noise(i, 2)))
    }

    #[test]
    fn glass_is_found_however_much_of_it_there_is() {
        for (level, of_glass) in [(3.0, 60), (10.0, 500), (60.0, 1000), (60.0, 20_000)] {
            let levels = (1.5 * level, level);
            let means: Vec<_> = section(2000, 1.4, levels)
                .chain(glass(of_glass, levels))
                .collect();
            let found = Glass::find(&means).expect("glass");
            assert!((found.post.value - levels.0).abs() < 0.1, "{found:?}");
            assert!((found.pre.value - levels.1).abs() < 0.1, "{found:?}");
            assert!(found.pre.scatter < 0.5 && found.pre.std_error < 0.1);
        }
    }

    #[test]
    fn stain_on_a_part_of_the_glass_makes_two_levels_of_one_glass() {
        let means: Vec<_> = section(2000, 2.0, (19.0, 16.5))
            .chain(glass(300, (18.0, 16.5)))
            .chain(glass(500, (19.2, 16.5)))
            .collect();
        let found = Glass::find(&means).expect("glass");
        assert!((18.0..19.3).contains(&found.post.value), "{found:?}");
        assert!((found.pre.value - 16.5).abs() < 0.1);
    }

    #[test]
    fn a_section_is_no_glass_even_below_something_brighter() {
        let frame_filling: Vec<_> = section(3000, 1.4, (30.0, 30.0)).collect();
        assert_eq!(Glass::find(&frame_filling), None);
        let with_grains: Vec<_> = section(3000, 1.4, (0.0, 0.0))
            .chain(section(200, 1.1, (9000.0, 9000.0)))
            .collect();
        assert_eq!(Glass::find(&with_grains), None);
        assert_eq!(Glass::find(&[]), None);
        assert_eq!(Glass::find(&[(1.0, 1.0); 500]), None);
    }
}
