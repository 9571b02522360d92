//! Sums, maxima and clipping while rows pass.

use super::channels::{ChannelChoice, ColourKind};
use crate::tiff::{RowLayout, Sample, with_channel};
use e2m_image::Plane;
use ndarray::Array2;

/// A pixel type of a plane, with what reading one needs to know of it.
pub(crate) trait Count: Sample + PartialEq {
    /// The value as a double.
    fn value(self) -> f64;

    /// The sum of two counts, which stays in range.
    fn saturating_sum(self, other: Self) -> Self;

    /// Whether the sum of two counts leaves the range.
    fn overflows(self, other: Self) -> bool;

    /// The largest value, given the largest one seen.
    fn full_scale(largest: f64) -> f64;

    /// Whether [`Count::sanitise`] has anything to look for.
    const MAY_BE_NO_NUMBER: bool = false;

    /// Replaces what is not a number by zero and tells how many there were.
    fn sanitise(_row: &mut [Self]) -> u64 {
        0
    }

    /// The sum and the maximum of some counts.
    fn sum_and_max<'a>(counts: impl Iterator<Item = &'a Self>) -> (f64, f64);

    /// The count as a float pixel.
    fn pixel(self) -> f32;

    fn plane(array: Array2<Self>) -> Plane;
}

macro_rules! count_of_integer {
    ($type:ty) => {
        impl Count for $type {
            fn value(self) -> f64 {
                self.into()
            }

            fn saturating_sum(self, other: Self) -> Self {
                self.saturating_add(other)
            }

            fn overflows(self, other: Self) -> bool {
                self.checked_add(other).is_none()
            }

            fn full_scale(_largest: f64) -> f64 {
                Self::MAX.into()
            }

            fn sum_and_max<'a>(counts: impl Iterator<Item = &'a Self>) -> (f64, f64) {
                // A row has less than 2^32 counts of less than 2^16, so this cannot overflow.
                let (sum, max) = counts.fold((0_u64, 0), |(sum, max): (u64, Self), &count| {
                    (sum + u64::from(count), max.max(count))
                });
                (sum as f64, max.into())
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
    const MAY_BE_NO_NUMBER: bool = true;

    fn value(self) -> f64 {
        self.into()
    }

    fn saturating_sum(self, other: Self) -> Self {
        (self + other).clamp(Self::MIN, Self::MAX)
    }

    fn overflows(self, other: Self) -> bool {
        !(self + other).is_finite()
    }

    /// Floats are fractions of one, of 8 bit or of 16 bit counts: the smallest that holds what was seen.
    fn full_scale(largest: f64) -> f64 {
        let holds = |scale: &&f64| largest <= **scale;
        *[1.0, 255.0, 65535.0].iter().find(holds).unwrap_or(&65535.0)
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

    fn sum_and_max<'a>(counts: impl Iterator<Item = &'a Self>) -> (f64, f64) {
        counts.fold((0.0, 0.0), |(sum, max): (f64, f64), &count| {
            (sum + f64::from(count), max.max(count.into()))
        })
    }

    fn pixel(self) -> f32 {
        self
    }

    fn plane(array: Array2<Self>) -> Plane {
        Plane::from(array)
    }
}

/// What was seen of each colour channel so far.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    sums: Vec<f64>,
    largest: f64,
    pixels: u64,
}

impl Tally {
    pub(crate) fn new(kind: ColourKind) -> Self {
        Self {
            sums: vec![0.0; kind.channels()],
            largest: 0.0,
            pixels: 0,
        }
    }

    pub(crate) fn add_row<T: Count>(&mut self, row: &[T], layout: RowLayout) {
        let mut pixels = 0;
        for (channel, sum) in self.sums.iter_mut().enumerate() {
            let (row_sum, row_max, row_pixels) = with_channel!(layout.channel(row, channel), counts => {
                let pixels = counts.len() as u64;
                let (sum, max) = T::sum_and_max(counts);
                (sum, max, pixels)
            });
            pixels = row_pixels;
            *sum += row_sum;
            self.largest = self.largest.max(row_max);
        }
        self.pixels += pixels;
    }

    pub(crate) fn decide<T: Count>(&self, kind: ColourKind) -> ChannelChoice {
        let pixels = self.pixels.max(1) as f64;
        let means = self.sums.iter().map(|sum| sum / pixels).collect();
        ChannelChoice::decide(kind, means, T::full_scale(self.largest))
    }
}

/// Puts the sum of the active channels of `row` into `out`; returns how many pixels were clipped.
pub(crate) fn reduce_row<T: Count>(
    row: &[T],
    layout: RowLayout,
    active: &[usize],
    out: &mut [T],
) -> u64 {
    let mut clipped = 0;
    for (i, &channel) in active.iter().enumerate() {
        with_channel!(layout.channel(row, channel), counts => {
            let pairs = out.iter_mut().zip(counts);
            if i == 0 {
                pairs.for_each(|(out, &count)| *out = count);
            } else {
                for (out, &count) in pairs {
                    clipped += u64::from(out.overflows(count));
                    *out = out.saturating_sum(count);
                }
            }
        });
    }
    clipped
}
