//! What of a pair of bands is compared: without the pixels that are not what they seem.

use crate::error::PipelineError;
use crate::pixel_faults::{AlignedFaults, PixelFault, PixelFaults};
use crate::resume::Results;
use crate::workbench::Workbench;
use e2m_image::Size;
use ndarray::{Array2, ArrayView2, s};
use std::sync::Arc;

/// The faulty pixels of a pair under the warp that was found.
pub(super) struct PairFaults {
    faults: Arc<PixelFaults>,
    /// None of an image of the Python program, whose warp is not known.
    aligned: Option<AlignedFaults>,
    pad: usize,
}

impl PairFaults {
    /// Those of the raw images; `None` where nothing is wrong with any pixel.
    pub(super) fn new(
        bench: &mut Workbench<'_>,
        before: &Results,
    ) -> Result<Option<Self>, PipelineError> {
        let Some(faults) = bench.faults()?.filter(|faults| !faults.is_empty()) else {
            return Ok(None);
        };
        let pad = bench.task.canvas.pad();
        let mapping = before.warps.mapping();
        let aligned = match mapping.filter(|_| before.legacy_aligned.is_none()) {
            Some(mapping) => {
                let to_raw = mapping.then_shift(-(pad as f64), -(pad as f64));
                let plane = bench.plane()?;
                Some(AlignedFaults::new(Arc::clone(&faults), plane, to_raw))
            }
            None => None,
        };
        Ok(Some(Self {
            faults,
            aligned,
            pad,
        }))
    }

    /// Calls `in_post` and `in_pre` with row, column and fault of each faulty pixel in the rows of the frame of post from raw
    /// row `first_row` on, which hold the pixels `post`. A pixel may come more than once.
    pub(super) fn visit(
        &self,
        first_row: usize,
        post: ArrayView2<'_, f32>,
        in_post: impl FnMut(usize, usize, PixelFault),
        in_pre: impl FnMut(usize, usize, PixelFault),
    ) {
        let (rows, columns) = post.dim();
        self.faults.visit_post(first_row, post, in_post);
        if let Some(aligned) = &self.aligned {
            let first = (self.pad, self.pad + first_row);
            aligned.visit(first, Size::new(columns, rows), in_pre);
        }
    }
}

/// Copies of bands of post and of aligned pre in which saturated pixels and bad lines are not numbers, and hot pixels are what
/// their neighbours show.
pub(super) struct Comparable {
    faults: PairFaults,
    bands: [Array2<f32>; 2],
}

impl Comparable {
    /// That of a pair; `None` where nothing is wrong with any pixel.
    pub(super) fn new(
        bench: &mut Workbench<'_>,
        before: &Results,
    ) -> Result<Option<Self>, PipelineError> {
        let faults = PairFaults::new(bench, before)?;
        Ok(faults.map(|faults| Self {
            faults,
            bands: [Array2::zeros((0, 0)), Array2::zeros((0, 0))],
        }))
    }

    /// Rows of the frame of post, from raw row `first_row` on, as they are compared.
    pub(super) fn of_rows<'a>(
        &'a mut self,
        first_row: usize,
        post: ArrayView2<'a, f32>,
        aligned: ArrayView2<'a, f32>,
    ) -> (ArrayView2<'a, f32>, ArrayView2<'a, f32>) {
        let (rows, columns) = post.dim();
        let mut faults = [Vec::new(), Vec::new()];
        let [in_post, in_pre] = &mut faults;
        self.faults.visit(
            first_row,
            post,
            |row, column, fault| in_post.push((row, column, fault)),
            |row, column, fault| in_pre.push((row, column, fault)),
        );
        let mut views = [post, aligned];
        for ((view, own), faults) in views.iter_mut().zip(&mut self.bands).zip(faults) {
            if faults.is_empty() {
                continue;
            }
            if own.nrows() < rows || own.ncols() != columns {
                *own = Array2::zeros((rows, columns));
            }
            let mut changed = own.slice_mut(s![..rows, ..]);
            changed.assign(view);
            for (row, column, fault) in faults {
                change(&mut changed[(row, column)], fault);
            }
            *view = own.slice(s![..rows, ..]);
        }
        let [post, aligned] = views;
        (post, aligned)
    }
}

/// Once not a number, a pixel remains so.
fn change(pixel: &mut f32, fault: PixelFault) {
    match fault {
        PixelFault::Hot(change) => *pixel += change,
        PixelFault::Saturated | PixelFault::BadLine => *pixel = f32::NAN,
    }
}
