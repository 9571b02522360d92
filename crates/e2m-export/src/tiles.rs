//! One row of tiles: cut from a band and compressed in parallel.

use crate::image::Compression;
use flate2::write::ZlibEncoder;
use rayon::prelude::*;
use std::io::{self, Write as _};

/// Columns and rows of a tile, px.
pub(crate) const TILE_PX: usize = 512;
/// Bytes of a tile before it is compressed.
pub(crate) const TILE_BYTES: usize = 4 * TILE_PX * TILE_PX;
/// Noise hardly compresses better at higher levels, which take three times as long (`deflate.rs` of e2m-io has a table).
const LEVEL: u32 = 1;
/// Tiles compressed together, per thread: while some take longer than others, nobody should be idle for long.
const TILES_PER_THREAD: usize = 4;
/// What a compressor holds besides its output: tables and windows.
const COMPRESSOR_BYTES: u64 = 384 << 10;

/// The most bytes that compressing a row of tiles takes besides the band; `threads` compress.
pub(crate) fn memory_bytes(width: usize, threads: usize) -> u64 {
    let together = (TILES_PER_THREAD * threads.max(1)).min(width.div_ceil(TILE_PX)) as u64;
    let cut = TILE_BYTES as u64;
    // What does not compress grows by some bytes; the vector it is in may have grown by doubling.
    together * (2 * cut + COMPRESSOR_BYTES) + threads.max(1) as u64 * cut
}

/// Cuts rows of `width` pixels into tiles and hands the bytes of each to `write`, from left to right.
///
/// What of a tile lies outside the image is zero.
pub(crate) fn write_tiles(
    pixels: &[f32],
    width: usize,
    compression: Compression,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let tiles = width.div_ceil(TILE_PX);
    let together = TILES_PER_THREAD * rayon::current_num_threads();
    let mut zeros: Option<Vec<u8>> = None;
    for first in (0..tiles).step_by(together) {
        let stored: Vec<Option<Vec<u8>>> = (first..tiles.min(first + together))
            .into_par_iter()
            .map_init(Vec::new, |tile, index| {
                cut(pixels, width, index, tile);
                // Padding is made of zeros, and is compressed once.
                let is_zero = tile.iter().all(|value| value.to_bits() == 0);
                if is_zero {
                    Ok(None)
                } else {
                    stored(tile, compression).map(Some)
                }
            })
            .collect::<io::Result<_>>()?;
        for tile in stored {
            match (tile, &mut zeros) {
                (Some(tile), _) => write(&tile)?,
                (None, Some(zeros)) => write(zeros)?,
                (None, none) => {
                    write(none.insert(stored_zeros(compression)?))?;
                }
            }
        }
    }
    Ok(())
}

/// Fills `tile` with that of this number, counted from the left.
fn cut(pixels: &[f32], width: usize, index: usize, tile: &mut Vec<f32>) {
    tile.clear();
    tile.resize(TILE_PX * TILE_PX, 0.0);
    let first = index * TILE_PX;
    let columns = TILE_PX.min(width - first);
    for (to, row) in tile.chunks_mut(TILE_PX).zip(pixels.chunks(width)) {
        to[..columns].copy_from_slice(&row[first..first + columns]);
    }
}

fn stored_zeros(compression: Compression) -> io::Result<Vec<u8>> {
    stored(&vec![0.0; TILE_PX * TILE_PX], compression)
}

/// The bytes of a tile in the file, in the byte order of this machine.
fn stored(tile: &[f32], compression: Compression) -> io::Result<Vec<u8>> {
    let bytes: &[u8] = bytemuck::cast_slice(tile);
    match compression {
        Compression::None => Ok(bytes.to_vec()),
        Compression::Deflate => {
            let level = flate2::Compression::new(LEVEL);
            let mut encoder = ZlibEncoder::new(Vec::with_capacity(TILE_BYTES), level);
            encoder.write_all(bytes)?;
            encoder.finish()
        }
    }
}
