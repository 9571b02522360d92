//! Increments of a homography, in coordinates in which all of them are of like size.

use e2m_image::{Size, Warp};
use nalgebra::{SMatrix, SVector};

/// 8 x 8.
pub(crate) type Matrix8 = SMatrix<f64, 8, 8>;
/// The eight entries of a homography increment.
pub(crate) type Vector8 = SVector<f64, 8>;

/// Normalised coordinates of post: the frame spans about -1 to 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NormalisedFrame {
    pub(crate) centre: (f64, f64),
    /// Pixels per unit.
    pub(crate) unit_px: f64,
}

impl NormalisedFrame {
    pub(crate) fn new(size: Size) -> Self {
        let (w, h) = (size.width as f64, size.height as f64);
        Self {
            centre: ((w - 1.0) / 2.0, (h - 1.0) / 2.0),
            unit_px: (w.max(h) / 2.0).max(1.0),
        }
    }

    fn normalised(&self, x: f64, y: f64) -> (f64, f64) {
        (
            (x - self.centre.0) / self.unit_px,
            (y - self.centre.1) / self.unit_px,
        )
    }

    /// From px to units of the frame.
    fn to_unit(self) -> Option<Warp> {
        let scale = Warp::new([
            [1.0 / self.unit_px, 0.0, 0.0],
            [0.0, 1.0 / self.unit_px, 0.0],
            [0.0, 0.0, 1.0],
        ]);
        Some(Warp::translation(-self.centre.0, -self.centre.1).then(&scale.ok()?))
    }

    /// `warp` after the increment has moved post coordinates. `None` where the increment is degenerate.
    pub(crate) fn compose(&self, warp: &Warp, p: &Vector8) -> Option<Warp> {
        let to_unit = self.to_unit()?;
        let step = Warp::new([
            [1.0 + p[0], p[1], p[2]],
            [p[3], 1.0 + p[4], p[5]],
            [p[6], p[7], 1.0],
        ])
        .ok()?;
        Some(to_unit.then(&step).then(&to_unit.inverse()?).then(warp))
    }

    /// The increment that makes `to` of `from`: the inverse of [`NormalisedFrame::compose`]. `None` where there is none.
    pub(crate) fn increment(&self, from: &Warp, to: &Warp) -> Option<Vector8> {
        let to_unit = self.to_unit()?;
        let step = to_unit
            .inverse()?
            .then(to)
            .then(&from.inverse()?)
            .then(&to_unit);
        let rows = step.rows();
        let [[a, b, c], [d, e, f], [g, h, _]] = rows.map(|row| row.map(|v| v / rows[2][2]));
        let step = Vector8::from([a - 1.0, b, c, d, e - 1.0, f, g, h]);
        step.iter().all(|v| v.is_finite()).then_some(step)
    }

    /// The displacement in px that the increment makes at (`x`, `y`), to first order.
    pub(crate) fn displacement_px(&self, p: &Vector8, x: f64, y: f64) -> (f64, f64) {
        let [a, b] = self.basis_px(x, y);
        (a.dot(p), b.dot(p))
    }

    /// How the point (`x`, `y`) moves along x and along y with each entry of the increment, in px.
    pub(crate) fn basis_px(&self, x: f64, y: f64) -> [Vector8; 2] {
        let (u, v) = self.normalised(x, y);
        [
            Vector8::from([u, v, 1.0, 0.0, 0.0, 0.0, -u * u, -u * v]) * self.unit_px,
            Vector8::from([0.0, 0.0, 0.0, u, v, 1.0, -u * v, -v * v]) * self.unit_px,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_displacement_is_what_composing_does() {
        let frame = NormalisedFrame::new(Size::new(1000, 800));
        let warp = Warp::similarity(1.1, 20.0, (500.0, 400.0));
        let p = Vector8::from([1e-4, -2e-4, 3e-4, 5e-5, 2e-4, -1e-4, 4e-5, -3e-5]);
        let moved = frame.compose(&warp, &p).expect("a small step");
        for (x, y) in [(10.0, 20.0), (900.0, 30.0), (480.0, 700.0)] {
            let (dx, dy) = frame.displacement_px(&p, x, y);
            let (expected, found) = (warp.apply(x + dx, y + dy), moved.apply(x, y));
            assert!((expected.0 - found.0).hypot(expected.1 - found.1) < 1e-3);
        }
        let back = frame.increment(&warp, &moved).expect("near each other");
        assert!((back - p).norm() < 1e-12, "{back}");
    }
}
