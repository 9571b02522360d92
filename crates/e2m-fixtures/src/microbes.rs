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
                let one = individual(recipe, &mut stream, x, y);
                microbes.push(one);
                let beside = company(recipe, &mut stream, &one);
                let left = wanted - microbes.len();
                let inside = |m: &Microbe| on_section(section, size, m.x, m.y);
                microbes.extend(beside.into_iter().filter(inside).take(left));
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

/// Between the middles of two that touch, in mean sigmas: from where two peaks just show to where the valley is deep.
const TOUCHING_SIGMA: [f64; 2] = [2.8, 4.5];
/// How much a chain bends from one to the next, degrees.
const BEND_DEG: f64 = 25.0;

/// Those that touch `one`. Numbers are drawn only where a recipe asks for such, so that all others stay as they were.
fn company(recipe: &Microbes, stream: &mut Stream, one: &Microbe) -> Vec<Microbe> {
    let mut company = Vec::new();
    if recipe.touching_share > 0.0 && stream.unit() < recipe.touching_share {
        let mut other = individual(recipe, stream, one.x, one.y);
        // Across the segment of the first, so that a rod is touched at its side.
        let side = if one.length > 0.0 {
            one.angle_deg + 90.0
        } else {
            stream.range(0.0, 360.0)
        };
        (other.length, other.angle_deg) = (0.0, 0.0);
        let sigmas = stream.range(TOUCHING_SIGMA[0], TOUCHING_SIGMA[1]);
        let distance = sigmas * 0.5 * (one.sigma + other.sigma);
        step(&mut other, side, distance);
        company.push(other);
    }
    if recipe.chain_share > 0.0 && stream.unit() < recipe.chain_share {
        let mut direction = stream.range(0.0, 360.0);
        let mut last = Microbe {
            length: 0.0,
            angle_deg: 0.0,
            ..*one
        };
        for _ in 0..2 + (stream.unit() * 4.0) as usize {
            let sigmas = stream.range(TOUCHING_SIGMA[0], TOUCHING_SIGMA[1]);
            step(&mut last, direction, sigmas * one.sigma);
            direction += stream.range(-BEND_DEG, BEND_DEG);
            company.push(last);
        }
    }
    company
}

/// Moves a microbe.
fn step(m: &mut Microbe, direction_deg: f64, distance: f64) {
    let angle = direction_deg * (std::f64::consts::PI / 180.0);
    m.x += distance * libm::cos(angle);
    m.y += distance * libm::sin(angle);
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
