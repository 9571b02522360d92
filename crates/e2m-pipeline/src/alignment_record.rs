//! What the manifest says about the alignment.

use crate::overlay_record::CheckedTile;
use e2m_align::{
    BoundaryAlignment, Candidate, CoarseAlignment, CoarseChoice, InteriorCorrection, LocalOutcome,
    MisalignedTile, MisplacedPart, NullCorrelation, Refinement, ResidualSummary, TileResidual,
    Verdict,
};
use e2m_image::{Canvas, Coverage, Mapping, Size};
use serde::{Deserialize, Serialize};

/// The reason to doubt an alignment that stage 3 has not looked at.
const UNJUDGED: &str = "stage 3 has not judged it";

/// How the alignment was found and how well it fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlignmentRecord {
    /// `features` or `boundary`: the way whose warp fits the images best.
    pub coarse_method: String,
    /// What is to be thought of it.
    pub verdict: Verdict,
    /// Why it is not `pass`.
    pub reasons: Vec<String>,
    /// Median residual shift on tiles outside the fit, px.
    pub residual_median_px: Option<f64>,
    /// 90th percentile of these shifts, px.
    pub residual_p90_px: Option<f64>,
    /// Share of post's signal on which aligned pre has signal too.
    pub overlap_fraction: f64,
    /// How much of post and of the canvas pre covers; none before stage 3, and in a record of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<CoverageRecord>,
    /// Correlation of log counts of post and aligned pre.
    pub correlation: f64,
    /// Correlation of their fine structure.
    #[serde(default)]
    pub detail_correlation: f64,
    /// Expected mean error of the warp, px; none where stage 3 was not done or not kept.
    pub estimated_accuracy_px: Option<f64>,
    /// What each way of coarse alignment came to.
    #[serde(default)]
    pub candidates: Vec<Candidate>,
    /// Features found in post and pre, matched, and agreeing; none where they found no warp.
    pub features: Option<FeatureCounts>,
    /// What the boundary found; none where it was not tried or found no warp.
    #[serde(default)]
    pub boundary: Option<BoundaryRecord>,
    /// The correction by features inside the section.
    #[serde(default)]
    pub interior: Option<InteriorRecord>,
    /// The refinement by brightness.
    #[serde(default)]
    pub refinement: Option<RefinementRecord>,
    /// The displacement that was added to the warp; none where it was not asked for or nothing was to be corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalRecord>,
    /// Tiles that the residual was measured on.
    pub residual: Option<ResidualSummary>,
    /// The tile with the longest of these shifts; none in a record of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_tile: Option<WorstTile>,
    /// The tiles that the residual was measured on, for viewers; none in a record of an earlier version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checked_tiles: Vec<CheckedTile>,
    /// The outline of the section in post, for viewers: `[x, y]` in px of the canvas along each border. None where it shows none, and in
    /// a record of an earlier version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub section_outline: Vec<Vec<[i64; 2]>>,
    /// How much tiles correlate at wrong places of this pair.
    #[serde(default, rename = "chance")]
    pub null_correlation: Option<NullCorrelation>,
    /// Median correlation of the tiles outside the fit.
    #[serde(default)]
    pub tile_correlation: Option<f64>,
    /// Tiles outside the fit on which post does not fit aligned pre, where their neighbours do not either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misaligned: Vec<MisalignedTile>,
    /// Parts of the section that are not where the warp sends them, by all tiles; the largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misplaced: Vec<MisplacedPart>,
    /// Full-resolution px per px of the two images drawn for comparison by eye.
    #[serde(default)]
    pub comparison_factor: Option<f64>,
}

impl AlignmentRecord {
    /// Found by the first step; nothing has judged it yet.
    pub(crate) fn of_coarse(choice: &CoarseChoice) -> Self {
        Self {
            candidates: choice.candidates.clone(),
            features: choice.features.as_ref().map(FeatureCounts::from),
            boundary: choice.boundary.as_ref().map(BoundaryRecord::from),
            ..Self::unjudged_by(choice.method.to_string())
        }
    }

    fn unjudged_by(coarse_method: String) -> Self {
        Self {
            coarse_method,
            verdict: Verdict::Suspect,
            reasons: vec![UNJUDGED.to_owned()],
            residual_median_px: None,
            residual_p90_px: None,
            overlap_fraction: 0.0,
            coverage: None,
            correlation: 0.0,
            detail_correlation: 0.0,
            estimated_accuracy_px: None,
            candidates: Vec::new(),
            features: None,
            boundary: None,
            interior: None,
            refinement: None,
            local: None,
            residual: None,
            worst_tile: None,
            checked_tiles: Vec::new(),
            section_outline: Vec::new(),
            null_correlation: None,
            tile_correlation: None,
            misaligned: Vec::new(),
            misplaced: Vec::new(),
            comparison_factor: None,
        }
    }

    /// Whether verdict, overlap and correlation are about this warp. Before stage 3 they are not known.
    pub fn is_judged(&self) -> bool {
        !self.reasons.iter().any(|reason| reason == UNJUDGED)
    }

    /// How the warp was found, without what was thought of it.
    pub(crate) fn unjudged(self) -> Self {
        Self {
            candidates: self.candidates,
            features: self.features,
            boundary: self.boundary,
            ..Self::unjudged_by(self.coarse_method)
        }
    }
}

/// How much pre covers under the warp, whatever is there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CoverageRecord {
    /// Share of the section in post, to the resolution of the previews.
    pub section: f64,
    /// Share of the frame of post.
    pub post: f64,
    /// Share of the canvas that both cover.
    pub canvas: f64,
}

impl CoverageRecord {
    /// That of a pair of these sizes under `mapping` (canvas pixels), of whose section so much is covered.
    pub(crate) fn of(
        section: f64,
        [post, pre]: [Size; 2],
        canvas: Canvas,
        mapping: &Mapping,
    ) -> Self {
        let placed = Coverage::placed(post, canvas);
        let both =
            placed.pixels_shared_with(&Coverage::warped(pre, canvas, mapping.clone())) as f64;
        Self {
            section,
            post: both / placed.pixels().max(1) as f64,
            canvas: both / canvas.size().pixels().max(1) as f64,
        }
    }
}

/// The tile on which the alignment leaves the longest shift.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WorstTile {
    /// Column of its first pixel on the canvas.
    pub x: usize,
    /// Row of its first pixel.
    pub y: usize,
    /// Pixels per side.
    pub side_px: usize,
    /// What would still have to be added to post coordinates before the warp, px.
    pub dx: f64,
    /// See `dx`.
    pub dy: f64,
}

impl WorstTile {
    /// The worst of these tiles of raw post; none where none was measured.
    pub(crate) fn of(residuals: &[TileResidual], canvas: Canvas) -> Option<Self> {
        let worst = residuals
            .iter()
            .max_by(|a, b| a.length_px().total_cmp(&b.length_px()))?;
        Some(Self {
            x: worst.tile.x + canvas.pad(),
            y: worst.tile.y + canvas.pad(),
            side_px: worst.tile.side_px,
            dx: worst.dx,
            dy: worst.dy,
        })
    }

    /// Its middle, canvas px.
    pub fn centre(&self) -> [f64; 2] {
        let half = (self.side_px as f64 - 1.0) / 2.0;
        [self.x as f64 + half, self.y as f64 + half]
    }

    /// Length of the shift, px.
    pub fn length_px(&self) -> f64 {
        self.dx.hypot(self.dy)
    }
}

/// Features of the coarse alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureCounts {
    /// Found in post.
    pub post: usize,
    /// Found in pre.
    pub pre: usize,
    /// Alike in both.
    pub matched: usize,
    /// Agreeing on one warp.
    pub inliers: usize,
}

impl From<&CoarseAlignment> for FeatureCounts {
    fn from(found: &CoarseAlignment) -> Self {
        Self {
            post: found.features.0,
            pre: found.features.1,
            matched: found.matched,
            inliers: found.inliers,
        }
    }
}

/// The alignment by the section's boundary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundaryRecord {
    /// Rotation that the rings correlate best at, degrees.
    pub rotation_deg: f64,
    /// Magnification likewise.
    pub magnification: f64,
    /// Their correlation there.
    pub correlation: f64,
    /// Whether the fit by contour points was taken over.
    pub icp_accepted: bool,
    /// Why not.
    pub icp_reasons: Vec<String>,
    /// Its iterations.
    pub icp_iterations: usize,
    /// Contour points with a partner.
    pub icp_matched: usize,
    /// Distance of these from the other outline, root mean square, full-resolution px; none without a fit.
    pub icp_rms_px: Option<f64>,
    /// Whether the refinement by brightness was taken over; none where it was not asked for.
    pub ecc_accepted: Option<bool>,
    /// Why not.
    pub ecc_reasons: Vec<String>,
}

impl From<&BoundaryAlignment> for BoundaryRecord {
    fn from(found: &BoundaryAlignment) -> Self {
        let ecc = found.ecc.as_ref();
        Self {
            rotation_deg: found.rotation_deg,
            magnification: found.magnification,
            correlation: found.correlation,
            icp_accepted: found.icp.accepted,
            icp_reasons: found.icp.reasons.clone(),
            icp_iterations: found.icp.iterations,
            icp_matched: found.icp.matched,
            icp_rms_px: Some(found.icp.rms_px).filter(|v| v.is_finite()),
            ecc_accepted: ecc.map(|e| e.accepted),
            ecc_reasons: ecc.map(|e| e.reasons.clone()).unwrap_or_default(),
        }
    }
}

/// The correction by features inside the section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InteriorRecord {
    /// Features that found a partner near where it was expected.
    pub matched: usize,
    /// Of these, how many agree.
    pub inliers: usize,
    /// How far a corner of post moved, px.
    pub moved_px: f64,
    /// Why it was not kept.
    pub rejected: Option<String>,
}

impl From<&InteriorCorrection> for InteriorRecord {
    fn from(found: &InteriorCorrection) -> Self {
        Self {
            matched: found.matched,
            inliers: found.inliers,
            moved_px: found.moved_px,
            rejected: found.rejected.clone(),
        }
    }
}

/// The refinement by brightness on tiles at full resolution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RefinementRecord {
    /// Tiles that took part.
    pub tiles: usize,
    /// Share of the tiles that could be compared that took part and agree on the warp.
    pub inlier_ratio: f64,
    /// Levels of blur that were worked through.
    pub levels_completed: usize,
    /// How much blurrier post is than pre, sigma of a Gaussian in px; negative where pre is the blurrier one.
    pub defocus_px: f64,
    /// Why it was not kept.
    pub rejected: Option<String>,
}

impl From<&Refinement> for RefinementRecord {
    fn from(found: &Refinement) -> Self {
        Self {
            tiles: found.tiles,
            inlier_ratio: found.inlier_ratio,
            levels_completed: found.levels_completed,
            defocus_px: found.defocus_px,
            rejected: found.rejected.clone(),
        }
    }
}

/// The local correction: a displacement on top of the warp, which is in `warps.deformation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LocalRecord {
    /// The largest displacement over the section, px of post; none where it was not kept.
    pub max_px: Option<f64>,
    /// The median displacement.
    pub median_px: Option<f64>,
    /// Tiles it was fitted to.
    pub tiles: usize,
    /// Median residual of tiles outside the fit without it, px.
    pub residual_before_px: Option<f64>,
    /// The same with it.
    pub residual_after_px: Option<f64>,
    /// Why it was not kept.
    pub rejected: Option<String>,
}

impl LocalRecord {
    /// What is on record of an outcome; nothing of one that was not needed.
    pub(crate) fn of(outcome: &LocalOutcome) -> Option<Self> {
        match outcome {
            LocalOutcome::NotNeeded => None,
            LocalOutcome::NotKept(reason) => Some(Self {
                max_px: None,
                median_px: None,
                tiles: 0,
                residual_before_px: None,
                residual_after_px: None,
                rejected: Some(reason.clone()),
            }),
            LocalOutcome::Kept(local) => Some(Self {
                max_px: Some(local.max_px),
                median_px: Some(local.median_px),
                tiles: local.tiles,
                residual_before_px: Some(local.residual_before_px),
                residual_after_px: Some(local.residual_after_px),
                rejected: None,
            }),
        }
    }
}

/// The largest and the median displacement of a local correction that was kept, px: what headers of images say.
pub(crate) fn local_facts(alignment: &AlignmentRecord) -> Option<(f64, f64)> {
    let local = alignment.local.as_ref()?;
    Some((local.max_px?, local.median_px?))
}
