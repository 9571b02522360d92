//! Figures as the page writes them.

/// A time: `0.04 s`, `12.3 s`, `4 min 05 s`, `2 h 13 min`.
pub(super) fn time(seconds: f64) -> String {
    let seconds = if seconds.is_finite() {
        seconds.max(0.0)
    } else {
        0.0
    };
    let whole = seconds.round() as u64;
    if seconds < 0.1 {
        format!("{seconds:.2} s")
    } else if seconds < 99.95 {
        format!("{seconds:.1} s")
    } else if whole < 3600 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        let minutes = (whole + 30) / 60;
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}

/// A number of bytes in powers of ten: `2.34 GB`, `451 MB`, `12 kB`.
pub(super) fn bytes(bytes: u64) -> String {
    let value = bytes as f64;
    match bytes {
        999_500_000.. => format!("{:.2} GB", value / 1e9),
        999_500.. => format!("{:.0} MB", value / 1e6),
        1_000.. => format!("{:.0} kB", value / 1e3),
        _ => format!("{bytes} B"),
    }
}

/// A displacement: three decimals below 10 px, one above.
pub(super) fn pixels(px: f64) -> String {
    if px.abs() < 10.0 {
        format!("{px:.3} px")
    } else {
        format!("{px:.1} px")
    }
}

/// A value with its standard error, if it has one.
pub(super) fn with_error(value: f64, std_error: Option<f64>) -> String {
    match std_error {
        Some(error) => format!("{value:.4} ± {error:.4}"),
        None => format!("{value:.4}"),
    }
}

/// A share of 1 in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A figure that a script can sort by; none where it is not a number.
pub(super) fn sortable(value: Option<f64>) -> Option<String> {
    value
        .filter(|value| value.is_finite())
        .map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes() {
        let times = [0.004, 0.5, 12.34, 99.96, 245.0, 7980.0, f64::NAN].map(time);
        assert_eq!(
            times,
            [
                "0.00 s",
                "0.5 s",
                "12.3 s",
                "1 min 40 s",
                "4 min 05 s",
                "2 h 13 min",
                "0.00 s"
            ]
        );
        let sizes = [7, 12_000, 450_600_000, 999_900_000, 2_340_000_000].map(bytes);
        assert_eq!(sizes, ["7 B", "12 kB", "451 MB", "1.00 GB", "2.34 GB"]);
    }

    #[test]
    fn figures() {
        assert_eq!(
            (pixels(0.0213), pixels(412.34)),
            ("0.021 px".into(), "412.3 px".into())
        );
        assert_eq!(with_error(1.31, Some(0.0021)), "1.3100 ± 0.0021");
        assert_eq!(percent(0.875), "88 %");
        assert_eq!(sortable(Some(0.25)), Some("0.25".into()));
        assert_eq!(sortable(Some(f64::NAN)), None);
        assert_eq!(
            sortable(Some(1e-9)).as_deref().map(str::parse),
            Some(Ok(1e-9))
        );
    }
}
