//! Dust: dark and bright specks and bright fibres, which belong to one image and not to the section.

use crate::hash::Stream;
use crate::microbes::distance_to_segment;
use crate::recipe::Dust;
use crate::rows::RowIndex;
use e2m_image::Size;

/// The dust on one image.
#[derive(Debug, Clone)]
pub(crate) struct DustLayer {
    grains: Vec<Grain>,
    rows: RowIndex,
}

/// A capsule: a thick segment with soft sides. A speck is a short thick one, a fibre a chain of long thin ones.
#[derive(Debug, Clone, Copy)]
struct Grain {
    x: f64,
    y: f64,
    half: (f64, f64),
    radius: f64,
    /// Counts added in the middle.
    light: f64,
    /// Part of the light kept back in the middle.
    shade: f64,
}

/// Segments of a fibre.
const FIBRE_SEGMENTS: usize = 14;

impl DustLayer {
    /// Dust on an image of `size`; each image of a pair has its own `purpose`.
    pub(crate) fn new(recipe: &Dust, seed: u64, purpose: u64, size: Size) -> Self {
        let mut stream = Stream::new(seed, purpose);
        let megapixels = size.pixels() as f64 * 1e-6;
        let mut grains = Vec::new();
        for i in 0..count(recipe.specks_per_megapixel, megapixels) {
            grains.push(speck(recipe, &mut stream, size, i % 2 == 0));
        }
        for _ in 0..count(recipe.fibres_per_megapixel, megapixels) {
            grains.extend(fibre(recipe, &mut stream, size));
        }
        let spans = grains.iter().map(|g: &Grain| {
            let reach = g.radius + g.half.1.abs();
            (g.y - reach, g.y + reach)
        });
        let rows = RowIndex::new(spans, size.height);
        Self { grains, rows }
    }

    /// Lays the dust over the pixels of row `y`.
    pub(crate) fn apply_row(&self, y: usize, row: &mut [f32]) {
        for grain in self.rows.near(y as i64).map(|i| &self.grains[i]) {
            let dy = y as f64 - grain.y;
            let across = grain.radius + grain.half.0.abs();
            if dy.abs() > grain.radius + grain.half.1.abs() {
                continue;
            }
            let begin = (grain.x - across).ceil().max(0.0) as usize;
            let end = ((grain.x + across).floor().max(-1.0) + 1.0) as usize;
            let end = end.min(row.len());
            for x in begin..end {
                let d = distance_to_segment(x as f64 - grain.x, dy, grain.half) / grain.radius;
                if d < 1.0 {
                    let profile = (1.0 - d * d) * (1.0 - d * d);
                    let kept = 1.0 - grain.shade * profile;
                    row[x] = (f64::from(row[x]) * kept + grain.light * profile) as f32;
                }
            }
        }
    }
}

/// At least one of each kind asked for, however small the image.
fn count(per_megapixel: f64, megapixels: f64) -> usize {
    (per_megapixel * megapixels).ceil().clamp(0.0, 20_000.0) as usize
}

fn speck(recipe: &Dust, stream: &mut Stream, size: Size, bright: bool) -> Grain {
    let radius = stream.range(recipe.radius_px[0], recipe.radius_px[1]);
    let half = (
        radius * stream.range(-0.7, 0.7),
        radius * stream.range(-0.7, 0.7),
    );
    let strength = stream.range(0.5, 1.0);
    Grain {
        x: stream.range(0.0, size.width as f64),
        y: stream.range(0.0, size.height as f64),
        half,
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
fn fibre(recipe: &Dust, stream: &mut Stream, size: Size) -> Vec<Grain> {
    let (mut x, mut y) = (
        stream.range(0.0, size.width as f64),
        stream.range(0.0, size.height as f64),
    );
    let mut angle = stream.range(0.0, std::f64::consts::TAU);
    let bend = stream.range(-0.15, 0.15);
    let step = stream.range(8.0, 28.0);
    let radius = stream.range(2.5, 4.5);
    let light = 0.5 * recipe.peak_counts * stream.range(0.5, 1.0);
    (0..FIBRE_SEGMENTS)
        .map(|_| {
            angle += bend + stream.range(-0.12, 0.12);
            let half = (0.5 * step * libm::cos(angle), 0.5 * step * libm::sin(angle));
            let grain = Grain {
                x: x + half.0,
                y: y + half.1,
                half,
                radius,
                light,
                shade: 0.0,
            };
            (x, y) = (x + 2.0 * half.0, y + 2.0 * half.1);
            grain
        })
        .collect()
}
