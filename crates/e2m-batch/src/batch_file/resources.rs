//! `[resources]`: what tasks may use of the machine.

use super::section::section;
use super::values::{ByteSize, Factor, MemoryGate};
use e2m_resources::PEAK_FACTOR_PER_TASK;

section! {
    /// `[resources]`: what tasks may use of the machine.
    pub struct Resources ["resources"] {
        peak_factor: Factor = Some(Factor(PEAK_FACTOR_PER_TASK)), "Float canvases that the memory rule counts per task";
        memory_gate: MemoryGate = Some(MemoryGate::Plan), "What is held against the memory there is: what e2m will really use (\"plan\") or the memory rule (\"rule\")";
        min_available: ByteSize = Some(ByteSize(500_000_000)), "When less memory than this is left, no new task starts";
    }
}
