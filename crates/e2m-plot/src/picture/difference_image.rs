//! `difference_image`: post - scale x aligned pre, with every single microbe.

use crate::draw::axis::{Axis, Scale};
use crate::draw::bar::ColourBar;
use crate::draw::colour::ColourMap;
use crate::draw::crop::Crop;
use crate::draw::image::{CANVAS_AXES, Reduce, draw_mapped, image_frame, percentiles};
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::number::short;
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::sheet::{Shape, Sheet};
use crate::draw::text::Fonts;
use crate::{DifferenceSummary, PlotError, Preview, Title};

const PAGE_PX: f64 = 1800.0;
const MAX_PANEL_HEIGHT_PX: f64 = 1600.0;
/// Cells on the page, px: one pixel alone would drown when the picture is shown smaller.
const CELL_PX: usize = 2;
/// The share of cells within the colours; what lies beyond has the colour of the end.
const WITHIN_SHARE: f64 = 0.998;

/// The colours reach at least so far, in `asinh(v / knee)`: ten times the knee, so that noise alone stays dark.
const LEAST_LIMIT: f64 = 3.0;

/// What [`draw_difference_image`] draws.
#[derive(Debug, Clone, Copy)]
pub struct DifferenceImagePicture<'a> {
    /// Sample and dye.
    pub title: &'a Title,
    /// Extremes and median of the difference.
    pub difference: &'a DifferenceSummary,
    /// Which scale was subtracted with, as in `Moffat`; empty if it goes without saying.
    pub method: &'a str,
}

/// Draws the difference with an asinh stretch whose knee is the median |difference| of the section: a PNG of 1,800 px
/// width.
///
/// Blue is negative, black zero, red positive, white where there is no section. Each cell of 2 px has the value of
/// greatest magnitude among the pixels it stands for, so that a microbe of one pixel is seen.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_difference_image(picture: &DifferenceImagePicture<'_>) -> Result<Vec<u8>, PlotError> {
    let difference = picture.difference;
    let preview = Preview {
        pixels: difference.extremes.view(),
        factor: difference.factor as f64,
    };
    let (preview, origin) = Crop::to_content(&[&preview]).of(preview);
    let (knee, limit) = stretch(difference);
    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    let mut formula = format!("post − {:.4} × pre", difference.scale);
    if difference.offset != 0.0 {
        let sign = if difference.offset > 0.0 { '−' } else { '+' };
        formula += &format!(" {sign} {:.2}", difference.offset.abs());
    }
    let method = if picture.method.is_empty() {
        formula
    } else {
        format!("{formula} ({})", picture.method)
    };
    let header = Header::new(picture.title, "difference").line(format!(
        "{method} · asinh, knee {} counts",
        short(round_to_two(knee))
    ));
    let map = ColourMap::Diverging;
    let legend = Legend {
        entries: vec![
            Entry::new(Sign::Patch(map.at(0.98), 1.0), "post brighter"),
            Entry::new(Sign::Patch(map.at(0.5), 1.0), "equal"),
            Entry::new(Sign::Patch(map.at(0.02), 1.0), "pre brighter"),
            Entry::new(Sign::Outline, "outside"),
        ],
    };
    let axis = Axis::new(
        -limit,
        limit,
        Scale::Asinh { knee },
        "difference (counts), extreme of each cell",
    );
    let bar = ColourBar { axis, map };
    let shape = Shape::Image(preview, MAX_PANEL_HEIGHT_PX);
    let sheet = Sheet::new(style, &fonts, (header, legend), Some(bar), &shape, |rect| {
        image_frame(&preview, origin, rect, CANVAS_AXES)
    });
    let mut surface = sheet.begin(fonts)?;
    draw_mapped(
        &mut surface,
        &sheet.frame,
        &preview,
        Reduce::Extreme,
        CELL_PX,
        |value| map.at(0.5 + 0.5 * (value / knee).asinh() / limit),
    );
    sheet.furnish(&mut surface);
    if difference.extremes.iter().all(|v| v.is_nan()) {
        write_reason(&mut surface, &style, sheet.frame.rect, "no data");
    }
    surface.into_png()
}

/// The knee in counts, and the end of the colours in units of `asinh(v / knee)`.
fn stretch(difference: &DifferenceSummary) -> (f64, f64) {
    let magnitudes: Vec<f32> = difference
        .extremes
        .iter()
        .map(|v| v.abs())
        .filter(|v| v.is_finite())
        .collect();
    let [middle, high, top] = percentiles(magnitudes, [0.5, WITHIN_SHARE, 1.0]).unwrap_or([1.0; 3]);
    // More than half of the pixels may cancel exactly.
    let knee = [difference.median_magnitude.unwrap_or(0.0), middle, top, 1.0]
        .into_iter()
        .find(|v| v.is_finite() && *v > 0.0)
        .unwrap_or(1.0);
    let high = if high > 0.0 { high } else { top };
    let limit = (high / knee).asinh();
    let limit = if limit.is_finite() { limit } else { 0.0 };
    (knee, limit.max(LEAST_LIMIT))
}

fn round_to_two(value: f64) -> f64 {
    let unit = 10f64.powf(value.log10().floor() - 1.0);
    (value / unit).round() * unit
}
