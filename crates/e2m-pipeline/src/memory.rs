//! What a task will need in memory.

use crate::manifest::MemoryRecord;
use e2m_image::{PixelType, Size};
use e2m_resources::{PEAK_FACTOR_PER_TASK, rule_bytes};

/// What the engine needs besides the raw pre plane, whatever the size: bands, previews, SIFT tiles, tiles at full
/// resolution, histograms, OpenCV and the program itself.
const BESIDES_PLANE_BYTES: u64 = 400 << 20;

/// The expectation for a task, before it runs: the rule counts float canvases, the plan what is really held, one raw
/// plane and a constant.
pub fn expected_memory(post: Size, pre: Size, pre_type: PixelType, pad: usize) -> MemoryRecord {
    let larger = post.max(pre);
    MemoryRecord {
        rule_bytes: rule_bytes(larger.width, larger.height, pad, PEAK_FACTOR_PER_TASK),
        plan_bytes: pre.pixels() * pre_type.bytes() as u64 + BESIDES_PLANE_BYTES,
        peak_rss_bytes: 0,
    }
}
