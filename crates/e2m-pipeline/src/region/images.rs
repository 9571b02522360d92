//! The images of a task by the names that people type.

use crate::artifact::Image;
use crate::names::ScaleKind;
use crate::params::Params;
use std::fmt;
use std::str::FromStr;

/// An image of a task on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StageImage {
    /// Post, padded: `01_padded_post`.
    Post,
    /// Pre as it was taken, padded: `01_padded_pre`.
    Pre,
    /// Pre after the first step of stage 2: `02_icp_aligned_coarse_pre`.
    CoarsePre,
    /// Pre after stage 2: `02_icp_aligned_pre`.
    IcpPre,
    /// Pre after stage 3: `03_interior_aligned_pre`.
    InteriorPre,
    /// Pre through the finest warp that is known: that of stage 3, or else of stage 2.
    AlignedPre,
    /// Post minus scaled pre, with the scale of the Moffat fit.
    Difference,
    /// The same with the scale of a percentile.
    PercentileDifference,
    /// The same with the scale that was given.
    ManualDifference,
    /// The same with a scale that varies over the section: `04_difference_field`.
    FieldDifference,
    /// The flags of pixels: `04_mask`.
    Mask,
    /// By how many standard deviations each pixel stands out: `05_significance`.
    Significance,
}

/// A word that names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no image {word:?}; the images are {}", names().join(", "))]
pub struct NoSuchImage {
    /// The word.
    pub word: String,
}

fn names() -> Vec<&'static str> {
    StageImage::ALL.iter().map(|image| image.name()).collect()
}

impl StageImage {
    /// All of them, in the order of the stages.
    pub const ALL: [Self; 12] = [
        Self::Post,
        Self::Pre,
        Self::CoarsePre,
        Self::IcpPre,
        Self::InteriorPre,
        Self::AlignedPre,
        Self::Difference,
        Self::PercentileDifference,
        Self::ManualDifference,
        Self::FieldDifference,
        Self::Mask,
        Self::Significance,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Pre => "pre",
            Self::CoarsePre => "coarse_pre",
            Self::IcpPre => "icp_pre",
            Self::InteriorPre => "interior_pre",
            Self::AlignedPre => "aligned_pre",
            Self::Difference => "difference",
            Self::PercentileDifference => "difference_percentile",
            Self::ManualDifference => "difference_manual",
            Self::FieldDifference => "difference_field",
            Self::Mask => "mask",
            Self::Significance => "significance",
        }
    }

    /// What it is called over a picture.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Pre => "pre as taken",
            Self::CoarsePre => "pre, coarsely aligned",
            Self::IcpPre => "pre after stage 2",
            Self::InteriorPre => "pre after stage 3",
            Self::AlignedPre => "aligned pre",
            Self::Difference => "difference",
            Self::PercentileDifference => "difference (percentile)",
            Self::ManualDifference => "difference (manual)",
            Self::FieldDifference => "difference (scale field)",
            Self::Mask => "mask",
            Self::Significance => "significance",
        }
    }

    /// Whether its pixels lie around zero and have a sign that means something.
    pub const fn is_signed(self) -> bool {
        matches!(
            self,
            Self::Difference
                | Self::PercentileDifference
                | Self::ManualDifference
                | Self::FieldDifference
                | Self::Significance
        )
    }

    /// Its file, for a task with these parameters; none for a difference that they do not ask for.
    pub(super) fn stored(self, params: &Params) -> Option<Image> {
        Some(match self {
            Self::Post => Image::PaddedPost,
            Self::Pre => Image::PaddedPre,
            Self::CoarsePre => Image::CoarsePre,
            Self::IcpPre => Image::IcpPre,
            Self::InteriorPre => Image::InteriorPre,
            Self::AlignedPre if params.interior_ecc => Image::InteriorPre,
            Self::AlignedPre => Image::IcpPre,
            Self::Difference => Image::Difference(ScaleKind::Moffat),
            Self::PercentileDifference => {
                Image::Difference(ScaleKind::Percentile(params.scale_percentile?))
            }
            Self::ManualDifference => {
                params.manual_scale?;
                Image::Difference(ScaleKind::Manual)
            }
            Self::FieldDifference if params.scale_field => Image::DifferenceField,
            Self::FieldDifference => return None,
            Self::Mask => Image::Mask,
            Self::Significance => Image::Significance,
        })
    }
}

impl fmt::Display for StageImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for StageImage {
    type Err = NoSuchImage;

    /// Takes names with `-` for `_`, the short forms `aligned`, `coarse`, `icp` and `interior`, and what file names begin with,
    /// such as `01_padded_post`.
    fn from_str(word: &str) -> Result<Self, NoSuchImage> {
        let name = word.trim().to_lowercase().replace('-', "_");
        let by_name = Self::ALL.into_iter().find(|image| {
            image.name() == name || image.name().strip_suffix("_pre") == Some(name.as_str())
        });
        let by_file = || {
            Some(match name.as_str() {
                "01_padded_post" => Self::Post,
                "01_padded_pre" => Self::Pre,
                "02_icp_aligned_coarse_pre" => Self::CoarsePre,
                "02_icp_aligned_pre" => Self::IcpPre,
                "03_interior_aligned_pre" => Self::InteriorPre,
                "04_difference_difference" | "04_difference" => Self::Difference,
                "04_difference_difference_manual" => Self::ManualDifference,
                "04_difference_field" => Self::FieldDifference,
                "04_mask" => Self::Mask,
                "05_significance" => Self::Significance,
                other if other.starts_with("04_difference_difference_percentile") => {
                    Self::PercentileDifference
                }
                _ => return None,
            })
        };
        by_name.or_else(by_file).ok_or_else(|| NoSuchImage {
            word: word.to_owned(),
        })
    }
}
