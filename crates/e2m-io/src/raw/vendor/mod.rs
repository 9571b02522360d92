//! Raw images in the files of microscopes' makers, and OME-Zarr: another source of rows behind [`RawImage`](super::RawImage).
//!
//! The `openreadout` crates understand the files. [`guard`] keeps their errors, and should one of them panic, the panic, in the words
//! and ways of this crate. [`contents`] decides which image, plane and channel is meant. Planes that are stored as rows of samples
//! (ND2, LIF) are read at their [`place`] in the file, row by row; those that are stored in tiles (CZI, OME-Zarr) by [`regions`] as
//! high as a row of tiles. [`rows`] makes samples of both.

mod contents;
mod czi;
mod guard;
mod lif;
mod nd2;
mod place;
mod regions;
mod rows;
mod zarr;

use super::channels::ColourKind;
use super::format::RawFormat;
use super::info::RawInfo;
use super::pixel_size::{self, PixelSizeSource};
use super::request::{ChannelRequest, PageRequest};
use crate::tiff::{
    ByteBudget, ByteOrder, ChunkLayout, Compression, Photometric, Planar, SampleKind, TiffProblem,
    check_proportion,
};
use contents::Chosen;
use e2m_image::Size;
use guard::EXPORT;
use openreadout_core::PixelType as StoredType;
use openreadout_core::model::ImageInfo;
use place::Place;
use regions::Regions;
pub(crate) use rows::open as open_rows;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A plane as large as the file's header says, of which rows can be read.
#[derive(Debug)]
pub(crate) struct VendorPlane {
    pub(crate) size: Size,
    /// How a sample is stored, least significant byte first.
    kind: SampleKind,
    /// Samples of a pixel: 1, or 3 for red, green and blue.
    samples: usize,
    /// How it is cut.
    pub(crate) chunks: ChunkLayout,
    /// What reading rows holds at a time, bytes.
    reading_bytes: u64,
    file_bytes: u64,
    store: Store,
}

/// Where its samples are.
#[derive(Debug)]
enum Store {
    Rows(Place),
    Tiles(Regions),
}

/// What a format's reader has found of a plane.
struct Stored {
    store: Store,
    chunks: ChunkLayout,
    /// What its decoder holds beside the rows that it gives, bytes.
    decoder_bytes: u64,
    /// How it is compressed, where it is: in the words of its format.
    coding: Option<String>,
    /// How its samples are stored, where that is not what the reader makes of them.
    kind: Option<SampleKind>,
    /// What shows that the file was copied in part, or its writing interrupted, though the plane is whole.
    cut: Option<&'static str>,
    remarks: Vec<String>,
}

/// A file or folder that is none of TIFF.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VendorFile<'a> {
    pub(crate) path: &'a Path,
    /// None for a folder.
    pub(crate) file: Option<&'a Arc<File>>,
    pub(crate) file_bytes: u64,
    pub(crate) format: RawFormat,
}

impl VendorPlane {
    /// The plane that a page and a channel are asked for of, what is to be said of it, and what of the request is left.
    pub(crate) fn open(
        from: VendorFile<'_>,
        page: &PageRequest,
        channel: &ChannelRequest,
    ) -> Result<(Self, RawInfo, ChannelRequest), TiffProblem> {
        let (images, found) = match (from.format, from.file) {
            (RawFormat::Czi, Some(file)) => {
                let opened = czi::Opened::open(from.path, file)?;
                let chosen = Chosen::of(&opened.images, page, channel)?;
                let stored = opened.stored(&chosen, from.file_bytes)?;
                (opened.images, (chosen, stored))
            }
            (RawFormat::Nd2, Some(file)) => {
                let opened = nd2::Opened::open(from.path, file)?;
                let chosen = Chosen::of(&opened.images, page, channel)?;
                let stored = opened.stored(&chosen, from.file_bytes)?;
                (opened.images, (chosen, stored))
            }
            (RawFormat::Lif, Some(file)) => {
                let opened = lif::Opened::open(from.path, file)?;
                let chosen = Chosen::of(&opened.images, page, channel)?;
                let stored = opened.stored(&chosen, from.file_bytes)?;
                (opened.images, (chosen, stored))
            }
            _ => {
                let opened = zarr::Opened::open(from.path)?;
                let chosen = Chosen::of(&opened.images, page, channel)?;
                let stored = opened.stored(&chosen)?;
                (opened.images, (chosen, stored))
            }
        };
        let (chosen, stored) = found;
        Self::checked(from, &images[chosen.image], chosen, stored)
    }

    fn checked(
        from: VendorFile<'_>,
        image: &ImageInfo,
        chosen: Chosen,
        stored: Stored,
    ) -> Result<(Self, RawInfo, ChannelRequest), TiffProblem> {
        let size = size_of(image)?;
        let (samples, colour) = match image.samples_per_pixel {
            3 => (3, ColourKind::Rgb),
            _ => (1, ColourKind::Grey),
        };
        let mut remarks = stored.remarks;
        let cut = stored.cut.map(|what| {
            format!("what else it should hold: {what}, it is damaged or was copied in part")
        });
        let kind = match stored.kind {
            Some(kind) => kind,
            None => sample_kind(image.pixel_type)?,
        };
        if kind == SampleKind::F64 {
            remarks.push("its 64 bit floats are rounded to 32 bit".to_owned());
        }
        let rows = match stored.chunks {
            ChunkLayout::Tiles { height, .. } => height.min(size.height),
            ChunkLayout::Strips { .. } => 1,
        } as u64;
        let row_samples = (size.width * samples) as u64;
        let stored_bytes = row_samples.saturating_mul(rows * kind.bits() / 8);
        let row_bytes = row_samples * kind.held_bytes();
        let reading_bytes = stored_bytes
            .saturating_add(stored.decoder_bytes)
            .saturating_add(row_bytes);
        let um = image.physical_size.x.zip(image.physical_size.y);
        let told = [(PixelSizeSource::Vendor, um.map(|(x, y)| [x, y]))];
        let pixel_size = pixel_size::plausible(told, &mut remarks);
        let info = RawInfo {
            format: from.format,
            size,
            pixel_type: kind.pixel_type(),
            colour,
            samples_per_pixel: samples,
            photometric: match colour {
                ColourKind::Rgb => Photometric::Rgb,
                ColourKind::Grey | ColourKind::Palette => Photometric::BlackIsZero,
            },
            planar: Planar::Chunky,
            compression: Compression::None,
            coding: stored.coding,
            layout: stored.chunks,
            byte_order: ByteOrder::Little,
            big_tiff: false,
            file_bytes: from.file_bytes,
            pages: chosen.pages,
            page: chosen.page,
            sample: chosen.plane.c as usize + 1,
            others: chosen.others.into_iter().chain(cut).collect(),
            remarks,
            is_corrected: false,
            is_transposed: false,
            pixel_size,
            // Beside what `RawInfo::decoding_bytes` counts by itself: rows in the type of the plane.
            decoder_bytes: reading_bytes.saturating_sub(row_bytes.saturating_mul(rows)),
        };
        let plane = Self {
            size,
            kind,
            samples,
            chunks: stored.chunks,
            reading_bytes,
            file_bytes: from.file_bytes,
            store: stored.store,
        };
        plane.check_held(size.pixels().saturating_mul(kind.held_bytes()))?;
        plane.check_decoded()?;
        Ok((plane, info, chosen.request))
    }

    /// Fails where a plane of `plane_bytes` and what reading rows needs are out of proportion to the file, or more than is ever taken.
    pub(crate) fn check_held(&self, plane_bytes: u64) -> Result<(), TiffProblem> {
        ByteBudget::CHUNK.check_or(self.reading_bytes, EXPORT, || match self.chunks {
            ChunkLayout::Strips { .. } => "a row".to_owned(),
            ChunkLayout::Tiles { height, .. } => format!("a row of tiles {height} pixels high"),
        })?;
        let held = plane_bytes.saturating_add(self.reading_bytes);
        check_proportion::held(self.size, held, self.file_bytes)
    }

    fn check_decoded(&self) -> Result<(), TiffProblem> {
        let pixel = self.samples as u64 * self.kind.bits() / 8;
        let all = self.size.pixels().saturating_mul(pixel);
        check_proportion::decoded(self.size, all, self.file_bytes)
    }

    /// Whether rows of a compressed plane can only be reached through those above.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(&self.store, Store::Rows(place) if place.is_compressed())
    }

    fn row_bytes(&self) -> usize {
        self.size.width * self.samples * (self.kind.bits() / 8) as usize
    }
}

/// Width and height of an image, which has to have both.
fn size_of(image: &ImageInfo) -> Result<Size, TiffProblem> {
    match (image.size_x, image.size_y) {
        (0, _) | (_, 0) => Err(TiffProblem::damaged("it says that it has no pixels")),
        (width, height) => Ok(Size::new(width as usize, height as usize)),
    }
}

/// How the samples are stored that a reader gives in this type.
fn sample_kind(stored: StoredType) -> Result<SampleKind, TiffProblem> {
    let (bits, kind) = match stored {
        StoredType::Uint8 => return Ok(SampleKind::U8),
        StoredType::Uint16 => return Ok(SampleKind::U16),
        StoredType::Uint32 => return Ok(SampleKind::U32),
        StoredType::Int8 => return Ok(SampleKind::I8),
        StoredType::Int16 => return Ok(SampleKind::I16),
        StoredType::Int32 => return Ok(SampleKind::I32),
        StoredType::Float => return Ok(SampleKind::F32),
        StoredType::Double => return Ok(SampleKind::F64),
        StoredType::Uint64 => (64, "unsigned integer"),
        StoredType::Int64 => (64, "signed integer"),
        StoredType::ComplexFloat => (64, "complex"),
        StoredType::ComplexDouble => (128, "complex"),
        other => (8 * other.bytes_per_sample(), "other"),
    };
    Err(TiffProblem::Unsupported {
        found: format!("{bits} bit {kind} samples"),
        advice: "save it as 8 or 16 bit integers or as 32 bit float",
    })
}
