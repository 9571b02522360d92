//! The poses that are tried, coarse to fine.

use super::layer::{Layer, NEIGHBOURHOOD_SIGMA_PX};
use super::surface::{Correlator, Peak};
use crate::search::boundary::pose::{Bounds, Pose, refine};
use crate::search::error::AlignError;
use e2m_image::Size;
use ndarray::Array2;
use rayon::prelude::*;

/// Neighbours on the grid bring structure half way to the border within this of each other, px.
const STEP_PX: f64 = 3.0;
/// Rotations that a specimen put back on its stage may have, to either side, degrees.
const NEAR_DEG: f64 = 10.0;
/// Magnification may differ by this much, as a logarithm, in the search among those rotations.
const NEAR_SCALE: f64 = 0.06;
/// The same where every rotation is tried.
const ANY_SCALE: f64 = 0.05;
/// Candidates that are refined.
const CANDIDATES: usize = 4;
/// By chance the highest peak of all poses is beyond the limit in one of so many pairs.
const CHANCE: f64 = 1e-3;
/// Blurs at which poses are refined in turn, px.
const SOFTNESS_PX: [f64; 2] = [3.0, 1.0];

/// Rotations and magnifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// As a specimen that was put back has them.
    Near,
    /// Any rotation.
    Any,
}

/// Poses that stand out, the best first.
#[derive(Debug, Clone)]
pub(super) struct Peaks {
    pub(super) peaks: Vec<Peak>,
    /// The best place that is not the first peak's, over the spread of its surface.
    pub(super) runner_up: f64,
    /// What the highest peak of these poses is below by chance.
    pub(super) limit: f64,
    pub(super) poses: usize,
}

impl Peaks {
    /// Height of the first over that of the best other.
    pub(super) fn lead(&self) -> f64 {
        let first = self.peaks.first().map_or(0.0, |peak| peak.significance);
        first / self.runner_up.max(f64::MIN_POSITIVE)
    }
}

/// All poses within `reach`, each at its best shift.
pub(super) fn try_all(post: &Layer, pre: &Layer, reach: Reach) -> Result<Peaks, AlignError> {
    let poses = grid(post.detail.dim(), pre.detail.dim(), reach);
    let correlator = Correlator::new(post, pre, &poses)?;
    let found: Result<Vec<Option<Peak>>, AlignError> = poses
        .par_iter()
        .map(|pose| correlator.best_shift(pose))
        .collect();
    let mut found: Vec<Peak> = found?.into_iter().flatten().collect();
    let cells: f64 = found.iter().map(|peak| peak.cells).sum();
    found.sort_by(|a, b| b.significance.total_cmp(&a.significance));
    let (height, width) = post.detail.dim();
    let size = Size::new(width, height);
    let mut peaks: Vec<Peak> = Vec::new();
    for peak in &found {
        let is_apart = |other: &Peak| {
            let distance = other.pose.warp().mean_distance(&peak.pose.warp(), size);
            distance > NEIGHBOURHOOD_SIGMA_PX
        };
        if peaks.iter().all(is_apart) {
            peaks.push(*peak);
            if peaks.len() == CANDIDATES {
                break;
            }
        }
    }
    let own = peaks.first().map_or(0.0, |peak| peak.runner_up);
    let other = peaks.get(1).map_or(0.0, |peak| peak.significance);
    Ok(Peaks {
        peaks,
        runner_up: own.max(other),
        limit: highest_by_chance(cells),
        poses: poses.len(),
    })
}

/// The value that the largest of `cells` independent normal deviates exceeds in a share [`CHANCE`] of all cases.
pub(super) fn highest_by_chance(cells: f64) -> f64 {
    // The tail is exp(-t^2 / 2) / (t sqrt(2 pi)); a few rounds settle it.
    let odds = (cells.max(1.0) / CHANCE).ln();
    let mut t = (2.0 * odds).sqrt();
    for _ in 0..4 {
        let less = (t * (2.0 * std::f64::consts::PI).sqrt()).ln();
        t = (2.0 * (odds - less)).max(1.0).sqrt();
    }
    t
}

/// From the middle of post to the middle of pre, by all rotations and magnifications.
fn grid(post: (usize, usize), pre: (usize, usize), reach: Reach) -> Vec<Pose> {
    let middle =
        |(height, width): (usize, usize)| [0.5 * (width as f64 - 1.0), 0.5 * (height as f64 - 1.0)];
    let half_way = 0.25 * 0.5 * (post.0 + post.1) as f64;
    let step = STEP_PX / half_way;
    let (most_deg, most_scale) = match reach {
        Reach::Near => (NEAR_DEG, NEAR_SCALE),
        Reach::Any => (180.0, ANY_SCALE),
    };
    let angles = (most_deg / step.to_degrees()).ceil() as i32;
    let scales = (most_scale / step).ceil() as i32;
    // The last step around is the first one.
    let first = if reach == Reach::Any {
        1 - angles
    } else {
        -angles
    };
    let mut poses = Vec::new();
    for s in -scales..=scales {
        for a in first..=angles {
            poses.push(Pose {
                angle_deg: f64::from(a) * most_deg / f64::from(angles),
                scale: (f64::from(s) * most_scale / f64::from(scales)).exp(),
                centre: middle(post),
                target: middle(pre),
            });
        }
    }
    poses
}

/// The pose near `start` under which the details are most alike, and their correlation.
pub(super) fn settle(post: &Layer, pre: &Layer, start: Pose) -> Result<(Pose, f64), AlignError> {
    let half_way = 0.25 * 0.5 * (post.detail.nrows() + post.detail.ncols()) as f64;
    let step = STEP_PX / half_way;
    let bounds = Bounds {
        angle_deg: [-1.0, 1.0].map(|side| start.angle_deg + side * step.to_degrees()),
        scale: [-1.0, 1.0].map(|side: f64| start.scale * (side * step).exp()),
    };
    let mut found = (start, 0.0);
    for sigma_px in SOFTNESS_PX {
        let [post, pre]: [Array2<f32>; 2] = [post.softened(sigma_px)?, pre.softened(sigma_px)?];
        found = refine(&post, &pre, found.0, &bounds);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_that_of_the_normal_distribution() {
        // One of a thousand: 3.09; one of a million: 4.75; one of a thousand million: 6.00.
        for (cells, expected) in [(1.0, 3.09), (1e3, 4.75), (1e6, 6.00)] {
            let limit = highest_by_chance(cells);
            assert!((limit - expected).abs() < 0.1, "{cells}: {limit}");
        }
    }

    #[test]
    fn the_grid_holds_no_rotation_twice_and_none_at_all_among_the_near_ones() {
        for (reach, shape) in [(Reach::Near, (262, 350)), (Reach::Any, (131, 175))] {
            let poses = grid(shape, shape, reach);
            let unmoved = |p: &&Pose| p.angle_deg == 0.0 && (p.scale - 1.0).abs() < 1e-12;
            assert_eq!(poses.iter().filter(unmoved).count(), 1, "{reach:?}");
            let around = |p: &Pose| p.angle_deg <= -180.0;
            assert!(!poses.iter().any(around), "{reach:?}");
            assert!(poses.len() < 400, "{reach:?}: {}", poses.len());
        }
    }
}
