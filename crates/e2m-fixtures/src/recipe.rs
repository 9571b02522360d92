//! What a pair is made of, as a TOML file or a struct.

use crate::parts::{
    Bleaching, BrightDirt, BrightGrains, Channels, Deformation, Dust, EvenUptake, Microbes,
    Misplaced, PreWorld, Section, Sensor, Shape, TiffLayout, Uptake, Vignetting,
};
use crate::{FixtureError, Side};
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
    /// A part of the section that is not where the homography sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub misplaced: Option<Misplaced>,

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
    /// Bright grains whose ratio is not that of the section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grains: Option<BrightGrains>,
    /// Regions whose background became brighter by another factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub even_uptake: Option<EvenUptake>,
    /// Bright dirt on both images, at different places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bright_dirt: Option<BrightDirt>,
    /// What is fixed to the sensor, at the same place in both images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensor: Option<Sensor>,
    /// Counts at which the camera of post ends: what is brighter is cut off there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_clip: Option<f64>,
    /// Counts at which the camera of pre ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_clip: Option<f64>,
    /// What the camera adds to every pixel of post, in counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub post_black: f64,
    /// What the camera adds to every pixel of pre, in counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub pre_black: f64,
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
    /// The same for pre, where they are others than those of post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_channels: Option<Channels>,
    /// Share of the signal that bleeds through into each of the two other colours, where one holds it.
    #[serde(skip_serializing_if = "is_none_of_both")]
    pub bleed_through: [f64; 2],
    /// Standard deviation of what lossy compression does to each colour by itself, in counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub colour_noise_counts: f64,
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
            misplaced: None,
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
            grains: None,
            even_uptake: None,
            bright_dirt: None,
            sensor: None,
            post_clip: None,
            pre_clip: None,
            post_black: 0.0,
            pre_black: 0.0,
            noise_counts: 0.5,
            shot_noise: 0.0,
            pixel: PixelType::U8,
            counts_scale: 1.0,
            channels: Channels::Grey,
            pre_channels: None,
            bleed_through: [0.0; 2],
            colour_noise_counts: 0.0,
            tiff: TiffLayout::default(),
        }
    }
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

    /// Which channels carry the signal of an image.
    pub fn channels_of(&self, side: Side) -> Channels {
        match side {
            Side::Post => self.channels,
            Side::Pre => self.pre_channels.unwrap_or(self.channels),
        }
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
            (self.misplaced.is_some(), "misplaced"),
            (!shape.is_empty(), shape),
            (self.pre_world != PreWorld::Same, "pre_world"),
            (self.vignetting_post.is_some(), "vignetting_post"),
            (self.vignetting_pre.is_some(), "vignetting_pre"),
            (self.defocus_post_px > 0.0, "defocus_post_px"),
            (self.defocus_pre_px > 0.0, "defocus_pre_px"),
            (self.uptake.is_some(), "uptake"),
            (self.bleaching.is_some(), "bleaching"),
            (self.dust.is_some(), "dust"),
            (self.grains.is_some(), "grains"),
            (self.even_uptake.is_some(), "even_uptake"),
            (self.bright_dirt.is_some(), "bright_dirt"),
            (self.sensor.is_some(), "sensor"),
            (self.post_clip.is_some(), "post_clip"),
            (self.pre_clip.is_some(), "pre_clip"),
            (!is_zero(&self.post_black), "post_black"),
            (!is_zero(&self.pre_black), "pre_black"),
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

/// Whether nothing bleeds through.
fn is_none_of_both(shares: &[f64; 2]) -> bool {
    *shares == [0.0; 2]
}

/// Noise from here on counts as a hardship: a few times the rounding of 8 bit pixels.
const NOISY_COUNTS: f64 = 3.0;

/// Whether a level is 0, which goes without saying.
fn is_zero(counts: &f64) -> bool {
    *counts == 0.0
}
