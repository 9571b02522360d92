//! The alignment by features at reduced resolution.

use crate::search::error::{AlignError, Side};
use crate::search::features::Features;
use crate::search::matching::{Match, consensus, match_features};
use crate::search::options::CoarseOptions;
use e2m_image::Warp;

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
    /// Features that are alike in both.
    pub matched: usize,
    /// Of these, how many agree on the warp.
    pub inliers: usize,
    /// Root mean square distance of those from the warp, full-resolution px.
    pub rms_px: f64,
}

/// Inliers, and their share of the matches, from which an alignment is beyond doubt.
const CLEAR_INLIERS: usize = 150;
/// See [`CLEAR_INLIERS`].
const CLEAR_SHARE: f64 = 0.3;

impl CoarseAlignment {
    /// Whether more features would tell nothing new.
    pub(crate) fn is_clear(&self) -> bool {
        self.inliers >= CLEAR_INLIERS && self.inliers as f64 >= CLEAR_SHARE * self.matched as f64
    }
}

/// Features of both images, and what they were found in.
pub(crate) struct FeaturePair<'a> {
    pub(crate) post: &'a Features,
    pub(crate) pre: &'a Features,
    /// Rows and columns of the reduced post image.
    pub(crate) post_shape: (usize, usize),
    /// By how much both images are reduced.
    pub(crate) factor: usize,
}

/// The warp on which most features agree.
pub(crate) fn find_by_features(
    pair: &FeaturePair<'_>,
    options: &CoarseOptions,
) -> Result<CoarseAlignment, AlignError> {
    let counts = (pair.post.points.len(), pair.pre.points.len());
    for (side, found) in [(Side::Post, counts.0), (Side::Pre, counts.1)] {
        if found < MIN_FEATURES {
            return Err(AlignError::FewFeatures {
                side,
                found,
                needed: MIN_FEATURES,
            });
        }
    }
    let matches = match_features(pair.post, pair.pre);
    let found = consensus(&matches, options.tolerance_px)?;
    check_plausible(&found.warp, &found.inliers, pair.post_shape, options)?;
    let factor = pair.factor as f64;
    tracing::debug!(
        post = counts.0,
        pre = counts.1,
        matched = found.matched,
        inliers = found.inliers.len(),
        rms_px = found.rms_px * factor,
        "features aligned"
    );
    Ok(CoarseAlignment {
        warp: found.warp.at_full_resolution(1.0 / factor, 1.0 / factor),
        features: counts,
        matched: found.matched,
        inliers: found.inliers.len(),
        rms_px: found.rms_px * factor,
    })
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
