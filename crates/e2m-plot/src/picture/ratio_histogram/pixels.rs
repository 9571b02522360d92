//! The upper chart: the ratios of single pixels.

use super::{RatioHistogramPicture, draw_lines};
use crate::draw::axis::{Axis, Scale};
use crate::draw::frame::PanelFrame;
use crate::draw::page::Style;
use crate::draw::steps::{Steps, occupied};
use crate::draw::surface::{Pen, Rect, Surface};
use crate::picture::histograms::{MAX_BINS, PRE, count_axis};
use crate::picture::scale_line::ScaleLine;
use std::ops::Range;

/// The share of pixels that may lie beyond the axis at either end.
const BEYOND_SHARE: f64 = 2e-3;
/// The axis reaches at least so far to either side of a scale, log10.
const LEAST_REACH: f64 = 0.05;

pub(super) struct Pixels {
    steps: Steps,
    /// The height of the highest step.
    most: f64,
    /// Width of a step, log10.
    step_width: f64,
}

impl Pixels {
    pub(super) fn of(picture: &RatioHistogramPicture<'_>) -> Self {
        let usable =
            picture.low.is_finite() && picture.high.is_finite() && picture.low < picture.high;
        let counts = if usable { picture.counts } else { &[] };
        let bin = (picture.high - picture.low) / counts.len().max(1) as f64;
        let (range, width) = shown(picture, counts, bin);
        let value = |place: f64| picture.low + (place + 0.5) * bin;
        let steps = Steps::of(counts, range, width, value);
        Self {
            most: steps.highest(),
            steps,
            step_width: bin * width as f64,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.most == 0.0
    }

    pub(super) fn frame(&self, rect: Rect) -> PanelFrame {
        let (low, high, label) = match self.steps.span() {
            Some((low, high)) => {
                let share = 100.0 * (10f64.powf(self.step_width) - 1.0);
                (low, high, format!("pixels per {share:.2} %"))
            }
            None => (-0.5, 0.5, "pixels".into()),
        };
        let x = Axis::new(low, high, Scale::Ratio, "post / aligned pre");
        PanelFrame::new(rect, x, count_axis(self.most, false, &label), (8, 4))
    }

    pub(super) fn draw(
        &self,
        surface: &mut Surface,
        frame: &PanelFrame,
        style: &Style,
        scales: &[ScaleLine],
    ) {
        let outline = Pen::solid(PRE, style.hair);
        self.steps
            .draw(surface, frame, Some((PRE, 0.4)), Some(outline));
        draw_lines(surface, frame, style, scales);
    }
}

/// The bins to show, and how many go into a step. Every scale, and ratio 1, stay in sight.
fn shown(picture: &RatioHistogramPicture<'_>, counts: &[u64], bin: f64) -> (Range<usize>, usize) {
    let Some(mut range) = occupied(counts, BEYOND_SHARE) else {
        return (0..counts.len(), 1);
    };
    let scales = picture.scales.iter().filter(|line| line.usable());
    for mark in scales.map(|line| line.value.log10()).chain([0.0]) {
        let place = |x: f64| ((x - picture.low) / bin).clamp(0.0, counts.len() as f64) as usize;
        range.start = range.start.min(place(mark - LEAST_REACH));
        range.end = range.end.max(place(mark + LEAST_REACH));
    }
    let width = range.len().div_ceil(MAX_BINS).max(1);
    (range, width)
}
