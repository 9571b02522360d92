//! Smooth regions that cover a given share of the section: where stain was taken up, where light bleached it.

use crate::field::Background;
use crate::hash;
use crate::noise::{Octave, Points};
use crate::outline::smoothstep;
use e2m_image::Size;

/// Regions with soft borders: 1 in their middle, 0 outside, a half along a border that encloses the stated share.
#[derive(Debug, Clone)]
pub(crate) struct Regions {
    octaves: [(Octave, f32); 3],
    threshold: f32,
}

/// Half the width of the border in units of the noise.
const SOFTNESS: f32 = 0.09;

/// The share is measured on a grid of this many points per axis.
const GRID: i32 = 220;

impl Regions {
    /// Regions that cover `share` of the section.
    pub(crate) fn new(seed: u64, share: f64, section: &Background, size: Size) -> Self {
        let extent = size.width.min(size.height) as f64;
        let octave = |i: u64, fraction: f64| Octave::new(hash::derive(seed, i), extent * fraction);
        let mut regions = Self {
            octaves: [
                (octave(0, 1.0 / 3.5), 1.0),
                (octave(1, 1.0 / 9.0), 0.45),
                (octave(2, 1.0 / 25.0), 0.15),
            ],
            threshold: 0.0,
        };
        let mut heights: Vec<f32> = (0..GRID * GRID)
            .filter_map(|i| {
                let x = (f64::from(i % GRID) + 0.5) / f64::from(GRID) * size.width as f64;
                let y = (f64::from(i / GRID) + 0.5) / f64::from(GRID) * size.height as f64;
                (section.depth(x, y) > 0.0).then(|| {
                    let mut height = [0.0];
                    regions.height(Points { x: &[x], y: &[y] }, &mut height);
                    height[0]
                })
            })
            .collect();
        heights.sort_unstable_by(f32::total_cmp);
        let outside = ((1.0 - share.clamp(0.0, 1.0)) * heights.len() as f64) as usize;
        regions.threshold = heights.get(outside).copied().unwrap_or(f32::MAX);
        regions
    }

    /// Fills `out` with how much of the region there is at each point, 0 to 1.
    pub(crate) fn evaluate(&self, points: Points<'_>, out: &mut [f32]) {
        self.height(points, out);
        for out in out {
            let t = (*out - self.threshold) / (2.0 * SOFTNESS) + 0.5;
            *out = smoothstep(f64::from(t)) as f32;
        }
    }

    fn height(&self, points: Points<'_>, out: &mut [f32]) {
        out.fill(0.0);
        for (octave, weight) in &self.octaves {
            octave.add(points, *weight, out);
        }
    }
}
