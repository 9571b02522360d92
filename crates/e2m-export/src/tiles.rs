//! One row of tiles: cut from a band and compressed in parallel.

use crate::image::Compression;
use e2m_image::PixelType;
use flate2::write::{GzEncoder, ZlibEncoder};
use rayon::prelude::*;
use std::io::{self, Write as _};

/// Columns and rows of a tile, px.
pub(crate) const TILE_PX: usize = 512;
/// Bytes of a tile before it is compressed.
pub(crate) const TILE_BYTES: usize = 4 * TILE_PX * TILE_PX;
/// Noise hardly compresses better at higher levels, which take three times as long (`deflate.rs` of e2m-io has a table).
pub(crate) const LEVEL: u32 = 1;
/// Tiles compressed together, per thread: while some take longer than others, nobody should be idle for long.
const TILES_PER_THREAD: usize = 4;
/// What a compressor holds besides its output: tables and windows.
const COMPRESSOR_BYTES: u64 = 384 << 10;

/// What the bytes of a tile are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// The pixels, in the byte order of this machine.
    Native,
    /// The same, deflated, as zlib has it: what TIFF calls deflate.
    NativeZlib,
    /// The pixels, the lowest byte first.
    Little,
    /// The same, deflated, as zlib has it.
    LittleZlib,
    /// The same, deflated, as gzip has it.
    LittleGzip,
}

impl Codec {
    /// That of tiles of a TIFF.
    pub(crate) fn of_tiff(compression: Compression) -> Self {
        match compression {
            Compression::Deflate => Self::NativeZlib,
            Compression::None => Self::Native,
        }
    }
}

/// The most bytes that compressing a row of tiles takes besides the band; `threads` compress.
pub(crate) fn memory_bytes(width: usize, threads: usize) -> u64 {
    let together = (TILES_PER_THREAD * threads.max(1)).min(width.div_ceil(TILE_PX)) as u64;
    let cut = TILE_BYTES as u64;
    // What does not compress grows by some bytes; the vector it is in may have grown by doubling.
    together * (2 * cut + COMPRESSOR_BYTES) + threads.max(1) as u64 * cut
}

/// Cuts rows of `width` pixels into tiles, makes samples of this type of them and hands the column and the bytes of each to `write`, from left to right; no bytes
/// where every pixel is zero, as padding is.
///
/// What of a tile lies outside the image is zero.
pub(crate) fn write_tiles(
    pixels: &[f32],
    width: usize,
    (codec, samples): (Codec, PixelType),
    mut write: impl FnMut(usize, Option<&[u8]>) -> io::Result<()>,
) -> io::Result<()> {
    let tiles = width.div_ceil(TILE_PX);
    let together = TILES_PER_THREAD * rayon::current_num_threads();
    for first in (0..tiles).step_by(together) {
        let stored: Vec<Option<Vec<u8>>> = (first..tiles.min(first + together))
            .into_par_iter()
            .map_init(Vec::new, |tile, index| {
                cut(pixels, width, index, tile);
                let is_zero = tile.iter().all(|value| value.to_bits() == 0);
                if is_zero {
                    Ok(None)
                } else {
                    stored(tile, codec, samples).map(Some)
                }
            })
            .collect::<io::Result<_>>()?;
        for (column, tile) in (first..).zip(stored) {
            write(column, tile.as_deref())?;
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

/// The bytes of a tile of zeros.
pub(crate) fn stored_zeros(codec: Codec, samples: PixelType) -> io::Result<Vec<u8>> {
    stored(&mut vec![0.0; TILE_PX * TILE_PX], codec, samples)
}

/// The bytes of a tile.
fn stored(tile: &mut [f32], codec: Codec, samples: PixelType) -> io::Result<Vec<u8>> {
    let whole: Vec<u8>;
    if samples == PixelType::F32
        && matches!(codec, Codec::Little | Codec::LittleZlib | Codec::LittleGzip)
    {
        for value in tile.iter_mut() {
            *value = f32::from_bits(value.to_bits().to_le());
        }
    }
    // Whole numbers are what they were; those of smaller levels are rounded.
    let bytes: &[u8] = match samples {
        PixelType::F32 => bytemuck::cast_slice(tile),
        PixelType::U8 => {
            whole = tile.iter().map(|value| value.round() as u8).collect();
            &whole
        }
        PixelType::U16 => {
            let words = tile.iter().map(|value| value.round() as u16);
            whole = words.flat_map(u16::to_ne_bytes).collect();
            &whole
        }
    };
    let level = flate2::Compression::new(LEVEL);
    let out = || Vec::with_capacity(TILE_BYTES);
    match codec {
        Codec::Native | Codec::Little => Ok(bytes.to_vec()),
        Codec::NativeZlib | Codec::LittleZlib => {
            let mut encoder = ZlibEncoder::new(out(), level);
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        Codec::LittleGzip => {
            let mut encoder = GzEncoder::new(out(), level);
            encoder.write_all(bytes)?;
            encoder.finish()
        }
    }
}
