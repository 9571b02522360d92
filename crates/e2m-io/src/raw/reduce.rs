//! The channels of a pixel as one number.

use super::channels::{ChannelChoice, Reduction};
use super::count::Count;
use crate::tiff::{RowLayout, with_channel};
use ndarray::ArrayViewMut1;

/// Puts the signal of `row` into `out`, which is as wide. Sums of whole counts are exact.
pub(crate) fn reduce_row<T: Count>(
    row: &[T],
    layout: RowLayout,
    choice: &ChannelChoice,
    out: &mut ArrayViewMut1<'_, f32>,
) {
    if let (Reduction::Sum, [channel]) = (choice.reduction, &*choice.active) {
        with_channel!(layout.channel(row, *channel), counts => to_pixels(counts, out));
        return;
    }
    out.fill(0.0);
    for &channel in &choice.active {
        let weight = choice.reduction.weight(channel);
        with_channel!(layout.channel(row, channel), counts => {
            for (out, &count) in out.iter_mut().zip(counts) {
                // Floats near the end of their range stay numbers.
                *out = (*out + weight * count.pixel()).clamp(f32::MIN, f32::MAX);
            }
        });
    }
}

fn to_pixels<'a, T: Count>(counts: impl Iterator<Item = &'a T>, out: &mut ArrayViewMut1<'_, f32>) {
    let convert = |(out, &count): (&mut f32, &T)| *out = count.pixel();
    match out.as_slice_mut() {
        Some(out) => out.iter_mut().zip(counts).for_each(convert),
        None => out.iter_mut().zip(counts).for_each(convert),
    }
}
