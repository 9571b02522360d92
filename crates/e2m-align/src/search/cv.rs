//! Between ndarray and OpenCV's matrices. Both directions copy; the images are previews and tiles.

use ndarray::{Array2, ArrayView2};
use opencv::core::{DataType, Mat, MatTraitConst, MatTraitConstManual, Size};
use opencv::imgproc;
use std::sync::Once;

/// Makes OpenCV compute on the calling thread only: e2m divides its work into tiles itself, so that the number of
/// threads is the caller's rayon pool and results do not depend on it.
pub(crate) fn single_threaded() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = opencv::core::set_num_threads(1) {
            tracing::warn!(%error, "OpenCV keeps its own threads");
        }
    });
}

/// A matrix with the image's pixels.
pub(crate) fn to_mat<T: DataType + Copy>(image: ArrayView2<'_, T>) -> opencv::Result<Mat> {
    let contiguous = image.as_standard_layout();
    let slice = contiguous.as_slice().unwrap_or_default();
    let (rows, cols) = image.dim();
    Mat::new_rows_cols_with_data(rows as i32, cols as i32, slice)?.try_clone()
}

/// The image in a float matrix of one channel.
pub(crate) fn from_mat_f32(mat: &Mat) -> opencv::Result<Array2<f32>> {
    let (rows, cols) = (mat.rows().max(0) as usize, mat.cols().max(0) as usize);
    let pixels = mat.data_typed::<f32>()?.to_vec();
    Array2::from_shape_vec((rows, cols), pixels).map_err(|e| {
        opencv::Error::new(
            opencv::core::StsUnmatchedSizes,
            format!("unexpected matrix shape: {e}"),
        )
    })
}

/// A Gaussian blur of `sigma` px with mirrored borders.
pub(crate) fn gaussian_blur(image: ArrayView2<'_, f32>, sigma: f64) -> opencv::Result<Array2<f32>> {
    single_threaded();
    let source = to_mat(image)?;
    let mut blurred = Mat::default();
    imgproc::gaussian_blur_def(&source, &mut blurred, Size::default(), sigma)?;
    from_mat_f32(&blurred)
}

/// Sigma of a wide blur on the reduced image, px: no detail of a Gaussian is lost there.
const REDUCED_SIGMA_PX: f64 = 4.0;

/// A Gaussian blur of many px, computed on a reduced image and enlarged again: a wide kernel costs as much as it is wide,
/// and what is left is smooth.
pub(crate) fn wide_blur(image: ArrayView2<'_, f32>, sigma: f64) -> opencv::Result<Array2<f32>> {
    single_threaded();
    let (rows, columns) = image.dim();
    let factor = ((sigma / REDUCED_SIGMA_PX) as usize).max(1);
    let small = Size::new(
        columns.div_ceil(factor) as i32,
        rows.div_ceil(factor) as i32,
    );
    let (mut reduced, mut blurred, mut enlarged) = (Mat::default(), Mat::default(), Mat::default());
    imgproc::resize(
        &to_mat(image)?,
        &mut reduced,
        small,
        0.0,
        0.0,
        imgproc::INTER_AREA,
    )?;
    imgproc::gaussian_blur_def(
        &reduced,
        &mut blurred,
        Size::default(),
        sigma / factor as f64,
    )?;
    let large = Size::new(columns as i32, rows as i32);
    imgproc::resize(
        &blurred,
        &mut enlarged,
        large,
        0.0,
        0.0,
        imgproc::INTER_LINEAR,
    )?;
    from_mat_f32(&enlarged)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Near the border the reduced image is mirrored at its own pixels.
    #[test]
    fn a_wide_blur_is_the_blur_inside() {
        let image = Array2::from_shape_fn((203, 251), |(y, x)| {
            ((x * 7 + y * 13) % 29) as f32 + 0.2 * x as f32 + 20.0 * (y as f32 * 0.05).sin()
        });
        let exact = gaussian_blur(image.view(), 20.0).expect("blurs");
        let wide = wide_blur(image.view(), 20.0).expect("blurs");
        let inside = ndarray::s![50..153, 50..201];
        let worst = exact
            .slice(inside)
            .iter()
            .zip(wide.slice(inside))
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 0.5, "{worst}");
    }
}
