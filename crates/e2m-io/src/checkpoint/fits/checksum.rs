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

    /// Adds the pixels of a row, fewer than 2^32; the carries all at once.
    pub(crate) fn add_row(&mut self, row: &[f32]) {
        self.add_sum(row.iter().map(|pixel| u64::from(pixel.to_bits())).sum());
    }

    /// Adds words that have been summed up without carries.
    pub(crate) fn add_sum(&mut self, sum: u64) {
        self.add(sum as u32);
        self.add((sum >> 32) as u32);
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
}

#[cfg(test)]
mod tests {
    use super::super::cfitsio::checksum_characters;
    use super::*;

    #[test]
    fn characters_of_the_standard_s_example() {
        // FITS 4.0, appendix J.5.
        assert_eq!(checksum_characters(868_229_149), "hcHjjc9ghcEghc9g");
    }

    #[test]
    fn the_carry_goes_round() {
        let mut sum = OnesSum::default();
        sum.add(u32::MAX);
        sum.add(2);
        assert_eq!(sum.value(), 2);
        let row: Vec<f32> = (0..999u32)
            .map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9)))
            .collect();
        let mut one_by_one = sum;
        row.iter().for_each(|pixel| one_by_one.add(pixel.to_bits()));
        sum.add_row(&row);
        assert_eq!(sum, one_by_one);
        let mut bytes = OnesSum::default();
        bytes.add_bytes(&[0, 0, 0, 1, 5]);
        assert_eq!(bytes.value(), 0x0500_0001);
    }
}
