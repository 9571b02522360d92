//! A warp corrected by the features inside the section.
//!
//! The warp that is there says where the partner of a feature must lie, so that only features near that place are
//! compared: more of them find their partner than in a search over the whole image, and structure that repeats cannot
//! mislead.

use crate::search::error::AlignError;
use crate::search::features::Features;
use crate::search::matching::{Match, consensus};
use crate::search::options::CoarseOptions;
use crate::search::previews::{DetectionScale, Previews};
use e2m_image::{Size, Warp};
use ndarray::{Array2, ArrayView1, Axis, s};
use rayon::prelude::*;
use std::ops::Range;

/// A match must be nearer than this share of the distance to the second nearest. Few features compete, so it can be
/// stricter than in a search over the whole image.
const MAX_DISTANCE_RATIO: f32 = 0.75;
/// Matches are looked for at least this far from where they are expected, px of the preview.
const MIN_REACH_PX: f64 = 6.0;
/// Features of pre that count as the same place and do not compete, px of the preview.
const SAME_PLACE_PX: f64 = 2.0;
/// Features of post compared at once; fixed, so that results do not depend on the number of threads.
const MATCH_CHUNK: usize = 128;
/// Inliers from which a correction by few features is beyond doubt.
const CLEAR_INLIERS: usize = 100;

/// Limits of [`Previews::correct_inside`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InteriorOptions {
    /// How far a point may move, full-resolution px. Matches are looked for as far from where the warp expects them. Larger: a
    /// poorer warp is corrected, more slowly. Smaller: structure that repeats misleads less.
    pub max_correction_px: f64,
    /// Share of the matches that must agree. Larger: only clear corrections are kept. Smaller: corrections of deformed
    /// sections are kept too.
    pub min_inlier_ratio: f64,
}

/// The outcome of [`Previews::correct_inside`].
#[derive(Debug, Clone, PartialEq)]
pub struct InteriorCorrection {
    /// The corrected warp, or the one that was there where it is no better.
    pub warp: Warp,
    /// Why the correction was beyond the limits; `None` if it was within.
    pub rejected: Option<String>,
    /// Features that found a partner near where it was expected.
    pub matched: usize,
    /// Of these, how many agree on the warp.
    pub inliers: usize,
    /// Farthest that the correction moved a corner of post, full-resolution px; zero where it is no better.
    pub moved_px: f64,
}

impl InteriorCorrection {
    /// Whether more features would tell nothing new.
    fn is_clear(&self) -> bool {
        self.rejected.is_none() && self.inliers >= CLEAR_INLIERS
    }
}

impl Previews {
    /// Corrects `warp` (post to pre, full resolution) by SIFT features inside the section: matches within reach of where
    /// `warp` expects them, and the homography that most of them agree on (RANSAC). Kept only where it stays within the
    /// limits and the images are more alike after it.
    ///
    /// # Errors
    /// Where an image is blank or OpenCV fails; a correction that cannot be found is not an error.
    pub fn correct_inside(
        &self,
        warp: &Warp,
        limits: &InteriorOptions,
        options: &CoarseOptions,
    ) -> Result<InteriorCorrection, AlignError> {
        // Which features are used must not depend on what was looked for before: a run that is taken up at stage 3 has to
        // come to the same warp.
        let first = self.first_scale(options);
        let found = self.correct_by(self.features(first, options)?, warp, limits, options)?;
        if found.is_clear() || first == DetectionScale::Full {
            return Ok(found);
        }
        self.correct_by(
            self.features(DetectionScale::Full, options)?,
            warp,
            limits,
            options,
        )
    }

    fn correct_by(
        &self,
        [post, pre]: &[Features; 2],
        warp: &Warp,
        limits: &InteriorOptions,
        options: &CoarseOptions,
    ) -> Result<InteriorCorrection, AlignError> {
        let k = 1.0 / self.factor() as f64;
        let small = warp.at_reduced_resolution(k, k);
        let reach = (limits.max_correction_px * k).max(MIN_REACH_PX);
        let matches = match_nearby(post, pre, &small, reach);
        let mut outcome = InteriorCorrection {
            warp: *warp,
            rejected: None,
            matched: matches.len(),
            inliers: 0,
            moved_px: 0.0,
        };
        let found = match consensus(&matches, options.tolerance_px) {
            Ok(found) => found,
            Err(error @ AlignError::FewMatches { .. }) => {
                outcome.rejected = Some(error.to_string());
                return Ok(outcome);
            }
            Err(error) => return Err(error),
        };
        outcome.inliers = found.inliers.len();
        let corrected = found.warp.at_full_resolution(k, k);
        let (height, width) = self.post().dim();
        let size = Size::new(width * self.factor(), height * self.factor());
        outcome.moved_px = corrected.max_distance(warp, size);
        outcome.rejected = reason_against(&outcome, limits);
        if outcome.rejected.is_none() {
            if self.detail_correlation(&corrected)? > self.detail_correlation(warp)? {
                outcome.warp = corrected;
            } else {
                outcome.moved_px = 0.0;
            }
        }
        Ok(outcome)
    }
}

/// Why a correction is beyond the limits.
fn reason_against(outcome: &InteriorCorrection, limits: &InteriorOptions) -> Option<String> {
    let ratio = outcome.inliers as f64 / outcome.matched.max(1) as f64;
    if ratio < limits.min_inlier_ratio {
        let least = limits.min_inlier_ratio;
        return Some(format!(
            "only {ratio:.2} of {} matches inside the section agree, {least:.2} are needed",
            outcome.matched
        ));
    }
    (outcome.moved_px > limits.max_correction_px).then(|| {
        let (moved, limit) = (outcome.moved_px, limits.max_correction_px);
        format!(
            "features inside the section moved a corner by {moved:.1} px, more than the limit of {limit} px"
        )
    })
}

/// For each feature of post the most similar one of pre within `reach` px of where `warp` expects it, if it is clearly
/// the most similar and the reverse holds.
fn match_nearby(post: &Features, pre: &Features, warp: &Warp, reach: f64) -> Vec<Match> {
    let by_row = RowIndex::new(pre);
    let expected: Vec<(f64, f64)> = post.points.iter().map(|p| warp.apply(p.0, p.1)).collect();
    let mut order: Vec<usize> = (0..expected.len()).collect();
    order.sort_by(|&a, &b| expected[a].1.total_cmp(&expected[b].1));
    let found: Vec<Vec<Option<(usize, f32)>>> = order
        .par_chunks(MATCH_CHUNK)
        .map(|chunk| {
            let rows = chunk.iter().map(|&i| expected[i].1);
            let (top, bottom) = rows.fold((f64::MAX, f64::MIN), |(t, b), y| (t.min(y), b.max(y)));
            let band = by_row.between(top - reach, bottom + reach);
            let similarities = post
                .descriptors
                .select(Axis(0), chunk)
                .dot(&by_row.descriptors.slice(s![band.clone(), ..]).t());
            let nearest = |(&i, row): (&usize, ArrayView1<'_, f32>)| {
                let (x, y) = expected[i];
                let candidates = by_row
                    .between(y - reach, y + reach)
                    .map(|k| (by_row.order[k], row[k - band.start]));
                let is_near = |j: usize| distance2(pre.points[j], (x, y)) <= reach * reach;
                nearest_nearby(candidates, is_near, pre)
            };
            chunk
                .iter()
                .zip(similarities.outer_iter())
                .map(nearest)
                .collect()
        })
        .collect();
    let mut forward = vec![None; expected.len()];
    for (i, found) in order.into_iter().zip(found.into_iter().flatten()) {
        forward[i] = found;
    }
    // Two features of post may want the same one of pre: the more similar has it.
    let mut owner: Vec<Option<(usize, f32)>> = vec![None; pre.points.len()];
    for (i, found) in forward.iter().enumerate() {
        if let Some((j, similarity)) = *found
            && owner[j].is_none_or(|(_, best)| similarity > best)
        {
            owner[j] = Some((i, similarity));
        }
    }
    owner
        .iter()
        .enumerate()
        .filter_map(|(j, owner)| {
            let (i, _) = (*owner)?;
            Some(Match {
                post: post.points[i],
                pre: pre.points[j],
            })
        })
        .collect()
}

/// The most similar of those candidates among pre's features, each with its similarity, that are near, if it is clearly
/// the most similar. Whether one is near is only asked of those that would be taken.
fn nearest_nearby(
    candidates: impl Iterator<Item = (usize, f32)> + Clone,
    is_near: impl Fn(usize) -> bool,
    pre: &Features,
) -> Option<(usize, f32)> {
    let (mut best, mut first) = (None, f32::MIN);
    for (j, similarity) in candidates.clone() {
        if similarity > first && is_near(j) {
            (best, first) = (Some(j), similarity);
        }
    }
    let best = best?;
    let at = pre.points[best];
    let competes = |j: usize| distance2(pre.points[j], at) > SAME_PLACE_PX * SAME_PLACE_PX;
    let mut second = 0.0;
    for (j, similarity) in candidates {
        if similarity > second && competes(j) && is_near(j) {
            second = similarity;
        }
    }
    // Unit vectors: the squared distance is `2 - 2 similarity`.
    let unlike = |similarity: f32| (2.0 - 2.0 * similarity).max(0.0);
    (unlike(first) < MAX_DISTANCE_RATIO * MAX_DISTANCE_RATIO * unlike(second))
        .then_some((best, first))
}

/// The squared distance between two points; a root for each of millions of pairs would be felt.
fn distance2(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0).powi(2) + (a.1 - b.1).powi(2)
}

/// Features in the order of their rows.
struct RowIndex {
    /// Their indices in that order.
    order: Vec<usize>,
    /// Their rows.
    rows: Vec<f64>,
    /// Their descriptors.
    descriptors: Array2<f32>,
}

impl RowIndex {
    fn new(features: &Features) -> Self {
        let row = |i: usize| features.points[i].1;
        let mut order: Vec<usize> = (0..features.points.len()).collect();
        order.sort_by(|&a, &b| row(a).total_cmp(&row(b)));
        Self {
            rows: order.iter().map(|&i| row(i)).collect(),
            descriptors: features.descriptors.select(Axis(0), &order),
            order,
        }
    }

    /// The places in the order of what lies between two rows.
    fn between(&self, top: f64, bottom: f64) -> Range<usize> {
        let first = self.rows.partition_point(|&r| r < top);
        let end = self.rows.partition_point(|&r| r <= bottom).max(first);
        first..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{image, texture};

    fn previews(truth: &Warp) -> Previews {
        let pre = image((360, 300), |x, y| texture(x, y, 0.0));
        let post = image((360, 300), |x, y| {
            let (u, v) = truth.apply(x, y);
            1.7 * texture(u, v, 0.0)
        });
        Previews::new(post, pre, 1).expect("large enough")
    }

    const LIMITS: InteriorOptions = InteriorOptions {
        max_correction_px: 30.0,
        min_inlier_ratio: 0.4,
    };

    #[test]
    fn a_warp_some_pixels_off_is_corrected() {
        let truth = Warp::similarity(1.02, 4.0, (180.0, 150.0));
        let off = Warp::translation(7.0, -5.0).then(&truth);
        let corrected = previews(&truth)
            .correct_inside(&off, &LIMITS, &CoarseOptions::default())
            .expect("not blank");
        assert_eq!(corrected.rejected, None);
        assert!(corrected.warp.max_distance(&truth, Size::new(360, 300)) < 0.5);
        assert!(corrected.moved_px > 7.0);
    }

    #[test]
    fn a_correction_beyond_the_limit_is_not_kept() {
        let truth = Warp::similarity(1.0, 1.0, (180.0, 150.0));
        let off = Warp::translation(9.0, 0.0).then(&truth);
        let limits = InteriorOptions {
            max_correction_px: 8.0,
            ..LIMITS
        };
        let kept = previews(&truth)
            .correct_inside(&off, &limits, &CoarseOptions::default())
            .expect("not blank");
        assert_eq!(kept.warp, off);
        assert!(kept.rejected.is_some());
    }
}
