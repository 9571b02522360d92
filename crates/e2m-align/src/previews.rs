//! Both images at reduced resolution: what the coarse alignment sees.

use crate::coarse::{CoarseAlignment, Sought, find_by_features};
use crate::detail::detail_image;
use crate::error::{AlignError, Side};
use crate::features::{Features, detect};
use crate::options::CoarseOptions;
use ndarray::{Array2, ArrayView2};
use std::sync::OnceLock;

/// Images smaller than this on a side hold no structure that features could be found in.
const MIN_SIDE_PX: usize = 24;

/// Post and pre, reduced by the same factor, and what has been found in them so far.
#[derive(Debug)]
pub struct Previews {
    factor: usize,
    images: [Array2<f32>; 2],
    details: OnceLock<[Array2<u8>; 2]>,
    features: OnceLock<[Features; 2]>,
}

impl Previews {
    /// Two images of shape `(height, width)`, each the mean over blocks of `factor` x `factor` px
    /// ([`e2m_image::BlockMean`]); 1 for full resolution.
    ///
    /// # Errors
    /// Where an image is too small to hold structure.
    pub fn new(post: Array2<f32>, pre: Array2<f32>, factor: usize) -> Result<Self, AlignError> {
        for (image, side) in [(&post, Side::Post), (&pre, Side::Pre)] {
            let (height, width) = image.dim();
            if height.min(width) < MIN_SIDE_PX {
                return Err(AlignError::TooSmall {
                    side,
                    width: width * factor,
                    height: height * factor,
                    least: MIN_SIDE_PX * factor,
                });
            }
        }
        Ok(Self {
            factor: factor.max(1),
            images: [post, pre],
            details: OnceLock::new(),
            features: OnceLock::new(),
        })
    }

    /// Full-resolution pixels per pixel, along a side.
    pub fn factor(&self) -> usize {
        self.factor
    }

    /// The reduced post image.
    pub fn post(&self) -> ArrayView2<'_, f32> {
        self.images[0].view()
    }

    /// The reduced pre image.
    pub fn pre(&self) -> ArrayView2<'_, f32> {
        self.images[1].view()
    }

    /// The detail images of post and pre.
    pub(crate) fn details(&self) -> Result<&[Array2<u8>; 2], AlignError> {
        if let Some(details) = self.details.get() {
            return Ok(details);
        }
        let (post, pre) = rayon::join(
            || detail_image(self.post(), Side::Post),
            || detail_image(self.pre(), Side::Pre),
        );
        let details = [post?, pre?];
        Ok(self.details.get_or_init(|| details))
    }

    /// The features of post and pre.
    pub(crate) fn features(&self, options: &CoarseOptions) -> Result<&[Features; 2], AlignError> {
        if let Some(features) = self.features.get() {
            return Ok(features);
        }
        let [post, pre] = self.details()?;
        let features = [
            detect(post.view(), options.max_features)?,
            detect(pre.view(), options.max_features)?,
        ];
        Ok(self.features.get_or_init(|| features))
    }

    /// Finds the warp between the two by SIFT features: any rotation, magnifications up to `max_magnification`, sections
    /// that fill the frame or come in pieces.
    ///
    /// # Errors
    /// Where an image is blank or without features, where the features do not agree, where what they agree on is no pair
    /// of images of one section, and where one of the images is mirrored.
    pub fn align_by_features(
        &self,
        options: &CoarseOptions,
    ) -> Result<CoarseAlignment, AlignError> {
        let [post, pre] = self.features(options)?;
        let sought = Sought {
            post,
            pre,
            post_shape: self.post().dim(),
            factor: self.factor,
        };
        find_by_features(&sought, options).map_err(|error| self.mirrored(options).unwrap_or(error))
    }

    /// Whether pre fits post once it is mirrored, as an error that says so.
    pub fn mirrored(&self, options: &CoarseOptions) -> Option<AlignError> {
        let [_, pre_detail] = self.details().ok()?;
        let mut flipped = pre_detail.clone();
        flipped.invert_axis(ndarray::Axis(1));
        let [post, _] = self.features(options).ok()?;
        let pre = detect(flipped.view(), options.max_features).ok()?;
        let sought = Sought {
            post,
            pre: &pre,
            post_shape: self.post().dim(),
            factor: self.factor,
        };
        let found = find_by_features(&sought, options).ok()?;
        Some(AlignError::Mirrored {
            inliers: found.inliers,
        })
    }
}
