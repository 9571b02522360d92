//! The tiles of one channel on their way into chunks, or shards of chunks.

use super::shard::{CHUNKS, ShardIndex};
use super::window::{Window, WindowFinder};
use super::{ZarrVersion, metadata};
use crate::image::{OmeImage, Pyramid};
use crate::levels::level_sizes;
use crate::plane::{TilePlace, TileSink};
use crate::tiles::{Codec, TILE_PX};
use e2m_io::{AtomicError, AtomicFolder};
use std::io;

/// A level of a channel.
struct Level {
    /// Rows and columns of chunks.
    chunks: [usize; 2],
    /// The shards of the row of shards at hand.
    shards: Vec<ShardIndex>,
}

/// One channel.
pub(super) struct ZarrPlane<'a> {
    folder: &'a mut AtomicFolder,
    version: ZarrVersion,
    codec: Codec,
    pyramid: Pyramid,
    /// Its number, where there are several.
    channel: Option<usize>,
    levels: Vec<Level>,
    window: WindowFinder,
}

impl<'a> ZarrPlane<'a> {
    pub(super) fn new(
        folder: &'a mut AtomicFolder,
        (image, version): (&OmeImage, ZarrVersion),
        index: usize,
    ) -> Self {
        let level = |size: e2m_image::Size| {
            let chunks = [size.height, size.width].map(|side| side.div_ceil(TILE_PX));
            Level {
                chunks,
                shards: vec![ShardIndex::new(); chunks[1].div_ceil(CHUNKS)],
            }
        };
        let channel = image.channels.get(index);
        Self {
            folder,
            version,
            codec: metadata::codec(version, image.compression),
            pyramid: channel.map_or(Pyramid::Mean, |channel| channel.pyramid),
            channel: (image.channels.len() > 1).then_some(index),
            levels: level_sizes(image.size).into_iter().map(level).collect(),
            window: WindowFinder::new(),
        }
    }

    /// The range of what went by.
    pub(super) fn into_window(self) -> Window {
        self.window.finish(self.pyramid)
    }

    /// The file of a chunk, or of a shard, by its row and column.
    fn name(&self, level: usize, row: usize, column: usize) -> String {
        let channel = self
            .channel
            .map_or(String::new(), |channel| format!("{channel}/"));
        match self.version {
            ZarrVersion::V04 => format!("{level}/{channel}{row}/{column}"),
            ZarrVersion::V05 => format!("{level}/c/{channel}{row}/{column}"),
        }
    }

    /// Adds a chunk to its shard, and ends the shards of a row with its last chunk.
    fn put_in_shard(&mut self, place: TilePlace, tile: Option<&[u8]>) -> Result<(), AtomicError> {
        let TilePlace { level, row, column } = place;
        let shard = [row / CHUNKS, column / CHUNKS];
        if let Some(bytes) = tile {
            let name = self.name(level, shard[0], shard[1]);
            let first = self.folder.append(&name, bytes)?;
            let index = self.levels.get_mut(level).map(|level| &mut level.shards);
            if let Some(index) = index.and_then(|shards| shards.get_mut(shard[1])) {
                let place = [first, bytes.len() as u64];
                index.set(row % CHUNKS, column % CHUNKS, place);
            }
        }
        let Some(chunks) = self.levels.get(level).map(|level| level.chunks) else {
            return Ok(());
        };
        let is_last_row = row + 1 == chunks[0] || (row + 1).is_multiple_of(CHUNKS);
        if is_last_row && column + 1 == chunks[1] {
            self.end_shards(level, shard[0])?;
        }
        Ok(())
    }

    fn end_shards(&mut self, level: usize, row: usize) -> Result<(), AtomicError> {
        let Some(shards) = self.levels.get_mut(level).map(|level| &mut level.shards) else {
            return Ok(());
        };
        let new = vec![ShardIndex::new(); shards.len()];
        let done = std::mem::replace(shards, new);
        for (column, index) in done.iter().enumerate() {
            if !index.is_empty() {
                let name = self.name(level, row, column);
                self.folder.append(&name, &index.bytes())?;
            }
        }
        Ok(())
    }
}

impl TileSink for ZarrPlane<'_> {
    fn codec(&self) -> Codec {
        self.codec
    }

    fn look(&mut self, level: usize, pixels: &[f32]) {
        if level == 0 {
            self.window.look_at_full(pixels);
        }
        if level + 1 == self.levels.len() {
            self.window.look_at_smallest(pixels);
        }
    }

    fn put(&mut self, place: TilePlace, tile: Option<&[u8]>) -> io::Result<()> {
        let put = match (self.version, tile) {
            (ZarrVersion::V04, None) => Ok(()),
            (ZarrVersion::V04, Some(bytes)) => {
                let name = self.name(place.level, place.row, place.column);
                self.folder.write(&name, bytes)
            }
            (ZarrVersion::V05, tile) => self.put_in_shard(place, tile),
        };
        // Whoever called names the file.
        put.map_err(|error| error.source)
    }
}
