//! The transform that brings points onto the lines through their partners, and how far it departs from nothing.

use e2m_image::Warp;
use nalgebra::{DMatrix, DVector};

/// A moving point, its partner on the still outline, that outline's normal there, and how much the pair counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) from: [f64; 2],
    pub(super) to: [f64; 2],
    pub(super) normal: [f64; 2],
    pub(super) weight: f64,
}

/// What the fit by contour points may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransformModel {
    /// Shift, rotation, one magnification.
    Similarity,
    /// Shift and any linear map: two magnifications and a shear besides.
    Affine,
    /// A homography: a tilt of the section besides.
    Projective,
}

/// Damping of the linear part towards none, as a share of what a point at the typical radius weighs: decides what the
/// outline leaves open, like the rotation of a perfect disk.
const DAMPING: f64 = 1e-6;

/// A slide lies in focus on its stage: it is not tilted by more than this.
const MAX_TILT: f64 = 0.1;

/// The map of `model` about `centre` that brings the pairs' points closest to the lines through their partners, in
/// the least squares of the distances along the normals (Y. Chen, G. Medioni, Image and Vision Computing 10 (1992)
/// 145, doi:10.1016/0262-8856(92)90066-C). `None` where the pairs do not determine it.
///
/// Lines instead of points let an outline glide along itself, so that rotations converge in a few steps.
pub(super) fn fit_to_lines(
    pairs: &[Pair],
    centre: [f64; 2],
    model: TransformModel,
) -> Option<Warp> {
    let columns = match model {
        TransformModel::Similarity => 4,
        TransformModel::Affine => 6,
        TransformModel::Projective => 8,
    };
    let radius = typical_radius(pairs, centre)?;
    let mut normal = DMatrix::<f64>::zeros(columns, columns);
    let mut right = DVector::<f64>::zeros(columns);
    for pair in pairs {
        // In units of the radius, so that all unknowns weigh alike.
        let (x, y) = (
            (pair.from[0] - centre[0]) / radius,
            (pair.from[1] - centre[1]) / radius,
        );
        let [n, m] = pair.normal;
        let row: &[f64] = match model {
            TransformModel::Similarity => &[n, m, n * x + m * y, m * x - n * y],
            TransformModel::Affine => &[n, m, n * x, n * y, m * x, m * y],
            TransformModel::Projective => {
                let along = n * x + m * y;
                &[n, m, n * x, n * y, m * x, m * y, -along * x, -along * y]
            }
        };
        let distance = n * (pair.to[0] - pair.from[0]) + m * (pair.to[1] - pair.from[1]);
        for (r, a) in row.iter().enumerate() {
            right[r] += pair.weight * a * distance;
            for (c, b) in row.iter().enumerate() {
                normal[(r, c)] += pair.weight * a * b;
            }
        }
    }
    let weights: f64 = pairs.iter().map(|p| p.weight).sum();
    for i in 0..columns {
        normal[(i, i)] += DAMPING * weights;
    }
    let v = normal.cholesky()?.solve(&right);
    let v = v / radius; // distances were in px
    let (linear, tilt) = match model {
        TransformModel::Similarity => ([v[2], -v[3], v[3], v[2]], [0.0; 2]),
        TransformModel::Affine => ([v[2], v[3], v[4], v[5]], [0.0; 2]),
        TransformModel::Projective => ([v[2], v[3], v[4], v[5]], [v[6], v[7]]),
    };
    let [a, b, c, d] = linear;
    let small = Warp::new([
        [1.0 + a, b, v[0]],
        [c, 1.0 + d, v[1]],
        [tilt[0], tilt[1], 1.0],
    ]);
    let [x, y] = centre;
    let to_units = Warp::translation(-x, -y).then(&Warp::similarity(1.0 / radius, 0.0, (0.0, 0.0)));
    Some(to_units.then(&small.ok()?).then(&to_units.inverse()?))
}

/// The root mean square distance from the centre.
fn typical_radius(pairs: &[Pair], centre: [f64; 2]) -> Option<f64> {
    let squares = pairs
        .iter()
        .map(|p| (p.from[0] - centre[0]).powi(2) + (p.from[1] - centre[1]).powi(2));
    let radius = (squares.sum::<f64>() / pairs.len().max(1) as f64).sqrt();
    (radius > 0.0).then_some(radius)
}

/// How far a map departs from leaving everything where it is, seen at one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// How far it moves the middle of the section, in full-resolution px of pre.
    pub translation_px: f64,
    /// Rotation in degrees, positive from x towards y.
    pub rotation_deg: f64,
    /// Magnification along x.
    pub scale_x: f64,
    /// Magnification along y.
    pub scale_y: f64,
    /// How much a tilt changes the magnification from the middle of the section to its typical radius.
    pub tilt: f64,
}

impl Change {
    /// Of a map from pre to pre in px that are `px` full-resolution px wide, at `centre` of a section of `radius`.
    ///
    /// Measured at the section, not at the corner of the image, where a rotation would look like a shift.
    pub(super) fn of(map: &Warp, centre: [f64; 2], radius: f64, px: f64) -> Self {
        let [x, y] = centre;
        let (u, v) = map.apply(x, y);
        let [[a, b], [c, d]] = map.jacobian(x, y);
        Self {
            translation_px: (u - x).hypot(v - y) * px,
            rotation_deg: map.rotation_deg(x, y),
            scale_x: a.hypot(c),
            scale_y: b.hypot(d),
            tilt: {
                // The homogeneous coordinate is linear: its slope over its value.
                let [_, _, [g, h, _]] = map.rows();
                (g.hypot(h) / (g * x + h * y + 1.0).abs()) * radius
            },
        }
    }

    /// What exceeds the limits, in words with both figures; empty if nothing does.
    pub(super) fn beyond(&self, limits: &super::BoundaryOptions) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.translation_px > limits.max_translation_px {
            reasons.push(format!(
                "it moves the section by {:.1} px, max_translation is {}",
                self.translation_px, limits.max_translation_px
            ));
        }
        if self.rotation_deg.abs() > limits.max_rotation_deg {
            reasons.push(format!(
                "it turns the section by {:.2} degrees, max_rotation is {}",
                self.rotation_deg, limits.max_rotation_deg
            ));
        }
        for (axis, scale) in [("x", self.scale_x), ("y", self.scale_y)] {
            if (scale - 1.0).abs() > limits.max_scale_delta {
                reasons.push(format!(
                    "it magnifies {axis} by {scale:.4}, max_scale_delta is {}",
                    limits.max_scale_delta
                ));
            }
        }
        if self.tilt > MAX_TILT {
            reasons.push(format!(
                "it tilts the section so that its magnification changes by {:.3} from the middle outwards, \
                 more than {MAX_TILT}",
                self.tilt
            ));
        }
        let difference = (self.scale_x - self.scale_y).abs();
        if difference > limits.max_scale_diff {
            reasons.push(format!(
                "its magnifications along x and y differ by {difference:.4}, max_scale_diff is {}",
                limits.max_scale_diff
            ));
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoundaryOptions;
    use super::*;

    /// Points of an ellipse with a wave, and where `map` takes them, with the normals turned along.
    fn pairs(map: &Warp) -> Vec<Pair> {
        let point = |t: f64| {
            let r = 1.0 + 0.15 * (5.0 * t).sin();
            (300.0 + 200.0 * r * t.cos(), 250.0 + 140.0 * r * t.sin())
        };
        (0..400)
            .map(|i| {
                let t = f64::from(i) / 400.0 * std::f64::consts::TAU;
                let (x, y) = point(t);
                let (u, v) = map.apply(x, y);
                let (a, b) = (point(t - 1e-4), point(t + 1e-4));
                let (a, b) = (map.apply(a.0, a.1), map.apply(b.0, b.1));
                let norm = (b.0 - a.0).hypot(b.1 - a.1);
                Pair {
                    from: [x, y],
                    to: [u, v],
                    normal: [(b.1 - a.1) / norm, -(b.0 - a.0) / norm],
                    weight: 1.0,
                }
            })
            .collect()
    }

    #[test]
    fn small_affine_maps_are_found_at_once() {
        let map = Warp::new([[1.01, -0.004, 3.0], [0.006, 0.995, -2.0], [0.0, 0.0, 1.0]])
            .expect("invertible");
        let found =
            fit_to_lines(&pairs(&map), [300.0, 250.0], TransformModel::Affine).expect("determined");
        let size = e2m_image::Size::new(600, 500);
        assert!(found.max_distance(&map, size) < 1e-3, "{found:?}");
    }

    #[test]
    fn a_small_tilt_is_found_at_once() {
        let map =
            Warp::new([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [1e-5, -2e-5, 1.0]]).expect("invertible");
        let found = fit_to_lines(&pairs(&map), [300.0, 250.0], TransformModel::Projective);
        let found = found.expect("determined");
        let size = e2m_image::Size::new(600, 500);
        assert!(found.max_distance(&map, size) < 0.1, "{found:?}");
        let change = Change::of(&found, [300.0, 250.0], 170.0, 1.0);
        assert!((change.tilt - 0.0038).abs() < 2e-4, "{change:?}");
    }

    #[test]
    fn a_similarity_stays_one_whatever_it_is_fitted_to() {
        let map =
            Warp::new([[1.02, 0.0, 0.0], [0.0, 0.99, 0.0], [0.0, 0.0, 1.0]]).expect("invertible");
        let found = fit_to_lines(&pairs(&map), [300.0, 250.0], TransformModel::Similarity)
            .expect("determined");
        let change = Change::of(&found, [300.0, 250.0], 150.0, 1.0);
        assert!(
            (change.scale_x - change.scale_y).abs() < 1e-12,
            "{change:?}"
        );
        assert!((0.99..1.02).contains(&change.scale_x));
    }

    #[test]
    fn too_few_pairs_determine_nothing() {
        assert!(fit_to_lines(&[], [0.0, 0.0], TransformModel::Similarity).is_none());
    }

    #[test]
    fn a_turn_about_the_section_is_no_shift() {
        let turn = Warp::similarity(1.0, 4.0, (3000.0, 2500.0));
        let change = Change::of(&turn, [3000.0, 2500.0], 900.0, 5.0);
        assert!(change.translation_px < 1e-6 && (change.rotation_deg - 4.0).abs() < 1e-9);
        let limits = BoundaryOptions {
            max_rotation_deg: 3.0,
            ..BoundaryOptions::default()
        };
        assert_eq!(
            change.beyond(&limits),
            ["it turns the section by 4.00 degrees, max_rotation is 3"]
        );
    }

    #[test]
    fn every_limit_is_named() {
        let map =
            Warp::new([[1.3, 0.0, 100.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).expect("invertible");
        let reasons = Change::of(&map, [0.0, 0.0], 100.0, 5.0).beyond(&BoundaryOptions::default());
        assert_eq!(reasons.len(), 3, "{reasons:?}");
        assert!(reasons[0].contains("500.0 px, max_translation is 200"));
        assert!(reasons[1].contains("x by 1.3000, max_scale_delta is 0.2"));
        assert!(reasons[2].contains("differ by 0.3000, max_scale_diff is 0.15"));
    }
}
