//! The simplest kind of warp that tiles do not speak against.
//!
//! A homography has eight entries, and noise moves all of them. One microscope and one slide need fewer: what was not moved two, what was
//! turned three, another magnification four. Where the tiles do not tell the entries beyond these from nothing, a fit with fewer
//! is nearer to the truth. Kinds are compared by Akaike's criterion for small samples (Hurvich & Tsai 1989,
//! doi:10.1093/biomet/76.2.297): each tile tells two numbers.

use crate::frame::{Matrix8, NormalisedFrame, Vector8};
use crate::uncertainty::{Certainty, expected_error_px, mean_length_px};
use e2m_image::Warp;
use nalgebra::{DMatrix, DVector};

/// Entries of a homography.
const HOMOGRAPHY: usize = 8;
/// Rounds in which a simpler warp is fitted; each squares what is left.
const ROUNDS: usize = 4;
/// A step along a parameter by which derivatives are taken, in units of the frame.
const DIFFERENCE: f64 = 1e-6;

/// Kinds of warp within the homographies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Moved.
    Translation,
    /// Moved and turned.
    Rigid,
    /// Moved, turned and magnified.
    Similarity,
    /// And sheared.
    Affine,
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::Translation,
        Self::Rigid,
        Self::Similarity,
        Self::Affine,
    ];

    /// How many numbers it has.
    const fn entries(self) -> usize {
        match self {
            Self::Translation => 2,
            Self::Rigid => 3,
            Self::Similarity => 4,
            Self::Affine => 6,
        }
    }

    /// The numbers of one that is near `warp`: a shift of the frame's centre in units of the frame, then what is done about it.
    fn near(self, warp: &Warp, frame: &NormalisedFrame) -> DVector<f64> {
        let (x, y) = frame.centre;
        let (u, v) = warp.apply(x, y);
        let [[a, b], [c, d]] = warp.jacobian(x, y);
        let (cos, sin) = ((a + d) / 2.0, (c - b) / 2.0);
        let about: &[f64] = match self {
            Self::Translation => &[],
            Self::Rigid => &[sin.atan2(cos)],
            Self::Similarity => &[cos, sin],
            Self::Affine => &[a, b, c, d],
        };
        let shift = [(u - x) / frame.unit_px, (v - y) / frame.unit_px];
        DVector::from_iterator(
            self.entries(),
            shift.into_iter().chain(about.iter().copied()),
        )
    }

    /// The warp of these numbers.
    fn warp(self, numbers: &DVector<f64>, frame: &NormalisedFrame) -> Option<Warp> {
        let (x, y) = frame.centre;
        let [[a, b], [c, d]] = match (self, &numbers.as_slice()[2..]) {
            (Self::Rigid, &[angle]) => {
                let (sin, cos) = angle.sin_cos();
                [[cos, -sin], [sin, cos]]
            }
            (Self::Similarity, &[cos, sin]) => [[cos, -sin], [sin, cos]],
            (Self::Affine, &[a, b, c, d]) => [[a, b], [c, d]],
            _ => [[1.0, 0.0], [0.0, 1.0]],
        };
        let (dx, dy) = (numbers[0] * frame.unit_px, numbers[1] * frame.unit_px);
        Warp::new([
            [a, b, x + dx - a * x - b * y],
            [c, d, y + dy - c * x - d * y],
            [0.0, 0.0, 1.0],
        ])
        .ok()
    }
}

/// A simpler warp and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Simpler {
    pub(crate) warp: Warp,
    pub(crate) kind: Kind,
    /// What it adds to the homography, as an increment of that.
    pub(crate) increment: Vector8,
    /// The mean error that is expected of it, px: that of its own entries, and what it leaves of the homography beyond chance.
    pub(crate) expected_error_px: f64,
}

/// The simpler warp that fits tiles at these `centres` better for its number of entries than `warp`, the homography that was
/// fitted to them; `None` where the homography does.
pub(crate) fn simpler(
    warp: &Warp,
    certainty: &Certainty,
    frame: &NormalisedFrame,
    centres: &[(f64, f64)],
) -> Option<Simpler> {
    // Two numbers of each tile.
    let numbers = 2.0 * centres.len() as f64;
    let full = criterion(0.0, HOMOGRAPHY, numbers)?;
    let kinds = Kind::ALL.into_iter().filter_map(|kind| {
        let fitted = Fitted::of(kind, warp, certainty, frame)?;
        let found = criterion(fitted.speaks_against(certainty), kind.entries(), numbers)?;
        Some((found, fitted))
    });
    let (found, best) = kinds.min_by(|a, b| a.0.total_cmp(&b.0))?;
    (found < full).then(|| best.judged(certainty, frame, centres))
}

/// Akaike's criterion for a fit of so many entries to so many numbers, against whose deviations `speaks_against` tells how much worse it
/// fits than the homography does, in variances. `None` where there are too few numbers for as many entries.
fn criterion(speaks_against: f64, entries: usize, numbers: f64) -> Option<f64> {
    let left = numbers - HOMOGRAPHY as f64;
    // The scatter is fitted as well.
    let fitted = entries as f64 + 1.0;
    let correction = numbers - fitted - 1.0;
    (left > 0.0 && correction > 0.0).then(|| {
        numbers * (speaks_against / left).ln_1p()
            + 2.0 * fitted
            + 2.0 * fitted * (fitted + 1.0) / correction
    })
}

/// The warp of a kind that is nearest to the homography as the tiles measure it.
struct Fitted {
    kind: Kind,
    warp: Warp,
    increment: Vector8,
    /// How the increment changes with each number.
    slopes: DMatrix<f64>,
}

impl Fitted {
    fn of(kind: Kind, from: &Warp, certainty: &Certainty, frame: &NormalisedFrame) -> Option<Self> {
        let increment = |numbers: &DVector<f64>| {
            let warp = kind.warp(numbers, frame)?;
            Some((frame.increment(from, &warp)?, warp))
        };
        let mut numbers = kind.near(from, frame);
        let mut slopes = DMatrix::zeros(HOMOGRAPHY, kind.entries());
        for _ in 0..ROUNDS {
            let (at, _) = increment(&numbers)?;
            for i in 0..kind.entries() {
                let mut beside = numbers.clone();
                beside[i] += DIFFERENCE;
                let slope = (increment(&beside)?.0 - at) / DIFFERENCE;
                slopes.set_column(i, &slope);
            }
            let weighed = slopes.transpose() * certainty.information;
            let solver = (&weighed * &slopes).cholesky()?;
            numbers -= solver.solve(&(&weighed * at));
        }
        let (increment, warp) = increment(&numbers)?;
        Some(Self {
            kind,
            warp,
            increment,
            slopes,
        })
    }

    /// By how many variances of a tile's shift it fits worse than the homography.
    fn speaks_against(&self, certainty: &Certainty) -> f64 {
        let weighed = certainty.information * self.increment;
        self.increment.dot(&weighed) / certainty.variance()
    }

    fn judged(
        self,
        certainty: &Certainty,
        frame: &NormalisedFrame,
        centres: &[(f64, f64)],
    ) -> Simpler {
        let projection = self.projection(certainty).unwrap_or_else(Matrix8::identity);
        let along = projection * certainty.covariance * projection.transpose();
        let beside = Matrix8::identity() - projection;
        let chance = beside * certainty.covariance * beside.transpose();
        let own_px = expected_error_px(&along, frame, centres.iter().copied());
        let chance_px = expected_error_px(&chance, frame, centres.iter().copied());
        let left_px = mean_length_px(&self.increment, frame, centres.iter().copied());
        let beyond_chance = (left_px * left_px - chance_px * chance_px).max(0.0);
        Simpler {
            warp: self.warp,
            kind: self.kind,
            increment: self.increment,
            expected_error_px: own_px.hypot(beyond_chance.sqrt()),
        }
    }

    /// What of an error of the homography is one of this warp.
    fn projection(&self, certainty: &Certainty) -> Option<Matrix8> {
        let weighed = self.slopes.transpose() * certainty.information;
        let inverse = (&weighed * &self.slopes).cholesky()?.inverse();
        let projection = &self.slopes * inverse * weighed;
        Some(Matrix8::from_iterator(projection.iter().copied()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uncertainty::tests::normals;
    use crate::uncertainty::{Pull, certainty};
    use e2m_image::Size;

    const SIGMA_PX: f64 = 0.4;
    const FITS: u64 = 150;

    struct Trial {
        frame: NormalisedFrame,
        centres: Vec<(f64, f64)>,
    }

    /// Mean errors over many fits: of the homography, of what was taken, and the one that was expected; and the kinds taken.
    struct Errors {
        homography_px: f64,
        taken_px: f64,
        expected_px: f64,
        kinds: Vec<Option<Kind>>,
    }

    impl Trial {
        fn new(columns: u32, rows: u32) -> Self {
            let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
            let centres =
                places.map(|(c, r)| (f64::from(c) * 120.0 + 60.0, f64::from(r) * 120.0 + 60.0));
            Self {
                frame: NormalisedFrame::new(Size::new(120 * columns as usize, 120 * rows as usize)),
                centres: centres.collect(),
            }
        }

        fn distance_px(&self, a: &Warp, b: &Warp) -> f64 {
            let apart = |&(x, y): &(f64, f64)| {
                let (p, q) = (a.apply(x, y), b.apply(x, y));
                (p.0 - q.0).hypot(p.1 - q.1)
            };
            self.centres.iter().map(apart).sum::<f64>() / self.centres.len() as f64
        }

        /// Homographies fitted to tiles whose shifts scatter about `truth`.
        fn errors(&self, truth: &Warp) -> Errors {
            let (mut homography_px, mut taken_px, mut expected_px) = (0.0, 0.0, 0.0);
            let mut kinds = Vec::new();
            for seed in 0..FITS {
                let mut normal = normals(seed + 1);
                let pulls: Vec<Pull> = self
                    .centres
                    .iter()
                    .map(|&(x, y)| {
                        let [a, b] = self.frame.basis_px(x, y);
                        Pull {
                            matrix: a * a.transpose() + b * b.transpose(),
                            rhs: a * (SIGMA_PX * normal()) + b * (SIGMA_PX * normal()),
                            trust: 1.0,
                        }
                    })
                    .collect();
                let matrix: Matrix8 = pulls.iter().map(|p| p.matrix).sum();
                let rhs: Vector8 = pulls.iter().map(|p| p.rhs).sum();
                let step = matrix.cholesky().expect("determined").solve(&rhs);
                let fitted = self.frame.compose(truth, &step).expect("a warp");
                let known = certainty(&pulls, &step).expect("determined");
                let found = simpler(&fitted, &known, &self.frame, &self.centres);
                let taken = found.as_ref().map_or(fitted, |found| found.warp);
                let own = || {
                    expected_error_px(&known.covariance, &self.frame, self.centres.iter().copied())
                };
                expected_px += found
                    .as_ref()
                    .map_or_else(own, |found| found.expected_error_px);
                homography_px += self.distance_px(&fitted, truth);
                taken_px += self.distance_px(&taken, truth);
                kinds.push(found.map(|found| found.kind));
            }
            let fits = FITS as f64;
            Errors {
                homography_px: homography_px / fits,
                taken_px: taken_px / fits,
                expected_px: expected_px / fits,
                kinds,
            }
        }
    }

    fn share(kinds: &[Option<Kind>], wanted: Kind) -> f64 {
        kinds.iter().filter(|kind| **kind == Some(wanted)).count() as f64 / kinds.len() as f64
    }

    #[test]
    fn what_was_moved_or_turned_is_found_so_and_nearer_to_the_truth() {
        let turned = Warp::similarity(1.0, 3.0, (300.0, 200.0));
        let magnified = Warp::similarity(1.03, -2.0, (300.0, 200.0));
        for (columns, rows) in [(4, 3), (6, 4), (8, 6)] {
            let trial = Trial::new(columns, rows);
            for (truth, kind, gain) in [
                (Warp::translation(-41.0, -23.0), Kind::Translation, 0.75),
                (turned, Kind::Rigid, 0.8),
                (magnified, Kind::Similarity, 0.85),
            ] {
                let errors = trial.errors(&truth);
                let taken = share(&errors.kinds, kind);
                assert!(taken > 0.5, "{kind:?} {columns}: {taken}");
                assert!(
                    errors.taken_px < gain * errors.homography_px,
                    "{kind:?} {columns}: {} {}",
                    errors.taken_px,
                    errors.homography_px
                );
                let honest = errors.taken_px / errors.expected_px;
                assert!((0.6..1.5).contains(&honest), "{kind:?} {columns}: {honest}");
            }
        }
    }

    #[test]
    fn a_perspective_that_tiles_see_is_kept_and_one_that_they_do_not_costs_little() {
        let trial = Trial::new(8, 6);
        for (tilt, worst) in [
            (1e-4, 1.01),
            (3e-5, 1.1),
            (1e-5, 1.25),
            (5e-6, 1.25),
            (1e-6, 1.25),
            (1e-7, 0.95),
        ] {
            let truth = Warp::new([[1.0, 0.02, 5.0], [-0.01, 0.99, 3.0], [tilt, -tilt, 1.0]]);
            let errors = trial.errors(&truth.expect("a warp"));
            assert!(
                errors.taken_px < worst * errors.homography_px,
                "{tilt}: {} {}",
                errors.taken_px,
                errors.homography_px
            );
        }
        let truth = Warp::new([[1.0, 0.02, 5.0], [-0.01, 0.99, 3.0], [1e-4, -1e-4, 1.0]]);
        let kinds = trial.errors(&truth.expect("a warp")).kinds;
        assert!(kinds.iter().all(Option::is_none));
    }
}
