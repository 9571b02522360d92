//! The types of counts that a raw file can hold.

use crate::tiff::Sample;
use e2m_image::{PixelType, Plane};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// A pixel type of a plane, with what reading one needs to know of it.
pub(crate) trait Count: Sample + PartialEq {
    /// The value as a double.
    fn value(self) -> f64;

    /// By how much a count is off that was rounded: half a count, or nothing for floats.
    const ROUNDING: f64;

    /// Whether [`Count::sanitise`] has anything to look for.
    const MAY_BE_NO_NUMBER: bool = false;

    /// Replaces what is not a number by zero and tells how many there were.
    fn sanitise(_row: &mut [Self]) -> u64 {
        0
    }

    /// The count as a float pixel.
    fn pixel(self) -> f32;

    /// The count from white on, if the largest one is white. Floats have no largest one.
    fn counted_from_white(self, largest: u16) -> Self;

    fn plane(array: Array2<Self>) -> Plane;
}

macro_rules! count_of_integer {
    ($type:ty) => {
        impl Count for $type {
            const ROUNDING: f64 = 0.5;

            fn value(self) -> f64 {
                self.into()
            }

            fn pixel(self) -> f32 {
                self.into()
            }

            fn counted_from_white(self, largest: u16) -> Self {
                // No stored count is larger than the largest one of its bits.
                (largest as Self).wrapping_sub(self)
            }

            fn plane(array: Array2<Self>) -> Plane {
                Plane::from(array)
            }
        }
    };
}
count_of_integer!(u8);
count_of_integer!(u16);

impl Count for f32 {
    const ROUNDING: f64 = 0.0;
    const MAY_BE_NO_NUMBER: bool = true;

    fn value(self) -> f64 {
        self.into()
    }

    fn sanitise(row: &mut [Self]) -> u64 {
        let mut replaced = 0;
        for pixel in row {
            let is_number = pixel.is_finite();
            *pixel = if is_number { *pixel } else { 0.0 };
            replaced += u64::from(!is_number);
        }
        replaced
    }

    fn pixel(self) -> f32 {
        self
    }

    fn counted_from_white(self, _largest: u16) -> Self {
        self
    }

    fn plane(array: Array2<Self>) -> Plane {
        Plane::from(array)
    }
}

/// How many samples of a raw image are not read as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Alterations {
    /// Infinite, or not a number: read as zero.
    pub not_numbers: u64,
    /// Integers that 32 bit floats cannot hold: read as the nearest one.
    pub inexact: u64,
}

impl Alterations {
    /// What there is to say of them, sentences without subject or end.
    pub fn sentences(self) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.not_numbers > 0 {
            sentences.push(format!(
                "{} samples are infinite or not a number, and are read as zero",
                self.not_numbers
            ));
        }
        if self.inexact > 0 {
            sentences.push(format!(
                "{} of its integers are beyond what 32 bit floats hold exactly (2^24), and are rounded",
                self.inexact
            ));
        }
        sentences
    }
}

impl std::ops::AddAssign for Alterations {
    fn add_assign(&mut self, other: Self) {
        self.not_numbers += other.not_numbers;
        self.inexact += other.inexact;
    }
}

/// The type that holds the sum of three counts of a type: no sum is ever cut off.
pub(crate) const fn type_of_sums(counts: PixelType) -> PixelType {
    match counts {
        PixelType::U8 => PixelType::U16,
        PixelType::U16 | PixelType::F32 => PixelType::F32,
    }
}
