//! The fit by contour points: iterative closest points.
//!
//! P. J. Besl, N. D. McKay, IEEE Trans. PAMI 14 (1992) 239, doi:10.1109/34.121791, with trimmed matches: only points that
//! find a partner nearby, whose outline runs the same way, take part, and what is near shrinks from what is observed
//! to a few px. Where the images differ, by dust, stain or the frame, there is no partner.

use super::BoundaryOptions;
use super::contour::ContourPoint;
use super::fit::{Change, TransformModel};
use super::matcher::{LAST_THRESHOLD_PX, MIN_PAIRS, Matcher, in_frame, rms};
use e2m_image::{Size, Warp};

/// Iterations at most, and those among them that are kept for each freer model.
const MAX_ITERATIONS: usize = 20;
const FREER_ITERATIONS: usize = 5;
/// The share of the points in both frames that must have partners at the end.
const MIN_MATCHED_SHARE: f64 = 0.4;
/// A model with more freedom must bring the points closer by this share to be believed.
const FREER_GAIN: f64 = 0.1;
/// Outlines this close, in px of the previews, may come apart by as little without being called worse.
const SLACK_PX: f64 = 0.1;

/// How the fit by contour points went.
#[derive(Debug, Clone, PartialEq)]
pub struct IcpReport {
    /// Whether its result was taken over.
    pub accepted: bool,
    /// Why not; empty when accepted.
    pub reasons: Vec<String>,
    /// Iterations made.
    pub iterations: usize,
    /// Contour points of post that lie in the frame of pre.
    pub points: usize,
    /// Of these, how many found a partner in the end.
    pub matched: usize,
    /// Root mean square distance of those from pre's outline, in full-resolution px of pre.
    pub rms_px: f64,
    /// The same over the points matched before the first iteration.
    pub start_rms_px: f64,
    /// What it added to the correlation's result; `None` if there was no result.
    pub change: Option<Change>,
    /// What was fitted: no more than the outlines ask for.
    pub model: TransformModel,
}

impl IcpReport {
    /// Of a fit that was not made.
    pub(super) fn impossible(reason: String) -> Self {
        Self {
            accepted: false,
            reasons: vec![reason],
            iterations: 0,
            points: 0,
            matched: 0,
            rms_px: f64::NAN,
            start_rms_px: f64::NAN,
            change: None,
            model: TransformModel::Similarity,
        }
    }
}

/// Moves `start` (post to pre) so that post's contour points lie on pre's outline. Points, warps and `pre_size` are in px
/// of the previews, each `px` full-resolution px wide.
pub(super) fn fit_contours(
    post: &[ContourPoint],
    pre: &[ContourPoint],
    pre_size: Size,
    start: &Warp,
    px: f64,
    limits: &BoundaryOptions,
) -> (Warp, IcpReport) {
    let Some(matcher) = Matcher::new(post, pre, pre_size, start) else {
        let reason = format!(
            "only {} contour points of post lie in the frame of pre, where it has {}; {MIN_PAIRS} are needed",
            in_frame(post, start, pre_size).len(),
            pre.len()
        );
        return (*start, IcpReport::impossible(reason));
    };
    let nothing = Warp::identity();
    let first = matcher.first_threshold();
    let start_rms = rms(&matcher.pairs(&nothing, first));
    let mut model = TransformModel::Similarity;
    let turns = MAX_ITERATIONS - 2 * FREER_ITERATIONS;
    let mut best = matcher.run(&nothing, first, (model, turns), px, limits);
    let mut iterations = best.iterations;
    for freer in [TransformModel::Affine, TransformModel::Projective] {
        let turns = (freer, FREER_ITERATIONS);
        let run = matcher.run(&best.map, LAST_THRESHOLD_PX, turns, px, limits);
        let closer = matcher.spread(&run) < (1.0 - FREER_GAIN) * matcher.spread(&best);
        if closer && run.reasons.is_empty() && matcher.change(&run, px).beyond(limits).is_empty() {
            iterations += run.iterations;
            (best, model) = (run, freer);
        }
    }
    let pairs = matcher.pairs(&best.map, LAST_THRESHOLD_PX);
    let change = matcher.change(&best, px);
    let points = matcher.moving.len();
    let mut reasons = best.reasons;
    reasons.extend(change.beyond(limits));
    let least = (MIN_MATCHED_SHARE * points as f64).max(MIN_PAIRS as f64);
    if (pairs.len() as f64) < least {
        reasons.push(format!(
            "only {} of {points} contour points lie within {:.0} px of the other outline, {least:.0} are needed",
            pairs.len(),
            LAST_THRESHOLD_PX * px
        ));
    }
    let (before, after) = (matcher.cost(&nothing), matcher.cost(&best.map));
    if after > before + SLACK_PX {
        reasons.push(format!(
            "it does not bring the outlines closer: {:.2} px apart, {:.2} px before",
            after * px,
            before * px
        ));
    }
    let accepted = reasons.is_empty();
    let warp = if accepted {
        start.then(&best.map)
    } else {
        *start
    };
    let report = IcpReport {
        accepted,
        reasons,
        iterations,
        points,
        matched: pairs.len(),
        rms_px: rms(&pairs) * px,
        start_rms_px: start_rms * px,
        change: Some(change),
        model,
    };
    (warp, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 800,
        height: 700,
    };

    /// A wavy outline about (400, 350).
    fn outline(n: usize) -> Vec<ContourPoint> {
        let point = |t: f64| {
            let r = 1.0 + 0.12 * (3.0 * t).sin() + 0.05 * (7.0 * t + 1.0).cos();
            [400.0 + 250.0 * r * t.cos(), 350.0 + 200.0 * r * t.sin()]
        };
        (0..n)
            .map(|i| {
                let t = i as f64 / n as f64 * std::f64::consts::TAU;
                let (a, b) = (point(t - 1e-3), point(t + 1e-3));
                let norm = (b[0] - a[0]).hypot(b[1] - a[1]);
                ContourPoint {
                    at: point(t),
                    normal: [(b[1] - a[1]) / norm, (a[0] - b[0]) / norm],
                }
            })
            .collect()
    }

    fn moved(warp: &Warp, n: usize) -> Vec<ContourPoint> {
        let everywhere = Size::new(100_000, 100_000);
        in_frame(&outline(n), warp, everywhere)
    }

    fn fit(truth: &Warp, start: &Warp, limits: &BoundaryOptions) -> (Warp, IcpReport) {
        fit_contours(
            &outline(1500),
            &moved(truth, 1700),
            SIZE,
            start,
            4.0,
            limits,
        )
    }

    #[test]
    fn a_start_a_little_off_is_put_right() {
        let truth = Warp::similarity(1.05, 8.0, (380.0, 330.0));
        let start = Warp::similarity(1.04, 7.0, (380.0, 330.0)).then(&Warp::translation(6.0, -4.0));
        let (warp, report) = fit(&truth, &start, &BoundaryOptions::default());
        assert!(report.accepted, "{report:?}");
        assert!(warp.max_distance(&truth, SIZE) < 0.1, "{report:?}");
        assert!(report.iterations <= MAX_ITERATIONS && report.model == TransformModel::Similarity);
        assert!(
            report.rms_px < 0.1 && report.start_rms_px > 4.0,
            "{report:?}"
        );
        let change = report.change.expect("a result");
        assert!((change.rotation_deg - 1.0).abs() < 0.05, "{change:?}");
    }

    #[test]
    fn a_sheared_section_is_fitted_by_an_affine_map() {
        let truth =
            Warp::new([[1.0, 0.03, -5.0], [0.0, 1.0, 3.0], [0.0, 0.0, 1.0]]).expect("a warp");
        let (warp, report) = fit(&truth, &Warp::identity(), &BoundaryOptions::default());
        assert!(
            report.accepted && report.model == TransformModel::Affine,
            "{report:?}"
        );
        assert!(warp.max_distance(&truth, SIZE) < 0.3, "{report:?}");
    }

    #[test]
    fn a_tilted_section_is_fitted_by_a_homography() {
        let tilt =
            Warp::new([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [2e-5, -3e-5, 1.0]]).expect("a warp");
        let start = Warp::similarity(tilt.magnification(400.0, 350.0), 0.0, (400.0, 350.0));
        let (warp, report) = fit(&tilt, &start, &BoundaryOptions::default());
        assert!(
            report.accepted && report.model == TransformModel::Projective,
            "{report:?}"
        );
        assert!(warp.max_distance(&tilt, SIZE) < 0.5, "{report:?}");
    }

    #[test]
    fn a_dent_and_a_bump_in_one_image_are_left_out() {
        let truth = Warp::similarity(1.0, 2.0, (400.0, 350.0));
        let mut pre = moved(&truth, 1700);
        for p in &mut pre[200..420] {
            p.at[0] += 12.0 * p.normal[0];
            p.at[1] += 12.0 * p.normal[1];
        }
        let limits = BoundaryOptions::default();
        let start = Warp::translation(2.0, 1.0);
        let (warp, report) = fit_contours(&outline(1500), &pre, SIZE, &start, 1.0, &limits);
        assert!(report.accepted, "{report:?}");
        assert!(report.matched < 1400, "{report:?}");
        assert!(warp.max_distance(&truth, SIZE) < 0.2, "{report:?}");
    }

    #[test]
    fn what_exceeds_a_limit_is_rejected_with_the_reason() {
        let truth = Warp::similarity(1.0, 2.0, (400.0, 350.0));
        let limits = BoundaryOptions {
            max_rotation_deg: 1.5,
            ..BoundaryOptions::default()
        };
        let (warp, report) = fit(&truth, &Warp::identity(), &limits);
        assert!(!report.accepted);
        assert_eq!(warp, Warp::identity());
        assert!(
            report
                .reasons
                .iter()
                .any(|r| r.contains("max_rotation is 1.5")),
            "{report:?}"
        );
    }

    #[test]
    fn outlines_of_different_sections_do_not_match() {
        let square: Vec<ContourPoint> = (0..800)
            .map(|i| ContourPoint {
                at: [700.0, f64::from(i % 700)],
                normal: [1.0, 0.0],
            })
            .collect();
        let limits = BoundaryOptions::default();
        let (warp, report) = fit_contours(
            &outline(900),
            &square,
            SIZE,
            &Warp::identity(),
            1.0,
            &limits,
        );
        assert!(!report.accepted && warp == Warp::identity());
        assert!(
            report.reasons.iter().any(|r| r.contains("contour points")),
            "{report:?}"
        );
    }

    #[test]
    fn too_few_points_in_the_frame_are_said() {
        let away = Warp::translation(5000.0, 0.0);
        let (warp, report) = fit(&Warp::identity(), &away, &BoundaryOptions::default());
        assert_eq!((warp, report.accepted), (away, false));
        assert!(
            report.reasons[0].starts_with("only 0 contour points of post"),
            "{report:?}"
        );
    }
}
