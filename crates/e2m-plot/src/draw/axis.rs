//! Axes: from values to positions, and where the ticks go.

use super::number::{number, power_of_ten, round_down_125, short, superscript};

/// Linear or logarithmic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    Linear,
    /// Ticks at the powers of ten; values are positive.
    Log,
    /// Values are log10 of a ratio, labels are the ratio.
    Ratio,
    /// Values are `asinh(v / knee)`, labels are `v`.
    Asinh {
        knee: f64,
    },
}

/// One axis, from `low` (left or bottom) to `high`; `low` may be the larger, as on the y axis of an image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub low: f64,
    pub high: f64,
    pub scale: Scale,
    pub label: String,
}

/// A tick and what is written at it; nothing for a minor tick.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub value: f64,
    pub label: String,
}

impl Axis {
    pub(crate) fn new(low: f64, high: f64, scale: Scale, label: impl Into<String>) -> Self {
        let label = label.into();
        let usable = low.is_finite()
            && high.is_finite()
            && low != high
            && (scale != Scale::Log || low > 0.0 && high > 0.0);
        let (low, high) = if usable {
            (low, high)
        } else if scale == Scale::Log {
            (1.0, 10.0)
        } else if low.is_finite() && low == high {
            let margin = (low.abs() * 0.1).max(0.5);
            (low - margin, low + margin)
        } else {
            (0.0, 1.0)
        };
        Self {
            low,
            high,
            scale,
            label,
        }
    }

    /// Where `value` lies between the ends, 0 at `low` and 1 at `high`; not confined to that.
    pub(crate) fn share(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Log => {
                (value.log10() - self.low.log10()) / (self.high.log10() - self.low.log10())
            }
            _ => (value - self.low) / (self.high - self.low),
        }
    }

    /// Some `wanted` ticks, at round numbers, inside the axis.
    pub(crate) fn ticks(&self, wanted: usize) -> Vec<Tick> {
        let (low, high) = (self.low.min(self.high), self.low.max(self.high));
        match self.scale {
            Scale::Linear => linear_ticks(low, high, wanted),
            Scale::Log => log_ticks(low, high, wanted),
            Scale::Ratio => ratio_ticks(low, high, wanted),
            Scale::Asinh { knee } => asinh_ticks(low, high, knee),
        }
    }
}

fn linear_ticks(low: f64, high: f64, wanted: usize) -> Vec<Tick> {
    let ideal = (high - low) / wanted.max(1) as f64;
    let smaller = round_down_125(ideal);
    // Of the two round steps about the ideal one, the nearer.
    let larger = round_down_125(2.6 * smaller);
    let step = if ideal / smaller < larger / ideal {
        smaller
    } else {
        larger
    };
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    if !(step > 0.0 && first.is_finite() && last - first < 100.0) {
        return Vec::new();
    }
    (0..=(last - first).max(0.0) as usize)
        .map(|i| (first + i as f64) * step)
        .filter(|value| (low..=high).contains(value))
        .map(|value| Tick {
            value,
            label: number(value, step),
        })
        .collect()
}

fn log_ticks(low: f64, high: f64, wanted: usize) -> Vec<Tick> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = high.log10() - low.log10();
    let every = ((decades / wanted.max(1) as f64).ceil() as i32).max(1);
    let mut ticks = Vec::new();
    for exponent in first..=last {
        for digit in 1..10 {
            let value = f64::from(digit) * power_of_ten(exponent);
            if value < low * (1.0 - 1e-9) || value > high * (1.0 + 1e-9) {
                continue;
            }
            // On a short axis the powers of ten alone would be too few.
            let labelled = match digit {
                1 => exponent.rem_euclid(every) == 0,
                2 | 5 => decades < 1.6,
                3 | 7 => decades < 0.5,
                _ => false,
            };
            if labelled || every == 1 {
                let label = if labelled {
                    power_label(digit, exponent)
                } else {
                    String::new()
                };
                ticks.push(Tick { value, label });
            }
        }
    }
    ticks
}

/// `1`, `10`, `200`, then `10⁴`, `2·10⁴`.
fn power_label(digit: i32, exponent: i32) -> String {
    if (0..4).contains(&exponent) {
        return number(f64::from(digit) * power_of_ten(exponent), 1.0);
    }
    if digit == 1 {
        format!("10{}", superscript(exponent))
    } else {
        format!("{digit}·10{}", superscript(exponent))
    }
}

/// Values are log10 of the ratio: round ratios, evenly spread in the logarithm.
fn ratio_ticks(low: f64, high: f64, wanted: usize) -> Vec<Tick> {
    let span = high - low;
    if span > 0.9 {
        let mut ticks = log_ticks(10f64.powf(low), 10f64.powf(high), wanted);
        for tick in &mut ticks {
            if !tick.label.is_empty() {
                tick.label = short(tick.value);
            }
            tick.value = tick.value.log10();
        }
        return ticks;
    }
    linear_ticks(10f64.powf(low), 10f64.powf(high), wanted)
        .into_iter()
        .filter(|tick| tick.value > 0.0)
        .map(|tick| Tick {
            value: tick.value.log10(),
            label: tick.label,
        })
        .collect()
}

/// Zero and the powers of ten beyond half the knee, on both sides, as far as they do not crowd.
fn asinh_ticks(low: f64, high: f64, knee: f64) -> Vec<Tick> {
    let to_value = |s: f64| knee * s.sinh();
    let largest = to_value(low).abs().max(to_value(high).abs());
    let mut magnitudes = Vec::new();
    let mut exponent = (knee * 0.5).log10().ceil() as i32;
    while power_of_ten(exponent) <= largest && magnitudes.len() < 12 {
        magnitudes.push(power_of_ten(exponent));
        exponent += 1;
    }
    if magnitudes.len() < 2 {
        magnitudes = [0.5, 1.0]
            .iter()
            .map(|share| round_down_125(share * largest))
            .collect();
        magnitudes.dedup();
    }
    let mut values: Vec<f64> = magnitudes.iter().rev().map(|m| -m).collect();
    values.push(0.0);
    values.extend(magnitudes);
    let mut ticks: Vec<Tick> = Vec::new();
    for value in values {
        let place = (value / knee).asinh();
        if (low..=high).contains(&place) {
            ticks.push(Tick {
                value: place,
                label: short(value),
            });
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, wanted: usize) -> Vec<String> {
        axis.ticks(wanted)
            .into_iter()
            .map(|t| t.label)
            .filter(|l| !l.is_empty())
            .collect()
    }

    #[test]
    fn linear_ticks_are_round_and_inside() {
        let axis = Axis::new(-0.5, 33_999.5, Scale::Linear, "");
        assert_eq!(labels(&axis, 4), ["0", "10,000", "20,000", "30,000"]);
        let downwards = Axis::new(24_999.5, -0.5, Scale::Linear, "");
        assert_eq!(labels(&downwards, 3), ["0", "10,000", "20,000"]);
        let small = Axis::new(0.0, 0.013, Scale::Linear, "");
        assert_eq!(labels(&small, 3), ["0.000", "0.005", "0.010"]);
        let huge = Axis::new(0.0, 3.1e9, Scale::Linear, "");
        assert_eq!(labels(&huge, 3), ["0", "10⁹", "2·10⁹", "3·10⁹"]);
        let both = Axis::new(-255.0, 255.0, Scale::Linear, "");
        assert_eq!(labels(&both, 5), ["−200", "−100", "0", "100", "200"]);
    }

    #[test]
    fn log_ticks_are_powers_of_ten_and_more_on_a_short_axis() {
        let long = Axis::new(1.0, 2e8, Scale::Log, "");
        assert_eq!(labels(&long, 5), ["1", "100", "10⁴", "10⁶", "10⁸"]);
        let short = Axis::new(0.5, 9.0, Scale::Log, "");
        assert!(labels(&short, 5).contains(&"2".to_owned()));
    }

    #[test]
    fn ratio_and_asinh_axes_are_labelled_with_what_they_stand_for() {
        let ratio = Axis::new(-1.0, 1.0, Scale::Ratio, "");
        assert_eq!(labels(&ratio, 4), ["0.1", "1", "10"]);
        let narrow = Axis::new(1.1f64.log10(), 1.5f64.log10(), Scale::Ratio, "");
        assert_eq!(labels(&narrow, 4), ["1.1", "1.2", "1.3", "1.4", "1.5"]);
        let asinh = Axis::new(-5.0, 5.0, Scale::Asinh { knee: 4.0 }, "");
        assert_eq!(labels(&asinh, 5), ["−100", "−10", "0", "10", "100"]);
        let hundred = asinh.ticks(5)[4].value;
        assert!((4.0 * hundred.sinh() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn an_axis_without_extent_gets_some() {
        for (low, high) in [
            (3.0, 3.0),
            (0.0, 0.0),
            (f64::NAN, 1.0),
            (f64::INFINITY, f64::NEG_INFINITY),
            (1e300, 1e300),
        ] {
            for scale in [Scale::Linear, Scale::Log, Scale::Ratio] {
                let axis = Axis::new(low, high, scale, "");
                assert!(axis.share(axis.high) == 1.0, "{axis:?}");
                assert!(axis.ticks(5).len() < 200);
            }
        }
    }
}
