//! What is brighter than a section: grains that belong to it, with a ratio of their own, and dirt that does not.

use crate::field::Background;
use crate::hash::{self, Stream};
use crate::noise::Points;
use crate::outline::smoothstep;
use crate::parts::{BrightDirt, BrightGrains};
use e2m_image::Size;

/// Borders are this wide, px.
const BORDER_PX: f64 = 3.0;
/// A grain lies within the section by this many radii; so often a place for it is looked for.
const DEPTH_RADII: f64 = 1.2;
const ATTEMPTS: usize = 200;

/// A disc with a soft border.
#[derive(Debug, Clone, Copy)]
struct Disc {
    x: f64,
    y: f64,
    radius: f64,
}

impl Disc {
    /// How much of it there is at a point, 0 to 1.
    fn share(&self, x: f64, y: f64) -> f64 {
        let (dx, dy) = (x - self.x, y - self.y);
        let far = self.radius + BORDER_PX / 2.0;
        if dx.abs() > far || dy.abs() > far {
            return 0.0;
        }
        smoothstep((far - (dx * dx + dy * dy).sqrt()) / BORDER_PX)
    }
}

/// Bright grains of the section, in post's coordinates.
#[derive(Debug, Clone)]
pub(crate) struct GrainLayer {
    discs: Vec<Disc>,
    /// How much brighter than the section about it a grain is before and after staining.
    pre: f64,
    post: f64,
}

impl GrainLayer {
    /// Grains somewhere within the section.
    pub(crate) fn new(
        grains: &BrightGrains,
        (seed, gain): (u64, f64),
        section: &Background,
        size: Size,
    ) -> Self {
        let mut stream = Stream::new(seed, 45);
        let mut place = || {
            let places = std::iter::repeat_with(|| somewhere(&mut stream, size)).take(ATTEMPTS);
            let mut last = (0.0, 0.0);
            for (x, y) in places {
                last = (x, y);
                if section.depth(x, y) > DEPTH_RADII * grains.radius_px {
                    break;
                }
            }
            last
        };
        let discs = (0..grains.count).map(|_| {
            let (x, y) = place();
            Disc {
                x,
                y,
                radius: grains.radius_px,
            }
        });
        Self {
            discs: discs.collect(),
            pre: grains.factor,
            post: grains.factor * grains.gain / gain,
        }
    }

    /// Lights up the grains of post or of pre; `points` are in post's coordinates.
    pub(crate) fn apply(&self, is_post: bool, points: Points<'_>, out: &mut [f32]) {
        let factor = if is_post { self.post } else { self.pre };
        for (i, value) in out.iter_mut().enumerate() {
            let (x, y) = (points.x[i], points.y[i]);
            let shares = self.discs.iter().map(|disc| disc.share(x, y));
            let share = shares.fold(0.0, f64::max);
            if share > 0.0 {
                *value *= (1.0 + (factor - 1.0) * share) as f32;
            }
        }
    }
}

/// Dirt on one image.
#[derive(Debug, Clone)]
pub(crate) struct DirtLayer {
    discs: Vec<Disc>,
    counts: f64,
}

impl DirtLayer {
    /// Dirt on an image of `size`; each image of a pair has its own `purpose`.
    pub(crate) fn new(dirt: &BrightDirt, seed: u64, purpose: u64, size: Size) -> Self {
        let mut stream = Stream::new(hash::derive(seed, purpose), purpose);
        let discs = (0..dirt.specks).map(|_| {
            let (x, y) = somewhere(&mut stream, size);
            Disc {
                x,
                y,
                radius: dirt.radius_px,
            }
        });
        Self {
            discs: discs.collect(),
            counts: dirt.counts,
        }
    }

    /// Lays the dirt over the pixels of row `y`.
    pub(crate) fn apply_row(&self, y: usize, row: &mut [f32]) {
        for disc in &self.discs {
            let far = disc.radius + BORDER_PX;
            if (y as f64 - disc.y).abs() > far {
                continue;
            }
            let begin = (disc.x - far).max(0.0) as usize;
            let end = ((disc.x + far).max(0.0) as usize + 1).min(row.len());
            for (x, value) in row.iter_mut().enumerate().take(end).skip(begin) {
                *value += (self.counts * disc.share(x as f64, y as f64)) as f32;
            }
        }
    }
}

fn somewhere(stream: &mut Stream, size: Size) -> (f64, f64) {
    (
        stream.range(0.0, size.width as f64),
        stream.range(0.0, size.height as f64),
    )
}
