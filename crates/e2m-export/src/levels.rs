//! The levels of a pyramid: their sizes, and how the pixels of one become those of the next.

use crate::image::Pyramid;
use crate::tiles::TILE_PX;
use e2m_image::Size;
use rayon::prelude::*;

/// The sizes of all levels of an image, the image itself first.
///
/// Each level has half the columns and rows of the one before, rounded up, so that nothing at the right and lower edge is lost. The
/// last one fits into a tile of 512 px.
pub fn level_sizes(size: Size) -> Vec<Size> {
    let mut sizes = vec![size];
    let mut last = size;
    while last.width.max(last.height) > TILE_PX {
        last = Size::new(last.width.div_ceil(2), last.height.div_ceil(2));
        sizes.push(last);
    }
    sizes
}

/// Reduces rows of `width` pixels to half as many of half the width, both rounded up, one after another in `out`.
///
/// The first row has to be an even one of its level. A row or column that is left over counts alone.
pub(crate) fn reduce(pixels: &[f32], width: usize, pyramid: Pyramid, out: &mut [f32]) {
    out.par_chunks_mut(width.div_ceil(2))
        .zip(pixels.par_chunks(2 * width))
        .for_each(|(out, rows)| {
            let (upper, lower) = rows.split_at(width);
            // A last row without a pair counts once: twice gives the same mean and the same maximum.
            let lower = if lower.is_empty() { upper } else { lower };
            let pairs = upper.chunks(2).zip(lower.chunks(2));
            match pyramid {
                Pyramid::Mean => fill(out, pairs, mean),
                Pyramid::Maximum => fill(out, pairs, maximum),
            }
        });
}

fn fill<'a>(
    out: &mut [f32],
    pairs: impl Iterator<Item = (&'a [f32], &'a [f32])>,
    of: impl Fn([f32; 4]) -> f32,
) {
    for (out, (upper, lower)) in out.iter_mut().zip(pairs) {
        *out = match (upper, lower) {
            ([a, b], [c, d]) => of([*a, *b, *c, *d]),
            ([a, ..], [b, ..]) => of([*a, *a, *b, *b]),
            _ => f32::NAN,
        };
    }
}

/// The mean of those that are finite. Float images may have values whose sum has no place in 32 bit.
fn mean(four: [f32; 4]) -> f32 {
    let [a, b, c, d] = four.map(f64::from);
    let sum = (a + b) + (c + d);
    if sum.is_finite() {
        return (sum / 4.0) as f32;
    }
    let finite = four.iter().filter(|value| value.is_finite());
    let (sum, count) = finite.fold((0.0, 0.0), |(sum, count), &value| {
        (sum + f64::from(value), count + 1.0)
    });
    (sum / count) as f32
}

/// The largest of those that are finite.
fn maximum(four: [f32; 4]) -> f32 {
    let finite = |value: f32| if value.is_finite() { value } else { f32::NAN };
    // The maximum of a number and NaN is the number.
    let [a, b, c, d] = four.map(finite);
    a.max(b).max(c.max(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_halve_until_they_fit_a_tile() {
        let sizes = |width, height| {
            let levels = level_sizes(Size::new(width, height)).into_iter();
            levels
                .map(|size| (size.width, size.height))
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(1, 1), [(1, 1)]);
        assert_eq!(sizes(512, 512), [(512, 512)]);
        assert_eq!(sizes(513, 3), [(513, 3), (257, 2)]);
        assert_eq!(
            sizes(1025, 2049),
            [(1025, 2049), (513, 1025), (257, 513), (129, 257)]
        );
        // One row is never none.
        assert!(sizes(1 << 20, 1).iter().all(|&(_, height)| height == 1));
    }

    #[test]
    fn means_and_maxima_are_of_what_is_finite() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        assert_eq!(mean([1.0, 2.0, 3.0, 6.0]), 3.0);
        assert_eq!(mean([1.0, nan, 3.0, inf]), 2.0);
        assert_eq!(mean([f32::MAX; 4]), f32::MAX);
        assert!(mean([nan, nan, inf, -inf]).is_nan());
        assert_eq!(maximum([-4.0, -2.0, nan, -3.0]), -2.0);
        assert_eq!(maximum([1.0, inf, nan, 3.0]), 3.0);
        assert!(maximum([nan, inf, -inf, nan]).is_nan());
    }

    #[test]
    fn edges_that_are_left_over_count_alone() {
        let pixels = [1.0, 2.0, 10.0, 3.0, 6.0, 20.0, 5.0, 7.0, 40.0];
        let mut out = [0.0; 4];
        reduce(&pixels, 3, Pyramid::Mean, &mut out);
        assert_eq!(out, [3.0, 15.0, 6.0, 40.0]);
        reduce(&pixels, 3, Pyramid::Maximum, &mut out);
        assert_eq!(out, [6.0, 20.0, 7.0, 40.0]);
    }
}
