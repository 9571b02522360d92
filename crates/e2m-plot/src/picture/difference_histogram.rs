//! `difference_histogram`: how far post and aligned pre are apart, unscaled.

use super::histograms::{MAX_BINS, PAGE_PX, PANEL_HEIGHT_PX, POST, PRE, bin_label, count_axis};
use crate::draw::axis::{Axis, Scale};
use crate::draw::colour::INK;
use crate::draw::frame::PanelFrame;
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::number::whole;
use crate::draw::page::{Header, Style, write_reason};
use crate::draw::sheet::{Shape, Sheet};
use crate::draw::steps::{Steps, occupied, stride};
use crate::draw::surface::Pen;
use crate::draw::text::Fonts;
use crate::statistics::ZERO_DIFFERENCE;
use crate::{DifferenceClass, DifferenceHistogram, PlotError, Title};

const ALL: [u8; 3] = [0x5b, 0x34, 0x86];
/// The share of pixels that may lie beyond the axis at either end.
const BEYOND_SHARE: f64 = 1e-6;
/// Places shown at least on either side of zero.
const MIN_REACH: usize = 4;

/// What [`draw_difference_histogram`] draws.
#[derive(Debug, Clone, Copy)]
pub struct DifferenceHistogramPicture<'a> {
    /// Sample and dye.
    pub title: &'a Title,
    /// post - aligned pre by class.
    pub differences: &'a DifferenceHistogram,
}

/// Draws the histograms of `post - aligned pre` over all pixels, over those with signal in both, and over those with
/// signal in post alone: a PNG of 1,400 px width with logarithmic counts.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_difference_histogram(
    picture: &DifferenceHistogramPicture<'_>,
) -> Result<Vec<u8>, PlotError> {
    let differences = picture.differences;
    let all = differences.counts(DifferenceClass::All);
    let both = differences.counts(DifferenceClass::BothPositive);
    let post_only = differences.counts(DifferenceClass::PostOnly);
    let (range, width) = bins(&all);
    let value = |place: f64| differences.value(place);
    let steps = |counts: &[u64]| Steps::of(counts, range.clone(), width, value);

    let style = Style::for_width(PAGE_PX);
    let fonts = Fonts::new()?;
    let most = steps(&all).highest();
    let y = count_axis(most, true, &bin_label(width, differences.step()));
    let edge = |place: usize| value(place as f64 - 0.5);
    let x = Axis::new(
        edge(range.start),
        edge(range.end),
        Scale::Linear,
        "post − aligned pre (counts)",
    );
    let facts = facts(all.iter().sum(), all[range.clone()].iter().sum());
    let legend = legend(&style, both.iter().sum(), post_only.iter().sum());
    let sheet = Sheet::new(
        style,
        &fonts,
        (Header::new(picture.title, "post − pre").line(facts), legend),
        None,
        &Shape::High(PANEL_HEIGHT_PX),
        |rect| PanelFrame::new(rect, x.clone(), y.clone(), (7, 5)),
    );
    let mut surface = sheet.begin(fonts)?;
    sheet.frame.draw_grid(&mut surface, &style);
    for (counts, colour) in [(&both, PRE), (&post_only, POST)] {
        let pen = Pen::solid(colour, style.hair);
        steps(counts).draw(&mut surface, &sheet.frame, Some((colour, 0.35)), Some(pen));
    }
    let pen = Pen::solid(ALL, style.hair * 1.5);
    steps(&all).draw(&mut surface, &sheet.frame, None, Some(pen));
    let (low, high) = (sheet.frame.y.low, sheet.frame.y.high);
    let zero = Pen::dashed(INK, style.hair);
    sheet
        .frame
        .polyline(&mut surface, &[(0.0, low), (0.0, high)], zero);
    sheet.furnish(&mut surface);
    if most == 0.0 {
        write_reason(&mut surface, &style, sheet.frame.rect, "no data");
    }
    surface.into_png()
}

fn facts(pixels: u64, shown: u64) -> String {
    let all = format!("{} pixels", whole(pixels));
    if shown < pixels {
        format!("{all} · {} beyond the axis", whole(pixels - shown))
    } else {
        all
    }
}

fn legend(style: &Style, both: u64, post_only: u64) -> Legend {
    let patch = |colour, name: &str, pixels| {
        let text = format!("{name} ({})", whole(pixels));
        Entry::new(Sign::Patch(colour, 0.35), text)
    };
    let line = Sign::Line(Pen::solid(ALL, style.hair * 1.5));
    Legend {
        entries: vec![
            Entry::new(line, "all pixels"),
            patch(PRE, "both positive", both),
            patch(POST, "post only", post_only),
        ],
    }
}

/// The places to show, and how many go into a bin. Zero lies in the middle of one, so that both signs are treated alike.
fn bins(all: &[u64]) -> (std::ops::Range<usize>, usize) {
    let zero = ZERO_DIFFERENCE;
    let used = occupied(all, BEYOND_SHARE).unwrap_or(zero..zero + 1);
    let (below, above) = (
        zero.saturating_sub(used.start),
        used.end.saturating_sub(zero + 1),
    );
    let (below, above) = (below.max(MIN_REACH), above.max(MIN_REACH));
    let places = below + above + 1;
    let mut width = 1;
    if places > MAX_BINS {
        // An odd number of strides, so that as many lie on either side of zero.
        let stride = stride(all, zero);
        width = (places.div_ceil(MAX_BINS).div_ceil(stride) | 1) * stride;
    }
    let half = width / 2;
    let bins = |reach: usize| reach.saturating_sub(half).div_ceil(width);
    let (below, above) = (bins(below), bins(above + 1 - width % 2));
    let start = zero.saturating_sub(half + below * width);
    let end = start + (below + 1 + above) * width;
    (start..end.min(all.len()), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_lies_in_the_middle_of_a_bin_and_everything_is_covered() {
        for (below, above) in [
            (0, 0),
            (5, 3),
            (100, 255),
            (4000, 9000),
            (65_000, 65_000),
            (0, 3000),
        ] {
            let mut all = vec![0u64; 131_072];
            all[ZERO_DIFFERENCE - below..=ZERO_DIFFERENCE + above].fill(1);
            let (range, width) = bins(&all);
            assert!(range.start <= ZERO_DIFFERENCE - below);
            assert!(range.end > ZERO_DIFFERENCE + above);
            assert_eq!((ZERO_DIFFERENCE - width / 2 - range.start) % width, 0);
            assert!(
                range.len().div_ceil(width) <= MAX_BINS + 2,
                "{below} {above}"
            );
        }
    }

    #[test]
    fn bins_follow_the_stride_of_the_data() {
        let mut all = vec![0u64; 131_072];
        for i in (ZERO_DIFFERENCE - 16_000..ZERO_DIFFERENCE + 16_000).step_by(16) {
            all[i] = 10;
        }
        let (_, width) = bins(&all);
        assert!(width.is_multiple_of(16) && width / 16 % 2 == 1, "{width}");
        assert!(width > 16);
    }
}
