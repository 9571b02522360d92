//! Numbers as C's `%g` writes them.

/// Significant digits of `%g`.
const DIGITS: i32 = 6;

/// `value` as C's `printf("%g")` writes it: six significant digits, no trailing zeros, an exponent of at least two
/// digits where it is below -4 or above 5. Values that differ beyond the sixth digit look alike.
pub fn format_g(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}").to_lowercase();
    }
    let scientific = format!("{value:.*e}", (DIGITS - 1) as usize);
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..DIGITS).contains(&exponent) {
        let decimals = (DIGITS - 1 - exponent).max(0) as usize;
        return without_trailing_zeros(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{}e{sign}{:02}",
        without_trailing_zeros(mantissa),
        exponent.abs()
    )
}

fn without_trailing_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::format_g;

    #[test]
    fn equals_printf() {
        let cases = [
            (1e-7, "1e-07"),
            (1e-6, "1e-06"),
            (0.0001, "0.0001"),
            (0.025, "0.025"),
            (99.1, "99.1"),
            (10.0, "10"),
            (1.42, "1.42"),
            (100_000.0, "100000"),
            (1_000_000.0, "1e+06"),
            (123_456_789.0, "1.23457e+08"),
            (0.1 + 0.2, "0.3"),
            (-3.5, "-3.5"),
            (999_999.5, "1e+06"),
            (1e-100, "1e-100"),
            (0.0, "0"),
        ];
        for (value, expected) in cases {
            assert_eq!(format_g(value), expected);
        }
    }
}
