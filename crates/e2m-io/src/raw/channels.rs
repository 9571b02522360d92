//! Which colour channels are taken for the signal.

use super::count::type_of_sums;
use e2m_image::PixelType;
use serde::{Deserialize, Serialize};
use std::fmt;

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

/// How the channels that are taken become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// They are added; one alone stays as it is.
    #[default]
    Sum,
    /// Red, green and blue are weighted as eyes do: 0.299, 0.587 and 0.114 (ITU-R BT.601, the weights of TIFF's YCbCr).
    Luma,
}

impl Reduction {
    /// What a channel counts for.
    pub(crate) fn weight(self, channel: usize) -> f32 {
        match (self, channel) {
            (Self::Sum, _) => 1.0,
            (Self::Luma, 0) => 0.299,
            (Self::Luma, 1) => 0.587,
            (Self::Luma, _) => 0.114,
        }
    }
}

/// Which channels of a raw image make its signal, and why. Displayed as `grey`, `G`, `R+G`, `luma`, `palette G` or `page 2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelChoice {
    /// How colours are stored.
    pub kind: ColourKind,
    /// The channels that are taken: 0 is grey or red, 1 green, 2 blue. Never empty.
    pub active: Vec<usize>,
    /// How they become one number.
    #[serde(default)]
    pub reduction: Reduction,
    /// Whether the image is grey although it is stored in colour: one channel stands for all three.
    #[serde(default)]
    pub is_grey: bool,
    /// Which image of the file is read, the first one is 1.
    #[serde(default = "first_page")]
    pub page: usize,
    /// Of several grey channels of a pixel the one that is taken, the first one is 1.
    #[serde(default = "first_page")]
    pub sample: usize,
    /// Why these, as a sentence without an end; empty in records of version 0.1.0.
    #[serde(default)]
    pub why: String,
}

/// The page, and the channel of a pixel, that is read unless another is asked for.
const fn first_page() -> usize {
    1
}

impl ChannelChoice {
    /// The only channel of a grey image.
    pub fn grey(page: usize) -> Self {
        Self {
            sample: 1,
            kind: ColourKind::Grey,
            active: vec![0],
            reduction: Reduction::Sum,
            is_grey: true,
            page,
            why: "the file holds one channel".to_owned(),
        }
    }

    /// The type of the plane that it makes of a file of this type: sums are never cut off.
    pub fn pixel_type(&self, file: PixelType) -> PixelType {
        match (self.reduction, &*self.active) {
            (Reduction::Sum, [_]) => file,
            (Reduction::Sum, _) => type_of_sums(file),
            (Reduction::Luma, _) => PixelType::F32,
        }
    }

    /// Whether the same pixels are taken, whatever the reason.
    pub fn takes_same(&self, other: &Self) -> bool {
        let taken = |choice: &Self| (choice.page, choice.sample, choice.reduction);
        taken(self) == taken(other) && self.active == other.active
    }
}

impl fmt::Display for ChannelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grey = self.is_grey || self.kind == ColourKind::Grey;
        if self.page > first_page() {
            write!(f, "page {}", self.page)?;
            if grey && self.sample == 1 {
                return Ok(());
            }
            f.write_str(" ")?;
        }
        match self.reduction {
            _ if self.sample > 1 => write!(f, "channel {}", self.sample),
            _ if grey => f.write_str("grey"),
            Reduction::Luma => f.write_str("luma"),
            Reduction::Sum => {
                if self.kind == ColourKind::Palette {
                    f.write_str("palette ")?;
                }
                f.write_str(&names(&self.active))
            }
        }
    }
}

/// Colour channels as `R+G`.
pub(crate) fn names(channels: &[usize]) -> String {
    let names = channels.iter().map(|&c| ColourKind::Rgb.channel_name(c));
    names.collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(kind: ColourKind, active: &[usize]) -> ChannelChoice {
        ChannelChoice {
            kind,
            active: active.to_vec(),
            is_grey: false,
            ..ChannelChoice::grey(1)
        }
    }

    #[test]
    fn names_tell_what_is_taken() {
        assert_eq!(choice(ColourKind::Rgb, &[0, 1]).to_string(), "R+G");
        assert_eq!(choice(ColourKind::Palette, &[1]).to_string(), "palette G");
        assert_eq!(ChannelChoice::grey(1).to_string(), "grey");
        assert_eq!(ChannelChoice::grey(3).to_string(), "page 3");
        let second = ChannelChoice {
            page: 2,
            ..choice(ColourKind::Rgb, &[2])
        };
        assert_eq!(second.to_string(), "page 2 B");
        let luma = ChannelChoice {
            reduction: Reduction::Luma,
            ..choice(ColourKind::Rgb, &[0, 1, 2])
        };
        assert_eq!(luma.to_string(), "luma");
    }

    #[test]
    fn sums_are_held_by_a_wider_type() {
        let (one, two) = (
            choice(ColourKind::Rgb, &[1]),
            choice(ColourKind::Rgb, &[0, 1]),
        );
        assert_eq!(one.pixel_type(PixelType::U8), PixelType::U8);
        assert_eq!(two.pixel_type(PixelType::U8), PixelType::U16);
        assert_eq!(two.pixel_type(PixelType::U16), PixelType::F32);
    }

    #[test]
    fn records_of_the_first_version_can_be_read() {
        let json = r#"{"kind": "rgb", "active": [1], "means": [0.1, 20.0, 0.0], "threshold": 0.5}"#;
        let old: ChannelChoice = serde_json::from_str(json).expect("read");
        assert_eq!((old.to_string().as_str(), old.page), ("G", 1));
        let json = r#"{"kind": "grey", "active": [0], "means": [0.1], "threshold": 0.5}"#;
        let old: ChannelChoice = serde_json::from_str(json).expect("read");
        assert!(old.takes_same(&ChannelChoice::grey(1)));
    }
}
