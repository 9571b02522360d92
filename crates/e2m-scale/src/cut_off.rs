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
/// The blocks are looked at by brightness in so many parts.
const PARTS: usize = 50;
/// Where fewer than this share of the blocks are bright enough, none are left out: there is nothing better.
const MIN_CLEAR: f64 = 0.2;

/// The least brightness from which on noise is not cut off; 0 where it is nowhere, or nearly everywhere.
pub(crate) fn least_brightness(blocks: &[Block], side: usize, brightness: &Brightness) -> f64 {
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
    let is_enough = (by_brightness.len().saturating_sub(dark)) as f64
        >= MIN_CLEAR * by_brightness.len() as f64;
    match by_brightness.get(dark) {
        Some((brightness, _)) if dark > 0 && is_enough => *brightness,
        _ => 0.0,
    }
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

    #[test]
    fn dark_blocks_with_noise_cut_off_are_left_out() {
        let dark = blocks(1000, |i| if i <= 300 { 4 } else { 0 });
        let least = least_brightness(&dark, 16, &Brightness::new(1.0));
        assert!((least - 301.0).abs() < 1e-3, "{least}");
    }

    #[test]
    fn all_stay_where_nothing_is_cut_off_or_nearly_everything() {
        for cut_off in [0, 5] {
            assert_eq!(least_brightness(&blocks(1000, |_| cut_off), 16, &Brightness::new(1.0)), 0.0);
        }
        assert_eq!(least_brightness(&[], 16, &Brightness::new(1.0)), 0.0);
        // Bright blocks have holes of their own.
        let bright = blocks(1000, |i| if i > 700 { 9 } else { 0 });
        assert_eq!(least_brightness(&bright, 16, &Brightness::new(1.0)), 0.0);
    }
}
