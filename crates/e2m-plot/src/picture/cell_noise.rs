//! What noise alone makes of cells of which only the extreme is shown.
//!
//! The extreme of the noise of `n` pixels grows with `n`: a cell of 1,000 px of pure noise has one of 3.3 standard deviations. So it
//! is not the noise of a pixel that tells what stands out, but the distribution of the extremes of cells, and most cells hold nothing
//! but noise. It is measured on the cells that are drawn, apart for cells of different brightness, as noise grows with brightness:
//! that of aligned pre, which has no stain.
//!
//! Extremes of many independent pixels with exponential tails or lighter ones are distributed as Gumbel found (doi
//! 10.1214/aoms/1177731607), with two unknowns. Both follow from the median and the quantile below it, which microbes in some cells
//! hardly change. What a cell of noise exceeds once in a thousand times is the floor: black up to there.
//!
//! Structure that does not cancel, as in a misaligned pair, has extremes too, and in most cells. They differ from cell to cell much
//! more than those of noise do, of which the theory knows by how much. More than twice that is not taken for noise.

use ndarray::Array2;

/// The share of cells of noise that may lie above the floor. For normal noise, whose extremes have lighter tails, fewer do.
const ABOVE_SHARE: f64 = 0.001;
/// The quantile that gives the spread together with the median: one standard deviation below it, were the extremes normal.
const LOWER_SHARE: f64 = 0.16;
/// Extremes of noise may be spread so many times as widely as those of normal noise: those of exponential noise are 1.8 times.
const WIDEST: f64 = 2.0;
/// Cells of one brightness: enough for the quantiles to be known to some hundredths of their distance.
const CELLS_PER_CLASS: usize = 1000;
/// Classes of brightness at most.
const MOST_CLASSES: usize = 24;

/// The noise of cells by their brightness.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CellNoise {
    /// By brightness, the darkest first.
    classes: Vec<Class>,
    /// The spread of the extremes of noise of a usual cell.
    pub(super) spread: f64,
}

/// Cells of about one brightness.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Class {
    /// Median of aligned pre, counts.
    brightness: f64,
    /// What noise stays below, counts.
    floor: f64,
}

impl CellNoise {
    /// That of cells with these extremes, NaN where there is none, each of so many pixels, and the brightness of each.
    pub(super) fn of(extremes: &Array2<f32>, brightness: &Array2<f32>, cell_px: f64) -> Self {
        let widest = WIDEST * normal_spread_per_median(cell_px);
        let mut cells: Vec<(f32, f32)> = extremes
            .iter()
            .zip(brightness)
            .filter(|(extreme, _)| extreme.is_finite())
            .map(|(extreme, &b)| (if b.is_finite() { b } else { 0.0 }, extreme.abs()))
            .collect();
        // Stable, and by brightness alone: cells of one brightness are no more sorted than before.
        cells.sort_by(|a, b| a.0.total_cmp(&b.0));
        let classes = (cells.len() / CELLS_PER_CLASS).clamp(1, MOST_CLASSES);
        let mut found = Vec::with_capacity(classes);
        let mut spreads = Vec::with_capacity(classes);
        let start = |i: usize| {
            let start = i * cells.len() / classes;
            let Some(before) = start.checked_sub(1) else {
                return start;
            };
            // Cells of one brightness are of one class.
            let alike = cells[start..]
                .iter()
                .take_while(|cell| cell.0 == cells[before].0);
            start + alike.count()
        };
        for i in 0..classes {
            let own = start(i)..start(i + 1);
            let Some(middle) = cells[own.clone()].get(own.len() / 2) else {
                continue;
            };
            let mut magnitudes: Vec<f32> = cells[own].iter().map(|cell| cell.1).collect();
            magnitudes.sort_unstable_by(f32::total_cmp);
            let at = |share: f64| {
                let rank = ((magnitudes.len() - 1) as f64 * share).round() as usize;
                f64::from(magnitudes[rank])
            };
            let median = at(0.5);
            let spread = (median - at(LOWER_SHARE)).min(widest * median);
            spreads.push(spread);
            found.push(Class {
                brightness: f64::from(middle.0),
                floor: median + spread * spreads_to_floor(),
            });
        }
        spreads.sort_unstable_by(f64::total_cmp);
        Self {
            classes: found,
            spread: spreads.get(spreads.len() / 2).copied().unwrap_or(0.0),
        }
    }

    /// What noise stays below in a cell of this brightness: straight lines between the classes.
    pub(super) fn floor(&self, brightness: f64) -> f64 {
        let above = self
            .classes
            .partition_point(|class| class.brightness < brightness);
        let at = |i: usize| self.classes.get(i);
        match (above.checked_sub(1).and_then(at), at(above)) {
            (Some(low), Some(high)) if high.brightness > low.brightness => {
                let share = (brightness - low.brightness) / (high.brightness - low.brightness);
                low.floor + share * (high.floor - low.floor)
            }
            (_, Some(class)) | (Some(class), None) => class.floor,
            (None, None) => 0.0,
        }
    }

    /// The smallest and the largest floor.
    pub(super) fn floors(&self) -> [f64; 2] {
        let floors = || self.classes.iter().map(|class| class.floor);
        let low = floors().fold(f64::INFINITY, f64::min);
        let high = floors().fold(0.0, f64::max);
        [low.min(high), high]
    }
}

/// How far above the median the floor lies, in distances of the median from the quantile below it.
fn spreads_to_floor() -> f64 {
    let gumbel = |share: f64| -(-share.ln()).ln();
    (gumbel(1.0 - ABOVE_SHARE) - gumbel(0.5)) / (gumbel(0.5) - gumbel(LOWER_SHARE))
}

/// The distance of the median from the quantile below it as a share of the median, for the largest of so many normal numbers of
/// either sign: the asymptotic form of Cramér (Mathematical methods of statistics, 28.6).
fn normal_spread_per_median(numbers: f64) -> f64 {
    let gumbel = |share: f64| -(-share.ln()).ln();
    // Of a single number the form knows nothing; its own ratio is as that of four.
    let logarithm = (2.0 * numbers.max(4.0)).ln();
    let root = (2.0 * logarithm).sqrt();
    let location = root - ((4.0 * std::f64::consts::PI).ln() + logarithm.ln()) / (2.0 * root);
    let quantile = |share: f64| location + gumbel(share) / root;
    (quantile(0.5) - quantile(LOWER_SHARE)) / quantile(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_thousand_extremes_of_exponential_noise_lies_above_the_floor() {
        // Extremes of 500 exponential numbers, by their quantiles.
        let cells = 200_000;
        let extremes = Array2::from_shape_fn((1, cells), |(_, i)| {
            let share = (i as f64 + 0.5) / cells as f64;
            -(1.0 - share.powf(1.0 / 500.0)).ln() as f32
        });
        let noise = CellNoise::of(&extremes, &Array2::zeros((1, cells)), 500.0);
        let above = extremes
            .iter()
            .filter(|v| f64::from(**v) > noise.floor(0.0));
        let share = above.count() as f64 / cells as f64;
        assert!((share / ABOVE_SHARE - 1.0).abs() < 0.1, "{share}");
    }

    #[test]
    fn each_brightness_has_its_floor_and_odd_values_none_at_all() {
        // Noise of the root of the brightness, the extremes spread by a fifth.
        let brightness = Array2::from_shape_fn((200, 200), |(y, x)| (1 + (x + 7 * y) % 400) as f32);
        let mut i = 0u32;
        let extremes = brightness.mapv(|b: f32| {
            i = i.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let share = f64::from(i >> 8) / f64::from(1 << 24);
            (f64::from(b).sqrt() * (3.0 + 0.4 * (share - 0.5))) as f32
        });
        let noise = CellNoise::of(&extremes, &brightness, 500.0);
        for b in [60.0, 100.0, 380.0] {
            let floor = noise.floor(b) / f64::sqrt(b);
            assert!((3.2..5.0).contains(&floor), "{b}: {floor}");
        }
        let [low, high] = noise.floors();
        assert!(low < 0.5 * high, "{low} {high}");
        for odd in [
            Array2::zeros((0, 0)),
            Array2::from_elem((3, 3), f32::NAN),
            Array2::from_elem((3, 3), f32::INFINITY),
            Array2::from_elem((1, 1), 1e30),
        ] {
            let noise = CellNoise::of(&odd, &odd, f64::NAN);
            assert!(noise.floor(1.0).is_finite() && noise.spread.is_finite());
        }
    }

    #[test]
    fn structure_that_does_not_cancel_is_not_taken_for_noise() {
        for numbers in [30.0, 500.0, 2000.0] {
            // Cells whose structure differs by a factor of two either way, as that of grains does.
            let cells = 50_000;
            let extremes = Array2::from_shape_fn((1, cells), |(_, i)| {
                let share = (i as f64 + 0.5) / cells as f64;
                (20.0 * (share / (1.0 - share)).powf(0.4)) as f32
            });
            let noise = CellNoise::of(&extremes, &Array2::zeros((1, cells)), numbers);
            let above = extremes
                .iter()
                .filter(|v| f64::from(**v) > noise.floor(0.0));
            let share = above.count() as f64 / cells as f64;
            assert!(share > 0.05, "{numbers}: {share}");
        }
    }
}
