//! What is correlated: fine structure with its contrast evened out, and a mask of where it counts.

use crate::percentile::percentile;
use crate::search::boundary::raster::reduce;
use crate::search::contrast::without_contrast;
use crate::search::cv::{gaussian_blur, wide_blur};
use crate::search::error::{AlignError, Side};
use ndarray::{Array2, ArrayView2, Zip};

/// What of an image is correlated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Where it changes, whichever way: dyes and modes of contrast that show the same borders by other brightnesses.
    Edges,
    /// How much brighter or darker it is than around: sparse specks and grains.
    Detail,
}

impl Kind {
    /// Blur against pixel noise, px of the layer. A slope needs more of it.
    fn denoise_sigma_px(self) -> f64 {
        match self {
            Self::Edges => 1.5,
            Self::Detail => 1.0,
        }
    }
}

/// Sigma of the neighbourhood whose mean is taken away and whose contrast is evened out, px of the layer. No structure is
/// wider, so that peaks of the correlation farther apart than this are different ones.
pub(super) const NEIGHBOURHOOD_SIGMA_PX: f64 = 20.0;
/// The logarithm's offset as a share of the 99th percentile: below it counts are mostly noise.
const LOG_OFFSET_SHARE: f32 = 0.03;
/// Contrast below this share of the image's typical contrast is noise of an empty region and not amplified.
const CONTRAST_FLOOR_SHARE: f32 = 0.5;
/// Detail is cut off at so many times its spread, so that no single speck decides.
const MOST: f32 = 2.5;
/// Less of a neighbourhood than this says nothing about its mean.
const LEAST_WEIGHT: f32 = 0.02;

/// One image as it is correlated.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// Detail about zero; zero where the mask is.
    pub(super) detail: Array2<f32>,
    /// 1 where the image counts, 0 elsewhere.
    pub(super) mask: Array2<f32>,
}

impl Layer {
    /// The layer of an image reduced by `factor`; `mask` says where the image counts, and has its shape.
    ///
    /// Fails for a constant image.
    pub(super) fn new(
        image: ArrayView2<'_, f32>,
        mask: &Array2<f32>,
        factor: usize,
        kind: Kind,
        side: Side,
    ) -> Result<Self, AlignError> {
        let finite = image.mapv(|v| if v.is_finite() { v } else { 0.0 });
        let (image, mask) = (whole_blocks(&finite, factor), whole_blocks(mask, factor));
        let (image, mask) = (
            reduce(&image, factor),
            reduce(&mask, factor).mapv(|m| f32::from(u8::from(m > 0.99))),
        );
        let smooth = gaussian_blur(image.view(), kind.denoise_sigma_px())?;
        let (low, high) = (percentile(&smooth, 0.5), percentile(&smooth, 99.0));
        let peak = smooth.fold(f32::MIN, |a, &b| a.max(b));
        let top = if high > low { high } else { peak };
        if top.is_nan() || low.is_nan() || top <= low {
            return Err(without_contrast(image.view(), side));
        }
        let offset = (top - low) * LOG_OFFSET_SHARE;
        let weight = wide_blur(mask.view(), NEIGHBOURHOOD_SIGMA_PX)?;
        // The mean over that part of the neighbourhood that counts.
        let local_mean = |values: &Array2<f32>| -> Result<Array2<f32>, AlignError> {
            let mut mean = wide_blur((values * &mask).view(), NEIGHBOURHOOD_SIGMA_PX)?;
            Zip::from(&mut mean)
                .and(&weight)
                .for_each(|m, &w| *m = if w > LEAST_WEIGHT { *m / w } else { 0.0 });
            Ok(mean)
        };
        let log = smooth.mapv(|v| ((v - low).max(0.0) + offset).ln());
        let values = match kind {
            Kind::Edges => slopes(&log),
            Kind::Detail => log,
        };
        let mut detail = &values - &local_mean(&values)?;
        detail *= &mask;
        let contrast = local_mean(&detail.mapv(|d| d * d))?.mapv(|v| v.max(0.0).sqrt());
        let floor = CONTRAST_FLOOR_SHARE * percentile(&contrast, 75.0).max(f32::MIN_POSITIVE);
        Zip::from(&mut detail)
            .and(&contrast)
            .for_each(|d, &c| *d = (*d / (c + floor)).clamp(-MOST, MOST));
        Ok(Self { detail, mask })
    }

    /// The detail blurred by `sigma_px`.
    pub(super) fn softened(&self, sigma_px: f64) -> Result<Array2<f32>, AlignError> {
        Ok(gaussian_blur(self.detail.view(), sigma_px)? * &self.mask)
    }
}

/// Lengths of the gradient.
fn slopes(image: &Array2<f32>) -> Array2<f32> {
    let (height, width) = image.dim();
    Array2::from_shape_fn((height, width), |(y, x)| {
        let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
        let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
        let along_x = image[(y, right)] - image[(y, left)];
        let along_y = image[(below, x)] - image[(above, x)];
        along_x.hypot(along_y)
    })
}

/// The image without the rows and columns that do not fill a block.
fn whole_blocks(image: &Array2<f32>, factor: usize) -> Array2<f32> {
    let (height, width) = image.dim();
    let whole = |n: usize| (n / factor * factor).max(1);
    image
        .slice(ndarray::s![..whole(height), ..whole(width)])
        .to_owned()
}
