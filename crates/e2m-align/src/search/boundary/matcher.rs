//! Matching the points of two outlines, and the iterations that bring them together.

use super::BoundaryOptions;
use super::contour::ContourPoint;
use super::fit::{Change, Pair, TransformModel, fit_to_lines};
use e2m_image::{Size, Warp};
use kdtree::KdTree;
use kdtree::distance::squared_euclidean;

/// The distance up to which points match shrinks to this, in px of the previews.
pub(super) const LAST_THRESHOLD_PX: f64 = 5.0;
/// And begins at this many times the median distance, but not beyond [`FIRST_THRESHOLD_PX`].
const FIRST_THRESHOLD_MEDIANS: f64 = 3.0;
const FIRST_THRESHOLD_PX: f64 = 30.0;
/// Iterations over which the threshold shrinks; the rest is for convergence.
const SHRINKING: f64 = 6.0;
/// Normals of partners differ by at most about 45 degrees.
const LEAST_COSINE: f64 = 0.7;
/// A step that moves points by less than this, in px, was the last.
const STILL_PX: f64 = 1e-3;
/// Distances are weighed by Tukey's biweight with this many robust standard deviations.
const TUKEY: f64 = 4.685;
/// The robust standard deviation is not taken for less than this, in px.
const LEAST_SPREAD_PX: f64 = 0.05;
/// A step may move the points by this many times the threshold.
const STEP_THRESHOLDS: f64 = 3.0;
/// Fewer pairs than this determine nothing.
pub(super) const MIN_PAIRS: usize = 30;

/// Post's contour points as the correlation's result puts them into pre, and pre's outline to match them with.
pub(super) struct Matcher<'a> {
    pub(super) moving: Vec<ContourPoint>,
    still: &'a [ContourPoint],
    tree: KdTree<f64, usize, [f64; 2]>,
    centre: [f64; 2],
    /// Root mean square distance of the moving points from it.
    radius: f64,
}

/// Where iterations led.
pub(super) struct Run {
    pub(super) map: Warp,
    pub(super) iterations: usize,
    /// Why it cannot be used.
    pub(super) reasons: Vec<String>,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(
        post: &[ContourPoint],
        pre: &'a [ContourPoint],
        pre_size: Size,
        start: &Warp,
    ) -> Option<Self> {
        let moving = in_frame(post, start, pre_size);
        if moving.len().min(pre.len()) < MIN_PAIRS {
            return None;
        }
        let mut tree = KdTree::with_capacity(2, 32);
        for (i, point) in pre.iter().enumerate() {
            // Coordinates are finite, which is all that could go wrong.
            tree.add(point.at, i).ok()?;
        }
        let n = moving.len() as f64;
        let mean = |axis: usize| moving.iter().map(|p| p.at[axis]).sum::<f64>() / n;
        let centre = [mean(0), mean(1)];
        let squares = moving
            .iter()
            .map(|p| (p.at[0] - centre[0]).powi(2) + (p.at[1] - centre[1]).powi(2));
        Some(Self {
            centre,
            radius: (squares.sum::<f64>() / n).sqrt(),
            moving,
            still: pre,
            tree,
        })
    }

    /// The nearest point of the outline for each point moved by `map`, with its distance.
    fn nearest(&self, map: &Warp) -> impl Iterator<Item = (ContourPoint, &ContourPoint, f64)> {
        self.moving.iter().filter_map(|p| {
            let (x, y) = map.apply(p.at[0], p.at[1]);
            let found = self.tree.nearest(&[x, y], 1, &squared_euclidean).ok()?;
            let &(squared, &i) = found.first()?;
            let moved = ContourPoint {
                at: [x, y],
                normal: p.normal,
            };
            Some((moved, &self.still[i], squared.sqrt()))
        })
    }

    pub(super) fn pairs(&self, map: &Warp, threshold: f64) -> Vec<Pair> {
        self.nearest(map)
            .filter(|(p, q, distance)| {
                let cosine = p.normal[0] * q.normal[0] + p.normal[1] * q.normal[1];
                *distance <= threshold && cosine >= LEAST_COSINE
            })
            .map(|(p, q, _)| Pair {
                from: p.at,
                to: q.at,
                normal: q.normal,
                weight: 1.0,
            })
            .collect()
    }

    pub(super) fn first_threshold(&self) -> f64 {
        let distances = self.nearest(&Warp::identity()).map(|(.., d)| d).collect();
        (FIRST_THRESHOLD_MEDIANS * median(distances)).clamp(LAST_THRESHOLD_PX, FIRST_THRESHOLD_PX)
    }

    /// Mean distance from the outline, none counting for more than the last threshold.
    pub(super) fn cost(&self, map: &Warp) -> f64 {
        let matched = self.pairs(map, LAST_THRESHOLD_PX);
        let lost = (self.moving.len() - matched.len()) as f64 * LAST_THRESHOLD_PX;
        let sum: f64 = matched.iter().map(|p| off_line(p).abs()).sum();
        (sum + lost) / self.moving.len() as f64
    }

    pub(super) fn spread(&self, run: &Run) -> f64 {
        spread(&self.pairs(&run.map, LAST_THRESHOLD_PX))
    }

    pub(super) fn change(&self, run: &Run, px: f64) -> Change {
        Change::of(&run.map, self.centre, self.radius, px)
    }

    /// Matches and fits in turns, from `start` on, while the threshold shrinks from `first`.
    pub(super) fn run(
        &self,
        start: &Warp,
        first: f64,
        (model, turns): (TransformModel, usize),
        px: f64,
        limits: &BoundaryOptions,
    ) -> Run {
        let (mut map, mut reasons, mut iterations) = (*start, Vec::new(), 0);
        while iterations < turns {
            let left = (1.0 - iterations as f64 / SHRINKING).max(0.0);
            let threshold = LAST_THRESHOLD_PX * (first / LAST_THRESHOLD_PX).powf(left);
            iterations += 1;
            reasons.clear();
            let step = match self.step(&map, threshold, model) {
                Ok(step) => step,
                Err(reason) => {
                    reasons.push(reason);
                    break;
                }
            };
            let moved = self.mean_movement(&map, &step);
            if moved > STEP_THRESHOLDS * threshold {
                reasons.push(format!(
                    "its step {iterations} would move the outline by {:.0} px",
                    moved * px
                ));
            }
            reasons.extend(Change::of(&step, self.centre, self.radius, px).beyond(limits));
            if !reasons.is_empty() {
                continue; // nearer partners may give a better step
            }
            map = map.then(&step);
            if moved < STILL_PX && threshold <= LAST_THRESHOLD_PX {
                break;
            }
        }
        Run {
            map,
            iterations,
            reasons,
        }
    }

    fn step(&self, map: &Warp, threshold: f64, model: TransformModel) -> Result<Warp, String> {
        let mut pairs = self.pairs(map, threshold);
        if pairs.len() < MIN_PAIRS {
            return Err(format!(
                "only {} contour points found a partner, {MIN_PAIRS} are needed",
                pairs.len()
            ));
        }
        let reach = TUKEY * spread(&pairs).max(LEAST_SPREAD_PX);
        for pair in &mut pairs {
            let share = off_line(pair) / reach;
            pair.weight = (1.0 - share * share).max(0.0).powi(2);
        }
        fit_to_lines(&pairs, self.centre, model)
            .ok_or_else(|| "the contour points do not determine a transform".to_owned())
    }

    fn mean_movement(&self, map: &Warp, step: &Warp) -> f64 {
        let distances = self.moving.iter().map(|p| {
            let (x, y) = map.apply(p.at[0], p.at[1]);
            let (u, v) = step.apply(x, y);
            (u - x).hypot(v - y)
        });
        distances.sum::<f64>() / self.moving.len() as f64
    }
}

/// The points moved by `warp`, as far as they lie in an image of `size`, with their normals turned along.
pub(super) fn in_frame(points: &[ContourPoint], warp: &Warp, size: Size) -> Vec<ContourPoint> {
    let within = |v: f64, extent: usize| v >= 0.0 && v <= extent as f64 - 1.0;
    points
        .iter()
        .filter_map(|p| {
            let (x, y) = warp.apply(p.at[0], p.at[1]);
            let (sin, cos) = warp.rotation_deg(p.at[0], p.at[1]).to_radians().sin_cos();
            let [n, m] = p.normal;
            (within(x, size.width) && within(y, size.height)).then_some(ContourPoint {
                at: [x, y],
                normal: [cos * n - sin * m, sin * n + cos * m],
            })
        })
        .collect()
}

/// The distance of a pair's point from the line through its partner.
fn off_line(pair: &Pair) -> f64 {
    let [n, m] = pair.normal;
    n * (pair.to[0] - pair.from[0]) + m * (pair.to[1] - pair.from[1])
}

pub(super) fn rms(pairs: &[Pair]) -> f64 {
    let squares: f64 = pairs.iter().map(|p| off_line(p).powi(2)).sum();
    (squares / pairs.len() as f64).sqrt()
}

/// Robust standard deviation of the distances: 1.4826 times their median.
fn spread(pairs: &[Pair]) -> f64 {
    1.4826 * median(pairs.iter().map(|p| off_line(p).abs()).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
