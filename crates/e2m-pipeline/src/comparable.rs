//! Whether a scale can be a ratio of brightness: channels and bit depths of both images, and its size.

use crate::doubts::Doubt;
use crate::scale_record::Scales;
use e2m_image::PixelType;
use e2m_io::ChannelDifference;
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

    /// That of a scale which is no gain; where bit depths differ it is explained.
    pub(crate) fn of_scale(scales: &Scales, of_files: &[Self]) -> Option<Self> {
        let is_explained = of_files
            .iter()
            .any(|doubt| matches!(doubt, Self::BitDepthsDiffer { .. }));
        let scale = scales.moffat.as_ref()?.value;
        let is_gain = (1.0 / LARGEST_GAIN..=LARGEST_GAIN).contains(&scale);
        (!is_explained && !is_gain).then_some(Self::ScaleIsNoGain { scale })
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

pub(crate) fn write_bit_depths(
    f: &mut fmt::Formatter<'_>,
    (post, pre): (PixelType, PixelType),
    ratio: f64,
) -> fmt::Result {
    let (post, pre) = (name(post), name(pre));
    let ratio = if ratio < 1.0 { 1.0 / ratio } else { ratio };
    write!(
        f,
        "post holds {post} and pre {pre} counts, whose full scales differ by a factor of {ratio:.0}: the scale is no ratio of \
         brightness; export both images alike"
    )
}

pub(crate) fn write_no_gain(f: &mut fmt::Formatter<'_>, scale: f64) -> fmt::Result {
    write!(
        f,
        "the scale {scale:.4} is beyond what settings of one camera give (1/{LARGEST_GAIN:.0} to {LARGEST_GAIN:.0})"
    )?;
    let factor = if scale < 1.0 { 1.0 / scale } else { scale };
    let off = |ratio: f64| (factor / ratio).ln().abs();
    let nearest = FULL_SCALE_RATIOS
        .iter()
        .filter(|(ratio, _)| off(*ratio) <= 2.0_f64.ln())
        .min_by(|a, b| off(a.0).total_cmp(&off(b.0)));
    if let Some((ratio, of)) = nearest {
        write!(f, ", and near {ratio:.0}, the ratio of {of}")?;
    }
    f.write_str(": see by `e2m survey` whether both images hold the same channel and bit depth")
}

pub(crate) fn write_channels(
    f: &mut fmt::Formatter<'_>,
    difference: &ChannelDifference,
) -> fmt::Result {
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
}
