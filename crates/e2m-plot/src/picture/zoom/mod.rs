//! A region of several images at full resolution: side by side, or one after another.

mod paint;

use crate::draw::colour::INK;
use crate::draw::encode::{PictureFormat, animated, encoded};
use crate::draw::frame::{Margins, PanelFrame};
use crate::draw::image::{CANVAS_AXES, Reduce, draw_mapped, image_frame};
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::scale_bar::draw_scale_bar;
use crate::draw::surface::{Rect, Surface};
use crate::draw::text::{Align, Fonts, TextStyle};
use crate::{PlotError, Preview, Title};
use ndarray::ArrayView2;

pub use paint::Painted;

/// Type is as large as on a page of this width, px.
const STYLE_PX: f64 = 900.0;
/// Small regions are magnified by a whole number, so that a panel has at most so many px per side.
const PANEL_PX: usize = 480;
/// Panels stand side by side as far as the page does not become wider, px.
const MAX_ROW_PX: f64 = 2400.0;
/// The page is at least so wide, px: lines above the panels have to be read.
const LEAST_PAGE_PX: f64 = 720.0;
/// Panels of a picture at most: no page has room for more.
const MAX_MAGNIFICATION: usize = 64;

/// What the pixels of a panel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoomShows {
    /// Counts: black to white.
    Brightness,
    /// Around zero: blue below, black at zero, red above.
    Signed,
    /// Bits, each with a meaning: black where none is set.
    Flags,
}

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZoomStretch {
    /// Linear between percentiles of what is shown.
    #[default]
    Percentile,
    /// Linear within the noise, logarithmic far beyond it, up to the largest pixel.
    Asinh,
}

/// One image.
#[derive(Debug, Clone, Copy)]
pub struct ZoomPanel<'a> {
    /// What it is.
    pub name: &'a str,
    /// The unit of its pixels.
    pub unit: &'a str,
    /// What its pixels are.
    pub shows: ZoomShows,
    /// The region; NaN is no pixel, and drawn white.
    pub pixels: ArrayView2<'a, f32>,
}

/// What [`draw_zoom`] and [`draw_blink`] draw. All panels have one shape.
#[derive(Debug, Clone, Copy)]
pub struct ZoomPicture<'a> {
    /// Sample and dye.
    pub title: &'a Title,
    /// Lines below the title.
    pub lines: &'a [String],
    /// The images.
    pub panels: &'a [ZoomPanel<'a>],
    /// Column and row of the region's first pixel on the canvas.
    pub origin: (usize, usize),
    /// Micrometres per pixel along x and y, where they are known.
    pub um_per_px: Option<[f64; 2]>,
    /// How values become colours.
    pub stretch: ZoomStretch,
    /// Px on the page per pixel; none leaves it to the size of the region.
    pub magnification: Option<usize>,
}

/// Draws a region of several images side by side, at the same place and pixel by pixel.
///
/// Each panel has its own range of colours, which stands above it, axes in canvas px, and a bar of a round length: in micrometres
/// where the size of a pixel is known. A pixel is a square of whole px on the page.
///
/// # Errors
/// [`PlotError::FramesDiffer`] where panels are not of one shape, [`PlotError::PageSize`] for more than a page holds, and another
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_zoom(picture: &ZoomPicture<'_>, format: PictureFormat) -> Result<Vec<u8>, PlotError> {
    encoded(page(picture, picture.panels)?, format)
}

/// Draws the same as an animated PNG that shows one panel after another, `per_second` of them in a second.
///
/// # Errors
/// As [`draw_zoom`].
pub fn draw_blink(picture: &ZoomPicture<'_>, per_second: f64) -> Result<Vec<u8>, PlotError> {
    let pages = picture.panels.chunks(1).map(|panel| page(picture, panel));
    animated(&pages.collect::<Result<Vec<_>, _>>()?, per_second)
}

/// Where things are on the page, px.
struct Layout {
    style: Style,
    columns: usize,
    /// Left of the panels of a column, within it.
    left: f64,
    /// Of a panel with what is around it.
    cell: (f64, f64),
    /// Of what stands above a panel.
    caption: f64,
    panel: (f64, f64),
    /// Left of the first column.
    margin: f64,
    magnification: usize,
}

impl Layout {
    fn new(picture: &ZoomPicture<'_>, panels: &[ZoomPanel<'_>], fonts: &Fonts) -> Self {
        let style = Style::for_width(STYLE_PX).smaller();
        let (rows, columns) = panels.first().map_or((0, 0), |panel| panel.pixels.dim());
        let fitting = PANEL_PX / rows.max(columns).max(1);
        let magnification = picture.magnification.unwrap_or(fitting);
        let magnification = magnification.clamp(1, MAX_MAGNIFICATION);
        let side = |pixels: usize| (pixels.max(1) * magnification) as f64;
        let panel = (side(columns), side(rows));
        let rect = Rect::new(0.0, 0.0, panel.0, panel.1);
        let margins = panels.first().map(|first| {
            let frame = frame(picture, first, rect).uncrowded(&style, fonts);
            Margins::around(&style, fonts, &frame)
        });
        let (left, right, bottom) =
            margins.map_or((0.0, 0.0, 0.0), |m| (m.left, m.right, m.bottom));
        let caption = (3.0 * style.label).ceil();
        let cell = (
            (left + panel.0 + right.max(style.gap)).ceil(),
            (caption + panel.1 + bottom + style.gap).ceil(),
        );
        let beside = ((MAX_ROW_PX - 2.0 * style.gap) / cell.0).floor();
        let columns = (beside.max(1.0) as usize).min(panels.len().max(1));
        let own = columns as f64 * cell.0;
        let width = (own + 2.0 * style.gap).max(LEAST_PAGE_PX).ceil();
        Self {
            style: Style { width, ..style },
            columns,
            left,
            cell,
            caption,
            panel,
            margin: ((width - own) / 2.0).floor(),
            magnification,
        }
    }

    /// The panel number `i` on the page, below the header.
    fn rect(&self, i: usize, top: f64) -> Rect {
        let (row, column) = ((i / self.columns) as f64, (i % self.columns) as f64);
        let x = self.margin + column * self.cell.0 + self.left;
        let y = top + row * self.cell.1 + self.caption;
        Rect::new(x.round(), y.round(), self.panel.0, self.panel.1)
    }
}

fn frame(picture: &ZoomPicture<'_>, panel: &ZoomPanel<'_>, rect: Rect) -> PanelFrame {
    let origin = (picture.origin.0 as f64, picture.origin.1 as f64);
    image_frame(&preview(panel), origin, rect, CANVAS_AXES)
}

fn preview<'p>(panel: &'p ZoomPanel<'_>) -> Preview<'p> {
    Preview {
        pixels: panel.pixels.reborrow(),
        factor: 1.0,
    }
}

/// The page with some of the panels.
fn page(picture: &ZoomPicture<'_>, panels: &[ZoomPanel<'_>]) -> Result<Surface, PlotError> {
    let shape = picture
        .panels
        .first()
        .map_or((0, 0), |panel| panel.pixels.dim());
    if let Some(other) = picture
        .panels
        .iter()
        .find(|panel| panel.pixels.dim() != shape)
    {
        return Err(PlotError::FramesDiffer {
            post: shape,
            aligned: other.pixels.dim(),
        });
    }
    let fonts = Fonts::new()?;
    let layout = Layout::new(picture, panels, &fonts);
    let mut header = Header::new(picture.title, "full resolution");
    for line in picture.lines {
        header = header.line(line);
    }
    let top = header.height(&layout.style);
    let rows = panels.len().div_ceil(layout.columns) as f64;
    let height = top + rows * layout.cell.1 + layout.style.gap;
    let mut surface = Surface::new(layout.style.width, height.ceil(), fonts)?;
    header.draw(&mut surface, &layout.style);
    for (i, panel) in panels.iter().enumerate() {
        draw_panel(&mut surface, &layout, picture, panel, layout.rect(i, top));
    }
    Ok(surface)
}

fn draw_panel(
    surface: &mut Surface,
    layout: &Layout,
    picture: &ZoomPicture<'_>,
    panel: &ZoomPanel<'_>,
    rect: Rect,
) {
    let style = &layout.style;
    let frame = frame(picture, panel, rect).uncrowded(style, &surface.fonts);
    let painted = Painted::of(panel, picture.stretch);
    let colour = |value: f64| painted.colour(value);
    draw_mapped(surface, &frame, &preview(panel), Reduce::Mean, 1, colour);
    frame.draw(surface, style);
    draw_scale_bar(
        surface,
        style,
        rect,
        layout.magnification as f64,
        picture.um_per_px,
    );
    if panel.pixels.iter().all(|v| v.is_nan()) {
        write_reason(surface, style, rect, "no data");
    }
    let name = TextStyle::new(style.label).bold().colour(INK);
    let lines = [
        (panel.name.to_owned(), name, 1.75),
        (painted.range(panel.unit), style.tick_text(), 0.5),
    ];
    for (line, text, above) in lines {
        let (line, text) = surface.fonts.fitted(&line, text, rect.width.max(200.0));
        let y = rect.top - above * style.label;
        surface.text(&line, rect.centre().0, y, text.align(Align::Middle));
    }
}

#[cfg(test)]
mod tests;
