//! `registration`: what the coarse alignment saw and did.

use crate::draw::colour::{ColourMap, OVERLAY};
use crate::draw::crop::Crop;
use crate::draw::image::percentiles;
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::page::{Header, Style};
use crate::draw::panels::{Drawn, Paint, Panel, draw_panels};
use crate::draw::surface::Pen;
use crate::{PlotError, Preview, Title};
use ndarray::{Array2, Zip};

pub(super) const PAGE_PX: f64 = 2000.0;
const MAX_PANEL_HEIGHT_PX: f64 = 900.0;
pub(super) const POST_RING: [u8; 3] = [0, 229, 255];
pub(super) const PRE_RING: [u8; 3] = [255, 64, 220];
/// The share of |difference| within the colours.
const WITHIN_SHARE: f64 = 0.98;

/// A ring or any other line: points `(x, y)` in full-resolution px of the preview's frame.
pub type Contour = Vec<(f64, f64)>;

/// What [`draw_registration`] draws. The previews share size and factor.
#[derive(Debug, Clone, Copy)]
pub struct RegistrationPicture<'a, 'p> {
    /// Sample and dye.
    pub title: &'a Title,
    /// How the alignment was found, as in `boundary` or `features`; empty if that is not known.
    pub method: &'a str,
    /// Post on the canvas.
    pub post: Preview<'p>,
    /// Pre on the canvas as it was taken.
    pub pre: Preview<'p>,
    /// Pre warped by the coarse alignment.
    pub aligned: Preview<'p>,
    /// The rings around post; may be empty.
    pub post_contours: &'a [Contour],
    /// The rings around pre as it was taken.
    pub pre_contours: &'a [Contour],
    /// The same after the coarse alignment.
    pub aligned_contours: &'a [Contour],
}

/// Draws four panels: post with its ring, pre with its ring, both after the coarse alignment, post in green and pre in magenta,
/// and the difference `post - aligned pre`, unscaled: a PNG of 2,000 px width.
///
/// Where both are as bright, measured by the range of each, their colours add up to grey; padding all around is cut off.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_registration(picture: &RegistrationPicture<'_, '_>) -> Result<Vec<u8>, PlotError> {
    let style = Style::for_width(PAGE_PX).smaller();
    let difference = difference(&picture.post, &picture.aligned);
    let limit = limit(&difference);
    let line = style.hair * 1.4;
    let post_ring = Pen::solid(POST_RING, line);
    // Below the other ring, and seen on either side of it.
    let wide_post_ring = Pen::solid(POST_RING, line * 2.6);
    let pre_ring = Pen::solid(PRE_RING, line);
    let before = Pen::dashed(PRE_RING, line * 0.8);
    let grey = Paint::Brightness(ColourMap::Grey);
    let crop = Crop::to_content(&[&picture.post, &picture.pre, &picture.aligned]);
    let mut panels = [
        panel(
            "post (counts)",
            crop.of(picture.post.reborrow()),
            grey,
            vec![(picture.post_contours, post_ring)],
        ),
        panel(
            "pre as taken (counts)",
            crop.of(picture.pre.reborrow()),
            grey,
            vec![(picture.pre_contours, pre_ring)],
        ),
        panel(
            "both after the alignment",
            crop.of(picture.post.reborrow()),
            Paint::Overlay(crop.of(picture.aligned.reborrow()).0),
            vec![
                (picture.pre_contours, before),
                (picture.post_contours, wide_post_ring),
                (picture.aligned_contours, pre_ring),
            ],
        ),
        panel(
            "post − pre (counts)",
            crop.of(Preview {
                pixels: difference.view(),
                ..picture.post.reborrow()
            }),
            Paint::Difference(limit),
            Vec::new(),
        ),
    ];
    // Pre as it was taken may have pixels of another size.
    for panel in [0, 2, 3] {
        panels[panel].um_per_px = picture.title.um_per_px;
    }
    let mut header = Header::new(picture.title, "registration");
    if !picture.method.is_empty() {
        header = header.line(format!("coarse alignment by {}", picture.method));
    }
    let mut entries = vec![
        Entry::new(Sign::Patch(OVERLAY[0], 1.0), "post alone"),
        Entry::new(Sign::Patch(OVERLAY[1], 1.0), "pre alone"),
        Entry::new(Sign::Patch([190; 3], 1.0), "both alike"),
    ];
    if !picture.post_contours.is_empty() {
        entries.push(Entry::new(Sign::LineOnDark(post_ring), "ring of post"));
    }
    if !picture.aligned_contours.is_empty() {
        entries.push(Entry::new(Sign::LineOnDark(pre_ring), "ring of pre"));
        entries.push(Entry::new(Sign::LineOnDark(before), "before the alignment"));
    }
    draw_panels(
        style,
        &header,
        &Legend { entries },
        &panels,
        2,
        MAX_PANEL_HEIGHT_PX,
    )
}

fn panel<'a>(
    caption: &str,
    (preview, origin): (Preview<'a>, (f64, f64)),
    paint: Paint<'a>,
    contours: Vec<Drawn<'a>>,
) -> Panel<'a> {
    Panel {
        caption: caption.into(),
        preview,
        origin,
        paint,
        with_bar: !matches!(paint, Paint::Overlay(_)),
        contours,
        um_per_px: None,
    }
}

/// Over what both previews have; NaN where neither has signal.
fn difference(post: &Preview<'_>, aligned: &Preview<'_>) -> Array2<f32> {
    if post.pixels.dim() != aligned.pixels.dim() {
        return Array2::from_elem(post.pixels.dim(), f32::NAN);
    }
    Zip::from(post.pixels)
        .and(aligned.pixels)
        .map_collect(|&post, &pre| {
            if post > 0.0 || pre > 0.0 {
                post - pre
            } else {
                f32::NAN
            }
        })
}

fn limit(difference: &Array2<f32>) -> f64 {
    let magnitudes = difference
        .iter()
        .map(|v| v.abs())
        .filter(|v| v.is_finite())
        .collect();
    percentiles(magnitudes, [WITHIN_SHARE])
        .map(|[limit]| limit)
        .filter(|limit| *limit > 0.0)
        .unwrap_or(1.0)
}
