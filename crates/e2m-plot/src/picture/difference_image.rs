//! `difference_image`: post - scale x aligned pre, with every single microbe.

use super::cell_noise::CellNoise;
use super::slow_mean::SlowMean;
use crate::draw::axis::{Axis, Scale};
use crate::draw::bar::ColourBar;
use crate::draw::colour::ColourMap;
use crate::draw::crop::Crop;
use crate::draw::frame::PanelFrame;
use crate::draw::image::{
    CANVAS_AXES, Reduce, draw_mapped, image_frame, panel_size, percentiles, resized,
};
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::number::short;
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::sheet::{Shape, Sheet};
use crate::draw::surface::Rect;
use crate::draw::text::Fonts;
use crate::{DifferenceSummary, PlotError, Preview, Title};
use ndarray::{Array2, s};

const PAGE_PX: f64 = 1800.0;
const MAX_PANEL_HEIGHT_PX: f64 = 1600.0;
/// Cells on the page, px: one pixel alone would drown when the picture is shown smaller.
const CELL_PX: usize = 2;
/// Of the cells that stand out of the noise this share is within the colours; what lies beyond has the colour of the end.
const WITHIN_SHARE: f64 = 0.98;
/// The colours reach at least so far, in `asinh(v / knee)`: 27 times the knee, so that what hardly stands out stays dark.
const LEAST_LIMIT: f64 = 4.0;
/// The knee is at least this share of the floor: extremes that are all alike have no spread.
const LEAST_KNEE: f64 = 0.05;

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

/// Draws what stands out of the noise of the difference, and its mean, with an asinh stretch: a PNG of 1,800 px width.
///
/// Black is noise, blue negative, red positive, white where there is no section. Each cell of 2 px has the value of greatest
/// magnitude among the pixels it stands for, so that a microbe of one pixel is seen, less the extreme that noise alone has in a cell
/// of that brightness. That is measured on the cells themselves: without it a large image would be noise everywhere, as some pixel
/// of each cell always is far out. Extremes are taken from the slowly changing mean, which is added again: a wrong scale, uneven light
/// and rock that took up stain keep their colour.
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
    let cells = Cells {
        difference,
        preview,
        origin,
        mean: SlowMean::of(difference),
    };
    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    // How wide the panel is depends on the numbers beside it, and these on the cells; of a panel that is a little wider they are
    // the same to what is written.
    let widest = panel_size(&preview, (PAGE_PX, MAX_PANEL_HEIGHT_PX));
    let draft = cells.of_panel(Rect::new(0.0, 0.0, widest.0, widest.1));
    let cells_across = draft.extremes.ncols().max(1) as f64;
    let cell_px = (preview.factor * preview.pixels.ncols() as f64 / cells_across).powi(2);
    let noise = CellNoise::of(&draft.extremes, &draft.brightness, cell_px);
    let stretch = Stretch::of(&draft.beyond(&noise), &noise, difference.median_magnitude);
    let header = header(picture, &noise, stretch);
    let map = ColourMap::Diverging;
    let legend = Legend {
        entries: vec![
            Entry::new(Sign::Patch(map.at(0.98), 1.0), "post brighter"),
            Entry::new(Sign::Patch(map.at(0.5), 1.0), "noise"),
            Entry::new(Sign::Patch(map.at(0.02), 1.0), "pre brighter"),
            Entry::new(Sign::Outline, "outside"),
        ],
    };
    let Stretch { knee, limit } = stretch;
    let axis = Axis::new(
        -limit,
        limit,
        Scale::Asinh { knee },
        "difference beyond the noise (counts)",
    );
    let bar = ColourBar { axis, map };
    let shape = Shape::Image(preview, MAX_PANEL_HEIGHT_PX);
    let sheet = Sheet::new(style, &fonts, (header, legend), Some(bar), &shape, |rect| {
        image_frame(&preview, origin, rect, CANVAS_AXES)
    });
    let mut surface = sheet.begin(fonts)?;
    let PanelFrame { rect, .. } = &sheet.frame;
    let beyond = cells.of_panel(*rect).beyond(&noise);
    let shown = Preview {
        pixels: beyond.view(),
        factor: 1.0,
    };
    draw_mapped(
        &mut surface,
        &sheet.frame,
        &shown,
        Reduce::Extreme,
        CELL_PX,
        |value| map.at(0.5 + 0.5 * (value / knee).asinh() / limit),
    );
    sheet.scale_bar(&mut surface, picture.title);
    sheet.furnish(&mut surface);
    if difference.extremes.iter().all(|v| v.is_nan()) {
        write_reason(&mut surface, &style, sheet.frame.rect, "no data");
    }
    surface.into_png()
}

/// What was subtracted, and how it is shown.
fn header(picture: &DifferenceImagePicture<'_>, noise: &CellNoise, stretch: Stretch) -> Header {
    let difference = picture.difference;
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
    let [low, high] = noise.floors().map(|floor| short(round_to_two(floor)));
    let floors = if low == high {
        low
    } else {
        format!("{low} to {high}")
    };
    let knee = short(round_to_two(stretch.knee));
    Header::new(picture.title, "difference")
        .line(method)
        .line(format!(
            "black: noise, up to {floors} counts by brightness · asinh, knee {knee} counts"
        ))
}

/// The summary as it is drawn.
struct Cells<'a> {
    difference: &'a DifferenceSummary,
    /// The extremes without padding.
    preview: Preview<'a>,
    /// Where they begin, full-resolution px.
    origin: (f64, f64),
    mean: SlowMean,
}

/// The cells of a panel.
struct PanelCells {
    /// Extremes less the mean around them.
    extremes: Array2<f32>,
    means: Array2<f32>,
    brightness: Array2<f32>,
}

impl Cells<'_> {
    fn of_panel(&self, rect: Rect) -> PanelCells {
        let cells = |side: f64| (side as usize).div_ceil(CELL_PX);
        let (width, height) = (cells(rect.width), cells(rect.height));
        let (rows, columns) = self.preview.pixels.dim();
        let first = |origin: f64| (origin / self.preview.factor).round() as usize;
        let (first_column, first_row) = (first(self.origin.0), first(self.origin.1));
        let middle = |i: usize, of: usize, from: usize| (i as f64 + 0.5) * from as f64 / of as f64;
        let places = |first: usize, count: usize, of: usize| -> Vec<f64> {
            let all = (0..count).map(|i| first as f64 + middle(i, count, of) - 0.5);
            all.collect()
        };
        let (ys, xs) = (
            places(first_row, height, rows),
            places(first_column, width, columns),
        );
        let means = Array2::from_shape_fn((height, width), |(y, x)| self.mean.at(ys[y], xs[x]));
        let brightness = Array2::from_shape_fn((height, width), |(y, x)| {
            self.brightness_around(ys[y].max(0.0) as usize, xs[x].max(0.0) as usize)
        });
        let mut extremes = resized(self.preview.pixels, width, height, Reduce::Extreme);
        extremes -= &means;
        PanelCells {
            extremes,
            means,
            brightness,
        }
    }

    /// The brightness at a block of the preview, of the brightest number around it: a cell at an edge has pixels of the brighter side.
    fn brightness_around(&self, row: usize, column: usize) -> f32 {
        let all = &self.difference.pre_brightness;
        let column = column / self.difference.joined.max(1);
        let near = |at: usize, of: usize| at.saturating_sub(1).min(of)..(at + 2).min(of);
        let around = s![near(row, all.nrows()), near(column, all.ncols())];
        all.slice(around).iter().fold(0.0, |most, v| v.max(most))
    }
}

impl PanelCells {
    /// By how much each cell exceeds what noise makes of it, with its sign, on the mean around it.
    fn beyond(&self, noise: &CellNoise) -> Array2<f32> {
        let mut beyond = self.extremes.clone();
        beyond.zip_mut_with(&self.brightness, |value, &brightness| {
            if !value.is_nan() {
                let floor = noise.floor(f64::from(brightness)) as f32;
                *value = (value.abs() - floor).max(0.0).copysign(*value);
            }
        });
        beyond + &self.means
    }
}

/// The knee in counts, and the end of the colours in units of `asinh(v / knee)`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    knee: f64,
    limit: f64,
}

impl Stretch {
    fn of(beyond: &Array2<f32>, noise: &CellNoise, median_magnitude: Option<f64>) -> Self {
        let [_, floor] = noise.floors();
        // All pixels of most cells may cancel exactly.
        let knees = [
            noise.spread.max(LEAST_KNEE * floor),
            median_magnitude.unwrap_or(0.0),
            1.0,
        ];
        let mut usable = knees.into_iter().filter(|v| v.is_finite() && *v > 0.0);
        let knee = usable.next().unwrap_or(1.0);
        let outstanding: Vec<f32> = beyond
            .iter()
            .map(|v| v.abs())
            .filter(|v| v.is_finite() && f64::from(*v) > knee)
            .collect();
        let [high] = percentiles(outstanding, [WITHIN_SHARE]).unwrap_or([0.0]);
        let limit = (high / knee).asinh();
        let limit = if limit.is_finite() { limit } else { 0.0 };
        Self {
            knee,
            limit: limit.max(LEAST_LIMIT),
        }
    }
}

fn round_to_two(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 0.0;
    }
    let unit = 10f64.powf(value.log10().floor() - 1.0);
    (value / unit).round() * unit
}
