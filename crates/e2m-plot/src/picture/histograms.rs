//! `pre_post_histograms`: how bright the pixels of each image are.

use crate::draw::axis::{Axis, Scale};
use crate::draw::frame::PanelFrame;
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::number::{number, short, whole};
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::sheet::{Shape, Sheet};
use crate::draw::steps::{Steps, occupied, stride};
use crate::draw::surface::Pen;
use crate::draw::text::Fonts;
use crate::{BrightnessHistogram, PlotError, Title};

pub(super) const PAGE_PX: f64 = 1400.0;
pub(super) const PANEL_HEIGHT_PX: f64 = 680.0;
pub(super) const PRE: [u8; 3] = [0x21, 0x96, 0xa0];
pub(super) const POST: [u8; 3] = [0xe0, 0x5c, 0x2a];
const ALIGNED: [u8; 3] = [120, 120, 120];
/// Levels shown at least.
const MIN_LEVELS: usize = 8;
/// Bins shown at most.
pub(super) const MAX_BINS: usize = 320;
/// The share of the brightest pixels of each image that may lie beyond the axis.
const BEYOND_SHARE: f64 = 1e-5;
/// They are shown all the same where that makes the axis at most so many times as long.
const WORTH_SHOWING: usize = 2;
/// The count axis is logarithmic where a few bins exceed all others by this factor: the rest would lie flat.
const FLATTENING: f64 = 4.0;
/// How many are a few: this share of those that are not empty, and at least [`LEAST_FEW`].
const FEW_SHARE: f64 = 0.03;
const LEAST_FEW: usize = 2;

/// What [`draw_pre_post_histograms`] draws. The three histograms share their levels.
#[derive(Debug, Clone, Copy)]
pub struct PrePostHistogramsPicture<'a> {
    /// Sample and dye.
    pub title: &'a Title,
    /// The raw pre image, without padding.
    pub pre: &'a BrightnessHistogram,
    /// The raw post image, without padding.
    pub post: &'a BrightnessHistogram,
    /// Aligned pre inside its warped frame.
    pub aligned: &'a BrightnessHistogram,
}

/// Draws the histograms of raw pre and raw post, and that of aligned pre faintly behind: a PNG of 1,400 px width.
///
/// Bins hold equally many levels, of which the data use all or every n-th, so that none of them stands out by chance of
/// rounding. The counts are logarithmic where one bin, mostly that of zero, would flatten the rest.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_pre_post_histograms(
    picture: &PrePostHistogramsPicture<'_>,
) -> Result<Vec<u8>, PlotError> {
    let images = [picture.aligned, picture.pre, picture.post];
    let levels = picture.post.levels();
    let (end, width) = bins(picture);
    let steps =
        images.map(|image| Steps::of(image.counts(), 0..end, width, |level| levels.value(level)));
    let most = steps.iter().map(Steps::highest).fold(0.0, f64::max);
    let logarithmic = steps.iter().any(|steps| flattens(&steps.counts));

    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    let y = count_axis(most, logarithmic, &bin_label(width, levels.step()));
    let x = Axis::new(
        levels.value(-0.5),
        levels.value(end as f64 - 0.5),
        Scale::Linear,
        "brightness (counts)",
    );
    let header =
        Header::new(picture.title, "brightness of pre and post").line(beyond(&images, end));
    let sheet = Sheet::new(
        style,
        &fonts,
        (header, legend(picture)),
        None,
        &Shape::High(PANEL_HEIGHT_PX),
        |rect| PanelFrame::new(rect, x.clone(), y.clone(), (7, 5)),
    );
    let mut surface = sheet.begin(fonts)?;
    sheet.frame.draw_grid(&mut surface, &style);
    let [aligned, pre, post] = &steps;
    let outline = |colour, factor: f64| Some(Pen::solid(colour, style.hair * factor));
    aligned.draw(&mut surface, &sheet.frame, Some((ALIGNED, 0.22)), None);
    pre.draw(&mut surface, &sheet.frame, Some((PRE, 0.25)), None);
    post.draw(&mut surface, &sheet.frame, Some((POST, 0.25)), None);
    aligned.draw(&mut surface, &sheet.frame, None, outline(ALIGNED, 0.8));
    pre.draw(&mut surface, &sheet.frame, None, outline(PRE, 1.5));
    post.draw(&mut surface, &sheet.frame, None, outline(POST, 1.5));
    sheet.furnish(&mut surface);
    if most == 0.0 {
        write_reason(&mut surface, &style, sheet.frame.rect, "no data");
    }
    surface.into_png()
}

/// One past the last level to show, and the levels per bin.
fn bins(picture: &PrePostHistogramsPicture<'_>) -> (usize, usize) {
    let images = [picture.aligned, picture.pre, picture.post].map(BrightnessHistogram::counts);
    let ends = images.iter().filter_map(|counts| occupied_end(counts));
    let end = ends.max().unwrap_or(1).max(MIN_LEVELS);
    // Aligned pre is interpolated and has no stride.
    let strides = images[1..].iter().map(|counts| stride(counts, 0));
    (end, bin_width(end, strides.max().unwrap_or(1)))
}

/// One past the last level of an image to show.
fn occupied_end(counts: &[u64]) -> Option<usize> {
    let all = occupied(counts, 0.0)?.end;
    // Zeros around the section must not decide what share counts as rare.
    let most = occupied(&counts[1..], BEYOND_SHARE).map_or(all, |range| range.end + 1);
    Some(if all <= WORTH_SHOWING * most {
        all
    } else {
        most
    })
}

fn beyond(images: &[&BrightnessHistogram; 3], end: usize) -> String {
    let brightest = images
        .iter()
        .filter_map(|image| occupied(image.counts(), 0.0).map(|range| range.end - 1))
        .max();
    let Some(brightest) = brightest else {
        return "no pixels".into();
    };
    let levels = images[0].levels();
    let cut: u64 = images[1..]
        .iter()
        .map(|image| image.counts()[end..].iter().sum::<u64>())
        .sum();
    let brightest = number(levels.value(brightest as f64), levels.step());
    if cut > 0 {
        format!(
            "brightest pixel {brightest} counts · {} beyond the axis",
            whole(cut)
        )
    } else {
        format!("brightest pixel {brightest} counts")
    }
}

fn legend(picture: &PrePostHistogramsPicture<'_>) -> Legend {
    let patch = |colour, alpha, name: &str, image: &BrightnessHistogram| {
        let text = format!("{name} ({} px)", whole(image.total()));
        Entry::new(Sign::Patch(colour, alpha), text)
    };
    Legend {
        entries: vec![
            patch(PRE, 0.3, "pre", picture.pre),
            patch(POST, 0.3, "post", picture.post),
            patch(ALIGNED, 0.22, "aligned pre", picture.aligned),
        ],
    }
}

/// Levels per bin: as few as the number of bins allows, and a multiple of the stride.
fn bin_width(places: usize, stride: usize) -> usize {
    if places <= MAX_BINS {
        return 1;
    }
    places.div_ceil(MAX_BINS).div_ceil(stride) * stride
}

/// Whether a few bins, mostly those of what lies around the section, would flatten the others on a linear axis.
fn flattens(counts: &[f64]) -> bool {
    let mut filled: Vec<f64> = counts.iter().copied().filter(|c| *c > 0.0).collect();
    filled.sort_unstable_by(|a, b| b.total_cmp(a));
    let few = ((filled.len() as f64 * FEW_SHARE) as usize).max(LEAST_FEW);
    filled
        .get(few)
        .is_some_and(|rest| filled[0] > FLATTENING * rest)
}

pub(super) fn bin_label(width: usize, step: f64) -> String {
    if width == 1 {
        "pixels per level".into()
    } else {
        format!("pixels per {} counts", short(width as f64 * step))
    }
}

/// From 0, or from half a pixel where it is logarithmic, to a little above `most`.
pub(super) fn count_axis(most: f64, logarithmic: bool, label: &str) -> Axis {
    if logarithmic {
        Axis::new(0.5, (2.0 * most).max(10.0), Scale::Log, label)
    } else {
        Axis::new(
            0.0,
            if most > 0.0 { 1.06 * most } else { 1.0 },
            Scale::Linear,
            label,
        )
    }
}
