//! Which colour channels carry the signal.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A channel is active when its mean exceeds this many counts of 255.
const ACTIVE_MEAN_OF_255: f64 = 0.5;
/// A warning is due when more than this share of the pixels was cut by a saturating sum.
pub(crate) const CLIPPED_SHARE_TO_WARN: f64 = 0.001;

/// How the colours of a raw file are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColourKind {
    /// One channel, perhaps with alpha.
    Grey,
    /// Red, green and blue, perhaps with alpha.
    Rgb,
    /// Indices into a table of red, green and blue.
    Palette,
}

impl ColourKind {
    /// Number of colour channels.
    pub const fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb | Self::Palette => 3,
        }
    }

    /// The short name of a channel.
    pub const fn channel_name(self, channel: usize) -> &'static str {
        match (self, channel) {
            (Self::Grey, _) => "grey",
            (_, 0) => "R",
            (_, 1) => "G",
            (_, _) => "B",
        }
    }
}

/// Which channels of a raw image make its signal, and why. Displayed as `grey`, `G`, `R+G` or `palette G`.
///
/// A channel is active when its mean exceeds 0.5 counts of 255. One active channel is taken as it is, several are summed
/// (saturating), none means the strongest one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelChoice {
    /// How colours are stored.
    pub kind: ColourKind,
    /// The channels that are summed: 0 is grey or red, 1 green, 2 blue. Never empty.
    pub active: Vec<usize>,
    /// The mean of every colour channel, in counts of the file.
    pub means: Vec<f64>,
    /// The mean above which a channel is active, in counts of the file.
    pub threshold: f64,
}

impl ChannelChoice {
    /// Decides by the channels' means and the full scale of the counts.
    pub(crate) fn decide(kind: ColourKind, means: Vec<f64>, full_scale: f64) -> Self {
        let threshold = ACTIVE_MEAN_OF_255 / 255.0 * full_scale;
        let mut active: Vec<usize> = (0..means.len()).filter(|&c| means[c] > threshold).collect();
        if active.is_empty() {
            // The first of equals.
            let strongest =
                (1..means.len()).fold(0, |best, c| if means[c] > means[best] { c } else { best });
            active.push(strongest);
        }
        Self {
            kind,
            active,
            means,
            threshold,
        }
    }
}

impl fmt::Display for ChannelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == ColourKind::Palette {
            f.write_str("palette ")?;
        }
        for (i, &channel) in self.active.iter().enumerate() {
            if i > 0 {
                f.write_str("+")?;
            }
            f.write_str(self.kind.channel_name(channel))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(means: [f64; 3], full_scale: f64) -> String {
        ChannelChoice::decide(ColourKind::Rgb, means.to_vec(), full_scale).to_string()
    }

    #[test]
    fn active_channels_are_those_above_half_a_count_of_255() {
        assert_eq!(choice([0.1, 30.0, 0.5], 255.0), "G");
        assert_eq!(choice([0.6, 30.0, 0.5], 255.0), "R+G");
        assert_eq!(choice([100.0, 129.0, 128.0], 65535.0), "G");
        assert_eq!(choice([0.003, 0.001, 0.0], 1.0), "R");
    }

    #[test]
    fn without_an_active_channel_the_strongest_one_is_taken() {
        assert_eq!(choice([0.1, 0.2, 0.3], 255.0), "B");
        assert_eq!(choice([0.0, 0.0, 0.0], 255.0), "R");
    }

    #[test]
    fn names_tell_how_the_colours_are_stored() {
        let palette = ChannelChoice::decide(ColourKind::Palette, vec![0.0, 9.0, 0.0], 255.0);
        assert_eq!(palette.to_string(), "palette G");
        assert_eq!(
            ChannelChoice::decide(ColourKind::Grey, vec![0.0], 255.0).to_string(),
            "grey"
        );
    }
}
