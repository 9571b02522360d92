//! Correlation over angles and magnifications, coarse to fine.
//!
//! At a low resolution pre is turned and magnified in every way asked for, and correlated with post by the fast Fourier
//! transform, which tries all shifts at once; post's spectrum is computed once. The best few are then refined as poses,
//! from resolution to resolution, up to the one beyond which the soft rings hold no more detail.

use super::options::BoundaryOptions;
use super::pose::{Bounds, Pose, refine};
use super::raster::reduce;
use crate::search::cv::{gaussian_blur, single_threaded, to_mat};
use crate::search::error::AlignError;
use e2m_image::Warp;
use ndarray::Array2;
use opencv::core::{self, CV_32F, Mat, MatTraitConst, Point, Rect, Scalar, Size};
use opencv::imgproc;
use rayon::prelude::*;

/// Longer side of the images that every angle and magnification is tried on, in px.
const SEARCH_PX: usize = 128;
/// No level is sharper than this sigma, in its own px.
const LEAST_SIGMA_PX: f64 = 1.0;
/// Candidates refined at the first level, and followed to the next ones.
const CANDIDATES: usize = 8;
const FOLLOWED: usize = 3;
/// Candidates are at least this many grid steps apart.
const APART_STEPS: f64 = 2.5;
/// What is fainter than this share of the brightest is not looked at, so that empty margins cost nothing.
const FAINT_SHARE: f32 = 0.01;

/// The best pose between `post` and `pre`, both softened by a Gaussian of `softness` px, and its correlation.
pub(super) fn search(
    post: &Array2<f32>,
    pre: &Array2<f32>,
    softness: f64,
    options: &BoundaryOptions,
) -> Result<(Pose, f64), AlignError> {
    single_threaded();
    let scales = options.scales();
    let longer = [post.dim(), pre.dim()].map(|d| d.0.max(d.1));
    let mut reduction = if options.multiscale {
        longer[0].max(longer[1]).div_ceil(SEARCH_PX)
    } else {
        1
    };
    // Blurred for the steps in magnification, rings can be told to turn by wider steps than asked for.
    let widest = if options.multiscale {
        spacing(&scales).to_degrees()
    } else {
        0.0
    };
    let angles = options.angles_deg(options.angle_step_deg.max(widest));
    let steps = [spacing(&angles), spacing(&scales)];
    let mut level = SearchLevel::new(post, pre, reduction, softness, Some(steps))?;
    let grid = try_all(&level, &angles, &scales)?;
    let mut candidates = apart(grid, steps);
    let steps = [options.angle_step_deg.min(steps[0]), steps[1]];
    let bounds = bounds(&angles, &scales, steps);
    loop {
        let found = candidates.par_iter().map(|(pose, _)| {
            let small = pose.at_pixel_size(level.reduction as f64);
            let (pose, correlation) = refine(&level.post, &level.pre, small, &bounds);
            (
                pose.at_pixel_size(1.0 / level.reduction as f64),
                correlation,
            )
        });
        candidates = found.collect();
        candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
        candidates.truncate(FOLLOWED);
        tracing::debug!(reduction, best = ?candidates.first(), "outlines correlated");
        if level.is_sharp && reduction == 1 {
            break;
        }
        if level.is_sharp {
            reduction = (reduction / 2).max(1);
        }
        level = SearchLevel::new(post, pre, reduction, softness, None)?;
    }
    candidates
        .first()
        .copied()
        .ok_or_else(|| AlignError::Implausible {
            reason: "no angle and magnification could be correlated".to_owned(),
        })
}

/// The step of an evenly spaced grid; 0 for a single value.
fn spacing(values: &[f64]) -> f64 {
    match values {
        [first, second, ..] => second - first,
        _ => 0.0,
    }
}

/// Half a step beyond the ends: what the outermost grid point stands for.
fn bounds(angles: &[f64], scales: &[f64], [angle_step, scale_step]: [f64; 2]) -> Bounds {
    let around = |values: &[f64], step: f64| {
        let last = values.len().saturating_sub(1);
        [values[0] - 0.5 * step, values[last] + 0.5 * step]
    };
    Bounds {
        angle_deg: around(angles, angle_step),
        scale: around(scales, scale_step),
    }
}

/// Both images at one resolution.
struct SearchLevel {
    post: Array2<f32>,
    pre: Array2<f32>,
    /// Px of the originals per px.
    reduction: usize,
    /// Whether there is no more blur than the resolution needs.
    is_sharp: bool,
}

impl SearchLevel {
    /// With `steps` (degrees, magnification) blurred until neighbours on that grid see each other's peak.
    fn new(
        post: &Array2<f32>,
        pre: &Array2<f32>,
        reduction: usize,
        softness: f64,
        steps: Option<[f64; 2]>,
    ) -> Result<Self, AlignError> {
        let has = softness / reduction as f64;
        let reach = 0.25 * (post.nrows() + post.ncols()) as f64 / reduction as f64;
        let between = steps.map_or(0.0, |[angle, scale]| {
            0.5 * reach * angle.to_radians().max(scale)
        });
        let wants = between.max(LEAST_SIGMA_PX);
        let more = (wants * wants - has * has).max(0.0).sqrt();
        let shrink = |image: &Array2<f32>| -> Result<_, AlignError> {
            let small = reduce(image, reduction);
            if more == 0.0 {
                return Ok(small);
            }
            Ok(gaussian_blur(small.view(), more)?)
        };
        Ok(Self {
            post: shrink(post)?,
            pre: shrink(pre)?,
            reduction,
            is_sharp: between <= has.max(LEAST_SIGMA_PX),
        })
    }
}

/// The best shift for every angle and magnification, in the order of the grid: poses in px of the originals.
fn try_all(
    level: &SearchLevel,
    angles: &[f64],
    scales: &[f64],
) -> Result<Vec<(Pose, f64)>, AlignError> {
    let (post_area, pre_area) = (occupied(&level.post), occupied(&level.pre));
    let centre = middle(post_area);
    let poses: Vec<Pose> = scales
        .iter()
        .flat_map(|&scale| angles.iter().map(move |&angle_deg| (scale, angle_deg)))
        .map(|(scale, angle_deg)| Pose {
            angle_deg,
            scale,
            centre,
            target: middle(pre_area),
        })
        .collect();
    let correlator = Correlator::new(level, post_area, pre_area, &poses)?;
    let found: Result<Vec<_>, AlignError> = poses
        .par_iter()
        .map(|pose| correlator.best_shift(pose))
        .collect();
    let enlarge = 1.0 / level.reduction as f64;
    Ok(found?
        .into_iter()
        .map(|(pose, correlation)| (pose.at_pixel_size(enlarge), correlation))
        .collect())
}

/// The rectangle that holds all that is not faint; the whole image where nothing is faint.
fn occupied(image: &Array2<f32>) -> Rect {
    let least = FAINT_SHARE * image.fold(0.0f32, |a, &b| a.max(b.abs()));
    let (height, width) = image.dim();
    let (mut left, mut right, mut top, mut bottom) = (width, 0, height, 0);
    for ((y, x), &v) in image.indexed_iter() {
        if v.abs() > least {
            (left, right) = (left.min(x), right.max(x + 1));
            (top, bottom) = (top.min(y), bottom.max(y + 1));
        }
    }
    if left >= right {
        return Rect::new(0, 0, width as i32, height as i32);
    }
    let extent = |a: usize, b: usize| (b - a) as i32;
    Rect::new(
        left as i32,
        top as i32,
        extent(left, right),
        extent(top, bottom),
    )
}

fn middle(area: Rect) -> [f64; 2] {
    [
        f64::from(area.x) + 0.5 * f64::from(area.width - 1),
        f64::from(area.y) + 0.5 * f64::from(area.height - 1),
    ]
}

/// Correlates turned and magnified versions of pre with post.
struct Correlator {
    post_spectrum: Mat,
    post_norm: f64,
    post_area: Rect,
    pre: Mat,
    pre_area: Rect,
    /// Of the padded images: large enough that no shift wraps around.
    size: Size,
}

impl Correlator {
    fn new(
        level: &SearchLevel,
        post_area: Rect,
        pre_area: Rect,
        poses: &[Pose],
    ) -> Result<Self, AlignError> {
        let (mut width, mut height) = (1, 1);
        for pose in poses {
            let span = seen_in_post(pose, pre_area)?;
            (width, height) = (width.max(span.width), height.max(span.height));
        }
        let size = Size::new(
            core::get_optimal_dft_size(post_area.width + width)?,
            core::get_optimal_dft_size(post_area.height + height)?,
        );
        let post = Mat::roi(&to_mat(level.post.view())?, post_area)?.try_clone()?;
        let pre = Mat::roi(&to_mat(level.pre.view())?, pre_area)?.try_clone()?;
        let mut padded = Mat::default();
        core::copy_make_border(
            &post,
            &mut padded,
            0,
            size.height - post_area.height,
            0,
            size.width - post_area.width,
            core::BORDER_CONSTANT,
            Scalar::all(0.0),
        )?;
        let mut post_spectrum = Mat::default();
        core::dft(&padded, &mut post_spectrum, 0, post_area.height)?;
        Ok(Self {
            post_norm: core::norm_def(&post)?,
            post_spectrum,
            post_area,
            pre,
            pre_area,
            size,
        })
    }

    /// The pose with the shift at which it correlates best, and that correlation: the cosine between both images.
    fn best_shift(&self, pose: &Pose) -> Result<(Pose, f64), AlignError> {
        let area = seen_in_post(pose, self.pre_area)?;
        let turned = self.turned(pose, area)?;
        let norm = core::norm_def(&turned)?;
        let (mut spectrum, mut product, mut correlation) =
            (Mat::default(), Mat::default(), Mat::default());
        core::dft(&turned, &mut spectrum, 0, area.height)?;
        core::mul_spectrums(&spectrum, &self.post_spectrum, &mut product, 0, true)?;
        let inverse = core::DFT_INVERSE | core::DFT_SCALE | core::DFT_REAL_OUTPUT;
        core::dft(&product, &mut correlation, inverse, 0)?;
        let (mut peak, mut at) = (0.0, Point::default());
        core::min_max_loc(
            &correlation,
            None,
            Some(&mut peak),
            None,
            Some(&mut at),
            &core::no_array(),
        )?;
        // Shifts beyond the turned image are negative ones, wrapped around.
        let unwrap = |at: i32, span: i32, size: i32| if at >= span { at - size } else { at };
        let dx = unwrap(at.x, area.width, self.size.width) + area.x - self.post_area.x;
        let dy = unwrap(at.y, area.height, self.size.height) + area.y - self.post_area.y;
        // What post shows at p, pre shows where the pose without the shift puts p + d.
        let [x, y] = pose.centre;
        let (u, v) = pose.warp().apply(x + f64::from(dx), y + f64::from(dy));
        let found = Pose {
            target: [u, v],
            ..*pose
        };
        let norms = (self.post_norm * norm).max(f64::MIN_POSITIVE);
        Ok((found, peak / norms))
    }

    /// Pre seen through `pose` on post's pixels, from the corner of `area` on, padded with zeros.
    fn turned(&self, pose: &Pose, area: Rect) -> Result<Mat, AlignError> {
        let place = Warp::translation(f64::from(area.x), f64::from(area.y))
            .then(&pose.warp())
            .then(&Warp::translation(
                -f64::from(self.pre_area.x),
                -f64::from(self.pre_area.y),
            ));
        let rows = place.rows();
        let affine = Mat::from_slice_2d(&[rows[0], rows[1]])?;
        let mut turned = Mat::new_size_with_default(self.size, CV_32F, Scalar::all(0.0))?;
        imgproc::warp_affine(
            &self.pre,
            &mut turned,
            &affine,
            self.size,
            imgproc::INTER_LINEAR | imgproc::WARP_INVERSE_MAP,
            core::BORDER_CONSTANT,
            Scalar::all(0.0),
        )?;
        Ok(turned)
    }
}

/// The rectangle of post's pixels in which a pose shows `area` of pre, a pixel wider on all sides.
fn seen_in_post(pose: &Pose, area: Rect) -> Result<Rect, AlignError> {
    let back = pose
        .warp()
        .inverse()
        .ok_or_else(|| AlignError::Implausible {
            reason: format!("magnification {}", pose.scale),
        })?;
    let (left, top) = (f64::from(area.x) - 1.0, f64::from(area.y) - 1.0);
    let (right, bottom) = (
        left + f64::from(area.width) + 1.0,
        top + f64::from(area.height) + 1.0,
    );
    let corners =
        [(left, top), (right, top), (left, bottom), (right, bottom)].map(|(x, y)| back.apply(x, y));
    let least = |f: fn(&(f64, f64)) -> f64| corners.iter().map(f).fold(f64::MAX, f64::min);
    let most = |f: fn(&(f64, f64)) -> f64| corners.iter().map(f).fold(f64::MIN, f64::max);
    let (x, y) = (least(|c| c.0).floor() as i32, least(|c| c.1).floor() as i32);
    let (u, v) = (most(|c| c.0).ceil() as i32, most(|c| c.1).ceil() as i32);
    Ok(Rect::new(x, y, u - x + 1, v - y + 1))
}

/// The best candidates that are not neighbours of a better one.
fn apart(mut grid: Vec<(Pose, f64)>, [angle_step, scale_step]: [f64; 2]) -> Vec<(Pose, f64)> {
    grid.sort_by(|a, b| b.1.total_cmp(&a.1));
    let steps = |a: f64, b: f64, step: f64| {
        if step > 0.0 {
            (a - b).abs() / step
        } else {
            0.0
        }
    };
    let mut chosen: Vec<(Pose, f64)> = Vec::new();
    for (pose, correlation) in grid {
        let near = |(other, _): &(Pose, f64)| {
            let turned = steps(pose.angle_deg, other.angle_deg, angle_step);
            let magnified = steps(pose.scale, other.scale, scale_step);
            turned < APART_STEPS && magnified < APART_STEPS
        };
        if !chosen.iter().any(near) {
            chosen.push((pose, correlation));
            if chosen.len() == CANDIDATES {
                break;
            }
        }
    }
    chosen
}
