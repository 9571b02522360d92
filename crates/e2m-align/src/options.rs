//! What can be chosen about an alignment.

use e2m_image::Size;

/// Options of [`Previews::align_by_features`](crate::Previews::align_by_features).
#[derive(Debug, Clone, PartialEq)]
pub struct CoarseOptions {
    /// Longer side, in px, of the images that features are looked for in, at most. Memory and time follow it; the
    /// features leave about a fifth of a pixel at this size, which the refinement takes care of.
    pub working_px: usize,
    /// Images at least this long, in px of the working image, are first tried at half the size.
    pub quick_from_px: usize,
    /// At most this many features per image.
    pub max_features: usize,
    /// How far a match may lie from the warp it supports, in px of the working image.
    pub tolerance_px: f64,
    /// Magnification of pre against post beyond this factor, either way, is no pair of images of one section.
    pub max_magnification: f64,
}

impl Default for CoarseOptions {
    fn default() -> Self {
        Self {
            working_px: 1600,
            quick_from_px: 900,
            max_features: 6000,
            tolerance_px: 3.0,
            max_magnification: 2.5,
        }
    }
}

/// Options of [`refine`](crate::refine).
#[derive(Debug, Clone, PartialEq)]
pub struct RefineOptions {
    /// Side of a tile in full-resolution px; smaller on images that would hold too few.
    pub tile_px: usize,
    /// Gaussian blur of the smoothest level, px; tiles of 192 px carry no more than 8. The smoother, the larger the error
    /// that is put right, about as many px.
    pub smoothest_px: f64,
    /// At most this many tiles for the fit.
    pub fit_tiles: usize,
    /// At most this many tiles for the check.
    pub check_tiles: usize,
    /// The refinement may move no point of the image by more, in full-resolution px.
    pub max_correction_px: f64,
    /// Share of the tiles that must agree on the refined warp.
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
    /// Tiles that should fit along the shorter side of an image.
    const TILES_PER_SIDE: usize = 12;

    /// The tile side for an image of `size`.
    pub(crate) fn tile_side(&self, size: Size) -> usize {
        let shorter = size.width.min(size.height);
        (shorter / Self::TILES_PER_SIDE)
            .clamp(Self::MIN_TILE_PX, self.tile_px.max(Self::MIN_TILE_PX))
    }
}
