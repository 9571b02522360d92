//! What belongs to the instrument and not to the specimen: the rim of a field stop, of a holder or of the sensor lies at the
//! same place in both raw frames, wherever the specimen lies.
//!
//! Slopes of both frames are compared where they are, at no displacement. Where strong ones are alike in strips and spots, and
//! what lies beside them is not, they are the instrument's. A specimen that has not moved is alike everywhere, and nothing is
//! taken away from it.

use crate::percentile::percentile;
use crate::search::boundary::raster::reduce;
use crate::search::cv::gaussian_blur;
use ndarray::{Array2, ArrayView2, Zip};

/// Longer side of the images that are compared, px.
const WORKING_PX: usize = 350;
/// Blur before slopes are taken, and of the neighbourhood over which they are compared, px of those images.
const SLOPE_SIGMA_PX: f64 = 2.0;
const NEIGHBOURHOOD_SIGMA_PX: f64 = 3.0;
/// A slope this many times the median one is a rim.
const STRONG: f32 = 3.0;
/// Slopes are alike from this cosine on.
const ALIKE: f32 = 0.9;
/// Beside the rims the frames are alike, so that the specimen has not moved, from this cosine on. By chance it is near zero.
const UNMOVED: f64 = 0.25;
/// Rims take at least this share of the frame, and at most that.
const RIM_SHARE: [f64; 2] = [0.002, 0.5];
/// Blur by which rims are widened, px, and the value from which a pixel belongs to them.
const WIDENING_SIGMA_PX: f64 = 6.0;
const WIDENED: f32 = 0.05;
/// The logarithm's offset as a share of the 99th percentile.
const LOG_OFFSET_SHARE: f32 = 0.03;

/// Where both frames, of one size, show the instrument, in their pixels; `None` where they do not.
pub(crate) fn instrument(
    post: ArrayView2<'_, f32>,
    pre: ArrayView2<'_, f32>,
) -> Option<Array2<bool>> {
    if post.dim() != pre.dim() {
        return None;
    }
    let (height, width) = post.dim();
    let factor = height.max(width).div_ceil(WORKING_PX).max(1);
    let [a, b] = [Slopes::of(post, factor)?, Slopes::of(pre, factor)?];
    let blur = |image: &Array2<f32>| gaussian_blur(image.view(), NEIGHBOURHOOD_SIGMA_PX).ok();
    let together = blur(&(&a.x * &b.x + &a.y * &b.y))?;
    let [own_a, own_b] = [blur(&a.squares())?, blur(&b.squares())?];
    let strong = |own: &Array2<f32>| STRONG * STRONG * percentile(own, 50.0);
    let (strong_a, strong_b) = (strong(&own_a), strong(&own_b));
    let mut alike = Array2::<f32>::zeros(together.dim());
    Zip::from(&mut alike)
        .and(&together)
        .and(&own_a)
        .and(&own_b)
        .for_each(|to, &p, &a, &b| {
            let is_rim = a > strong_a && b > strong_b && p > ALIKE * (a * b).sqrt();
            *to = f32::from(u8::from(is_rim));
        });
    let wide = gaussian_blur(alike.view(), WIDENING_SIGMA_PX).ok()?;
    let rims = wide.mapv(|w| w > WIDENED);
    let share = rims.iter().filter(|rim| **rim).count() as f64 / rims.len().max(1) as f64;
    if !(RIM_SHARE[0]..=RIM_SHARE[1]).contains(&share) {
        return None;
    }
    let (mut p, mut q, mut r) = (0.0, 0.0, 0.0);
    Zip::indexed(&rims).for_each(|at, &is_rim| {
        if !is_rim {
            p += f64::from(a.x[at] * b.x[at] + a.y[at] * b.y[at]);
            q += f64::from(a.x[at].powi(2) + a.y[at].powi(2));
            r += f64::from(b.x[at].powi(2) + b.y[at].powi(2));
        }
    });
    let beside = p / (q * r).sqrt().max(f64::MIN_POSITIVE);
    tracing::debug!(share, beside, "rims alike in both frames");
    if beside.is_nan() || beside > UNMOVED {
        return None;
    }
    Some(Array2::from_shape_fn((height, width), |(y, x)| {
        let inside = |i: usize, n: usize| (i / factor).min(n - 1);
        rims[(inside(y, rims.nrows()), inside(x, rims.ncols()))]
    }))
}

/// Differences of log counts along both axes.
struct Slopes {
    x: Array2<f32>,
    y: Array2<f32>,
}

impl Slopes {
    fn of(image: ArrayView2<'_, f32>, factor: usize) -> Option<Self> {
        let finite = image.mapv(|v| if v.is_finite() { v } else { 0.0 });
        let smooth = gaussian_blur(reduce(&finite, factor).view(), SLOPE_SIGMA_PX).ok()?;
        let (low, high) = (percentile(&smooth, 0.5), percentile(&smooth, 99.0));
        if low.is_nan() || high.is_nan() || high <= low {
            return None;
        }
        let offset = LOG_OFFSET_SHARE * (high - low);
        let log = smooth.mapv(|v| ((v - low).max(0.0) + offset).ln());
        // The last row and column may be of blocks that are not full.
        let (height, width) = (log.nrows().checked_sub(1)?, log.ncols().checked_sub(1)?);
        let difference = |y: usize, x: usize, dy: usize, dx: usize| {
            if y < dy || x < dx || y + dy >= height || x + dx >= width {
                return 0.0;
            }
            log[(y + dy, x + dx)] - log[(y - dy, x - dx)]
        };
        Some(Self {
            x: Array2::from_shape_fn((height, width), |(y, x)| difference(y, x, 0, 1)),
            y: Array2::from_shape_fn((height, width), |(y, x)| difference(y, x, 1, 0)),
        })
    }

    fn squares(&self) -> Array2<f32> {
        &self.x * &self.x + &self.y * &self.y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::texture;

    /// Texture behind a round stop, displaced by `dx` px.
    fn behind_a_stop(dx: f64, has_stop: bool) -> Array2<f32> {
        Array2::from_shape_fn((300, 340), |(y, x)| {
            let (x, y) = (x as f64, y as f64);
            let open = (140.0 - (x - 170.0).hypot(y - 150.0)).clamp(0.0, 1.0);
            let open = if has_stop { open } else { 1.0 };
            (2.0 + open * texture(x + dx, y, 0.0)) as f32
        })
    }

    #[test]
    fn the_rim_of_a_stop_is_the_instruments_and_an_unmoved_specimen_is_not() {
        let [post, pre] = [behind_a_stop(0.0, true), behind_a_stop(37.0, true)];
        let rims = instrument(post.view(), pre.view()).expect("a rim in both");
        assert!(rims[(150, 30)] && rims[(150, 310)] && rims[(10, 170)]);
        let inside = rims.slice(ndarray::s![100..200, 120..220]);
        let marked = inside.iter().filter(|rim| **rim).count();
        assert!(marked < 1000, "{marked} of 10,000 px inside");
        assert!(
            instrument(post.view(), post.view()).is_none(),
            "nothing moved"
        );
        let [post, pre] = [behind_a_stop(0.0, false), behind_a_stop(37.0, false)];
        let marked = instrument(post.view(), pre.view())
            .map_or(0, |rims| rims.iter().filter(|rim| **rim).count());
        assert!(marked < 102_000 / 10, "{marked} px without a rim");
    }
}
