//! `close_ups_post` and `close_ups_aligned_pre`: a few places pixel by pixel, on two pages that can be laid on top of each other.

use crate::draw::colour::{ColourMap, INK};
use crate::draw::image::LogStretch;
use crate::draw::page::{Style, write_reason};
use crate::draw::scale_bar::draw_scale_bar;
use crate::draw::surface::{Raster, Rect, Surface};
use crate::draw::text::{Fonts, TextStyle};
use crate::{PlotError, jpeg};
use e2m_image::sample_bilinear;
use ndarray::{Array2, ArrayView2};

/// Type is as large as on a page of this width, px.
const STYLE_PX: f64 = 800.0;
/// Px on the page per pixel.
const MAGNIFICATION: usize = 2;
/// Places beside each other.
const COLUMNS: usize = 3;
/// What has no pixel.
const NOTHING: [u8; 3] = [225, 225, 225];
/// Of a page without any place, px.
const EMPTY_HEIGHT_PX: f64 = 120.0;
/// A page should not be larger in bytes; noise makes it so, and noise bears a lower quality well.
const ENOUGH_BYTES: usize = 150_000;
/// Qualities tried in this order until the page is small enough.
const QUALITIES: [u8; 4] = [85, 70, 55, 40];

/// One place at full resolution, a square in both images; NaN is no pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct CloseUp {
    /// Post, counts.
    pub post: Array2<f32>,
    /// Aligned pre, counts.
    pub aligned: Array2<f32>,
    /// Why this place, and where it is.
    pub caption: String,
}

/// What [`draw_close_ups`] draws.
#[derive(Debug, Clone, Copy)]
pub struct CloseUpsPicture<'a> {
    /// The places, all of one size.
    pub places: &'a [CloseUp],
    /// Width and height of each, px.
    pub side_px: usize,
    /// Micrometres per pixel along x and y, where they are known.
    pub um_per_px: Option<[f64; 2]>,
}

/// Two grey JPEGs of the same size, with the same places at the same positions.
#[derive(Debug, Clone, PartialEq)]
pub struct CloseUpsImages {
    /// Post.
    pub post: Vec<u8>,
    /// Aligned pre.
    pub aligned: Vec<u8>,
}

/// Draws places of post and of aligned pre as two pages, three places in a row, each twice as large with its caption and a bar of a
/// round length.
///
/// Every square is stretched logarithmically between its own 1st and 99.5th percentile, so that a factor between the images is not
/// seen. What is not a number is light grey.
///
/// # Errors
/// [`PlotError`] if a page cannot be encoded.
pub fn draw_close_ups(picture: &CloseUpsPicture<'_>) -> Result<CloseUpsImages, PlotError> {
    Ok(CloseUpsImages {
        post: page(picture, |place| place.post.view())?,
        aligned: page(picture, |place| place.aligned.view())?,
    })
}

fn page(
    picture: &CloseUpsPicture<'_>,
    shown: impl Fn(&CloseUp) -> ArrayView2<'_, f32>,
) -> Result<Vec<u8>, PlotError> {
    let fonts = Fonts::new()?;
    let style = Style::for_width(STYLE_PX).smaller();
    let caption = TextStyle::new(0.9 * style.tick).colour(INK);
    let side = (picture.side_px * MAGNIFICATION) as f64;
    let (gap, columns) = (style.gap.round(), COLUMNS as f64);
    let row_height = (side + 1.6 * caption.size + gap).ceil();
    let width = columns * (side + gap) + gap;
    let rows = picture.places.len().div_ceil(COLUMNS);
    let height = if rows == 0 {
        EMPTY_HEIGHT_PX
    } else {
        rows as f64 * row_height + gap
    };
    let mut surface = Surface::new(width, height.ceil(), fonts)?;
    if rows == 0 {
        let rect = Rect::new(0.0, 0.0, width, EMPTY_HEIGHT_PX);
        let reason = "no place has data in both images";
        write_reason(&mut surface, &style, rect, reason);
    }
    for (i, place) in picture.places.iter().enumerate() {
        let left = gap + (i % COLUMNS) as f64 * (side + gap);
        let top = gap + (i / COLUMNS) as f64 * row_height;
        let rect = Rect::new(left, top.round(), side, side);
        let raster = magnified(shown(place));
        surface.raster(rect.left as usize, rect.top as usize, &raster);
        let page_per_px = MAGNIFICATION as f64;
        draw_scale_bar(&mut surface, &style, rect, page_per_px, picture.um_per_px);
        let (text, fitted) = surface.fonts.fitted(&place.caption, caption, side);
        surface.text(&text, rect.left, rect.bottom() + 1.1 * caption.size, fitted);
    }
    let (width, height) = surface.size();
    // Everything on the page is grey.
    let grey: Vec<u8> = surface.rgb().chunks_exact(3).map(|rgb| rgb[1]).collect();
    let size = (width as usize, height as usize);
    jpeg::grey(&grey, size, &QUALITIES, ENOUGH_BYTES)
}

/// Interpolated between pixels: steps of a pixel would cost a JPEG more than the image itself.
fn magnified(image: ArrayView2<'_, f32>) -> Raster {
    let stretch = LogStretch::of(image);
    let (height, width) = image.dim();
    let mut pixels = Vec::with_capacity(height * width * MAGNIFICATION * MAGNIFICATION);
    let place = |i: usize, n: usize| {
        let middle = (i as f64 + 0.5) / MAGNIFICATION as f64 - 0.5;
        middle.clamp(0.0, n.saturating_sub(1) as f64)
    };
    for y in 0..height * MAGNIFICATION {
        for x in 0..width * MAGNIFICATION {
            let value = sample_bilinear(image, place(x, width), place(y, height));
            pixels.push(match stretch {
                Some(stretch) if value.is_finite() => {
                    ColourMap::Grey.at(stretch.share(f64::from(value)))
                }
                _ => NOTHING,
            });
        }
    }
    Raster {
        width: width * MAGNIFICATION,
        pixels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;

    const SIDE: usize = 128;

    fn decoded(jpeg: &[u8]) -> Array2<u8> {
        let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        let pixels = decoder.decode().expect("a JPEG");
        let (width, height) = decoder.dimensions().expect("has a size");
        Array2::from_shape_vec((height, width), pixels).expect("grey")
    }

    fn places(n: usize) -> Vec<CloseUp> {
        let of = |n: usize| CloseUp {
            // A ramp that darkens to the right, on post three times as bright.
            post: Array2::from_shape_fn((SIDE, SIDE), |(_, x)| 3.0 * (200 - x + n) as f32),
            aligned: Array2::from_shape_fn((SIDE, SIDE), |(y, x)| {
                if y < SIDE / 2 {
                    (200 - x + n) as f32
                } else {
                    f32::NAN
                }
            }),
            caption: format!("place {n}"),
        };
        (0..n).map(of).collect()
    }

    fn drawn(places: &[CloseUp]) -> [Array2<u8>; 2] {
        let images = draw_close_ups(&CloseUpsPicture {
            places,
            side_px: SIDE,
            um_per_px: Some([0.5, 0.5]),
        })
        .expect("draws");
        assert!(images.post.len() <= ENOUGH_BYTES && images.aligned.len() <= ENOUGH_BYTES);
        [decoded(&images.post), decoded(&images.aligned)]
    }

    #[test]
    fn a_factor_between_the_images_is_not_seen_and_what_is_missing_is_grey() {
        let [post, aligned] = drawn(&places(5));
        assert_eq!(post.dim(), aligned.dim());
        // The first place is within columns 20 to 250, and rows 20 to 250; the bar is in its lower left corner.
        for x in [40, 100, 160, 220] {
            let (a, b) = (post[(60, x)], aligned[(60, x)]);
            assert!(a.abs_diff(b) <= 3, "{a} and {b} at {x}");
        }
        assert!(post[(60, 40)] > post[(60, 220)] + 60);
        let missing = aligned[(230, 230)];
        assert!(missing.abs_diff(NOTHING[0]) <= 3, "{missing}");
    }

    #[test]
    fn rows_are_as_many_as_there_are_places_for() {
        let heights = [0, 1, 3, 4, 6].map(|n| drawn(&places(n))[0].nrows());
        assert!(heights[0] < heights[1]);
        assert_eq!(heights[1], heights[2]);
        assert_eq!(heights[3], heights[4]);
        assert!(heights[3] > heights[2] + SIDE);
    }
}
