//! Both images at reduced resolution: what the coarse alignment sees.

use crate::search::boundary::section_shares;
use crate::search::coarse::{CoarseAlignment, FeaturePair, find_by_features};
use crate::search::detail::detail_image;
use crate::search::error::{AlignError, Side};
use crate::search::features::{Features, detect};
use crate::search::instrument::instrument;
use crate::search::options::CoarseOptions;
use e2m_image::{Defects, HighestLevels, Size, preview_factor};
use ndarray::{Array2, ArrayView2, Axis};
use std::sync::OnceLock;

/// Images smaller than this on a side hold no structure that features could be found in.
const MIN_SIDE_PX: usize = 24;

/// No preview is made narrower than this for its length, px.
const LEAST_SHORTER_PX: usize = 160;

/// By how much post and pre are reduced for their previews: the longer side to at most `longer_px`, except for long strips,
/// whose shorter side is left with 160 px as far as the previews have no more pixels than a square of `longer_px`.
pub fn search_factor(post: Size, pre: Size, longer_px: usize) -> usize {
    let factor = preview_factor(post.max(pre), longer_px);
    let sides = [post.width, post.height, pre.width, pre.height];
    let shorter = sides.into_iter().min().unwrap_or(0);
    if shorter / factor >= LEAST_SHORTER_PX {
        return factor;
    }
    let pixels = post.pixels().max(pre.pixels()) as f64;
    let by_area = (pixels.sqrt() / longer_px.max(1) as f64).ceil() as usize;
    (shorter / LEAST_SHORTER_PX).max(by_area).clamp(1, factor)
}

/// What is known of the pixels of an image besides what they show.
#[derive(Debug, Clone)]
pub struct SensorFindings {
    /// Those that belong to the sensor. The alignment does not see them.
    pub defects: Defects,
    /// How many have each of the highest values, which tells whether they are cut off there.
    pub highest: HighestLevels,
}

/// Post and pre, reduced by the same factor, and what has been found in them so far.
#[derive(Debug)]
pub struct Previews {
    factor: usize,
    images: [Array2<f32>; 2],
    sensor: Option<[SensorFindings; 2]>,
    details: OnceLock<[Array2<u8>; 2]>,
    /// Where both show the instrument.
    instrument: OnceLock<Option<Array2<bool>>>,
    /// Features at half the size and at full size.
    features: [OnceLock<[Features; 2]>; 2],
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
            sensor: None,
            details: OnceLock::new(),
            instrument: OnceLock::new(),
            features: [OnceLock::new(), OnceLock::new()],
        })
    }

    /// The same of images of which this is known at full resolution; defects are taken out of the previews.
    #[must_use]
    pub fn with_sensor(mut self, sensor: [SensorFindings; 2]) -> Self {
        for (image, own) in self.images.iter_mut().zip(&sensor) {
            own.defects.mend_preview(self.factor, image);
        }
        self.sensor = Some(sensor);
        self
    }

    /// What is known of the pixels of post and pre at full resolution, if they were looked at.
    pub fn sensor(&self) -> Option<&[SensorFindings; 2]> {
        self.sensor.as_ref()
    }

    /// The shares of post's and pre's frame that the section takes; all of it where it has no outline.
    pub fn section_shares(&self) -> [f64; 2] {
        section_shares(self.post(), self.pre())
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

    /// The features of post and pre, at half the size of the previews or at full size; in pixels of the previews.
    pub(crate) fn features(
        &self,
        scale: DetectionScale,
        options: &CoarseOptions,
    ) -> Result<&[Features; 2], AlignError> {
        let cell = &self.features[scale as usize];
        if let Some(features) = cell.get() {
            return Ok(features);
        }
        let [post, pre] = self.details()?;
        let (post, pre) = rayon::join(
            || detect_at(post.view(), scale, options),
            || detect_at(pre.view(), scale, options),
        );
        let features = [self.beside_instrument(post?), self.beside_instrument(pre?)];
        Ok(cell.get_or_init(|| features))
    }

    /// Where both images show the instrument, in px of the previews.
    pub(crate) fn instrument(&self) -> Option<&Array2<bool>> {
        let found = || instrument(self.post(), self.pre());
        self.instrument.get_or_init(found).as_ref()
    }

    /// The features that are not the instrument's.
    fn beside_instrument(&self, features: Features) -> Features {
        let Some(rims) = self.instrument() else {
            return features;
        };
        let is_beside = |&(x, y): &(f64, f64)| {
            let at = (y.round().max(0.0) as usize, x.round().max(0.0) as usize);
            rims.get(at).is_none_or(|rim| !rim)
        };
        let kept: Vec<usize> = (0..features.points.len())
            .filter(|&i| is_beside(&features.points[i]))
            .collect();
        Features {
            points: kept.iter().map(|&i| features.points[i]).collect(),
            descriptors: features.descriptors.select(Axis(0), &kept),
        }
    }

    /// Previews that are small already are not made smaller.
    pub(crate) fn first_scale(&self, options: &CoarseOptions) -> DetectionScale {
        let longer = |image: &Array2<f32>| image.nrows().max(image.ncols());
        let is_small = self.images.iter().map(longer).max() < Some(options.quick_from_px);
        if is_small {
            DetectionScale::Full
        } else {
            DetectionScale::Half
        }
    }

    /// Finds the warp between the two by SIFT features: any rotation, magnifications up to `max_magnification`, sections
    /// that fill the frame or come in pieces. Half the size of the previews is tried first, which finds most pairs in a
    /// fraction of the time.
    ///
    /// # Errors
    /// Where an image is blank or without features, where the features do not agree, where what they agree on is no pair
    /// of images of one section, and where one of the images is mirrored.
    pub fn align_by_features(
        &self,
        options: &CoarseOptions,
    ) -> Result<CoarseAlignment, AlignError> {
        let mut quick = None;
        if self.first_scale(options) == DetectionScale::Half {
            match self.find(DetectionScale::Half, options) {
                Ok(found) if found.is_clear() => return Ok(found),
                found => quick = found.ok(),
            }
        }
        // Where noise hides the finest structure, half the size may show what the full size does not.
        self.find(DetectionScale::Full, options)
            .or_else(|error| quick.ok_or_else(|| self.mirrored(options).unwrap_or(error)))
    }

    fn find(
        &self,
        scale: DetectionScale,
        options: &CoarseOptions,
    ) -> Result<CoarseAlignment, AlignError> {
        let [post, pre] = self.features(scale, options)?;
        find_by_features(&self.pair(post, pre), options)
    }

    fn pair<'a>(&self, post: &'a Features, pre: &'a Features) -> FeaturePair<'a> {
        FeaturePair {
            post,
            pre,
            post_shape: self.post().dim(),
            factor: self.factor,
        }
    }

    /// Whether pre fits post once it is mirrored, as an error that says so: features agree on a warp then, and tiles of the
    /// previews do, more of them than at wrong places.
    pub fn mirrored(&self, options: &CoarseOptions) -> Option<AlignError> {
        let [_, pre_detail] = self.details().ok()?;
        let mut flipped = pre_detail.clone();
        flipped.invert_axis(Axis(1));
        let [post, _] = self.features(DetectionScale::Full, options).ok()?;
        let pre = detect_at(flipped.view(), DetectionScale::Full, options).ok()?;
        let found = find_by_features(&self.pair(post, &pre), options).ok()?;
        let last = self.pre().ncols() - 1;
        let flipped = Array2::from_shape_fn(self.pre().dim(), |(y, x)| self.pre()[(y, last - x)]);
        let trial = self.trial_with(flipped.view(), &found.warp);
        tracing::debug!(inliers = found.inliers, ?trial, "pre mirrored");
        let is_mirrored = trial.convinces() || (trial.is_silent() && found.is_clear());
        is_mirrored.then_some(AlignError::Mirrored {
            inliers: found.inliers,
        })
    }
}

/// The size at which features are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DetectionScale {
    /// Half the size of the previews.
    Half,
    /// The size of the previews.
    Full,
}

/// Features in pixels of the preview that `detail` was made from.
fn detect_at(
    detail: ArrayView2<'_, u8>,
    scale: DetectionScale,
    options: &CoarseOptions,
) -> opencv::Result<Features> {
    match scale {
        DetectionScale::Full => detect(detail, options.max_features),
        DetectionScale::Half => {
            let mut features = detect(halved(detail).view(), options.max_features / 2)?;
            for (x, y) in &mut features.points {
                (*x, *y) = (2.0 * *x + 0.5, 2.0 * *y + 0.5);
            }
            Ok(features)
        }
    }
}

/// Means of 2 x 2 pixels.
fn halved(image: ArrayView2<'_, u8>) -> Array2<u8> {
    let (height, width) = image.dim();
    Array2::from_shape_fn((height / 2, width / 2), |(y, x)| {
        let at = |j: usize, i: usize| u16::from(image[(2 * y + j, 2 * x + i)]);
        ((at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1) + 2) / 4) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_side_of_a_strip_is_not_reduced_away() {
        let factor = |width, height| {
            let size = Size::new(width, height);
            search_factor(size, size, 1600)
        };
        assert_eq!(factor(30_000, 25_000), 19);
        assert_eq!(factor(16_000, 1_600), 10);
        for (width, height) in [
            (30_000, 300),
            (300, 30_000),
            (30_000, 2_000),
            (60_000, 500),
            (9_000, 100),
        ] {
            let factor = factor(width, height);
            let pixels = (width / factor) * (height / factor);
            assert!(pixels <= 1600 * 1600, "{width} x {height}: 1 / {factor}");
            let shorter = width.min(height) / factor;
            assert!(
                shorter >= 60,
                "{width} x {height}: {shorter} px at 1 / {factor}"
            );
        }
        assert_eq!(factor(500, 100), 1);
    }
}
