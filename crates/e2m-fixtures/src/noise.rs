//! Gradient noise: texture of one size, twice continuously differentiable, evaluated wherever it is asked for.

use crate::hash;

/// World points along a stretch of one image row, in post pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Points<'a> {
    pub(crate) x: &'a [f64],
    pub(crate) y: &'a [f64],
}

impl Points<'_> {
    pub(crate) fn len(&self) -> usize {
        self.x.len()
    }
}

/// Gradient noise (Perlin 2002, doi:10.1145/566654.566636) on a square lattice: zero at the lattice points, between
/// about -1 and 1 elsewhere, most of its power at wavelengths of one to three lattice spacings.
#[derive(Debug, Clone)]
pub(crate) struct Octave {
    seed: u64,
    per_px: f64,
}

/// The gradients at the corners of one lattice cell, as pairs (x, y): top left, top right, bottom left, bottom right.
type Corners = [[f32; 2]; 4];

/// A lattice cell and the gradients at its corners, in doubles.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    u: f64,
    v: f64,
    corners: [[f64; 2]; 4],
}

impl Octave {
    /// Bound on the size of the noise and of its slope per lattice spacing.
    pub(crate) const LARGEST: f64 = 1.7;
    pub(crate) const STEEPEST: f64 = 6.0;

    /// Texture with lattice points `spacing_px` apart.
    pub(crate) fn new(seed: u64, spacing_px: f64) -> Self {
        Self {
            seed,
            per_px: 1.0 / spacing_px,
        }
    }

    /// The noise at one point, in doubles.
    pub(crate) fn at(&self, x: f64, y: f64) -> f64 {
        self.at_near(x, y, &mut None)
    }

    /// As [`Octave::at`], faster where one call follows another close by: `last` keeps the cell between them.
    pub(crate) fn at_near(&self, x: f64, y: f64, last: &mut Option<Cell>) -> f64 {
        let (u, v) = (x * self.per_px, y * self.per_px);
        let (cu, cv) = (u.floor(), v.floor());
        let corners = match last {
            Some(cell) if cell.u == cu && cell.v == cv => &cell.corners,
            _ => {
                let corners = self.corners(cu, cv).map(|g| g.map(f64::from));
                &last
                    .insert(Cell {
                        u: cu,
                        v: cv,
                        corners,
                    })
                    .corners
            }
        };
        let (u, v) = (u - cu, v - cv);
        let top_left = corners[0][0] * u + corners[0][1] * v;
        let top_right = corners[1][0] * (u - 1.0) + corners[1][1] * v;
        let bottom_left = corners[2][0] * u + corners[2][1] * (v - 1.0);
        let bottom_right = corners[3][0] * (u - 1.0) + corners[3][1] * (v - 1.0);
        let fade = |t: f64| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
        let (s, t) = (fade(u), fade(v));
        let top = top_left + s * (top_right - top_left);
        let bottom = bottom_left + s * (bottom_right - bottom_left);
        top + t * (bottom - top)
    }

    /// Adds `weight` times the noise at each point to `out`.
    pub(crate) fn add(&self, points: Points<'_>, weight: f32, out: &mut [f32]) {
        let n = points.len();
        let mut start = 0;
        while start < n {
            let cu = (points.x[start] * self.per_px).floor();
            let cv = (points.y[start] * self.per_px).floor();
            let end = run_end(points, start, self.per_px, cu, cv);
            let corners = self.corners(cu, cv);
            let (x, y) = (&points.x[start..end], &points.y[start..end]);
            for ((&x, &y), out) in x.iter().zip(y).zip(&mut out[start..end]) {
                let u = (x * self.per_px - cu) as f32;
                let v = (y * self.per_px - cv) as f32;
                *out += weight * interpolate(&corners, u, v);
            }
            start = end;
        }
    }

    fn corners(&self, cu: f64, cv: f64) -> Corners {
        let (cx, cy) = (cu as i32, cv as i32);
        let gradient = |dx: i32, dy: i32| {
            let hash = hash::at(self.seed, cx.wrapping_add(dx), cy.wrapping_add(dy));
            [hash::signed(hash, 0) * 1.6, hash::signed(hash, 16) * 1.6]
        };
        [
            gradient(0, 0),
            gradient(1, 0),
            gradient(0, 1),
            gradient(1, 1),
        ]
    }
}

/// The end of the run of points from `start` on that lie in the lattice cell `(cu, cv)`.
#[inline]
pub(crate) fn run_end(points: Points<'_>, start: usize, per_px: f64, cu: f64, cv: f64) -> usize {
    let inside = |&(&x, &y): &(&f64, &f64)| {
        let (u, v) = (x * per_px - cu, y * per_px - cv);
        (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v)
    };
    let rest = points.x[start + 1..].iter().zip(&points.y[start + 1..]);
    start + 1 + rest.take_while(inside).count()
}

/// The value at `(u, v)` in [0, 1]^2 between four gradients.
#[inline(always)]
fn interpolate(g: &Corners, u: f32, v: f32) -> f32 {
    let (p, q) = (u - 1.0, v - 1.0);
    let top_left = g[0][0] * u + g[0][1] * v;
    let top_right = g[1][0] * p + g[1][1] * v;
    let bottom_left = g[2][0] * u + g[2][1] * q;
    let bottom_right = g[3][0] * p + g[3][1] * q;
    let s = u * u * u * (u * (u * 6.0 - 15.0) + 10.0);
    let t = v * v * v * (v * (v * 6.0 - 15.0) + 10.0);
    let top = top_left + s * (top_right - top_left);
    let bottom = bottom_left + s * (bottom_right - bottom_left);
    top + t * (bottom - top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_points_agree_and_the_noise_is_smooth_and_spread() {
        let octave = Octave::new(9, 6.0);
        let x: Vec<f64> = (0..400_000).map(|i| f64::from(i) * 0.05 - 70.0).collect();
        let y: Vec<f64> = (0..400_000).map(|i| f64::from(i) * 0.013 - 20.0).collect();
        let mut row = vec![0.0f32; x.len()];
        octave.add(Points { x: &x, y: &y }, 1.0, &mut row);
        for i in 0..x.len() {
            assert!((f64::from(row[i]) - octave.at(x[i], y[i])).abs() < 1e-5);
        }
        let steepest = row
            .windows(2)
            .map(|w| (w[1] - w[0]).abs())
            .fold(0.0, f32::max);
        assert!(
            f64::from(steepest) < Octave::STEEPEST * 0.052 / 6.0,
            "{steepest} within 0.052 px"
        );
        assert!(row.iter().all(|v| f64::from(v.abs()) < Octave::LARGEST));
        let variance = row.iter().map(|v| v * v).sum::<f32>() / row.len() as f32;
        assert!((0.02..0.5).contains(&variance), "variance {variance}");
    }
}
