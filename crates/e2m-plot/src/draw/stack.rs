//! A page with charts above each other, equally wide: header, captions, axes, legend.

use super::frame::{Margins, PanelFrame};
use super::legend::Legend;
use super::page::{Header, Style};
use super::surface::{Rect, Surface};
use super::text::Fonts;
use crate::PlotError;

/// A chart to be: what it shows, its height in px, and its axes for a panel at a given place.
pub(crate) struct Chart<'a> {
    pub caption: String,
    pub height: f64,
    pub axes: Box<dyn Fn(Rect) -> PanelFrame + 'a>,
}

/// Where everything lies on the page.
pub(crate) struct Stack {
    style: Style,
    header: Header,
    legend: Legend,
    captions: Vec<String>,
    pub frames: Vec<PanelFrame>,
    page_height: f64,
}

impl Stack {
    /// Lays the page out, the first chart on top.
    pub(crate) fn new(
        style: Style,
        fonts: &Fonts,
        (header, legend): (Header, Legend),
        charts: &[Chart<'_>],
    ) -> Self {
        let margins: Vec<Margins> = charts
            .iter()
            .map(|chart| {
                let draft = (chart.axes)(Rect::new(0.0, 0.0, style.width, chart.height));
                Margins::around(&style, fonts, &draft)
            })
            .collect();
        let widest = |side: fn(&Margins) -> f64| margins.iter().map(side).fold(0.0, f64::max);
        let left = widest(|m| m.left);
        let width = (style.width - left - widest(|m| m.right) - style.gap).floor();
        let mut top = header.height(&style);
        let mut frames = Vec::new();
        for (chart, margins) in charts.iter().zip(&margins) {
            top += caption_height(&style);
            let rect = Rect::new(left, top, width, chart.height);
            frames.push((chart.axes)(rect).uncrowded(&style, fonts));
            top = (rect.bottom() + margins.bottom + style.gap).ceil();
        }
        let page_height = (top + legend.height(&style, fonts)).ceil();
        Self {
            style,
            header,
            legend,
            captions: charts.iter().map(|chart| chart.caption.clone()).collect(),
            frames,
            page_height,
        }
    }

    /// An empty page with header, captions and grids.
    pub(crate) fn begin(&self, fonts: Fonts) -> Result<Surface, PlotError> {
        let style = &self.style;
        let mut surface = Surface::new(style.width, self.page_height, fonts)?;
        self.header.draw(&mut surface, style);
        for (frame, caption) in self.frames.iter().zip(&self.captions) {
            let text = style.label_text().bold();
            let (caption, text) = surface.fonts.fitted(caption, text, frame.rect.width);
            let base = frame.rect.top - style.label * 0.5;
            surface.text(&caption, frame.rect.left, base, text);
            frame.draw_grid(&mut surface, style);
        }
        Ok(surface)
    }

    /// Frames and legend, over whatever is in the panels.
    pub(crate) fn furnish(&self, surface: &mut Surface) {
        for frame in &self.frames {
            frame.draw(surface, &self.style);
        }
        let top = self.page_height - self.legend.height(&self.style, &surface.fonts);
        self.legend.draw(surface, &self.style, top);
    }
}

fn caption_height(style: &Style) -> f64 {
    (style.label * 1.7).ceil()
}
