//! Axes: from values to positions, and where the ticks go.

use std::fmt::Write as _;

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

/// The largest of 1, 2 and 5 times a power of ten that is not above `value`; 1 where `value` is not positive.
pub(crate) fn round_down_125(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let exponent = value.log10().floor() as i32;
    let unit = power_of_ten(exponent);
    let mantissa = value / unit * (1.0 + 1e-9);
    if mantissa >= 5.0 {
        5.0 * unit
    } else if mantissa >= 2.0 {
        2.0 * unit
    } else {
        unit
    }
}

/// `10^exponent`, exact wherever f64 can be.
fn power_of_ten(exponent: i32) -> f64 {
    if exponent < 0 {
        1.0 / 10f64.powi(-exponent)
    } else {
        10f64.powi(exponent)
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

fn superscript(exponent: i32) -> String {
    exponent
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            digit => {
                char::from_u32(u32::from('⁰') + u32::from(digit) - u32::from('0')).unwrap_or(digit)
            }
        })
        .collect()
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

/// A number as it is read best: thousands separated, as few decimals as it has, powers of ten where it is huge or tiny.
pub(crate) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}").replace("inf", "∞");
    }
    let digit = 10f64.powf(value.abs().log10().floor());
    let mut step = digit;
    for _ in 0..3 {
        if (value / step - (value / step).round()).abs() < 1e-6 {
            break;
        }
        step /= 10.0;
    }
    number(value, step)
}

/// `value` to the decimals that tell multiples of `step` apart.
pub(crate) fn number(value: f64, step: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 1e7 || (magnitude > 0.0 && magnitude < 1e-4) {
        let exponent = magnitude.log10().floor() as i32;
        let mantissa = value / power_of_ten(exponent);
        let decimals = usize::from((mantissa - mantissa.round()).abs() > 1e-6);
        let mantissa = minus(&format!("{mantissa:.decimals$}"));
        let power = format!("10{}", superscript(exponent));
        return match mantissa.as_str() {
            "1" => power,
            "−1" => format!("−{power}"),
            _ => format!("{mantissa}·{power}"),
        };
    }
    let decimals = (-(step * (1.0 + 1e-9)).log10().floor()).clamp(0.0, 8.0) as usize;
    let text = minus(&format!("{value:.decimals$}"));
    separate_thousands(&text)
}

/// A whole number with its thousands separated.
pub(crate) fn whole(count: u64) -> String {
    separate_thousands(&count.to_string())
}

/// A length in px to two significant digits, at least hundredths.
pub(crate) fn length_px(length: f64) -> String {
    let decimals = if length >= 10.0 {
        1
    } else if length >= 0.1 || length == 0.0 {
        2
    } else {
        3
    };
    format!("{} px", separate_thousands(&format!("{length:.decimals$}")))
}

fn minus(text: &str) -> String {
    let negative = text.starts_with('-') && text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    let digits = text.trim_start_matches('-');
    if negative {
        format!("−{digits}")
    } else {
        digits.to_owned()
    }
}

fn separate_thousands(text: &str) -> String {
    let (sign, digits) = text
        .strip_prefix('−')
        .map_or(("", text), |digits| ("−", digits));
    let (integer, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(i, f)| (i, Some(f)));
    let mut out = sign.to_owned();
    for (i, c) in integer.chars().enumerate() {
        if i > 0 && (integer.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if let Some(fraction) = fraction {
        let _ = write!(out, ".{fraction}");
    }
    out
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

    #[test]
    fn numbers_read_well() {
        assert_eq!(short(12_345.0), "12,345");
        assert_eq!(short(0.25), "0.25");
        assert_eq!(short(-3e-7), "−3·10⁻⁷");
        assert_eq!(number(-0.0001, 0.01), "0.00");
        assert_eq!(whole(1_234_567), "1,234,567");
        assert_eq!(length_px(0.0213), "0.021 px");
        assert_eq!(length_px(123.456), "123.5 px");
    }

    #[test]
    fn rounding_down_keeps_round_numbers() {
        for round in [1e-3, 0.02, 0.5, 1.0, 200.0, 5000.0] {
            assert!(
                (round_down_125(round) / round - 1.0).abs() < 1e-12,
                "{round}"
            );
        }
        assert_eq!(round_down_125(4.99), 2.0);
        assert_eq!(round_down_125(0.0), 1.0);
        assert_eq!(round_down_125(f64::NAN), 1.0);
    }
}
