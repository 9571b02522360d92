//! The pair as the search reads it: from the raw files through the warp, as stage 4 does.

use crate::messages::Messages;
use crate::stage::Stage;
use crate::stages::difference::Mask;
use e2m_detect::PairSource;
use e2m_image::{BandError, BandSource, Size};
use e2m_resources::return_memory;
use ndarray::ArrayViewMut2;

/// What is done on each pass over the pair.
const PASSES: [&str; 4] = [
    "measuring the noise",
    "measuring the significance of noise",
    "looking for microbes",
    "cutting out microbes",
];

/// Post, aligned pre and mask on the canvas. It says how far the search is, and stops it where that is asked for.
pub(super) struct CanvasPair<'s, 'm> {
    pub(super) post: Box<dyn BandSource + 's>,
    pub(super) aligned: Box<dyn BandSource + 's>,
    pub(super) mask: Mask,
    pub(super) messages: &'s mut Messages<'m>,
    pub(super) size: Size,
    pub(super) progress: Progress,
}

/// How far a search is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    pass: usize,
    row: usize,
}

impl Progress {
    /// The pass on which rows from `first_row` on are read: each begins anew at the top, or higher up at least.
    fn pass_of(&mut self, first_row: usize) -> &'static str {
        if first_row < self.row {
            self.pass = (self.pass + 1).min(PASSES.len() - 1);
        }
        self.row = first_row;
        PASSES[self.pass]
    }
}

impl PairSource for CanvasPair<'_, '_> {
    fn size(&self) -> Size {
        self.size
    }

    fn read_pair(
        &mut self,
        first_row: usize,
        mut post: ArrayViewMut2<'_, f32>,
        mut aligned: ArrayViewMut2<'_, f32>,
        mask: ArrayViewMut2<'_, u8>,
    ) -> Result<(), BandError> {
        // Tiles leave holes of many sizes in the heaps of all threads. Those would grow from strip to strip.
        return_memory();
        let what = self.progress.pass_of(first_row);
        let (read, rows) = (first_row + post.nrows(), self.size.height);
        let go_on = self.messages.progress(Stage::Detection, what, read, rows);
        if go_on.is_break() {
            return Err(BandError::Interrupted);
        }
        self.post.read_band(first_row, post.view_mut())?;
        self.aligned.read_band(first_row, aligned.view_mut())?;
        self.mask
            .fill(first_row, (post.view(), aligned.view()), mask);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_begins_where_rows_begin_anew() {
        let mut progress = Progress::default();
        let rows = [0, 256, 512, 112, 368, 0, 256, 64];
        let passes = rows.map(|row| progress.pass_of(row));
        assert_eq!(
            passes,
            [0, 0, 0, 1, 1, 2, 2, 3].map(|pass: usize| PASSES[pass])
        );
    }
}
