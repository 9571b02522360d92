//! The parts of a recipe that have several values each.

use serde::{Deserialize, Serialize};

/// Where there is section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    /// One outline, several pieces, or the whole frame.
    pub shape: Shape,
    /// Radius of the outline as a share of half the frame.
    pub fill: f64,
    /// Middle of the outline as a share of width and height.
    #[serde(skip_serializing_if = "is_the_middle")]
    pub centre: [f64; 2],
    /// Number of pieces for [`Shape::Pieces`].
    pub pieces: usize,
    /// Background of the bare glass in counts.
    pub glass_counts: f64,
    /// Strength of the texture: 0 leaves flat grains, 1 is the usual.
    pub texture: f64,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            shape: Shape::Outline,
            fill: 0.78,
            centre: [0.5, 0.5],
            pieces: 4,
            glass_counts: 1.5,
            texture: 1.0,
        }
    }
}

/// Whether a section lies in the middle of the frame, which goes without saying.
fn is_the_middle(centre: &[f64; 2]) -> bool {
    *centre == [0.5, 0.5]
}

/// The shape of the section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One irregular outline within the frame.
    Outline,
    /// The section goes beyond the frame on all sides.
    FrameFilling,
    /// Several pieces apart from each other.
    Pieces,
}

/// Microbes: dots and rods that are bright in post only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Microbes {
    /// How many per million pixels of the image.
    pub per_megapixel: f64,
    /// Never more than this.
    pub max_count: usize,
    /// Smallest and largest sigma of their Gaussian profile in px.
    pub sigma_px: [f64; 2],
    /// Smallest and largest peak above the background in counts.
    pub peak_counts: [f64; 2],
    /// Share of rods; the others are dots.
    pub rod_share: f64,
    /// Share that lives in colonies; the others lie anywhere on the section.
    pub colony_share: f64,
    /// Share that has another one beside it, which touches it.
    #[serde(skip_serializing_if = "is_zero")]
    pub touching_share: f64,
    /// Share that is the first of a chain of three to six alike.
    #[serde(skip_serializing_if = "is_zero")]
    pub chain_share: f64,
}

/// Whether a share is 0, which goes without saying.
fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl Default for Microbes {
    fn default() -> Self {
        Self {
            per_megapixel: 150.0,
            max_count: 20_000,
            sigma_px: [0.8, 3.0],
            peak_counts: [30.0, 110.0],
            rod_share: 0.4,
            colony_share: 0.3,
            touching_share: 0.0,
            chain_share: 0.0,
        }
    }
}

/// What the pre image shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreWorld {
    /// The same section.
    Same,
    /// Another section of the same kind.
    OtherRock,
    /// Noise without any structure.
    Noise,
    /// Nothing: all zeros.
    Blank,
    /// The same value everywhere.
    Constant,
    /// The same section seen from behind (mirrored left to right).
    Mirrored,
}

/// Smooth local displacement `d(p)`: pre shows at `W(p + d(p))` what post shows at `p`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deformation {
    /// Largest displacement in post px.
    pub amplitude_px: f64,
    /// Distance over which it changes, as a share of the longer side of post.
    #[serde(default = "Deformation::default_length")]
    pub length_fraction: f64,
}

impl Deformation {
    fn default_length() -> f64 {
        0.25
    }
}

/// Light that falls off with the square of the distance from a centre.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vignetting {
    /// Light missing at the corner farthest from the centre: 0.5 halves it there.
    pub strength: f64,
    /// The brightest point as a share of width and height.
    #[serde(default = "Vignetting::default_centre")]
    pub centre: [f64; 2],
}

impl Vignetting {
    fn default_centre() -> [f64; 2] {
        [0.5, 0.5]
    }
}

/// Diffuse stain in some regions of post.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uptake {
    /// Share of the section's area.
    pub share: f64,
    /// Stain in the middle of a region, in counts, before texture.
    pub counts: f64,
}

/// Regions of post that lost background.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bleaching {
    /// Share of the section's area.
    pub share: f64,
    /// Part of the background that is gone in the middle of a region.
    pub loss: f64,
}

/// Dust and fibres, placed independently on post and pre.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dust {
    /// Specks per million pixels, half of them dark and half bright.
    pub specks_per_megapixel: f64,
    /// Bright fibres per million pixels.
    pub fibres_per_megapixel: f64,
    /// Smallest and largest radius of a speck in px.
    pub radius_px: [f64; 2],
    /// Peak of the bright ones in counts.
    pub peak_counts: f64,
}

impl Default for Dust {
    fn default() -> Self {
        Self {
            specks_per_megapixel: 14.0,
            fibres_per_megapixel: 2.0,
            radius_px: [3.0, 18.0],
            peak_counts: 110.0,
        }
    }
}

/// Grains of the section that are much brighter than the rest and did not become brighter by the same factor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrightGrains {
    /// How many.
    pub count: usize,
    /// Their radius in px.
    pub radius_px: f64,
    /// How many times as bright as the section they are in pre.
    pub factor: f64,
    /// Their brightness in post over that in pre.
    pub gain: f64,
}

/// Regions of the section that took up stain evenly: their background became brighter by another factor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvenUptake {
    /// Share of the section's area.
    pub share: f64,
    /// Brightness of the background in post over that in pre in these regions.
    pub gain: f64,
}

/// Bright specks that lie on each image at other places.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrightDirt {
    /// How many on each image.
    pub specks: usize,
    /// Their radius in px.
    pub radius_px: f64,
    /// What they add in counts.
    pub counts: f64,
}

/// What is fixed to the sensor, the same in both images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sensor {
    /// Share of its pixels that are hot.
    pub hot_share: f64,
    /// What these add in the mean, in counts: half of it to one and a half times.
    pub hot_counts: f64,
    /// Bad columns.
    pub columns: usize,
    /// What these add or, one in three, take away, in counts.
    pub column_counts: f64,
    /// Shadows of dust per million pixels.
    pub shadows_per_megapixel: f64,
    /// Smallest and largest radius of a shadow in px.
    pub shadow_radius_px: [f64; 2],
    /// Light that is missing in its middle.
    pub shadow_depth: f64,
}

impl Default for Sensor {
    fn default() -> Self {
        Self {
            hot_share: 0.0,
            hot_counts: 80.0,
            columns: 0,
            column_counts: 15.0,
            shadows_per_megapixel: 0.0,
            shadow_radius_px: [8.0, 30.0],
            shadow_depth: 0.3,
        }
    }
}

/// Which channels of the file carry the signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// One grey channel.
    Grey,
    /// RGB, signal in red.
    Red,
    /// RGB, signal in green.
    Green,
    /// RGB, signal in blue.
    Blue,
    /// RGB, three quarters of the signal in green and the rest in blue; their sum is the signal exactly.
    GreenBlue,
    /// RGB, the signal in each of the three: a grey image saved in colour.
    GreyRgb,
    /// Indices into a table of 256 greys; 8 bit pixels only.
    GreyPalette,
}

impl Channels {
    /// Samples of a pixel in the file.
    pub(crate) fn samples(self) -> usize {
        match self {
            Self::Grey | Self::GreyPalette => 1,
            Self::Red | Self::Green | Self::Blue | Self::GreenBlue | Self::GreyRgb => 3,
        }
    }

    /// The colour that holds the signal alone.
    pub(crate) fn colour(self) -> Option<usize> {
        match self {
            Self::Red => Some(0),
            Self::Green => Some(1),
            Self::Blue => Some(2),
            Self::Grey | Self::GreyPalette | Self::GreenBlue | Self::GreyRgb => None,
        }
    }
}

/// How a TIFF is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TiffLayout {
    /// How strips are compressed.
    pub compression: Compression,
    /// Rows per strip.
    pub rows_per_strip: usize,
}

impl Default for TiffLayout {
    fn default() -> Self {
        Self {
            compression: Compression::None,
            rows_per_strip: 32,
        }
    }
}

/// TIFF compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// As it is.
    None,
    /// LZW.
    Lzw,
    /// Deflate (zlib).
    Deflate,
}

/// A part of the section that lies elsewhere in pre than the rest, or is not there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Misplaced {
    /// Which part, by where pre shows it: post coordinates of the frame in which the rest is in place.
    pub part: Part,
    /// What has become of it.
    pub fate: Fate,
}

/// A part of the section.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What lies within an ellipse: its centre and its half axes, as shares of post's width and height.
    Ellipse {
        /// The centre.
        centre: [f64; 2],
        /// The half axes.
        half_axes: [f64; 2],
    },
    /// One of the pieces of [`Shape::Pieces`], with the glass that is nearer to it than to any other.
    Piece(usize),
}

/// What has become of a part of the section between post and pre.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It lies so many post px beside its place in pre.
    Moved([f64; 2]),
    /// It is turned about its middle, by so many degrees.
    Turned(f64),
    /// It shows what lies this share of post's width and height away.
    Exchanged([f64; 2]),
    /// It is of another rock.
    OtherRock,
    /// It is bare glass.
    Absent,
}
