//! One channel: its bands, from top to bottom, through all levels at once.

use crate::error::ExportError;
use crate::image::Pyramid;
use crate::levels::{level_sizes, reduce};
use crate::tiles::{Codec, TILE_PX, write_tiles};
use e2m_image::{BandSource, PixelType, Size};
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

/// Where a tile belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TilePlace {
    /// The level, 0 in full resolution.
    pub(crate) level: usize,
    /// Tiles above it.
    pub(crate) row: usize,
    /// Tiles to its left.
    pub(crate) column: usize,
}

/// Where the tiles of a channel go: row by row of each level, from left to right.
pub(crate) trait TileSink {
    /// What the bytes of a tile are.
    fn codec(&self) -> Codec;

    /// The type of its samples: floats, unless all pixels of the first level are whole numbers that this type holds.
    fn samples(&self) -> PixelType {
        PixelType::F32
    }

    /// Looks at rows of a level that are about to become tiles.
    fn look(&mut self, level: usize, pixels: &[f32]) {
        let _ = (level, pixels);
    }

    /// Takes a tile; no bytes are given of one whose pixels are all zero.
    fn put(&mut self, place: TilePlace, tile: Option<&[u8]>) -> io::Result<()>;
}

/// A level that is being written.
struct Level {
    size: Size,
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

/// Reads a channel once and hands the tiles of all its levels to `sink`.
pub(crate) fn write_plane(
    source: &mut dyn BandSource,
    pyramid: Pyramid,
    sink: &mut dyn TileSink,
    on_pixels: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<(), PlaneError> {
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
        pass_on(&mut levels, pyramid, sink).map_err(PlaneError::Write)?;
        if on_pixels((rows * size.width) as u64).is_break() {
            return Err(PlaneError::Interrupted);
        }
    }
    Ok(())
}

/// Writes the band of the first level, which is full, and those of the next levels that become full by it.
fn pass_on(levels: &mut [Level], pyramid: Pyramid, sink: &mut dyn TileSink) -> io::Result<()> {
    let mut rest = levels;
    let mut number = 0;
    while let Some((level, next)) = rest.split_first_mut() {
        if level.missing() > 0 {
            return Ok(());
        }
        let row = level.above / TILE_PX;
        sink.look(number, level.rows());
        write_tiles(
            level.rows(),
            level.size.width,
            (sink.codec(), sink.samples()),
            |column, tile| {
                let level = number;
                sink.put(TilePlace { level, row, column }, tile)
            },
        )?;
        if let Some(next) = next.first_mut() {
            let out = next.room(level.filled.div_ceil(2));
            reduce(level.rows(), level.size.width, pyramid, out);
        }
        level.clear();
        rest = next;
        number += 1;
    }
    Ok(())
}
