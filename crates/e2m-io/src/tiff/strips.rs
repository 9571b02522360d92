//! How the rows of a checkpoint become strips: cut by the width alone.

use e2m_image::Size;

/// Strips hold about this many bytes before compression; only the width decides, so that files do not depend on bands.
const STRIP_BYTES: usize = 512 << 10;

/// Rows of every strip but the last, which may have fewer.
pub(super) fn rows_per_strip(size: Size) -> usize {
    (STRIP_BYTES / (4 * size.width)).clamp(1, size.height)
}

/// Number of strips.
pub(super) fn strip_count(size: Size) -> usize {
    size.height.div_ceil(rows_per_strip(size))
}

/// Bytes of the table that says where each strip lies and how long it is, as BigTIFF needs them.
pub(crate) fn strip_table_bytes(size: Size) -> u64 {
    strip_count(size) as u64 * 16
}
