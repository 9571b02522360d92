//! Whether the shifts that remain are those of a deformed section, or something else that looks like one place being off.
//!
//! A deformation is a displacement that neighbouring tiles share, so that tiles near each other differ less than any two, and that
//! no change of the whole warp explains. Residual shifts that scatter from tile to tile have a largest one as well, and
//! so have those of a warp that is off as a whole.

use crate::residual::{TileResidual, median};
use nalgebra::{Matrix3, Vector3};

/// Neighbours of a tile that must be displaced alike for a local deformation.
const NEIGHBOURS: usize = 4;
/// Neighbours that each tile is compared with.
const LIKE_NEIGHBOURS: usize = 2;
/// Deals of the shifts among the tiles; enough for a chance of one in a hundred.
const DEALS: usize = 999;
/// Tiles whose shifts are noise look deformed this often.
const FALSE_ALARMS: f64 = 0.01;
/// Where an affine map explains all but this share of a displacement, the whole warp is off. A corner that moved alone, the worst
/// case, leaves half of its displacement.
const UNEXPLAINED_SHARE: f64 = 0.3;
/// From a median absolute deviation to a standard deviation.
const MAD_TO_SIGMA: f64 = 1.4826;
/// How much of the numbers a median absolute deviation uses, where they are normal.
const MAD_EFFICIENCY: f64 = 0.37;
/// The median length of shifts over their standard deviation along an axis, where they are normal.
const RAYLEIGH_MEDIAN: f64 = 1.1774;
/// How much of the numbers that median uses.
const RAYLEIGH_MEDIAN_EFFICIENCY: f64 = 0.48;
/// Parameters of an affine map along each axis.
const AFFINE_PER_AXIS: usize = 3;
/// The error of a fit by least absolute values over that by least squares, where deviations are normal.
const LEAST_ABSOLUTE: f64 = 1.2533;
/// Rounds of the fit by least absolute values; the weights settle within ten.
const ROUNDS: usize = 20;
/// Shifts below this are equal to the fit, px: what a check measures at best.
const SETTLED_PX: f64 = 0.01;

/// The largest displacement that a tile shares with its neighbours: the median of both components over the tile and the
/// nearest others. One tile alone may be misled by stain; neighbours that agree are not.
pub fn local_displacement(residuals: &[TileResidual]) -> Option<TileResidual> {
    shared(residuals)
        .into_iter()
        .max_by(|a, b| a.length_px().total_cmp(&b.length_px()))
}

/// Where the section is deformed, and by how much: the largest displacement that neighbours share beyond that of most tiles.
/// Nothing where tiles near each other are no more alike than any two, or an affine map of all shifts explains them.
pub fn local_deformation(residuals: &[TileResidual]) -> Option<TileResidual> {
    let rest = without_affine(residuals);
    let unexplained = local_displacement(&rest)?;
    if chance_of_similarity(&rest) > FALSE_ALARMS {
        return None;
    }
    // An affine map leans towards what is deformed at the image's edge: how much it is, is told against most tiles.
    local_displacement(&without_median(residuals))
        .filter(|local| unexplained.length_px() > UNEXPLAINED_SHARE * local.length_px())
}

/// What shifts of all tiles together say of the warp: how far it is off as a whole, and how well that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WholeDisplacement {
    /// The tile at which the affine map that fits most shifts is largest, with that shift.
    pub(crate) largest: TileResidual,
    /// Two standard errors of that shift, px.
    pub(crate) error_px: f64,
}

/// How far the warp is off as a whole; nothing where there are too few tiles.
pub(crate) fn whole_displacement(residuals: &[TileResidual]) -> Option<WholeDisplacement> {
    if residuals.len() <= NEIGHBOURS {
        return None;
    }
    let rest = without_affine(residuals);
    let fitted = residuals
        .iter()
        .zip(&rest)
        .map(|(tile, rest)| TileResidual {
            dx: tile.dx - rest.dx,
            dy: tile.dy - rest.dy,
            ..*tile
        });
    let largest = fitted.max_by(|a, b| a.length_px().total_cmp(&b.length_px()))?;
    let tiles = residuals.len() as f64;
    Some(WholeDisplacement {
        largest,
        // A plane has three parameters; at its border its error is three times the mean one, and least absolute values add a quarter.
        error_px: 2.0 * LEAST_ABSOLUTE * scatter_about_map(&rest) * (9.0 / tiles).sqrt(),
    })
}

/// What the scatter of shifts leaves open of the warp.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uncertainty {
    /// How far shifts lie apart along each axis: a standard deviation, px.
    pub(crate) scatter_px: f64,
    /// Standard error of a homography that is fitted to shifts that scatter as much, over its tiles: `sqrt(8 / 2 n)` of the scatter;
    /// that which it exceeds once in twenty where few tiles tell the scatter, px.
    pub(crate) at_most_px: f64,
}

/// How well shifts as these tell a warp; nothing where there are none.
///
/// The scatter is that about zero, from the median length, or that about an affine map, which is smaller where the warp is off as a
/// whole, and less well known. Either bounds it; the smaller bound counts.
pub(crate) fn uncertainty(residuals: &[TileResidual]) -> Option<Uncertainty> {
    let tiles = residuals.len() as f64;
    let bounded = |scatter_px: f64, freedom: f64| Uncertainty {
        scatter_px,
        at_most_px: scatter_px * (4.0 / tiles).sqrt() * excess_of_deviation(freedom),
    };
    let lengths = residuals.iter().map(TileResidual::length_px).collect();
    let about_zero = bounded(
        median(lengths) / RAYLEIGH_MEDIAN,
        RAYLEIGH_MEDIAN_EFFICIENCY * 2.0 * tiles,
    );
    let about_map = (residuals.len() > NEIGHBOURS).then(|| {
        let scatter_px = scatter_about_map(&without_affine(residuals));
        let numbers = 2.0 * (tiles - AFFINE_PER_AXIS as f64);
        bounded(scatter_px, MAD_EFFICIENCY * numbers)
    });
    let bounds = std::iter::once(about_zero).chain(about_map);
    bounds
        .filter(|_| !residuals.is_empty())
        .min_by(|a, b| a.at_most_px.total_cmp(&b.at_most_px))
}

/// The standard deviation along an axis of what an affine map by least absolute values leaves. The map goes through three of the
/// tiles, which tell nothing.
fn scatter_about_map(rest: &[TileResidual]) -> f64 {
    let told = |size: &dyn Fn(&TileResidual) -> f64| {
        let mut sizes: Vec<f64> = rest.iter().map(size).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        sizes.split_off(AFFINE_PER_AXIS.min(sizes.len()))
    };
    let mut sizes = told(&|tile| tile.dx.abs());
    sizes.extend(told(&|tile| tile.dy.abs()));
    MAD_TO_SIGMA * median(sizes)
}

/// By which factor a standard deviation that so many numbers tell is too small once in twenty: from the quantile of chi squared by
/// Wilson & Hilferty 1931, doi:10.1073/pnas.17.12.684.
fn excess_of_deviation(freedom: f64) -> f64 {
    const ONE_IN_TWENTY: f64 = -1.645;
    let ninth = 2.0 / (9.0 * freedom);
    let root = (1.0 - ninth + ONE_IN_TWENTY * ninth.sqrt()).max(0.1);
    root.powi(3).sqrt().recip()
}

/// What each tile shares with its neighbours; nothing where there are too few tiles.
fn shared(residuals: &[TileResidual]) -> Vec<TileResidual> {
    if residuals.len() <= NEIGHBOURS {
        return Vec::new();
    }
    let of_tile = |tile: &TileResidual| {
        let near = nearest(tile, residuals, NEIGHBOURS + 1);
        TileResidual {
            dx: median(near.iter().map(|n| n.dx).collect()),
            dy: median(near.iter().map(|n| n.dy).collect()),
            ..*tile
        }
    };
    residuals.iter().map(of_tile).collect()
}

/// The tiles nearest to `tile`, itself first.
fn nearest<'r>(
    tile: &TileResidual,
    residuals: &'r [TileResidual],
    count: usize,
) -> Vec<&'r TileResidual> {
    let (x, y) = tile.tile.centre();
    let mut near: Vec<(f64, &TileResidual)> = residuals
        .iter()
        .map(|other| {
            let (u, v) = other.tile.centre();
            ((u - x).hypot(v - y), other)
        })
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    near.into_iter().take(count).map(|n| n.1).collect()
}

/// How often tiles near each other would differ as little if their shifts had been dealt out among them at random: the share of
/// such deals, which is exact for shifts that are noise, whatever its distribution.
pub(crate) fn chance_of_similarity(residuals: &[TileResidual]) -> f64 {
    let index_of = |tile: &TileResidual| residuals.iter().position(|other| other.tile == tile.tile);
    let pairs: Vec<(usize, usize)> = residuals
        .iter()
        .enumerate()
        .flat_map(|(index, tile)| {
            let near = nearest(tile, residuals, LIKE_NEIGHBOURS + 1);
            let others = near.into_iter().filter_map(index_of);
            others
                .filter(move |other| *other != index)
                .map(move |other| (index, other))
        })
        .collect();
    let mut shifts: Vec<(f64, f64)> = residuals.iter().map(|tile| (tile.dx, tile.dy)).collect();
    let difference = |shifts: &[(f64, f64)]| -> f64 {
        let apart = |(a, b): &(usize, usize)| {
            (shifts[*a].0 - shifts[*b].0).hypot(shifts[*a].1 - shifts[*b].1)
        };
        pairs.iter().map(apart).sum()
    };
    let found = difference(&shifts);
    let mut state = 1u64;
    let as_little = (0..DEALS).filter(|_| {
        for last in (1..shifts.len()).rev() {
            // Knuth's linear congruential generator; its upper bits are the random ones.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            shifts.swap(last, (state >> 33) as usize % (last + 1));
        }
        difference(&shifts) <= found
    });
    (as_little.count() + 1) as f64 / (DEALS + 1) as f64
}

/// The shifts less those of most tiles.
fn without_median(residuals: &[TileResidual]) -> Vec<TileResidual> {
    let dx = median(residuals.iter().map(|tile| tile.dx).collect());
    let dy = median(residuals.iter().map(|tile| tile.dy).collect());
    let rest = residuals.iter().map(|tile| TileResidual {
        dx: tile.dx - dx,
        dy: tile.dy - dy,
        ..*tile
    });
    rest.collect()
}

/// The shifts less the affine map that fits most of them: by least absolute values, which a part that is deformed does not pull.
pub(crate) fn without_affine(residuals: &[TileResidual]) -> Vec<TileResidual> {
    let (xs, ys) = centres(residuals);
    let fit = |shift: &dyn Fn(&TileResidual) -> f64| {
        let shifts: Vec<f64> = residuals.iter().map(shift).collect();
        least_absolute(&xs, &ys, &shifts)
    };
    let (dx, dy) = (fit(&|tile| tile.dx), fit(&|tile| tile.dy));
    let rest = residuals.iter().zip(xs.iter().zip(&ys));
    rest.map(|(tile, (x, y))| {
        let at = Vector3::new(1.0, *x, *y);
        TileResidual {
            dx: tile.dx - dx.dot(&at),
            dy: tile.dy - dy.dot(&at),
            ..*tile
        }
    })
    .collect()
}

/// Centres of tiles, moved and divided so that they lie within 1 of 0.
fn centres(residuals: &[TileResidual]) -> (Vec<f64>, Vec<f64>) {
    let (xs, ys): (Vec<f64>, Vec<f64>) = residuals.iter().map(|tile| tile.tile.centre()).unzip();
    let normal = |values: Vec<f64>| -> Vec<f64> {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let half = ((high - low) / 2.0).max(1.0);
        let scaled = values.iter().map(|value| (value - low) / half - 1.0);
        scaled.collect()
    };
    (normal(xs), normal(ys))
}

/// Offset and slopes that fit `values` over (x, y), by least squares with weights of one over the distance.
fn least_absolute(xs: &[f64], ys: &[f64], values: &[f64]) -> Vector3<f64> {
    let mut fit = Vector3::new(median(values.to_vec()), 0.0, 0.0);
    for _ in 0..ROUNDS {
        let (mut normal, mut right) = (Matrix3::zeros(), Vector3::zeros());
        for ((x, y), value) in xs.iter().zip(ys).zip(values) {
            let at = Vector3::new(1.0, *x, *y);
            let weight = 1.0 / (value - fit.dot(&at)).abs().max(SETTLED_PX);
            normal += weight * at * at.transpose();
            right += weight * *value * at;
        }
        // Tiles on a line leave a slope open.
        match normal.cholesky() {
            Some(solver) => fit = solver.solve(&right),
            None => break,
        }
    }
    fit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiles::TileSpec;

    /// Numbers of normal distribution from a linear congruential generator.
    struct Normal(u64);

    impl Normal {
        fn uniform(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        }

        fn next(&mut self) -> f64 {
            let (u, v) = (self.uniform(), self.uniform());
            (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
        }
    }

    /// Tiles of a section of 5,000 px, each shifted by what `shift` says of its place (0 to 1).
    fn tiles(
        count: usize,
        random: &mut Normal,
        mut shift: impl FnMut(f64, f64, &mut Normal) -> (f64, f64),
    ) -> Vec<TileResidual> {
        (0..count)
            .map(|_| {
                let (x, y) = (random.uniform(), random.uniform());
                let (dx, dy) = shift(x, y, random);
                TileResidual {
                    tile: TileSpec {
                        x: (x * 5000.0) as usize,
                        y: (y * 5000.0) as usize,
                        side_px: 192,
                    },
                    dx,
                    dy,
                    error_px: 0.01,
                    correlation: 0.9,
                }
            })
            .collect()
    }

    const COUNTS: [usize; 4] = [8, 16, 32, 48];
    const SEEDS: u64 = 100;

    /// In how many of the images a deformation is found.
    fn found(shift: impl Fn(u64, f64, f64, &mut Normal) -> (f64, f64)) -> usize {
        let images = COUNTS
            .iter()
            .flat_map(|&count| (0..SEEDS).map(move |seed| (count, seed)));
        let deformed = images.filter(|&(count, seed)| {
            let mut random = Normal(seed * 7919 + count as u64);
            let residuals = tiles(count, &mut random, |x, y, random| shift(seed, x, y, random));
            local_deformation(&residuals).is_some_and(|local| local.length_px() > 1.0)
        });
        deformed.count()
    }

    #[test]
    fn what_scatters_or_is_off_as_a_whole_is_no_deformation() {
        let all = COUNTS.len() * SEEDS as usize;
        for sigma in [0.5, 2.0, 8.0] {
            let noise = found(|_, _, _, random| (sigma * random.next(), sigma * random.next()));
            assert!(noise * 50 <= all, "noise of {sigma} px: {noise} of {all}");
            let shifted = found(|seed, _, _, random| {
                (
                    3.0 + seed as f64 + sigma * random.next(),
                    sigma * random.next(),
                )
            });
            assert!(shifted * 50 <= all, "shift: {shifted} of {all}");
        }
        // A magnification or a rotation that is wrong.
        let turned = found(|_, x, y, random| {
            (
                6.0 * (x - 0.5) - 4.0 * (y - 0.5) + 0.05 * random.next(),
                4.0 * (x - 0.5) + 6.0 * (y - 0.5) + 0.05 * random.next(),
            )
        });
        assert!(turned * 50 <= all, "turned: {turned} of {all}");
        // A tenth of the tiles fit somewhere else.
        let strays = found(|_, _, _, random| {
            let far = if random.uniform() < 0.1 { 8.0 } else { 0.05 };
            (far * random.next(), far * random.next())
        });
        assert!(strays * 50 <= all, "strays: {strays} of {all}");
    }

    #[test]
    fn what_neighbours_share_is_found_where_it_is() {
        let mut right = 0;
        for seed in 0..SEEDS {
            let mut random = Normal(seed);
            // A quarter of the section is displaced by 2 to 12 px, measured to a tenth.
            let length = 2.0 + seed as f64 / 10.0;
            let residuals = tiles(40, &mut random, |x, y, random| {
                let moved = if x > 0.55 && y > 0.55 { length } else { 0.0 };
                (moved + 0.1 * random.next(), 0.1 * random.next())
            });
            if let Some(local) = local_deformation(&residuals) {
                let (x, y) = local.tile.centre();
                right += usize::from(x > 2500.0 && y > 2500.0 && local.length_px() > 0.7 * length);
            }
        }
        assert!(right * 20 >= 19 * SEEDS as usize, "{right} of {SEEDS}");
    }

    #[test]
    fn a_field_that_bends_is_found() {
        let mut right = 0;
        for seed in 0..SEEDS {
            let mut random = Normal(seed);
            let (phase, turn) = (6.3 * random.uniform(), 6.3 * random.uniform());
            let residuals = tiles(40, &mut random, |x, y, random| {
                (
                    4.0 * (9.0 * x + phase).sin() + 0.3 * random.next(),
                    4.0 * (9.0 * y + turn).cos() + 0.3 * random.next(),
                )
            });
            right += usize::from(
                local_deformation(&residuals).is_some_and(|local| local.length_px() > 1.0),
            );
        }
        assert!(right * 20 >= 19 * SEEDS as usize, "{right} of {SEEDS}");
    }

    #[test]
    fn few_tiles_and_tiles_on_a_line_say_nothing_wrong() {
        let mut random = Normal(1);
        assert!(local_deformation(&tiles(4, &mut random, |_, _, _| (9.0, 0.0))).is_none());
        let mut line = tiles(20, &mut random, |x, _, _| (x, 0.0));
        for tile in &mut line {
            tile.tile.y = 7;
        }
        assert!(local_deformation(&line).is_none_or(|local| local.length_px() < 1.0));
        assert!(local_deformation(&[]).is_none());
    }

    #[test]
    fn the_bound_of_the_uncertainty_holds_as_often_as_it_says() {
        let mut random = Normal(5);
        for count in [4, 6, 9, 15, 40] {
            let mut held = 0;
            for _ in 0..400 {
                let noise = tiles(count, &mut random, |_, _, random| {
                    (0.3 * random.next(), 0.3 * random.next())
                });
                let found = uncertainty(&noise).expect("there are tiles");
                held += usize::from(found.at_most_px >= 0.3 * (4.0 / count as f64).sqrt());
            }
            // The smaller of two bounds, each of which holds 95 times in a hundred.
            assert!(held >= 360, "{count} tiles: {held} of 400");
        }
    }

    #[test]
    fn a_warp_that_is_off_as_a_whole_leaves_its_scatter_known() {
        let mut random = Normal(6);
        let shifted = tiles(30, &mut random, |x, _, random| {
            (0.8 + 0.4 * x + 0.02 * random.next(), 0.02 * random.next())
        });
        let found = uncertainty(&shifted).expect("there are tiles");
        assert!((0.01..0.04).contains(&found.scatter_px), "{found:?}");
    }
}
