//! Times, sizes and counts for people.

/// A time: `0.04 s`, `12.3 s`, `4 min 05 s`, `2 h 13 min`.
pub fn seconds(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    if seconds < 0.1 {
        format!("{:.2} s", seconds.max(0.0))
    } else if seconds < 99.95 {
        format!("{seconds:.1} s")
    } else if whole < 3600 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        let minutes = whole.div_ceil(60);
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}

/// A forecast, without a precision it does not have: `12 s`, `4 min`, `2 h 10 min`.
pub fn about(seconds: f64) -> String {
    let whole = seconds.max(0.0).ceil() as u64;
    match whole {
        0..90 => format!("{whole} s"),
        90..5400 => format!("{} min", (whole + 30) / 60),
        _ => {
            let tens = (whole + 300) / 600;
            format!("{} h {:02} min", tens / 6, tens % 6 * 10)
        }
    }
}

/// A number of bytes: `2.34 GB`, `451 MB`, `12 kB`.
pub fn bytes(bytes: u64) -> String {
    e2m_resources::Bytes(bytes).to_string()
}

/// `1 task`, `2 tasks`.
pub fn count(number: usize, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let cases = [
            (0.004, "0.00 s"),
            (0.5, "0.5 s"),
            (12.34, "12.3 s"),
            (99.96, "1 min 40 s"),
            (245.0, "4 min 05 s"),
        ];
        for (value, expected) in cases {
            assert_eq!(seconds(value), expected);
        }
        assert_eq!(seconds(7980.0), "2 h 13 min");
        assert_eq!(
            (about(11.2), about(100.0), about(8000.0)),
            ("12 s".into(), "2 min".into(), "2 h 10 min".into())
        );
    }

    #[test]
    fn sizes_and_counts() {
        assert_eq!(
            [
                bytes(2_340_000_000),
                bytes(450_600_000),
                bytes(12_000),
                bytes(7)
            ],
            ["2.34 GB", "451 MB", "12 kB", "7 B"]
        );
        assert_eq!(
            (count(1, "task"), count(2, "task")),
            ("1 task".into(), "2 tasks".into())
        );
    }
}
