//! Parameters that are one of a few words.

use serde::{Deserialize, Serialize};

/// How stage 2 looks for the coarse alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CoarseMethod {
    /// Whatever fits the images best.
    #[default]
    Auto,
    /// The section's outer boundary.
    Boundary,
    /// Features.
    Features,
    /// Correlation of the fine structure.
    Correlation,
}

/// Whether stage 3 looks for a displacement on top of the warp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LocalCorrectionChoice {
    /// Where the section is deformed.
    #[default]
    Auto,
    /// Never.
    Off,
}

impl LocalCorrectionChoice {
    pub(super) const WORDS: &'static [&'static str] = &["auto", "off"];
}

/// What a difference image holds where post or pre has no pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoData {
    /// 0, which most programs take for nothing found.
    #[default]
    Zero,
    /// NaN, which statistics leave out.
    Nan,
}

impl NoData {
    pub(super) const WORDS: &'static [&'static str] = &["zero", "nan"];

    /// The value of such a pixel.
    pub const fn value(self) -> f32 {
        match self {
            Self::Zero => 0.0,
            Self::Nan => f32::NAN,
        }
    }
}

impl CoarseMethod {
    /// The methods that are tried.
    pub fn methods(self) -> &'static [e2m_align::CoarseMethod] {
        use e2m_align::CoarseMethod::{Boundary, Correlation, Features};
        match self {
            Self::Auto => &[Features, Boundary, Correlation],
            Self::Boundary => &[Boundary],
            Self::Features => &[Features],
            Self::Correlation => &[Correlation],
        }
    }

    pub(super) const WORDS: &'static [&'static str] =
        &["auto", "boundary", "features", "correlation"];
}
