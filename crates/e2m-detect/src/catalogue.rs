//! What a search has found.

use crate::completeness::Completeness;
use crate::density::{Density, DensityCell};
use crate::false_positives::FalsePositives;
use crate::histogram::SignificanceHistogram;
use crate::noise::NoiseModel;
use crate::significance::Calibration;
use serde::{Deserialize, Serialize};

/// What there is to say about an object besides its numbers, as bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flags(pub u8);

impl Flags {
    /// It reaches the border of the image, or pixels without data.
    pub const EDGE: Self = Self(1);
    /// Post or pre is saturated in it.
    pub const SATURATED: Self = Self(2);
    /// Pre, or post, has no pixel within its aperture.
    pub const NO_DATA: Self = Self(4);
    /// Pre has something compact and bright at its place, or the mask knows of dust there.
    pub const BRIGHT_IN_PRE: Self = Self(8);
    /// It has a negative twin close by: rather a trace of the subtraction than a microbe.
    pub const DIPOLE: Self = Self(16);
    /// It shares its footprint with others.
    pub const MERGED: Self = Self(32);
    /// Its footprint is smaller or larger than asked for once measured, or has no flux.
    pub const DOUBTFUL: Self = Self(64);

    /// It lies beside the section, where noise is cut off at 0 and nothing was calibrated.
    pub const OFF_SECTION: Self = Self(128);

    /// Names of the bits, in their order.
    const NAMES: [&'static str; 8] = [
        "edge",
        "saturated",
        "no_data",
        "bright_in_pre",
        "dipole",
        "merged",
        "doubtful",
        "off_section",
    ];

    /// Adds a flag where a condition holds.
    pub(crate) fn set_if(&mut self, condition: bool, flag: Self) {
        if condition {
            self.0 |= flag.0;
        }
    }

    /// Whether all bits of `flag` are set.
    pub fn has(self, flag: Self) -> bool {
        self.0 & flag.0 == flag.0
    }

    /// The flags of these names, with `|` between them, as [`Display`](std::fmt::Display) writes them. Other names are passed over.
    pub fn of_names(names: &str) -> Self {
        let mut flags = Self::default();
        for name in names.split('|') {
            let bit = Self::NAMES.iter().position(|own| *own == name.trim());
            flags.0 |= bit.map_or(0, |bit| 1 << bit);
        }
        flags
    }

    /// Whether the object counts as a microbe: on the section, no trace of the subtraction, nothing that pre shows as well, and
    /// not doubtful.
    pub fn counts(self) -> bool {
        let not = [
            Self::DIPOLE,
            Self::BRIGHT_IN_PRE,
            Self::DOUBTFUL,
            Self::OFF_SECTION,
        ];
        !not.into_iter().any(|flag| self.has(flag))
    }
}

impl std::fmt::Display for Flags {
    /// The names, with `|` between them; nothing where there is none.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut separator = "";
        for (bit, name) in Self::NAMES.iter().enumerate() {
            if self.0 & (1 << bit) != 0 {
                write!(f, "{separator}{name}")?;
                separator = "|";
            }
        }
        Ok(())
    }
}

/// One object. Positions are px of the image that was searched, pixel centres on integers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Its number, from 1 on, by row and column.
    pub id: u32,
    /// Column of its middle.
    pub x_px: f64,
    /// Row of its middle.
    pub y_px: f64,
    /// Its light, counts of post summed over all pixels.
    pub flux: f64,
    /// Standard error of that.
    pub flux_err: f64,
    /// Its brightest pixel above the background, counts.
    pub peak: f64,
    /// How many standard deviations of the background it stands out by, at the best of the filters.
    pub significance: f64,
    /// Pixels of its footprint.
    pub area_px: u32,
    /// Full width at half maximum along its longer axis, corrected for the point spread, px.
    pub length_px: f64,
    /// The same across.
    pub width_px: f64,
    /// Direction of the longer axis in degrees, from x towards y, 0 to 180.
    pub orientation_deg: f64,
    /// `4 pi area / perimeter^2` of the footprint: 1 for a disc.
    pub circularity: f64,
    /// The background at its place, counts of post.
    pub background: f64,
    /// Distance to the nearest other object, px; infinite where there is none.
    pub nearest_px: f64,
    /// What else there is to say.
    pub flags: Flags,
}

/// How the significance is distributed over section without objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BackgroundSignificance {
    /// Pixels that were looked at.
    pub pixels: u64,
    /// Mean: 0 if all is well.
    pub mean: f64,
    /// Standard deviation: 1 if all is well.
    pub std_dev: f64,
}

impl BackgroundSignificance {
    /// Mean and standard deviation are off by at most this.
    pub const TOLERANCE: f64 = 0.05;

    /// Whether the significance is what its name says.
    pub fn is_normal(&self) -> bool {
        self.mean.abs() <= Self::TOLERANCE && (self.std_dev - 1.0).abs() <= Self::TOLERANCE
    }
}

/// All objects of a pair, and how sure that is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// By row and column.
    pub objects: Vec<Object>,
    /// Footprints left out for being smaller than the smallest or larger than the largest area.
    pub left_out: usize,
    /// The noise.
    pub noise: NoiseModel,
    /// Smallest and largest correction of the scale over the image, relative.
    pub scale_field: [f64; 2],
    /// What turned filters into significance.
    pub calibration: Calibration,
    /// The significance over background, as it came out.
    pub background: BackgroundSignificance,
    /// The same as a histogram, and that of all section.
    pub histogram: SignificanceHistogram,
    /// Objects by chance.
    pub false_positives: FalsePositives,
    /// What share of microbes is found; none where none were planted, or nowhere to plant them.
    pub completeness: Option<Completeness>,
    /// Objects per area.
    pub density: Density,
    /// The cells that the interval follows from, row by row.
    pub cells: Vec<DensityCell>,
    /// How many of them are beside each other.
    pub cell_columns: usize,
    /// Sigma of the point spread that lengths are corrected for, px.
    pub psf_sigma_px: f64,
}

impl Catalogue {
    /// The objects that count as microbes.
    pub fn microbes(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(|object| object.flags.counts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_names_and_some_do_not_count() {
        let flags = Flags(Flags::EDGE.0 | Flags::MERGED.0);
        assert_eq!(flags.to_string(), "edge|merged");
        assert!(flags.counts() && flags.has(Flags::MERGED) && !flags.has(Flags::DIPOLE));
        assert!(!Flags::DIPOLE.counts());
        assert_eq!(Flags::default().to_string(), "");
        for bits in 0..=u8::MAX {
            assert_eq!(Flags::of_names(&Flags(bits).to_string()), Flags(bits));
        }
        assert_eq!(Flags::of_names("edge|of another version"), Flags::EDGE);
    }
}
