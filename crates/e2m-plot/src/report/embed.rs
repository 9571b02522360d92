//! Pictures inside the page: which encoding, how large, and as a `data:` URL.

use crate::jpeg::{self, Quality};
use data_encoding::BASE64;
use std::borrow::Cow;
use std::fmt::Display;
use std::io::Cursor;
use tiny_skia::{Color, FilterQuality, IntSize, Pixmap, PixmapPaint, Transform};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

/// A PNG of at most so many bytes is embedded as it is: charts are.
const LARGE_BYTES: usize = 150_000;
/// A JPEG has at most so many where its quality allows, which makes about 2 MB of page for a task with all pictures.
const ENOUGH_BYTES: usize = 200_000;
/// A JPEG is taken only where it is smaller than the PNG by this factor.
const WORTH_IT: f64 = 0.75;
/// A JPEG is at most so wide: as wide as a page shows it. The file beside the page has every pixel.
const WIDTH_PX: u32 = 1400;
/// Tried in this order. Lines and type are clean in the first.
const QUALITIES: [Quality; 3] = [quality(85, true), quality(75, false), quality(60, false)];

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
    /// A PNG, or the same as JPEG where that is much smaller; none if it cannot be read.
    pub(super) fn png(bytes: &'a [u8]) -> Option<Self> {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().ok()?;
        let (width, height) = reader.info().size();
        let mut pixels = vec![0; reader.output_buffer_size()?];
        let frame = reader.next_frame(&mut pixels).ok()?;
        pixels.truncate(frame.buffer_size());
        let whole = Self {
            mime: "image/png",
            bytes: Cow::Borrowed(bytes),
            width: width as usize,
            height: height as usize,
        };
        if bytes.len() <= LARGE_BYTES || frame.color_type != png::ColorType::Rgb {
            return Some(whole);
        }
        let smaller = as_jpeg(&pixels, (width, height))
            .filter(|jpeg| (jpeg.bytes.len() as f64) < WORTH_IT * bytes.len() as f64);
        Some(smaller.unwrap_or(whole))
    }

    /// A JPEG as it is; none if it cannot be read.
    pub(super) fn jpeg(bytes: &'a [u8]) -> Option<Self> {
        let mut decoder = JpegDecoder::new(ZCursor::new(bytes));
        decoder.decode_headers().ok()?;
        let (width, height) = decoder.dimensions()?;
        Some(Self {
            mime: "image/jpeg",
            bytes: Cow::Borrowed(bytes),
            width,
            height,
        })
    }

    /// The `data:` URL, encoded as it is written. Its alphabet has nothing that HTML would have to escape.
    pub(super) fn url(&self) -> impl Display + '_ {
        DataUrl(self)
    }
}

struct DataUrl<'a>(&'a Embedded<'a>);

impl Display for DataUrl<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Embedded { mime, bytes, .. } = self.0;
        write!(f, "data:{mime};base64,{}", BASE64.encode_display(bytes))
    }
}

/// Red, green and blue as JPEG, narrowed to [`WIDTH_PX`].
fn as_jpeg(pixels: &[u8], (width, height): (u32, u32)) -> Option<Embedded<'static>> {
    let opaque = pixels
        .chunks_exact(3)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], u8::MAX])
        .collect();
    let mut map = Pixmap::from_vec(opaque, IntSize::from_wh(width, height)?)?;
    if width > WIDTH_PX {
        map = narrowed(&map)?;
    }
    let (width, height) = (map.width() as usize, map.height() as usize);
    let jpeg = jpeg::colours(map.data(), (width, height), &QUALITIES, ENOUGH_BYTES).ok()?;
    Some(Embedded {
        mime: "image/jpeg",
        bytes: Cow::Owned(jpeg),
        width,
        height,
    })
}

/// The same at a width of [`WIDTH_PX`]. Bilinear, which leaves nothing out as long as that is more than half.
fn narrowed(map: &Pixmap) -> Option<Pixmap> {
    let scale = f64::from(WIDTH_PX) / f64::from(map.width());
    let height = (f64::from(map.height()) * scale).round().max(1.0);
    let mut narrow = Pixmap::new(WIDTH_PX, height as u32)?;
    // The last row and column may be covered by a part only.
    narrow.fill(Color::WHITE);
    let paint = PixmapPaint {
        quality: FilterQuality::Bilinear,
        ..PixmapPaint::default()
    };
    let across = scale as f32;
    let down = (height / f64::from(map.height())) as f32;
    let shrink = Transform::from_scale(across, down);
    narrow.draw_pixmap(0, 0, map.as_ref(), &paint, shrink, None);
    Some(narrow)
}
