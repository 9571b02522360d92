//! `microbes`: where they are, as circles on post.

use crate::draw::colour::ColourMap;
use crate::draw::image::{CANVAS_AXES, LogStretch, draw_brightness, image_frame};
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::number::{short, whole};
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::sheet::{Shape, Sheet};
use crate::draw::surface::{Pen, Surface};
use crate::draw::text::Fonts;
use crate::{PlotError, Preview, Title};

const PAGE_PX: f64 = 1800.0;
const MAX_PANEL_HEIGHT_PX: f64 = 1600.0;
const COUNTED: [u8; 3] = [255, 214, 10];
const NOT_COUNTED: [u8; 3] = [230, 60, 60];
/// A circle is never smaller than this on the page, so that it leaves its microbe to be seen.
const LEAST_RADIUS_PX: f64 = 5.0;
/// And where there are more than so many, it is a dot.
const MANY: usize = 6000;
const DOT_RADIUS_PX: f64 = 1.3;
const CORNERS: usize = 20;

/// One object of a catalogue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MicrobePlace {
    /// Its middle on the canvas, full-resolution px.
    pub x: f64,
    /// See `x`.
    pub y: f64,
    /// Half its length, full-resolution px.
    pub radius_px: f64,
    /// Whether it counts as a microbe.
    pub counts: bool,
}

/// What [`draw_microbes`] draws.
#[derive(Debug, Clone, Copy)]
pub struct MicrobesPicture<'a, 'p> {
    /// Sample and dye.
    pub title: &'a Title,
    /// Post, as the ground the circles stand on.
    pub post: Preview<'p>,
    /// Place of the preview's first px on the canvas, full-resolution px.
    pub origin: (f64, f64),
    /// The objects.
    pub places: &'a [MicrobePlace],
    /// Microbes per million pixels of section.
    pub per_megapixel: f64,
    /// Its interval of 95 %.
    pub interval_95: [f64; 2],
    /// How many of them are expected to be none.
    pub expected_false: f64,
}

/// Draws every object as a circle on post, those that do not count as microbes in another colour: a PNG of 1,800 px width. A
/// circle is at least 5 px wide on the page; more than some thousand objects are dots.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_microbes(picture: &MicrobesPicture<'_, '_>) -> Result<Vec<u8>, PlotError> {
    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    let counted = picture.places.iter().filter(|place| place.counts).count();
    let others = picture.places.len() - counted;
    let [low, high] = picture.interval_95;
    let header = Header::new(picture.title, "microbes")
        .line(format!(
            "{} microbes, {} per Mpx of section (95 %: {} to {})",
            whole(counted as u64),
            short(picture.per_megapixel),
            short(low),
            short(high),
        ))
        .line(format!(
            "{} of them are expected to be none",
            short(picture.expected_false)
        ));
    let mut entries = vec![entry(COUNTED, "microbe", counted)];
    if others > 0 {
        entries.push(entry(NOT_COUNTED, "not counted", others));
    }
    let shape = Shape::Image(picture.post, MAX_PANEL_HEIGHT_PX);
    let legend = Legend { entries };
    let sheet = Sheet::new(style, &fonts, (header, legend), None, &shape, |rect| {
        image_frame(&picture.post, picture.origin, rect, CANVAS_AXES)
    });
    let mut surface = sheet.begin(fonts)?;
    surface.fill_rect(sheet.frame.rect, [238; 3], 1.0);
    if let Some(stretch) = LogStretch::of(picture.post.pixels) {
        let map = ColourMap::Backdrop;
        draw_brightness(&mut surface, &sheet.frame, &picture.post, stretch, map);
    }
    sheet.scale_bar(&mut surface, picture.title);
    // Those that count lie on top.
    for counts in [false, true] {
        let places = picture.places.iter().filter(|place| place.counts == counts);
        places.for_each(|place| {
            draw_place(&mut surface, &sheet, place, picture.places.len() > MANY);
        });
    }
    sheet.furnish(&mut surface);
    if picture.places.is_empty() {
        write_reason(&mut surface, &style, sheet.frame.rect, "no microbes");
    }
    surface.into_png()
}

fn entry(colour: [u8; 3], name: &str, number: usize) -> Entry {
    let text = format!("{name} ({})", whole(number as u64));
    Entry::new(Sign::Patch(colour, 1.0), text)
}

fn draw_place(surface: &mut Surface, sheet: &Sheet, place: &MicrobePlace, is_dot: bool) {
    let frame = &sheet.frame;
    let colour = if place.counts { COUNTED } else { NOT_COUNTED };
    let (x, y) = frame.place(place.x, place.y);
    let inside = (frame.rect.left..=frame.rect.right()).contains(&x)
        && (frame.rect.top..=frame.rect.bottom()).contains(&y);
    if !inside {
        return;
    }
    if is_dot {
        surface.disc(x, y, DOT_RADIUS_PX, colour);
        return;
    }
    let on_page = frame.place(place.x + place.radius_px, place.y).0 - x;
    let radius = LEAST_RADIUS_PX.max(1.5 * on_page);
    let points: Vec<(f64, f64)> = (0..=CORNERS)
        .map(|k| {
            let (sin, cos) = (std::f64::consts::TAU * k as f64 / CORNERS as f64).sin_cos();
            (x + radius * cos, y + radius * sin)
        })
        .collect();
    surface.polyline(&points, Pen::solid(colour, sheet.style.hair));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoded::Decoded;
    use ndarray::Array2;

    fn draw(places: &[MicrobePlace]) -> (Decoded, Sheet) {
        draw_with(places, None)
    }

    fn draw_with(places: &[MicrobePlace], um_per_px: Option<[f64; 2]>) -> (Decoded, Sheet) {
        let title = Title {
            sample: "CD070".into(),
            dye: "DAPI".into(),
            um_per_px,
        };
        let pixels = Array2::from_elem((300, 400), 0.0);
        let post = Preview {
            pixels: pixels.view(),
            factor: 10.0,
        };
        let picture = MicrobesPicture {
            title: &title,
            post,
            origin: (100.0, 50.0),
            places,
            per_megapixel: 12.3,
            interval_95: [9.0, 17.0],
            expected_false: 0.1,
        };
        let png = draw_microbes(&picture).expect("draws");
        let fonts = Fonts::new().expect("reads");
        let header = Header::new(&title, "").line("").line("");
        let shape = Shape::Image(post, MAX_PANEL_HEIGHT_PX);
        let legend = Legend {
            entries: vec![entry(COUNTED, "", 0), entry(NOT_COUNTED, "", 0)],
        };
        let style = Style::for_width(PAGE_PX);
        let sheet = Sheet::new(style, &fonts, (header, legend), None, &shape, |rect| {
            image_frame(&post, picture.origin, rect, CANVAS_AXES)
        });
        (Decoded::of(&png), sheet)
    }

    #[test]
    fn circles_stand_around_their_microbes_in_their_colours() {
        let place = |x, counts| MicrobePlace {
            x,
            y: 1550.0,
            radius_px: 100.0,
            counts,
        };
        let (picture, sheet) = draw(&[place(1100.0, true), place(3100.0, false)]);
        for (x, colour) in [(1100.0, COUNTED), (3100.0, NOT_COUNTED)] {
            let (at, y) = sheet.frame.place(x, 1550.0);
            let radius = 1.5 * (sheet.frame.place(x + 100.0, 1550.0).0 - at);
            let near = |px: f64, py: f64| {
                let pixels = (-2..=2).flat_map(|dy| (-2..=2).map(move |dx| (dx, dy)));
                pixels
                    .map(|(dx, dy)| {
                        picture.pixel((px + f64::from(dx)) as usize, (py + f64::from(dy)) as usize)
                    })
                    .any(|pixel| pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 60))
            };
            assert!(near(at + radius, y) && near(at, y - radius), "{x}");
            assert!(!near(at, y), "{x}: its middle is left to be seen");
        }
    }

    #[test]
    fn a_bar_has_the_length_that_it_states_where_the_size_of_a_pixel_is_known() {
        let longest_white = |um_per_px| {
            let (picture, sheet) = draw_with(&[], um_per_px);
            let rect = sheet.frame.rect;
            let columns = rect.left as usize + 3..(rect.left + 0.35 * rect.width) as usize;
            let rows = (rect.bottom() - 60.0) as usize..rect.bottom() as usize - 3;
            let lengths = rows.map(|y| {
                let row = columns.clone().map(|x| picture.pixel(x, y) == [255; 3]);
                let row: Vec<bool> = row.collect();
                let runs = row.split(|is_white| !is_white);
                runs.map(<[bool]>::len).max().unwrap_or(0)
            });
            let page_per_px = sheet.frame.place(1.0, 0.0).0 - sheet.frame.place(0.0, 0.0).0;
            (lengths.max().unwrap_or(0), page_per_px)
        };
        let (length, page_per_px) = longest_white(Some([0.5, 0.5]));
        // A panel of 4000 px is 2 mm wide; the bar has a quarter of it.
        let expected = 1000.0 * page_per_px;
        assert!(
            (length as f64 - expected).abs() < 1.5,
            "{length} {expected}"
        );
        assert!(longest_white(None).0 < 20);
    }

    #[test]
    fn whatever_comes_is_drawn() {
        let odd = MicrobePlace {
            x: f64::NAN,
            y: -1e9,
            radius_px: f64::INFINITY,
            counts: true,
        };
        let inside = MicrobePlace {
            x: 500.0,
            y: 500.0,
            ..odd
        };
        for places in [&[][..], &[odd], &[inside]] {
            assert_eq!(draw(places).0.width, PAGE_PX as usize);
        }
    }
}
