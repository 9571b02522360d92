//! What a task will need in memory.

use crate::manifest::MemoryRecord;
use e2m_image::{PixelType, Size};
use e2m_resources::{PEAK_FACTOR_PER_TASK, rule_bytes};

/// What the engine needs besides the raw pre plane, whatever the size: bands, previews, SIFT tiles, tiles at full
/// resolution, histograms, pictures, OpenCV and the program itself.
const BESIDES_PLANE_BYTES: u64 = 400 << 20;
/// What each thread counts pairs of pixels in (10 MiB for 16 bit), differences and rows of blocks.
const THREAD_BYTES: u64 = 12 << 20;
/// Threads that count at a time.
const MAX_COUNTING_THREADS: u64 = 16;

/// The expectation for a task, before it runs, on the threads of the current `rayon` pool: the rule counts float canvases, the
/// plan what is really held, one raw plane, a constant, and counters for each thread.
pub fn expected_memory(post: Size, pre: Size, pre_type: PixelType, pad: usize) -> MemoryRecord {
    let larger = post.max(pre);
    let counters = MAX_COUNTING_THREADS.min(rayon::current_num_threads() as u64) * THREAD_BYTES;
    MemoryRecord {
        rule_bytes: rule_bytes(larger.width, larger.height, pad, PEAK_FACTOR_PER_TASK),
        plan_bytes: pre.pixels() * pre_type.bytes() as u64 + BESIDES_PLANE_BYTES + counters,
        peak_rss_bytes: 0,
    }
}
