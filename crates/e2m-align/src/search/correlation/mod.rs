//! The alignment by correlation of fine structure over all shifts and many poses.
//!
//! It needs neither an outline nor features that can be told one by one: what is faint, noisy, sparse or dyed otherwise
//! still adds up over the whole overlap. Edges and details ([`layer`]) are correlated at all shifts ([`surface`]), over rotations and
//! magnifications as those of a specimen that was put back on its stage and then over every rotation ([`grid`]). A peak
//! counts if it is higher than the highest that chance brings about among as many places.

mod grid;
mod layer;
mod parts;
mod surface;
#[cfg(test)]
mod tests;

use crate::search::error::{AlignError, Side};
use crate::search::previews::Previews;
use e2m_image::Warp;
use grid::{Peaks, Reach, settle, try_all};
use layer::{Kind, Layer};
use ndarray::Array2;
use surface::Peak;

/// Longer side of the layers that poses near to none are tried on, px.
const NEAR_PX: usize = 350;
/// The same for every rotation.
const ANY_PX: usize = 175;
/// The same of those that poses are refined on.
const SHARP_PX: usize = 700;
/// The highest peak is beyond doubt where it is this much higher than any other.
const CLEAR_LEAD: f64 = 1.5;
/// It is right whatever tiles say where it is so much higher than any other, and than chance makes it: what both images share
/// may be too little for any one tile.
const CERTAIN: f64 = 2.0;
/// Parts of post whose peaks are no farther apart than this lie at one place, px of the layers of [`NEAR_PX`].
const SAME_PLACE_PX: f64 = 2.0;
/// Peaks of one search that are looked at, and candidates of all searches.
const PEAKS: usize = 3;
const CANDIDATES: usize = 5;
/// Warps closer than this in the mean are one candidate, px of the previews.
const SAME_PX: f64 = 5.0;

/// What the correlation found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CorrelationAlignment {
    /// Post to pre, full-resolution raw pixels.
    pub warp: Warp,
    /// Rotation in degrees, positive from x towards y.
    pub rotation_deg: f64,
    /// Magnification: above 1 the section is larger in pre.
    pub magnification: f64,
    /// Correlation of the details at 700 px or less, of which those of post beyond pre count as unlike.
    pub correlation: f64,
    /// Height of the peak over the spread that the correlation has where nothing belongs together.
    pub significance: f64,
    /// What the highest of all peaks stays below by chance, in the same unit.
    pub chance: f64,
    /// Height of the highest peak over that of the best elsewhere.
    pub lead: f64,
}

/// Poses tried on one kind of layer.
struct Search {
    found: Peaks,
    kind: Kind,
    /// By how much the previews were reduced.
    factor: usize,
}

impl Search {
    fn is_beyond_chance(&self) -> bool {
        self.likely().next().is_some()
    }

    /// Peaks that stand out from chance.
    fn likely(&self) -> impl Iterator<Item = &Peak> {
        let limit = self.found.limit;
        let peaks = self.found.peaks.iter();
        peaks.filter(move |peak| peak.significance > limit)
    }
}

impl CorrelationAlignment {
    /// Whether no other place comes close.
    pub(crate) fn is_clear(&self) -> bool {
        self.lead >= CLEAR_LEAD
    }

    /// Whether it needs no tiles to be believed.
    pub(crate) fn is_certain(&self) -> bool {
        self.lead >= CERTAIN && self.significance >= CERTAIN * self.chance
    }
}

impl Previews {
    /// Finds warps between the two by correlating their fine structure at all shifts: rotations up to 10 degrees with
    /// magnifications up to 6 %, and if nothing stands out among those, every rotation. The most likely comes first; each
    /// is right to a few px of the previews if it is right at all.
    ///
    /// # Errors
    /// Where an image is blank, and where no peak is higher than chance makes it.
    pub fn align_by_correlation(&self) -> Result<Vec<CorrelationAlignment>, AlignError> {
        let masks = self.masks();
        let mut searches: Vec<Search> = Vec::new();
        for (reach, longer_px) in [(Reach::Near, NEAR_PX), (Reach::Any, ANY_PX)] {
            for kind in [Kind::Edges, Kind::Detail] {
                let factor = self.reduction_to(longer_px);
                let [post, pre] = self.layers(&masks, factor, kind)?;
                let found = try_all(&post, &pre, reach)?;
                tracing::debug!(
                    ?reach,
                    ?kind,
                    poses = found.poses,
                    best = ?found.peaks.first(),
                    lead = found.lead(),
                    chance = found.limit,
                    "details correlated"
                );
                searches.push(Search {
                    found,
                    kind,
                    factor,
                });
            }
            let is_clear = |search: &Search| search.found.lead() >= CLEAR_LEAD;
            if searches
                .iter()
                .filter(|s| s.is_beyond_chance())
                .any(is_clear)
            {
                break;
            }
        }
        searches.retain(Search::is_beyond_chance);
        searches.sort_by(|a, b| b.found.lead().total_cmp(&a.found.lead()));
        let mut found: Vec<CorrelationAlignment> = Vec::new();
        for rank in 0..PEAKS {
            for search in &searches {
                let Some(peak) = search.likely().nth(rank) else {
                    continue;
                };
                let candidate = self.settled(search, peak, rank, &masks)?;
                let is_other = |other: &CorrelationAlignment| {
                    self.distance_px(&other.warp, &candidate.warp) > SAME_PX
                };
                if found.len() < CANDIDATES && found.iter().all(is_other) {
                    found.push(candidate);
                }
            }
        }
        if found.is_empty() {
            return Err(AlignError::Implausible {
                reason: "no rotation and shift correlates better than chance".to_owned(),
            });
        }
        Ok(found)
    }

    /// The pose of a peak refined, first at the resolution it was found at.
    fn settled(
        &self,
        search: &Search,
        peak: &Peak,
        rank: usize,
        masks: &[Array2<f32>; 2],
    ) -> Result<CorrelationAlignment, AlignError> {
        let (found, kind, factor) = (&search.found, search.kind, search.factor);
        let [post, pre] = self.layers(masks, factor, kind)?;
        let (pose, mut correlation) = settle(&post, &pre, peak.pose)?;
        let mut pose = pose.at_pixel_size(1.0 / factor as f64);
        let sharp = self.reduction_to(SHARP_PX);
        if sharp < factor {
            let [post, pre] = self.layers(masks, sharp, kind)?;
            let (finer, there) = settle(&post, &pre, pose.at_pixel_size(sharp as f64))?;
            (pose, correlation) = (finer.at_pixel_size(1.0 / sharp as f64), there);
        }
        let lead = if rank == 0 {
            found.lead()
        } else {
            let first = found
                .peaks
                .first()
                .map_or(peak.significance, |p| p.significance);
            peak.significance / first
        };
        let k = 1.0 / self.factor() as f64;
        Ok(CorrelationAlignment {
            warp: pose.warp().at_full_resolution(k, k),
            rotation_deg: pose.angle_deg,
            magnification: pose.scale,
            correlation,
            significance: peak.significance,
            chance: found.limit,
            lead,
        })
    }

    /// 1 where post and pre count, 0 where they show the instrument.
    fn masks(&self) -> [Array2<f32>; 2] {
        let rims = self.instrument();
        [self.post(), self.pre()].map(|image| {
            rims.map_or_else(
                || Array2::from_elem(image.dim(), 1.0),
                |rims| rims.mapv(|rim| f32::from(u8::from(!rim))),
            )
        })
    }

    /// By how much the previews have to be reduced for their longer side to be at most `longer_px`.
    fn reduction_to(&self, longer_px: usize) -> usize {
        let longer = [self.post().dim(), self.pre().dim()]
            .iter()
            .map(|d| d.0.max(d.1))
            .max();
        longer.unwrap_or(1).div_ceil(longer_px).max(1)
    }

    fn layers(
        &self,
        masks: &[Array2<f32>; 2],
        factor: usize,
        kind: Kind,
    ) -> Result<[Layer; 2], AlignError> {
        let (post, pre) = rayon::join(
            || Layer::new(self.post(), &masks[0], factor, kind, Side::Post),
            || Layer::new(self.pre(), &masks[1], factor, kind, Side::Pre),
        );
        Ok([post?, pre?])
    }
}
