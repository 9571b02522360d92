//! `ratio_histogram`: the ratios post / pre, and the scale found among them.

use super::histograms::{MAX_BINS, PAGE_PX, PANEL_HEIGHT_PX, PRE, count_axis};
use super::scale_line::ScaleLine;
use crate::draw::axis::{Axis, Scale};
use crate::draw::colour::{INK, WHITE};
use crate::draw::frame::Frame;
use crate::draw::legend::{Entry, Legend, Sign, triangle};
use crate::draw::number::whole;
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::sheet::{Shape, Sheet};
use crate::draw::steps::{Steps, occupied};
use crate::draw::surface::{Pen, Surface};
use crate::draw::text::Fonts;
use crate::{PlotError, Title};

const FIT: [u8; 3] = [40, 40, 40];
const MIRRORED: [u8; 3] = [150, 75, 160];
/// The share of pixels that may lie beyond the axis at either end.
const BEYOND_SHARE: f64 = 2e-3;
/// The axis reaches at least so far to either side of the peak, log10.
const LEAST_REACH: f64 = 0.05;
/// Mirrored bins that hold less than this share of the peak are not marked: they lie on the axis.
const LEAST_MARKED: f64 = 2e-3;

/// A fitted profile `amp (1 + ((x - mu) / alpha)^2)^-beta` over the log10 of the ratio (Moffat, A. F. J. 1969, A&A 3, 455).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MoffatProfile {
    /// Height, pixels per bin of the histogram it is drawn over.
    pub amp: f64,
    /// Position of the peak, log10 of the ratio.
    pub mu: f64,
    /// Width, log10.
    pub alpha: f64,
    /// Exponent.
    pub beta: f64,
}

impl MoffatProfile {
    fn at(&self, x: f64) -> f64 {
        let t = (x - self.mu) / self.alpha;
        self.amp * (1.0 + t * t).powf(-self.beta)
    }

    fn usable(&self) -> bool {
        [self.amp, self.mu, self.alpha, self.beta]
            .iter()
            .all(|v| v.is_finite())
            && self.alpha > 0.0
    }
}

/// What [`draw_ratio_histogram`] draws.
#[derive(Debug, Clone, Copy)]
pub struct RatioHistogramPicture<'a> {
    /// Sample and dye.
    pub title: &'a Title,
    /// Left edge of the first bin, log10 of post / aligned pre.
    pub low: f64,
    /// Right edge of the last bin.
    pub high: f64,
    /// Pixels per bin; the bins are of equal width in the logarithm.
    pub counts: &'a [u64],
    /// The profile, if one was fitted.
    pub fit: Option<MoffatProfile>,
    /// The scales found; the first is the one the standard error belongs to.
    pub scales: &'a [ScaleLine],
    /// Standard error of the first scale.
    pub std_error: Option<f64>,
}

/// Draws the distribution of ratios on a ratio axis with the fitted profile, the left wing mirrored at the peak, and the
/// scales: a PNG of 1,400 px width.
///
/// What the bins have beyond the mirrored wing is what took up the stain.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_ratio_histogram(picture: &RatioHistogramPicture<'_>) -> Result<Vec<u8>, PlotError> {
    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    let ratios = Ratios::of(picture);
    let (x, y) = ratios.axes();
    let header = Header::new(picture.title, "ratio of post to pre").line(facts(picture));
    let sheet = Sheet::new(
        style,
        &fonts,
        (header, legend(&style, picture, ratios.fit.is_some())),
        None,
        &Shape::High(PANEL_HEIGHT_PX),
        |rect| Frame::new(rect, x.clone(), y.clone(), (8, 5)),
    );
    let mut surface = sheet.begin(fonts)?;
    sheet.frame.draw_grid(&mut surface, &style);
    let outline = Pen::solid(PRE, style.hair);
    let fill = Some((PRE, 0.4));
    ratios
        .steps
        .draw(&mut surface, &sheet.frame, fill, Some(outline));
    draw_marks(&mut surface, &sheet, picture, &ratios);
    sheet.furnish(&mut surface);
    if ratios.most == 0.0 {
        write_reason(&mut surface, &style, sheet.frame.rect, "no data");
    }
    surface.into_png()
}

/// Ratio 1, the profile, the scales and the mirrored wing.
fn draw_marks(
    surface: &mut Surface,
    sheet: &Sheet,
    picture: &RatioHistogramPicture<'_>,
    ratios: &Ratios,
) {
    let (frame, hair) = (&sheet.frame, sheet.style.hair);
    let upright = |x: f64| [(x, frame.y.low), (x, frame.y.high)];
    frame.polyline(surface, &upright(0.0), Pen::dashed(INK, hair));
    if let Some(fit) = ratios.fit {
        let (low, high) = (frame.x.low, frame.x.high);
        let curve: Vec<(f64, f64)> = (0..=600)
            .map(|i| low + (high - low) * f64::from(i) / 600.0)
            .map(|x| (x, fit.at(x)))
            .collect();
        frame.polyline(surface, &curve, Pen::solid(WHITE, hair * 3.0));
        frame.polyline(surface, &curve, Pen::solid(FIT, hair * 1.5));
    }
    for line in picture.scales.iter().filter(|line| line.usable()) {
        let pen = Pen::solid(line.colour(), hair * 2.0);
        frame.polyline(surface, &upright(line.value.log10()), pen);
    }
    for (x, count) in mirrored(&ratios.steps, ratios.peak, ratios.most) {
        let at = frame.place(x, count);
        if at.0 < frame.rect.right() {
            triangle(surface, at, hair * 2.6, MIRRORED);
        }
    }
}

/// The part of the histogram that is shown.
struct Ratios {
    steps: Steps,
    /// The profile in pixels per step.
    fit: Option<MoffatProfile>,
    peak: Option<f64>,
    /// The height of the highest of them.
    most: f64,
    /// Width of a step, log10.
    step_width: f64,
}

impl Ratios {
    fn of(picture: &RatioHistogramPicture<'_>) -> Self {
        let usable =
            picture.low.is_finite() && picture.high.is_finite() && picture.low < picture.high;
        let counts = if usable { picture.counts } else { &[] };
        let bin = (picture.high - picture.low) / counts.len().max(1) as f64;
        let peak = peak_of(picture);
        let (range, width) = shown(picture, counts, bin, peak);
        let value = |place: f64| picture.low + (place + 0.5) * bin;
        let steps = Steps::of(counts, range, width, value);
        let fit = picture
            .fit
            .filter(MoffatProfile::usable)
            .map(|fit| MoffatProfile {
                amp: width as f64 * fit.amp,
                ..fit
            });
        Self {
            most: steps.highest().max(fit.map_or(0.0, |fit| fit.amp)),
            steps,
            fit,
            peak,
            step_width: bin * width as f64,
        }
    }

    fn axes(&self) -> (Axis, Axis) {
        let (low, high, label) = match (self.steps.edges.first(), self.steps.edges.last()) {
            (Some(&low), Some(&high)) if low < high => {
                let share = 100.0 * (10f64.powf(self.step_width) - 1.0);
                (low, high, format!("pixels per {share:.2} %"))
            }
            _ => (-0.5, 0.5, "pixels".into()),
        };
        (
            Axis::new(low, high, Scale::Ratio, "post / aligned pre"),
            count_axis(self.most, false, &label),
        )
    }
}

/// The log ratio at which the left wing is mirrored.
fn peak_of(picture: &RatioHistogramPicture<'_>) -> Option<f64> {
    let scale = picture.scales.iter().find(|line| line.usable());
    let fitted = picture.fit.filter(MoffatProfile::usable);
    fitted
        .map(|fit| fit.mu)
        .or(scale.map(|line| line.value.log10()))
}

/// The bins to show, and how many go into a step.
fn shown(
    picture: &RatioHistogramPicture<'_>,
    counts: &[u64],
    bin: f64,
    peak: Option<f64>,
) -> (std::ops::Range<usize>, usize) {
    let Some(mut range) = occupied(counts, BEYOND_SHARE) else {
        return (0..counts.len(), 1);
    };
    // Every scale, and ratio 1, stay in sight.
    let marks = picture.scales.iter().filter(|line| line.usable());
    let marks = marks
        .map(|line| line.value.log10())
        .chain(peak)
        .chain([0.0]);
    for mark in marks {
        let place = |x: f64| ((x - picture.low) / bin).clamp(0.0, counts.len() as f64) as usize;
        range.start = range.start.min(place(mark - LEAST_REACH));
        range.end = range.end.max(place(mark + LEAST_REACH));
    }
    let width = range.len().div_ceil(MAX_BINS).max(1);
    (range, width)
}

/// The left wing mirrored at the peak: log ratio and pixels per step.
fn mirrored(steps: &Steps, peak: Option<f64>, most: f64) -> Vec<(f64, f64)> {
    let Some(peak) = peak else {
        return Vec::new();
    };
    let centres = steps.edges.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
    centres
        .zip(&steps.counts)
        .filter(|(x, count)| *x < peak && **count > LEAST_MARKED * most)
        .map(|(x, count)| (2.0 * peak - x, *count))
        .collect()
}

fn facts(picture: &RatioHistogramPicture<'_>) -> String {
    let total = picture.counts.iter().sum();
    let pixels = format!("{} pixels", whole(total));
    match (
        picture.scales.iter().find(|line| line.usable()),
        picture.std_error,
    ) {
        (Some(line), Some(error)) if error.is_finite() => {
            format!("scale {:.4} ± {error:.4} · {pixels}", line.value)
        }
        (Some(line), _) => format!("scale {:.4} · {pixels}", line.value),
        _ => format!("no scale · {pixels}"),
    }
}

fn legend(style: &Style, picture: &RatioHistogramPicture<'_>, fitted: bool) -> Legend {
    let mut entries = vec![Entry::new(Sign::Patch(PRE, 0.4), "ratios")];
    if fitted {
        let fit = Sign::Line(Pen::solid(FIT, style.hair * 1.5));
        entries.push(Entry::new(fit, "Moffat profile"));
    }
    if picture.scales.iter().any(ScaleLine::usable) {
        entries.push(Entry::new(Sign::Triangle(MIRRORED), "left wing, mirrored"));
    }
    for line in picture.scales.iter().filter(|line| line.usable()) {
        let pen = Pen::solid(line.colour(), style.hair * 2.0);
        entries.push(Entry::new(Sign::Line(pen), line.text()));
    }
    let one = Sign::Line(Pen::dashed(INK, style.hair));
    entries.push(Entry::new(one, "ratio 1"));
    Legend { entries }
}
