//! How alike post and aligned pre are as a whole.

use crate::detail::percentile;
use crate::error::AlignError;
use crate::previews::Previews;
use e2m_image::Warp;
use ndarray::{Array2, ArrayView2, Axis, Zip, s};
use rayon::prelude::*;

/// Signal is what exceeds this share of the image's 99th percentile.
const SIGNAL_SHARE: f32 = 0.05;
/// Pixels that are compared of a preview that has more, at least.
const LEAST_SAMPLE: usize = 250_000;

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
    /// Likeness of post and pre seen through `warp` (post to pre, full resolution), on a sample of their pixels.
    ///
    /// # Errors
    /// Where an image is blank.
    pub fn similarity(&self, warp: &Warp) -> Result<Similarity, AlignError> {
        let detail_correlation = self.detail_correlation(warp)?;
        let sieve = Sieve::new(self.post().dim());
        let small = self.between_previews(warp);
        let post = sieve.of(self.post());
        let aligned = sieve.through(&small, self.pre()).mapv(|v| v.unwrap_or(0.0));
        let (correlation, overlap_fraction) = compare_signal(&post, &aligned);
        Ok(Similarity {
            correlation,
            detail_correlation,
            overlap_fraction,
        })
    }

    /// [`Similarity::detail_correlation`] alone.
    pub(crate) fn detail_correlation(&self, warp: &Warp) -> Result<f64, AlignError> {
        let [post, pre] = self.details()?;
        let sieve = Sieve::new(post.dim());
        let aligned = sieve.through(&self.between_previews(warp), pre.view());
        let mut sums = Sums::default();
        Zip::from(&sieve.of(post.view()))
            .and(&aligned)
            .for_each(|&a, b| {
                if let Some(b) = *b {
                    sums.add(f64::from(a), f64::from(b));
                }
            });
        Ok(sums.correlation())
    }

    fn between_previews(&self, warp: &Warp) -> Warp {
        let k = 1.0 / self.factor() as f64;
        warp.at_reduced_resolution(k, k)
    }
}

/// The pixels of an image that are looked at: every so manieth both ways.
#[derive(Debug, Clone, Copy)]
struct Sieve {
    /// Rows and columns of the whole image.
    shape: (usize, usize),
    step: usize,
}

impl Sieve {
    fn new(shape: (usize, usize)) -> Self {
        let step = (shape.0 * shape.1 / LEAST_SAMPLE).isqrt().max(1);
        Self { shape, step }
    }

    fn of<P: Copy>(&self, image: ArrayView2<'_, P>) -> Array2<P> {
        image.slice(s![..;self.step, ..;self.step]).to_owned()
    }

    /// What `image` shows where `warp` sends each of the pixels, bilinearly; `None` where it does not reach.
    fn through<P>(&self, warp: &Warp, image: ArrayView2<'_, P>) -> Array2<Option<f32>>
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
                sums.add(f64::from(a.ln_1p()), f64::from(b.ln_1p()));
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
