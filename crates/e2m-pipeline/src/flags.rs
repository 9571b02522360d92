//! What the bits of a mask say.

/// A bit of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskFlag {
    /// Its value in a pixel.
    pub value: u8,
    /// What it says of the pixel.
    pub meaning: &'static str,
}

/// Post has no pixel there: it is beside its frame.
pub const NO_POST: u8 = 1;
/// Aligned pre has no pixel there.
pub const NO_PRE: u8 = 2;
/// Post is saturated, so that the difference is a lower bound.
pub const POST_SATURATED: u8 = 4;
/// Pre is saturated, so that the difference is an upper bound.
pub const PRE_SATURATED: u8 = 8;
/// Not light of the section in one of the images: a hot pixel, a bad column, dust or dirt.
pub const DEFECT: u8 = 16;
/// The images do not fit each other around it.
pub const MISALIGNED: u8 = 32;

/// All bits, by their value.
pub const FLAGS: [MaskFlag; 6] = [
    MaskFlag {
        value: NO_POST,
        meaning: "no post",
    },
    MaskFlag {
        value: NO_PRE,
        meaning: "no pre",
    },
    MaskFlag {
        value: POST_SATURATED,
        meaning: "saturated in post",
    },
    MaskFlag {
        value: PRE_SATURATED,
        meaning: "saturated in pre",
    },
    MaskFlag {
        value: DEFECT,
        meaning: "hot pixel, bad column, dust or dirt",
    },
    MaskFlag {
        value: MISALIGNED,
        meaning: "local misalignment",
    },
];
