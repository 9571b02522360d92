//! How alike post and aligned pre are as a whole.

use crate::detail::percentile;
use crate::error::AlignError;
use crate::previews::Previews;
use e2m_image::{Warp, sample_bilinear};
use ndarray::{Array2, Axis, Zip};
use rayon::prelude::*;

/// Signal is what exceeds this share of the image's 99th percentile.
const SIGNAL_SHARE: f32 = 0.05;

/// Likeness of post and pre under a warp, at preview resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    /// Correlation of the logarithms of counts where both have signal, -1 to 1.
    pub correlation: f64,
    /// Correlation of the fine structure, local mean and contrast evened out, where both images are: what tells a fitting
    /// warp from one that only brings outlines together.
    pub detail_correlation: f64,
    /// Share of post's signal pixels on which pre has signal too.
    pub overlap_fraction: f64,
}

impl Previews {
    /// Likeness of post and pre seen through `warp` (post to pre, full resolution).
    ///
    /// # Errors
    /// Where an image is blank.
    pub fn similarity(&self, warp: &Warp) -> Result<Similarity, AlignError> {
        let k = 1.0 / self.factor() as f64;
        let small = warp.at_reduced_resolution(k, k);
        let [post_detail, pre_detail] = self.details()?;
        let aligned = seen_through(&small, self.post().dim(), |x, y| {
            sample_bilinear(self.pre(), x, y)
        });
        let (height, width) = self.pre().dim();
        let detail = seen_through(&small, self.post().dim(), |x, y| {
            let inside = x >= 0.0 && y >= 0.0 && x < width as f64 - 1.0 && y < height as f64 - 1.0;
            if inside {
                sample_bilinear(pre_detail.view(), x, y)
            } else {
                f32::NAN
            }
        });
        let (correlation, overlap_fraction) = compare_signal(&self.post().to_owned(), &aligned);
        let mut sums = Sums::default();
        Zip::from(post_detail).and(&detail).for_each(|&a, &b| {
            if b.is_finite() {
                sums.add(f64::from(a), f64::from(b));
            }
        });
        Ok(Similarity {
            correlation,
            detail_correlation: sums.correlation(),
            overlap_fraction,
        })
    }
}

/// An image of `shape`, each pixel from where `warp` sends it.
fn seen_through(
    warp: &Warp,
    shape: (usize, usize),
    sample: impl Fn(f64, f64) -> f32 + Sync,
) -> Array2<f32> {
    let mut out = Array2::zeros(shape);
    out.axis_iter_mut(Axis(0))
        .into_par_iter()
        .enumerate()
        .for_each(|(y, mut row)| {
            for (x, to) in row.iter_mut().enumerate() {
                let (x, y) = (x as f64, y as f64);
                *to = if warp.is_in_front(x, y) {
                    let (u, v) = warp.apply(x, y);
                    sample(u, v)
                } else {
                    sample(f64::NAN, f64::NAN)
                };
            }
        });
    out
}

/// Correlation of log counts where both have signal, and the share of post's signal on which that is so.
fn compare_signal(post: &Array2<f32>, aligned: &Array2<f32>) -> (f64, f64) {
    let floor =
        |image: &Array2<f32>| (percentile(image, 99.0) * SIGNAL_SHARE).max(f32::MIN_POSITIVE);
    let (post_floor, pre_floor) = (floor(post), floor(aligned));
    let mut signal = 0.0;
    let mut sums = Sums::default();
    Zip::from(post).and(aligned).for_each(|&a, &b| {
        if a > post_floor {
            signal += 1.0;
            if b > pre_floor {
                sums.add(f64::from(a).ln_1p(), f64::from(b).ln_1p());
            }
        }
    });
    let overlap = if signal > 0.0 { sums.n / signal } else { 0.0 };
    (sums.correlation(), overlap)
}

/// Sums for a correlation.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Sums {
    fn add(&mut self, x: f64, y: f64) {
        self.n += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    /// Zero where nothing varies.
    fn correlation(&self) -> f64 {
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

    fn texture(x: f64, y: f64) -> f32 {
        (90.0 + 30.0 * ((x * 0.23).sin() + (y * 0.31).cos() + (0.11 * (x + y)).sin())) as f32
    }

    #[test]
    fn the_right_warp_is_the_most_alike() {
        let post = Array2::from_shape_fn((160, 200), |(y, x)| 2.0 * texture(x as f64, y as f64));
        let pre =
            Array2::from_shape_fn((160, 200), |(y, x)| texture(x as f64 + 6.0, y as f64 - 4.0));
        let previews = Previews::new(post, pre, 4).expect("large enough");
        let at = |dx: f64, dy: f64| {
            let warp = Warp::translation(4.0 * dx, 4.0 * dy);
            previews.similarity(&warp).expect("not blank")
        };
        let right = at(-6.0, 4.0);
        assert!(
            right.detail_correlation > 0.98 && right.correlation > 0.98,
            "{right:?}"
        );
        for (dx, dy) in [(-9.0, 4.0), (-6.0, 8.0), (0.0, 0.0)] {
            assert!(at(dx, dy).detail_correlation < right.detail_correlation - 0.05);
        }
        assert!((right.overlap_fraction - 194.0 * 156.0 / (200.0 * 160.0)).abs() < 0.02);
        let apart = at(500.0, 0.0);
        assert_eq!(
            (apart.overlap_fraction, apart.detail_correlation),
            (0.0, 0.0)
        );
    }
}
