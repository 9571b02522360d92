//! Tag numbers and the values they take.

use serde::{Deserialize, Serialize};
use std::fmt;

pub(crate) const IMAGE_WIDTH: u16 = 256;
pub(crate) const IMAGE_LENGTH: u16 = 257;
pub(crate) const BITS_PER_SAMPLE: u16 = 258;
pub(crate) const COMPRESSION: u16 = 259;
pub(crate) const PHOTOMETRIC: u16 = 262;
pub(crate) const FILL_ORDER: u16 = 266;
pub(crate) const IMAGE_DESCRIPTION: u16 = 270;
pub(crate) const STRIP_OFFSETS: u16 = 273;
pub(crate) const SAMPLES_PER_PIXEL: u16 = 277;
pub(crate) const ROWS_PER_STRIP: u16 = 278;
pub(crate) const STRIP_BYTE_COUNTS: u16 = 279;
pub(crate) const PLANAR_CONFIGURATION: u16 = 284;
pub(crate) const PREDICTOR: u16 = 317;
pub(crate) const COLOR_MAP: u16 = 320;
pub(crate) const TILE_WIDTH: u16 = 322;
pub(crate) const TILE_LENGTH: u16 = 323;
pub(crate) const TILE_OFFSETS: u16 = 324;
pub(crate) const TILE_BYTE_COUNTS: u16 = 325;
pub(crate) const EXTRA_SAMPLES: u16 = 338;
pub(crate) const SAMPLE_FORMAT: u16 = 339;
pub(crate) const JPEG_TABLES: u16 = 347;

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByteOrder {
    /// Least significant byte first (`II`).
    Little,
    /// Most significant byte first (`MM`).
    Big,
}

/// How the strips or tiles are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// Lempel-Ziv-Welch.
    Lzw,
    /// Deflate in a zlib stream (codes 8 and 32946).
    Deflate,
    /// Run lengths.
    PackBits,
    /// JPEG, lossy.
    Jpeg,
}

impl Compression {
    pub(crate) fn from_code(code: u64) -> Option<Self> {
        Some(match code {
            1 => Self::None,
            5 => Self::Lzw,
            7 => Self::Jpeg,
            8 | 32946 => Self::Deflate,
            32773 => Self::PackBits,
            _ => return None,
        })
    }

    /// Bytes that one compressed byte can stand for at most. A header that promises more is damaged.
    pub(crate) fn max_expansion(self) -> u64 {
        match self {
            Self::None => 1,
            Self::PackBits => 64,
            Self::Deflate => 1040, // 1032 by the format, and the odd header
            Self::Lzw => 1500,     // a full table of ever longer runs: 1360
            Self::Jpeg => 4000,    // two bits per block, subsampled chroma, and room
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Lzw => "LZW",
            Self::Deflate => "deflate",
            Self::PackBits => "PackBits",
            Self::Jpeg => "JPEG",
        })
    }
}

/// The usual name of a compression that is not read.
pub(crate) fn compression_name(code: u64) -> String {
    let name = match code {
        2 => "CCITT RLE",
        3 => "CCITT fax 3",
        4 => "CCITT fax 4",
        6 => "old-style JPEG",
        32809 => "ThunderScan",
        34661 => "JBIG",
        34712 | 33003 | 33005 => "JPEG 2000",
        34887 => "LERC",
        34892 => "lossy DNG JPEG",
        34925 => "LZMA",
        50000 | 34926 => "Zstandard",
        50001 | 34927 => "WebP",
        50002 => "JPEG XL",
        22610 => "JPEG XR",
        _ => return format!("TIFF compression {code}"),
    };
    format!("{name} compression")
}

/// What the samples of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Photometric {
    /// Grey, zero is white; inverted on reading.
    WhiteIsZero,
    /// Grey, zero is black.
    BlackIsZero,
    /// Red, green, blue.
    Rgb,
    /// Indices into a colour table.
    Palette,
    /// Luma and two chroma channels, in JPEG files only; read as red, green, blue.
    YCbCr,
}

impl fmt::Display for Photometric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WhiteIsZero => "grey, white is zero",
            Self::BlackIsZero => "grey",
            Self::Rgb => "RGB",
            Self::Palette => "palette",
            Self::YCbCr => "YCbCr",
        })
    }
}

/// Whether the samples of a pixel lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Planar {
    /// RGBRGB…
    Chunky,
    /// RR… GG… BB…
    Planar,
}

/// How the image is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkLayout {
    /// Strips of full rows.
    Strips {
        /// Rows of each strip but the last.
        rows: usize,
    },
    /// Rectangular tiles.
    Tiles {
        /// Columns of each tile.
        width: usize,
        /// Rows of each tile.
        height: usize,
    },
}

/// How one sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleKind {
    U8,
    U16,
    F32,
}

impl SampleKind {
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::F32 => 4,
        }
    }
}

/// What is undone after decompression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Predictor {
    None,
    Horizontal,
    FloatingPoint,
}
