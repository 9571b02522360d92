//! The three sample types, out of bytes.

use super::tags::ByteOrder;

/// A sample as it is stored: `u8`, `u16` or `f32`.
pub(crate) trait Sample: Copy + Default + Send + std::fmt::Debug + 'static {
    /// Reads `out.len()` samples in the file's byte order.
    fn decode(bytes: &[u8], order: ByteOrder, out: &mut [Self]);

    /// Undoes the horizontal predictor: each sample is stored as its difference to the one `stride` before.
    fn undo_differences(row: &mut [Self], stride: usize);

    /// Undoes the floating-point predictor of one row of bytes. Only floats have one.
    fn undo_float_planes(_bytes: &mut [u8], _stride: usize, _out: &mut [Self]) {}
}

/// Reads samples of `N` bytes by `read`, which is known where this is compiled, so that the loop has no calls.
fn decode_each<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T, out: &mut [T]) {
    for (sample, &bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
        *sample = read(bytes);
    }
}

/// Adds to each sample the one `stride` before it.
fn accumulate<T: Copy>(row: &mut [T], stride: usize, add: impl Fn(T, T) -> T) {
    for i in stride..row.len() {
        row[i] = add(row[i], row[i - stride]);
    }
}

impl Sample for u8 {
    fn decode(bytes: &[u8], _order: ByteOrder, out: &mut [Self]) {
        let length = out.len();
        out.copy_from_slice(&bytes[..length]);
    }

    fn undo_differences(row: &mut [Self], stride: usize) {
        accumulate(row, stride, Self::wrapping_add);
    }
}

impl Sample for u16 {
    fn decode(bytes: &[u8], order: ByteOrder, out: &mut [Self]) {
        match order {
            ByteOrder::Little => decode_each(bytes, Self::from_le_bytes, out),
            ByteOrder::Big => decode_each(bytes, Self::from_be_bytes, out),
        }
    }

    fn undo_differences(row: &mut [Self], stride: usize) {
        accumulate(row, stride, Self::wrapping_add);
    }
}

impl Sample for f32 {
    fn decode(bytes: &[u8], order: ByteOrder, out: &mut [Self]) {
        match order {
            ByteOrder::Little => decode_each(bytes, Self::from_le_bytes, out),
            ByteOrder::Big => decode_each(bytes, Self::from_be_bytes, out),
        }
    }

    /// The differences of floats are those of their bit patterns.
    fn undo_differences(row: &mut [Self], stride: usize) {
        accumulate(row, stride, |a, b| {
            Self::from_bits(a.to_bits().wrapping_add(b.to_bits()))
        });
    }

    fn undo_float_planes(bytes: &mut [u8], stride: usize, out: &mut [Self]) {
        super::predictor::undo_float_planes(bytes, stride, out);
    }
}
