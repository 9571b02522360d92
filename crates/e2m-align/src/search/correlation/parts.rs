//! Whether the quarters of post, each by itself, lie where a warp has them.
//!
//! Each quarter is correlated with all of pre at all shifts. Where nothing belongs together, its highest peak is anywhere: among some
//! thousand places that chance can choose from, two quarters meet at one place once in as many pairs, and three once in a million. So
//! agreement tells more than the height of any peak, on images of which no single tile holds enough to be found again: faint ones, sparse
//! ones, those of two dyes.

use super::grid::highest_by_chance;
use super::layer::{Kind, Layer};
use super::surface::{Correlator, Peak};
use super::{NEAR_PX, SAME_PLACE_PX};
use crate::search::boundary::pose::Pose;
use crate::search::error::AlignError;
use crate::search::previews::Previews;
use e2m_image::Warp;
use ndarray::s;
use rayon::prelude::*;

/// Quarters that have to agree.
const LEAST_AGREEING: usize = 3;

/// What the quarters of post say about a warp.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PartsAgreement {
    /// Quarters that are found somewhere in pre beyond chance.
    pub(crate) found: usize,
    /// Of these, how many where the warp has them.
    pub(crate) agreeing: usize,
}

impl PartsAgreement {
    /// Whether that is no chance, so that it is worth looking closer.
    pub(crate) fn is_beyond_chance(&self) -> bool {
        self.agreeing >= LEAST_AGREEING
    }

    /// Whether, besides, no quarter is elsewhere.
    pub(crate) fn convinces(&self) -> bool {
        self.is_beyond_chance() && self.agreeing == self.found
    }
}

impl Previews {
    /// Looks for each quarter of post in pre, turned and magnified as `warp` (post to pre, full resolution) has it; of the two kinds of
    /// structure the one that speaks more clearly counts.
    pub(crate) fn agreement_of_parts(&self, warp: &Warp) -> Result<PartsAgreement, AlignError> {
        let masks = self.masks();
        let factor = self.reduction_to(NEAR_PX);
        let k = 1.0 / (self.factor() * factor) as f64;
        let small = warp.at_reduced_resolution(k, k);
        let mut best = PartsAgreement::default();
        for kind in [Kind::Edges, Kind::Detail] {
            let [post, pre] = self.layers(&masks, factor, kind)?;
            let found = agreement(&post, &pre, &small)?;
            tracing::debug!(?kind, ?found, "quarters looked for");
            if found.convinces() || found.agreeing > best.agreeing {
                best = found;
            }
            if best.convinces() {
                break;
            }
        }
        Ok(best)
    }
}

fn agreement(post: &Layer, pre: &Layer, warp: &Warp) -> Result<PartsAgreement, AlignError> {
    let (height, width) = post.detail.dim();
    let Some(pose) = similarity_near(warp, (height, width)) else {
        return Ok(PartsAgreement::default());
    };
    let quarters: Vec<(Layer, [f64; 2])> = (0..4)
        .map(|i| {
            let (top, left) = ((i / 2) * (height / 2), (i % 2) * (width / 2));
            let part = s![top..top + height / 2, left..left + width / 2];
            let mut quarter = Layer {
                detail: ndarray::Array2::zeros((height, width)),
                mask: ndarray::Array2::zeros((height, width)),
            };
            quarter
                .detail
                .slice_mut(part)
                .assign(&post.detail.slice(part));
            quarter.mask.slice_mut(part).assign(&post.mask.slice(part));
            let middle = [left + width / 4, top + height / 4].map(|v| v as f64);
            (quarter, middle)
        })
        .collect();
    let peaks: Result<Vec<Option<Peak>>, AlignError> = quarters
        .par_iter()
        .map(|(quarter, _)| Correlator::new(quarter, pre, &[pose])?.best_shift(&pose))
        .collect();
    let mut agreement = PartsAgreement::default();
    for (peak, (_, [x, y])) in peaks?.into_iter().zip(&quarters) {
        let Some(peak) = peak.filter(|peak| peak.significance > highest_by_chance(peak.cells))
        else {
            continue;
        };
        agreement.found += 1;
        let (found, expected) = (peak.pose.warp().apply(*x, *y), warp.apply(*x, *y));
        if (found.0 - expected.0).hypot(found.1 - expected.1) <= SAME_PLACE_PX {
            agreement.agreeing += 1;
        }
    }
    Ok(agreement)
}

/// The rotation, magnification and shift of a warp in the middle of an image of `shape`; none where it mirrors or folds it.
fn similarity_near(warp: &Warp, (height, width): (usize, usize)) -> Option<Pose> {
    let (x, y) = (0.5 * (width as f64 - 1.0), 0.5 * (height as f64 - 1.0));
    let step = 0.25 * width.min(height) as f64;
    let [right, left] = [1.0, -1.0].map(|side| warp.apply(x + side * step, y));
    let [below, above] = [1.0, -1.0].map(|side| warp.apply(x, y + side * step));
    let per_px = 1.0 / (2.0 * step);
    let (a, b) = ((right.0 - left.0) * per_px, (right.1 - left.1) * per_px);
    let (c, d) = ((below.0 - above.0) * per_px, (below.1 - above.1) * per_px);
    let area = a * d - b * c;
    let is_usable = area.is_finite() && area > 0.0;
    let target = warp.apply(x, y);
    is_usable.then(|| Pose {
        angle_deg: (b - c).atan2(a + d).to_degrees(),
        scale: area.sqrt(),
        centre: [x, y],
        target: [target.0, target.1],
    })
}
