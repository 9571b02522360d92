//! What a search holds in memory.

use crate::options::DetectOptions;
use crate::search::Search;
use crate::tile::{AT_A_TIME, TILE_COLUMNS, TILE_ROWS};
use e2m_image::Size;

/// Difference, background and mask of a pixel of the strip.
const STRIP_BYTES: u64 = 9;
/// What a thread holds of a pixel of its tile: the region, its filters, maps, labels and planted microbes.
const TILE_BYTES: u64 = 60;
/// Significance of a pixel that is about to be written.
const SIGNIFICANCE_BYTES: u64 = 4;
/// What noise and filters are measured on, at most, and of a pixel.
const SAMPLE_BYTES: u64 = 40 << 20;
const SAMPLE_BYTES_PER_PIXEL: u64 = 12;
/// What is kept of an object until the end, of which there are so many per megapixel at most before the plan is exceeded.
const OBJECT_BYTES: u64 = 512;
const OBJECTS_PER_MEGAPIXEL: u64 = 200;

/// Bytes that [`detect`](crate::detect) holds at a time on an image of this size with so many threads, without those of its source.
pub fn memory_bytes(size: Size, options: &DetectOptions, threads: usize) -> u64 {
    let halo = 2 * Search::halo(options);
    let strip = options.strip_rows.max(1).next_multiple_of(TILE_ROWS) + halo;
    let rows = strip.min(size.height) as u64;
    let tile = (TILE_ROWS + halo).min(size.height) * (TILE_COLUMNS + halo).min(size.width);
    let objects = size.pixels().div_ceil(1_000_000) * OBJECTS_PER_MEGAPIXEL;
    rows * size.width as u64 * STRIP_BYTES
        + TILE_ROWS as u64 * size.width as u64 * SIGNIFICANCE_BYTES
        + SAMPLE_BYTES.min(size.pixels() * SAMPLE_BYTES_PER_PIXEL)
        + threads.clamp(1, AT_A_TIME) as u64 * tile as u64 * TILE_BYTES
        + objects * OBJECT_BYTES
}
