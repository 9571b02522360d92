//! Microbes: dots and rods of known place, size and brightness, in post only.

use crate::field::Background;
use crate::hash::Stream;
use crate::outline::distance;
use crate::parts::Microbes;
use crate::rows::RowIndex;
use e2m_image::Size;
use serde::{Deserialize, Serialize};

/// One microbe: a Gaussian of the distance to a segment, which for a dot is a point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Microbe {
    /// Column of its middle in post raw px.
    pub x: f64,
    /// Row of its middle in post raw px.
    pub y: f64,
    /// Sigma of the profile in px.
    pub sigma: f64,
    /// Length of the segment in px; 0 for a dot.
    pub length: f64,
    /// Direction of the segment in degrees, positive from x towards y.
    pub angle_deg: f64,
    /// Counts above the background in the middle, in focus and before vignetting.
    pub peak: f64,
}

/// All microbes of a world, found by row.
#[derive(Debug, Clone)]
pub(crate) struct Population {
    microbes: Vec<Microbe>,
    /// Half the segment as a vector, per microbe.
    half: Vec<(f64, f64)>,
    rows: RowIndex,
}

/// Beyond this many sigma a microbe is darker than 0.0004 of its peak and is cut off.
const REACH_SIGMA: f64 = 4.0;

/// Microbes keep this far inside the section.
const BORDER_PX: f64 = 6.0;

impl Population {
    /// Places microbes on the section.
    pub(crate) fn new(recipe: &Microbes, seed: u64, section: &Background, size: Size) -> Self {
        let mut stream = Stream::new(seed, 30);
        let wanted = (recipe.per_megapixel * size.pixels() as f64 * 1e-6).round();
        let wanted = (wanted.max(0.0) as usize).min(recipe.max_count);
        let colonies: Vec<(f64, f64)> = (0..wanted / 25 + 1)
            .filter_map(|_| somewhere(&mut stream, section, size))
            .collect();
        let spread = 0.015 * size.width.min(size.height) as f64 + 4.0;
        let mut microbes = Vec::with_capacity(wanted);
        for _ in 0..wanted * 20 {
            if microbes.len() == wanted {
                break;
            }
            let place = if stream.unit() < recipe.colony_share && !colonies.is_empty() {
                let (x, y) = colonies[(stream.unit() * colonies.len() as f64) as usize];
                let (x, y) = (x + spread * stream.normal(), y + spread * stream.normal());
                on_section(section, size, x, y).then_some((x, y))
            } else {
                somewhere(&mut stream, section, size)
            };
            if let Some((x, y)) = place {
                microbes.push(individual(recipe, &mut stream, x, y));
            }
        }
        let half: Vec<(f64, f64)> = microbes.iter().map(half_segment).collect();
        let rows = RowIndex::new(
            microbes.iter().zip(&half).map(|(m, half)| {
                let reach = REACH_SIGMA * m.sigma + half.1.abs();
                (m.y - reach, m.y + reach)
            }),
            size.height,
        );
        Self {
            microbes,
            half,
            rows,
        }
    }

    /// The table.
    pub(crate) fn table(&self) -> &[Microbe] {
        &self.microbes
    }

    /// Adds the light of the microbes to the pixels `(first_x + i, y)`.
    pub(crate) fn add_row(&self, first_x: i64, y: i64, out: &mut [f32]) {
        let row = y as f64;
        for i in self.rows.near(y) {
            let (m, half) = (&self.microbes[i], self.half[i]);
            let reach = REACH_SIGMA * m.sigma;
            if (row - m.y).abs() > reach + half.1.abs() {
                continue;
            }
            let across = reach + half.0.abs();
            let begin = ((m.x - across).ceil() as i64 - first_x).max(0) as usize;
            let end = ((m.x + across).floor() as i64 + 1 - first_x).clamp(0, out.len() as i64);
            for (column, out) in (begin..end as usize).zip(&mut out[begin.min(end as usize)..]) {
                let x = (first_x + column as i64) as f64;
                let d = distance_to_segment(x - m.x, row - m.y, half);
                if d < reach {
                    let z = d / m.sigma;
                    *out += (m.peak * libm::exp(-0.5 * z * z)) as f32;
                }
            }
        }
    }
}

/// A random point well inside the section, if one is found within a fair number of attempts.
fn somewhere(stream: &mut Stream, section: &Background, size: Size) -> Option<(f64, f64)> {
    (0..200).find_map(|_| {
        let x = stream.range(0.0, size.width as f64);
        let y = stream.range(0.0, size.height as f64);
        on_section(section, size, x, y).then_some((x, y))
    })
}

fn on_section(section: &Background, size: Size, x: f64, y: f64) -> bool {
    let in_frame = |v: f64, extent: usize| v > BORDER_PX && v < extent as f64 - 1.0 - BORDER_PX;
    in_frame(x, size.width) && in_frame(y, size.height) && section.depth(x, y) > BORDER_PX
}

fn individual(recipe: &Microbes, stream: &mut Stream, x: f64, y: f64) -> Microbe {
    let [thin, thick] = recipe.sigma_px;
    // Squared: small ones are the most frequent.
    let sigma = thin + (thick - thin) * stream.unit() * stream.unit();
    let rod = stream.unit() < recipe.rod_share;
    let length = if rod {
        sigma * stream.range(2.0, 5.0)
    } else {
        0.0
    };
    Microbe {
        x,
        y,
        sigma,
        length,
        angle_deg: if rod { stream.range(0.0, 180.0) } else { 0.0 },
        peak: stream.range(recipe.peak_counts[0], recipe.peak_counts[1]),
    }
}

fn half_segment(m: &Microbe) -> (f64, f64) {
    let angle = m.angle_deg * (std::f64::consts::PI / 180.0);
    (
        0.5 * m.length * libm::cos(angle),
        0.5 * m.length * libm::sin(angle),
    )
}

/// Distance of `(x, y)` from the segment between `-half` and `half`.
pub(crate) fn distance_to_segment(x: f64, y: f64, half: (f64, f64)) -> f64 {
    let squared = half.0 * half.0 + half.1 * half.1;
    let t = if squared > 0.0 {
        ((x * half.0 + y * half.1) / squared).clamp(-1.0, 1.0)
    } else {
        0.0
    };
    distance(x - t * half.0, y - t * half.1)
}
