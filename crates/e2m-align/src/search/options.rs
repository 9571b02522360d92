//! What can be chosen about the search by features.

/// Options of [`Previews::align_by_features`](crate::Previews::align_by_features) and
/// [`Previews::correct_inside`](crate::Previews::correct_inside).
#[derive(Debug, Clone, PartialEq)]
pub struct CoarseOptions {
    /// Longer side, in px, of the previews that features are looked for in, at most.
    ///
    /// Larger: finer structure is seen, for sections whose only structure is fine; memory and time grow with the square.
    /// Smaller: faster, and a first warp that is less exact. At 1,600 px the features leave about a fifth of a pixel of the
    /// preview, which the refinement takes care of.
    pub working_px: usize,
    /// Previews at least this long, in px, are first tried at half the size.
    ///
    /// Larger: fewer images get the quick try. Smaller: more of them do; a pair that fails it is tried at full size.
    pub quick_from_px: usize,
    /// At most this many features per image.
    ///
    /// Larger: pairs with little in common may still be found; time grows with the square. Smaller: faster.
    pub max_features: usize,
    /// How far a match may lie from the warp it supports, in px of the preview.
    ///
    /// Larger: a deformed section still agrees on one warp, and so does more chance. Smaller: matches have to fit more
    /// exactly, and a deformed section may find too few.
    pub tolerance_px: f64,
    /// Magnification of pre against post beyond this factor, either way, is no pair of images of one section.
    ///
    /// Larger: for images by different objectives. Smaller: where the microscope is known to be the same, warps by chance are
    /// refused sooner.
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
