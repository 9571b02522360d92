//! The page: its width, its type sizes, and the lines above the panels.

use super::colour::{INK, WHITE};
use super::surface::{Rect, Surface};
use super::text::{Align, TextStyle};
use crate::Title;

/// Sizes that follow from the width of the page alone, so that every picture reads alike when it is scaled to the same
/// width: a tick label is still 8 px high on a thumbnail of 400 px.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Width of the page, px.
    pub width: f64,
    /// Type size of tick labels and legends, px.
    pub tick: f64,
    /// Type size of axis labels and the second line, px.
    pub label: f64,
    /// Type size of the first line, px.
    pub title: f64,
    /// Width of a thin line, px.
    pub hair: f64,
    /// Space between things, px.
    pub gap: f64,
}

impl Style {
    pub(crate) fn for_width(width: f64) -> Self {
        Self {
            width,
            tick: width * 0.0205,
            label: width * 0.0215,
            title: width * 0.0275,
            hair: (width / 800.0).round().max(1.0),
            gap: width * 0.012,
        }
    }

    /// Smaller type, for pages with several panels.
    pub(crate) fn smaller(self) -> Self {
        Self {
            tick: self.tick * 0.85,
            label: self.label * 0.85,
            gap: self.gap * 0.9,
            ..self
        }
    }

    pub(crate) fn tick_text(&self) -> TextStyle {
        TextStyle::new(self.tick).colour(INK)
    }

    pub(crate) fn label_text(&self) -> TextStyle {
        TextStyle::new(self.label).colour(INK)
    }
}

/// What stands above the panels: sample, dye and what is shown in bold, then lines of facts.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    first: String,
    lines: Vec<String>,
}

impl Header {
    pub(crate) fn new(title: &Title, shows: &str) -> Self {
        let named: Vec<&str> = [title.sample.as_str(), title.dye.as_str()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let first = if named.is_empty() {
            shows.to_owned()
        } else {
            format!("{} — {shows}", named.join("  "))
        };
        Self {
            first,
            lines: Vec::new(),
        }
    }

    pub(crate) fn line(mut self, text: impl Into<String>) -> Self {
        self.lines.push(text.into());
        self
    }

    /// Height of the lines with the space below them, px.
    pub(crate) fn height(&self, style: &Style) -> f64 {
        let lines = self.lines.len() as f64;
        (style.gap * 1.6 + style.title * 1.25 + lines * style.label * 1.35 + style.gap).ceil()
    }

    pub(crate) fn draw(&self, surface: &mut Surface, style: &Style) {
        let room = style.width - 3.0 * style.gap;
        let centre = style.width / 2.0;
        let mut y = style.gap * 1.6 + style.title * 0.9;
        let write = |surface: &mut Surface, text: &str, y: f64, size: TextStyle| {
            let (text, size) = surface.fonts.fitted(text, size, room);
            surface.text(&text, centre, y, size.align(Align::Middle));
        };
        write(
            surface,
            &self.first,
            y,
            TextStyle::new(style.title).bold().colour(INK),
        );
        for line in &self.lines {
            y += style.label * 1.35;
            write(surface, line, y + style.title * 0.1, style.label_text());
        }
    }
}

/// Writes "no data", or another short reason, into the middle of a panel.
pub(crate) fn write_reason(surface: &mut Surface, style: &Style, panel: Rect, reason: &str) {
    let text = TextStyle::new(style.title).bold().colour([90, 90, 90]);
    let (reason, text) = surface
        .fonts
        .fitted(reason, text, style.width - 4.0 * style.gap);
    let (x, y) = panel.centre();
    let width = surface.fonts.width(&reason, text) + 2.0 * style.gap;
    let height = 2.0 * text.size;
    let plate = Rect::new(x - width / 2.0, y - height / 2.0, width, height);
    surface.fill_rect(plate, WHITE, 1.0);
    surface.text(&reason, x, y + text.size * 0.36, text.align(Align::Middle));
}
