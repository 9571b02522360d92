//! What can be chosen about a refinement.

use e2m_image::Size;

/// Options of [`refine`](crate::refine), [`align_fine`](crate::align_fine) and [`choose_tiles`](crate::choose_tiles).
///
/// The defaults are meant for fluorescence images of whole sections. Change one of them when a verdict or a `rejected`
/// reason names what it limits.
#[derive(Debug, Clone, PartialEq)]
pub struct RefineOptions {
    /// Side of a tile in full-resolution px; smaller on images that would hold too few.
    ///
    /// Larger: each tile carries more blur, so larger errors are put right, and its own shift is more certain; fewer tiles fit
    /// between holes and borders. Smaller: more places are seen, each less certainly. Less than 48 is taken as 48. A section or
    /// an overlap that holds too few tiles is divided into smaller ones, of 32 px at least.
    pub tile_px: usize,
    /// Gaussian blur of the smoothest level, px; tiles of 192 px carry no more than 8.
    ///
    /// Larger: larger errors of the initial warp are put right, about as many px as the blur. Smaller: faster by a level for
    /// each halving, for an initial warp that is known to be close.
    pub smoothest_px: f64,
    /// At most this many tiles for the fit.
    ///
    /// Larger: the fit is more certain where structure is faint, and time grows alike. Smaller: faster; below 8 nothing is
    /// fitted, and 0 leaves the initial warp as it is. Where an image holds fewer tiles than both limits allow, they are
    /// divided in the proportion of the limits.
    pub fit_tiles: usize,
    /// At most this many tiles for the check.
    ///
    /// Larger: a local deformation is found more surely. Smaller: faster, and the verdict rests on less; with 0 nothing is
    /// checked, and the verdict is `suspect`.
    pub check_tiles: usize,
    /// The refinement may move no point of the image by more, in full-resolution px.
    ///
    /// Larger: a poor initial warp may be put right. Smaller: when the initial warp is known to be good, a refinement that
    /// runs away is refused sooner.
    pub max_correction_px: f64,
    /// Share of the compared tiles that must agree on the refined warp: see
    /// [`Refinement::inlier_ratio`](crate::Refinement::inlier_ratio).
    ///
    /// Larger: only sections that moved as one piece are refined. Smaller: sections that are deformed or much stained are
    /// refined too, with less to support the result.
    pub min_inlier_ratio: f64,
}

impl Default for RefineOptions {
    fn default() -> Self {
        Self {
            tile_px: 192,
            smoothest_px: 8.0,
            fit_tiles: 96,
            check_tiles: 48,
            max_correction_px: 500.0,
            min_inlier_ratio: 0.4,
        }
    }
}

impl RefineOptions {
    /// Smallest tile that still carries structure.
    const MIN_TILE_PX: usize = 48;
    /// Smallest tile at all, where a section or what both images see of it holds too few larger ones.
    pub(crate) const LEAST_TILE_PX: usize = 32;
    /// Tiles that should fit along the shorter side of an image.
    const TILES_PER_SIDE: usize = 12;

    /// The tile side for an image of `size`.
    pub(crate) fn tile_side(&self, size: Size) -> usize {
        let shorter = size.width.min(size.height);
        (shorter / Self::TILES_PER_SIDE)
            .clamp(Self::MIN_TILE_PX, self.tile_px.max(Self::MIN_TILE_PX))
    }
}
