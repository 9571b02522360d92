//! The memory rule.

/// How many float canvases the rule counts per task. In the Python program it was meant to cover the copies alive at
/// the worst moment; e2m holds none, and keeps the rule as the measure that users know.
pub const PEAK_FACTOR_PER_TASK: f64 = 6.0;

/// Bytes of a float pixel.
const FLOAT_BYTES: f64 = 4.0;

/// `(height + 2 pad) (width + 2 pad) x 4 bytes x factor`, the rule's bytes for one task.
pub fn rule_bytes(width: usize, height: usize, pad: usize, factor: f64) -> u64 {
    let side = |length: usize| length as f64 + 2.0 * pad as f64;
    (side(width) * side(height) * FLOAT_BYTES * factor) as u64
}
