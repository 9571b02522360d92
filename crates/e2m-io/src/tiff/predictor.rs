//! The floating-point predictor of Adobe's TIFF Technical Note 3.
//!
//! A row of floats becomes a row of bytes: all first (most significant) bytes, then all second, third and fourth ones. The
//! file holds the differences of that row of bytes. The exponents, which hardly change, end up together.

/// Undoes it: `bytes` holds as many planes of differences as a float has bytes, which `read` takes with the most significant
/// one first; `stride` is the number of samples per pixel.
pub(crate) fn undo_float_planes<const N: usize>(
    bytes: &mut [u8],
    stride: usize,
    read: impl Fn([u8; N]) -> f32,
    out: &mut [f32],
) {
    for i in stride..bytes.len() {
        bytes[i] = bytes[i].wrapping_add(bytes[i - stride]);
    }
    let n = bytes.len() / N;
    for (i, pixel) in out.iter_mut().enumerate().take(n) {
        *pixel = read(std::array::from_fn(|plane| bytes[plane * n + i]));
    }
}

/// Applies it to a row of one sample per pixel; both buffers take four bytes per pixel, and the result is in `differences`.
pub(crate) fn apply_float_planes(row: &[f32], planes: &mut [u8], differences: &mut [u8]) {
    let n = row.len();
    let (first, rest) = planes.split_at_mut(n);
    let (second, rest) = rest.split_at_mut(n);
    let (third, fourth) = rest.split_at_mut(n);
    let bytes = first.iter_mut().zip(second).zip(third).zip(fourth);
    for (pixel, (((a, b), c), d)) in row.iter().zip(bytes) {
        [*a, *b, *c, *d] = pixel.to_be_bytes();
    }
    // Apart from the planes, so that many can be subtracted at once.
    differences[..n.min(1)].copy_from_slice(&planes[..n.min(1)]);
    let pairs = planes.iter().skip(1).zip(planes.iter());
    for (difference, (byte, before)) in differences.iter_mut().skip(1).zip(pairs) {
        *difference = byte.wrapping_sub(*before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_applied_is_undone(bits in proptest::collection::vec(any::<u32>(), 0..200)) {
            let row: Vec<f32> = bits.iter().map(|&b| f32::from_bits(b)).collect();
            let mut bytes = vec![0; 4 * row.len()];
            apply_float_planes(&row, &mut vec![0; 4 * row.len()], &mut bytes);
            let mut back = vec![0.0; row.len()];
            undo_float_planes(&mut bytes, 1, f32::from_be_bytes, &mut back);
            let back: Vec<u32> = back.iter().map(|v| v.to_bits()).collect();
            prop_assert_eq!(back, bits);
        }
    }
}
