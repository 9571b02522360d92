//! Levels: brightness as a whole number of steps.

use ndarray::ArrayView2;

/// Levels there are: those of a u16 image.
pub(crate) const LEVELS: usize = 1 << 16;
/// The brightest pixel of a preview comes to lie above this level and below twice that, which leaves a factor of 16 for
/// what the preview has averaged away.
const PREVIEW_MAX_LEVEL: f32 = 2048.0;

/// `2^23`: added to a float between 0 and 2^23 it leaves the nearest whole number (the even one of two) in the lower bits,
/// which is several times as fast as rounding and converting.
const ROUNDER: f32 = 8_388_608.0;

/// The steps in which brightness is counted: level `n` holds what is nearest to `origin + n * step`, for `n` from 0 to
/// 65,535; what lies beyond counts for the first or the last.
///
/// On integer images a step is one count ([`Levels::COUNTS`]), so that every bin made of whole levels holds equally many
/// counts and none of them rows of alternating height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    origin: f32,
    step: f32,
}

impl Levels {
    /// One level per count from 0 up: u8 and u16 images.
    pub const COUNTS: Self = Self {
        origin: 0.0,
        step: 1.0,
    };

    /// Levels for a pair of float images of unknown range, from previews of them (`(height, width)`, any resolution).
    ///
    /// They begin at 0, or at the darkest negative pixel, and reach 16 times as far as the brightest. The step is a power
    /// of two, so that whole counts kept as floats fall on every n-th level. [`Levels::COUNTS`] where nothing in the
    /// previews is positive and finite.
    pub fn of_previews(previews: &[ArrayView2<'_, f32>]) -> Self {
        let finite = previews.iter().flatten().copied().filter(|v| v.is_finite());
        let (low, high) = finite.fold((0.0f32, 0.0f32), |(low, high), v| (low.min(v), high.max(v)));
        let step = ((high - low) / PREVIEW_MAX_LEVEL).log2().floor().exp2();
        if high > 0.0 && step.is_normal() && (1.0 / step).is_normal() {
            let origin = (low / step).floor() * step;
            Self { origin, step }
        } else {
            Self::COUNTS
        }
    }

    /// The brightness in the middle of a level, counts.
    pub fn value(&self, level: f64) -> f64 {
        f64::from(self.origin) + level * self.step()
    }

    /// Counts from one level to the next.
    pub fn step(&self) -> f64 {
        f64::from(self.step)
    }

    /// The level, not rounded, of a brightness.
    pub fn of_value(&self, value: f64) -> f64 {
        (value - f64::from(self.origin)) / self.step()
    }

    /// The level of each value; NaN counts as the lowest.
    #[inline]
    pub(crate) fn fill(&self, values: &[f32], levels: &mut [u16]) {
        let (origin, per_count) = (self.origin, 1.0 / self.step);
        for (level, &value) in levels.iter_mut().zip(values) {
            let place = ((value - origin) * per_count)
                .max(0.0)
                .min((LEVELS - 1) as f32);
            *level = (place + ROUNDER).to_bits() as u16;
        }
    }

    /// `(a - b) / step` to the nearest whole number, within ±65,535, plus 65,536.
    #[inline]
    pub(crate) fn fill_differences(&self, a: &[f32], b: &[f32], out: &mut [u32]) {
        let per_count = 1.0 / self.step;
        let most = (LEVELS - 1) as f32;
        for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
            let place = ((a - b) * per_count).max(-most).min(most);
            *out = (place + (ROUNDER + LEVELS as f32)).to_bits() & 0x7f_ffff;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn levels_of<const N: usize>(levels: Levels, values: [f32; N]) -> [u16; N] {
        let mut out = [0; N];
        levels.fill(&values, &mut out);
        out
    }

    #[test]
    fn counts_are_their_own_levels_and_fractions_go_to_the_nearest() {
        let found = levels_of(
            Levels::COUNTS,
            [0.0, 1.0, 254.6, 65_535.0, 0.5, 1.5, -3.0, 1e9, f32::NAN],
        );
        assert_eq!(found, [0, 1, 255, 65_535, 0, 2, 0, 65_535, 0]);
    }

    #[test]
    fn differences_are_rounded_alike_on_both_sides_of_zero() {
        let a = [5.0, 2.0, 0.0, 0.4, 0.0, 1e9];
        let b = [2.0, 5.0, 0.0, 0.0, 0.4, 0.0];
        let mut out = [0; 6];
        Levels::COUNTS.fill_differences(&a, &b, &mut out);
        assert_eq!(out.map(|d| d as i32 - 65_536), [3, -3, 0, 0, 0, 65_535]);
    }

    #[test]
    fn floats_get_levels_from_previews() {
        let dim = array![[0.1, f32::NAN], [0.2, 0.25]];
        let levels = Levels::of_previews(&[dim.view(), array![[0.5, 0.3]].view()]);
        assert_eq!(
            levels_of(levels, [0.0, 0.5, 0.25, 7.5]),
            [0, 2048, 1024, 30_720]
        );
        assert!((levels.value(1024.0) - 0.25).abs() < 1e-6);
        let negative = Levels::of_previews(&[array![[-1.0, 1.0]].view()]);
        assert_eq!(levels_of(negative, [-1.0, 0.0, 1.0]), [0, 1024, 2048]);
        for nothing in [
            array![[0.0, 0.0]],
            array![[f32::NAN, -1.0]],
            array![[1e-44, 0.0]],
        ] {
            assert_eq!(Levels::of_previews(&[nothing.view()]), Levels::COUNTS);
        }
    }

    #[test]
    fn whole_counts_kept_as_floats_fall_on_every_nth_level() {
        for most in [3.0, 200.3, 255.0, 1000.0] {
            let levels = Levels::of_previews(&[array![[most]].view()]);
            let per_count = 1.0 / levels.step();
            assert_eq!(per_count.fract(), 0.0);
            let found = levels_of(levels, [1.0, 2.0, 3.0]);
            assert_eq!(found.map(f64::from), [1.0, 2.0, 3.0].map(|v| v * per_count));
        }
    }
}
