//! What speaks against pixels that both images have.

use crate::error::PipelineError;
use crate::resume::Results;
use crate::workbench::Workbench;
use ndarray::{ArrayView2, ArrayViewMut2};

/// Knows of pixels that are not what they seem, such as those of a saturated camera.
pub(super) trait FlagSource: Sync {
    /// Sets its bits in a band of the mask: the rows of the canvas from `first_row` on, of which post and aligned pre are
    /// given. It may be asked for any band, in any order.
    fn add(
        &self,
        first_row: usize,
        pair: (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
        flags: ArrayViewMut2<'_, u8>,
    );
}

/// All that know something of a pair.
pub(super) fn flag_sources(
    _bench: &mut Workbench<'_>,
    _before: &Results,
) -> Result<Vec<Box<dyn FlagSource>>, PipelineError> {
    Ok(Vec::new())
}
