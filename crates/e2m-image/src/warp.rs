//! Homographies from post pixels to pre pixels.

use crate::Size;
use nalgebra::{Matrix3, Vector3};
use serde::{Deserialize, Serialize};

/// Why nine numbers are not a warp.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WarpError {
    /// An entry is not finite, or the matrix cannot be inverted.
    #[error("not an invertible homography: {0:?}")]
    Degenerate([[f64; 3]; 3]),
}

/// A homography, 3 x 3, row-major, acting on column vectors `(x, y, 1)`.
///
/// By convention a warp maps **post-canvas pixels to pre-canvas pixels**: for each pixel of the result it tells where
/// to sample the pre image, which is the direction resampling needs. It is kept with a last entry of 1. [`Warp::new`] refuses
/// what cannot be inverted. It is serialised as three rows of three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[[f64; 3]; 3]", into = "[[f64; 3]; 3]")]
pub struct Warp {
    m: Matrix3<f64>,
}

/// A determinant below this, with the last entry at 1, shrinks an image to nothing.
const MIN_DETERMINANT: f64 = 1e-12;

impl Warp {
    /// A warp from its rows. Fails for what is not finite or not invertible, or maps the origin to infinity.
    pub fn new(rows: [[f64; 3]; 3]) -> Result<Self, WarpError> {
        let m = Matrix3::from_fn(|r, c| rows[r][c]);
        let m = m / m[(2, 2)];
        if m.iter().all(|v| v.is_finite()) && m.determinant().abs() > MIN_DETERMINANT {
            return Ok(Self { m });
        }
        Err(WarpError::Degenerate(rows))
    }

    /// The warp that moves nothing.
    pub fn identity() -> Self {
        Self {
            m: Matrix3::identity(),
        }
    }

    /// `(x, y)` to `(x + dx, y + dy)`.
    pub fn translation(dx: f64, dy: f64) -> Self {
        Self {
            m: Matrix3::new(1.0, 0.0, dx, 0.0, 1.0, dy, 0.0, 0.0, 1.0),
        }
    }

    /// Magnifies by `scale` and rotates by `angle_deg` (positive from x towards y, clockwise on screen) about `centre`.
    pub fn similarity(scale: f64, angle_deg: f64, centre: (f64, f64)) -> Self {
        let (sin, cos) = angle_deg.to_radians().sin_cos();
        let (a, b) = (scale * cos, scale * sin);
        let (cx, cy) = centre;
        Self {
            m: Matrix3::new(
                a,
                -b,
                cx - a * cx + b * cy,
                b,
                a,
                cy - b * cx - a * cy,
                0.0,
                0.0,
                1.0,
            ),
        }
    }

    /// From full-resolution pixels to those of an image smaller by `k`: `x_small = (x + 0.5) k - 0.5`.
    pub fn resolution(k: f64) -> Self {
        let shift = 0.5 * k - 0.5;
        Self {
            m: Matrix3::new(k, 0.0, shift, 0.0, k, shift, 0.0, 0.0, 1.0),
        }
    }

    /// From the pixels of an image smaller by `k`, which is positive, to those at full resolution: the opposite of
    /// [`Warp::resolution`].
    pub fn enlargement(k: f64) -> Self {
        let shift = 0.5 * k - 0.5;
        let (area, back) = (k * k, -(k * shift));
        Self {
            m: Matrix3::new(
                k / area,
                0.0,
                back / area,
                0.0,
                k / area,
                back / area,
                0.0,
                0.0,
                1.0,
            ),
        }
    }

    /// The rows of the matrix, the last entry 1.
    pub fn rows(&self) -> [[f64; 3]; 3] {
        std::array::from_fn(|r| std::array::from_fn(|c| self.m[(r, c)]))
    }

    /// Where the point `(x, y)` goes.
    pub fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let v = self.m * Vector3::new(x, y, 1.0);
        (v.x / v.z, v.y / v.z)
    }

    /// Whether `(x, y)` lies on the near side of the horizon, where the homography does not fold.
    pub fn is_in_front(&self, x: f64, y: f64) -> bool {
        self.m[(2, 0)] * x + self.m[(2, 1)] * y + 1.0 > 0.0
    }

    /// First this warp, then `next`.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let m = next.m * self.m;
        Self { m: m / m[(2, 2)] }
    }

    /// The opposite direction. `None` where there is none that is a warp: [`Warp::then`] can chain warps, each of which is
    /// invertible, to one that is not; and the inverse may map the origin to infinity.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let m = self.m.try_inverse()?;
        let m = m / m[(2, 2)];
        m.iter().all(|v| v.is_finite()).then_some(Self { m })
    }

    /// The warp between full-resolution images, given this one between a post image reduced by `k_post` and a pre image
    /// reduced by `k_pre`.
    #[must_use]
    pub fn at_full_resolution(&self, k_post: f64, k_pre: f64) -> Self {
        Self::resolution(k_post)
            .then(self)
            .then(&Self::enlargement(k_pre))
    }

    /// The opposite of [`Warp::at_full_resolution`].
    #[must_use]
    pub fn at_reduced_resolution(&self, k_post: f64, k_pre: f64) -> Self {
        Self::enlargement(k_post)
            .then(self)
            .then(&Self::resolution(k_pre))
    }

    /// The 2 x 2 Jacobian `[[du/dx, du/dy], [dv/dx, dv/dy]]` at `(x, y)`.
    pub fn jacobian(&self, x: f64, y: f64) -> [[f64; 2]; 2] {
        let v = self.m * Vector3::new(x, y, 1.0);
        let (u, w) = (v.x / v.z, v.y / v.z);
        let m = &self.m;
        [
            [
                (m[(0, 0)] - u * m[(2, 0)]) / v.z,
                (m[(0, 1)] - u * m[(2, 1)]) / v.z,
            ],
            [
                (m[(1, 0)] - w * m[(2, 0)]) / v.z,
                (m[(1, 1)] - w * m[(2, 1)]) / v.z,
            ],
        ]
    }

    /// Linear magnification at `(x, y)`: the square root of the area ratio, negative for a mirrored image.
    pub fn magnification(&self, x: f64, y: f64) -> f64 {
        let [[a, b], [c, d]] = self.jacobian(x, y);
        let det = a * d - b * c;
        det.abs().sqrt().copysign(det)
    }

    /// Rotation at `(x, y)` in degrees, positive from x towards y, in (-180, 180].
    pub fn rotation_deg(&self, x: f64, y: f64) -> f64 {
        let [[a, b], [c, d]] = self.jacobian(x, y);
        (c - b).atan2(a + d).to_degrees()
    }

    /// The largest distance in pixels between where the two warps send points of a 9 x 9 grid over an image of `size`.
    pub fn max_distance(&self, other: &Self, size: Size) -> f64 {
        self.grid_distances(other, size).fold(0.0, f64::max)
    }

    /// The mean of the distances that [`Warp::max_distance`] takes the largest of.
    pub fn mean_distance(&self, other: &Self, size: Size) -> f64 {
        self.grid_distances(other, size).sum::<f64>() / 81.0
    }

    fn grid_distances(&self, other: &Self, size: Size) -> impl Iterator<Item = f64> {
        let (w, h) = (
            (size.width.max(1) - 1) as f64,
            (size.height.max(1) - 1) as f64,
        );
        (0..81).map(move |i| {
            let (x, y) = (w * f64::from(i % 9) / 8.0, h * f64::from(i / 9) / 8.0);
            let (a, b) = (self.apply(x, y), other.apply(x, y));
            (a.0 - b.0).hypot(a.1 - b.1)
        })
    }
}

impl TryFrom<[[f64; 3]; 3]> for Warp {
    type Error = WarpError;

    fn try_from(rows: [[f64; 3]; 3]) -> Result<Self, WarpError> {
        Self::new(rows)
    }
}

impl From<Warp> for [[f64; 3]; 3] {
    fn from(warp: Warp) -> Self {
        warp.rows()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn similarity_turns_x_towards_y_about_its_centre() {
        let quarter = Warp::similarity(2.0, 90.0, (10.0, 20.0));
        let (x, y) = quarter.apply(11.0, 20.0);
        assert!((x - 10.0).abs() < 1e-12 && (y - 22.0).abs() < 1e-12);
        assert!((quarter.rotation_deg(3.0, 4.0) - 90.0).abs() < 1e-9);
        assert!((quarter.magnification(3.0, 4.0) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn resolution_keeps_pixel_edges_in_place() {
        // The outer edge of pixel 0 lies at -0.5 at every resolution.
        assert_eq!(Warp::resolution(0.25).apply(-0.5, -0.5), (-0.5, -0.5));
        // The centre of the first 4 x 4 block is pixel 0 of the image reduced by four.
        assert_eq!(Warp::resolution(0.25).apply(1.5, 1.5), (0.0, 0.0));
    }

    #[test]
    fn what_cannot_be_inverted_is_refused() {
        assert!(Warp::new([[0.0; 3]; 3]).is_err());
        assert!(Warp::new([[1.0, 0.0, f64::NAN], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).is_err());
        assert!(Warp::new([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]]).is_err());
    }

    #[test]
    fn what_has_no_inverse_says_so() {
        // Each shrinks to a millionth and is a warp; one after the other they shrink to nothing.
        let mut shrink = Warp::similarity(2e-6, 0.0, (0.0, 0.0));
        for _ in 0..6 {
            shrink = shrink.then(&shrink);
        }
        assert_eq!(shrink.inverse(), None);
        // The opposite of this one maps the origin to infinity.
        let swap = Warp::new([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 1.0]]).expect("a warp");
        assert_eq!(swap.inverse(), None);
    }

    #[test]
    fn an_enlargement_undoes_a_reduction_to_the_bit() {
        for factor in 1..40 {
            let k = 1.0 / f64::from(factor);
            let inverse = Warp::resolution(k).inverse().expect("invertible");
            assert_eq!(Warp::enlargement(k), inverse);
        }
    }

    prop_compose! {
        fn any_warp()(scale in 0.5..2.0, angle in -180.0..180.0, cx in -500.0..500.0, cy in -500.0..500.0,
                      p in -1e-5..1e-5, q in -1e-5..1e-5) -> Warp {
            let perspective = Warp::new([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [p, q, 1.0]]).expect("invertible");
            Warp::similarity(scale, angle, (cx, cy)).then(&perspective)
        }
    }

    proptest! {
        #[test]
        fn inverse_undoes(warp in any_warp()) {
            let round = warp.then(&warp.inverse().expect("invertible"));
            prop_assert!(round.max_distance(&Warp::identity(), Size::new(1000, 1000)) < 1e-6);
        }

        #[test]
        fn resolutions_round_trip(warp in any_warp(), k in 0.05..1.0, l in 0.05..1.0) {
            let round = warp.at_reduced_resolution(k, l).at_full_resolution(k, l);
            prop_assert!(round.max_distance(&warp, Size::new(1000, 1000)) < 1e-6);
        }

        #[test]
        fn jacobian_is_the_derivative(warp in any_warp(), x in 0.0..1000.0, y in 0.0..1000.0) {
            let h = 1e-4;
            let (a, b) = (warp.apply(x + h, y), warp.apply(x - h, y));
            let j = warp.jacobian(x, y);
            prop_assert!((j[0][0] - (a.0 - b.0) / (2.0 * h)).abs() < 1e-5);
            prop_assert!((j[1][0] - (a.1 - b.1) / (2.0 * h)).abs() < 1e-5);
        }
    }
}
