//! From features to a warp: mutual nearest neighbours, ratio test, RANSAC.

use crate::search::error::AlignError;
use crate::search::features::Features;
use e2m_image::Warp;
use ndarray::{Array2, ArrayView1, Axis};
use opencv::calib3d::{RANSAC, find_homography_ext};
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Point2d, Vector};
use rayon::prelude::*;

/// A match must be nearer than this share of the distance to the second nearest (Lowe 2004).
const MAX_DISTANCE_RATIO: f32 = 0.8;
/// Rows of post descriptors compared at once; fixed, so that results do not depend on the number of threads.
const MATCH_CHUNK: usize = 256;
/// RANSAC's bound on rounds; it stops as soon as it is this sure.
const RANSAC_ROUNDS: i32 = 20_000;
/// See [`RANSAC_ROUNDS`].
const RANSAC_CONFIDENCE: f64 = 0.9999;
/// Inliers below this number can agree by chance.
const MIN_INLIERS: usize = 12;

/// The F distribution of 4 and many degrees of freedom exceeds this in one of a thousand cases.
const MOST_BY_CHANCE: f64 = 4.6;
/// No feature is placed more exactly than this, px.
const LEAST_NOISE_PX: f64 = 0.05;

/// Two points of the same structure: post and pre, in pixels of the images that were compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Match {
    pub(crate) post: (f64, f64),
    pub(crate) pre: (f64, f64),
}

/// A warp with the matches that agree on it.
#[derive(Debug, Clone)]
pub(crate) struct Consensus {
    /// From post to pre, in pixels of the images that were compared.
    pub(crate) warp: Warp,
    pub(crate) inliers: Vec<Match>,
    /// All matches, agreeing or not.
    pub(crate) matched: usize,
    /// Root mean square distance of the inliers from the warp, px.
    pub(crate) rms_px: f64,
}

/// The features of post and pre that are each other's nearest, and clearly so.
pub(crate) fn match_features(post: &Features, pre: &Features) -> Vec<Match> {
    if post.points.is_empty() || pre.points.len() < 2 {
        return Vec::new();
    }
    let Nearest { forward, backward } = nearest(&post.descriptors, &pre.descriptors);
    let mutual = forward.iter().enumerate().filter_map(|(i, found)| {
        let mutual = found.filter(|&j| backward[j].0 == i)?;
        Some(Match {
            post: post.points[i],
            pre: pre.points[mutual],
        })
    });
    mutual.collect()
}

/// The nearest in both directions.
struct Nearest {
    /// For each query the nearest row of the database, if it passes the ratio test.
    forward: Vec<Option<usize>>,
    /// For each row of the database the nearest query and its similarity.
    backward: Vec<(usize, f32)>,
}

/// Compares the rows of `queries` with those of `database`, all by one product.
fn nearest(queries: &Array2<f32>, database: &Array2<f32>) -> Nearest {
    let transposed = database.t();
    let chunks: Vec<_> = queries.axis_chunks_iter(Axis(0), MATCH_CHUNK).collect();
    let found: Vec<Nearest> = chunks
        .par_iter()
        .enumerate()
        .map(|(chunk, queries)| {
            let similarities = queries.dot(&transposed);
            let mut reverse = vec![(0, f32::MIN); database.nrows()];
            for (i, row) in similarities.outer_iter().enumerate() {
                for (best, &s) in reverse.iter_mut().zip(row) {
                    if s > best.1 {
                        *best = (chunk * MATCH_CHUNK + i, s);
                    }
                }
            }
            let forward = similarities.outer_iter().map(nearest_by_similarity);
            Nearest {
                forward: forward.collect(),
                backward: reverse,
            }
        })
        .collect();
    let mut forward = Vec::with_capacity(queries.nrows());
    let mut backward = vec![(0, f32::MIN); database.nrows()];
    for part in found {
        forward.extend(part.forward);
        for (best, other) in backward.iter_mut().zip(part.backward) {
            if other.1 > best.1 {
                *best = other;
            }
        }
    }
    Nearest { forward, backward }
}

/// Unit vectors: the squared distance is `2 - 2 similarity`.
fn nearest_by_similarity(similarities: ArrayView1<'_, f32>) -> Option<usize> {
    let (mut best, mut first, mut second) = (0, f32::MIN, f32::MIN);
    for (j, &s) in similarities.iter().enumerate() {
        if s > first {
            (best, first, second) = (j, s, first);
        } else if s > second {
            second = s;
        }
    }
    let distance2 = |similarity: f32| (2.0 - 2.0 * similarity).max(0.0);
    let clear = distance2(first) < MAX_DISTANCE_RATIO * MAX_DISTANCE_RATIO * distance2(second);
    clear.then_some(best)
}

/// The homography most matches agree on within `tolerance_px` (RANSAC: Fischler & Bolles 1981,
/// doi:10.1145/358669.358692), fitted to all of these; a similarity where it explains them as well ([`simplest`]).
pub(crate) fn consensus(matches: &[Match], tolerance_px: f64) -> Result<Consensus, AlignError> {
    let too_few = |consistent| AlignError::FewMatches {
        matched: matches.len(),
        consistent,
        needed: MIN_INLIERS,
    };
    if matches.len() < MIN_INLIERS {
        return Err(too_few(0));
    }
    let points = |side: fn(&Match) -> (f64, f64)| -> Vector<Point2d> {
        matches
            .iter()
            .map(side)
            .map(|(x, y)| Point2d::new(x, y))
            .collect()
    };
    let (post, pre) = (points(|m| m.post), points(|m| m.pre));
    let mut mask = Mat::default();
    let found = find_homography_ext(
        &post,
        &pre,
        RANSAC,
        tolerance_px,
        &mut mask,
        RANSAC_ROUNDS,
        RANSAC_CONFIDENCE,
    )?;
    let Some(warp) = warp_from_mat(&found)? else {
        return Err(too_few(0));
    };
    let inliers: Vec<Match> = matches
        .iter()
        .filter(|m| distance(&warp, m) <= tolerance_px)
        .copied()
        .collect();
    if inliers.len() < MIN_INLIERS {
        return Err(too_few(inliers.len()));
    }
    let warp = simplest(&inliers, warp);
    let distance = |m: &Match| distance(&warp, m);
    let rms_px =
        (inliers.iter().map(|m| distance(m).powi(2)).sum::<f64>() / inliers.len() as f64).sqrt();
    Ok(Consensus {
        warp,
        inliers,
        matched: matches.len(),
        rms_px,
    })
}

/// How far a warp sends the point of post from that of pre, px.
fn distance(warp: &Warp, m: &Match) -> f64 {
    let (x, y) = warp.apply(m.post.0, m.post.1);
    (x - m.pre.0).hypot(y - m.pre.1)
}

/// The similarity through `inliers` unless the homography explains them better than four more parameters do by chance: the
/// F test of nested models. Features in a narrow strip leave most of a homography open, which is then far off elsewhere.
fn simplest(inliers: &[Match], homography: Warp) -> Warp {
    let Some(similarity) = fitted_similarity(inliers) else {
        return homography;
    };
    let squares = |warp: &Warp| {
        inliers
            .iter()
            .map(|m| distance(warp, m).powi(2))
            .sum::<f64>()
    };
    let equations = 2.0 * inliers.len() as f64;
    let left_over = (equations - 8.0).max(1.0);
    let noise = (squares(&homography) / left_over).max(LEAST_NOISE_PX.powi(2));
    let gain = (squares(&similarity) - squares(&homography)) / 4.0;
    if gain < MOST_BY_CHANCE * noise {
        similarity
    } else {
        homography
    }
}

/// The least squares similarity (S. Umeyama 1991, doi:10.1109/34.88573), without a reflection.
fn fitted_similarity(matches: &[Match]) -> Option<Warp> {
    let n = matches.len() as f64;
    let mean = |side: fn(&Match) -> (f64, f64)| {
        let sum = matches
            .iter()
            .map(side)
            .fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
        (sum.0 / n, sum.1 / n)
    };
    let (from, to) = (mean(|m| m.post), mean(|m| m.pre));
    let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
    for m in matches {
        let (x, y) = (m.post.0 - from.0, m.post.1 - from.1);
        let (u, v) = (m.pre.0 - to.0, m.pre.1 - to.1);
        along += x * u + y * v;
        across += x * v - y * u;
        spread += x * x + y * y;
    }
    let (a, b) = (along / spread, across / spread);
    Warp::new([
        [a, -b, to.0 - a * from.0 + b * from.1],
        [b, a, to.1 - b * from.0 - a * from.1],
        [0.0, 0.0, 1.0],
    ])
    .ok()
}

/// `None` where OpenCV found no homography (an empty matrix) or a degenerate one.
fn warp_from_mat(mat: &Mat) -> opencv::Result<Option<Warp>> {
    if mat.empty() {
        return Ok(None);
    }
    let m = mat.data_typed::<f64>()?;
    Ok(Warp::new([[m[0], m[1], m[2]], [m[3], m[4], m[5]], [m[6], m[7], m[8]]]).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_image::Size;

    fn matches(warp: &Warp, count: usize) -> Vec<Match> {
        (0..count)
            .map(|i| {
                let post = (((i * 73) % 500) as f64, ((i * 151) % 400) as f64);
                Match {
                    post,
                    pre: warp.apply(post.0, post.1),
                }
            })
            .collect()
    }

    #[test]
    fn consensus_finds_the_warp_among_false_matches() {
        let truth = Warp::similarity(1.1, 33.0, (250.0, 200.0));
        let mut matches = matches(&truth, 60);
        for (i, m) in matches.iter_mut().enumerate().filter(|(i, _)| i % 3 == 0) {
            m.pre.0 += 40.0 + (i * 17 % 90) as f64;
        }
        let found = consensus(&matches, 3.0).expect("most agree");
        assert_eq!(found.inliers.len(), 40);
        assert!(found.warp.max_distance(&truth, Size::new(500, 400)) < 1e-3);
    }

    #[test]
    fn a_strip_leaves_no_perspective_open() {
        // Points placed to half a px, all in a tenth of the frame.
        let truth = Warp::similarity(1.02, 3.0, (250.0, 200.0));
        let noise = |i: usize| scattered(i) / 1000.0 - 0.5;
        let strip = |truth: &Warp| -> Vec<Match> {
            (0..60)
                .map(|i| {
                    let post = (scattered(7 * i) * 0.05, scattered(7 * i + 1) * 0.4);
                    let (x, y) = truth.apply(post.0, post.1);
                    let pre = (x + noise(7 * i + 2), y + noise(7 * i + 3));
                    Match { post, pre }
                })
                .collect()
        };
        let size = Size::new(500, 400);
        let found = consensus(&strip(&truth), 3.0).expect("all agree");
        assert!(
            found.warp.max_distance(&truth, size) < 2.5,
            "{:?}",
            found.warp
        );
        // A perspective that the points tell is kept.
        let tilted =
            Warp::new([[1.0, 0.0, 4.0], [0.0, 1.0, -3.0], [2e-4, 1e-4, 1.0]]).expect("a warp");
        let found = consensus(&matches(&tilted, 60), 3.0).expect("all agree");
        assert!(found.warp.max_distance(&tilted, size) < 0.1);
    }

    /// A hashed coordinate in 0..1000.
    fn scattered(i: usize) -> f64 {
        let mut h = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        h ^= h >> 31;
        h = h.wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((h >> 40) % 1000) as f64
    }

    #[test]
    fn chance_agreement_is_not_enough() {
        let random: Vec<Match> = (0..80usize)
            .map(|i| Match {
                post: (scattered(4 * i), scattered(4 * i + 1)),
                pre: (scattered(4 * i + 2), scattered(4 * i + 3)),
            })
            .collect();
        assert!(matches!(
            consensus(&random, 3.0),
            Err(AlignError::FewMatches { matched: 80, .. })
        ));
        assert!(matches!(
            consensus(&[], 3.0),
            Err(AlignError::FewMatches {
                matched: 0,
                consistent: 0,
                ..
            })
        ));
    }
}
