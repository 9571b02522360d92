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
    let columns = columns.max(1);
    let cell_width = ((style.width - style.gap) / columns as f64).floor();
    let layouts: Vec<PanelLayout> = panels
        .iter()
        .map(|panel| PanelLayout::new(&style, &fonts, panel, (cell_width, max_height)))
        .collect();
    let row_heights: Vec<f64> = layouts
        .chunks(columns)
        .map(|row| row.iter().map(|l| l.height).fold(0.0, f64::max))
        .collect();
    let top = header.height(&style);
    let bottom = top + row_heights.iter().sum::<f64>();
    let page_height = (bottom + legend.height(&style, &fonts)).ceil();
    let mut surface = Surface::new(style.width, page_height, fonts)?;
    header.draw(&mut surface, &style);
    for (i, (panel, layout)) in panels.iter().zip(&layouts).enumerate() {
        let (row, column) = (i / columns, i % columns);
        let y = top + row_heights[..row].iter().sum::<f64>();
        draw_panel(
            &mut surface,
            &style,
            panel,
            layout,
            (column as f64 * cell_width, y),
        );
    }
    legend.draw(&mut surface, &style, bottom);
    surface.into_png()
}

/// What a panel takes of its cell.
struct PanelLayout {
    /// From the cell's corner to the panel.
    offset: (f64, f64),
    size: (f64, f64),
    /// Height of the cell with captions and labels.
    height: f64,
    stretch: Option<LogStretch>,
    bar: Option<ColourBar>,
}

impl PanelLayout {
    fn new(style: &Style, fonts: &Fonts, panel: &Panel<'_>, (width, height): (f64, f64)) -> Self {
        let stretch = match panel.paint {
            Paint::Brightness(_) => LogStretch::of(panel.preview.pixels),
            Paint::Difference(_) => None,
        };
        let bar = bar_of(panel, stretch);
        let draft = frame_of(panel, Rect::new(0.0, 0.0, width, height));
        let margins = Margins::around(style, fonts, &draft.y_ticks, &draft.x_ticks);
        let bar_width = match &bar {
            Some(bar) => bar.width(style, fonts, height),
            None if panel.with_bar => style.gap * 3.0,
            None => margins.right,
        };
        let room = (width - margins.left - bar_width).floor();
        let (w, h) = panel_size(&panel.preview, (room, height));
        let caption = (style.label * 1.6).ceil();
        Self {
            offset: (margins.left + ((room - w) / 2.0).floor(), caption),
            size: (w, h),
            height: caption + h + margins.bottom + style.gap,
            stretch,
            bar,
        }
    }
}

fn bar_of(panel: &Panel<'_>, stretch: Option<LogStretch>) -> Option<ColourBar> {
    let axis = match (panel.paint, stretch) {
        _ if !panel.with_bar => return None,
        (Paint::Brightness(_), None) => return None,
        (Paint::Brightness(_), Some(s)) => {
            Axis::new(s.low, s.high, Scale::Log, "brightness (counts)")
        }
        (Paint::Difference(limit), _) => {
            Axis::new(-limit, limit, Scale::Linear, "post − pre (counts)")
        }
    };
    let map = match panel.paint {
        Paint::Brightness(map) => map,
        Paint::Difference(_) => ColourMap::Diverging,
    };
    Some(ColourBar { axis, map })
}

fn frame_of(panel: &Panel<'_>, rect: Rect) -> Frame {
    image_frame_at(&panel.preview, panel.origin, rect, ("x (px)", "y (px)"))
}

fn draw_panel(
    surface: &mut Surface,
    style: &Style,
    panel: &Panel<'_>,
    layout: &PanelLayout,
    cell: (f64, f64),
) {
    let (width, height) = layout.size;
    let rect = Rect::new(
        (cell.0 + layout.offset.0).round(),
        (cell.1 + layout.offset.1).round(),
        width,
        height,
    );
    let frame = frame_of(panel, rect);
    surface.fill_rect(rect, [238; 3], 1.0);
    match (panel.paint, layout.stretch) {
        (Paint::Brightness(map), Some(stretch)) => {
            draw_brightness(surface, &frame, &panel.preview, stretch, map);
        }
        (Paint::Difference(limit), _) => {
            let colour = |v: f64| ColourMap::Diverging.at(0.5 + 0.5 * v / limit);
            draw_mapped(surface, &frame, &panel.preview, Reduce::Mean, 1, colour);
        }
        (Paint::Brightness(_), None) => {}
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
    if let Some(bar) = &layout.bar {
        bar.draw(surface, style, rect);
    }
    let caption = TextStyle {
        bold: true,
        ..style.label_text()
    };
    let (text, caption) = surface.fonts.fitted(&panel.caption, caption, width * 1.15);
    let y = rect.top - style.label * 0.5;
    surface.text(&text, rect.centre().0, y, caption.align(Align::Middle));
}
