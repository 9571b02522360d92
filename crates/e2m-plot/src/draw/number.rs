//! Numbers for people: round ones, and how they are written.

use std::fmt::Write as _;

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
pub(crate) fn power_of_ten(exponent: i32) -> f64 {
    if exponent < 0 {
        1.0 / 10f64.powi(-exponent)
    } else {
        10f64.powi(exponent)
    }
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

/// A whole number as superscripts.
pub(crate) fn superscript(exponent: i32) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

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
