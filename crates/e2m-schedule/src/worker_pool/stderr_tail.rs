//! The end of what a worker wrote to its standard error.

/// How much is kept.
const TAIL_BYTES: usize = 16 * 1024;

/// Keeps the last bytes.
#[derive(Debug, Default)]
pub(super) struct StderrTail {
    bytes: Vec<u8>,
}

impl StderrTail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Cut only when twice as long, so that each byte moves once on average.
        if self.bytes.len() > 2 * TAIL_BYTES {
            self.cut();
        }
    }

    /// Drops what an earlier task wrote.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes the tail as text.
    pub(super) fn take(&mut self) -> String {
        self.cut();
        let bytes = std::mem::take(&mut self.bytes);
        // A cut may go through a character; the rest of it is left out.
        let broken = bytes
            .iter()
            .take(3)
            .take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000)
            .count();
        String::from_utf8_lossy(&bytes[broken..]).into_owned()
    }

    fn cut(&mut self) {
        let excess = self.bytes.len().saturating_sub(TAIL_BYTES);
        self.bytes.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let mut tail = StderrTail::default();
        for number in 0..10_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        let text = tail.take();
        assert!(text.len() <= TAIL_BYTES && text.len() > TAIL_BYTES - 20);
        assert!(text.ends_with("line 9998\nline 9999\n"));
        assert_eq!(tail.take(), "");
    }

    #[test]
    fn a_cut_character_leaves_no_trace() {
        let mut tail = StderrTail::default();
        tail.push("ä".repeat(TAIL_BYTES).as_bytes());
        tail.push(b"x");
        let text = tail.take();
        assert!(text.starts_with('ä') && text.ends_with('x'), "{text:.20}");
    }
}
