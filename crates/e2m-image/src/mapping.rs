//! Where the pixels of post lie in pre: a homography, and a displacement on top where the section is deformed.

use crate::{Canvas, Deformation, Size, Warp};
use serde::{Deserialize, Serialize};

/// Rounds in which the inverse of a point settles; each divides what is left by ten or more.
const INVERSE_ROUNDS: usize = 30;
/// An inverse this close is exact, px.
const INVERSE_PX: f64 = 1e-9;

/// A map from post pixels to pre pixels: a [`Warp`], then the displacement of a [`Deformation`] added to where it sends a point.
///
/// Use a warp alone, `Mapping::from(warp)`, for whatever moved as one piece.
///
/// ```
/// use e2m_image::{Deformation, Mapping, Warp};
///
/// let ramp = (0..25).map(|i| f64::from(i % 5) * 0.5).collect();
/// let field = Deformation::new((0.0, 0.0), 10.0, (5, 5), ramp, vec![0.25; 25])?;
/// let mapping = Mapping { warp: Warp::translation(3.0, 0.0), deformation: Some(field) };
/// let (x, y) = mapping.apply(20.0, 20.0);
/// assert!((x - 24.0).abs() < 1e-12 && (y - 20.25).abs() < 1e-12);
/// # Ok::<(), e2m_image::DeformationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    /// The homography.
    pub warp: Warp,
    /// What is added to where it sends a point; `None` where the homography is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deformation: Option<Deformation>,
}

impl From<Warp> for Mapping {
    fn from(warp: Warp) -> Self {
        Self {
            warp,
            deformation: None,
        }
    }
}

impl From<&Warp> for Mapping {
    fn from(warp: &Warp) -> Self {
        (*warp).into()
    }
}

impl Mapping {
    /// Where the post point `(x, y)` goes.
    pub fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let (u, v) = self.warp.apply(x, y);
        match &self.deformation {
            None => (u, v),
            Some(field) => {
                let (dx, dy) = field.at(x, y);
                (u + dx, v + dy)
            }
        }
    }

    /// Whether `(x, y)` lies on the near side of the horizon of the warp.
    pub fn is_in_front(&self, x: f64, y: f64) -> bool {
        self.warp.is_in_front(x, y)
    }

    /// The post point that goes to the pre point `(u, v)`. `None` where the warp has no inverse or the search for it does not
    /// settle, as where a field folds.
    pub fn inverse_point(&self, u: f64, v: f64) -> Option<(f64, f64)> {
        let back = self.warp.inverse()?;
        let mut point = back.apply(u, v);
        let Some(field) = &self.deformation else {
            return Some(point);
        };
        for _ in 0..INVERSE_ROUNDS {
            let (dx, dy) = field.at(point.0, point.1);
            let next = back.apply(u - dx, v - dy);
            let moved = (next.0 - point.0).hypot(next.1 - point.1);
            point = next;
            if moved < INVERSE_PX {
                return Some(point);
            }
        }
        None
    }

    /// The homography that is this mapping over a square of `side_px` about the post point `(x, y)`: displacement and gradient of
    /// the field are their means over the square, which for a side of 0 is what they are at the point.
    #[must_use]
    pub fn homography_over(&self, x: f64, y: f64, side_px: f64) -> Warp {
        let Some(field) = &self.deformation else {
            return self.warp;
        };
        let (mut shift, mut slope) = ((0.0, 0.0), [[0.0; 2]; 2]);
        for (at, weight) in square_points(x, y, side_px) {
            let (dx, dy) = field.at(at.0, at.1);
            shift = (shift.0 + weight * dx, shift.1 + weight * dy);
            let gradient = field.gradient(at.0, at.1);
            for (sum, row) in slope.iter_mut().zip(gradient) {
                for (sum, value) in sum.iter_mut().zip(row) {
                    *sum += weight * value;
                }
            }
        }
        let ((dx, dy), [[ex, ey], [fx, fy]]) = (shift, slope);
        let (u, v) = self.warp.apply(x, y);
        let [[a, b], [c, d]] = self.warp.jacobian(x, y);
        let det = a * d - b * c;
        // The gradient in pre coordinates: it times the inverse of the Jacobian.
        let m = [
            [(ex * d - ey * c) / det, (ey * a - ex * b) / det],
            [(fx * d - fy * c) / det, (fy * a - fx * b) / det],
        ];
        let rows = [
            [1.0 + m[0][0], m[0][1], dx - m[0][0] * u - m[0][1] * v],
            [m[1][0], 1.0 + m[1][1], dy - m[1][0] * u - m[1][1] * v],
            [0.0, 0.0, 1.0],
        ];
        // A field that folds here has no homography; the shift alone is the next best.
        let local = Warp::new(rows).unwrap_or_else(|_| Warp::translation(dx, dy));
        self.warp.then(&local)
    }

    /// First `(x, y)` is added to post points, then this mapping: what it is for a frame that begins there.
    #[must_use]
    pub fn from_frame(&self, x: f64, y: f64) -> Self {
        Self {
            warp: Warp::translation(x, y).then(&self.warp),
            deformation: self.deformation.as_ref().map(|field| field.moved(-x, -y)),
        }
    }

    /// This mapping, then a shift of the pre points.
    #[must_use]
    pub fn then_shift(&self, x: f64, y: f64) -> Self {
        Self {
            warp: self.warp.then(&Warp::translation(x, y)),
            deformation: self.deformation.clone(),
        }
    }

    /// Whether it is one to one over an image of `post` size; see [`Deformation::is_invertible_with`].
    pub fn is_invertible(&self, post: Size) -> bool {
        let field = self.deformation.as_ref();
        field.is_none_or(|field| field.is_invertible_with(&self.warp, post))
    }
}

/// Points and weights by which a mean over a square is taken: Gauss-Legendre, three points on each axis, exact for a cell of a
/// cubic spline.
pub fn square_points(x: f64, y: f64, side_px: f64) -> [((f64, f64), f64); 9] {
    const POINTS: [f64; 3] = [-0.774_596_669_241_483_4, 0.0, 0.774_596_669_241_483_4];
    const WEIGHTS: [f64; 3] = [5.0 / 18.0, 8.0 / 18.0, 5.0 / 18.0];
    let half = side_px / 2.0;
    std::array::from_fn(|i| {
        let (j, i) = (i / 3, i % 3);
        let at = (x + half * POINTS[i], y + half * POINTS[j]);
        (at, WEIGHTS[i] * WEIGHTS[j])
    })
}

impl Canvas {
    /// The same mapping between canvas pixels, given one between raw pixels.
    pub fn mapping_from_raw(self, raw: &Mapping) -> Mapping {
        let pad = self.pad() as f64;
        Mapping {
            // As warps alone go, to the bit.
            warp: self.warp_from_raw(&raw.warp),
            deformation: raw.deformation.as_ref().map(|field| field.moved(pad, pad)),
        }
    }

    /// The same mapping between raw pixels, given one between canvas pixels.
    pub fn mapping_to_raw(self, canvas: &Mapping) -> Mapping {
        let pad = self.pad() as f64;
        let mapping = canvas.from_frame(pad, pad).then_shift(-pad, -pad);
        Mapping {
            warp: self.warp_to_raw(&canvas.warp),
            ..mapping
        }
    }
}
