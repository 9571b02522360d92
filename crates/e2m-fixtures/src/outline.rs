//! Where the section is: one irregular outline, several pieces, or the whole frame.

use crate::hash::{self, Stream};
use crate::noise::{Octave, Points};
use crate::recipe::{Section, Shape};
use e2m_image::Size;

/// A region with a ragged border.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    lobes: Vec<Lobe>,
    ragged: [(Octave, f64); 3],
    ragged_px: f64,
    edge_px: f64,
    everywhere: bool,
}

/// A star-shaped piece: `r(angle) = 1 + sum a_k cos(k angle) + b_k sin(k angle)` in units of its half axes.
#[derive(Debug, Clone)]
struct Lobe {
    centre: (f64, f64),
    half_axes: (f64, f64),
    /// `(a_k, b_k)` for k = 2, 3, …
    harmonics: [(f64, f64); 8],
    smallest_radius: f64,
    largest_radius: f64,
    /// Bound on |dr / d angle|.
    steepest: f64,
}

/// Points classified together by the distance of the middle one.
const SPAN: usize = 32;

/// Within this part of a lobe's axes its centre is near, and the bound on the slope of the distance is not used.
const CORE: f64 = 0.3;

impl Outline {
    /// The outline of a section in an image of `size`; `detail` widens its finest structure (see `Background`).
    pub(crate) fn new(seed: u64, section: &Section, size: Size, detail: f64) -> Self {
        let extent = size.width.min(size.height) as f64;
        let mut stream = Stream::new(seed, 1);
        let lobes = match section.shape {
            Shape::FrameFilling => Vec::new(),
            Shape::Outline => {
                let half = (0.5 * size.width as f64, 0.5 * size.height as f64);
                let centre = (
                    half.0 * (1.0 + 0.04 * (stream.unit() - 0.5)) - 0.5,
                    half.1 * (1.0 + 0.04 * (stream.unit() - 0.5)) - 0.5,
                );
                let axes = (half.0 * section.fill, half.1 * section.fill);
                vec![Lobe::new(centre, axes, &mut stream)]
            }
            Shape::Pieces => pieces(section, size, &mut stream),
        };
        let octave = |purpose: u64, spacing: f64| Octave::new(hash::derive(seed, purpose), spacing);
        let ragged = [
            (octave(2, (extent / 14.0).max(8.0)), extent * 0.012),
            (octave(3, (extent / 60.0).max(8.0)), extent * 0.004),
            (octave(4, 13.0 * detail), 2.0),
        ];
        Self {
            ragged_px: 1.7 * ragged.iter().map(|r| r.1).sum::<f64>(),
            ragged,
            edge_px: 3.0 * detail,
            everywhere: section.shape == Shape::FrameFilling,
            lobes,
        }
    }

    /// Distance to the border in px, positive inside; only approximate far from it.
    pub(crate) fn depth(&self, x: f64, y: f64) -> f64 {
        if self.everywhere {
            return f64::INFINITY;
        }
        let depth = self
            .lobes
            .iter()
            .map(|lobe| lobe.depth(x, y))
            .fold(f64::NEG_INFINITY, f64::max);
        depth + self.ragged.iter().map(|(o, a)| a * o.at(x, y)).sum::<f64>()
    }

    /// How much of the section there is at each point, 0 outside to 1 inside, changing within a few px.
    /// Says whether there is any.
    pub(crate) fn cover(&self, points: Points<'_>, out: &mut [f32]) -> bool {
        if self.everywhere {
            out.fill(1.0);
            return true;
        }
        let mut any = false;
        for start in (0..points.len()).step_by(SPAN) {
            let end = (start + SPAN).min(points.len());
            let out = &mut out[start..end];
            match self.classify(&points.x[start..end], &points.y[start..end]) {
                Some(false) => out.fill(0.0),
                Some(true) => {
                    out.fill(1.0);
                    any = true;
                }
                None => {
                    for (i, out) in (start..end).zip(out) {
                        let t = self.depth(points.x[i], points.y[i]) / self.edge_px + 0.5;
                        *out = smoothstep(t) as f32;
                    }
                    any = true;
                }
            }
        }
        any
    }

    /// Whether all points of a span lie inside, or all outside; `None` if that takes a closer look.
    fn classify(&self, x: &[f64], y: &[f64]) -> Option<bool> {
        let (last, middle) = (x.len() - 1, x.len() / 2);
        let reach = distance(x[0] - x[middle], y[0] - y[middle])
            .max(distance(x[last] - x[middle], y[last] - y[middle]));
        // The span may bend a little where the section is deformed: half as far again is ample.
        let slack = 1.5 * reach + 1.0;
        let margin = self.ragged_px + self.edge_px;
        let mut outside = true;
        for lobe in &self.lobes {
            match lobe.classify(x[middle], y[middle], slack, margin) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => outside = false,
            }
        }
        outside.then_some(false)
    }
}

/// `section.pieces` lobes of unequal size that keep apart from each other as far as there is room.
fn pieces(section: &Section, size: Size, stream: &mut Stream) -> Vec<Lobe> {
    let (w, h) = (size.width as f64, size.height as f64);
    let count = section.pieces.max(1);
    let typical = 0.56 * section.fill * (w * h / count as f64).sqrt();
    let mut lobes: Vec<Lobe> = Vec::new();
    let mut shrink = 1.0;
    while lobes.len() < count {
        shrink *= 0.997; // sooner or later it fits
        let radius = typical * shrink * stream.range(0.6, 1.1);
        let squash = stream.range(0.8, 1.25).sqrt();
        let axes = (radius * squash, radius / squash);
        let room = 1.25 * radius;
        let centre = (
            stream.range(room.min(0.5 * w), (w - room).max(0.5 * w)),
            stream.range(room.min(0.5 * h), (h - room).max(0.5 * h)),
        );
        let apart = lobes.iter().all(|other| {
            let reach =
                other.half_axes.0.max(other.half_axes.1) + radius * squash.max(1.0 / squash);
            distance(other.centre.0 - centre.0, other.centre.1 - centre.1) > 1.12 * reach
        });
        if apart {
            lobes.push(Lobe::new(centre, axes, stream));
        }
    }
    lobes
}

impl Lobe {
    fn new(centre: (f64, f64), half_axes: (f64, f64), stream: &mut Stream) -> Self {
        let mut harmonics = [(0.0, 0.0); 8];
        let (mut swing, mut steepest) = (0.0, 0.0);
        for (k, pair) in (2..).zip(&mut harmonics) {
            let amplitude = 0.13 / f64::from(k - 1) * stream.range(0.5, 1.0);
            let phase = stream.range(0.0, std::f64::consts::TAU);
            *pair = (amplitude * libm::cos(phase), amplitude * libm::sin(phase));
            swing += amplitude;
            steepest += f64::from(k) * amplitude;
        }
        Self {
            centre,
            half_axes,
            harmonics,
            smallest_radius: 1.0 - swing,
            largest_radius: 1.0 + swing,
            steepest,
        }
    }

    /// The point in units of the half axes about the centre, and its distance from there.
    fn relative(&self, x: f64, y: f64) -> (f64, f64, f64) {
        let (u, v) = (
            (x - self.centre.0) / self.half_axes.0,
            (y - self.centre.1) / self.half_axes.1,
        );
        (u, v, distance(u, v))
    }

    fn smaller_axis(&self) -> f64 {
        self.half_axes.0.min(self.half_axes.1)
    }

    /// Approximate distance to the border in px, positive inside.
    fn depth(&self, x: f64, y: f64) -> f64 {
        let (u, v, r) = self.relative(x, y);
        let (cos, sin) = if r > 0.0 { (u / r, v / r) } else { (1.0, 0.0) };
        // cos and sin of k times the angle by repeated multiplication: no trigonometry per point.
        let (mut ck, mut sk) = (cos, sin);
        let mut border = 1.0;
        for (a, b) in self.harmonics {
            (ck, sk) = (ck * cos - sk * sin, sk * cos + ck * sin);
            border += a * ck + b * sk;
        }
        (border - r) * self.smaller_axis()
    }

    /// Whether everything within `slack` px of the point is deeper than `margin` px (or farther outside than that).
    fn classify(&self, x: f64, y: f64, slack: f64, margin: f64) -> Option<bool> {
        let (_, _, r) = self.relative(x, y);
        let (unit, slack_units) = (self.smaller_axis(), slack / self.smaller_axis());
        if (r - slack_units - self.largest_radius) * unit > margin {
            return Some(false);
        }
        if (self.smallest_radius - r - slack_units) * unit > margin {
            return Some(true);
        }
        if r - slack_units < CORE {
            return None;
        }
        let change = slack * (1.0 + self.steepest / CORE);
        let depth = self.depth(x, y);
        if depth.abs() > change + margin {
            return Some(depth > 0.0);
        }
        None
    }
}

/// `sqrt` is exact on every platform, `hypot` is not.
pub(crate) fn distance(dx: f64, dy: f64) -> f64 {
    (dx * dx + dy * dy).sqrt()
}

/// 0 below 0, 1 above 1, a smooth cubic between.
pub(crate) fn smoothstep(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_classified_at_once_agree_with_the_exact_distance() {
        for shape in [Shape::Outline, Shape::Pieces] {
            let section = Section {
                shape,
                ..Section::default()
            };
            let outline = Outline::new(4, &section, Size::new(700, 500), 1.0);
            for row in (0..500).step_by(3) {
                let x: Vec<f64> = (0..700).map(f64::from).collect();
                let y: Vec<f64> = x.iter().map(|x| f64::from(row) + 0.3 * x).collect();
                let mut cover = vec![0.0; 700];
                outline.cover(Points { x: &x, y: &y }, &mut cover);
                for i in 0..700 {
                    let exact = smoothstep(outline.depth(x[i], y[i]) / outline.edge_px + 0.5);
                    assert!(
                        (f64::from(cover[i]) - exact).abs() < 1e-6,
                        "{shape:?} {i} {row}"
                    );
                }
            }
        }
    }

    #[test]
    fn one_outline_covers_about_half_the_frame_and_pieces_are_several() {
        let size = Size::new(600, 500);
        let share = |shape| {
            let section = Section {
                shape,
                ..Section::default()
            };
            let outline = Outline::new(8, &section, size, 1.0);
            let inside = (0..300_000)
                .filter(|i| outline.depth(f64::from(i % 600), f64::from(i / 600)) > 0.0);
            inside.count() as f64 / 300_000.0
        };
        assert!((0.3..0.65).contains(&share(Shape::Outline)));
        assert!((0.1..0.6).contains(&share(Shape::Pieces)));
        assert_eq!(share(Shape::FrameFilling), 1.0);
    }
}
