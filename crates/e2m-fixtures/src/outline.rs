//! Where the section is: one irregular outline, several pieces, or the whole frame.

use crate::hash::{self, Stream};
use crate::noise::{Octave, Points};
use crate::parts::{Section, Shape};
use e2m_image::Size;
use std::ops::Range;

/// A region with a ragged border.
#[derive(Debug, Clone)]
pub(crate) struct RaggedRegion {
    lobes: Vec<Lobe>,
    ragged: [(Octave, f64); 3],
    /// Bounds on what the raggedness adds to the depth, and on its slope.
    ragged_px: f64,
    ragged_slope: f64,
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

/// Points classified together by the depth of the middle one: first many, then, where that is not enough, fewer.
const SPANS: [usize; 3] = [64, 16, 4];

/// Within this part of a lobe's axes its centre is near, and the bound on the slope of the distance is not used.
const CORE: f64 = 0.3;

impl RaggedRegion {
    /// The outline of a section in an image of `size`; `detail` widens its finest structure (see `Background`).
    pub(crate) fn new(seed: u64, section: &Section, size: Size, detail: f64) -> Self {
        let extent = size.width.min(size.height) as f64;
        let mut stream = Stream::new(seed, 1);
        let lobes = match section.shape {
            Shape::FrameFilling => Vec::new(),
            Shape::Outline => {
                let half = (0.5 * size.width as f64, 0.5 * size.height as f64);
                let [x, y] = section.centre;
                let centre = (
                    size.width as f64 * x * (1.0 + 0.04 * (stream.unit() - 0.5)) - 0.5,
                    size.height as f64 * y * (1.0 + 0.04 * (stream.unit() - 0.5)) - 0.5,
                );
                let axes = (half.0 * section.fill, half.1 * section.fill);
                vec![Lobe::new(centre, axes, &mut stream)]
            }
            Shape::Pieces => pieces(section, size, &mut stream),
        };
        // Spacing and amplitude in px.
        let ragged = [
            ((extent / 14.0).max(8.0), extent * 0.012),
            ((extent / 60.0).max(8.0), extent * 0.004),
            (13.0 * detail, 2.0),
        ];
        Self {
            ragged_px: ragged.iter().map(|r| Octave::LARGEST * r.1).sum(),
            ragged_slope: ragged.iter().map(|r| Octave::STEEPEST * r.1 / r.0).sum(),
            ragged: std::array::from_fn(|i| {
                let (spacing, amplitude) = ragged[i];
                (
                    Octave::new(hash::derive(seed, 2 + i as u64), spacing),
                    amplitude,
                )
            }),
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
        depth + self.raggedness(x, y)
    }

    /// The lobe that a point belongs to, or is nearest to; none where the section fills the frame.
    pub(crate) fn lobe_at(&self, x: f64, y: f64) -> Option<usize> {
        let depth = |i: usize| self.lobes[i].depth(x, y);
        (0..self.lobes.len()).max_by(|&a, &b| depth(a).total_cmp(&depth(b)))
    }

    /// The centre of a lobe.
    pub(crate) fn centre_of(&self, lobe: usize) -> Option<(f64, f64)> {
        self.lobes.get(lobe).map(|lobe| lobe.centre)
    }

    /// How much of the section there is at each point, 0 outside to 1 inside, changing within a few px.
    /// Says whether there is any.
    pub(crate) fn cover(&self, points: Points<'_>, out: &mut [f32]) -> bool {
        if self.everywhere {
            out.fill(1.0);
            return true;
        }
        let mut any = false;
        for start in (0..points.len()).step_by(SPANS[0]) {
            let end = (start + SPANS[0]).min(points.len());
            any |= self.cover_span(points, start..end, &SPANS[1..], out);
        }
        any
    }

    /// Covers a span at once if that can be told from its middle, else by shorter spans, and at last point by point.
    fn cover_span(
        &self,
        points: Points<'_>,
        span: Range<usize>,
        shorter: &[usize],
        out: &mut [f32],
    ) -> bool {
        if let Some(inside) = self.classify(&points.x[span.clone()], &points.y[span.clone()]) {
            out[span].fill(if inside { 1.0 } else { 0.0 });
            return inside;
        }
        if let Some((&length, shorter)) = shorter.split_first() {
            let starts = span.clone().step_by(length);
            return starts.fold(false, |any, start| {
                let part = start..(start + length).min(span.end);
                self.cover_span(points, part, shorter, out) || any
            });
        }
        for i in span {
            let t = self.depth(points.x[i], points.y[i]) / self.edge_px + 0.5;
            out[i] = smoothstep(t) as f32;
        }
        true
    }

    /// Whether all points of a span lie inside, or all outside; `None` if that takes a closer look.
    fn classify(&self, x: &[f64], y: &[f64]) -> Option<bool> {
        let (last, middle) = (x.len() - 1, x.len() / 2);
        let reach = distance(x[0] - x[middle], y[0] - y[middle])
            .max(distance(x[last] - x[middle], y[last] - y[middle]));
        // The span may bend a little where the section is deformed: half as far again is ample.
        let slack = 1.5 * reach + 1.0;
        let (x, y) = (x[middle], y[middle]);
        let (mut smooth, mut change) = (f64::NEG_INFINITY, 0.0f64);
        for lobe in &self.lobes {
            let bounds = lobe.bounds(x, y, slack);
            if bounds.0 > self.ragged_px + self.edge_px {
                return Some(true);
            }
            if bounds.1 > -self.ragged_px - self.edge_px {
                smooth = smooth.max(lobe.depth(x, y));
                change = change.max(lobe.change(x, y, slack)?);
            }
        }
        if smooth == f64::NEG_INFINITY {
            return Some(false);
        }
        let decide =
            |depth: f64, change: f64| (depth.abs() > change + self.edge_px).then_some(depth > 0.0);
        decide(smooth, change + self.ragged_px).or_else(|| {
            decide(
                smooth + self.raggedness(x, y),
                change + slack * self.ragged_slope,
            )
        })
    }

    fn raggedness(&self, x: f64, y: f64) -> f64 {
        self.ragged.iter().map(|(o, a)| a * o.at(x, y)).sum()
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

    /// Bounds on the depth in px within `slack` px of a point, from the distance to the centre alone.
    fn bounds(&self, x: f64, y: f64, slack: f64) -> (f64, f64) {
        let (_, _, r) = self.relative(x, y);
        let unit = self.smaller_axis();
        (
            (self.smallest_radius - r) * unit - slack,
            (self.largest_radius - r) * unit + slack,
        )
    }

    /// How much the depth can change within `slack` px of a point; `None` near the centre, where that is unbounded.
    fn change(&self, x: f64, y: f64, slack: f64) -> Option<f64> {
        let (_, _, r) = self.relative(x, y);
        let nearest = r - slack / self.smaller_axis();
        (nearest > CORE).then(|| slack * (1.0 + self.steepest / nearest))
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
            let outline = RaggedRegion::new(4, &section, Size::new(700, 500), 1.0);
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
            let outline = RaggedRegion::new(8, &section, size, 1.0);
            let inside = (0..300_000)
                .filter(|i| outline.depth(f64::from(i % 600), f64::from(i / 600)) > 0.0);
            inside.count() as f64 / 300_000.0
        };
        assert!((0.3..0.65).contains(&share(Shape::Outline)));
        assert!((0.1..0.6).contains(&share(Shape::Pieces)));
        assert_eq!(share(Shape::FrameFilling), 1.0);
    }
}
