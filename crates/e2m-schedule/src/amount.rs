//! Amounts as people read them: bytes and seconds.

use std::fmt;
use std::time::Duration;

/// Prints bytes in decimal units, with two digits: `4.00 GB`, `0.25 GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gigabytes(pub(crate) u64);

impl fmt::Display for Gigabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} GB", self.0 as f64 / 1e9)
    }
}

/// A limit in whole seconds, rounded up, for texts.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits() {
        assert_eq!(Gigabytes(4_000_000_000).to_string(), "4.00 GB");
        assert_eq!(Gigabytes(254_999_999).to_string(), "0.25 GB");
    }
}
