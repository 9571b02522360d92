//! The pair as e2m-detect reads it: from the raw files through the warp, and what alignment and scale have found about it.

use super::{Mask, open_aligned};
use crate::alignment_record::AlignmentRecord;
use crate::error::PipelineError;
use crate::messages::Messages;
use crate::names::ScaleKind;
use crate::resume::Results;
use crate::scale_record::{MoffatRecord, Scales};
use crate::stage::Stage;
use crate::workbench::Workbench;
use e2m_detect::{PairFacts, PairSource};
use e2m_image::{BandError, BandSource, Padded, Plane, Size};
use e2m_resources::return_memory;
use ndarray::ArrayViewMut2;
use std::sync::Arc;

/// Post, aligned pre and mask on the canvas. It says how far a stage is, and stops it where that is asked for.
pub(crate) struct CanvasPair<'s, 'm> {
    post: Box<dyn BandSource + 's>,
    aligned: Box<dyn BandSource + 's>,
    mask: Mask,
    messages: &'s mut Messages<'m>,
    size: Size,
    progress: Progress,
}

impl<'s, 'm> CanvasPair<'s, 'm> {
    /// Opens the pair for a stage, with what is done on each pass over it. `plane` holds raw pre from then on.
    pub(crate) fn open(
        bench: &'s mut Workbench<'m>,
        before: &Results,
        progress: Progress,
        plane: &'s mut Option<Arc<Plane>>,
    ) -> Result<Self, PipelineError> {
        let canvas = bench.task.canvas;
        let mask = Mask::new(bench, before)?;
        let aligned = open_aligned(bench, before, progress.stage, plane)?;
        Ok(Self {
            post: Box::new(Padded::new(bench.post.bands()?, canvas)?),
            aligned,
            mask,
            messages: &mut bench.messages,
            size: canvas.size(),
            progress,
        })
    }
}

/// What alignment and scale have found about the pair; none without a scale.
pub(crate) fn facts_of(scales: &Scales, alignment: Option<&AlignmentRecord>) -> Option<PairFacts> {
    let subtraction = scales.of(ScaleKind::Moffat)?;
    let std_error = |moffat: &MoffatRecord| moffat.std_error;
    let residual = alignment.and_then(|a| a.estimated_accuracy_px.or(a.residual_median_px));
    Some(PairFacts {
        scale: subtraction.scale,
        scale_std_error: scales.moffat.as_ref().map_or(0.0, std_error),
        post_black: subtraction.post_black,
        pre_black: subtraction.pre_black,
        alignment_residual_px: residual.filter(|r| r.is_finite()).unwrap_or(0.0),
    })
}

/// How far a stage is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    stage: Stage,
    /// What is done on each pass over the pair; the last goes on for all that follow.
    passes: &'static [&'static str],
    pass: usize,
    row: usize,
}

impl Progress {
    /// At the beginning.
    pub(crate) const fn new(stage: Stage, passes: &'static [&'static str]) -> Self {
        Self {
            stage,
            passes,
            pass: 0,
            row: 0,
        }
    }

    /// The pass on which rows from `first_row` on are read: each begins anew at the top, or higher up at least.
    fn pass_of(&mut self, first_row: usize) -> &'static str {
        if first_row < self.row {
            self.pass = (self.pass + 1).min(self.passes.len().saturating_sub(1));
        }
        self.row = first_row;
        self.passes.get(self.pass).copied().unwrap_or_default()
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
        let go_on = self
            .messages
            .progress(self.progress.stage, what, read, rows);
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
        let mut progress = Progress::new(Stage::Detection, &["a", "b", "c"]);
        let rows = [0, 256, 512, 112, 368, 0, 256, 64, 0];
        let passes = rows.map(|row| progress.pass_of(row));
        assert_eq!(passes, ["a", "a", "a", "b", "b", "c", "c", "c", "c"]);
    }
}
