//! The rows of a plane, in the type that it has in memory.

use super::super::count::{Alterations, Count};
use super::super::source::{ColourRows, RawRows};
use super::place::PlaceRows;
use super::regions::RegionRows;
use super::{Store, VendorPlane};
use crate::tiff::{ByteOrder, ChunkLayout, RowLayout, StoredSample, TiffProblem};
use e2m_image::PixelType;
use std::ops::Range;
use std::sync::Arc;

/// Gives rows as they are stored: samples of a pixel together, least significant byte first.
pub(super) trait StoredRows: Send {
    /// Makes `out` these rows of the plane.
    fn read(&mut self, rows: Range<usize>, out: &mut Vec<u8>) -> Result<(), TiffProblem>;
}

/// Opens the rows of a plane.
pub(crate) fn open(plane: &Arc<VendorPlane>) -> Result<RawRows, TiffProblem> {
    plane.check_held(0)?;
    Ok(match plane.kind.pixel_type() {
        PixelType::U8 => RawRows::U8(Box::new(VendorRows::open(plane)?)),
        PixelType::U16 => RawRows::U16(Box::new(VendorRows::open(plane)?)),
        PixelType::F32 => RawRows::F32(Box::new(VendorRows::open(plane)?)),
    })
}

struct VendorRows<T> {
    plane: Arc<VendorPlane>,
    stored: Box<dyn StoredRows>,
    /// Rows that are read at a time.
    band_rows: usize,
    /// The rows that `bytes` holds.
    held: Range<usize>,
    bytes: Vec<u8>,
    row: Vec<T>,
}

impl<T: Count> VendorRows<T> {
    fn open(plane: &Arc<VendorPlane>) -> Result<Self, TiffProblem> {
        let stored: Box<dyn StoredRows> = match &plane.store {
            Store::Rows(place) => Box::new(PlaceRows::open(place)),
            Store::Tiles(regions) => Box::new(RegionRows::open(regions, plane.size)?),
        };
        Ok(Self {
            plane: Arc::clone(plane),
            stored,
            band_rows: match plane.chunks {
                ChunkLayout::Strips { .. } => 1,
                ChunkLayout::Tiles { height, .. } => height,
            },
            held: 0..0,
            bytes: Vec::new(),
            row: vec![T::default(); plane.size.width * plane.samples],
        })
    }
}

impl<T: Count> ColourRows<T> for VendorRows<T> {
    fn row(&mut self, y: usize) -> Result<(&[T], Alterations), TiffProblem> {
        let row_bytes = self.plane.row_bytes();
        if !self.held.contains(&y) {
            let first = y / self.band_rows * self.band_rows;
            let end = (first + self.band_rows).min(self.plane.size.height);
            self.held = 0..0;
            self.stored.read(first..end, &mut self.bytes)?;
            let wish = (end - first) * row_bytes;
            if self.bytes.len() != wish {
                return Err(TiffProblem::damaged(format!(
                    "rows {first} to {end} have {} bytes instead of {wish}",
                    self.bytes.len()
                )));
            }
            self.held = first..end;
        }
        let bytes = &self.bytes[(y - self.held.start) * row_bytes..][..row_bytes];
        let stored = StoredSample {
            kind: self.plane.kind,
            order: ByteOrder::Little,
        };
        let inexact = T::decode(bytes, stored, &mut self.row);
        let not_numbers = T::sanitise(&mut self.row);
        Ok((
            &self.row,
            Alterations {
                not_numbers,
                inexact,
            },
        ))
    }

    fn layout(&self) -> RowLayout {
        RowLayout::chunky(self.plane.size.width, self.plane.samples)
    }

    /// All samples of a pixel lie together.
    fn want_channels(&mut self, _: &[usize]) {}
}
