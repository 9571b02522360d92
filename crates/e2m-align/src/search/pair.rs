//! All steps for two images in memory.

use crate::check::Check;
use crate::local::LocalOutcome;
use crate::refine::Refinement;
use crate::search::aligner::{AlignOptions, Aligner};
use crate::search::choice::CoarseChoice;
use crate::search::error::AlignError;
use crate::search::interior::InteriorCorrection;
use crate::search::similarity::Similarity;
use crate::verdict::Assessment;
use e2m_image::{Mapping, PlaneSource, PlaneView, Warp};

/// A warp with what is known about its quality.
#[derive(Debug, Clone)]
pub struct Alignment {
    /// Post pixels to pre pixels, by a homography alone.
    pub warp: Warp,
    /// Post pixels to pre pixels: `warp`, with the local correction on top where one was kept.
    pub mapping: Mapping,
    /// What came of the local correction; `None` where none was asked for.
    pub local: Option<LocalOutcome>,
    /// The coarse alignment.
    pub coarse: CoarseChoice,
    /// The correction by features inside the section; `None` where the options do not ask for it.
    pub interior: Option<InteriorCorrection>,
    /// The refinement at full resolution.
    pub refinement: Refinement,
    /// What tiles that took no part in the fit say about the mapping.
    pub check: Check,
    /// Similarity of the whole at the working size.
    pub similarity: Similarity,
    /// What is to be thought of it.
    pub assessment: Assessment,
}

/// Aligns `pre` to `post`: array views of u8, u16 or f32, shape `(height, width)`, of the same or different sizes.
///
/// Use [`Aligner`] where post is too large for memory, or where steps are to be watched, stopped or taken up again.
///
/// # Errors
/// See [`AlignError`]; all of them mean that no warp was found. A warp that was found may still be wrong: see
/// [`Alignment::assessment`].
pub fn align<'a>(
    post: impl Into<PlaneView<'a>>,
    pre: impl Into<PlaneView<'a>>,
    options: &AlignOptions,
) -> Result<Alignment, AlignError> {
    let (post, pre) = (post.into(), pre.into());
    let aligner = Aligner::new(post.size(), pre.size(), options.clone());
    let mut bands = PlaneSource::new(post);
    let previews = aligner.read_previews(&mut bands, pre, &mut ())?;
    let coarse = aligner.align_coarsely(&previews, &mut ())?;
    let found = aligner.align_finely(&previews, &coarse.warp, &mut bands, pre, &mut ())?;
    let (similarity, assessment) = aligner.assess(&previews, &found, &mut ())?;
    Ok(Alignment {
        warp: found.fine.warp,
        mapping: found.fine.mapping(),
        local: found.fine.local,
        coarse,
        interior: found.interior,
        refinement: found.fine.refinement,
        check: found.fine.check,
        similarity,
        assessment,
    })
}
