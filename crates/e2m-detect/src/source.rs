//! The pair as it is read: bands of post, of aligned pre, and of a mask.

use crate::options::PairFacts;
use e2m_image::{BandError, Size, check_band};
use ndarray::{ArrayView2, ArrayViewMut2, s};

/// Bits of a mask, as stage 4 of e2m writes them.
pub mod mask {
    /// Post has no pixel here.
    pub const NO_POST: u8 = 1;
    /// Pre has no pixel here.
    pub const NO_PRE: u8 = 2;
    /// Post is saturated here.
    pub const SATURATED_POST: u8 = 4;
    /// Pre is saturated here.
    pub const SATURATED_PRE: u8 = 8;
    /// A hot pixel, dirt or dust lies here.
    pub const DEFECT: u8 = 16;
    /// The images do not match here.
    pub const MISALIGNED: u8 = 32;
    /// Where there is nothing to subtract, or nothing to subtract from.
    pub const NO_DATA: u8 = NO_POST | NO_PRE;
}

/// An aligned pair that can be read by bands of rows, in any order and more than once.
///
/// The same row has to be the same whenever it is read.
pub trait PairSource {
    /// Width and height of both images.
    fn size(&self) -> Size;

    /// Fills the three bands, shape `(rows, width)`, from `first_row` on: counts of post, counts of aligned pre, and the flags
    /// of [`mask`].
    fn read_pair(
        &mut self,
        first_row: usize,
        post: ArrayViewMut2<'_, f32>,
        aligned: ArrayViewMut2<'_, f32>,
        mask: ArrayViewMut2<'_, u8>,
    ) -> Result<(), BandError>;
}

/// A pair in memory, for small images and other programs.
#[derive(Debug, Clone, Copy)]
pub struct PairArrays<'a> {
    post: ArrayView2<'a, f32>,
    aligned: ArrayView2<'a, f32>,
    mask: Option<ArrayView2<'a, u8>>,
}

impl<'a> PairArrays<'a> {
    /// Both images, shape `(height, width)`; without a mask every pixel has data. `None` where the shapes differ.
    pub fn new(
        post: ArrayView2<'a, f32>,
        aligned: ArrayView2<'a, f32>,
        mask: Option<ArrayView2<'a, u8>>,
    ) -> Option<Self> {
        let is_of_shape = mask.is_none_or(|mask| mask.dim() == post.dim());
        (post.dim() == aligned.dim() && is_of_shape).then_some(Self {
            post,
            aligned,
            mask,
        })
    }
}

impl PairSource for PairArrays<'_> {
    fn size(&self) -> Size {
        let (height, width) = self.post.dim();
        Size::new(width, height)
    }

    fn read_pair(
        &mut self,
        first_row: usize,
        mut post: ArrayViewMut2<'_, f32>,
        mut aligned: ArrayViewMut2<'_, f32>,
        mut mask: ArrayViewMut2<'_, u8>,
    ) -> Result<(), BandError> {
        check_band(self.size(), first_row, post.dim())?;
        let rows = s![first_row..first_row + post.nrows(), ..];
        post.assign(&self.post.slice(rows));
        aligned.assign(&self.aligned.slice(rows));
        match self.mask {
            Some(of_pair) => mask.assign(&of_pair.slice(rows)),
            None => mask.fill(0),
        }
        Ok(())
    }
}

/// Turns what was read into the difference and the background, in place: post becomes `post - background`, aligned becomes
/// `scale x (aligned - black of pre)`. Pixels without data become 0 in both; so do those that are no numbers, which are
/// marked as without data.
pub(crate) fn subtract(facts: &PairFacts, post: &mut [f32], aligned: &mut [f32], mask: &mut [u8]) {
    for ((post, aligned), mask) in post.iter_mut().zip(aligned).zip(mask) {
        let background = facts.scale * (f64::from(*aligned) - facts.pre_black);
        let difference = f64::from(*post) - facts.post_black - background;
        if !difference.is_finite() {
            *mask |= mask::NO_DATA;
        }
        if *mask & mask::NO_DATA != 0 {
            (*post, *aligned) = (0.0, 0.0);
        } else {
            (*post, *aligned) = (difference as f32, background as f32);
        }
    }
}
