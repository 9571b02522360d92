//! Polygonal grains: the cells of a jittered lattice, each of its own brightness, with soft edges.

use crate::hash;
use crate::noise::{Points, run_end};

/// Grains of one size.
///
/// A point belongs to the nearest seed of a square lattice jittered by 30 % of its spacing, which makes 3 x 3 cells
/// enough to search. Across an edge the values of the grains blend over about `edge_px`, with a weight that depends on
/// how much farther the other seed is, so that the field stays continuous where three grains meet.
#[derive(Debug, Clone)]
pub(crate) struct Grains {
    seed: u64,
    per_px: f64,
    /// Steepness of the blend: how fast a seed loses its say per unit of squared distance in lattice units.
    steepness: f32,
}

/// What [`Grains::evaluate`] tells of each point, between 0 and 1.
#[derive(Debug, Default)]
pub(crate) struct GrainValues {
    /// Brightness of the grain.
    pub(crate) tone: Vec<f32>,
    /// A second property of the grain, independent of its brightness.
    pub(crate) kind: Vec<f32>,
    /// 0 inside a grain, 0.5 where two meet, more where three do.
    pub(crate) edge: Vec<f32>,
}

impl GrainValues {
    pub(crate) fn resize(&mut self, len: usize) {
        for values in [&mut self.tone, &mut self.kind, &mut self.edge] {
            values.resize(len, 0.0);
        }
    }

    /// Averages the brightness with that of other grains at the same points, and lays their edges over these.
    pub(crate) fn mix(&mut self, other: &Self) {
        for (tone, &other) in self.tone.iter_mut().zip(&other.tone) {
            *tone = 0.5 * (*tone + other);
        }
        for (edge, &other) in self.edge.iter_mut().zip(&other.edge) {
            *edge = *edge + other - *edge * other;
        }
    }
}

/// Points evaluated together, so that the compiler can use vector instructions.
const LANES: usize = 8;

/// A grain's seed relative to the top left corner of the cell searched from, in lattice units.
#[derive(Debug, Clone, Copy, Default)]
struct Seed {
    x: f32,
    y: f32,
    tone: f32,
    kind: f32,
}

impl Grains {
    /// Grains about `spacing_px` across with edges about `edge_px` wide (10 to 90 %).
    pub(crate) fn new(seed: u64, spacing_px: f64, edge_px: f64) -> Self {
        // Between seeds one spacing apart the blend (1 - d k)^2 / (1 + (1 - d k)^2) falls from 90 to 10 % within
        // 0.67 / k lattice units.
        Self {
            seed,
            per_px: 1.0 / spacing_px,
            steepness: (0.67 * spacing_px / edge_px) as f32,
        }
    }

    /// Fills `out`, whose length is that of `points`.
    pub(crate) fn evaluate(&self, points: Points<'_>, out: &mut GrainValues) {
        out.resize(points.len());
        let mut start = 0;
        while start < points.len() {
            let cu = (points.x[start] * self.per_px).floor();
            let cv = (points.y[start] * self.per_px).floor();
            let end = run_end(points, start, self.per_px, cu, cv);
            let seeds = self.seeds(cu as i32, cv as i32);
            let mut i = start;
            while i < end {
                let lanes = LANES.min(end - i);
                let (mut u, mut v) = ([0.0; LANES], [0.0; LANES]);
                for lane in 0..lanes {
                    u[lane] = (points.x[i + lane] * self.per_px - cu) as f32;
                    v[lane] = (points.y[i + lane] * self.per_px - cv) as f32;
                }
                let (tone, kind, edge) = self.blend(&seeds, &u, &v);
                out.tone[i..i + lanes].copy_from_slice(&tone[..lanes]);
                out.kind[i..i + lanes].copy_from_slice(&kind[..lanes]);
                out.edge[i..i + lanes].copy_from_slice(&edge[..lanes]);
                i += lanes;
            }
            start = end;
        }
    }

    /// The 3 x 3 seeds around the cell `(cx, cy)`.
    fn seeds(&self, cx: i32, cy: i32) -> [Seed; 9] {
        std::array::from_fn(|i| {
            let (dx, dy) = (i as i32 % 3 - 1, i as i32 / 3 - 1);
            let hash = hash::at(self.seed, cx.wrapping_add(dx), cy.wrapping_add(dy));
            Seed {
                x: dx as f32 + 0.5 + 0.3 * hash::signed(hash, 0),
                y: dy as f32 + 0.5 + 0.3 * hash::signed(hash, 16),
                tone: hash::unsigned(hash, 32),
                kind: hash::unsigned(hash, 48),
            }
        })
    }

    #[inline(always)]
    fn blend(
        &self,
        seeds: &[Seed; 9],
        u: &[f32; LANES],
        v: &[f32; LANES],
    ) -> ([f32; LANES], [f32; LANES], [f32; LANES]) {
        let mut squared = [[0.0f32; LANES]; 9];
        let mut nearest = [f32::MAX; LANES];
        for (seed, squared) in seeds.iter().zip(&mut squared) {
            for lane in 0..LANES {
                let (dx, dy) = (u[lane] - seed.x, v[lane] - seed.y);
                let d = dx * dx + dy * dy;
                squared[lane] = d;
                nearest[lane] = if d < nearest[lane] { d } else { nearest[lane] };
            }
        }
        let (mut total, mut squares) = ([0.0; LANES], [0.0; LANES]);
        let (mut tone, mut kind) = ([0.0; LANES], [0.0; LANES]);
        for (seed, squared) in seeds.iter().zip(&squared) {
            for lane in 0..LANES {
                let say = 1.0 - (squared[lane] - nearest[lane]) * self.steepness;
                let say = if say > 0.0 { say } else { 0.0 };
                let weight = say * say;
                total[lane] += weight;
                squares[lane] += weight * weight;
                tone[lane] += weight * seed.tone;
                kind[lane] += weight * seed.kind;
            }
        }
        let mut edge = [0.0; LANES];
        for lane in 0..LANES {
            let share = 1.0 / total[lane];
            tone[lane] *= share;
            kind[lane] *= share;
            // With two grains of shares p and 1 - p this is 2 p (1 - p), which has no kink where they are equal.
            edge[lane] = 1.0 - squares[lane] * share * share;
        }
        (tone, kind, edge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(grains: &Grains, step: f64, slope: f64, n: usize) -> GrainValues {
        let x: Vec<f64> = (0..n).map(|i| i as f64 * step + 11.0).collect();
        let y: Vec<f64> = (0..n).map(|i| i as f64 * step * slope + 3.0).collect();
        let mut values = GrainValues::default();
        grains.evaluate(Points { x: &x, y: &y }, &mut values);
        values
    }

    #[test]
    fn brightness_never_jumps() {
        let grains = Grains::new(3, 20.0, 1.8);
        for slope in [0.0, 0.37, 1.9] {
            let values = along(&grains, 0.01, slope, 60_000);
            let steepest = values
                .tone
                .windows(2)
                .map(|w| (w[1] - w[0]).abs())
                .fold(0.0, f32::max);
            assert!(steepest < 0.05, "a step of {steepest} within 0.02 px");
        }
    }

    #[test]
    fn edges_are_as_wide_as_asked_and_grains_flat_between_them() {
        let values = along(&Grains::new(5, 40.0, 2.0), 0.05, 0.2, 40_000);
        let flat = values.edge.iter().filter(|&&e| e < 1e-6).count() as f64;
        assert!((0.75..0.95).contains(&(flat / 40_000.0)), "{flat}");
    }
}
