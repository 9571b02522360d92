//! A page with one panel: header, axes, perhaps a colour bar, legend.

use super::bar::ColourBar;
use super::frame::{Margins, PanelFrame};
use super::image::panel_size;
use super::legend::Legend;
use super::page::{Header, Style};
use super::scale_bar::draw_frame_scale_bar;
use super::surface::{Rect, Surface};
use super::text::Fonts;
use crate::{PlotError, Preview, Title};

/// A square is made smaller by at most this for cells of equal size.
const LEAST_EVEN_SHARE: f64 = 0.85;

/// How large the panel is made.
pub(crate) enum Shape<'a> {
    /// As wide as the page allows, and so high, px.
    High(f64),
    /// A square of at most this side, its side a multiple of the cells it shows where that is possible.
    Square { side: f64, cells: usize },
    /// The proportions of an image, at most so high, px.
    Image(Preview<'a>, f64),
}

impl Shape<'_> {
    fn most(&self) -> f64 {
        match self {
            Self::High(height) | Self::Image(_, height) => *height,
            Self::Square { side, .. } => *side,
        }
    }

    fn size(&self, room: f64) -> (f64, f64) {
        match self {
            Self::High(height) => (room, *height),
            Self::Square { side, cells } => {
                let side = side.min(room);
                let cells = (*cells).max(1) as f64;
                let even = (side / cells).floor() * cells;
                // Cells of equal size are worth some room, but not half of the page.
                let side = if even > LEAST_EVEN_SHARE * side {
                    even
                } else {
                    side.floor()
                };
                (side, side)
            }
            Self::Image(preview, height) => panel_size(preview, (room, *height)),
        }
    }
}

/// Where everything lies on the page.
pub(crate) struct Sheet {
    pub style: Style,
    pub header: Header,
    pub frame: PanelFrame,
    pub bar: Option<ColourBar>,
    pub legend: Legend,
    page_height: f64,
}

impl Sheet {
    /// Lays the page out. `axes` makes the frame for a panel at a given place.
    pub(crate) fn new(
        style: Style,
        fonts: &Fonts,
        (header, legend): (Header, Legend),
        bar: Option<ColourBar>,
        shape: &Shape<'_>,
        axes: impl Fn(Rect) -> PanelFrame,
    ) -> Self {
        let room = Self::room(&style, fonts, bar.as_ref(), shape, &axes);
        let (width, height) = shape.size(room.width);
        let left = room.left + ((room.width - width) / 2.0).floor();
        let rect = Rect::new(left, header.height(&style), width, height);
        let bottom = rect.bottom() + room.bottom();
        let page_height = (bottom + legend.height(&style, fonts)).ceil();
        Self {
            style,
            header,
            frame: axes(rect).uncrowded(&style, fonts),
            bar,
            legend,
            page_height,
        }
    }

    /// What is left for the panel: left edge and width; the height is that of the labels below. The labels decide the
    /// margins, and the panel's size the labels; those of the largest panel decide.
    fn room(
        style: &Style,
        fonts: &Fonts,
        bar: Option<&ColourBar>,
        shape: &Shape<'_>,
        axes: impl Fn(Rect) -> PanelFrame,
    ) -> Rect {
        let draft = axes(Rect::new(0.0, 0.0, style.width, shape.most()));
        let margins = Margins::around(style, fonts, &draft);
        let right = bar.map_or(margins.right + style.gap, |bar| {
            bar.width(style, fonts, shape.most())
        });
        let width = (style.width - margins.left - right).floor();
        Rect::new(margins.left, 0.0, width, margins.bottom)
    }

    /// An empty page with the header.
    pub(crate) fn begin(&self, fonts: Fonts) -> Result<Surface, PlotError> {
        let mut surface = Surface::new(self.style.width, self.page_height, fonts)?;
        self.header.draw(&mut surface, &self.style);
        Ok(surface)
    }

    /// A scale bar in the panel, whose axes are px of an image, where the title knows the size of one.
    pub(crate) fn scale_bar(&self, surface: &mut Surface, title: &Title) {
        draw_frame_scale_bar(surface, &self.style, &self.frame, title.um_per_px);
    }

    /// Frame, colour bar and legend, over whatever is in the panel.
    pub(crate) fn furnish(&self, surface: &mut Surface) {
        self.frame.draw(surface, &self.style);
        if let Some(bar) = &self.bar {
            bar.draw(surface, &self.style, self.frame.rect);
        }
        let top = self.page_height - self.legend.height(&self.style, &surface.fonts);
        self.legend.draw(surface, &self.style, top);
    }
}
