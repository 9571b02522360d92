//! The lower chart: the peak of the ratios of blocks, close up.

use super::{FIT, MIRRORED, MoffatProfile, RatioPeak, draw_lines};
use crate::draw::axis::{Axis, Scale};
use crate::draw::colour::WHITE;
use crate::draw::frame::PanelFrame;
use crate::draw::legend::triangle;
use crate::draw::page::Style;
use crate::draw::steps::Steps;
use crate::draw::surface::{Pen, Rect, Surface};
use crate::picture::histograms::{PRE, count_axis};
use crate::picture::scale_line::ScaleLine;

/// The colour of the Moffat scale.
pub(super) const SCALE: [u8; 3] = [0x00, 0xcc, 0x88];
pub(super) const BAND_OPACITY: f64 = 0.3;
/// The share of pixels that may lie beyond the chart at either end.
const BEYOND_SHARE: f64 = 0.01;
/// Bins on either side of the peak that are always shown, and at most: the histogram has about 20 across the peak at half height.
const SIDE_BINS: [usize; 2] = [60, 200];
/// Steps on either side of the peak.
const MAX_SIDE_STEPS: usize = 80;
/// Mirrored bins that hold less than this share of the peak are not marked: they lie on the axis.
const LEAST_MARKED: f64 = 2e-3;

pub(super) struct Peak<'a> {
    peak: &'a RatioPeak<'a>,
    steps: Steps,
    fit: Option<MoffatProfile>,
    /// The height of the highest of them.
    most: f64,
    step_width: f64,
}

impl<'a> Peak<'a> {
    /// `None` where there is nothing to show.
    pub(super) fn of(peak: &'a RatioPeak<'a>) -> Option<Self> {
        let total: f64 = peak.counts.iter().sum();
        let usable = peak.mu.is_finite() && peak.bin_width > 0.0 && peak.bin_width.is_finite();
        if !(usable && total > 0.0 && total.is_finite()) {
            return None;
        }
        let middle = peak.counts.len() / 2;
        let side = shown(peak.counts, total).min(middle);
        // An odd number of bins to the step keeps a step centred on the peak.
        let width = side.div_ceil(MAX_SIDE_STEPS).max(1) | 1;
        let half = (side / width).max(1);
        let first = middle as isize - (half * width + width / 2) as isize;
        let count = |step: usize| -> f64 {
            (0..width)
                .filter_map(|i| usize::try_from(first + (step * width + i) as isize).ok())
                .filter_map(|bin| peak.counts.get(bin))
                .sum()
        };
        let step_width = width as f64 * peak.bin_width;
        let counts: Vec<f64> = (0..=2 * half).map(count).collect();
        let edges = (0..counts.len() + 1)
            .map(|i| peak.mu + (i as f64 - half as f64 - 0.5) * step_width)
            .collect();
        let steps = Steps { edges, counts };
        let fit = peak
            .fit
            .filter(MoffatProfile::usable)
            .map(|fit| MoffatProfile {
                amp: width as f64 * fit.amp,
                ..fit
            });
        Some(Self {
            peak,
            most: steps.highest().max(fit.map_or(0.0, |fit| fit.amp)),
            steps,
            fit,
            step_width,
        })
    }

    pub(super) fn has_fit(&self) -> bool {
        self.fit.is_some()
    }

    pub(super) fn caption(&self) -> String {
        let what = match self.peak.block_side_px {
            0 | 1 => "single pixels".to_owned(),
            side => format!("blocks of {side} × {side} px"),
        };
        format!("the peak close up: {what}, uneven light taken out")
    }

    pub(super) fn frame(&self, rect: Rect) -> PanelFrame {
        let (low, high) = self.steps.span().unwrap_or((-0.5, 0.5));
        let share = 100.0 * (10f64.powf(self.step_width) - 1.0);
        let digits = (1.0 - share.log10().floor()).clamp(0.0, 6.0) as usize;
        let label = format!("pixels per {share:.digits$} %");
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
        let hair = style.hair;
        let outline = Pen::solid(PRE, hair);
        self.steps
            .draw(surface, frame, Some((PRE, 0.4)), Some(outline));
        self.draw_band(surface, frame);
        if let Some(fit) = self.fit {
            let (low, high) = (frame.x.low, frame.x.high);
            let curve: Vec<(f64, f64)> = (0..=600)
                .map(|i| low + (high - low) * f64::from(i) / 600.0)
                .map(|x| (x, fit.at(x)))
                .collect();
            frame.polyline(surface, &curve, Pen::solid(WHITE, hair * 3.0));
            frame.polyline(surface, &curve, Pen::solid(FIT, hair * 1.5));
        }
        draw_lines(surface, frame, style, scales);
        for (x, count) in self.mirrored() {
            triangle(surface, frame.place(x, count), hair * 2.6, MIRRORED);
        }
    }

    /// The scale with its standard error on either side.
    fn draw_band(&self, surface: &mut Surface, frame: &PanelFrame) {
        let RatioPeak {
            scale, std_error, ..
        } = *self.peak;
        let ends = [scale - std_error, scale + std_error].map(|ratio| {
            let (x, _) = frame.place(ratio.log10(), frame.y.low);
            x.clamp(frame.rect.left, frame.rect.right())
        });
        if ends.iter().all(|x| x.is_finite()) && ends[0] < ends[1] {
            let band = Rect::new(
                ends[0],
                frame.rect.top,
                ends[1] - ends[0],
                frame.rect.height,
            );
            surface.fill_rect(band, SCALE, BAND_OPACITY);
        }
    }

    /// The left wing mirrored at the peak: log ratio and pixels per step.
    fn mirrored(&self) -> Vec<(f64, f64)> {
        let middle = self.steps.counts.len() / 2;
        let left = self.steps.counts[..middle].iter().rev().enumerate();
        left.filter(|(_, count)| **count > LEAST_MARKED * self.most)
            .map(|(i, &count)| (self.peak.mu + (i + 1) as f64 * self.step_width, count))
            .collect()
    }
}

/// Bins to show on either side of the peak.
fn shown(counts: &[f64], total: f64) -> usize {
    let middle = counts.len() / 2;
    // Bins from an end inwards until more than the share has been seen.
    let beyond = |bins: &mut dyn Iterator<Item = &f64>| {
        let mut seen = 0.0;
        bins.take_while(|&&count| {
            seen += count;
            seen <= BEYOND_SHARE * total
        })
        .count()
    };
    let outer = beyond(&mut counts.iter()).min(beyond(&mut counts.iter().rev()));
    middle
        .saturating_sub(outer)
        .clamp(SIDE_BINS[0], SIDE_BINS[1])
}
