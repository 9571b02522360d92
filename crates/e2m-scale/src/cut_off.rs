//! Where noise is cut off at 0.
//!
//! A camera, or whoever subtracts a background, has no counts below 0. Where section is so dark that its noise reaches that far,
//! its mean is too high, in the darker image more than in the other: the ratio is too small, and less so the brighter the
//! section is, as if post had an offset. Such pixels are positive in one image and not in the other, as the noise of both is
//! independent; holes in a section, and borders that were cut, are 0 in both.
//!
//! With normal noise of size s and a share `p = Phi(-z)` of pixels cut off, the mean rises by `s (phi(z) - z p)`, which as a share
//! of the mean is `phi(z) / z - p`. Pre was cut off before it was resampled, which takes some 30 % of its noise: for what is seen
//! of it, z is larger by 1.4.

use crate::blocks::Block;
use crate::brightness::Brightness;
use crate::glass::means;

/// The share of blocks of 256 px with a pixel that is cut off. With p = 0.0002 it is 5 %: z = 3.5 as seen, 2.5 as it was, and the
/// mean is 0.08 % too high. The rim of a section that was cut out makes 2 to 4 % of such blocks.
const MAX_CUT_OFF: f64 = 0.05;
/// How much farther from 0, in units of its noise, pre looks once it has been resampled.
const RESAMPLED: f64 = 1.4;
/// The formula holds up to this share and down to this distance.
const MAX_SHARE: f64 = 0.4;
const MIN_DISTANCE: f64 = 0.3;
/// The blocks are looked at by brightness in so many parts.
const PARTS: usize = 50;
/// Where fewer than this share of the blocks are bright enough, none are left out: there is nothing better.
const MIN_CLEAR: f64 = 0.2;

/// What noise that is cut off does to a section.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CutOff {
    /// The brightness from which on the blocks count.
    pub(crate) least_brightness: f64,
    /// How much too high the mean of the darker image still is above that, as a share.
    pub(crate) bias: f64,
}

impl CutOff {
    /// From the blocks of an image. All of them count where noise is cut off nowhere, or nearly everywhere.
    pub(crate) fn measure(blocks: &[Block], side: usize, brightness: &Brightness) -> Self {
        let mut by_brightness: Vec<(f64, u32)> = means(blocks.iter(), side)
            .into_iter()
            .zip(blocks)
            .map(|(mean, block)| (brightness.of(mean), block.cut_off))
            .collect();
        by_brightness.sort_by(|a, b| a.0.total_cmp(&b.0));
        let part = by_brightness.len().div_ceil(PARTS).max(1);
        let parts = by_brightness.chunks(part);
        let cut_off = |part: &&[(f64, u32)]| {
            let number = part.iter().filter(|(_, cut_off)| *cut_off > 0).count();
            number as f64 > MAX_CUT_OFF * part.len() as f64
        };
        let dark = parts.take_while(cut_off).count() * part;
        let clear = by_brightness.get(dark..).unwrap_or_default();
        let is_enough = clear.len() as f64 >= MIN_CLEAR * by_brightness.len() as f64;
        let (least_brightness, counted) = match clear.first() {
            Some((brightness, _)) if dark > 0 && is_enough => (*brightness, clear),
            _ => (0.0, by_brightness.as_slice()),
        };
        let pixels = (side * side * counted.len()) as f64;
        let number: u64 = counted.iter().map(|(_, n)| u64::from(*n)).sum();
        Self {
            least_brightness,
            bias: bias(number as f64 / pixels),
        }
    }
}

/// The rise of the mean where this share of the pixels is seen to be cut off.
fn bias(share: f64) -> f64 {
    if share.is_nan() || share <= 0.0 {
        return 0.0;
    }
    // The quantile and the tail of the normal distribution after Abramowitz & Stegun 1964, 26.2.22 and 26.2.16.
    let t = (-2.0 * share.min(MAX_SHARE).ln()).sqrt();
    let seen = t - (2.30753 + 0.27061 * t) / (1.0 + 0.99229 * t + 0.04481 * t * t);
    let z = seen.max(MIN_DISTANCE) / RESAMPLED;
    let density = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let t = 1.0 / (1.0 + 0.33267 * z);
    let tail = density * t * (0.436_183_6 - 0.120_167_6 * t + 0.937_298 * t * t);
    density / z - tail
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of 16 px of brightness 1, 2, 3, …, with as many pixels cut off as `cut_off` says.
    fn blocks(number: u32, cut_off: impl Fn(u32) -> u32) -> Vec<Block> {
        (1..=number)
            .map(|i| Block {
                x: i,
                y: 0,
                post: 256.0 * i as f32,
                pre: 256.0 * i as f32,
                cut_off: cut_off(i),
            })
            .collect()
    }

    fn measure(blocks: &[Block]) -> CutOff {
        CutOff::measure(blocks, 16, &Brightness::new(1.0))
    }

    #[test]
    fn the_rise_of_the_mean_is_that_of_a_normal_distribution() {
        // z = 1.4 x 2 as seen, 2 as it was: phi(2) / 2 - Phi(-2).
        assert!(
            (bias(0.002_555) - 0.004_245).abs() < 1e-4,
            "{}",
            bias(0.002_555)
        );
        assert_eq!(bias(0.0), 0.0);
        assert_eq!(measure(&blocks(100, |_| 0)).bias, 0.0);
        assert!(measure(&blocks(100, |_| 20)).bias > 0.01);
    }

    #[test]
    fn dark_blocks_with_noise_cut_off_are_left_out() {
        let dark = blocks(1000, |i| if i <= 300 { 4 } else { 0 });
        let least = measure(&dark).least_brightness;
        assert!((least - 301.0).abs() < 1e-3, "{least}");
    }

    #[test]
    fn all_stay_where_nothing_is_cut_off_or_nearly_everything() {
        for cut_off in [0, 5] {
            assert_eq!(measure(&blocks(1000, |_| cut_off)).least_brightness, 0.0);
        }
        assert_eq!(measure(&[]).least_brightness, 0.0);
        // Bright blocks have holes of their own.
        let bright = blocks(1000, |i| if i > 700 { 9 } else { 0 });
        assert_eq!(measure(&bright).least_brightness, 0.0);
    }
}
