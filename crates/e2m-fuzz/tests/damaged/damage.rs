//! Damage to bytes: the same every time.

use crate::kinds::Kind;

/// Of three flips, so many are where the file says what it is.
const IN_STRUCTURE_OF_3: usize = 2;

/// Numbers that look random (SplitMix64: Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// The file cut at places evenly spread over it, the first within its first bytes.
pub(crate) fn cuts(bytes: &[u8], count: usize) -> impl Iterator<Item = &[u8]> {
    (0..count).map(move |i| &bytes[..i * bytes.len() / count + i % 7])
}

/// Whether a flip is where the file says what it is.
pub(crate) fn is_in_structure(number: usize) -> bool {
    number % 3 < IN_STRUCTURE_OF_3
}

/// The file with one byte changed at a time.
pub(crate) fn flips(kind: &Kind, count: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut random = Random::new(kind.bytes.len() as u64);
    (0..count).map(move |i| {
        let mut bytes = kind.bytes.clone();
        let at = if is_in_structure(i) {
            let part = &kind.structure[random.below(kind.structure.len())];
            part.start + random.below(part.len())
        } else {
            random.below(bytes.len())
        };
        // Never none: what is added is 1 to 255.
        bytes[at] ^= 1 + random.below(255) as u8;
        bytes
    })
}
