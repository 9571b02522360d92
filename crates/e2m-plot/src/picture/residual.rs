//! `registration_residual`: what shift remains, tile by tile, as arrows on post.

use crate::draw::axis::{Axis, Scale};
use crate::draw::bar::ColourBar;
use crate::draw::colour::{ColourMap, WHITE};
use crate::draw::frame::PanelFrame;
use crate::draw::image::{CANVAS_AXES, LogStretch, draw_brightness, image_frame};
use crate::draw::legend::{Entry, Legend, Sign, arrow, cross};
use crate::draw::number::{length_px, number, round_down_125};
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::sheet::{Shape, Sheet};
use crate::draw::surface::Surface;
use crate::draw::text::Fonts;
use crate::{PlotError, Preview, Title};

const PAGE_PX: f64 = 1400.0;
const MAX_PANEL_HEIGHT_PX: f64 = 1250.0;
/// The 90th percentile of the arrows is at most this share of the panel's longer side …
const TYPICAL_SHARE: f64 = 0.07;
/// … and the longest at most this.
const LONGEST_SHARE: f64 = 0.16;
/// The reference arrow is at most this share of the panel's longer side.
const REFERENCE_SHARE: f64 = 0.12;
/// The colour of arrows measured in no tile.
const UNMEASURED: [u8; 3] = [120, 220, 255];

/// The residual shift of one check tile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResidualArrow {
    /// Centre of the tile on the canvas, full-resolution px.
    pub x: f64,
    /// See `x`.
    pub y: f64,
    /// Residual displacement, full-resolution px.
    pub dx: f64,
    /// See `dx`.
    pub dy: f64,
    /// Whether the tile could be measured; where not, `dx` and `dy` are ignored and a cross is drawn.
    pub ok: bool,
}

impl ResidualArrow {
    /// Length of a measured displacement, px; `None` where nothing was measured.
    fn length(&self) -> Option<f64> {
        let length = self.dx.hypot(self.dy);
        (self.ok && length.is_finite()).then_some(length)
    }
}

/// What [`draw_registration_residual`] draws.
#[derive(Debug, Clone, Copy)]
pub struct ResidualPicture<'a, 'p> {
    /// Sample and dye.
    pub title: &'a Title,
    /// Post, as the ground the arrows stand on.
    pub post: Preview<'p>,
    /// Place of the preview's first px on the canvas, full-resolution px.
    pub origin: (f64, f64),
    /// One per check tile.
    pub arrows: &'a [ResidualArrow],
}

/// The page, and how many times longer an arrow is drawn than it is on the image.
struct Layout {
    sheet: Sheet,
    magnification: f64,
}

/// Draws the local residual displacement as a magnified quiver on post: a PNG of 1,400 px width.
///
/// The magnification (1, 2 or 5 times a power of ten) is chosen so that the longest arrows neither vanish nor reach far
/// into their neighbours, and is stated, as are the median and the worst length; a reference arrow is given below.
/// Tiles that could not be measured are crosses.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_registration_residual(picture: &ResidualPicture<'_, '_>) -> Result<Vec<u8>, PlotError> {
    let fonts = Fonts::new()?;
    let layout = layout(picture, &fonts);
    let Sheet { style, frame, .. } = &layout.sheet;
    let mut surface = layout.sheet.begin(fonts)?;
    surface.fill_rect(frame.rect, [238; 3], 1.0);
    if let Some(stretch) = LogStretch::of(picture.post.pixels) {
        let map = ColourMap::Backdrop;
        draw_brightness(&mut surface, frame, &picture.post, stretch, map);
    }
    layout.sheet.scale_bar(&mut surface, picture.title);
    layout.sheet.furnish(&mut surface);
    draw_arrows(&mut surface, &layout, picture.arrows);
    if picture.arrows.is_empty() {
        let reason = "no data: no check tiles";
        write_reason(&mut surface, style, frame.rect, reason);
    }
    surface.into_png()
}

fn layout(picture: &ResidualPicture<'_, '_>, fonts: &Fonts) -> Layout {
    let style = Style::for_width(PAGE_PX);
    let mut lengths: Vec<f64> = picture
        .arrows
        .iter()
        .filter_map(ResidualArrow::length)
        .collect();
    lengths.sort_unstable_by(f64::total_cmp);
    let shape = Shape::Image(picture.post, MAX_PANEL_HEIGHT_PX);
    let axes = |rect| image_frame(&picture.post, picture.origin, rect, CANVAS_AXES);
    let sheet = |header: Header, legend: Legend| {
        Sheet::new(
            style,
            fonts,
            (header, legend),
            length_bar(&lengths),
            &shape,
            axes,
        )
    };
    // The panel's width does not depend on what stands above and below it, but they do on it.
    let header = Header::new(picture.title, "registration residual");
    let panel = sheet(header.clone(), Legend::default()).frame;
    let full_to_page = panel.place(1.0, 0.0).0 - panel.place(0.0, 0.0).0;
    let long_side_px = panel.rect.width.max(panel.rect.height) / full_to_page;
    let magnification = magnification(&lengths, long_side_px);
    let reference = round_down_125(REFERENCE_SHARE * long_side_px / magnification);
    let on_page = reference * magnification * full_to_page;
    let unmeasured = picture.arrows.len() - lengths.len();
    Layout {
        sheet: sheet(
            header.line(summary(&lengths, picture.arrows.len(), magnification)),
            legend(
                unmeasured,
                (!lengths.is_empty()).then_some((reference, on_page)),
            ),
        ),
        magnification,
    }
}

/// From 0 to the longest displacement; none if nothing was measured.
fn length_bar(lengths: &[f64]) -> Option<ColourBar> {
    let longest = *lengths.last()?;
    let high = if longest > 0.0 { longest } else { 1.0 };
    let axis = Axis::new(0.0, high, Scale::Linear, "residual displacement (px)");
    let map = ColourMap::Plasma;
    Some(ColourBar { axis, map })
}

/// The magnification for sorted `lengths` on a panel whose longer side is `side_px` full-resolution px.
fn magnification(lengths: &[f64], side_px: f64) -> f64 {
    let Some(&longest) = lengths.last().filter(|longest| **longest > 0.0) else {
        return 1.0;
    };
    let typical = lengths[((lengths.len() - 1) as f64 * 0.9).round() as usize];
    let wanted = (LONGEST_SHARE * side_px / longest).min(TYPICAL_SHARE * side_px / typical);
    round_down_125(wanted)
}

fn summary(lengths: &[f64], tiles: usize, magnification: f64) -> String {
    let Some(&worst) = lengths.last() else {
        return format!("none of {tiles} check tiles could be measured");
    };
    let middle = lengths.len() / 2;
    let median = if lengths.len().is_multiple_of(2) {
        (lengths[middle - 1] + lengths[middle]) / 2.0
    } else {
        lengths[middle]
    };
    format!(
        "median {}, worst {} · {} of {tiles} check tiles measured · arrows × {}",
        length_px(median),
        length_px(worst),
        lengths.len(),
        number(magnification, magnification)
    )
}

/// The reference arrow, its length in px and on the page, and the crosses.
fn legend(unmeasured: usize, reference: Option<(f64, f64)>) -> Legend {
    let mut entries = Vec::new();
    if let Some((length, on_page)) = reference {
        let text = format!("{} px", number(length, length));
        entries.push(Entry::new(Sign::Arrow([90, 90, 90], on_page), text));
    }
    if unmeasured > 0 {
        let text = format!("not measured ({unmeasured})");
        entries.push(Entry::new(Sign::Cross(UNMEASURED), text));
    }
    Legend { entries }
}

fn draw_arrows(surface: &mut Surface, layout: &Layout, arrows: &[ResidualArrow]) {
    let Sheet {
        frame, style, bar, ..
    } = &layout.sheet;
    let inside = |(x, y): (f64, f64)| {
        (frame.rect.left..=frame.rect.right()).contains(&x)
            && (frame.rect.top..=frame.rect.bottom()).contains(&y)
    };
    let line = style.hair * 1.6;
    // Crosses first, then arrows from short to long: the worst are never covered.
    let mut order: Vec<&ResidualArrow> = arrows.iter().collect();
    order.sort_by(|a, b| {
        let length = |arrow: &ResidualArrow| arrow.length().unwrap_or(-1.0);
        length(a).total_cmp(&length(b))
    });
    for tile in order {
        let from = frame.place(tile.x, tile.y);
        if !inside(from) {
            continue;
        }
        let Some(length) = tile.length() else {
            cross(surface, from, style.gap * 0.5, line, UNMEASURED);
            continue;
        };
        let share = bar.as_ref().map_or(0.0, |bar| bar.axis.share(length));
        let colour = ColourMap::Plasma.at(share);
        let to = tip(frame, layout.magnification, tile);
        surface.disc(from.0, from.1, line * 1.5, WHITE);
        surface.disc(from.0, from.1, line * 1.1, colour);
        arrow(surface, from, to, line, colour);
    }
}

/// Where the tip of a tile's arrow lies on the page.
fn tip(frame: &PanelFrame, magnification: f64, tile: &ResidualArrow) -> (f64, f64) {
    frame.place(
        tile.x + magnification * tile.dx,
        tile.y + magnification * tile.dy,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoded::Decoded;
    use ndarray::Array2;

    fn tile(x: f64, y: f64, dx: f64, dy: f64) -> ResidualArrow {
        ResidualArrow {
            x,
            y,
            dx,
            dy,
            ok: true,
        }
    }

    fn draw(pixels: &Array2<f32>, arrows: &[ResidualArrow]) -> (Decoded, Layout) {
        let title = Title {
            sample: "CD070".into(),
            dye: "DAPI".into(),
            ..Title::default()
        };
        let picture = ResidualPicture {
            title: &title,
            post: Preview {
                pixels: pixels.view(),
                factor: 20.0,
            },
            origin: (0.0, 0.0),
            arrows,
        };
        let layout = layout(&picture, &Fonts::new().expect("reads"));
        let png = draw_registration_residual(&picture).expect("draws");
        assert_eq!(png, draw_registration_residual(&picture).expect("draws"));
        (Decoded::of(&png), layout)
    }

    #[test]
    fn the_tip_of_an_arrow_is_where_its_displacement_ends() {
        let dark = Array2::zeros((1000, 1200));
        for (dx, dy) in [(0.4, 0.0), (0.0, -0.4), (-0.3, 0.4), (0.25, 0.25)] {
            let arrows = [tile(12_000.0, 10_000.0, dx, dy)];
            let (picture, layout) = draw(&dark, &arrows);
            let colour = ColourMap::Plasma.at(1.0);
            let to = tip(&layout.sheet.frame, layout.magnification, &arrows[0]);
            let from = layout.sheet.frame.place(12_000.0, 10_000.0);
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            // Tile and tip by hand: 24,000 px are the width of the panel.
            let by_hand =
                layout.magnification * dx.hypot(dy) * layout.sheet.frame.rect.width / 24_000.0;
            assert!((length - by_hand).abs() < 1e-6);
            let along = |share: f64| {
                let at = |a: f64, b: f64| (a + share * (b - a)) as usize;
                picture.pixel(at(from.0, to.0), at(from.1, to.1))
            };
            assert_eq!(along(0.5), colour);
            assert_eq!(along(1.0 - 6.0 / length), colour, "just before the tip");
            let beyond = 1.0 + 6.0 / length;
            assert_eq!(along(beyond), [238; 3], "just beyond the tip");
        }
    }

    #[test]
    fn a_tile_that_was_not_measured_is_a_cross_and_not_an_arrow() {
        let dark = Array2::zeros((500, 600));
        let mut lost = tile(3000.0, 5000.0, 9.0, 9.0);
        lost.ok = false;
        let (picture, layout) = draw(&dark, &[lost, tile(8000.0, 5000.0, 0.0, 0.0)]);
        let (x, y) = layout.sheet.frame.place(3000.0, 5000.0);
        assert_eq!(picture.pixel(x as usize, y as usize), UNMEASURED);
        assert_eq!(layout.magnification, 1.0);
        let (x, y) = layout.sheet.frame.place(8000.0, 5000.0);
        let dot = picture.pixel(x as usize, y as usize);
        assert_eq!(dot, ColourMap::Plasma.at(0.0), "no displacement is a dot");
    }

    #[test]
    fn the_reference_arrow_has_the_stated_length() {
        let dark = Array2::zeros((1000, 1200));
        let arrows = [
            tile(9000.0, 9000.0, 0.03, 0.0),
            tile(12_000.0, 9000.0, 0.02, 0.01),
        ];
        let (_, layout) = draw(&dark, &arrows);
        let Sign::Arrow(_, on_page) = layout.sheet.legend.entries[0].sign else {
            panic!("the first entry is the reference arrow");
        };
        let stated: f64 = layout.sheet.legend.entries[0]
            .text
            .trim_end_matches(" px")
            .parse()
            .expect("a number");
        let px_per_page_px = 24_000.0 / layout.sheet.frame.rect.width;
        let implied = on_page * px_per_page_px / layout.magnification;
        assert!((implied / stated - 1.0).abs() < 1e-6, "{implied} {stated}");
    }

    #[test]
    fn the_second_line_states_median_worst_and_count() {
        assert_eq!(
            summary(&[0.01, 0.02, 0.03, 0.4], 5, 2000.0),
            "median 0.025 px, worst 0.40 px · 4 of 5 check tiles measured · arrows × 2,000"
        );
        assert_eq!(
            summary(&[], 7, 1.0),
            "none of 7 check tiles could be measured"
        );
    }

    #[test]
    fn whatever_comes_is_drawn() {
        let images = [
            Array2::zeros((0, 0)),
            Array2::from_elem((1, 1), f32::NAN),
            Array2::from_elem((3, 2000), 1e30),
            Array2::from_elem((2000, 3), f32::INFINITY),
        ];
        let odd = [
            tile(f64::NAN, 0.0, 1.0, 1.0),
            tile(1.0, 1.0, f64::NAN, 0.0),
            tile(10.0, 10.0, 1e300, 1e300),
            tile(-1e9, 1e9, 1e-300, 0.0),
        ];
        for image in &images {
            for arrows in [&odd[..], &odd[..2], &odd[2..3], &odd[3..], &[]] {
                let (picture, _) = draw(image, arrows);
                assert_eq!(picture.width, PAGE_PX as usize);
                assert!(picture.height() > 200);
            }
        }
    }
}
