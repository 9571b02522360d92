//! Pictures inside the page: which encoding, how large, and as a `data:` URL.

use super::narrow::narrowed;
use super::palette::as_palette_png;
use crate::draw::image::{Reduce, resized};
use crate::jpeg::{self, Quality};
use crate::picture::PictureKind;
use data_encoding::BASE64;
use ndarray::Array2;
use std::borrow::Cow;
use std::fmt::Display;
use std::io::Cursor;
use tiny_skia::{IntSize, Pixmap};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// What the pictures of a task may have together, bytes: about 0.7 MB of page, where each byte takes one and a third.
const TASK_BYTES: usize = 500_000;
/// A PNG of at most so many bytes is embedded as it is.
const SMALL_BYTES: usize = 20_000;
/// A JPEG is taken only where it is smaller than the PNG by this factor.
const WORTH_IT: f64 = 0.75;
/// Widths that are tried, px: as wide as a page shows a picture, and then narrower. The file beside the page has every pixel.
const WIDTHS_PX: [u32; 5] = [1400, 1000, 800, 640, 520];
/// The same of charts, whose lines and type a narrower page keeps better than a JPEG.
const CHART_WIDTHS_PX: [u32; 3] = [1100, 900, 750];
/// Tried in this order. Lines and type are clean in the first.
const QUALITIES: [Quality; 4] = [
    quality(85, true),
    quality(75, false),
    quality(60, false),
    quality(45, false),
];
/// Of grey images likewise.
const GREY_QUALITIES: [u8; 3] = [80, 65, 50];
/// Longer sides of grey images that are tried, px.
const GREY_SIDES_PX: [usize; 5] = [1600, 1200, 900, 700, 520];

/// How a picture is embedded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// What it may have, bytes.
    enough: usize,
    /// Whether it is all lines and type, which a narrower page keeps better than a JPEG.
    is_chart: bool,
}

impl Room {
    pub(super) fn of(kind: PictureKind) -> Self {
        let (enough, is_chart) = match kind {
            PictureKind::DifferenceImage => (38_000, false),
            PictureKind::Microbes | PictureKind::MicrobeGallery => (30_000, false),
            PictureKind::Registration
            | PictureKind::FineAlignment
            | PictureKind::RegistrationResidual => (22_000, false),
            PictureKind::PrePostHeatmap
            | PictureKind::ExcessHeatmap
            | PictureKind::PrePostHistograms
            | PictureKind::RatioHistogram
            | PictureKind::DifferenceHistogram
            | PictureKind::MicrobeDensity
            | PictureKind::MicrobeFluxes
            | PictureKind::MicrobeSizes
            | PictureKind::SignificanceHistogram => (24_000, true),
        };
        Self { enough, is_chart }
    }
}

/// What the images that are compared may have together, given what the pictures have taken, bytes.
pub(super) fn left_for_comparison(taken: usize) -> usize {
    const LEAST: usize = 110_000;
    TASK_BYTES.saturating_sub(taken).max(LEAST)
}

const fn quality(level: u8, sharp_colours: bool) -> Quality {
    Quality {
        level,
        sharp_colours,
    }
}

/// An image that a browser can show.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Embedded<'a> {
    pub(super) mime: &'static str,
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl<'a> Embedded<'a> {
    /// A PNG of about as many bytes as it has room for: as it is, with a palette where it has few colours, or as JPEG. None if it cannot be read.
    pub(super) fn png(bytes: &'a [u8], room: Room) -> Option<Self> {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().ok()?;
        let (width, height) = reader.info().size();
        let mut pixels = vec![0; reader.output_buffer_size()?];
        let frame = reader.next_frame(&mut pixels).ok()?;
        pixels.truncate(frame.buffer_size());
        let whole = |bytes| Self {
            mime: "image/png",
            bytes,
            width: width as usize,
            height: height as usize,
        };
        if bytes.len() <= SMALL_BYTES || frame.color_type != png::ColorType::Rgb {
            return Some(whole(Cow::Borrowed(bytes)));
        }
        if let Some(chart) = with_palette(&pixels, (width, height), room) {
            return Some(chart);
        }
        let smaller = as_jpeg(&pixels, (width, height), room.enough)
            .filter(|jpeg| (jpeg.bytes.len() as f64) < WORTH_IT * bytes.len() as f64);
        Some(smaller.unwrap_or_else(|| whole(Cow::Borrowed(bytes))))
    }

    /// The `data:` URL, encoded as it is written. Its alphabet has nothing that HTML would have to escape.
    pub(super) fn url(&self) -> impl Display + '_ {
        DataUrl(self)
    }
}

/// Two grey JPEGs of the same size, of about `enough` bytes together at most: as they are, or both at the same smaller size. None if they
/// cannot be read or are not of one size.
pub(super) fn grey_pair<'a>(images: [&'a [u8]; 2], enough: usize) -> Option<[Embedded<'a>; 2]> {
    let embedded = |bytes, (width, height)| Embedded {
        mime: "image/jpeg",
        bytes,
        width,
        height,
    };
    let [size, other] = images.map(jpeg_size);
    let size = size.filter(|_| size == other)?;
    if images.iter().map(|bytes| bytes.len()).sum::<usize>() <= enough {
        return Some(images.map(|bytes| embedded(Cow::Borrowed(bytes), size)));
    }
    let [post, aligned] = images.map(|bytes| grey_levels(bytes, size));
    let planes = [post?, aligned?];
    let longer = size.0.max(size.1);
    let mut best = None;
    for side in GREY_SIDES_PX {
        let side = side.min(longer);
        let small = (size.0 * side / longer, size.1 * side / longer);
        let small = (small.0.max(1), small.1.max(1));
        let encoded = planes.each_ref().map(|plane| {
            let levels = resized(plane.view(), small.0, small.1, Reduce::Mean);
            let levels: Vec<u8> = levels.iter().map(|level| level.round() as u8).collect();
            jpeg::grey(&levels, small, &GREY_QUALITIES, enough / 2).ok()
        });
        let [post, aligned] = encoded;
        let (post, aligned) = (post?, aligned?);
        let is_enough = post.len() + aligned.len() <= enough;
        best = Some([post, aligned].map(|jpeg| embedded(Cow::Owned(jpeg), small)));
        if is_enough {
            break;
        }
    }
    best
}

/// Width and height of a JPEG, if it is one.
pub(super) fn jpeg_size(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut decoder = JpegDecoder::new(ZCursor::new(bytes));
    decoder.decode_headers().ok()?;
    decoder.dimensions()
}

fn grey_levels(bytes: &[u8], (width, height): (usize, usize)) -> Option<Array2<f32>> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let levels = decoder.decode().ok()?;
    let plane = Array2::from_shape_vec((height, width), levels).ok()?;
    Some(plane.mapv(f32::from))
}

struct DataUrl<'a>(&'a Embedded<'a>);

impl Display for DataUrl<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Embedded { mime, bytes, .. } = self.0;
        write!(f, "data:{mime};base64,{}", BASE64.encode_display(bytes))
    }
}

/// Red, green and blue as a PNG with a palette, a chart at the widest of [`CHART_WIDTHS_PX`] that it has room for; `None` where it has
/// too many colours for one, or is too large.
fn with_palette(pixels: &[u8], size: (u32, u32), room: Room) -> Option<Embedded<'static>> {
    let Room { enough, is_chart } = room;
    let whole = as_palette_png(pixels, size)?;
    let embedded = |png, (width, height): (u32, u32)| Embedded {
        mime: "image/png",
        bytes: Cow::Owned(png),
        width: width as usize,
        height: height as usize,
    };
    if whole.len() <= enough {
        return Some(embedded(whole, size));
    }
    if !is_chart {
        return None;
    }
    let mut map = pixmap(pixels, size)?;
    for width in CHART_WIDTHS_PX.into_iter().filter(|width| *width < size.0) {
        map = narrowed(&map, width)?;
        let narrow: Vec<u8> = map
            .data()
            .chunks_exact(4)
            .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect();
        let size = (map.width(), map.height());
        let png = as_palette_png(&narrow, size).filter(|png| png.len() <= enough);
        if let Some(png) = png {
            return Some(embedded(png, size));
        }
    }
    None
}

/// Red, green and blue, row by row, as what can be drawn.
fn pixmap(pixels: &[u8], (width, height): (u32, u32)) -> Option<Pixmap> {
    let opaque = pixels
        .chunks_exact(3)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], u8::MAX])
        .collect();
    Pixmap::from_vec(opaque, IntSize::from_wh(width, height)?)
}

/// Red, green and blue as JPEG: the widest of [`WIDTHS_PX`] that has at most `enough` bytes, or the narrowest.
fn as_jpeg(pixels: &[u8], (width, height): (u32, u32), enough: usize) -> Option<Embedded<'static>> {
    let mut map = pixmap(pixels, (width, height))?;
    let mut best = None;
    for (turn, width) in WIDTHS_PX.into_iter().enumerate() {
        if map.width() > width {
            map = narrowed(&map, width)?;
        }
        let (width, height) = (map.width() as usize, map.height() as usize);
        let is_narrowest = turn + 1 == WIDTHS_PX.len();
        let may_be_enough =
            || jpeg::may_be_enough(map.data(), (width, height), &QUALITIES, enough).ok();
        if !is_narrowest && !may_be_enough()? {
            continue;
        }
        let jpeg = jpeg::colours(map.data(), (width, height), &QUALITIES, enough).ok()?;
        let is_enough = jpeg.len() <= enough;
        best = Some(Embedded {
            mime: "image/jpeg",
            bytes: Cow::Owned(jpeg),
            width,
            height,
        });
        if is_enough {
            break;
        }
    }
    best
}
