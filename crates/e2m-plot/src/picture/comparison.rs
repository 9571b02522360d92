//! `comparison_post` and `comparison_aligned`: two bare images of the same frame, to be laid on top of each other.

use crate::draw::image::{LogStretch, Reduce, resized};
use crate::draw::page::Style;
use crate::draw::scale_bar::draw_scale_bar;
use crate::draw::surface::{Raster, Rect, Surface};
use crate::draw::text::Fonts;
use crate::{PlotError, Preview, jpeg};
use ndarray::{ArrayView2, s};
use std::ops::Range;

/// The longer side of the images at most, px: a phone can hold many of them.
const MAX_SIDE_PX: usize = 1500;
/// The bar is as large as on a page of this width, px.
const STYLE_PX: f64 = 1400.0;
/// An image should not be larger in bytes; noise makes it so, and noise bears a lower quality well.
const ENOUGH_BYTES: usize = 250_000;
/// Qualities tried in this order until the image is small enough.
const QUALITIES: [u8; 4] = [85, 70, 55, 40];

/// What [`draw_comparison`] draws. The previews share size and factor.
#[derive(Debug, Clone, Copy)]
pub struct ComparisonPicture<'p> {
    /// Post on the canvas.
    pub post: Preview<'p>,
    /// Aligned pre on the canvas.
    pub aligned: Preview<'p>,
    /// Micrometres per full-resolution px along x and y, where they are known: then both have a scale bar.
    pub um_per_px: Option<[f64; 2]>,
}

/// Two grey JPEGs of the same frame and size, and how large their pixels are.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonImages {
    /// Post.
    pub post: Vec<u8>,
    /// Aligned pre.
    pub aligned: Vec<u8>,
    /// Full-resolution px per px of the images, across.
    pub factor: f64,
}

/// Draws post and aligned pre as two grey images of exactly the same frame, without axes: JPEGs of at most 1,500 px on
/// the longer side.
///
/// Rows and columns at the rim where neither has a positive number are cut off: padding. Each image is stretched
/// logarithmically between its own 1st and 99.5th percentile, so that a factor between the two is not seen. What is not a
/// number is black. A bar of a round length lies in the corner where the size of a pixel is known. Without a positive number anywhere both are black and uncut.
///
/// # Errors
/// [`PlotError::FramesDiffer`] if the previews are not of the same size; another [`PlotError`] if they cannot be encoded,
/// as where they have no pixels.
pub fn draw_comparison(picture: &ComparisonPicture<'_>) -> Result<ComparisonImages, PlotError> {
    let (post, aligned) = (picture.post.pixels, picture.aligned.pixels);
    if post.dim() != aligned.dim() {
        return Err(PlotError::FramesDiffer {
            post: post.dim(),
            aligned: aligned.dim(),
        });
    }
    let (rows, columns) = filled(post, aligned);
    let (height, width) = (rows.len(), columns.len());
    let most = height.max(width);
    let side = |side: usize| {
        if most <= MAX_SIDE_PX {
            side
        } else {
            ((side * MAX_SIDE_PX + most / 2) / most).max(1)
        }
    };
    let size = (side(width), side(height));
    let cut = s![rows, columns];
    let factor = picture.post.factor * width as f64 / size.0.max(1) as f64;
    let um_per_px = picture.um_per_px.map(|um| um.map(|um| um * factor));
    Ok(ComparisonImages {
        post: image(post.slice(cut), size, um_per_px)?,
        aligned: image(aligned.slice(cut), size, um_per_px)?,
        factor,
    })
}

/// The rows and columns between the first and the last that has something in either image.
fn filled(post: ArrayView2<'_, f32>, aligned: ArrayView2<'_, f32>) -> (Range<usize>, Range<usize>) {
    let (height, width) = post.dim();
    let mut rows = height..0;
    let mut columns = width..0;
    for image in [post, aligned] {
        for ((y, x), &value) in image.indexed_iter() {
            if value > 0.0 {
                rows = rows.start.min(y)..rows.end.max(y + 1);
                columns = columns.start.min(x)..columns.end.max(x + 1);
            }
        }
    }
    if rows.is_empty() {
        (0..height, 0..width)
    } else {
        (rows, columns)
    }
}

fn image(
    pixels: ArrayView2<'_, f32>,
    (width, height): (usize, usize),
    um_per_px: Option<[f64; 2]>,
) -> Result<Vec<u8>, PlotError> {
    let pixels = resized(pixels, width, height, Reduce::Mean);
    let stretch = LogStretch::of(pixels.view());
    let mut grey: Vec<u8> = pixels
        .iter()
        .map(|&value| {
            let share = stretch.map_or(0.0, |stretch| stretch.share(f64::from(value)));
            (share.clamp(0.0, 1.0) * 255.0).round() as u8
        })
        .collect();
    if um_per_px.is_some() {
        grey = with_scale_bar(grey, (width, height), um_per_px)?;
    }
    jpeg::grey(&grey, (width, height), &QUALITIES, ENOUGH_BYTES)
}

/// The same grey image with a bar in its corner.
fn with_scale_bar(
    grey: Vec<u8>,
    (width, height): (usize, usize),
    um_per_px: Option<[f64; 2]>,
) -> Result<Vec<u8>, PlotError> {
    let mut surface = Surface::new(width as f64, height as f64, Fonts::new()?)?;
    let pixels = grey.into_iter().map(|value| [value; 3]).collect();
    surface.raster(0, 0, &Raster { width, pixels });
    let rect = Rect::new(0.0, 0.0, width as f64, height as f64);
    let style = Style::for_width(STYLE_PX);
    draw_scale_bar(&mut surface, &style, rect, 1.0, um_per_px);
    Ok(surface.rgb().chunks_exact(3).map(|rgb| rgb[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;

    fn drawn(post: &Array2<f32>, aligned: &Array2<f32>) -> ComparisonImages {
        let preview = |pixels| Preview {
            pixels,
            factor: 4.0,
        };
        draw_comparison(&ComparisonPicture {
            post: preview(post.view()),
            aligned: preview(aligned.view()),
            um_per_px: None,
        })
        .expect("draws")
    }

    fn decoded(jpeg: &[u8]) -> Array2<u8> {
        let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        let pixels = decoder.decode().expect("a JPEG");
        let (width, height) = decoder.dimensions().expect("has a size");
        Array2::from_shape_vec((height, width), pixels).expect("grey")
    }

    /// A ramp in a frame of padding `(left, top, right, bottom)`.
    fn ramp(
        (width, height): (usize, usize),
        pad: [usize; 4],
        gain: f32,
        empty: f32,
    ) -> Array2<f32> {
        Array2::from_shape_fn((height, width), |(y, x)| {
            let inside =
                (pad[0]..width - pad[2]).contains(&x) && (pad[1]..height - pad[3]).contains(&y);
            if inside {
                gain * (10.0 + x as f32)
            } else {
                empty
            }
        })
    }

    #[test]
    fn padding_is_cut_as_far_as_both_leave_it_empty() {
        let post = ramp((200, 120), [20, 10, 40, 30], 1.0, f32::NAN);
        let aligned = ramp((200, 120), [30, 5, 25, 35], 1.0, 0.0);
        let images = drawn(&post, &aligned);
        let (post, aligned) = (decoded(&images.post), decoded(&images.aligned));
        assert_eq!(post.dim(), (120 - 5 - 30, 200 - 20 - 25));
        assert_eq!(aligned.dim(), post.dim());
        assert_eq!(images.factor, 4.0);
        assert!(post[(2, 60)] < 20, "no image is black");
        assert!(post[(40, 60)] > 60);
    }

    #[test]
    fn a_gain_is_not_seen_and_a_shift_is() {
        let post = ramp((160, 90), [0; 4], 3.7, 0.0);
        let alike = drawn(&post, &ramp((160, 90), [0; 4], 1.0, 0.0));
        assert_eq!(alike.post, alike.aligned);
        let pre = ramp((160, 90), [30, 0, 0, 0], 1.0, 0.0);
        let shifted = drawn(&post, &pre);
        let (post, pre) = (decoded(&shifted.post), decoded(&shifted.aligned));
        assert!(post[(45, 24)] > pre[(45, 24)] + 30);
    }

    #[test]
    fn large_images_shrink_to_the_limit_and_keep_their_shape() {
        let post = ramp((3000, 1200), [0; 4], 1.0, 0.0);
        let images = drawn(&post, &post);
        assert_eq!(decoded(&images.post).dim(), (600, 1500));
        assert_eq!(images.factor, 8.0);
        let thin = ramp((4000, 1), [0; 4], 1.0, 0.0);
        assert_eq!(decoded(&drawn(&thin, &thin).post).dim(), (1, 1500));
    }

    #[test]
    fn noise_is_given_less_quality_and_all_is_repeatable() {
        let mut state = 1u32;
        let noise = Array2::from_shape_simple_fn((1500, 1500), || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            1.0 + (state >> 24) as f32
        });
        let images = drawn(&noise, &noise);
        let best = {
            let stretch = LogStretch::of(noise.view()).expect("positive");
            let grey: Vec<u8> = noise
                .iter()
                .map(|&v| (stretch.share(f64::from(v)).clamp(0.0, 1.0) * 255.0).round() as u8)
                .collect();
            jpeg::grey(&grey, (1500, 1500), &QUALITIES[..1], 0).expect("encodes")
        };
        assert!(images.post.len() < best.len() * 3 / 4);
        assert_eq!(images, drawn(&noise, &noise));
    }

    #[test]
    fn nothing_is_black_and_different_frames_are_refused() {
        let nothing = Array2::from_elem((20, 30), f32::NAN);
        let images = drawn(&nothing, &Array2::zeros((20, 30)));
        assert_eq!(decoded(&images.post).dim(), (20, 30));
        assert!(decoded(&images.aligned).iter().all(|&v| v < 3));
        let other = Array2::zeros((20, 31));
        let refused = draw_comparison(&ComparisonPicture {
            post: Preview {
                pixels: nothing.view(),
                factor: 1.0,
            },
            aligned: Preview {
                pixels: other.view(),
                factor: 1.0,
            },
            um_per_px: None,
        });
        assert!(matches!(
            refused,
            Err(PlotError::FramesDiffer {
                post: (20, 30),
                aligned: (20, 31)
            })
        ));
    }
}
