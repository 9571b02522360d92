//! What looking for an alignment needs in memory.

use crate::search::features::{BYTES_PER_TILE_PIXEL, TILE_BYTES};
use e2m_image::Size;

/// Features, matches, candidates, and the tiles of the refinement, which are as many for every image.
const FIXED_BYTES: u64 = 18 << 20;
/// Detail images, blurred previews and contours of both methods, per pixel of the previews.
const BYTES_PER_PREVIEW_PIXEL: u64 = 4;

/// The most that the searches of stages 2 and 3 hold besides the previews and the pre plane they are made on, bytes; `post` and
/// `pre` are the sizes of the previews, `threads` the compute threads.
///
/// Most of it is OpenCV's: SIFT keeps a pyramid of the tile that it works on, one of post and one of pre.
pub fn search_memory_bytes(post: Size, pre: Size, threads: usize) -> u64 {
    let tiles = threads.clamp(1, 2) as u64;
    let largest = post.pixels().max(pre.pixels());
    FIXED_BYTES
        + BYTES_PER_PREVIEW_PIXEL * (post.pixels() + pre.pixels())
        + tiles * TILE_BYTES.min(BYTES_PER_TILE_PIXEL * largest)
}
