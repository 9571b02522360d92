//! Why an alignment was not found.

use e2m_image::BandError;

/// The image a fact belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// After staining.
    Post,
    /// Before staining.
    Pre,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Post => "post",
            Self::Pre => "pre",
        })
    }
}

/// Why what was found is no outline of a section.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum OutlineFlaw {
    /// The section goes on beyond the image.
    #[error("the section covers {:.0} % of the frame's border", 100.0 * frame_share)]
    FillsFrame {
        /// Share of the frame's border that lies in the section.
        frame_share: f64,
    },
    /// Nothing large enough to be a section.
    #[error("what is bright covers {:.2} % of the image only", 100.0 * area_share)]
    Tiny {
        /// Share of the image.
        area_share: f64,
    },
    /// A cloud of bright specks.
    #[error(
        "what is bright is scattered: its {pieces} larger pieces hold {:.0} % of it and are {:.0} % full",
        100.0 * kept_share, 100.0 * filled_share
    )]
    Scattered {
        /// Pieces of at least a tenth of the largest.
        pieces: usize,
        /// Share of the bright pixels that lie in pieces of some size.
        kept_share: f64,
        /// Share of these pieces' area that is bright.
        filled_share: f64,
    },
    /// What lies beside it is no empty glass.
    #[error(
        "what is darker than the rest is not empty: its brightness varies by {:.0} % of the difference between both, \
         as from grain to grain of a section that fills the frame", 100.0 * glass_spread
    )]
    NoGlass {
        /// Spread of the brightness outside, over the difference between inside and outside.
        glass_spread: f64,
    },
}

/// Why no warp could be given. Every variant but [`Bands`](Self::Bands) is a final answer about this pair, not a passing
/// fault.
#[derive(Debug, thiserror::Error)]
pub enum AlignError {
    /// An image without any contrast.
    #[error("the {side} image is blank: all of its pixels have the value {value}")]
    Blank {
        /// Which image.
        side: Side,
        /// The value of all its pixels.
        value: f32,
    },
    /// An image whose pixels nearly all have the highest value that it can hold.
    #[error(
        "the {side} image is clipped: {:.1} % of its pixels have the highest value, {value}, so that nothing of the section is \
         seen. Was it exposed too long, or is it a sum of channels that does not fit its type? Export it again with a larger \
         range, or choose another channel", 100.0 * share
    )]
    Clipped {
        /// Which image.
        side: Side,
        /// The value of these pixels.
        value: f32,
        /// Their share, 0 to 1.
        share: f64,
    },
    /// Too small to hold any structure to follow.
    #[error(
        "the {side} image has {width} x {height} px, alignment needs at least {least} px on each side"
    )]
    TooSmall {
        /// Which image.
        side: Side,
        /// Its columns.
        width: usize,
        /// Its rows.
        height: usize,
        /// What is needed.
        least: usize,
    },
    /// Not enough distinct structure in an image.
    #[error(
        "only {found} features were found in the {side} image, alignment needs {needed}: is it out of focus, saturated or empty?"
    )]
    FewFeatures {
        /// Which image.
        side: Side,
        /// Features found.
        found: usize,
        /// Features needed.
        needed: usize,
    },
    /// The features of the two images do not fit together.
    #[error(
        "only {consistent} of {matched} matched features agree on one warp, {needed} are needed: \
         do both images show the same section?"
    )]
    FewMatches {
        /// Pairs of features that look alike.
        matched: usize,
        /// Of these, how many agree with the best warp.
        consistent: usize,
        /// How many must agree.
        needed: usize,
    },
    /// A warp no microscope makes.
    #[error("the best warp found is implausible ({reason}): do both images show the same section?")]
    Implausible {
        /// What is wrong with it, with figures.
        reason: String,
    },
    /// No method of coarse alignment found a warp.
    #[error("no method aligns the pair ({reasons})")]
    NoMethod {
        /// Each method with its reason.
        reasons: String,
    },
    /// One image shows the section from behind.
    #[error(
        "pre is a mirror image of post: {inliers} features agree once it is flipped; flip one of the two and run again"
    )]
    Mirrored {
        /// Features that agree on one warp after flipping pre left to right.
        inliers: usize,
    },
    /// No outline that the boundary alignment could follow. Another method may well align the pair.
    #[error("the {side} image shows no outline of a section to follow: {flaw}")]
    NoOutline {
        /// Which image.
        side: Side,
        /// What was found instead.
        flaw: OutlineFlaw,
    },
    /// An option that no search can be made with.
    #[error("{name} = {value} {reason}")]
    Option {
        /// Its name among the parameters.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        reason: &'static str,
    },
    /// An image could not be read, or the caller asked to stop. Does not occur with images in memory.
    #[error(transparent)]
    Bands(#[from] BandError),
    /// OpenCV refused.
    #[error("OpenCV: {0}")]
    OpenCv(#[from] opencv::Error),
}
