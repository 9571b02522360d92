//! What a pair is made of, as a TOML file or a struct.

use crate::FixtureError;
use e2m_image::{PixelType, Size};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The recipe of one pair. Every field may be left out; the default is a clean pair that differs by its gain only.
///
/// Lengths are in pixels of the full image, angles in degrees (positive from x towards y, clockwise on screen),
/// brightness in counts of 255 whatever the pixel type.
///
/// ```
/// use e2m_fixtures::Recipe;
///
/// let rotated = Recipe { rotation_deg: 18.0, width: 1500, height: 1200, ..Recipe::default() };
/// let same = Recipe::from_toml("rotation_deg = 18.0\nwidth = 1500\nheight = 1200").unwrap();
/// assert_eq!(rotated, same);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// One sentence on what the pair is for.
    pub description: String,
    /// Columns of the post image.
    pub width: usize,
    /// Rows of the post image.
    pub height: usize,
    /// Columns of the pre image; those of post when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_width: Option<usize>,
    /// Rows of the pre image; those of post when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_height: Option<usize>,
    /// Everything random follows from it.
    pub seed: u64,

    /// Rotation of the warp from post to pre about the image centres.
    pub rotation_deg: f64,
    /// Magnification of the warp from post to pre: above 1 the section is larger in pre.
    pub magnification: f64,
    /// Shear of the warp: x moves by this times y.
    pub shear: f64,
    /// Where the centre of post lies in pre, from the centre of pre, as a share of post's width and height.
    pub shift_fraction: [f64; 2],
    /// Perspective: how much the homogeneous coordinate changes from the centre to the right and lower border.
    pub perspective: [f64; 2],
    /// A smooth local displacement on top of the homography.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deformation: Option<Deformation>,

    /// Brightness of the background in post over that in pre.
    pub gain: f64,
    /// Brightness of the section in pre: at 1 its grains lie between about 20 and 160 counts.
    pub brightness: f64,
    /// Where there is section.
    pub section: Section,
    /// What the stain shows.
    pub microbes: Microbes,
    /// What the pre image shows.
    pub pre_world: PreWorld,

    /// Uneven light in post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vignetting_post: Option<Vignetting>,
    /// Uneven light in pre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vignetting_pre: Option<Vignetting>,
    /// Defocus of post: sigma of a Gaussian in px.
    pub defocus_post_px: f64,
    /// Defocus of pre: sigma of a Gaussian in px.
    pub defocus_pre_px: f64,
    /// Regions that took up stain diffusely.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptake: Option<Uptake>,
    /// Regions whose background is darker in post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bleaching: Option<Bleaching>,
    /// Dust on both images, at different places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dust: Option<Dust>,
    /// Standard deviation of the camera's noise in counts.
    pub noise_counts: f64,
    /// Variance of the shot noise per count of signal, in counts.
    pub shot_noise: f64,

    /// How pixels are stored.
    pub pixel: PixelType,
    /// Stored value per count for 16 bit and float pixels; 8 bit pixels store counts.
    pub counts_scale: f64,
    /// Which channels carry the signal.
    pub channels: Channels,
    /// How the TIFFs are laid out.
    pub tiff: TiffLayout,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            description: String::new(),
            width: 2000,
            height: 1600,
            pre_width: None,
            pre_height: None,
            seed: 1,
            rotation_deg: 0.0,
            magnification: 1.0,
            shear: 0.0,
            shift_fraction: [0.0, 0.0],
            perspective: [0.0, 0.0],
            deformation: None,
            gain: 1.3,
            brightness: 1.0,
            section: Section::default(),
            microbes: Microbes::default(),
            pre_world: PreWorld::Same,
            vignetting_post: None,
            vignetting_pre: None,
            defocus_post_px: 0.0,
            defocus_pre_px: 0.0,
            uptake: None,
            bleaching: None,
            dust: None,
            noise_counts: 0.5,
            shot_noise: 0.0,
            pixel: PixelType::U8,
            counts_scale: 1.0,
            channels: Channels::Grey,
            tiff: TiffLayout::default(),
        }
    }
}

/// Where there is section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    /// One outline, several pieces, or the whole frame.
    pub shape: Shape,
    /// Radius of the outline as a share of half the frame.
    pub fill: f64,
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
            pieces: 4,
            glass_counts: 1.5,
            texture: 1.0,
        }
    }
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

impl Recipe {
    /// Reads a recipe; an unknown key is an error that names it and the keys there are.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Reads a recipe file.
    pub fn from_file(path: &Path) -> Result<Self, FixtureError> {
        let text = std::fs::read_to_string(path).map_err(|source| FixtureError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::from_toml(&text).map_err(|source| FixtureError::Recipe {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Size of the post image.
    pub fn post_size(&self) -> Size {
        Size::new(self.width, self.height)
    }

    /// Size of the pre image.
    pub fn pre_size(&self) -> Size {
        Size::new(
            self.pre_width.unwrap_or(self.width),
            self.pre_height.unwrap_or(self.height),
        )
    }

    /// The same recipe for a post image of `size`; a pre size of its own keeps its proportion to post's.
    #[must_use]
    pub fn resized(&self, size: Size) -> Self {
        let scale = |pre: Option<usize>, old: usize, new: usize| {
            pre.map(|pre| ((pre as f64 * new as f64 / old.max(1) as f64).round() as usize).max(1))
        };
        Self {
            width: size.width,
            height: size.height,
            pre_width: scale(self.pre_width, self.width, size.width),
            pre_height: scale(self.pre_height, self.height, size.height),
            ..self.clone()
        }
    }

    /// The same recipe for a post image `width` px wide, with the same proportions.
    #[must_use]
    pub fn resized_to_width(&self, width: usize) -> Self {
        let height = self.height as f64 * width as f64 / self.width.max(1) as f64;
        self.resized(Size::new(width, (height.round() as usize).max(1)))
    }

    /// Whether pre shows the same section as post, right side up, so that there is an alignment to find.
    pub fn belongs_together(&self) -> bool {
        self.pre_world == PreWorld::Same
    }

    /// The hardships of this pair by the names of their keys, in the order of the recipe.
    pub fn hardships(&self) -> Vec<String> {
        let shape = match self.section.shape {
            Shape::Outline => "",
            Shape::FrameFilling => "frame_filling",
            Shape::Pieces => "pieces",
        };
        let listed = [
            (self.deformation.is_some(), "deformation"),
            (!shape.is_empty(), shape),
            (self.pre_world != PreWorld::Same, "pre_world"),
            (self.vignetting_post.is_some(), "vignetting_post"),
            (self.vignetting_pre.is_some(), "vignetting_pre"),
            (self.defocus_post_px > 0.0, "defocus_post_px"),
            (self.defocus_pre_px > 0.0, "defocus_pre_px"),
            (self.uptake.is_some(), "uptake"),
            (self.bleaching.is_some(), "bleaching"),
            (self.dust.is_some(), "dust"),
            (self.noise_counts >= NOISY_COUNTS, "noise_counts"),
            (self.shot_noise > 0.0, "shot_noise"),
        ];
        listed
            .iter()
            .filter(|(present, _)| *present)
            .map(|(_, name)| (*name).to_owned())
            .collect()
    }
}

/// Noise from here on counts as a hardship: a few times the rounding of 8 bit pixels.
const NOISY_COUNTS: f64 = 3.0;
