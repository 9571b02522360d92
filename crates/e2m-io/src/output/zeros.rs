//! Which parts of a block have to be written at all.

use std::ops::Range;

/// Holes are cut in pieces of this size. Smaller ones would also catch the padding at the sides of rows, 16 kB for every
/// 136 kB of a wide canvas: an eighth of the bytes, but so many writes that nothing is won.
const PIECE_BYTES: usize = 64 << 10;

/// Bytes looked at before the answer can be no.
const STEP_BYTES: usize = 1 << 10;

/// Whether all bytes are zero.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // Without an exit inside, a step is a few vector instructions.
    let step_is_zero = |step: &[u8]| step.iter().fold(0, |all, byte| all | byte) == 0;
    bytes.chunks(STEP_BYTES).all(step_is_zero)
}

/// The parts of `bytes` that are not pieces of zeros, in order and apart from each other.
pub(super) fn runs(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let piece = |start: usize| start..bytes.len().min(start + PIECE_BYTES);
        let written = |start: usize| start < bytes.len() && !is_zero(&bytes[piece(start)]);
        while next < bytes.len() && !written(next) {
            next += PIECE_BYTES;
        }
        let start = next;
        while written(next) {
            next += PIECE_BYTES;
        }
        (start < bytes.len()).then(|| start..bytes.len().min(next))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_single_byte_counts() {
        for length in [0, 1, 7, STEP_BYTES, 3 * STEP_BYTES + 5] {
            let mut bytes = vec![0; length];
            assert!(is_zero(&bytes));
            for i in 0..length {
                bytes[i] = 1;
                assert!(!is_zero(&bytes), "{i} of {length}");
                bytes[i] = 0;
            }
        }
    }

    proptest! {
        #[test]
        fn runs_hold_all_that_is_not_zero(
            pieces in proptest::collection::vec(any::<bool>(), 0..9),
            end in 0..PIECE_BYTES,
            at in 0..PIECE_BYTES,
        ) {
            let length = (pieces.len() * PIECE_BYTES).saturating_sub(end);
            let mut bytes = vec![0_u8; length];
            let mut wanted = Vec::new();
            for (i, _) in pieces.iter().enumerate().filter(|(_, filled)| **filled) {
                let byte = (i * PIECE_BYTES + at).min(length - 1);
                bytes[byte] = 1;
                wanted.push(byte / PIECE_BYTES);
            }
            let found: Vec<_> = runs(&bytes).collect();
            prop_assert!(found.windows(2).all(|pair| pair[0].end < pair[1].start));
            let pieces_of = |run: &Range<usize>| run.start / PIECE_BYTES..run.end.div_ceil(PIECE_BYTES);
            let covered: Vec<_> = found.iter().flat_map(pieces_of).collect();
            wanted.dedup();
            prop_assert_eq!(covered, wanted);
            prop_assert!(found.iter().all(|run| run.start % PIECE_BYTES == 0 && run.end <= length));
        }
    }
}
