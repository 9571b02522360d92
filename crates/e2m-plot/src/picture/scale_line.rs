//! The scales, their names and colours.

use crate::draw::surface::Pen;
use std::fmt;

/// How a scale was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScaleMethod {
    /// The peak of the log ratios with its Moffat profile.
    Moffat,
    /// This percentile of the ratios.
    Percentile(f64),
    /// Given by the user.
    Manual,
}

impl fmt::Display for ScaleMethod {
    /// `Moffat`, `ratio p50`, `manual`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moffat => f.write_str("Moffat"),
            Self::Percentile(percent) => write!(f, "ratio p{percent}"),
            Self::Manual => f.write_str("manual"),
        }
    }
}

/// A scale to be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScaleLine {
    /// How it was found.
    pub method: ScaleMethod,
    /// post / aligned pre of the background.
    pub value: f64,
    /// Post where the background of pre is 0, counts: what black levels leave.
    pub offset: f64,
}

impl ScaleLine {
    pub(crate) fn colour(&self) -> [u8; 3] {
        match self.method {
            ScaleMethod::Moffat => [0x00, 0xcc, 0x88],
            ScaleMethod::Percentile(_) => [0xff, 0x99, 0x33],
            ScaleMethod::Manual => [0xff, 0x33, 0x66],
        }
    }

    /// Name and value.
    pub(crate) fn text(&self) -> String {
        format!("{} {:.4}", self.method, self.value)
    }

    /// Whether it can be drawn.
    pub(crate) fn usable(&self) -> bool {
        self.value.is_finite() && self.value > 0.0
    }
}

/// The lines that can be drawn with their pens, the last one first: each is wider than the one that comes to lie on it, so that
/// nearly equal scales are all seen.
pub(crate) fn back_to_front(
    scales: &[ScaleLine],
    hair: f64,
) -> impl Iterator<Item = (&ScaleLine, Pen)> {
    let usable: Vec<_> = scales.iter().filter(|line| line.usable()).collect();
    usable.into_iter().enumerate().rev().map(move |(i, line)| {
        let width = hair * (2.0 + 1.3 * i as f64);
        (line, Pen::solid(line.colour(), width))
    })
}
