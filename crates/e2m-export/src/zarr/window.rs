//! The range of a channel, from which a viewer draws it.

use crate::image::Pyramid;

/// What is drawn black, as a share of the values of the smallest level that are not zero …
const DARK: f64 = 0.01;
/// … and what is drawn in the full colour.
const BRIGHT: f64 = 0.998;

/// The values of a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    /// The smallest and the largest finite value.
    pub(super) range: [f64; 2],
    /// What is drawn black, and what in the full colour.
    pub(super) drawn: [f64; 2],
}

/// Looks at the pixels of a channel on their way.
#[derive(Debug)]
pub(super) struct WindowFinder {
    low: f32,
    high: f32,
    smallest_level: Vec<f32>,
}

impl WindowFinder {
    pub(super) fn new() -> Self {
        Self {
            low: f32::INFINITY,
            high: f32::NEG_INFINITY,
            smallest_level: Vec::new(),
        }
    }

    /// Takes rows of the full resolution.
    pub(super) fn look_at_full(&mut self, pixels: &[f32]) {
        for value in pixels.iter().filter(|value| value.is_finite()) {
            self.low = self.low.min(*value);
            self.high = self.high.max(*value);
        }
    }

    /// Takes rows of the smallest level.
    pub(super) fn look_at_smallest(&mut self, pixels: &[f32]) {
        let is_drawn = |value: &&f32| value.is_finite() && **value != 0.0;
        self.smallest_level
            .extend(pixels.iter().filter(is_drawn).copied());
    }

    /// What was seen. Of differences, whose smaller levels are maxima, zero is black.
    pub(super) fn finish(mut self, pyramid: Pyramid) -> Window {
        let mut range = [f64::from(self.low), f64::from(self.high)];
        if range[0] > range[1] {
            // No pixel has a finite value.
            range = [0.0, 1.0];
        }
        self.smallest_level.sort_unstable_by(f32::total_cmp);
        let at = |share: f64| {
            let last = self.smallest_level.len().checked_sub(1)?;
            let value = self
                .smallest_level
                .get((share * last as f64).round() as usize)?;
            Some(f64::from(*value))
        };
        let dark = match pyramid {
            Pyramid::Mean => at(DARK).unwrap_or(range[0]),
            Pyramid::Maximum => 0.0,
        };
        let bright = at(BRIGHT).unwrap_or(range[1]);
        // A viewer divides by their distance.
        let drawn = match bright > dark {
            true => [dark, bright],
            false => [dark, dark + 1.0],
        };
        Window { range, drawn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(pixels: &[f32], pyramid: Pyramid) -> Window {
        let mut finder = WindowFinder::new();
        finder.look_at_full(pixels);
        finder.look_at_smallest(pixels);
        finder.finish(pyramid)
    }

    #[test]
    fn padding_and_no_data_are_not_drawn_for() {
        let mut pixels: Vec<f32> = (1..=1000).map(|v| v as f32).collect();
        pixels.extend([0.0; 5000]);
        pixels.extend([f32::NAN, f32::INFINITY]);
        let mean = window(&pixels, Pyramid::Mean);
        assert_eq!(mean.range, [0.0, 1000.0]);
        assert_eq!(mean.drawn, [11.0, 998.0]);
        assert_eq!(window(&pixels, Pyramid::Maximum).drawn, [0.0, 998.0]);
    }

    #[test]
    fn a_window_is_never_empty() {
        for pixels in [&[][..], &[0.0; 9], &[f32::NAN; 3], &[7.0; 4], &[-3.0; 4]] {
            for pyramid in [Pyramid::Mean, Pyramid::Maximum] {
                let found = window(pixels, pyramid);
                assert!(found.drawn[0] < found.drawn[1], "{pixels:?} {found:?}");
                assert!(found.range.iter().all(|v| v.is_finite()), "{found:?}");
            }
        }
    }
}
