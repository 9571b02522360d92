//! Small previews, made while an image flows by.

use crate::band::check_band;
use crate::{BandError, BandSink, Size};
use ndarray::{Array2, ArrayView2};

/// The smallest whole number that brings the longer side of `size` to `target_px` or less; at least 1.
pub fn preview_factor(size: Size, target_px: usize) -> usize {
    size.width
        .max(size.height)
        .div_ceil(target_px.max(1))
        .max(1)
}

/// Keeps the mean of each block of `factor` x `factor` pixels of what is written to it.
///
/// Pixel `(x, y)` of the preview is the mean over `factor * x .. factor * (x + 1)`, so that coordinates follow
/// `x_small = (x + 0.5) / factor - 0.5` exactly; what is left over at the right and bottom edge is dropped.
/// Rows never written count as zero.
#[derive(Debug, Clone)]
pub struct BlockMean {
    size: Size,
    factor: usize,
    means: Array2<f32>,
    /// The sums of the columns of the row of blocks that is being written.
    column_sums: Vec<f64>,
    rows_seen: usize,
}

impl BlockMean {
    /// An empty preview of an image of `size`, reduced by `factor`.
    pub fn new(size: Size, factor: usize) -> Self {
        let factor = factor.max(1).min(size.width.max(1)).min(size.height.max(1));
        let means = Array2::zeros((size.height / factor, size.width / factor));
        Self {
            size,
            factor,
            column_sums: vec![0.0; means.ncols() * factor],
            means,
            rows_seen: 0,
        }
    }

    /// Pixels per block side.
    pub fn factor(&self) -> usize {
        self.factor
    }

    /// The preview, shape `(height / factor, width / factor)`.
    pub fn into_image(mut self) -> Array2<f32> {
        let block = self.rows_seen / self.factor;
        if !self.rows_seen.is_multiple_of(self.factor) && block < self.means.nrows() {
            self.finish_blocks(block);
        }
        self.means
    }

    /// Takes the means of the blocks in row `block` of the preview, and makes room for the next ones.
    fn finish_blocks(&mut self, block: usize) {
        let area = (self.factor * self.factor) as f64;
        let blocks = self.column_sums.chunks_exact(self.factor);
        for (mean, sums) in self.means.row_mut(block).iter_mut().zip(blocks) {
            *mean = (sums.iter().sum::<f64>() / area) as f32;
        }
        self.column_sums.fill(0.0);
    }
}

impl BandSink for BlockMean {
    fn size(&self) -> Size {
        self.size
    }

    fn write_band(&mut self, band: ArrayView2<'_, f32>) -> Result<(), BandError> {
        check_band(self.size, self.rows_seen, band.dim())?;
        for row in band.rows() {
            let block = self.rows_seen / self.factor;
            self.rows_seen += 1;
            if block >= self.means.nrows() {
                continue; // left over
            }
            // Down the columns, where no sum waits for the one beside it.
            let sums = self.column_sums.iter_mut();
            match row.as_slice() {
                Some(row) => sums.zip(row).for_each(|(sum, &v)| *sum += f64::from(v)),
                None => sums.zip(row).for_each(|(sum, &v)| *sum += f64::from(v)),
            }
            if self.rows_seen.is_multiple_of(self.factor) {
                self.finish_blocks(block);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plane, PlaneSource, Warp, stream_bands};
    use std::ops::ControlFlow;

    #[test]
    fn a_linear_field_stays_linear_at_the_small_coordinates() {
        let plane = Plane::from(Array2::from_shape_fn((41, 62), |(y, x)| {
            (2 * x + 7 * y) as f32
        }));
        for band_rows in [1, 5, 100] {
            let mut preview = BlockMean::new(plane.size(), 4);
            stream_bands(
                &mut PlaneSource::new(&plane),
                &mut [&mut preview],
                band_rows,
                |_| ControlFlow::Continue(()),
            )
            .expect("streams");
            let image = preview.into_image();
            assert_eq!(image.dim(), (10, 15));
            let to_full = Warp::enlargement(0.25);
            for ((y, x), &value) in image.indexed_iter() {
                let (u, v) = to_full.apply(x as f64, y as f64);
                assert!((f64::from(value) - 2.0 * u - 7.0 * v).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn what_is_left_over_is_dropped_and_what_is_missing_is_zero() {
        let mut preview = BlockMean::new(Size::new(5, 7), 2);
        let rows = Array2::from_shape_fn((7, 10), |(y, x)| (10 * y + x) as f32);
        let every_other = rows.slice(ndarray::s![.., ..;2]);
        preview
            .write_band(every_other.slice(ndarray::s![..3, ..]))
            .expect("a band");
        let unfinished = preview.clone().into_image();
        assert_eq!(
            unfinished,
            ndarray::array![[6.0, 10.0], [10.5, 12.5], [0.0, 0.0]]
        );
        preview
            .write_band(every_other.slice(ndarray::s![3.., ..]))
            .expect("a band");
        assert_eq!(
            preview.into_image(),
            ndarray::array![[6.0, 10.0], [26.0, 30.0], [46.0, 50.0]]
        );
    }

    #[test]
    fn tiny_images_keep_at_least_one_pixel() {
        let preview = BlockMean::new(Size::new(1, 1), 8);
        assert_eq!(preview.factor(), 1);
        assert_eq!(preview.into_image().dim(), (1, 1));
    }

    #[test]
    fn the_factor_brings_the_longer_side_within_the_target() {
        assert_eq!(preview_factor(Size::new(30_000, 25_000), 2000), 15);
        assert_eq!(preview_factor(Size::new(30_001, 25_000), 2000), 16);
        assert_eq!(preview_factor(Size::new(512, 384), 2000), 1);
        assert_eq!(preview_factor(Size::new(0, 0), 2000), 1);
    }
}
