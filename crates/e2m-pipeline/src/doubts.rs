//! What speaks against a result beside the alignment and the scale themselves.

use crate::scale_record::Scales;
use e2m_image::PixelType;
use e2m_io::ChannelDifference;
use serde::{Deserialize, Serialize};
use std::fmt;

/// No camera is set eight times brighter for one of two images that are to be compared: it would give away three of its bits.
const LARGEST_GAIN: f64 = 8.0;

/// Ratios of full scales, and what they come from. Those of neighbouring depths (4) are gains as well.
const FULL_SCALE_RATIOS: [(f64, &str); 5] = [
    (16.0, "16 bit to 12 bit"),
    (64.0, "16 bit to 10 bit"),
    (255.0, "8 bit counts to shares of 1"),
    (257.0, "16 bit to 8 bit"),
    (65_535.0, "16 bit counts to shares of 1"),
];

/// A reason to doubt a result. Displayed as what was found and what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "doubt")]
pub enum Doubt {
    /// The signal of post is taken from other channels than that of pre.
    ChannelsDiffer {
        /// How they differ.
        difference: ChannelDifference,
    },
    /// A count of post is another amount of light than a count of pre.
    BitDepthsDiffer {
        /// Type of post's samples.
        post: PixelType,
        /// Type of pre's samples.
        pre: PixelType,
        /// The count that post's depth ends at, over that of pre.
        ratio: f64,
    },
    /// A scale that no setting of a camera gives.
    ScaleIsNoGain {
        /// The scale.
        scale: f64,
    },
}

impl Doubt {
    /// That of files of these types, in which these counts are the largest: post, then pre.
    pub(crate) fn of_bit_depths(files: [(PixelType, Option<f64>); 2]) -> Option<Self> {
        let [(post, _), (pre, _)] = files;
        let [post_full, pre_full] = files.map(|(kind, largest)| full_scale(kind, largest));
        (post != pre && post_full != pre_full).then_some(Self::BitDepthsDiffer {
            post,
            pre,
            ratio: post_full / pre_full,
        })
    }

    /// All that is to be said: `of_files` of the raw files, and what the scale tells.
    pub(crate) fn with_scale(of_files: &[Self], scales: &Scales) -> Vec<Self> {
        let mut all = of_files.to_vec();
        let is_explained = all
            .iter()
            .any(|doubt| matches!(doubt, Self::BitDepthsDiffer { .. }));
        if let Some(moffat) = &scales.moffat
            && !is_explained
            && !(1.0 / LARGEST_GAIN..=LARGEST_GAIN).contains(&moffat.value)
        {
            all.push(Self::ScaleIsNoGain {
                scale: moffat.value,
            });
        }
        all
    }
}

/// The count at which an image ends. A 16 bit file that holds no more than 8 bit counts ends there; floats are shares of 1, or
/// counts.
fn full_scale(kind: PixelType, largest: Option<f64>) -> f64 {
    const ENDS: [f64; 3] = [1.0, 255.0, 65_535.0];
    let Some(largest) = largest else {
        return match kind {
            PixelType::U8 => ENDS[1],
            PixelType::U16 | PixelType::F32 => ENDS[2],
        };
    };
    match kind {
        PixelType::U8 => ENDS[1],
        PixelType::U16 if largest <= ENDS[1] => ENDS[1],
        PixelType::U16 => ENDS[2],
        PixelType::F32 => ENDS
            .into_iter()
            .find(|end| largest <= *end)
            .unwrap_or(ENDS[2]),
    }
}

fn name(kind: PixelType) -> &'static str {
    match kind {
        PixelType::U8 => "8 bit",
        PixelType::U16 => "16 bit",
        PixelType::F32 => "float",
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChannelsDiffer { difference } => channels(difference, f),
            Self::BitDepthsDiffer { post, pre, ratio } => {
                let (post, pre) = (name(*post), name(*pre));
                let ratio = if *ratio < 1.0 { 1.0 / ratio } else { *ratio };
                write!(
                    f,
                    "post holds {post} and pre {pre} counts, whose full scales differ by a factor of {ratio:.0}: the scale is no ratio of \
                     brightness; export both images alike"
                )
            }
            Self::ScaleIsNoGain { scale } => {
                write!(
                    f,
                    "the scale {scale:.4} is beyond what settings of one camera give (1/{LARGEST_GAIN:.0} to {LARGEST_GAIN:.0})"
                )?;
                let factor = if *scale < 1.0 { 1.0 / scale } else { *scale };
                let off = |ratio: f64| (factor / ratio).ln().abs();
                let nearest = FULL_SCALE_RATIOS
                    .iter()
                    .filter(|(ratio, _)| off(*ratio) <= 2.0_f64.ln())
                    .min_by(|a, b| off(a.0).total_cmp(&off(b.0)));
                if let Some((ratio, of)) = nearest {
                    write!(f, ", and near {ratio:.0}, the ratio of {of}")?;
                }
                f.write_str(
                    ": see by `e2m survey` whether both images hold the same channel and bit depth",
                )
            }
        }
    }
}

fn channels(difference: &ChannelDifference, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match difference {
        ChannelDifference::GreyAndColour { post, pre } => write!(
            f,
            "one image is grey and the other has its signal in colour (post: {post}, pre: {pre}), so the scale may be no ratio of \
             brightness; export both images alike, or give `post_channel` or `pre_channel` if it is right"
        ),
        ChannelDifference::NothingInCommon { post, pre } => write!(
            f,
            "the signal of post is in {post} and that of pre in {pre}; give `post_channel` and `pre_channel` if both show the same \
             light, and export both images alike otherwise"
        ),
        ChannelDifference::AskedApart { post, pre } => write!(
            f,
            "{post} of post and {pre} of pre are asked for, while the same colours hold signal in both images: the scale is no ratio of \
             brightness; take the same channels of both"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_depths_are_told_apart_by_what_files_hold() {
        let doubt = |post, pre| Doubt::of_bit_depths([post, pre]);
        let found = doubt(
            (PixelType::U8, Some(200.0)),
            (PixelType::U16, Some(50_000.0)),
        );
        let text = found.expect("a doubt").to_string();
        assert!(text.contains("a factor of 257"), "{text}");
        // 8 bit counts in a 16 bit file, and counts as floats.
        assert_eq!(
            doubt((PixelType::U8, Some(200.0)), (PixelType::U16, Some(255.0))),
            None
        );
        assert_eq!(
            doubt((PixelType::F32, Some(200.0)), (PixelType::U8, Some(90.0))),
            None
        );
        assert!(doubt((PixelType::F32, Some(0.7)), (PixelType::U8, Some(90.0))).is_some());
        assert_eq!(doubt((PixelType::U16, None), (PixelType::U16, None)), None);
    }

    #[test]
    fn a_scale_near_a_ratio_of_full_scales_is_named() {
        let text = |scale| Doubt::ScaleIsNoGain { scale }.to_string();
        assert!(text(347.0).contains("near 257, the ratio of 16 bit to 8 bit"));
        assert!(text(1.3 / 16.0).contains("near 16, the ratio of 16 bit to 12 bit"));
        assert!(!text(1500.0).contains("near"));
    }

    #[test]
    fn records_round_trip() {
        let doubt = Doubt::ChannelsDiffer {
            difference: ChannelDifference::NothingInCommon {
                post: "R".to_owned(),
                pre: "G".to_owned(),
            },
        };
        let json = serde_json::to_string(&doubt).expect("written");
        assert_eq!(serde_json::from_str::<Doubt>(&json).expect("read"), doubt);
    }
}
