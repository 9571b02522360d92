//! A bar of a round length in a corner of a panel.

use super::colour::{BLACK, WHITE};
use super::frame::PanelFrame;
use super::number::{number, round_down_125};
use super::page::Style;
use super::surface::{Rect, Surface};
use super::text::TextStyle;

/// The bar is at most this share of the panel's width.
const SHARE: f64 = 0.3;
/// What lies behind bar and text is darkened by this much.
const PLATE_ALPHA: f64 = 0.6;

/// A length on the image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BarLength {
    /// On the page, px.
    pub(crate) page_px: f64,
    pub(crate) text: String,
}

/// The longest round length that is no longer than its share of the panel; a px of the image takes `page_per_px` on the page.
pub(crate) fn bar_length(width: f64, page_per_px: f64, um_per_px: Option<[f64; 2]>) -> BarLength {
    let room_px = SHARE * width / page_per_px;
    let (per_px, unit) = um_per_px.map_or((1.0, "px"), |[x, _]| (x, "µm"));
    // A part of a pixel is no length on an image without a unit.
    let long = round_down_125(room_px * per_px);
    let long = if um_per_px.is_none() {
        long.max(1.0)
    } else {
        long
    };
    let (shown, unit) = if unit == "µm" && long >= 1000.0 {
        (long / 1000.0, "mm")
    } else {
        (long, unit)
    };
    BarLength {
        page_px: long / per_px * page_per_px,
        text: format!("{} {unit}", number(shown, shown)),
    }
}

/// Draws it into the lower left corner of a panel, on which a px of the image takes `page_per_px`.
pub(crate) fn draw_scale_bar(
    surface: &mut Surface,
    style: &Style,
    panel: Rect,
    page_per_px: f64,
    um_per_px: Option<[f64; 2]>,
) {
    let BarLength { page_px, text } = bar_length(panel.width, page_per_px, um_per_px);
    let size = TextStyle::new(style.tick).bold().colour(WHITE);
    let (gap, thick) = (0.6 * style.gap, (0.3 * style.tick).round());
    let width = page_px.max(surface.fonts.width(&text, size)) + 2.0 * gap;
    let height = thick + 1.2 * style.tick + 2.0 * gap;
    if width > panel.width || height > 0.5 * panel.height {
        return;
    }
    let (left, bottom) = (panel.left + gap, panel.bottom() - gap);
    let plate = Rect::new(left, bottom - height, width, height);
    surface.fill_rect(plate, BLACK, PLATE_ALPHA);
    let bar = Rect::new(left + gap, bottom - gap - thick, page_px, thick);
    surface.fill_rect(bar, WHITE, 1.0);
    let baseline = bar.top - 0.35 * style.tick;
    surface.text(&text, left + gap, baseline, size);
}

/// Draws it into the panel of a frame whose axes are px of an image, where their size is known.
pub(crate) fn draw_frame_scale_bar(
    surface: &mut Surface,
    style: &Style,
    frame: &PanelFrame,
    um_per_px: Option<[f64; 2]>,
) {
    let page_per_px = frame.place(1.0, 0.0).0 - frame.place(0.0, 0.0).0;
    if um_per_px.is_some() && page_per_px > 0.0 {
        draw_scale_bar(surface, style, frame.rect, page_per_px, um_per_px);
    }
}
