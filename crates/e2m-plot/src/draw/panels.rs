//! A page with several images side by side.

use super::axis::{Axis, Scale};
use super::bar::ColourBar;
use super::colour::ColourMap;
use super::frame::{Margins, PanelFrame};
use super::image::{
    CANVAS_AXES, LogStretch, Reduce, draw_brightness, draw_mapped, draw_overlay, image_frame,
    panel_size,
};
use super::legend::Legend;
use super::page::{Header, Style, write_reason};
use super::scale_bar::draw_frame_scale_bar;
use super::surface::{Pen, Rect, Surface};
use super::text::{Align, Fonts, TextStyle};
use crate::{PlotError, Preview};

/// How the pixels of a panel become colours.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Paint<'a> {
    /// Logarithmic brightness.
    Brightness(ColourMap),
    /// Logarithmic brightness of the panel's preview and of another one of equal size, each in a colour.
    Overlay(Preview<'a>),
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
    pub paint: Paint<'a>,
    /// Whether a colour bar stands beside it.
    pub with_bar: bool,
    pub contours: Vec<Drawn<'a>>,
    /// Of a pixel of the image, where it is known: then there is a scale bar.
    pub um_per_px: Option<[f64; 2]>,
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
    let panels: Vec<Stretched<'_, '_>> = panels.iter().map(Stretched::new).collect();
    let grid = Grid::new(&style, &fonts, &panels, columns.max(1), max_height);
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

/// A panel and, for brightness, its stretch: found once, used for the bar and the image.
struct Stretched<'a, 'p> {
    panel: &'a Panel<'p>,
    stretch: Option<LogStretch>,
}

impl<'a, 'p> Stretched<'a, 'p> {
    fn new(panel: &'a Panel<'p>) -> Self {
        let stretch = match panel.paint {
            Paint::Brightness(_) => LogStretch::of(panel.preview.pixels),
            Paint::Overlay(_) | Paint::Difference(_) => None,
        };
        Self { panel, stretch }
    }

    fn bar(&self) -> Option<ColourBar> {
        if !self.panel.with_bar {
            return None;
        }
        let (axis, map) = match self.panel.paint {
            Paint::Brightness(map) => {
                let stretch = self.stretch?;
                (Axis::new(stretch.low, stretch.high, Scale::Log, ""), map)
            }
            Paint::Overlay(_) => return None,
            Paint::Difference(limit) => (
                Axis::new(-limit, limit, Scale::Linear, ""),
                ColourMap::Diverging,
            ),
        };
        Some(ColourBar { axis, map })
    }

    /// The y axis is named once in a row.
    fn frame(&self, rect: Rect, leftmost: bool) -> PanelFrame {
        let (x, y) = CANVAS_AXES;
        let labels = (x, if leftmost { y } else { "" });
        image_frame(&self.panel.preview, self.panel.origin, rect, labels)
    }
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
        panels: &[Stretched<'_, '_>],
        columns: usize,
        max_height: f64,
    ) -> Self {
        // Room for the name of the y axis, once.
        let name = (style.gap * 0.6 + style.label * 1.15).ceil();
        let column_width = ((style.width - style.gap - name) / columns as f64).floor();
        let (mut left, mut right, mut bottom) = (0.0f64, 0.0f64, 0.0f64);
        for panel in panels {
            let draft = panel.frame(Rect::new(0.0, 0.0, column_width, max_height), true);
            let margins = Margins::around(style, fonts, &draft);
            let bar = panel.bar().map(|bar| bar.width(style, fonts, max_height));
            left = left.max(margins.left - name);
            right = right.max(bar.unwrap_or(0.0)).max(margins.right);
            bottom = bottom.max(margins.bottom);
        }
        let room = ((column_width - left - right).floor(), max_height);
        let size = panels
            .first()
            .map_or(room, |panel| panel_size(&panel.panel.preview, room));
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

fn draw_panel(
    surface: &mut Surface,
    style: &Style,
    stretched: &Stretched<'_, '_>,
    rect: Rect,
    leftmost: bool,
) {
    let panel = stretched.panel;
    let frame = stretched
        .frame(rect, leftmost)
        .uncrowded(style, &surface.fonts);
    surface.fill_rect(rect, [238; 3], 1.0);
    match panel.paint {
        Paint::Brightness(map) => {
            if let Some(stretch) = stretched.stretch {
                draw_brightness(surface, &frame, &panel.preview, stretch, map);
            }
        }
        Paint::Overlay(other) => {
            draw_overlay(surface, &frame, [&panel.preview, &other]);
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
    draw_frame_scale_bar(surface, style, &frame, panel.um_per_px);
    frame.draw(surface, style);
    if empty {
        write_reason(surface, style, rect, "no data");
    }
    if let Some(bar) = stretched.bar() {
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
