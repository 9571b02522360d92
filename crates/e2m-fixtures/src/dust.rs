//! Dust: dark and bright specks and bright fibres, which belong to one image and not to the section.

use crate::hash::Stream;
use crate::microbes::distance_to_segment;
use crate::parts::Dust;
use crate::rows::RowIndex;
use e2m_image::Size;

/// The dust on one image.
#[derive(Debug, Clone)]
pub(crate) struct DustLayer {
    particles: Vec<Particle>,
    rows: RowIndex,
}

/// A few thick segments with soft sides, joined: a clump of short ones is a speck, a chain of long thin ones a fibre.
#[derive(Debug, Clone)]
struct Particle {
    segments: Vec<Segment>,
    radius: f64,
    /// Counts added in the middle.
    light: f64,
    /// Part of the light kept back in the middle.
    shade: f64,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    x: f64,
    y: f64,
    half: (f64, f64),
}

/// Segments of a fibre and of a speck.
const FIBRE_SEGMENTS: usize = 14;
const SPECK_SEGMENTS: usize = 3;

/// Never more particles of a kind than this.
const MAX_PARTICLES: f64 = 20_000.0;

impl DustLayer {
    /// Dust on an image of `size`; each image of a pair has its own `purpose`.
    pub(crate) fn new(recipe: &Dust, seed: u64, purpose: u64, size: Size) -> Self {
        let mut stream = Stream::new(seed, purpose);
        // At least one of each kind asked for, however small the image.
        let count = |per_megapixel: f64| {
            let wanted = (per_megapixel * size.pixels() as f64 * 1e-6).ceil();
            wanted.clamp(0.0, MAX_PARTICLES) as usize
        };
        let mut particles = Vec::new();
        for i in 0..count(recipe.specks_per_megapixel) {
            particles.push(speck(recipe, &mut stream, size, i % 2 == 0));
        }
        for _ in 0..count(recipe.fibres_per_megapixel) {
            particles.push(fibre(recipe, &mut stream, size));
        }
        let rows = RowIndex::new(particles.iter().map(Particle::row_span), size.height);
        Self { particles, rows }
    }

    /// Lays the dust over the pixels of row `y`.
    pub(crate) fn apply_row(&self, y: usize, row: &mut [f32]) {
        for i in self.rows.near(y as i64) {
            self.particles[i].apply_row(y as f64, row);
        }
    }
}

impl Particle {
    fn row_span(&self) -> (f64, f64) {
        self.segments
            .iter()
            .map(|s| (s.y - self.reach(s).1, s.y + self.reach(s).1))
            .fold((f64::MAX, f64::MIN), |a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// How far a segment reaches from its middle, across and down.
    fn reach(&self, segment: &Segment) -> (f64, f64) {
        let (dx, dy) = segment.half;
        (self.radius + dx.abs(), self.radius + dy.abs())
    }

    fn apply_row(&self, y: f64, row: &mut [f32]) {
        let touching = || {
            let near = |s: &&Segment| (y - s.y).abs() <= self.reach(s).1;
            self.segments.iter().filter(near)
        };
        let (first, last) = touching()
            .map(|s| (s.x - self.reach(s).0, s.x + self.reach(s).0))
            .fold((f64::MAX, f64::MIN), |a, b| (a.0.min(b.0), a.1.max(b.1)));
        let begin = (first.ceil().max(0.0) as usize).min(row.len());
        let end = (((last.floor() + 1.0).max(0.0)) as usize).clamp(begin, row.len());
        for (x, value) in (begin..end).zip(&mut row[begin..end]) {
            let d = touching()
                .map(|s| distance_to_segment(x as f64 - s.x, y - s.y, s.half))
                .fold(f64::MAX, f64::min)
                / self.radius;
            if d < 1.0 {
                let profile = (1.0 - d * d) * (1.0 - d * d);
                let kept = 1.0 - self.shade * profile;
                *value = (f64::from(*value) * kept + self.light * profile) as f32;
            }
        }
    }
}

fn speck(recipe: &Dust, stream: &mut Stream, size: Size, bright: bool) -> Particle {
    let [least, most] = recipe.radius_px;
    let radius = least + (most - least) * stream.unit() * stream.unit();
    let strength = stream.range(0.5, 1.0);
    let (x, y) = somewhere(stream, size);
    let segments = (0..SPECK_SEGMENTS)
        .map(|_| {
            let mut offset = |reach: f64| radius * stream.range(-reach, reach);
            Segment {
                x: x + offset(0.6),
                y: y + offset(0.6),
                half: (offset(0.6), offset(0.6)),
            }
        })
        .collect();
    Particle {
        segments,
        radius,
        light: if bright {
            strength * recipe.peak_counts
        } else {
            0.0
        },
        shade: if bright { 0.0 } else { strength },
    }
}

/// A chain of segments that slowly turns, more or less evenly.
fn fibre(recipe: &Dust, stream: &mut Stream, size: Size) -> Particle {
    let (mut x, mut y) = somewhere(stream, size);
    let mut angle = stream.range(0.0, std::f64::consts::TAU);
    let bend = stream.range(-0.15, 0.15);
    let step = stream.range(8.0, 28.0);
    let segments = (0..FIBRE_SEGMENTS)
        .map(|_| {
            angle += bend + stream.range(-0.12, 0.12);
            let half = (0.5 * step * libm::cos(angle), 0.5 * step * libm::sin(angle));
            let middle = (x + half.0, y + half.1);
            (x, y) = (x + 2.0 * half.0, y + 2.0 * half.1);
            Segment {
                x: middle.0,
                y: middle.1,
                half,
            }
        })
        .collect();
    Particle {
        segments,
        radius: stream.range(2.5, 4.5),
        light: 0.6 * recipe.peak_counts * stream.range(0.5, 1.0),
        shade: 0.0,
    }
}

fn somewhere(stream: &mut Stream, size: Size) -> (f64, f64) {
    (
        stream.range(0.0, size.width as f64),
        stream.range(0.0, size.height as f64),
    )
}
