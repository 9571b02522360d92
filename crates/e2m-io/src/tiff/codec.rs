//! Strips and tiles that are images of their own: JPEG, JPEG 2000, WebP. They are decoded in one go.

use super::layout::ImageLayout;
use super::problem::{ByteBudget, TiffProblem};
use super::tags::{ByteOrder, Compression, SampleKind};
use super::{jpeg, jpeg2000, webp};
use crate::section::read_exact_at;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The image that a strip or tile should hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) width: usize,
    /// Rows; the stream may have more, which fall away.
    pub(super) rows: usize,
    /// Rows of a strip or tile that is not the last.
    pub(super) whole_rows: usize,
    pub(super) samples: usize,
    /// `U8`, `U16`, or `I16`.
    pub(super) kind: SampleKind,
    /// Whether three samples are YCbCr where the stream does not say what they are.
    pub(super) ycbcr: bool,
}

impl Wanted {
    /// Fails where a stream holds another image. Before it is decoded: a header may promise far more than the chunk holds.
    pub(super) fn check(self, width: usize, rows: usize, samples: usize) -> Result<(), String> {
        if width == self.width && rows >= self.rows && samples == self.samples {
            return Ok(());
        }
        Err(format!(
            "it holds {width} x {rows} pixels of {samples} samples where {} x {} of {} belong",
            self.width, self.rows, self.samples
        ))
    }
}

/// Bytes that decoding takes for each sample, the result with them.
///
/// JPEG: 16 bit coefficients of progressive streams and the result; the lossless decoder holds it in words several times. JPEG 2000:
/// floats as coefficients and as samples, and bookkeeping for each block (17 bytes were measured for grey). WebP: colours with alpha,
/// and copies (3 bytes).
fn bytes_per_sample(layout: &ImageLayout) -> u64 {
    match (layout.compression, layout.sample) {
        (Compression::Jpeg, SampleKind::U8) if layout.is_lossless_jpeg => 8,
        (Compression::Jpeg, SampleKind::U8) => 3,
        (Compression::Jpeg, _) => 16,
        (Compression::Jpeg2000, _) => 24,
        _ => 8,
    }
}

/// What decoding the largest chunk holds at most, bytes.
pub(super) fn decoding_bytes(layout: &ImageLayout) -> u64 {
    if !layout.compression.is_image() {
        return 0;
    }
    let chunk = layout.chunk_size();
    let samples = (chunk.pixels()).saturating_mul(layout.chunk_samples() as u64);
    let longest = layout.lengths.iter().copied().max().unwrap_or(0);
    // The stream is there twice where tables are put before it.
    samples
        .saturating_mul(bytes_per_sample(layout))
        .saturating_add(longest.saturating_mul(2))
}

/// The samples of a chunk: at least `rows` full rows of the chunk's width, in the order [`SAMPLE_ORDER`].
pub(super) fn decode(
    layout: &ImageLayout,
    file: &File,
    number: usize,
    rows: usize,
) -> Result<Vec<u8>, TiffProblem> {
    let name = || format!("{} {}", layout.compression, layout.chunk_name(number));
    ByteBudget::CHUNK.check(decoding_bytes(layout), || format!("decoding {}", name()))?;
    let mut stream = vec![0; layout.lengths[number] as usize];
    read_exact_at(file, &mut stream, layout.offsets[number])?;
    let wanted = Wanted {
        width: layout.chunk_size().width,
        rows,
        whole_rows: layout.chunk_size().height.max(rows),
        samples: layout.chunk_samples(),
        kind: layout.sample,
        ycbcr: layout.is_ycbcr,
    };
    // These decoders are others' work, and streams may be damaged in any way: what makes one panic is a damaged stream.
    let decoded = catch_unwind(AssertUnwindSafe(|| match layout.compression {
        Compression::Jpeg => jpeg::decode(wanted, layout.jpeg_tables.as_deref(), stream),
        Compression::Jpeg2000 => jpeg2000::decode(wanted, &stream),
        _ => webp::decode(wanted, &stream),
    }));
    let decoded = decoded.unwrap_or_else(|_| Err("its decoder gave up".to_owned()));
    let bytes = decoded.map_err(|what| TiffProblem::damaged(format!("{}: {what}", name())))?;
    let needed = layout.chunk_row_bytes() as usize * rows;
    if bytes.len() < needed {
        let held = bytes.len();
        return Err(TiffProblem::damaged(format!(
            "{}: it holds {held} bytes where {needed} belong",
            name()
        )));
    }
    Ok(bytes)
}

/// The order of the bytes that decoders give.
pub(super) const SAMPLE_ORDER: ByteOrder = ByteOrder::Little;

/// Turns YCbCr of full range into red, green and blue (ITU-R BT.601, as JFIF has it).
pub(super) fn to_rgb(pixels: &mut [u8]) {
    for pixel in pixels.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(f32::from);
        let (cb, cr) = (cb - 128.0, cr - 128.0);
        let (red, green, blue) = (
            y + 1.402 * cr,
            y - 0.344_136 * cb - 0.714_136 * cr,
            y + 1.772 * cb,
        );
        // Conversion of a float to a byte stays within its range.
        *pixel = [red, green, blue].map(|colour| colour.round() as u8);
    }
}
