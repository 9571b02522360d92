//! `microbe_density`: how many microbes there are on each part of the section.

use crate::draw::axis::{Axis, Scale};
use crate::draw::bar::ColourBar;
use crate::draw::colour::ColourMap;
use crate::draw::crop::Crop;
use crate::draw::image::{CANVAS_AXES, Reduce, draw_mapped, image_frame};
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::number::whole;
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::sheet::{Shape, Sheet};
use crate::draw::text::Fonts;
use crate::{PlotError, Preview, Title};

const PAGE_PX: f64 = 1400.0;
const MAX_PANEL_HEIGHT_PX: f64 = 1200.0;

/// What [`draw_microbe_density`] draws.
#[derive(Debug, Clone, Copy)]
pub struct MicrobeDensityPicture<'a, 'p> {
    /// Sample and dye.
    pub title: &'a Title,
    /// Microbes in each cell of the canvas, from its first pixel on, NaN where there is hardly any section. Its factor is the side of a cell, px.
    pub cells: Preview<'p>,
    /// Unit of the values, as in `microbes per mm²`.
    pub unit: &'a str,
}

/// Draws the density of each cell in a colour: a PNG of 1,400 px width. Cells without section are white.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_microbe_density(picture: &MicrobeDensityPicture<'_, '_>) -> Result<Vec<u8>, PlotError> {
    let (cells, origin) = Crop::to_content(&[&picture.cells]).of(picture.cells);
    let most = cells.pixels.iter().copied().filter(|v| v.is_finite());
    let most = f64::from(most.fold(0.0, f32::max)).max(f64::MIN_POSITIVE);
    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    let side = whole(cells.factor as u64);
    let header = Header::new(picture.title, "density of microbes")
        .line(format!("{}, in cells of {side} x {side} px", picture.unit));
    let map = ColourMap::Inferno;
    let legend = Legend {
        entries: vec![Entry::new(Sign::Outline, "hardly any section")],
    };
    let axis = Axis::new(0.0, most, Scale::Linear, picture.unit);
    let shape = Shape::Image(cells, MAX_PANEL_HEIGHT_PX);
    let bar = Some(ColourBar { axis, map });
    let sheet = Sheet::new(style, &fonts, (header, legend), bar, &shape, |rect| {
        image_frame(&cells, origin, rect, CANVAS_AXES)
    });
    let mut surface = sheet.begin(fonts)?;
    let colour = |value: f64| map.at(value / most);
    draw_mapped(&mut surface, &sheet.frame, &cells, Reduce::Mean, 1, colour);
    sheet.scale_bar(&mut surface, picture.title);
    sheet.furnish(&mut surface);
    if cells.pixels.iter().all(|v| v.is_nan()) {
        write_reason(&mut surface, &style, sheet.frame.rect, "no section");
    }
    surface.into_png()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoded::Decoded;
    use ndarray::Array2;

    #[test]
    fn dense_cells_are_brighter_and_those_without_section_white() {
        let title = Title {
            sample: "CD070".into(),
            dye: "DAPI".into(),
            ..Title::default()
        };
        let mut cells = Array2::from_elem((6, 8), 1.0f32);
        cells[(1, 1)] = 40.0;
        cells[(3, 5)] = f32::NAN;
        let draw = |cells: &Array2<f32>| {
            let png = draw_microbe_density(&MicrobeDensityPicture {
                title: &title,
                cells: Preview {
                    pixels: cells.view(),
                    factor: 256.0,
                },
                unit: "microbes per Mpx",
            });
            Decoded::of(&png.expect("draws"))
        };
        let picture = draw(&cells);
        let of = |colour: fn([u8; 3]) -> bool| {
            let places =
                (0..picture.height()).flat_map(|y| (0..picture.width).map(move |x| (x, y)));
            places.filter(|&(x, y)| colour(picture.pixel(x, y))).count()
        };
        // One of 48 cells, and what the colour bar has of it.
        let yellow = of(|[r, g, b]| r > 200 && g > 180 && b < 160);
        assert!(yellow > 10_000, "{yellow}");
        assert_eq!(
            draw(&Array2::from_elem((2, 2), f32::NAN)).width,
            PAGE_PX as usize
        );
    }
}
