//! `ratio_histogram`: the ratios post / pre, and the scale found among them.

mod peak;
mod pixels;

use super::histograms::{PAGE_PX, PANEL_HEIGHT_PX, PRE};
use super::scale_line::{ScaleLine, back_to_front};
use crate::draw::colour::INK;
use crate::draw::frame::PanelFrame;
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::stack::{Chart, Stack};
use crate::draw::surface::{Pen, Surface};
use crate::draw::text::Fonts;
use crate::{PlotError, Title};
use peak::Peak;
use pixels::Pixels;

const FIT: [u8; 3] = [40, 40, 40];
const MIRRORED: [u8; 3] = [150, 75, 160];

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

/// The peak of the ratios of blocks of pixels, as a scale was read off it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioPeak<'a> {
    /// The scale.
    pub scale: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Side of a block, px; 1 for single pixels.
    pub block_side_px: usize,
    /// log10 ratio in the middle of the middle bin, where the left wing is mirrored.
    pub mu: f64,
    /// Width of a bin, log10.
    pub bin_width: f64,
    /// Pixels per bin; an odd number of bins.
    pub counts: &'a [f64],
    /// The profile fitted to the left wing and its mirror image, if that worked.
    pub fit: Option<MoffatProfile>,
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
    /// Pixels per bin, by the ratios of single pixels; the bins are of equal width in the logarithm.
    pub counts: &'a [u64],
    /// The peak of the ratios of blocks, if there is one.
    pub peak: Option<RatioPeak<'a>>,
    /// The scales that were subtracted with.
    pub scales: &'a [ScaleLine],
}

/// Draws two charts on ratio axes: a PNG of 1,400 px width.
///
/// Above, the ratios of single pixels with all scales; they scatter by noise and by the rounding to whole counts. Below, close
/// up, the ratios of blocks of pixels, which the Moffat scale is read off: with the fitted profile, the left wing mirrored at
/// the peak, and the scale with its standard error. What the bins have beyond the mirrored wing is what took up the
/// stain. Without a peak there is only the first.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_ratio_histogram(picture: &RatioHistogramPicture<'_>) -> Result<Vec<u8>, PlotError> {
    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    let pixels = Pixels::of(picture);
    let peak = picture.peak.as_ref().and_then(Peak::of);
    let header = Header::new(picture.title, "ratio of post to pre").line(facts(picture));
    let height = PANEL_HEIGHT_PX * if peak.is_some() { 0.62 } else { 1.0 };
    let mut charts = vec![Chart {
        caption: if picture.scales.iter().any(|line| line.offset != 0.0) {
            "single pixels, with their black levels".into()
        } else {
            "single pixels".into()
        },
        height,
        axes: Box::new(|rect| pixels.frame(rect)),
    }];
    if let Some(peak) = &peak {
        charts.push(Chart {
            caption: peak.caption(),
            height,
            axes: Box::new(|rect| peak.frame(rect)),
        });
    }
    let legend = legend(&style, picture, peak.as_ref());
    let stack = Stack::new(style, &fonts, (header, legend), &charts);
    let mut surface = stack.begin(fonts)?;
    if let Some(frame) = stack.frames.first() {
        pixels.draw(&mut surface, frame, &style, picture.scales);
        if pixels.is_empty() {
            write_reason(&mut surface, &style, frame.rect, "no data");
        }
    }
    if let (Some(peak), Some(frame)) = (&peak, stack.frames.get(1)) {
        peak.draw(&mut surface, frame, &style, picture.scales);
    }
    stack.furnish(&mut surface);
    surface.into_png()
}

/// Upright lines at ratio 1 and at the scales.
fn draw_lines(surface: &mut Surface, frame: &PanelFrame, style: &Style, scales: &[ScaleLine]) {
    let upright = |x: f64| [(x, frame.y.low), (x, frame.y.high)];
    frame.polyline(surface, &upright(0.0), Pen::dashed(INK, style.hair));
    for (line, pen) in back_to_front(scales, style.hair) {
        frame.polyline(surface, &upright(line.value.log10()), pen);
    }
}

fn facts(picture: &RatioHistogramPicture<'_>) -> String {
    let pixels = crate::draw::number::whole(picture.counts.iter().sum());
    match picture.peak {
        Some(peak) if peak.std_error.is_finite() => format!(
            "scale {:.4} ± {:.4} · {pixels} pixels with signal in both",
            peak.scale, peak.std_error
        ),
        Some(peak) => format!(
            "scale {:.4} · {pixels} pixels with signal in both",
            peak.scale
        ),
        None => format!("no peak · {pixels} pixels with signal in both"),
    }
}

fn legend(style: &Style, picture: &RatioHistogramPicture<'_>, peak: Option<&Peak<'_>>) -> Legend {
    let mut entries = vec![Entry::new(Sign::Patch(PRE, 0.4), "ratios")];
    if let Some(peak) = peak {
        if peak.has_fit() {
            let fit = Sign::Line(Pen::solid(FIT, style.hair * 1.5));
            entries.push(Entry::new(fit, "Moffat profile"));
        }
        entries.push(Entry::new(Sign::Triangle(MIRRORED), "left wing, mirrored"));
    }
    for line in picture.scales.iter().filter(|line| line.usable()) {
        let pen = Pen::solid(line.colour(), style.hair * 2.0);
        entries.push(Entry::new(Sign::Line(pen), line.text()));
    }
    if peak.is_some() {
        let band = Sign::Patch(peak::SCALE, peak::BAND_OPACITY);
        entries.push(Entry::new(band, "± standard error"));
    }
    let one = Sign::Line(Pen::dashed(INK, style.hair));
    entries.push(Entry::new(one, "ratio 1"));
    Legend { entries }
}
