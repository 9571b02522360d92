//! A smooth field through what tiles ask for, its stiffness chosen by tiles that are left out.

use super::band::BandMatrix;
use super::grid::{FieldGrid, TileRow};
use crate::residual::median;
use e2m_image::Deformation;
use rayon::prelude::*;

/// Groups of tiles that are left out in turn to choose the stiffness.
const FOLDS: usize = 5;
/// Stiffnesses that are tried, from next to none to a field that hardly bends; each so many times the one before.
const STIFFNESSES: usize = 11;
const STIFFNESS_RATIO: f64 = 8.0;
/// The softest, against what the tiles ask for.
const SOFTEST: f64 = 1e-6;
/// The rounds of reweighting, each with a field so many times as stiff as is wanted: one that is stiff does not follow a tile that
/// strays, so that it is known for one by the time the field could.
const ROUNDS: [f64; 5] = [512.0, 64.0, 8.0, 1.0, 1.0];
/// Tuning constant of Cauchy weights for 95 % efficiency on normal residuals.
const CAUCHY: f64 = 2.385;
/// From the median length of normal residuals in two dimensions to their standard deviation along an axis.
const MEDIAN_TO_SIGMA: f64 = 1.0 / 1.177_41;
/// No tile is certain beyond this, px: what brightness tells at best between pixels of two images.
const FLOOR_PX: f64 = 0.01;

/// What a tile asks for: the mean displacement over it, pre px.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) row: TileRow,
    pub(super) shift: [f64; 2],
    /// Standard error, px.
    pub(super) error_px: f64,
}

impl Wish {
    fn variance(&self) -> f64 {
        self.error_px * self.error_px + FLOOR_PX * FLOOR_PX
    }

    /// How far a field is from what is asked for, pre px.
    fn distance(&self, [dx, dy]: &[Vec<f64>; 2]) -> f64 {
        let of = |values: &[f64]| -> f64 { self.row.iter().map(|(p, w)| w * values[*p]).sum() };
        (self.shift[0] - of(dx)).hypot(self.shift[1] - of(dy))
    }
}

/// A field that was fitted.
#[derive(Debug, Clone)]
pub(super) struct FieldFit {
    pub(super) field: Deformation,
    /// How much each tile was believed, 0 to 1.
    pub(super) trust: Vec<f64>,
    /// The expected error of the field at a tile that was left out, px, the tile's own error taken out.
    pub(super) left_out_px: f64,
    stiffness: f64,
}

/// Fits a field on `grid`. `None` where the tiles do not determine one.
pub(super) fn fit_field(grid: &FieldGrid, wishes: &[Wish]) -> Option<FieldFit> {
    let bending = grid.bending();
    let base = {
        let data = data_matrix(grid, wishes, &vec![1.0; wishes.len()], |_| true);
        data.trace() / bending.trace().max(f64::MIN_POSITIVE)
    };
    let stiffness = |k: usize| base * SOFTEST * STIFFNESS_RATIO.powi(k as i32);
    let problem = Problem {
        grid,
        bending: &bending,
        wishes,
    };
    let left_out: Vec<Option<LeftOut>> = (0..STIFFNESSES)
        .into_par_iter()
        .map(|k| problem.left_out(stiffness(k)))
        .collect();
    // What a disagreement is, is told by the stiffness under which the typical tile disagrees least.
    let typical = |found: &LeftOut| MEDIAN_TO_SIGMA * median(found.scaled.clone());
    let least = left_out
        .iter()
        .flatten()
        .map(typical)
        .min_by(f64::total_cmp)?;
    let loss = |found: &LeftOut| -> f64 {
        let per_usual = 1.0 / (CAUCHY * least.max(1.0));
        let losses = found.scaled.iter().map(|d| (d * per_usual).powi(2).ln_1p());
        losses.sum()
    };
    let (best, found) = left_out
        .iter()
        .enumerate()
        .filter_map(|(k, found)| Some((k, found.as_ref()?)))
        .min_by(|(_, a), (_, b)| loss(a).total_cmp(&loss(b)))?;
    let left_out_px = median(found.distances.clone());
    let Solution { values, trust } = problem.solve(stiffness(best), |_| true)?;
    Some(FieldFit {
        field: grid.field(values)?,
        trust,
        left_out_px,
        stiffness: stiffness(best),
    })
}

/// A field as stiff as `fit`, through the tiles that `takes_part` names alone.
pub(super) fn fit_without(
    grid: &FieldGrid,
    wishes: &[Wish],
    fit: &FieldFit,
    takes_part: impl Fn(usize) -> bool,
) -> Option<Deformation> {
    let bending = grid.bending();
    let problem = Problem {
        grid,
        bending: &bending,
        wishes,
    };
    grid.field(problem.solve(fit.stiffness, takes_part)?.values)
}

struct Problem<'a> {
    grid: &'a FieldGrid,
    bending: &'a BandMatrix,
    wishes: &'a [Wish],
}

struct Solution {
    values: [Vec<f64>; 2],
    trust: Vec<f64>,
}

impl Problem<'_> {
    /// The field of a stiffness through the tiles that `takes_part` names, each weighted by how far it is to be trusted.
    fn solve(&self, stiffness: f64, takes_part: impl Fn(usize) -> bool) -> Option<Solution> {
        let mut trust = vec![1.0; self.wishes.len()];
        let mut values = [Vec::new(), Vec::new()];
        for (round, stiffer) in ROUNDS.into_iter().enumerate() {
            let mut matrix = data_matrix(self.grid, self.wishes, &trust, &takes_part);
            // A part of the grid that no tile sees follows its neighbours.
            matrix.add_scaled(
                self.bending,
                (stiffer * stiffness).max(1e-9 * matrix.trace()),
            );
            let mut rhs = [0, 1].map(|_| vec![0.0; self.grid.points()]);
            for (i, wish) in self.taking_part(&takes_part) {
                let weight = trust[i] / wish.variance();
                for (rhs, shift) in rhs.iter_mut().zip(wish.shift) {
                    for (point, w) in &wish.row {
                        rhs[*point] += weight * w * shift;
                    }
                }
            }
            values = matrix.solve(rhs)?;
            if round + 1 < ROUNDS.len() {
                let usual = self.usual(&values, &takes_part);
                for (trust, wish) in trust.iter_mut().zip(self.wishes) {
                    let scaled = wish.distance(&values) / (CAUCHY * usual * wish.variance().sqrt());
                    *trust = 1.0 / (1.0 + scaled * scaled);
                }
            }
        }
        Some(Solution { values, trust })
    }

    fn taking_part(
        &self,
        takes_part: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = (usize, &Wish)> {
        let all = self.wishes.iter().enumerate();
        all.filter(move |(i, _)| takes_part(*i))
    }

    /// The usual distance of tiles from a field, in their own errors; at least one.
    fn usual(&self, values: &[Vec<f64>; 2], takes_part: impl Fn(usize) -> bool) -> f64 {
        let distances = self.taking_part(takes_part);
        let scaled = distances.map(|(_, wish)| wish.distance(values) / wish.variance().sqrt());
        (MEDIAN_TO_SIGMA * median(scaled.collect())).max(1.0)
    }

    /// How far fields of a stiffness are from tiles that they were not fitted to.
    fn left_out(&self, stiffness: f64) -> Option<LeftOut> {
        let mut found = LeftOut::default();
        for fold in 0..FOLDS {
            // The list is in the order in which tiles were spread over the section, so each group is spread as well.
            let is_out = |i: usize| i % FOLDS == fold;
            let Solution { values, .. } = self.solve(stiffness, |i| !is_out(i))?;
            for (_, wish) in self.taking_part(is_out) {
                let distance = wish.distance(&values);
                found.scaled.push(distance / wish.variance().sqrt());
                found.distances.push(distance);
            }
        }
        Some(found)
    }
}

/// Distances of tiles from fields that were fitted without them.
#[derive(Debug, Default)]
struct LeftOut {
    /// In errors of the tiles.
    scaled: Vec<f64>,
    /// In px.
    distances: Vec<f64>,
}

/// The normal matrix of the tiles alone.
fn data_matrix(
    grid: &FieldGrid,
    wishes: &[Wish],
    trust: &[f64],
    takes_part: impl Fn(usize) -> bool,
) -> BandMatrix {
    let mut matrix = grid.matrix();
    for (i, wish) in wishes.iter().enumerate().filter(|(i, _)| takes_part(*i)) {
        let weight = trust[i] / wish.variance();
        for (row, a) in &wish.row {
            for (column, b) in &wish.row {
                matrix.add(*row, *column, weight * a * b);
            }
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiles::TileSpec;

    /// Numbers from -1 to 1 without a pattern.
    fn noise(i: usize, seed: u64) -> f64 {
        let mut x =
            (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ seed.wrapping_mul(0xD1B5_4A32);
        x ^= x >> 31;
        x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x ^= x >> 29;
        (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn tiles() -> Vec<TileSpec> {
        // In an order without a pattern, as tiles that are spread are.
        let mut order: Vec<usize> = (0..400).collect();
        order.sort_by(|&a, &b| noise(a, 7).total_cmp(&noise(b, 7)));
        let tile = |i: usize| TileSpec {
            x: 80 * (i % 20),
            y: 80 * (i / 20),
            side_px: 72,
        };
        order.into_iter().map(tile).collect()
    }

    fn wishes(
        grid: &FieldGrid,
        error_px: f64,
        seed: u64,
        truth: impl Fn(f64, f64) -> [f64; 2],
    ) -> Vec<Wish> {
        let wish = |(i, tile): (usize, TileSpec)| {
            let (x, y) = tile.centre();
            // What a tile measures is the mean over it.
            let [mut dx, mut dy] = [0.0; 2];
            for ((x, y), share) in e2m_image::square_points(x, y, tile.side_px as f64) {
                let [tx, ty] = truth(x, y);
                (dx, dy) = (dx + share * tx, dy + share * ty);
            }
            let stray = if i % 11 == 3 {
                8.0 * noise(i, seed + 5)
            } else {
                0.0
            };
            Wish {
                row: grid.row_of(&tile),
                shift: [
                    dx + 1.7 * error_px * noise(i, seed) + stray,
                    dy + 1.7 * error_px * noise(i, seed + 1) - stray,
                ],
                error_px,
            }
        };
        tiles().into_iter().enumerate().map(wish).collect()
    }

    fn error(field: &Deformation, truth: impl Fn(f64, f64) -> [f64; 2]) -> f64 {
        let mut squares = 0.0;
        for tile in tiles() {
            let (x, y) = tile.centre();
            let ((dx, dy), [tx, ty]) = (field.at(x, y), truth(x, y));
            squares += (dx - tx).powi(2) + (dy - ty).powi(2);
        }
        (squares / 400.0).sqrt()
    }

    #[test]
    fn a_wave_is_found_among_noise_and_strays() {
        let grid = FieldGrid::over(&tiles()).expect("tiles");
        for (amplitude, length) in [(1.0, 1600.0), (5.0, 800.0), (8.0, 600.0)] {
            for error_px in [0.02, 0.3] {
                let truth = |x: f64, y: f64| {
                    let k = std::f64::consts::TAU / length;
                    [amplitude * (k * x).sin(), amplitude * (k * y + 1.0).cos()]
                };
                let fit = fit_field(&grid, &wishes(&grid, error_px, 1, truth)).expect("a field");
                let off = error(&fit.field, truth);
                // At worst each tile is followed with its error along both axes; one in eleven strays by as much as the wave.
                assert!(
                    off < 1.5 * error_px + 0.03 * amplitude,
                    "{amplitude} {length} {error_px}: {off}"
                );
            }
        }
    }

    #[test]
    fn noise_alone_makes_a_stiff_field() {
        let grid = FieldGrid::over(&tiles()).expect("tiles");
        for seed in 0..3 {
            let fit = fit_field(&grid, &wishes(&grid, 0.2, 10 * seed, |_, _| [0.0; 2]));
            let off = error(&fit.expect("a field").field, |_, _| [0.0; 2]);
            assert!(off < 0.1, "{seed}: {off}");
        }
    }
}
