//! What speaks against pixels that both images have.

use super::comparable::PairFaults;
use crate::error::PipelineError;
use crate::flags::{DEFECT, POST_SATURATED, PRE_SATURATED};
use crate::pixel_faults::PixelFault;
use crate::resume::Results;
use crate::workbench::Workbench;
use e2m_image::{Canvas, Size};
use ndarray::{ArrayView2, ArrayViewMut2, s};
use std::cell::RefCell;

/// Knows of pixels that are not what they seem, such as those of a saturated camera.
pub(super) struct FlagSource {
    faults: PairFaults,
    canvas: Canvas,
    post: Size,
}

impl FlagSource {
    /// That of a pair; `None` where nothing is wrong with any pixel.
    pub(super) fn new(
        bench: &mut Workbench<'_>,
        before: &Results,
    ) -> Result<Option<Self>, PipelineError> {
        let faults = PairFaults::new(bench, before)?;
        Ok(faults.map(|faults| Self {
            faults,
            canvas: bench.task.canvas,
            post: bench.post.size(),
        }))
    }

    /// Sets its bits in a band of the mask: the rows of the canvas from `first_row` on, of which post is given. It may be asked
    /// for any band, in any order.
    pub(super) fn add(
        &self,
        first_row: usize,
        post: ArrayView2<'_, f32>,
        flags: &mut ArrayViewMut2<'_, u8>,
    ) {
        let pad = self.canvas.pad();
        let top = first_row.max(pad);
        let end = (first_row + post.nrows()).min(pad + self.post.height);
        if top >= end {
            return;
        }
        let frame = s![top - first_row..end - first_row, pad..pad + self.post.width];
        let flags = RefCell::new(flags.slice_mut(frame));
        let set = |row: usize, column: usize, flag: u8| flags.borrow_mut()[(row, column)] |= flag;
        self.faults.visit(
            top - pad,
            post.slice(frame),
            |row, column, fault| set(row, column, flag_of(fault, POST_SATURATED)),
            |row, column, fault| set(row, column, flag_of(fault, PRE_SATURATED)),
        );
    }
}

/// The bit of a fault, in an image whose saturated pixels have the bit `saturated`.
fn flag_of(fault: PixelFault, saturated: u8) -> u8 {
    match fault {
        PixelFault::Saturated => saturated,
        PixelFault::Hot(_) | PixelFault::BadLine => DEFECT,
    }
}
