//! A page with several images side by side.

use super::axis::{Axis, Scale};
use super::bar::ColourBar;
use super::colour::ColourMap;
use super::frame::{Frame, Margins};
use super::image::{LogStretch, Reduce, draw_brightness, draw_mapped, image_frame_at, panel_size};
use super::legend::Legend;
use super::page::{Header, Style, write_reason};
use super::surface::{Pen, Rect, Surface};
use super::text::{Align, Fonts, TextStyle};
use crate::{PlotError, Preview};

/// How the pixels of a panel become colours.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Paint {
    /// Logarithmic brightness.
    Brightness(ColourMap),
    /// Black at zero, full colour at ± this many counts.
    Difference(f64),
}

/// Contours and how they are drawn.
pub(crate) type Drawn<'a> = (&'a [Vec<(f64, f64)>], Pen);

/// An image with lines on it.
pub(crate) struct Panel<'a> {
    /// What it shows, with the unit of its colour bar.
    pub caption: String,
    pub preview: Preview<'a>,
    /// Full-resolution place of the preview's first pixel.
    pub origin: (f64, f64),
    pub paint: Paint,
    /// Whether a colour bar stands beside it.
    pub with_bar: bool,
    pub contours: Vec<Drawn<'a>>,
}

/// Draws panels of equal proportions in rows of `columns`.
pub(crate) fn draw_panels(
    style: Style,
    header: &Header,
    legend: &Legend,
    panels: &[Panel<'_>],
    columns: usize,
    max_height: f64,
) -> Result<Vec<u8>, PlotError> {
    let fonts = Fonts::new()?;
    let grid = Grid::new(&style, &fonts, panels, columns.max(1), max_height);
    let top = header.height(&style);
    let rows = panels.len().div_ceil(grid.columns);
    let bottom = top + grid.row_height * rows as f64;
    let page_height = (bottom + legend.height(&style, &fonts)).ceil();
    let mut surface = Surface::new(style.width, page_height, fonts)?;
    header.draw(&mut surface, &style);
    for (i, panel) in panels.iter().enumerate() {
        let (row, column) = (i / grid.columns, i % grid.columns);
        let x = grid.left + column as f64 * grid.column_width;
        let y = top + row as f64 * grid.row_height + grid.caption;
        let rect = Rect::new(x.round(), y.round(), grid.size.0, grid.size.1);
        draw_panel(&mut surface, &style, panel, rect, column == 0);
    }
    legend.draw(&mut surface, &style, bottom);
    surface.into_png()
}

/// What all panels have in common, so that they are of equal size and in line.
struct Grid {
    columns: usize,
    /// From the page's edge to the first panel.
    left: f64,
    column_width: f64,
    row_height: f64,
    /// Height of a caption.
    caption: f64,
    size: (f64, f64),
}

impl Grid {
    fn new(
        style: &Style,
        fonts: &Fonts,
        panels: &[Panel<'_>],
        columns: usize,
        max_height: f64,
    ) -> Self {
        // Room for the name of the y axis, once.
        let name = (style.gap * 0.6 + style.label * 1.15).ceil();
        let column_width = ((style.width - style.gap - name) / columns as f64).floor();
        let (mut left, mut right, mut bottom) = (0.0f64, 0.0f64, 0.0f64);
        for panel in panels {
            let draft = frame_of(panel, Rect::new(0.0, 0.0, column_width, max_height), true);
            let margins = Margins::around(style, fonts, &draft);
            let bar = bar_of(panel).map(|bar| bar.width(style, fonts, max_height));
            left = left.max(margins.left - name);
            right = right.max(bar.unwrap_or(0.0)).max(margins.right);
            bottom = bottom.max(margins.bottom);
        }
        let room = ((column_width - left - right).floor(), max_height);
        let size = panels
            .first()
            .map_or(room, |panel| panel_size(&panel.preview, room));
        let caption = (style.label * 1.6).ceil();
        Self {
            columns,
            left: name + left + ((room.0 - size.0) / 2.0).floor(),
            column_width,
            row_height: caption + size.1 + bottom + style.gap,
            caption,
            size,
        }
    }
}

fn bar_of(panel: &Panel<'_>) -> Option<ColourBar> {
    if !panel.with_bar {
        return None;
    }
    let (axis, map) = match panel.paint {
        Paint::Brightness(map) => {
            let stretch = LogStretch::of(panel.preview.pixels)?;
            (Axis::new(stretch.low, stretch.high, Scale::Log, ""), map)
        }
        Paint::Difference(limit) => (
            Axis::new(-limit, limit, Scale::Linear, ""),
            ColourMap::Diverging,
        ),
    };
    Some(ColourBar { axis, map })
}

/// The y axis is named once in a row.
fn frame_of(panel: &Panel<'_>, rect: Rect, leftmost: bool) -> Frame {
    let labels = ("x (px)", if leftmost { "y (px)" } else { "" });
    image_frame_at(&panel.preview, panel.origin, rect, labels)
}

fn draw_panel(surface: &mut Surface, style: &Style, panel: &Panel<'_>, rect: Rect, leftmost: bool) {
    let frame = frame_of(panel, rect, leftmost).uncrowded(style, &surface.fonts);
    surface.fill_rect(rect, [238; 3], 1.0);
    match panel.paint {
        Paint::Brightness(map) => {
            if let Some(stretch) = LogStretch::of(panel.preview.pixels) {
                draw_brightness(surface, &frame, &panel.preview, stretch, map);
            }
        }
        Paint::Difference(limit) => {
            let colour = |v: f64| ColourMap::Diverging.at(0.5 + 0.5 * v / limit);
            draw_mapped(surface, &frame, &panel.preview, Reduce::Mean, 1, colour);
        }
    }
    let empty = panel.preview.pixels.iter().all(|v| v.is_nan() || *v == 0.0);
    for (contours, pen) in &panel.contours {
        for contour in *contours {
            frame.polyline(surface, contour, *pen);
        }
    }
    frame.draw(surface, style);
    if empty {
        write_reason(surface, style, rect, "no data");
    }
    if let Some(bar) = bar_of(panel) {
        bar.draw(surface, style, rect);
    }
    let caption = TextStyle {
        bold: true,
        ..style.label_text()
    };
    let (text, caption) = surface
        .fonts
        .fitted(&panel.caption, caption, rect.width * 1.15);
    let y = rect.top - style.label * 0.5;
    surface.text(&text, rect.centre().0, y, caption.align(Align::Middle));
}
