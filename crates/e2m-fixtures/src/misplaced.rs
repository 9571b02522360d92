//! A part of the section that pre shows elsewhere, or not at all.

use crate::field::{Background, Scratch};
use crate::noise::Points;
use crate::outline::distance;
use crate::parts::{Fate, Misplaced, Part};
use crate::recipe::Recipe;
use crate::{FixtureError, hash};

/// The part, with what it takes to draw it.
#[derive(Debug)]
pub(crate) struct MisplacedLayer {
    of: Misplaced,
    centre: (f64, f64),
    half_axes: (f64, f64),
    extent: (f64, f64),
    other: Option<Background>,
}

impl MisplacedLayer {
    pub(crate) fn new(
        of: Misplaced,
        recipe: &Recipe,
        background: &Background,
    ) -> Result<Self, FixtureError> {
        let extent = (recipe.width as f64, recipe.height as f64);
        let (centre, half_axes) = match of.part {
            Part::Ellipse { centre, half_axes } => {
                let scaled = |share: [f64; 2]| (share[0] * extent.0, share[1] * extent.1);
                (scaled(centre), scaled(half_axes))
            }
            Part::Piece(piece) => {
                let centre = background.outline().centre_of(piece);
                let centre = centre.ok_or_else(|| FixtureError::Value {
                    key: "misplaced.part.piece",
                    value: piece.to_string(),
                    reason: "must be one of the section's pieces, counted from 0",
                })?;
                (centre, (f64::INFINITY, f64::INFINITY))
            }
        };
        let other = (of.fate == Fate::OtherRock)
            .then(|| Background::new(recipe, hash::derive(recipe.seed, 4)));
        Ok(Self {
            of,
            centre,
            half_axes,
            extent,
            other,
        })
    }

    /// Whether a point of post, as pre shows it, belongs to the part.
    pub(crate) fn holds(&self, background: &Background, x: f64, y: f64) -> bool {
        match self.of.part {
            Part::Ellipse { .. } => {
                let (u, v) = (x - self.centre.0, y - self.centre.1);
                distance(u / self.half_axes.0, v / self.half_axes.1) < 1.0
            }
            Part::Piece(piece) => background.outline().lobe_at(x, y) == Some(piece),
        }
    }

    /// Draws the part over `out`, which shows the section in its place at each point.
    pub(crate) fn draw(
        &self,
        background: &Background,
        points: Points<'_>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let held: Vec<usize> = (0..points.len())
            .filter(|&i| self.holds(background, points.x[i], points.y[i]))
            .collect();
        if held.is_empty() {
            return;
        }
        if self.of.fate == Fate::Absent {
            for i in held {
                out[i] = background.glass();
            }
            return;
        }
        let (x, y): (Vec<f64>, Vec<f64>) = held
            .iter()
            .map(|&i| self.source(points.x[i], points.y[i]))
            .unzip();
        let mut shown = vec![0.0; held.len()];
        let from = self.other.as_ref().unwrap_or(background);
        from.evaluate(Points { x: &x, y: &y }, scratch, &mut shown);
        for (i, shown) in held.into_iter().zip(shown) {
            out[i] = shown;
        }
    }

    /// The point of the section that is shown at a point of the part.
    fn source(&self, x: f64, y: f64) -> (f64, f64) {
        match self.of.fate {
            Fate::Moved([dx, dy]) => (x - dx, y - dy),
            Fate::Exchanged([u, v]) => (x + u * self.extent.0, y + v * self.extent.1),
            Fate::Turned(degrees) => {
                let angle = degrees * (std::f64::consts::PI / 180.0);
                let (cos, sin) = (libm::cos(angle), libm::sin(angle));
                let (u, v) = (x - self.centre.0, y - self.centre.1);
                (
                    self.centre.0 + cos * u + sin * v,
                    self.centre.1 - sin * u + cos * v,
                )
            }
            Fate::OtherRock | Fate::Absent => (x, y),
        }
    }
}
