//! Pictures inside the page: which encoding, how large, and as a `data:` URL.

use crate::jpeg;
use data_encoding::BASE64;
use std::borrow::Cow;
use std::fmt::Display;
use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

/// A smaller PNG is embedded as it is.
const LARGE_BYTES: usize = 150_000;
/// A JPEG is taken only where it is smaller than the PNG by this factor; charts are not.
const WORTH_IT: f64 = 0.75;
/// Lines and type stay clean at this quality.
const QUALITY: u8 = 85;

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
        let (width, height) = (width as usize, height as usize);
        let smaller = (bytes.len() > LARGE_BYTES)
            .then(|| as_jpeg(&mut reader, (width, height)))
            .flatten()
            .filter(|jpeg| (jpeg.len() as f64) < WORTH_IT * bytes.len() as f64);
        let (mime, bytes) = match smaller {
            Some(jpeg) => ("image/jpeg", Cow::Owned(jpeg)),
            None => ("image/png", Cow::Borrowed(bytes)),
        };
        Some(Self {
            mime,
            bytes,
            width,
            height,
        })
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

fn as_jpeg(reader: &mut png::Reader<Cursor<&[u8]>>, size: (usize, usize)) -> Option<Vec<u8>> {
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut pixels).ok()?;
    pixels.truncate(frame.buffer_size());
    match frame.color_type {
        png::ColorType::Rgb => jpeg::colours(&pixels, size, QUALITY).ok(),
        png::ColorType::Grayscale => jpeg::grey(&pixels, size, QUALITY).ok(),
        _ => None,
    }
}
