//! A pair of axes with ticks, labels and a frame.

use super::axis::{Axis, Tick};
use super::clip::clip_polyline;
use super::colour::{FAINT, INK};
use super::page::Style;
use super::surface::{Pen, Rect, Surface};
use super::text::{Align, Fonts};

/// A panel: a rectangle on the page and what its sides mean.
#[derive(Debug, Clone)]
pub(crate) struct PanelFrame {
    pub rect: Rect,
    pub x: Axis,
    pub y: Axis,
    pub x_ticks: Vec<Tick>,
    pub y_ticks: Vec<Tick>,
    x_wanted: usize,
}

/// The space around a panel that ticks and labels take, px.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Margins {
    pub left: f64,
    pub bottom: f64,
    /// What the last label of the x axis may need beyond the panel.
    pub right: f64,
}

impl Margins {
    /// Room for the ticks of both axes, and for their labels where they have any.
    pub(crate) fn around(style: &Style, fonts: &Fonts, frame: &PanelFrame) -> Self {
        let text = style.tick_text();
        let widest = |ticks: &[Tick]| fonts.widest(ticks.iter().map(|t| t.label.as_str()), text);
        let room = |axis: &Axis, size: f64| if axis.label.is_empty() { 0.0 } else { size };
        let beside = style.gap * 1.4 + tick_length(style) + widest(&frame.y_ticks);
        let below = tick_length(style) + style.tick * 1.25;
        Self {
            left: (beside + room(&frame.y, style.gap * 0.6 + style.label * 1.15)).ceil(),
            bottom: (below + room(&frame.x, style.label * 1.35)).ceil(),
            right: (widest(&frame.x_ticks) / 2.0 + style.gap * 0.5).ceil(),
        }
    }
}

fn tick_length(style: &Style) -> f64 {
    style.gap * 0.7
}

impl PanelFrame {
    /// Axes with about so many ticks.
    pub(crate) fn new(rect: Rect, x: Axis, y: Axis, ticks: (usize, usize)) -> Self {
        let (x_ticks, y_ticks) = (x.ticks(ticks.0), y.ticks(ticks.1));
        Self {
            rect,
            x,
            y,
            x_ticks,
            y_ticks,
            x_wanted: ticks.0,
        }
    }

    /// The same with as few ticks on the x axis as it takes to keep their labels apart.
    pub(crate) fn uncrowded(mut self, style: &Style, fonts: &Fonts) -> Self {
        while self.x_wanted > 1 && self.labels_crowd(style, fonts) {
            self.x_wanted -= 1;
            self.x_ticks = self.x.ticks(self.x_wanted);
        }
        self
    }

    fn labels_crowd(&self, style: &Style, fonts: &Fonts) -> bool {
        let mut spans: Vec<(f64, f64)> = self
            .x_ticks
            .iter()
            .filter(|tick| !tick.label.is_empty())
            .map(|tick| {
                let middle = self.x.share(tick.value) * self.rect.width;
                let half = fonts.width(&tick.label, style.tick_text()) / 2.0;
                (middle - half, middle + half)
            })
            .collect();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        spans
            .windows(2)
            .any(|pair| pair[0].1 + style.tick * 0.8 > pair[1].0)
    }

    /// Where the point `(x, y)` of the axes lies on the page.
    pub(crate) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (
            self.rect.left + self.x.share(x) * self.rect.width,
            self.rect.bottom() - self.y.share(y) * self.rect.height,
        )
    }

    /// Faint lines at the ticks.
    pub(crate) fn draw_grid(&self, surface: &mut Surface, style: &Style) {
        let Rect {
            left,
            top,
            width,
            height,
        } = self.rect;
        for tick in self.x_ticks.iter().filter(|t| !t.label.is_empty()) {
            let x = left + self.x.share(tick.value) * width;
            surface.fill_rect(Rect::new(x, top, style.hair, height), FAINT, 1.0);
        }
        for tick in self.y_ticks.iter().filter(|t| !t.label.is_empty()) {
            let y = self.rect.bottom() - self.y.share(tick.value) * height;
            surface.fill_rect(Rect::new(left, y, width, style.hair), FAINT, 1.0);
        }
    }

    /// The frame, its ticks and both labels.
    pub(crate) fn draw(&self, surface: &mut Surface, style: &Style) {
        let rect = self.rect;
        let outer = Rect::new(
            rect.left - style.hair,
            rect.top - style.hair,
            rect.width + 2.0 * style.hair,
            rect.height + 2.0 * style.hair,
        );
        surface.outline_rect(outer, INK, style.hair);
        self.draw_x_ticks(surface, style);
        self.draw_y_ticks(surface, style);
        let (middle_x, middle_y) = rect.centre();
        let label = style.label_text().align(Align::Middle);
        let y = rect.bottom() + tick_length(style) + style.tick * 1.25 + style.label * 0.95;
        surface.text(&self.x.label, middle_x, y, label);
        let widest = surface.fonts.widest(
            self.y_ticks.iter().map(|t| t.label.as_str()),
            style.tick_text(),
        );
        let x = rect.left - tick_length(style) - style.gap * 1.4 - widest;
        let (text, fitted) = surface
            .fonts
            .fitted(&self.y.label, label, rect.height * 1.15);
        surface.text(&text, x, middle_y, fitted.upwards());
    }

    fn draw_x_ticks(&self, surface: &mut Surface, style: &Style) {
        let text = style.tick_text().align(Align::Middle);
        for tick in &self.x_ticks {
            let x = self.rect.left + self.x.share(tick.value) * self.rect.width;
            let length = mark_length(style, tick);
            let mark = Rect::new(
                x - style.hair / 2.0,
                self.rect.bottom(),
                style.hair,
                length + style.hair,
            );
            surface.fill_rect(mark, INK, 1.0);
            let y = self.rect.bottom() + tick_length(style) + style.tick;
            surface.text(&tick.label, x, y, text);
        }
    }

    fn draw_y_ticks(&self, surface: &mut Surface, style: &Style) {
        let text = style.tick_text().align(Align::End);
        for tick in &self.y_ticks {
            let y = self.rect.bottom() - self.y.share(tick.value) * self.rect.height;
            let length = mark_length(style, tick);
            let left = self.rect.left - length - style.hair;
            let mark = Rect::new(left, y - style.hair / 2.0, length + style.hair, style.hair);
            surface.fill_rect(mark, INK, 1.0);
            let x = self.rect.left - tick_length(style) - style.gap * 0.4;
            surface.text(&tick.label, x, y + style.tick * 0.36, text);
        }
    }

    /// A line through points given in the units of the axes, cut at the frame.
    pub(crate) fn polyline(&self, surface: &mut Surface, points: &[(f64, f64)], pen: Pen) {
        let placed: Vec<(f64, f64)> = points.iter().map(|&(x, y)| self.place(x, y)).collect();
        for piece in clip_polyline(&placed, self.rect) {
            surface.polyline(&piece, pen);
        }
    }
}

fn mark_length(style: &Style, tick: &Tick) -> f64 {
    if tick.label.is_empty() {
        tick_length(style) * 0.55
    } else {
        tick_length(style)
    }
}
