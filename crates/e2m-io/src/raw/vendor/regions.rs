//! Planes that are stored in tiles, of which a reader gives any rectangle.

use super::guard::guarded;
use super::rows::StoredRows;
use crate::tiff::TiffProblem;
use e2m_image::Size;
use openreadout_core::region::Region;
use openreadout_core::source::Input;
use openreadout_core::{Dataset, FormatReader, PlaneIndex};
use std::ops::Range;

/// Rows of tiles are read so many bytes at a time at most, however high they are.
pub(super) const MAX_BAND_BYTES: u64 = 128 << 20;
/// Bands are this high at least, where they are wide.
const MIN_BAND_ROWS: u64 = 16;

/// A plane of a file, and who reads it.
#[derive(Clone)]
pub(super) struct Regions {
    pub(super) reader: &'static dyn FormatReader,
    pub(super) input: Input,
    pub(super) image: u32,
    pub(super) plane: PlaneIndex,
}

impl std::fmt::Debug for Regions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Regions")
            .field("image", &self.image)
            .field("plane", &self.plane)
            .finish_non_exhaustive()
    }
}

/// Rows that are read at a time of a plane with rows of so many bytes and tiles so high.
pub(super) fn band_rows(height: usize, tile_height: usize, row_bytes: u64) -> usize {
    let most = (MAX_BAND_BYTES / row_bytes.max(1)).max(MIN_BAND_ROWS) as usize;
    tile_height.min(height).min(most).max(1)
}

/// Reads bands of a plane. Every reader of rows has a file of its own, so that none waits for another.
pub(super) struct RegionRows {
    regions: Regions,
    dataset: Box<dyn Dataset>,
    size: Size,
}

impl RegionRows {
    pub(super) fn open(regions: &Regions, size: Size) -> Result<Self, TiffProblem> {
        Ok(Self {
            dataset: guarded(|| regions.reader.open_input(&regions.input))?,
            regions: regions.clone(),
            size,
        })
    }
}

impl StoredRows for RegionRows {
    fn read(&mut self, rows: Range<usize>, out: &mut Vec<u8>) -> Result<(), TiffProblem> {
        let Regions { image, plane, .. } = self.regions;
        let (top, width) = (rows.start as u32, self.size.width as u32);
        let region = Region::new(0, top, width, rows.len() as u32);
        // The old rows' memory goes before the new ones' comes.
        *out = Vec::new();
        *out = guarded(|| self.dataset.read_region(image, plane, 0, region))?.data;
        Ok(())
    }
}
