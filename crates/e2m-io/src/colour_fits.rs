//! The three colours of an RGB image as three extensions of a FITS file, in the type of the image.

use crate::atomic::{AtomicError, AtomicFile};
use crate::checkpoint::{FactValue, header_blocks, padded};
use crate::raw::{ChannelRequest, ColourKind, ImageChannels, RawError, RawImage, choose_channels};
use e2m_image::{BandError, BandSource, PixelType, Size, default_band_rows};
use ndarray::{Array2, s};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// The names of the extensions.
const NAMES: [&str; 3] = ["RED1", "GREEN2", "BLUE3"];
/// What is added to a signed 16 bit number to make it unsigned.
const U16_ZERO: u16 = 1 << 15;

/// Why there is no FITS file of an RGB image.
#[derive(Debug, thiserror::Error)]
pub enum ColourFitsError {
    /// The image cannot be read.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// It has one channel, or other channels than red, green and blue.
    #[error("{path} is not an RGB image: it has no red, green and blue of its own")]
    NotColour {
        /// The image.
        path: String,
    },
    /// Its pixels cannot be read.
    #[error("{path}: {source}")]
    Pixels {
        /// The image.
        path: String,
        /// What went wrong.
        source: BandError,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] AtomicError),
    /// Writing it failed on the way.
    #[error("{path} could not be written: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Whether the image at `path` is stored in red, green and blue; not where it cannot be opened.
pub fn is_colour_image(path: &Path) -> bool {
    RawImage::open(path).is_ok_and(|raw| raw.info().colour == ColourKind::Rgb)
}

/// Writes the channels of the RGB image at `from` to `to`: an empty primary header and the images RED1, GREEN2 and BLUE3, of 8 bits,
/// of 16 bits with `BZERO = 32768`, or floats. The first row is the upper one (`ROWORDER`). Answers with the bytes written.
///
/// The image is read three times, a band at a time. The file appears whole or not at all.
///
/// # Errors
/// The image is not RGB or cannot be read, or the file cannot be written.
pub fn write_colour_fits(from: &Path, to: &Path) -> Result<u64, ColourFitsError> {
    let raw = RawImage::open(from)?;
    let path = || from.display().to_string();
    if raw.info().colour != ColourKind::Rgb {
        return Err(ColourFitsError::NotColour { path: path() });
    }
    let (size, pixel_type) = (raw.info().size, raw.info().pixel_type);
    let failed = |source| ColourFitsError::Io {
        path: to.display().to_string(),
        source,
    };
    let mut out = Counted {
        inner: BufWriter::new(AtomicFile::create(to)?),
        bytes: 0,
    };
    out.write_all(&primary(from)).map_err(failed)?;
    for (channel, name) in NAMES.into_iter().enumerate() {
        out.write_all(&extension(size, pixel_type, name))
            .map_err(failed)?;
        let request = ChannelRequest::Colour(channel);
        let mut raw = RawImage::open_channel(from, &request)?;
        let channels = ImageChannels {
            request,
            ..raw.channels(None)
        };
        let choice = choose_channels(&channels, &channels).post;
        let mut bands = raw.bands(&choice)?;
        let rows = default_band_rows(size.width).min(size.height);
        let mut band = Array2::zeros((rows, size.width));
        for first in (0..size.height).step_by(rows) {
            let mut band = band.slice_mut(s![..rows.min(size.height - first), ..]);
            bands
                .read_band(first, band.view_mut())
                .map_err(|source| ColourFitsError::Pixels {
                    path: path(),
                    source,
                })?;
            let pixels = band.iter().copied();
            write_pixels(&mut out, pixels, pixel_type).map_err(failed)?;
        }
        let written = size.pixels() * pixel_type.bytes() as u64;
        out.write_all(&vec![0; (padded(written) - written) as usize])
            .map_err(failed)?;
    }
    let Counted { inner, bytes } = out;
    let file = inner
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.commit()?;
    Ok(bytes)
}

/// Pixels come as floats, which hold every number of 8 and 16 bits.
fn write_pixels(
    out: &mut impl Write,
    pixels: impl Iterator<Item = f32>,
    pixel_type: PixelType,
) -> io::Result<()> {
    let bytes: Vec<u8> = match pixel_type {
        PixelType::U8 => pixels.map(|value| value as u8).collect(),
        PixelType::U16 => pixels
            .flat_map(|value| ((value as u16) ^ U16_ZERO).to_be_bytes())
            .collect(),
        PixelType::F32 => pixels.flat_map(f32::to_be_bytes).collect(),
    };
    out.write_all(&bytes)
}

fn primary(from: &Path) -> Vec<u8> {
    let name = from.file_name().unwrap_or_default().to_string_lossy();
    header_blocks(&[
        ("SIMPLE", FactValue::Bool(true), "conforms to FITS standard"),
        ("BITPIX", FactValue::Int(8), "array data type"),
        ("NAXIS", FactValue::Int(0), "number of array dimensions"),
        ("EXTEND", FactValue::Bool(true), ""),
        ("RAWFILE", FactValue::Text(name.into_owned()), "Raw image"),
        (
            "VERSION",
            FactValue::Text(format!("e2m {}", env!("CARGO_PKG_VERSION"))),
            "Program",
        ),
    ])
}

fn extension(size: Size, pixel_type: PixelType, name: &str) -> Vec<u8> {
    let bits = match pixel_type {
        PixelType::U8 => 8,
        PixelType::U16 => 16,
        PixelType::F32 => -32,
    };
    let int = |value: usize| FactValue::Int(value as i64);
    let text = |value: &str| FactValue::Text(value.to_owned());
    let mut cards = vec![
        ("XTENSION", text("IMAGE"), "Image extension"),
        ("BITPIX", FactValue::Int(bits), "array data type"),
        ("NAXIS", FactValue::Int(2), "number of array dimensions"),
        ("NAXIS1", int(size.width), ""),
        ("NAXIS2", int(size.height), ""),
        ("PCOUNT", FactValue::Int(0), "number of parameters"),
        ("GCOUNT", FactValue::Int(1), "number of groups"),
    ];
    if pixel_type == PixelType::U16 {
        cards.extend([
            ("BSCALE", FactValue::Int(1), ""),
            ("BZERO", FactValue::Int(U16_ZERO.into()), "unsigned"),
        ]);
    }
    cards.extend([
        ("EXTNAME", text(name), "extension name"),
        ("BUNIT", text("count"), "Unit of the pixels"),
        (
            "ROWORDER",
            text("TOP-DOWN"),
            "The first row is the top of the image",
        ),
    ]);
    header_blocks(&cards)
}

/// A writer that knows how much went through it.
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
