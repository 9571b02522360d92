//! How much of post's signal pre covers under a warp, and how alike the two are there.

use crate::percentile::percentile;
use e2m_image::Warp;
use ndarray::{Array2, ArrayView2, Axis, Zip, s};
use rayon::prelude::*;

/// Signal is what exceeds this share of the image's 99th percentile.
const SIGNAL_SHARE: f32 = 0.05;
/// Pixels that are compared of a preview that has more, at least.
const LEAST_SAMPLE: usize = 250_000;

/// Similarity of the signals of post and pre under a warp, at preview resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignalSimilarity {
    /// Correlation of the logarithms of counts where both have signal, -1 to 1.
    pub correlation: f64,
    /// Share of post's signal pixels on which pre has signal too.
    pub overlap_fraction: f64,
    /// Share of post's signal pixels that lie in the frame of pre, whatever is there.
    pub covered_fraction: f64,
}

impl SignalSimilarity {
    /// Compares a sample of the pixels of `post` with those of `pre` seen through `warp`. Both images are reduced by `factor`
    /// (1 for full resolution); `warp` maps post to pre at full resolution.
    pub fn of(
        post: ArrayView2<'_, f32>,
        pre: ArrayView2<'_, f32>,
        factor: usize,
        warp: &Warp,
    ) -> Self {
        let k = 1.0 / factor as f64;
        let sieve = Sieve::new(post.dim());
        let small = warp.at_reduced_resolution(k, k);
        let seen = sieve.through(&small, pre);
        let post = sieve.of(post);
        let (correlation, overlap_fraction) =
            compare_signal(&post, &seen.mapv(|v| v.unwrap_or(0.0)));
        Self {
            correlation,
            overlap_fraction,
            covered_fraction: covered_signal(&post, &seen),
        }
    }
}

/// The pixels of an image that are compared: every so manieth along both axes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sieve {
    /// Rows and columns of the whole image.
    shape: (usize, usize),
    step: usize,
}

impl Sieve {
    pub(crate) fn new(shape: (usize, usize)) -> Self {
        let step = (shape.0 * shape.1 / LEAST_SAMPLE).isqrt().max(1);
        Self { shape, step }
    }

    pub(crate) fn of<P: Copy>(&self, image: ArrayView2<'_, P>) -> Array2<P> {
        image.slice(s![..;self.step, ..;self.step]).to_owned()
    }

    /// What `image` shows where `warp` sends each of the pixels, bilinearly; `None` where it does not reach.
    pub(crate) fn through<P>(&self, warp: &Warp, image: ArrayView2<'_, P>) -> Array2<Option<f32>>
    where
        P: Copy + Into<f32> + Sync,
    {
        let (rows, columns) = self.shape;
        let mut out = Array2::from_elem(
            (rows.div_ceil(self.step), columns.div_ceil(self.step)),
            None,
        );
        out.axis_iter_mut(Axis(0))
            .into_par_iter()
            .enumerate()
            .for_each(|(j, mut row)| {
                let y = (j * self.step) as f64;
                for (i, to) in row.iter_mut().enumerate() {
                    let x = (i * self.step) as f64;
                    if warp.is_in_front(x, y) {
                        *to = bilinear(image, warp.apply(x, y));
                    }
                }
            });
        out
    }
}

/// The value between four pixels; `None` where one of them lies outside.
fn bilinear<P: Copy + Into<f32>>(image: ArrayView2<'_, P>, (x, y): (f64, f64)) -> Option<f32> {
    let (height, width) = image.dim();
    if !(x >= 0.0 && y >= 0.0 && x < width as f64 - 1.0 && y < height as f64 - 1.0) {
        return None;
    }
    let (x0, y0) = (x as usize, y as usize);
    let (fx, fy) = ((x - x0 as f64) as f32, (y - y0 as f64) as f32);
    let at = |y: usize, x: usize| -> f32 { image[(y, x)].into() };
    let row = |y: usize| at(y, x0) * (1.0 - fx) + at(y, x0 + 1) * fx;
    Some(row(y0) * (1.0 - fy) + row(y0 + 1) * fy)
}

/// What signal is begins here.
fn signal_floor(image: &Array2<f32>) -> f32 {
    (percentile(image, 99.0) * SIGNAL_SHARE).max(f32::MIN_POSITIVE)
}

/// The share of post's signal that lies where the other image is seen.
fn covered_signal(post: &Array2<f32>, seen: &Array2<Option<f32>>) -> f64 {
    let floor = signal_floor(post);
    let (mut signal, mut covered) = (0_u64, 0_u64);
    Zip::from(post).and(seen).for_each(|&post, seen| {
        if post > floor {
            signal += 1;
            covered += u64::from(seen.is_some());
        }
    });
    if signal > 0 {
        covered as f64 / signal as f64
    } else {
        0.0
    }
}

/// Correlation of log counts where both have signal, and the share of post's signal on which that is so.
fn compare_signal(post: &Array2<f32>, aligned: &Array2<f32>) -> (f64, f64) {
    let (post_floor, pre_floor) = (signal_floor(post), signal_floor(aligned));
    let mut signal = 0.0;
    let mut sums = Sums::default();
    Zip::from(post).and(aligned).for_each(|&a, &b| {
        if a > post_floor {
            signal += 1.0;
            if b > pre_floor {
                sums.add(f64::from(a.ln_1p()), f64::from(b.ln_1p()));
            }
        }
    });
    let overlap = if signal > 0.0 { sums.n / signal } else { 0.0 };
    (sums.correlation(), overlap)
}

/// Sums for a correlation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Sums {
    pub(crate) fn add(&mut self, x: f64, y: f64) {
        self.n += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    /// Zero where nothing varies.
    pub(crate) fn correlation(&self) -> f64 {
        let (vx, vy) = (
            self.xx - self.x * self.x / self.n,
            self.yy - self.y * self.y / self.n,
        );
        if vx > 0.0 && vy > 0.0 {
            (self.xy - self.x * self.y / self.n) / (vx * vy).sqrt()
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{image, texture};

    #[test]
    fn the_overlap_is_what_pre_covers() {
        let post = image((200, 160), |x, y| 2.0 * texture(x, y, 0.0));
        let pre = image((200, 160), |x, y| texture(x - 40.0, y, 0.0));
        let right = Warp::translation(40.0, 0.0);
        let found = SignalSimilarity::of(post.view(), pre.view(), 1, &right);
        assert!(found.correlation > 0.99, "{found:?}");
        assert!((found.overlap_fraction - 0.8).abs() < 0.01, "{found:?}");
        assert!((found.covered_fraction - 0.8).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn a_section_of_which_pre_has_all_is_covered_whatever_glass_is_missing() {
        for shift in [10.0, 30.0, 55.0] {
            // The section fills the right part of the frame; pre lacks columns on the left.
            let section = |x: f64, y: f64| {
                if x < 60.0 { 0.5 } else { texture(x, y, 0.0) }
            };
            let post = image((200, 160), |x, y| 2.0 * section(x, y));
            let pre = image((200, 160), |x, y| section(x + shift, y));
            let found =
                SignalSimilarity::of(post.view(), pre.view(), 1, &Warp::translation(-shift, 0.0));
            assert!(found.covered_fraction > 0.98, "{shift}: {found:?}");
        }
    }
}
