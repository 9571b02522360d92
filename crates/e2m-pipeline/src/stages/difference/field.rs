//! The difference with a scale and an offset that vary slowly over the section: measured in one pass, taken off in another.

use super::canvas_pair::{CanvasPair, Progress, facts_of};
use crate::error::PipelineError;
use crate::resume::Results;
use crate::scale_record::{ScaleFieldRecord, Scales};
use crate::stage::Stage;
use crate::workbench::Workbench;
use e2m_detect::{DetectOptions, ScaleField};
use e2m_scale::{Subtraction, subtract_scaled};
use ndarray::{Array2, ArrayView2, ArrayViewMut2};

/// A field that leaves less background than one scale, and the scale it is a correction of.
pub(super) struct FieldDifference {
    field: ScaleField,
    subtraction: Subtraction,
    /// The background of a band, kept for the next one.
    background: Array2<f32>,
}

impl FieldDifference {
    /// Measures the field, where the parameters ask for one and there is a scale; what it comes to is put on record in `scales`.
    pub(super) fn measure(
        bench: &mut Workbench<'_>,
        before: &Results,
        scales: &mut Scales,
    ) -> Result<Option<Self>, PipelineError> {
        let kind = crate::names::ScaleKind::Moffat;
        let facts = facts_of(scales, before.alignment.as_ref());
        let (true, Some(facts), Some(subtraction)) =
            (bench.task.spec.params.scale_field, facts, scales.of(kind))
        else {
            return Ok(None);
        };
        let mut plane = None;
        let passes = Progress::new(Stage::Difference, &["measuring the scale field"]);
        let mut pair = CanvasPair::open(bench, before, passes, &mut plane)?;
        let rows = DetectOptions::default().strip_rows;
        let field = ScaleField::measure(&mut pair, &facts, rows)?;
        let record = ScaleFieldRecord::of(&field);
        scales.field = Some(record);
        Ok(record.is_subtracted.then(|| Self {
            field,
            subtraction,
            background: Array2::zeros((0, 0)),
        }))
    }

    /// Fills `difference` for some rows of the pair. All have the shape `(rows, canvas width)` and begin at `first_row`.
    pub(super) fn fill(
        &mut self,
        first_row: usize,
        (post, aligned): (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
        mut difference: ArrayViewMut2<'_, f32>,
    ) {
        let Subtraction {
            scale, pre_black, ..
        } = self.subtraction;
        if self.background.dim() != aligned.dim() {
            self.background = Array2::zeros(aligned.dim());
        }
        let background_of = |a: &f32| (scale * (f64::from(*a) - pre_black)) as f32;
        ndarray::Zip::from(&mut self.background)
            .and(aligned)
            .par_for_each(|b, a| *b = background_of(a));
        subtract_scaled(post, aligned, &self.subtraction, difference.view_mut());
        self.field
            .subtract(first_row, difference, self.background.view());
    }
}
