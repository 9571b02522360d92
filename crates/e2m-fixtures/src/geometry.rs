//! Where a point of post lies in pre, and the other way round.

use crate::FixtureError;
use crate::hash;
use crate::noise::{Cell, Octave};
use crate::outline::distance;
use crate::parts::{Deformation, PreWorld};
use crate::recipe::Recipe;
use e2m_image::{Size, Warp, WarpError};

/// The map from post raw pixels to pre raw pixels: a smooth displacement, then a homography.
#[derive(Debug, Clone)]
pub(crate) struct Geometry {
    pub(crate) warp: Warp,
    pub(crate) inverse: Warp,
    displacement: Option<Displacement>,
}

impl Geometry {
    pub(crate) fn new(recipe: &Recipe) -> Result<Self, FixtureError> {
        let warp = homography(recipe)?;
        Ok(Self {
            warp,
            inverse: warp.inverse().ok_or(WarpError::Degenerate(warp.rows()))?,
            displacement: recipe
                .deformation
                .map(|d| Displacement::new(&d, recipe.seed, recipe.post_size())),
        })
    }

    /// Where the post point `(x, y)` lies in pre.
    pub(crate) fn to_pre(&self, x: f64, y: f64) -> (f64, f64) {
        match &self.displacement {
            Some(displacement) => {
                let (dx, dy) = displacement.at(x, y);
                self.warp.apply(x + dx, y + dy)
            }
            None => self.warp.apply(x, y),
        }
    }

    /// Where the pre point `(x, y)` lies in post, to [`Displacement::TOLERANCE_PX`].
    pub(crate) fn to_post(&self, x: f64, y: f64) -> (f64, f64) {
        let target = self.inverse.apply(x, y);
        self.displacement.as_ref().map_or(target, |displacement| {
            displacement
                .undo(target, (0.0, 0.0), &mut Cells::default())
                .0
        })
    }

    /// Fills `xs` and `ys` with the post points that the pre pixels `(first_x + i, y)` show.
    pub(crate) fn row_to_post(&self, first_x: i64, y: i64, xs: &mut [f64], ys: &mut [f64]) {
        let m = self.inverse.rows();
        let y = y as f64;
        let base: [f64; 3] = std::array::from_fn(|r| m[r][1] * y + m[r][2]);
        for (i, (px, py)) in xs.iter_mut().zip(ys.iter_mut()).enumerate() {
            let x = (first_x + i as i64) as f64;
            let w = 1.0 / (m[2][0] * x + base[2]);
            *px = (m[0][0] * x + base[0]) * w;
            *py = (m[1][0] * x + base[1]) * w;
        }
        if let Some(displacement) = &self.displacement {
            let (mut guess, mut cells) = ((0.0, 0.0), Cells::default());
            for (px, py) in xs.iter_mut().zip(ys) {
                let (point, d) = displacement.undo((*px, *py), guess, &mut cells);
                (*px, *py) = point;
                guess = d; // the neighbour's displacement is nearly this one's
            }
        }
    }
}

/// The homography of a recipe, post raw to pre raw.
///
/// With cos and sin of libm rather than [`Warp::similarity`], whose last bits depend on the platform.
fn homography(recipe: &Recipe) -> Result<Warp, FixtureError> {
    let centre = |size: Size| {
        (
            0.5 * (size.width as f64 - 1.0),
            0.5 * (size.height as f64 - 1.0),
        )
    };
    let (post, pre) = (centre(recipe.post_size()), centre(recipe.pre_size()));
    let angle = recipe.rotation_deg * (std::f64::consts::PI / 180.0);
    let (m, s) = (recipe.magnification, recipe.shear);
    let (cos, sin) = (m * libm::cos(angle), m * libm::sin(angle));
    let mirror = if recipe.pre_world == PreWorld::Mirrored {
        -1.0
    } else {
        1.0
    };
    let [px, py] = recipe.perspective;
    let centred = Warp::new([
        [mirror * cos, mirror * (cos * s - sin), 0.0],
        [sin, sin * s + cos, 0.0],
        [px / post.0.max(1.0), py / post.1.max(1.0), 1.0],
    ])?;
    let [sx, sy] = recipe.shift_fraction;
    let shift = (sx * recipe.width as f64, sy * recipe.height as f64);
    Ok(Warp::translation(-post.0, -post.1)
        .then(&centred)
        .then(&Warp::translation(pre.0 + shift.0, pre.1 + shift.1)))
}

/// A smooth displacement field in post px.
#[derive(Debug, Clone)]
struct Displacement {
    dx: Octave,
    dy: Octave,
    scale: f64,
}

/// The lattice cells looked at last.
#[derive(Debug, Default)]
struct Cells(Option<Cell>, Option<Cell>);

impl Displacement {
    /// How exactly the displacement is undone.
    const TOLERANCE_PX: f64 = 1e-7;

    fn new(deformation: &Deformation, seed: u64, size: Size) -> Self {
        let longer = size.width.max(size.height) as f64;
        let spacing = (longer * deformation.length_fraction).max(1.0);
        let mut field = Self {
            dx: Octave::new(hash::derive(seed, 20), spacing),
            dy: Octave::new(hash::derive(seed, 21), spacing),
            scale: 1.0,
        };
        // Scaled so that the largest displacement on a grid over the image is the amplitude.
        let steps = 64;
        let largest = (0..=steps * steps + 2 * steps)
            .map(|i| {
                let (u, v) = (f64::from(i % (steps + 1)), f64::from(i / (steps + 1)));
                let (dx, dy) = field.at(
                    u / f64::from(steps) * size.width as f64,
                    v / f64::from(steps) * size.height as f64,
                );
                distance(dx, dy)
            })
            .fold(0.0, f64::max);
        if largest > 0.0 {
            field.scale = deformation.amplitude_px / largest;
        }
        field
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        self.at_near(x, y, &mut Cells::default())
    }

    fn at_near(&self, x: f64, y: f64, cells: &mut Cells) -> (f64, f64) {
        (
            self.scale * self.dx.at_near(x, y, &mut cells.0),
            self.scale * self.dy.at_near(x, y, &mut cells.1),
        )
    }

    /// The point `p` with `p + d(p) = target` and `d(p)`, by fixed-point iteration from a guess of `d(p)`.
    fn undo(
        &self,
        target: (f64, f64),
        guess: (f64, f64),
        cells: &mut Cells,
    ) -> ((f64, f64), (f64, f64)) {
        let mut d = guess;
        for _ in 0..100 {
            let next = self.at_near(target.0 - d.0, target.1 - d.1, cells);
            let change = distance(next.0 - d.0, next.1 - d.1);
            d = next;
            if change < Self::TOLERANCE_PX {
                break;
            }
        }
        ((target.0 - d.0, target.1 - d.1), d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_with_a_shift_goes_where_it_says() {
        let recipe = Recipe {
            width: 101,
            height: 81,
            pre_width: Some(81),
            pre_height: Some(101),
            rotation_deg: 90.0,
            shift_fraction: [0.1, 0.0],
            ..Recipe::default()
        };
        let geometry = Geometry::new(&recipe).expect("a warp");
        // The point right of post's centre (50, 40) lies below pre's centre (40, 50), which is shifted by 10.1 px.
        let (x, y) = geometry.to_pre(60.0, 40.0);
        assert!(
            (x - 50.1).abs() < 1e-9 && (y - 60.0).abs() < 1e-9,
            "{x} {y}"
        );
    }

    #[test]
    fn shear_magnification_and_perspective_keep_the_centre() {
        let recipe = Recipe {
            width: 401,
            height: 301,
            magnification: 0.8,
            shear: 0.02,
            perspective: [0.05, -0.03],
            ..Recipe::default()
        };
        let geometry = Geometry::new(&recipe).expect("a warp");
        let (x, y) = geometry.to_pre(200.0, 150.0);
        assert!((x - 200.0).abs() < 1e-9 && (y - 150.0).abs() < 1e-9);
        assert!((geometry.warp.magnification(200.0, 150.0) - 0.8).abs() < 1e-9);
    }

    #[test]
    fn deformation_is_undone_and_as_large_as_stated() {
        let recipe = Recipe {
            width: 1500,
            height: 1200,
            rotation_deg: 7.0,
            deformation: Some(Deformation {
                amplitude_px: 5.0,
                length_fraction: 0.2,
            }),
            ..Recipe::default()
        };
        let geometry = Geometry::new(&recipe).expect("a warp");
        let mut largest = 0.0f64;
        for i in 0..2500 {
            let (x, y) = (f64::from(i % 50) * 30.0, f64::from(i / 50) * 24.0);
            let (u, v) = geometry.to_pre(x, y);
            let (rx, ry) = geometry.to_post(u, v);
            assert!(distance(rx - x, ry - y) < 1e-6);
            let (pu, pv) = geometry.warp.apply(x, y);
            largest = largest.max(distance(u - pu, v - pv));
        }
        assert!((4.5..5.05).contains(&largest), "{largest}");
        let (mut xs, mut ys) = (vec![0.0; 300], vec![0.0; 300]);
        geometry.row_to_post(40, 77, &mut xs, &mut ys);
        for i in 0..300 {
            let (x, y) = geometry.to_post(40.0 + i as f64, 77.0);
            assert!(distance(xs[i] - x, ys[i] - y) < 1e-6);
        }
    }
}
