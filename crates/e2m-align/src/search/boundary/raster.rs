//! What is correlated: rings along the outlines, or the images with their brightness evened out.

use super::density::{LogScale, finite};
use super::section::Section;
use crate::search::cv::{from_mat_f32, gaussian_blur, single_threaded, to_mat};
use crate::search::error::{AlignError, Side};
use ndarray::{Array2, ArrayView2};
use opencv::core::Mat;
use opencv::imgproc;

/// Light blur of the evened image against pixel noise, in px.
const DENOISE_SIGMA_PX: f64 = 1.0;

/// A Gaussian of this sigma leaves no detail finer than a pixel.
const RESOLVED_SIGMA_PX: f64 = 3.0;

/// How far an image softened by a Gaussian of `smooth_px` can be reduced without loss.
pub(super) fn lossless_reduction(smooth_px: usize) -> usize {
    ((smooth_px as f64 / RESOLVED_SIGMA_PX) as usize).max(1)
}

/// The ring of `width_px` inside the outline, softened by a Gaussian of `smooth_px` and reduced by [`lossless_reduction`].
///
/// Where the frame cuts the section there is no ring: the distance is taken to what is outside, and outside the frame
/// nothing is known.
pub(super) fn ring(
    section: &Section,
    width_px: usize,
    smooth_px: usize,
) -> Result<Array2<f32>, AlignError> {
    let depth = depth(section)?;
    let hard = depth.mapv(|d| f32::from(u8::from(d > 0.0 && d <= width_px as f32)));
    reduce_and_soften(&hard, smooth_px)
}

/// Distance of the section's pixels from what is outside, in px; 0 there.
pub(super) fn depth(section: &Section) -> Result<Array2<f32>, AlignError> {
    single_threaded();
    let mask = to_mat(section.mask.mapv(u8::from).view())?;
    let mut depth = Mat::default();
    imgproc::distance_transform_def(&mask, &mut depth, imgproc::DIST_L2, imgproc::DIST_MASK_5)?;
    Ok(from_mat_f32(&depth)?)
}

/// Log brightness with a mean of 0 and a spread of 1, then softened by a Gaussian of `smooth_px` and reduced by
/// [`lossless_reduction`].
pub(super) fn evened(
    image: ArrayView2<'_, f32>,
    side: Side,
    smooth_px: usize,
) -> Result<Array2<f32>, AlignError> {
    let smooth = gaussian_blur(finite(image).view(), DENOISE_SIGMA_PX)?;
    let scale = LogScale::of(&smooth, side)?;
    let log = smooth.mapv(|v| scale.log(v));
    let mean = log.mean().unwrap_or(0.0);
    let spread = log.std(0.0).max(f32::MIN_POSITIVE);
    reduce_and_soften(&log.mapv(|v| (v - mean) / spread), smooth_px)
}

fn reduce_and_soften(image: &Array2<f32>, smooth_px: usize) -> Result<Array2<f32>, AlignError> {
    let reduction = lossless_reduction(smooth_px);
    let small = reduce(image, reduction);
    if smooth_px == 0 {
        return Ok(small);
    }
    Ok(gaussian_blur(
        small.view(),
        smooth_px as f64 / reduction as f64,
    )?)
}

/// The mean of each block of `factor` x `factor` px; what is missing in the last blocks counts as zero, so that pixel
/// centres follow `x_small = (x + 0.5) / factor - 0.5`.
pub(in crate::search) fn reduce(image: &Array2<f32>, factor: usize) -> Array2<f32> {
    if factor <= 1 {
        return image.clone();
    }
    let (height, width) = image.dim();
    let mut sums = Array2::zeros((height.div_ceil(factor), width.div_ceil(factor)));
    for (y, row) in image.outer_iter().enumerate() {
        for (x, &v) in row.iter().enumerate() {
            sums[(y / factor, x / factor)] += v;
        }
    }
    sums / (factor * factor) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_lies_inside_and_spares_the_frame() {
        let mask = Array2::from_shape_fn((60, 80), |(y, x)| x < 50 && (10..50).contains(&y));
        let section = Section {
            field: mask.mapv(|m| if m { 1.0 } else { -1.0 }),
            mask,
            pieces: 1,
            frame_share: 0.1,
        };
        let ring = ring(&section, 4, 0).expect("a ring");
        for (pixel, expected) in [
            ((30, 49), 1.0),
            ((30, 46), 1.0),
            ((30, 45), 0.0),
            ((30, 50), 0.0),
            ((30, 0), 0.0),
            ((10, 5), 1.0),
        ] {
            assert_eq!(ring[pixel], expected, "{pixel:?}");
        }
    }

    #[test]
    fn evening_makes_gain_vanish() {
        let image = Array2::from_shape_fn((50, 70), |(y, x)| (10 + (x * 3 + y * 5) % 37) as f32);
        let a = evened(image.view(), Side::Post, 2).expect("has contrast");
        let b = evened((image * 3.0).view(), Side::Pre, 2).expect("has contrast");
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-3));
        assert!(a.mean().expect("not empty").abs() < 0.05);
    }

    #[test]
    fn reduction_keeps_what_is_in_the_last_blocks() {
        let reduced = reduce(&Array2::ones((5, 7)), 3);
        assert_eq!(reduced.dim(), (2, 3));
        assert_eq!(reduced[(0, 0)], 1.0);
        assert!((reduced[(1, 2)] - 2.0 / 9.0).abs() < 1e-6);
    }
}
