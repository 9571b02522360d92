//! Tag numbers and the values they take.

use e2m_image::PixelType;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(crate) const NEW_SUBFILE_TYPE: u16 = 254;
pub(crate) const SUBFILE_TYPE: u16 = 255;
pub(crate) const IMAGE_WIDTH: u16 = 256;
pub(crate) const IMAGE_LENGTH: u16 = 257;
pub(crate) const BITS_PER_SAMPLE: u16 = 258;
pub(crate) const COMPRESSION: u16 = 259;
pub(crate) const PHOTOMETRIC: u16 = 262;
pub(crate) const FILL_ORDER: u16 = 266;
pub(crate) const IMAGE_DESCRIPTION: u16 = 270;
pub(crate) const STRIP_OFFSETS: u16 = 273;
pub(crate) const ORIENTATION: u16 = 274;
pub(crate) const SAMPLES_PER_PIXEL: u16 = 277;
pub(crate) const ROWS_PER_STRIP: u16 = 278;
pub(crate) const STRIP_BYTE_COUNTS: u16 = 279;
pub(crate) const X_RESOLUTION: u16 = 282;
pub(crate) const Y_RESOLUTION: u16 = 283;
pub(crate) const PLANAR_CONFIGURATION: u16 = 284;
pub(crate) const PAGE_NAME: u16 = 285;
pub(crate) const RESOLUTION_UNIT: u16 = 296;
pub(crate) const PREDICTOR: u16 = 317;
pub(crate) const COLOR_MAP: u16 = 320;
pub(crate) const TILE_WIDTH: u16 = 322;
pub(crate) const TILE_LENGTH: u16 = 323;
pub(crate) const TILE_OFFSETS: u16 = 324;
pub(crate) const TILE_BYTE_COUNTS: u16 = 325;
pub(crate) const EXTRA_SAMPLES: u16 = 338;
pub(crate) const SAMPLE_FORMAT: u16 = 339;
pub(crate) const JPEG_TABLES: u16 = 347;
pub(crate) const YCBCR_SUBSAMPLING: u16 = 530;

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
    /// JPEG, lossy or lossless.
    Jpeg,
    /// Zstandard (codes 50000 and 34926).
    Zstd,
    /// LZMA in xz streams (code 34925).
    Lzma,
    /// JPEG 2000 (codes 33003 to 33005 and 34712), lossy or lossless.
    Jpeg2000,
    /// WebP (codes 50001 and 34927), lossy or lossless.
    WebP,
}

impl Compression {
    pub(crate) fn from_code(code: u64) -> Option<Self> {
        Some(match code {
            1 => Self::None,
            5 => Self::Lzw,
            7 => Self::Jpeg,
            8 | 32946 => Self::Deflate,
            32773 => Self::PackBits,
            33003..=33005 | 34712 => Self::Jpeg2000,
            34925 => Self::Lzma,
            34926 | 50000 => Self::Zstd,
            34927 | 50001 => Self::WebP,
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
            Self::Zstd => 50_000,  // a block of one byte repeated: 128 KiB in four bytes
            Self::Lzma => 20_000,  // runs of 273 bytes for a quarter of a bit, at best
            // An image of one value takes some hundred bytes, whatever its size.
            Self::Jpeg2000 | Self::WebP => u64::MAX,
        }
    }

    /// Whether strips and tiles are images of their own, decoded in one go into whole samples.
    pub(crate) fn is_image(self) -> bool {
        matches!(self, Self::Jpeg | Self::Jpeg2000 | Self::WebP)
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
            Self::Zstd => "Zstandard",
            Self::Lzma => "LZMA",
            Self::Jpeg2000 => "JPEG 2000",
            Self::WebP => "WebP",
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
        34887 => "LERC",
        34892 => "lossy DNG JPEG",
        50002 => "JPEG XL",
        22610 | 34934 => "JPEG XR",
        34933 => "PNG",
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
    /// Luma and two chroma channels; read as red, green, blue.
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
    U32,
    I8,
    I16,
    I32,
    F16,
    F32,
    F64,
    /// Unsigned numbers of so many bits, 2 to 16, one behind the other; rows begin on a byte.
    Packed(u8),
}

impl SampleKind {
    /// The type of a plane of such samples: the smallest that holds them all, and floats for what is signed or larger.
    pub(crate) fn pixel_type(self) -> PixelType {
        match self {
            Self::U8 | Self::Packed(..=8) => PixelType::U8,
            Self::U16 | Self::Packed(_) => PixelType::U16,
            _ => PixelType::F32,
        }
    }

    /// Bits of a sample in the file.
    pub(crate) fn bits(self) -> u64 {
        match self {
            Self::U8 | Self::I8 => 8,
            Self::U16 | Self::I16 | Self::F16 => 16,
            Self::U32 | Self::I32 | Self::F32 => 32,
            Self::F64 => 64,
            Self::Packed(bits) => bits.into(),
        }
    }

    /// Bytes of a sample in memory.
    pub(crate) fn held_bytes(self) -> u64 {
        self.pixel_type().bytes() as u64
    }

    /// The largest unsigned sample, which stands for black where zero is white.
    pub(crate) fn largest(self) -> u16 {
        match self {
            Self::U8 => 0xff,
            Self::Packed(bits) => ((1_u32 << bits) - 1) as u16,
            _ => 0xffff,
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
