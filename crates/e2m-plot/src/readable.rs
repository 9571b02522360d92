//! Whether a picture that was drawn once can still be read.

use std::io::Cursor;
use thiserror::Error;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

/// What PNGs begin with.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What JPEGs begin with.
const JPEG: &[u8] = b"\xff\xd8";
/// What JPEGs end with.
const JPEG_END: &[u8] = b"\xff\xd9";
/// Memory for the pixels of a picture at most; those of e2m take some 20 MB.
const MAX_BYTES: usize = 1 << 30;

/// Why a picture cannot be read.
#[derive(Debug, Error)]
pub enum UnreadablePicture {
    /// A damaged PNG.
    #[error("the PNG cannot be decoded: {0}")]
    Png(#[from] png::DecodingError),
    /// A damaged JPEG.
    #[error("the JPEG cannot be decoded: {0}")]
    Jpeg(String),
    /// Something else, or nothing at all.
    #[error("its {bytes} bytes are neither a PNG nor a JPEG")]
    Unknown {
        /// How many there are.
        bytes: usize,
    },
}

/// Decodes a PNG or JPEG from its first byte to its last, and forgets it.
///
/// A PNG has a checksum for each of its parts, so that any change of it is found; a JPEG has none, so that only one which
/// breaks its structure is.
///
/// # Errors
/// Why it cannot be decoded.
pub fn check_picture(bytes: &[u8]) -> Result<(), UnreadablePicture> {
    if bytes.starts_with(PNG) {
        check_png(bytes)
    } else if bytes.starts_with(JPEG) {
        check_jpeg(bytes)
    } else {
        let bytes = bytes.len();
        Err(UnreadablePicture::Unknown { bytes })
    }
}

fn check_png(bytes: &[u8]) -> Result<(), UnreadablePicture> {
    let mut options = png::DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = png::Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(png::Limits { bytes: MAX_BYTES });
    let mut reader = decoder.read_info()?;
    let too_large = png::DecodingError::LimitsExceeded;
    let size = reader
        .output_buffer_size()
        .filter(|&size| size <= MAX_BYTES);
    let mut pixels = vec![0; size.ok_or(too_large)?];
    reader.next_frame(&mut pixels)?;
    reader.finish()?;
    Ok(())
}

fn check_jpeg(bytes: &[u8]) -> Result<(), UnreadablePicture> {
    if !bytes.ends_with(JPEG_END) {
        return Err(UnreadablePicture::Jpeg("it has no end".into()));
    }
    let options = DecoderOptions::default().set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let decoded = decoder.decode();
    decoded.map_err(|error| UnreadablePicture::Jpeg(error.to_string()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ComparisonPicture, Preview, draw_comparison};
    use ndarray::Array2;

    fn png() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 16, 12);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().expect("a header");
        let pixels: Vec<u8> = (0..16 * 12 * 3).map(|i| (i * 37 % 251) as u8).collect();
        writer.write_image_data(&pixels).expect("written");
        writer.finish().expect("finished");
        bytes
    }

    #[test]
    fn every_flipped_byte_of_a_png_is_found_and_every_cut() {
        let whole = png();
        check_picture(&whole).expect("whole");
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert!(check_picture(&flipped).is_err(), "byte {at}");
            assert!(check_picture(&whole[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_jpeg_is_whole_or_not() {
        let image = Array2::from_shape_fn((90, 120), |(y, x)| ((x * y) % 97) as f32);
        let preview = || Preview {
            pixels: image.view(),
            factor: 1.0,
        };
        let images = draw_comparison(&ComparisonPicture {
            post: preview(),
            aligned: preview(),
            um_per_px: None,
        })
        .expect("drawn");
        check_picture(&images.post).expect("whole");
        for cut in [1, 2, 100, images.post.len() - 1] {
            assert!(check_picture(&images.post[..cut]).is_err(), "{cut}");
        }
        assert!(matches!(
            check_picture(b""),
            Err(UnreadablePicture::Unknown { bytes: 0 })
        ));
    }
}
