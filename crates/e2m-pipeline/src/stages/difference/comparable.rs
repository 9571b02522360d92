//! What of a pair of bands is compared: without the pixels that are not what they seem.

use crate::error::PipelineError;
use crate::pixel_faults::{AlignedFaults, PixelFault, PixelFaults};
use crate::resume::Results;
use crate::workbench::Workbench;
use e2m_image::{Size, Warp};
use ndarray::{Array2, ArrayView2, s};
use std::sync::Arc;

/// Copies of bands of post and of aligned pre in which saturated pixels and bad lines are not numbers, and hot pixels are what
/// their neighbours show.
pub(super) struct Comparable {
    faults: Arc<PixelFaults>,
    /// None of an image of the Python program, whose warp is not known.
    aligned: Option<AlignedFaults>,
    pad: usize,
    bands: [Array2<f32>; 2],
}

impl Comparable {
    /// That of a pair under the warp that was found; `None` where nothing is wrong with any pixel.
    pub(super) fn new(
        bench: &mut Workbench<'_>,
        before: &Results,
    ) -> Result<Option<Self>, PipelineError> {
        let Some(faults) = bench.faults()?.filter(|faults| !faults.is_empty()) else {
            return Ok(None);
        };
        let pad = bench.task.canvas.pad();
        let warp = before.warps.finest();
        let aligned = match warp.filter(|_| before.legacy_aligned.is_none()) {
            Some(warp) => {
                let to_raw = warp.then(&Warp::translation(-(pad as f64), -(pad as f64)));
                let plane = bench.plane()?;
                Some(AlignedFaults::new(Arc::clone(&faults), plane, to_raw))
            }
            None => None,
        };
        Ok(Some(Self {
            faults,
            aligned,
            pad,
            bands: [Array2::zeros((0, 0)), Array2::zeros((0, 0))],
        }))
    }

    /// Rows of the frame of post, from raw row `first_row` on, as they are compared.
    pub(super) fn of_rows(
        &mut self,
        first_row: usize,
        post: ArrayView2<'_, f32>,
        aligned: ArrayView2<'_, f32>,
    ) -> (ArrayView2<'_, f32>, ArrayView2<'_, f32>) {
        let (rows, columns) = post.dim();
        for (own, from) in self.bands.iter_mut().zip([post, aligned]) {
            if own.nrows() < rows || own.ncols() != columns {
                *own = Array2::zeros((rows, columns));
            }
            own.slice_mut(s![..rows, ..]).assign(&from);
        }
        let [own_post, own_aligned] = &mut self.bands;
        self.faults
            .visit_post(first_row, post, |row, column, fault| {
                change(&mut own_post[(row, column)], fault);
            });
        if let Some(faults) = &self.aligned {
            let first = (self.pad, self.pad + first_row);
            faults.visit(first, Size::new(columns, rows), |row, column, fault| {
                change(&mut own_aligned[(row, column)], fault);
            });
        }
        let [own_post, own_aligned] = &self.bands;
        (
            own_post.slice(s![..rows, ..]),
            own_aligned.slice(s![..rows, ..]),
        )
    }
}

/// Once not a number, a pixel remains so.
fn change(pixel: &mut f32, fault: PixelFault) {
    match fault {
        PixelFault::Hot(change) => *pixel += change,
        PixelFault::Saturated | PixelFault::BadLine => *pixel = f32::NAN,
    }
}
