//! Samples out of bytes: whatever is stored becomes `u8`, `u16` or `f32`.

use super::predictor::undo_float_planes;
use super::tags::{ByteOrder, SampleKind};
use half::f16;

/// How the samples of a row are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) kind: SampleKind,
    pub(crate) order: ByteOrder,
}

/// A sample in memory: `u8`, `u16` or `f32`.
pub(crate) trait Sample: Copy + Default + Send + std::fmt::Debug + 'static {
    /// Reads `out.len()` samples; tells how many integers among them the type cannot hold exactly.
    fn decode(bytes: &[u8], stored: Stored, out: &mut [Self]) -> u64;

    /// Undoes the floating-point predictor of one row of bytes. Only floats have one.
    fn undo_float_planes(_bytes: &mut [u8], _stored: Stored, _stride: usize, _out: &mut [Self]) {}
}

/// Reads samples of `N` bytes by `read`, which is known where this is compiled, so that the loop has no calls.
fn decode_each<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T, out: &mut [T]) {
    for (sample, &bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
        *sample = read(bytes);
    }
}

/// As [`decode_each`], of integers that floats may not hold exactly; tells how many they do not.
fn round_each<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f64, out: &mut [f32]) -> u64 {
    let mut inexact = 0;
    for (sample, &bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
        let number = read(bytes);
        *sample = number as f32;
        inexact += u64::from(f64::from(*sample) != number);
    }
    inexact
}

/// Reads numbers of `bits` bits, the most significant one first.
fn unpack_each<T>(bytes: &[u8], bits: u8, out: &mut [T], number: impl Fn(u32) -> T) {
    let (mut held, mut held_bits) = (0_u32, 0);
    let mut bytes = bytes.iter();
    for sample in out {
        while held_bits < bits {
            held = held << 8 | u32::from(bytes.next().copied().unwrap_or(0));
            held_bits += 8;
        }
        held_bits -= bits;
        *sample = number(held >> held_bits & ((1 << bits) - 1));
    }
}

/// Undoes the horizontal predictor of a row of bytes: each sample is stored as its difference to the one `stride` before.
///
/// The differences of floats are those of their bit patterns.
pub(crate) fn undo_differences(bytes: &mut [u8], stored: Stored, stride: usize) {
    let little = stored.order == ByteOrder::Little;
    match (stored.kind.bits(), little) {
        (16, true) => accumulate(
            bytes,
            stride,
            u16::from_le_bytes,
            u16::wrapping_add,
            u16::to_le_bytes,
        ),
        (16, false) => accumulate(
            bytes,
            stride,
            u16::from_be_bytes,
            u16::wrapping_add,
            u16::to_be_bytes,
        ),
        (32, true) => accumulate(
            bytes,
            stride,
            u32::from_le_bytes,
            u32::wrapping_add,
            u32::to_le_bytes,
        ),
        (32, false) => accumulate(
            bytes,
            stride,
            u32::from_be_bytes,
            u32::wrapping_add,
            u32::to_be_bytes,
        ),
        (64, true) => accumulate(
            bytes,
            stride,
            u64::from_le_bytes,
            u64::wrapping_add,
            u64::to_le_bytes,
        ),
        (64, false) => accumulate(
            bytes,
            stride,
            u64::from_be_bytes,
            u64::wrapping_add,
            u64::to_be_bytes,
        ),
        _ => accumulate(
            bytes,
            stride,
            u8::from_le_bytes,
            u8::wrapping_add,
            u8::to_le_bytes,
        ),
    }
}

fn accumulate<T: Copy, const N: usize>(
    bytes: &mut [u8],
    stride: usize,
    read: impl Fn([u8; N]) -> T,
    add: impl Fn(T, T) -> T,
    write: impl Fn(T) -> [u8; N],
) {
    let samples = bytes.as_chunks_mut::<N>().0;
    for i in stride..samples.len() {
        samples[i] = write(add(read(samples[i]), read(samples[i - stride])));
    }
}

impl Sample for u8 {
    fn decode(bytes: &[u8], stored: Stored, out: &mut [Self]) -> u64 {
        if let SampleKind::Packed(bits) = stored.kind {
            unpack_each(bytes, bits, out, |number| number as Self);
        } else {
            let length = out.len();
            out.copy_from_slice(&bytes[..length]);
        }
        0
    }
}

impl Sample for u16 {
    fn decode(bytes: &[u8], stored: Stored, out: &mut [Self]) -> u64 {
        match (stored.kind, stored.order) {
            (SampleKind::Packed(bits), _) => unpack_each(bytes, bits, out, |number| number as Self),
            (_, ByteOrder::Little) => decode_each(bytes, Self::from_le_bytes, out),
            (_, ByteOrder::Big) => decode_each(bytes, Self::from_be_bytes, out),
        }
        0
    }
}

impl Sample for f32 {
    fn decode(bytes: &[u8], stored: Stored, out: &mut [Self]) -> u64 {
        let little = stored.order == ByteOrder::Little;
        match (stored.kind, little) {
            (SampleKind::I8, _) => decode_each(bytes, |b| i8::from_le_bytes(b).into(), out),
            (SampleKind::I16, true) => decode_each(bytes, |b| i16::from_le_bytes(b).into(), out),
            (SampleKind::I16, false) => decode_each(bytes, |b| i16::from_be_bytes(b).into(), out),
            (SampleKind::F16, true) => decode_each(bytes, |b| f16::from_le_bytes(b).into(), out),
            (SampleKind::F16, false) => decode_each(bytes, |b| f16::from_be_bytes(b).into(), out),
            (SampleKind::I32, true) => {
                return round_each(bytes, |b| i32::from_le_bytes(b).into(), out);
            }
            (SampleKind::I32, false) => {
                return round_each(bytes, |b| i32::from_be_bytes(b).into(), out);
            }
            (SampleKind::U32, true) => {
                return round_each(bytes, |b| u32::from_le_bytes(b).into(), out);
            }
            (SampleKind::U32, false) => {
                return round_each(bytes, |b| u32::from_be_bytes(b).into(), out);
            }
            (SampleKind::F64, true) => decode_each(bytes, |b| f64::from_le_bytes(b) as Self, out),
            (SampleKind::F64, false) => decode_each(bytes, |b| f64::from_be_bytes(b) as Self, out),
            (_, true) => decode_each(bytes, Self::from_le_bytes, out),
            (_, false) => decode_each(bytes, Self::from_be_bytes, out),
        }
        0
    }

    fn undo_float_planes(bytes: &mut [u8], stored: Stored, stride: usize, out: &mut [Self]) {
        match stored.kind {
            SampleKind::F16 => {
                undo_float_planes(bytes, stride, |b| f16::from_be_bytes(b).into(), out);
            }
            SampleKind::F64 => {
                undo_float_planes(bytes, stride, |b| f64::from_be_bytes(b) as Self, out);
            }
            _ => undo_float_planes(bytes, stride, Self::from_be_bytes, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: fn(SampleKind) -> Stored = |kind| Stored {
        kind,
        order: ByteOrder::Little,
    };

    #[test]
    fn packed_numbers_of_every_width_come_back() {
        for bits in 2..=16_u8 {
            let numbers: Vec<u16> = (0..37_u32)
                .map(|i| ((i * 40_503) & ((1 << bits) - 1)) as u16)
                .collect();
            let text: String = numbers
                .iter()
                .map(|n| format!("{n:0width$b}", width = usize::from(bits)))
                .collect();
            let bytes: Vec<u8> = text
                .as_bytes()
                .chunks(8)
                .map(|byte| {
                    byte.iter()
                        .enumerate()
                        .map(|(i, b)| (b - b'0') << (7 - i))
                        .sum()
                })
                .collect();
            let mut out = vec![0_u16; 37];
            u16::decode(&bytes, LITTLE(SampleKind::Packed(bits)), &mut out);
            assert_eq!(out, numbers, "{bits} bit");
        }
    }

    #[test]
    fn what_floats_cannot_hold_is_counted() {
        let numbers = [0_i32, -5, 1 << 24, (1 << 24) + 1, i32::MAX];
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        let mut out = [0.0; 5];
        let stored = Stored {
            kind: SampleKind::I32,
            order: ByteOrder::Big,
        };
        assert_eq!(f32::decode(&bytes, stored, &mut out), 2);
        assert_eq!(out[..3], [0.0, -5.0, 16_777_216.0]);
    }
}
