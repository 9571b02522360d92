//! What the preflight check holds against the memory there is.

use crate::batch_file::setting::words;

/// What the preflight check holds against the memory there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryGate {
    /// What the streaming engine will allocate at most.
    Plan,
    /// The 6x rule alone.
    Rule,
}

words!(MemoryGate {
    "plan" => Self::Plan,
    "rule" => Self::Rule,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::setting::tests::round_trip;

    #[test]
    fn words_are_written_as_they_are_read() {
        round_trip::<MemoryGate>("\"plan\"");
        round_trip::<MemoryGate>("\"rule\"");
    }
}
