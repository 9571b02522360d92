//! What the manifest says about pixels that are not what they seem: saturated ones, and those that belong to the sensor.

use crate::doubts::{Doubt, Side};
use e2m_align::SensorFindings;
use e2m_image::{SaturationLevel, Size};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Saturation is said from this share of the section on.
const SAID_FROM: f64 = 0.001;
/// From this share on the task is suspect: the brightest twentieth of the section is what a stain shows.
const SUSPECT_FROM: f64 = 0.05;
/// Hot pixels are said from this share of the image on; a good sensor has fewer.
const HOT_FROM: f64 = 1e-4;

/// What is known of the pixels of both raw images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PixelRecord {
    /// After staining.
    pub post: ImagePixels,
    /// Before staining.
    pub pre: ImagePixels,
}

/// What is known of the pixels of a raw image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ImagePixels {
    /// Where the image is cut off, if it is.
    pub saturation: Option<Saturation>,
    /// Hot and dead pixels.
    pub hot_pixels: u64,
    /// Bad columns, raw px; neighbours together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad_columns: Vec<Range<usize>>,
    /// Bad rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad_rows: Vec<Range<usize>>,
    /// Pixels of the image.
    pub pixels: u64,
}

/// The level at which an image is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Saturation {
    /// Pixels of this value or above are saturated, stored counts.
    pub level: f32,
    /// How many there are.
    pub pixels: u64,
    /// The same as a share of the section's area.
    pub share: f64,
}

impl ImagePixels {
    /// That of an image of this type, of which the section takes `section` of the frame.
    pub(crate) fn of(
        found: &SensorFindings,
        saturation: Option<SaturationLevel>,
        size: Size,
        section: f64,
    ) -> Self {
        let area = (section * size.pixels() as f64).max(1.0);
        Self {
            saturation: saturation.map(|SaturationLevel { level, pixels }| Saturation {
                level,
                pixels,
                share: (pixels as f64 / area).min(1.0),
            }),
            hot_pixels: found.defects.spots().len() as u64,
            bad_columns: found.defects.columns().to_vec(),
            bad_rows: found.defects.rows().to_vec(),
            pixels: size.pixels(),
        }
    }

    /// What there is to know about it, in sentences.
    fn notes(&self, side: Side) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(saturation) = self.saturation
            && (SAID_FROM..SUSPECT_FROM).contains(&saturation.share)
        {
            notes.push(saturation.text(side));
        }
        let lines =
            |lines: &[Range<usize>]| lines.iter().map(ExactSizeIterator::len).sum::<usize>();
        let (columns, rows) = (lines(&self.bad_columns), lines(&self.bad_rows));
        let many = self.hot_pixels as f64 >= HOT_FROM * self.pixels as f64;
        if many || columns + rows > 0 {
            let mut found = vec![format!("{} hot or dead pixels", self.hot_pixels)];
            found.extend((columns > 0).then(|| format!("{columns} bad columns")));
            found.extend((rows > 0).then(|| format!("{rows} bad rows")));
            notes.push(format!(
                "the {side} image has {}: the alignment and the scale do without them, the difference shows them as they are",
                found.join(", ")
            ));
        }
        notes
    }

    fn doubt(&self, side: Side) -> Option<Doubt> {
        let saturation = self.saturation?;
        (saturation.share >= SUSPECT_FROM).then_some(Doubt::Saturated { side, saturation })
    }
}

impl Saturation {
    /// What it means for the difference.
    pub(crate) fn text(&self, side: Side) -> String {
        let (level, percent) = (self.level, 100.0 * self.share);
        let bound = match side {
            Side::Post => "a lower bound",
            Side::Pre => "an upper bound",
        };
        format!(
            "{percent:.1} % of the section is saturated in the {side} image (at {level} counts): these pixels take no part in the scale, and the difference is {bound} there"
        )
    }
}

impl PixelRecord {
    /// What there is to know about the pixels although nothing is wrong, in sentences.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = self.post.notes(Side::Post);
        notes.extend(self.pre.notes(Side::Pre));
        notes
    }

    /// What speaks against the result.
    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let doubts = [self.post.doubt(Side::Post), self.pre.doubt(Side::Pre)];
        doubts.into_iter().flatten().collect()
    }
}
