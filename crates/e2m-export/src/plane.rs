//! One channel: its bands, from top to bottom, through all levels at once.

use crate::error::ExportError;
use crate::image::{Compression, Pyramid};
use crate::levels::{level_sizes, reduce};
use crate::tiles::{TILE_PX, write_tiles};
use e2m_image::{BandSource, Size};
use ndarray::ArrayViewMut2;
use std::io;
use std::ops::ControlFlow;

/// What went wrong while a channel was written.
pub(crate) enum PlaneError {
    /// It could not be read.
    Source(e2m_image::BandError),
    /// It could not be written.
    Write(io::Error),
    /// It was to stop.
    Interrupted,
}

impl PlaneError {
    /// The same with what it is about.
    pub(crate) fn of(self, path: &std::path::Path, channel: &str) -> ExportError {
        let path = path.to_owned();
        match self {
            Self::Source(e2m_image::BandError::Interrupted) | Self::Interrupted => {
                ExportError::Interrupted { path }
            }
            Self::Source(source) => ExportError::Source {
                path,
                channel: channel.to_owned(),
                source,
            },
            Self::Write(source) => ExportError::Io {
                action: "write",
                path,
                source,
            },
        }
    }
}

/// A level of a channel in the file.
pub(crate) struct StoredLevel {
    pub(crate) size: Size,
    /// Where tiles are in the file, row by row.
    pub(crate) offsets: Vec<u64>,
    /// Their lengths.
    pub(crate) lengths: Vec<u64>,
}

/// A level that is being written.
struct Level {
    size: Size,
    stored: StoredLevel,
    /// Rows that wait to make a row of tiles.
    band: Vec<f32>,
    /// How many of them there are.
    filled: usize,
    /// Rows before them.
    above: usize,
}

impl Level {
    fn new(size: Size) -> Self {
        Self {
            size,
            stored: StoredLevel {
                size,
                offsets: Vec::new(),
                lengths: Vec::new(),
            },
            band: vec![0.0; TILE_PX.min(size.height) * size.width],
            filled: 0,
            above: 0,
        }
    }

    /// Rows of the band that are still to come.
    fn missing(&self) -> usize {
        TILE_PX.min(self.size.height - self.above) - self.filled
    }

    /// Room for the next rows, which have to be filled.
    fn room(&mut self, rows: usize) -> &mut [f32] {
        let first = self.filled * self.size.width;
        self.filled += rows;
        &mut self.band[first..first + rows * self.size.width]
    }

    fn rows(&self) -> &[f32] {
        &self.band[..self.filled * self.size.width]
    }

    /// The next row of tiles begins.
    fn clear(&mut self) {
        self.above += self.filled;
        self.filled = 0;
    }
}

/// The bytes of the bands of all levels.
pub(crate) fn band_bytes(size: Size) -> u64 {
    let bytes = |size: Size| 4 * (TILE_PX.min(size.height) * size.width) as u64;
    level_sizes(size).into_iter().map(bytes).sum()
}

/// Reads a channel once, writes the tiles of all its levels through `append`, which answers where, and answers with the levels.
pub(crate) fn write_plane(
    source: &mut dyn BandSource,
    (pyramid, compression): (Pyramid, Compression),
    append: &mut dyn FnMut(&[u8]) -> io::Result<u64>,
    on_pixels: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Vec<StoredLevel>, PlaneError> {
    let size = source.size();
    let mut levels: Vec<Level> = level_sizes(size).into_iter().map(Level::new).collect();
    let mut row = 0;
    while row < size.height {
        let Some(first) = levels.first_mut() else {
            break;
        };
        let rows = first.missing();
        let band = ArrayViewMut2::from_shape((rows, size.width), first.room(rows))
            .map_err(|error| PlaneError::Write(io::Error::other(error)))?;
        source.read_band(row, band).map_err(PlaneError::Source)?;
        row += rows;
        pass_on(&mut levels, (pyramid, compression), append).map_err(PlaneError::Write)?;
        if on_pixels((rows * size.width) as u64).is_break() {
            return Err(PlaneError::Interrupted);
        }
    }
    // Bands are given back before the next channel begins.
    Ok(levels.into_iter().map(|level| level.stored).collect())
}

/// Writes the band of the first level, which is full, and those of the next levels that become full by it.
fn pass_on(
    levels: &mut [Level],
    (pyramid, compression): (Pyramid, Compression),
    append: &mut dyn FnMut(&[u8]) -> io::Result<u64>,
) -> io::Result<()> {
    let mut rest = levels;
    while let Some((level, next)) = rest.split_first_mut() {
        if level.missing() > 0 {
            return Ok(());
        }
        let stored = &mut level.stored;
        let pixels = &level.band[..level.filled * level.size.width];
        write_tiles(pixels, level.size.width, compression, |tile| {
            stored.offsets.push(append(tile)?);
            stored.lengths.push(tile.len() as u64);
            Ok(())
        })?;
        if let Some(next) = next.first_mut() {
            let out = next.room(level.filled.div_ceil(2));
            reduce(level.rows(), level.size.width, pyramid, out);
        }
        level.clear();
        rest = next;
    }
    Ok(())
}
