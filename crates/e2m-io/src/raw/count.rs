//! The types of counts that a raw file can hold.

use crate::tiff::Sample;
use e2m_image::{PixelType, Plane};
use ndarray::Array2;

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

    fn plane(array: Array2<Self>) -> Plane {
        Plane::from(array)
    }
}

/// The type that holds the sum of three counts of a type: no sum is ever cut off.
pub(crate) const fn type_of_sums(counts: PixelType) -> PixelType {
    match counts {
        PixelType::U8 => PixelType::U16,
        PixelType::U16 | PixelType::F32 => PixelType::F32,
    }
}
