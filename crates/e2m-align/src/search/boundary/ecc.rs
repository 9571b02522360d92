//! The refinement by brightness: OpenCV's enhanced correlation coefficient.
//!
//! G. D. Evangelidis, E. Z. Psarakis, IEEE Trans. PAMI 30 (2008) 1858, doi:10.1109/TPAMI.2008.113. It works on the
//! detail of the images, whatever the correlation before worked on: grains tell more than the outline, and slow changes
//! of brightness, by stain or light, would pull it aside.

use super::BoundaryOptions;
use super::fit::Change;
use crate::search::cv::{gaussian_blur, single_threaded, to_mat};
use crate::search::detail::detail_image;
use crate::search::error::{AlignError, Side};
use e2m_image::{Warp, sample_bilinear};
use ndarray::{Array2, ArrayView2};
use opencv::core::{Mat, MatTraitConst, TermCriteria, TermCriteria_Type};
use opencv::video;

/// Blur before a reduction by `k`: this over `k`, in px of the larger image.
const REDUCTION_SIGMA: f64 = 0.4;
/// Only what lies deeper inside the section than this takes part, in px of the previews: a defocused outline seems to lie
/// further out, and it is the strongest edge of all.
const EDGE_PX: f32 = 12.0;
/// OpenCV's own blur before it compares, in px.
const BLUR_PX: i32 = 5;

/// How the refinement by brightness went.
#[derive(Debug, Clone, PartialEq)]
pub struct EccReport {
    /// Whether its result was taken over.
    pub accepted: bool,
    /// Why not; empty when accepted.
    pub reasons: Vec<String>,
    /// Resolution it worked at, as a share of full resolution.
    pub resolution: f64,
    /// Correlation of the details before.
    pub start_correlation: f64,
    /// And after; that before where there is no result.
    pub correlation: f64,
    /// What it added; `None` if there was no result.
    pub change: Option<Change>,
}

/// Refines `start`, a warp between the previews, which are reduced by `factor`. `centre` is the middle of the section in
/// pre; `depth` the distance from the outline there, if there is one.
pub(super) fn refine_ecc(
    post: ArrayView2<'_, f32>,
    pre: ArrayView2<'_, f32>,
    factor: usize,
    start: &Warp,
    centre: [f64; 2],
    depth: Option<&Array2<f32>>,
    options: &BoundaryOptions,
) -> Result<(Warp, EccReport), AlignError> {
    single_threaded();
    // Finer than the previews there is nothing to see.
    let k = (options.down_scale * factor as f64).min(1.0);
    let detail = |image, side| shrink(&detail_image(image, side)?.mapv(f32::from), k);
    let (post, pre) = (detail(post, Side::Post)?, detail(pre, Side::Pre)?);
    let inside = match depth {
        Some(depth) => shrink(depth, k)?.mapv(|d| u8::from(d > EDGE_PX)),
        None => Array2::ones(pre.dim()),
    };
    let small_start = start.at_reduced_resolution(k, k);
    let start_correlation = correlation(&post, &pre, &inside, &small_start);
    let mut report = EccReport {
        accepted: false,
        reasons: Vec::new(),
        resolution: k / factor as f64,
        start_correlation,
        correlation: start_correlation,
        change: None,
    };
    let warp = match run(&post, &pre, &inside, &small_start, options) {
        Ok(small) => small.at_full_resolution(k, k),
        Err(reason) => {
            report.reasons.push(reason);
            return Ok((*start, report));
        }
    };
    // Half the way to the border of the frame stands for the section's radius.
    let radius = 0.25 * (pre.nrows() + pre.ncols()) as f64 / k;
    let Some(back) = start.inverse() else {
        let reason = "the warp it started from cannot be inverted".to_owned();
        report.reasons.push(reason);
        return Ok((*start, report));
    };
    let added = back.then(&warp);
    let change = Change::of(&added, centre, radius, factor as f64);
    report.change = Some(change);
    report.correlation = correlation(&post, &pre, &inside, &warp.at_reduced_resolution(k, k));
    report.reasons = change.beyond(options);
    // Also where the correlation is not a number.
    if report.correlation.partial_cmp(&start_correlation) != Some(std::cmp::Ordering::Greater) {
        report.reasons.push(format!(
            "it does not raise the correlation: {:.4}, {start_correlation:.4} before",
            report.correlation
        ));
    }
    report.accepted = report.reasons.is_empty();
    let warp = if report.accepted { warp } else { *start };
    Ok((warp, report))
}

/// OpenCV's answer, or why it has none. Not to converge is an answer about the pair, not a fault.
fn run(
    post: &Array2<f32>,
    pre: &Array2<f32>,
    inside: &Array2<u8>,
    start: &Warp,
    options: &BoundaryOptions,
) -> Result<Warp, String> {
    let fault = |error: opencv::Error| format!("OpenCV gave up: {}", error.message.trim());
    let rows = start.rows().map(|row| row.map(|v| v as f32));
    let mut matrix = Mat::from_slice_2d(&rows).map_err(fault)?;
    let kind = TermCriteria_Type::COUNT as i32 | TermCriteria_Type::EPS as i32;
    let iterations = i32::try_from(options.ecc_iterations.max(1)).unwrap_or(i32::MAX);
    let criteria = TermCriteria::new(kind, iterations, options.ecc_delta).map_err(fault)?;
    video::find_transform_ecc(
        &to_mat(post.view()).map_err(fault)?,
        &to_mat(pre.view()).map_err(fault)?,
        &mut matrix,
        video::MOTION_HOMOGRAPHY,
        criteria,
        &to_mat(inside.view()).map_err(fault)?,
        BLUR_PX,
    )
    .map_err(fault)?;
    let mut rows = [[0.0; 3]; 3];
    for (r, row) in (0..).zip(&mut rows) {
        for (c, value) in (0..).zip(row) {
            *value = f64::from(*matrix.at_2d::<f32>(r, c).map_err(fault)?);
        }
    }
    Warp::new(rows).map_err(|error| error.to_string())
}

/// The image reduced by `k`, pixel centres at `x_small = (x + 0.5) k - 0.5`.
fn shrink(image: &Array2<f32>, k: f64) -> Result<Array2<f32>, AlignError> {
    if k >= 1.0 {
        return Ok(image.clone());
    }
    let smooth = gaussian_blur(image.view(), REDUCTION_SIGMA / k)?;
    let (height, width) = image.dim();
    let reduced = |extent: usize| ((extent as f64 * k) as usize).max(1);
    let at = |i: usize| (i as f64 + 0.5) / k - 0.5;
    Ok(Array2::from_shape_fn(
        (reduced(height), reduced(width)),
        |(y, x)| sample_bilinear(smooth.view(), at(x), at(y)),
    ))
}

/// The correlation coefficient over the pixels of post that `warp` puts inside pre's section.
fn correlation(post: &Array2<f32>, pre: &Array2<f32>, inside: &Array2<u8>, warp: &Warp) -> f64 {
    let (mut n, mut sx, mut sy) = (0.0, 0.0, 0.0);
    let (mut sxx, mut sxy, mut syy) = (0.0, 0.0, 0.0);
    for ((y, x), &a) in post.indexed_iter() {
        let (u, v) = warp.apply(x as f64, y as f64);
        if is_inside(inside, u, v) {
            let (a, b) = (f64::from(a), f64::from(sample_bilinear(pre.view(), u, v)));
            n += 1.0;
            sx += a;
            sy += b;
            sxx += a * a;
            sxy += a * b;
            syy += b * b;
        }
    }
    let (vx, vy) = (sxx - sx * sx / n, syy - sy * sy / n);
    (sxy - sx * sy / n) / (vx * vy).sqrt()
}

/// Whether the pixel nearest to (`u`, `v`) lies in the mask; beyond any of its four sides nothing does.
fn is_inside(inside: &Array2<u8>, u: f64, v: f64) -> bool {
    let (column, row) = (u.round(), v.round());
    // Written so that what is not a number is outside. A float beyond the range of an index becomes the last index.
    column >= 0.0 && row >= 0.0 && inside.get((row as usize, column as usize)) == Some(&1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texture(x: f64, y: f64) -> f32 {
        let wave = |n: f64, p: f64| ((x * 0.11 * n + p).sin() + (y * 0.13 * n - p).cos()).sin();
        (100.0 + 40.0 * wave(1.0, 0.3) + 25.0 * wave(2.3, 1.7)) as f32
    }

    fn pair(truth: &Warp) -> [Array2<f32>; 2] {
        let pre = Array2::from_shape_fn((260, 340), |(y, x)| texture(x as f64, y as f64));
        let post = Array2::from_shape_fn((260, 340), |(y, x)| {
            let (u, v) = truth.apply(x as f64, y as f64);
            1.7 * texture(u, v)
        });
        [post, pre]
    }

    #[test]
    fn the_warp_is_found_at_every_resolution() {
        let truth = Warp::similarity(1.01, 1.0, (170.0, 130.0)).then(&Warp::translation(2.0, 1.0));
        let [post, pre] = pair(&truth);
        for down_scale in [1.0, 0.5, 0.37] {
            let options = BoundaryOptions {
                down_scale,
                ..BoundaryOptions::default()
            };
            let (warp, report) = refine_ecc(
                post.view(),
                pre.view(),
                1,
                &Warp::identity(),
                [170.0, 130.0],
                None,
                &options,
            )
            .expect("images with contrast");
            assert!(report.accepted, "{report:?}");
            assert_eq!(report.resolution, down_scale);
            let size = e2m_image::Size::new(340, 260);
            let error = warp.mean_distance(&truth, size);
            assert!(error < 0.1, "{down_scale}: {error} {report:?}");
        }
    }

    /// Post seen where pre ends, on each of the four sides: what lies beyond pre is not black, it is not there.
    #[test]
    fn beyond_every_side_of_pre_there_is_nothing_to_correlate() {
        let pre = Array2::from_shape_fn((60, 80), |(y, x)| texture(x as f64, y as f64));
        let inside = Array2::ones(pre.dim());
        for (dx, dy) in [(-20.0, 0.0), (20.0, 0.0), (0.0, -20.0), (0.0, 20.0)] {
            let post =
                Array2::from_shape_fn(pre.dim(), |(y, x)| texture(x as f64 + dx, y as f64 + dy));
            let found = correlation(&post, &pre, &inside, &Warp::translation(dx, dy));
            assert!(found > 0.999, "({dx}, {dy}): {found}");
        }
        let corners = [(-0.4, -0.4), (79.4, 59.4)];
        assert!(corners.iter().all(|&(u, v)| is_inside(&inside, u, v)));
        let beyond = [
            (-0.6, 5.0),
            (79.6, 5.0),
            (5.0, -0.6),
            (5.0, 59.6),
            (f64::NAN, 5.0),
        ];
        assert!(!beyond.iter().any(|&(u, v)| is_inside(&inside, u, v)));
    }

    #[test]
    fn beyond_the_limits_it_is_rejected() {
        let truth = Warp::translation(3.0, 0.0);
        let [post, pre] = pair(&truth);
        let options = BoundaryOptions {
            down_scale: 1.0,
            max_translation_px: 10.0,
            ..BoundaryOptions::default()
        };
        let start = Warp::identity();
        // Previews of images five times as large: 3 px are 15 there.
        let (warp, report) = refine_ecc(
            post.view(),
            pre.view(),
            5,
            &start,
            [170.0, 130.0],
            None,
            &options,
        )
        .expect("images with contrast");
        assert_eq!((warp, report.accepted), (start, false));
        assert!(
            report.reasons[0].contains("max_translation is 10"),
            "{report:?}"
        );
    }
}
