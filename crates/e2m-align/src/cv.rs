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
