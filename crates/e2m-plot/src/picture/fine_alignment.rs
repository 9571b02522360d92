//! `fine_alignment`: what ICP changed on the coarse alignment.

use super::registration::{Contour, PAGE_PX, POST_RING, PRE_RING};
use crate::draw::colour::ColourMap;
use crate::draw::crop::Crop;
use crate::draw::legend::{Entry, Legend, Sign};
use crate::draw::number::length_px;
use crate::draw::page::{Header, Style};
use crate::draw::panels::{Paint, Panel, draw_panels};
use crate::draw::surface::Pen;
use crate::{PlotError, Preview, Title};
use ndarray::s;

const MAX_PANEL_HEIGHT_PX: f64 = 900.0;
/// Panels wider than this many times their height stand one above the other.
const STACKED_PROPORTION: usize = 2;
const REFINED: [u8; 3] = [255, 225, 0];
/// The close-up is this many times as wide as the largest displacement …
const CLOSE_UP_DISPLACEMENTS: f64 = 10.0;
/// … but at least this many preview px.
const CLOSE_UP_MIN_PX: f64 = 24.0;

/// The ring of pre before ICP, in the legend.
const COARSE: &str = "pre, coarse";

/// What [`draw_fine_alignment`] draws. Contours are in full-resolution px of the preview's frame.
#[derive(Debug, Clone, Copy)]
pub struct FineAlignmentPicture<'a, 'p> {
    /// Sample and dye.
    pub title: &'a Title,
    /// Post on the canvas.
    pub post: Preview<'p>,
    /// The rings around post.
    pub post_contours: &'a [Contour],
    /// The rings around pre after the coarse alignment.
    pub coarse_contours: &'a [Contour],
    /// The same rings, point by point, after ICP.
    pub refined_contours: &'a [Contour],
}

/// Draws the rings of pre before and after ICP over post and its ring, on the whole section and close up where ICP moved
/// them most: a PNG of 2,000 px width.
///
/// # Errors
/// [`PlotError`] if the picture cannot be encoded.
pub fn draw_fine_alignment(picture: &FineAlignmentPicture<'_, '_>) -> Result<Vec<u8>, PlotError> {
    let style = Style::for_width(PAGE_PX).smaller();
    let line = style.hair * 1.4;
    // Wide, so that it is seen beside what comes to lie on it.
    let post = Pen::solid(POST_RING, line * 2.2);
    let coarse = Pen::dashed(PRE_RING, line);
    let refined = Pen::solid(REFINED, line);
    let moved = Moved::between(picture.coarse_contours, picture.refined_contours);
    let panel = |caption: &str, (preview, origin)| Panel {
        caption: caption.into(),
        preview,
        origin,
        paint: Paint::Brightness(ColourMap::Backdrop),
        with_bar: false,
        contours: vec![
            (picture.post_contours, post),
            (picture.coarse_contours, coarse),
            (picture.refined_contours, refined),
        ],
        um_per_px: picture.title.um_per_px,
    };
    let crop = Crop::to_content(&[&picture.post]);
    let whole = crop.of(picture.post.reborrow());
    let (rows, columns) = whole.0.pixels.dim();
    let mut panels = vec![panel("whole section", whole)];
    let mut header = Header::new(picture.title, "fine alignment");
    let rings = [
        (picture.post_contours, post, "ring of post"),
        (picture.coarse_contours, coarse, COARSE),
        (picture.refined_contours, refined, "pre, refined"),
    ];
    if rings.iter().all(|(contours, ..)| contours.is_empty()) {
        header = header.line("no ring was found or looked for: the alignment is by features");
    }
    if let Some(moved) = &moved {
        let (line, caption) = moved.in_words();
        header = header.line(line);
        panels.push(panel(caption, close_up(picture.post.reborrow(), moved)));
    }
    // What lies under the refined ring, point for point, is not seen.
    let unmoved = picture.coarse_contours == picture.refined_contours;
    let entries = rings
        .into_iter()
        .filter(|(contours, ..)| !contours.is_empty())
        .filter(|(.., name)| !(unmoved && *name == COARSE))
        .map(|(_, pen, name)| Entry::new(Sign::LineOnDark(pen), name))
        .collect();
    let beside = columns < STACKED_PROPORTION * rows;
    let in_a_row = if beside { panels.len() } else { 1 };
    draw_panels(
        style,
        &header,
        &Legend { entries },
        &panels,
        in_a_row,
        MAX_PANEL_HEIGHT_PX,
    )
}

/// How far points moved, full-resolution px, and where they moved most.
struct Moved {
    median: f64,
    most: f64,
    at: (f64, f64),
}

impl Moved {
    /// `None` where the contours do not correspond point by point, or have no finite points.
    fn between(coarse: &[Contour], refined: &[Contour]) -> Option<Self> {
        let same = coarse.len() == refined.len()
            && coarse.iter().zip(refined).all(|(a, b)| a.len() == b.len());
        if !same {
            return None;
        }
        let mut moved: Vec<(f64, (f64, f64))> = coarse
            .iter()
            .flatten()
            .zip(refined.iter().flatten())
            .map(|(a, b)| ((b.0 - a.0).hypot(b.1 - a.1), *b))
            .filter(|(length, at)| length.is_finite() && at.0.is_finite() && at.1.is_finite())
            .collect();
        moved.sort_by(|a, b| a.0.total_cmp(&b.0));
        let &(most, at) = moved.last()?;
        let median = moved[moved.len() / 2].0;
        Some(Self { median, most, at })
    }

    /// A line above the picture, and the caption of the close-up. Where the fit was not kept, nothing moved.
    fn in_words(&self) -> (String, &'static str) {
        if self.most == 0.0 {
            let line = "the ring of pre is where the coarse alignment put it";
            return (line.to_owned(), "close up");
        }
        let line = format!(
            "ICP moved the ring by {} in the median, {} at most",
            length_px(self.median),
            length_px(self.most)
        );
        (line, "where it moved most")
    }
}

/// A part of the preview about the point that moved most, of the proportions of the whole, and where it begins.
fn close_up<'a>(post: Preview<'a>, moved: &Moved) -> (Preview<'a>, (f64, f64)) {
    let (rows, columns) = post.pixels.dim();
    let wanted = (CLOSE_UP_DISPLACEMENTS * moved.most / post.factor).max(CLOSE_UP_MIN_PX);
    let share = (wanted / columns.max(1) as f64).min(1.0);
    let part = |side: usize, at: f64| {
        let length = ((side as f64 * share).ceil() as usize)
            .clamp(1, side.max(1))
            .min(side);
        let middle = ((at + 0.5) / post.factor - length as f64 / 2.0).max(0.0);
        let start = (middle as usize).min(side - length);
        start..start + length
    };
    let (x, y) = (part(columns, moved.at.0), part(rows, moved.at.1));
    let origin = (x.start as f64 * post.factor, y.start as f64 * post.factor);
    let pixels = post.pixels.slice_move(s![y, x]);
    (Preview { pixels, ..post }, origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_that_did_not_move_has_no_place_where_it_moved_most() {
        let ring: Vec<Contour> = vec![vec![(10.0, 10.0), (60.0, 10.0), (60.0, 40.0)]];
        let words = |by: f64| {
            let moved: Contour = ring[0].iter().map(|&(x, y)| (x + by, y)).collect();
            let moved = Moved::between(&ring, &[moved]).expect("rings of points");
            moved.in_words()
        };
        assert_eq!(words(0.0).1, "close up");
        assert!(!words(0.0).0.contains("0.00"), "{}", words(0.0).0);
        assert_eq!(words(0.5).1, "where it moved most");
        assert!(words(0.5).0.starts_with("ICP moved the ring by 0.50 px"));
    }
}
