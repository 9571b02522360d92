//! Objects per area, with an interval that knows they cluster.
//!
//! The section is divided into cells of 256 px. Their counts scatter more than Poisson's where microbes live in colonies. The
//! excess gives the overdispersion of a negative binomial distribution (method of moments: Bliss & Fisher 1953,
//! doi:10.2307/3001850), `variance = mean + k mean^2`, from which the error of the density follows.

use serde::{Deserialize, Serialize};

/// Side of a cell, px.
pub(crate) const DENSITY_CELL: usize = 256;
/// Standard deviations of a two-sided interval of 95 %.
const Z95: f64 = 1.959_964;
/// Upper end of the 95 % interval of a count of none: `-ln 0.025`.
const UPPER_OF_NONE: f64 = 3.688_879;

/// Section and objects of one cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct DensityCell {
    /// Pixels of the section with data.
    pub section_px: u64,
    /// Objects that count.
    pub objects: u64,
}

impl DensityCell {
    /// Side of a cell, px; cells at the right and lower border are smaller.
    pub const SIDE_PX: usize = DENSITY_CELL;
}

/// Microbes per million pixels of section.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Density {
    /// Objects that count.
    pub objects: u64,
    /// Pixels of the section with data.
    pub section_px: u64,
    /// Objects per million pixels.
    pub per_megapixel: f64,
    /// Its interval of 95 %.
    pub interval_95: [f64; 2],
    /// How much more counts scatter than Poisson's: 0 for none, the `k` of the negative binomial distribution.
    pub overdispersion: f64,
}

impl Density {
    pub(crate) fn of(cells: &[DensityCell]) -> Self {
        let section_px: u64 = cells.iter().map(|c| c.section_px).sum();
        let objects: u64 = cells.iter().map(|c| c.objects).sum();
        let megapixels = section_px as f64 * 1e-6;
        let (number, area) = (objects as f64, section_px as f64);
        let mut density = Self {
            objects,
            section_px,
            per_megapixel: 0.0,
            interval_95: [0.0; 2],
            overdispersion: 0.0,
        };
        if section_px == 0 {
            return density;
        }
        density.per_megapixel = number / megapixels;
        if objects == 0 {
            density.interval_95 = [0.0, UPPER_OF_NONE / megapixels];
            return density;
        }
        let expected = |c: &DensityCell| number * c.section_px as f64 / area;
        let used: Vec<&DensityCell> = cells.iter().filter(|c| c.section_px > 0).collect();
        let (mut excess, mut squares) = (0.0, 0.0);
        for cell in &used {
            let mu = expected(cell);
            // The mean was taken from the same counts, which takes its share of their scatter away.
            let free = (1.0 - mu / number).max(1e-9);
            excess += (cell.objects as f64 - mu).powi(2) / free - mu;
            squares += mu * mu;
        }
        if used.len() > 1 {
            density.overdispersion = (excess / squares).max(0.0);
        }
        let variance: f64 = number + density.overdispersion * squares;
        let relative = variance.sqrt() / number;
        // On the log of the density, so that it stays above 0.
        let factor = (Z95 * relative * student(used.len())).exp();
        density.interval_95 = [
            density.per_megapixel / factor,
            density.per_megapixel * factor,
        ];
        density
    }
}

/// How much wider an interval is where its width is known from so few cells (Student's t at 97.5 %, Cornish & Fisher's expansion).
fn student(cells: usize) -> f64 {
    let free = cells.saturating_sub(1) as f64;
    if free < 1.0 {
        return 1.0;
    }
    let z = Z95 * Z95;
    1.0 + (z + 1.0) / (4.0 * free) + (5.0 * z * z + 16.0 * z + 3.0) / (96.0 * free * free)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(counts: &[u64]) -> Vec<DensityCell> {
        let cell = |&objects: &u64| DensityCell {
            section_px: 65_536,
            objects,
        };
        counts.iter().map(cell).collect()
    }

    #[test]
    fn counts_that_cluster_have_a_wider_interval() {
        let even = Density::of(&cells(&[9, 11, 10, 8, 12, 10, 13, 7, 10, 10]));
        let clustered = Density::of(&cells(&[0, 50, 0, 0, 0, 45, 5, 0, 0, 0]));
        assert_eq!(even.objects, clustered.objects);
        assert!((even.per_megapixel - 100.0 / 0.655_36).abs() < 1e-9);
        let width = |d: &Density| d.interval_95[1] / d.interval_95[0];
        assert!(even.overdispersion < 0.01 && width(&even) < 1.7, "{even:?}");
        assert!(
            clustered.overdispersion > 2.0 && width(&clustered) > 4.0,
            "{clustered:?}"
        );
    }

    #[test]
    fn none_found_has_an_upper_end() {
        let none = Density::of(&cells(&[0; 16]));
        assert_eq!(none.interval_95[0], 0.0);
        assert!((none.interval_95[1] - 3.689 / 1.048_576).abs() < 0.01);
        assert_eq!(Density::of(&[]).per_megapixel, 0.0);
    }
}
