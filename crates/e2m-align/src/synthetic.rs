//! A texture with a formula, for tests that need to know the truth between pixels and under blur.

use crate::tiles::{Tile, TileSpec};
use ndarray::{Array2, s};

/// Waves the texture is made of.
const WAVES: u32 = 24;
/// Their wave numbers, from the longest to the shortest, radians per px.
const WAVE_NUMBERS: (f64, f64) = (0.15, 0.9);
/// Their mean and the amplitude of each, counts.
const COUNTS: (f64, f64) = (100.0, 3.0);

/// The texture at a point, as an image blurred by a Gaussian of `blur_px` shows it: waves in all directions, each damped by
/// the Gaussian's transfer function.
pub(crate) fn texture(x: f64, y: f64, blur_px: f64) -> f64 {
    let (mean, amplitude) = COUNTS;
    let waves = (0..WAVES).map(f64::from).map(|n| {
        let k = WAVE_NUMBERS.0 + (WAVE_NUMBERS.1 - WAVE_NUMBERS.0) * (n * 0.618_034).fract();
        let (sin, cos) = (n * 2.399_963).sin_cos();
        let damped = amplitude * (-0.5 * (k * blur_px).powi(2)).exp();
        damped * (k * (x * cos + y * sin) + 1.3 * n * n).cos()
    });
    mean + waves.sum::<f64>()
}

/// An image of `width` x `height` px, each from its column and row.
pub(crate) fn image(
    (width, height): (usize, usize),
    pixel: impl Fn(f64, f64) -> f64,
) -> Array2<f32> {
    Array2::from_shape_fn((height, width), |(y, x)| pixel(x as f64, y as f64) as f32)
}

/// Squares of `side_px` that cover `post` without overlap.
pub(crate) fn tiles(post: &Array2<f32>, side_px: usize) -> Vec<Tile> {
    let (height, width) = post.dim();
    let columns = width / side_px;
    (0..columns * (height / side_px))
        .map(|i| {
            let (x, y) = (i % columns * side_px, i / columns * side_px);
            Tile {
                spec: TileSpec { x, y, side_px },
                pixels: post.slice(s![y..y + side_px, x..x + side_px]).to_owned(),
            }
        })
        .collect()
}
