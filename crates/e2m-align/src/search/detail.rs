//! The detail image: what features are looked for in.
//!
//! Stain, bleaching, vignetting and gain change brightness slowly across a section; the structure that the two images
//! share is what remains when the local mean is taken away and the local contrast is evened out. The logarithm makes
//! gain and illumination additive first, so that they go with the mean.

use crate::percentile::percentile;
use crate::search::contrast::without_contrast;
use crate::search::cv::{gaussian_blur, wide_blur};
use crate::search::error::{AlignError, Side};
use ndarray::{Array2, ArrayView2, Zip};

/// Sigma of the neighbourhood over which mean and contrast are evened out, in px of the working image.
const NEIGHBOURHOOD_SIGMA_PX: f64 = 20.0;
/// Light blur against pixel noise before anything else.
const DENOISE_SIGMA_PX: f64 = 0.8;
/// The logarithm's offset as a share of the 99th percentile: below it counts are mostly noise.
const LOG_OFFSET_SHARE: f32 = 0.03;
/// Contrast below this share of the image's typical contrast is noise of an empty region and not amplified.
const CONTRAST_FLOOR_SHARE: f32 = 0.5;
/// Counts of the 8 bit image per unit of evened contrast; 1.8 units to either side fill the range.
const COUNTS_PER_UNIT: f32 = 70.0;

/// The 8 bit detail image of `image`, in which SIFT finds alike structure in pre and post.
///
/// Fails for a constant image.
pub(crate) fn detail_image(
    image: ArrayView2<'_, f32>,
    side: Side,
) -> Result<Array2<u8>, AlignError> {
    let smooth = gaussian_blur(image, DENOISE_SIGMA_PX)?;
    let (low, high) = (percentile(&smooth, 0.5), percentile(&smooth, 99.0));
    let peak = smooth.fold(f32::MIN, |a, &b| a.max(b));
    let top = if high > low { high } else { peak };
    if top.is_nan() || low.is_nan() || top <= low {
        return Err(without_contrast(image, side));
    }
    let offset = (top - low) * LOG_OFFSET_SHARE;
    let log = smooth.mapv(|v| ((v - low).max(0.0) + offset).ln());
    let mut detail = log;
    detail -= &wide_blur(detail.view(), NEIGHBOURHOOD_SIGMA_PX)?;
    let mut contrast = wide_blur(detail.mapv(|d| d * d).view(), NEIGHBOURHOOD_SIGMA_PX)?;
    contrast.mapv_inplace(|v| v.max(0.0).sqrt());
    let floor = CONTRAST_FLOOR_SHARE * percentile(&contrast, 75.0).max(f32::MIN_POSITIVE);
    let mut out = Array2::zeros(image.dim());
    Zip::from(&mut out)
        .and(&detail)
        .and(&contrast)
        .for_each(|out, &d, &c| {
            *out = (128.0 + COUNTS_PER_UNIT * d / (c + floor)).clamp(0.0, 255.0) as u8;
        });
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gain_and_offset_hardly_change_the_detail() {
        let image = Array2::from_shape_fn((120, 160), |(y, x)| {
            60.0 + 25.0 * ((x as f32 * 0.31).sin() + (y as f32 * 0.23).cos())
                + 10.0 * ((x + 2 * y) as f32 * 0.11).sin()
        });
        let a = detail_image(image.view(), Side::Post).expect("has contrast");
        let b = detail_image(image.mapv(|v| v * 2.7).view(), Side::Pre).expect("has contrast");
        let differing = a
            .iter()
            .zip(&b)
            .filter(|(a, b)| a.abs_diff(**b) > 2)
            .count();
        assert_eq!(differing, 0);
        assert!(a.iter().any(|&v| v > 180) && a.iter().any(|&v| v < 80));
    }

    #[test]
    fn constant_images_are_named_blank() {
        let flat = Array2::from_elem((80, 80), 7.0);
        let error = detail_image(flat.view(), Side::Pre).expect_err("no contrast");
        assert_eq!(
            error.to_string(),
            "the pre image is blank: all of its pixels have the value 7"
        );
    }
}
