//! The alignment by features at reduced resolution.

use crate::detail::detail_image;
use crate::error::{AlignError, Side};
use crate::features::detect;
use crate::matching::{Match, consensus, match_features};
use crate::options::CoarseOptions;
use e2m_image::Warp;
use ndarray::{Array2, ArrayView2, Zip};

/// Images smaller than this on a side hold no structure that features could be found in.
const MIN_SIDE_PX: usize = 24;
/// Features below this number cannot carry a warp.
const MIN_FEATURES: usize = 20;
/// The perspective part may change the magnification across the image by this factor at most.
const MAX_PERSPECTIVE: f64 = 1.3;
/// Beyond the matches, the magnification at a corner may differ by this factor more.
const MAX_CORNER_RATIO: f64 = 1.5;

/// An alignment found at reduced resolution.
#[derive(Debug, Clone)]
pub struct CoarseAlignment {
    /// Full-resolution raw post pixels to full-resolution raw pre pixels.
    pub warp: Warp,
    /// Features found in post and in pre.
    pub features: (usize, usize),
    /// Features that look alike in both.
    pub matched: usize,
    /// Of these, how many agree on the warp.
    pub inliers: usize,
    /// Root mean square distance of those from the warp, full-resolution px.
    pub rms_px: f64,
}

/// Finds the warp between two images, both reduced by `factor` (1 for full resolution), by SIFT features: any rotation,
/// magnifications up to `max_magnification`, sections that fill the frame or come in pieces.
///
/// # Errors
/// Where an image is too small, blank or without features, where the features do not agree, and where what they agree on
/// is no pair of images of one section.
pub fn align_coarse(
    post: ArrayView2<'_, f32>,
    pre: ArrayView2<'_, f32>,
    factor: usize,
    options: &CoarseOptions,
) -> Result<CoarseAlignment, AlignError> {
    check_size(post, Side::Post, factor)?;
    check_size(pre, Side::Pre, factor)?;
    let post_features = detect(detail_image(post, Side::Post)?.view(), options.max_features)?;
    let pre_features = detect(detail_image(pre, Side::Pre)?.view(), options.max_features)?;
    for (side, found) in [
        (Side::Post, post_features.points.len()),
        (Side::Pre, pre_features.points.len()),
    ] {
        if found < MIN_FEATURES {
            return Err(AlignError::FewFeatures {
                side,
                found,
                needed: MIN_FEATURES,
            });
        }
    }
    let matches = match_features(&post_features, &pre_features);
    let found = consensus(&matches, options.tolerance_px)?;
    check_plausible(&found.warp, &found.inliers, post.dim(), options)?;
    let k = 1.0 / factor as f64;
    tracing::debug!(
        post = post_features.points.len(),
        pre = pre_features.points.len(),
        matched = found.matched,
        inliers = found.inliers.len(),
        rms_px = found.rms_px * factor as f64,
        "features aligned"
    );
    Ok(CoarseAlignment {
        warp: found.warp.at_full_resolution(k, k),
        features: (post_features.points.len(), pre_features.points.len()),
        matched: found.matched,
        inliers: found.inliers.len(),
        rms_px: found.rms_px * factor as f64,
    })
}

fn check_size(image: ArrayView2<'_, f32>, side: Side, factor: usize) -> Result<(), AlignError> {
    let (height, width) = image.dim();
    if height.min(width) < MIN_SIDE_PX {
        return Err(AlignError::TooSmall {
            side,
            width: width * factor,
            height: height * factor,
            least: MIN_SIDE_PX * factor,
        });
    }
    Ok(())
}

/// A microscope magnifies, turns, shifts and tilts a little; it does not mirror or fold.
fn check_plausible(
    warp: &Warp,
    inliers: &[Match],
    (height, width): (usize, usize),
    options: &CoarseOptions,
) -> Result<(), AlignError> {
    let magnifications = inliers
        .iter()
        .map(|m| warp.magnification(m.post.0, m.post.1));
    let (mut least, mut most) = (f64::MAX, f64::MIN);
    for m in magnifications {
        (least, most) = (least.min(m), most.max(m));
    }
    let implausible = |reason| Err(AlignError::Implausible { reason });
    if least <= 0.0 {
        return implausible("it mirrors the image".to_owned());
    }
    if most > options.max_magnification || least < 1.0 / options.max_magnification {
        let limit = options.max_magnification;
        return implausible(format!(
            "magnification {least:.2} to {most:.2}, beyond a factor of {limit}"
        ));
    }
    let (right, bottom) = (width as f64 - 1.0, height as f64 - 1.0);
    // Inliers in one corner can carry a perspective that folds the rest of the image.
    for (x, y) in [(0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom)] {
        let corner = warp.magnification(x, y);
        if !warp.is_in_front(x, y)
            || corner > MAX_CORNER_RATIO * most
            || corner < least / MAX_CORNER_RATIO
        {
            return implausible("it folds or blows up a corner of the image".to_owned());
        }
    }
    if most / least > MAX_PERSPECTIVE {
        return implausible(format!(
            "magnification varies from {least:.2} to {most:.2} across the image"
        ));
    }
    Ok(())
}

/// Correlation of the logarithms of post and aligned pre where both have signal, and the share of post's signal that
/// pre covers. Both images reduced alike; `aligned` is pre seen through the warp on post's pixels.
///
/// Signal is what exceeds a twentieth of the image's 99th percentile. Zero where nothing overlaps.
pub fn similarity(post: &Array2<f32>, aligned: &Array2<f32>) -> Similarity {
    let floor = |image: &Array2<f32>| crate::detail::percentile(image, 99.0) / 20.0;
    let (post_floor, pre_floor) = (
        floor(post).max(f32::MIN_POSITIVE),
        floor(aligned).max(f32::MIN_POSITIVE),
    );
    let (mut n, mut signal) = (0.0, 0.0);
    let (mut sx, mut sy, mut sxx, mut sxy, mut syy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    Zip::from(post).and(aligned).for_each(|&a, &b| {
        if a > post_floor {
            signal += 1.0;
            if b > pre_floor {
                let (x, y) = (f64::from(a).ln_1p(), f64::from(b).ln_1p());
                n += 1.0;
                sx += x;
                sy += y;
                sxx += x * x;
                sxy += x * y;
                syy += y * y;
            }
        }
    });
    if n < 2.0 {
        return Similarity {
            correlation: 0.0,
            overlap_fraction: 0.0,
        };
    }
    let (vx, vy) = (sxx - sx * sx / n, syy - sy * sy / n);
    let correlation = if vx > 0.0 && vy > 0.0 {
        (sxy - sx * sy / n) / (vx * vy).sqrt()
    } else {
        0.0
    };
    Similarity {
        correlation,
        overlap_fraction: n / signal,
    }
}

/// What [`similarity`] measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    /// Correlation of log counts, -1 to 1.
    pub correlation: f64,
    /// Share of post's signal pixels on which pre has signal too.
    pub overlap_fraction: f64,
}
