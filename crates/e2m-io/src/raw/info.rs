//! What the header of a raw image says.

use super::channels::ColourKind;
use super::format::RawFormat;
use super::pixel_size::PixelSize;
use crate::tiff::{ByteOrder, ChunkLayout, Compression, Photometric, Planar};
use e2m_image::{PixelType, Size};
use serde::{Deserialize, Serialize};

/// Rows of a file that are columns of its image are put in their places so many at a time: neighbours in each row of the image.
pub(crate) const TRANSPOSED_ROWS: usize = 16;

/// What the header of a raw image says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawInfo {
    /// What kind of file it is.
    #[serde(default)]
    pub format: RawFormat,
    /// Width and height in pixels.
    pub size: Size,
    /// The type of its samples, or for palettes that of their colours.
    pub pixel_type: PixelType,
    /// How colours are stored.
    pub colour: ColourKind,
    /// Samples per pixel, alpha included.
    pub samples_per_pixel: usize,
    /// What the samples mean.
    pub photometric: Photometric,
    /// Whether channels are stored together.
    pub planar: Planar,
    /// How it is compressed, if it is a TIFF.
    pub compression: Compression,
    /// How it is compressed otherwise, if it is: in the words of its format.
    #[serde(default)]
    pub coding: Option<String>,
    /// How it is cut into strips or tiles.
    pub layout: ChunkLayout,
    /// The order of bytes.
    pub byte_order: ByteOrder,
    /// Whether it is a BigTIFF.
    pub big_tiff: bool,
    /// Length of the file in bytes; of a folder, that of all files in it.
    pub file_bytes: u64,
    /// Images in the file; of makers' files the planes of all images, those along z first, then those along time.
    pub pages: usize,
    /// The one that is read, the first one is 1.
    pub page: usize,
    /// Of several grey channels of a pixel the one that is read, the first one is 1.
    pub sample: usize,
    /// What else the file holds that could have been meant, such as `page 2`; empty where somebody has chosen.
    pub others: Vec<String>,
    /// What had to be decided to read it, and what is odd about it: sentences without subject or end.
    pub remarks: Vec<String>,
    /// Whether its pixels are not read just as its tags say, which version 0.1.0 did or refused.
    pub is_corrected: bool,
    /// Whether rows of the file are columns of the image (orientation tag 5 to 8).
    pub is_transposed: bool,
    /// How large a pixel is, where the file tells.
    pub pixel_size: Option<PixelSize>,
    /// What its decoder holds beside rows, bytes.
    pub decoder_bytes: u64,
}

impl RawInfo {
    /// What a reader of rows holds at a time, bytes: a row of tiles or a row, and what its decoder holds. Where rows of the file are
    /// columns of the image, the signal of all of it besides.
    pub fn decoding_bytes(&self) -> u64 {
        let rows = match self.layout {
            ChunkLayout::Tiles { height, .. } => height,
            ChunkLayout::Strips { .. } => 1,
        };
        let (width, height) = match self.is_transposed {
            false => (self.size.width, self.size.height),
            true => (self.size.height, self.size.width),
        };
        let samples = width * self.samples_per_pixel * rows.min(height);
        let bytes = (samples * self.pixel_type.bytes()) as u64 + self.decoder_bytes;
        if !self.is_transposed {
            return bytes;
        }
        // The plane that bands are taken from, and the rows on their way to it.
        let plane_type = match self.colour {
            ColourKind::Grey => self.pixel_type,
            ColourKind::Rgb | ColourKind::Palette => PixelType::F32,
        };
        let pixels = self.size.pixels() + (TRANSPOSED_ROWS * width) as u64;
        bytes + pixels * plane_type.bytes() as u64
    }
}
