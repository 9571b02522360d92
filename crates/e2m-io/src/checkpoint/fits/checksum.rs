//! CHECKSUM and DATASUM, by the FITS Checksum Proposal (Seaman, Pence and Rots), appendix J of FITS 4.0.

/// A 32 bit ones'-complement sum over big-endian words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OnesSum(u32);

impl OnesSum {
    /// Adds one word.
    pub(crate) fn add(&mut self, word: u32) {
        let (sum, carry) = self.0.overflowing_add(word);
        self.0 = sum.wrapping_add(u32::from(carry));
    }

    /// Adds bytes, four to a word, the last word filled up with zeros.
    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(4) {
            let mut full = [0; 4];
            full[..word.len()].copy_from_slice(word);
            self.add(u32::from_be_bytes(full));
        }
    }

    /// The sum as a number.
    pub(crate) fn value(self) -> u32 {
        self.0
    }

    /// Whether a unit with a valid CHECKSUM card adds up to this: all ones, or zero.
    pub(crate) fn is_intact(self) -> bool {
        matches!(self.0, 0 | u32::MAX)
    }

    /// The sixteen characters that make a header whose CHECKSUM was sixteen zeros add up to all ones.
    pub(crate) fn complement_characters(self) -> String {
        let mut characters = [0; 16];
        for (i, byte) in (!self.0).to_be_bytes().into_iter().enumerate() {
            for (j, character) in four_characters(byte).into_iter().enumerate() {
                characters[4 * j + i] = character;
            }
        }
        // The value begins in the second byte of a word, so everything moves by one.
        characters.rotate_right(1);
        characters.iter().map(|&c| char::from(c)).collect()
    }
}

/// Four letters or digits that exceed four `0` by `byte` in sum.
fn four_characters(byte: u8) -> [u8; 4] {
    let quarter = byte / 4 + b'0';
    let mut characters = [quarter + byte % 4, quarter, quarter, quarter];
    let punctuation = |c: u8| !c.is_ascii_alphanumeric();
    while characters.iter().any(|&c| punctuation(c)) {
        for pair in characters.chunks_exact_mut(2) {
            if pair.iter().any(|&c| punctuation(c)) {
                pair[0] += 1;
                pair[1] -= 1;
            }
        }
    }
    characters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_becomes_four_letters_or_digits() {
        for byte in 0..=255 {
            let characters = four_characters(byte);
            assert!(characters.iter().all(u8::is_ascii_alphanumeric), "{byte}");
            let sum: u32 = characters.iter().map(|&c| u32::from(c - b'0')).sum();
            assert_eq!(sum, u32::from(byte));
        }
    }

    #[test]
    fn characters_of_the_standard_s_example() {
        // FITS 4.0, appendix J.5.
        let mut sum = OnesSum::default();
        sum.add(868_229_149);
        assert_eq!(sum.complement_characters(), "hcHjjc9ghcEghc9g");
    }

    #[test]
    fn the_carry_goes_round() {
        let mut sum = OnesSum::default();
        sum.add(u32::MAX);
        sum.add(2);
        assert_eq!(sum.value(), 2);
        let mut bytes = OnesSum::default();
        bytes.add_bytes(&[0, 0, 0, 1, 5]);
        assert_eq!(bytes.value(), 0x0500_0001);
    }
}
