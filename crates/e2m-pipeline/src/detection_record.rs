//! What the manifest says about the microbes of a task.

use e2m_detect::{Catalogue, Density, Placement};
use serde::{Deserialize, Serialize};

/// The microbes of a task in figures. Each of them stands in the table `05_microbes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectionRecord {
    /// Objects in the table.
    pub objects: u64,
    /// Those that count as microbes: on the section, and no trace of the subtraction or of what pre shows as well.
    pub microbes: u64,
    /// Section that was searched, px.
    pub section_px: u64,
    /// Microbes per million pixels of section.
    pub per_megapixel: f64,
    /// Its interval of 95 %, from the scatter between parts of the section.
    pub interval_95: [f64; 2],
    /// How many of the microbes are expected to be none.
    pub expected_false: f64,
    /// The flux that is found with 50 % probability, counts; none where that is not known.
    pub flux_50: Option<f64>,
    /// The flux that is found with 90 % probability, counts; none where that is not known.
    pub flux_90: Option<f64>,
    /// Median footprint of the microbes, px; none of no microbes.
    pub median_area_px: Option<f64>,
    /// Mean of the significance over section without microbes: 0 if all is well.
    pub significance_mean: f64,
    /// Its standard deviation: 1 if all is well.
    pub significance_std_dev: f64,
    /// Why the catalogue is suspect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspect: Vec<String>,
}

impl DetectionRecord {
    /// That of a catalogue, which is suspect for these reasons besides its own.
    pub(crate) fn of(catalogue: &Catalogue, suspect: &[String]) -> Self {
        let Density {
            objects: microbes,
            section_px,
            per_megapixel,
            interval_95,
            ..
        } = catalogue.density;
        let completeness = catalogue.completeness.as_ref();
        let mut areas: Vec<u32> = catalogue.microbes().map(|object| object.area_px).collect();
        areas.sort_unstable();
        let background = catalogue.background;
        let mut suspect = suspect.to_vec();
        suspect.extend(not_normal(catalogue));
        Self {
            objects: catalogue.objects.len() as u64,
            microbes,
            section_px,
            per_megapixel: finite(per_megapixel),
            interval_95: interval_95.map(finite),
            expected_false: finite(catalogue.false_positives.expected),
            flux_50: completeness
                .and_then(|c| c.flux_50)
                .filter(|f| f.is_finite()),
            flux_90: completeness
                .and_then(|c| c.flux_90)
                .filter(|f| f.is_finite()),
            median_area_px: areas.get(areas.len() / 2).map(|area| f64::from(*area)),
            significance_mean: finite(background.mean),
            significance_std_dev: finite(background.std_dev),
            suspect,
        }
    }
}

/// A catalogue, and what its tables say besides.
pub(crate) struct Detected {
    pub(crate) catalogue: Catalogue,
    pub(crate) placement: Placement,
    /// Lines at the head of the table.
    pub(crate) notes: Vec<String>,
}

/// Why the significance of a catalogue is not what its name says.
fn not_normal(catalogue: &Catalogue) -> Option<String> {
    let background = catalogue.background;
    let is_doubted = background.pixels > 0 && !background.is_normal();
    is_doubted.then(|| {
        format!(
            "over section without microbes the significance has the mean {:.3} and the standard deviation {:.3} in place of 0 and 1, so \
             that more of the microbes may be none than expected",
            background.mean, background.std_dev
        )
    })
}

/// JSON knows no other numbers.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::MAX }
}
