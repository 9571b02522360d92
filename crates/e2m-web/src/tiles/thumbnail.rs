//! Thumbnails of raw images, from few of their rows, kept within a limit.

use super::{Palette, Stretch};
use crate::error::Refusal;
use e2m_image::{BandError, BandSource};
use e2m_pipeline::StageImage;
use e2m_plot::ZoomStretch;
use ndarray::{Array2, Axis};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Pixels of the longer side.
const SIDE_PX: usize = 256;
/// All that are kept take no more: a thumbnail takes up to 64 kB.
const MOST_BYTES: usize = 16 << 20;

/// A small picture of an image: of every so many rows one, of every so many columns their mean. The error is that of the source, or what
/// is wrong with the picture.
pub(crate) fn thumbnail(
    source: &mut dyn BandSource,
) -> Result<Vec<u8>, Result<Refusal, BandError>> {
    let pixels = few_rows(source).map_err(Err)?;
    let (range, _) = Stretch::of(StageImage::Post, pixels.view(), ZoomStretch::Asinh);
    // An image of one value has no range.
    let range = range.check().unwrap_or(Stretch {
        low: range.low,
        high: range.low + 1.0,
        knee: None,
    });
    range.png(Palette::Grey, pixels.view()).map_err(Ok)
}

fn few_rows(source: &mut dyn BandSource) -> Result<Array2<f32>, BandError> {
    let size = source.size();
    let step = size.width.max(size.height).div_ceil(SIDE_PX).max(1);
    let shape = (size.height.div_ceil(step), size.width.div_ceil(step));
    let mut pixels = Array2::zeros(shape);
    let mut row = Array2::zeros((1, size.width));
    for (index, mut small) in pixels.outer_iter_mut().enumerate() {
        let middle = (index * step + step / 2).min(size.height.saturating_sub(1));
        source.read_band(middle, row.view_mut())?;
        let parts = row.axis_chunks_iter(Axis(1), step);
        for (pixel, part) in small.iter_mut().zip(parts) {
            *pixel = part.mean().unwrap_or(f32::NAN);
        }
    }
    Ok(pixels)
}

/// Those that were made. What was made first goes first.
#[derive(Debug, Default)]
pub(crate) struct Thumbnails(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    pictures: HashMap<String, (u64, Vec<u8>)>,
    made: u64,
}

impl Thumbnails {
    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pictures.get(key).map(|(_, png)| png.clone())
    }

    pub(crate) fn keep(&self, key: String, png: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.made += 1;
        let made = kept.made;
        kept.pictures.insert(key, (made, png.to_vec()));
        let bytes = |kept: &Kept| {
            kept.pictures
                .values()
                .map(|(_, png)| png.len())
                .sum::<usize>()
        };
        while kept.pictures.len() > 1 && bytes(&kept) > MOST_BYTES {
            let first = kept.pictures.iter().min_by_key(|(_, (made, _))| *made);
            let Some(first) = first.map(|(key, _)| key.clone()) else {
                return;
            };
            kept.pictures.remove(&first);
        }
    }

    /// Bytes that all of them take.
    pub(crate) fn bytes(&self) -> u64 {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pictures
            .values()
            .map(|(_, png)| png.len() as u64)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_image::{Plane, PlaneSource};

    #[test]
    fn a_thumbnail_shows_the_whole_image_in_few_pixels() {
        let image = Array2::from_shape_fn((900, 700), |(y, _)| y as f32);
        let plane = Plane::from(image);
        let small = few_rows(&mut PlaneSource::new(&plane)).expect("pixels");
        assert_eq!(small.dim(), (225, 175));
        assert_eq!((small[(0, 0)], small[(224, 174)]), (2.0, 898.0));
        let one_value = Plane::from(Array2::<f32>::ones((30, 20)));
        assert!(thumbnail(&mut PlaneSource::new(&one_value)).is_ok());
    }

    #[test]
    fn what_was_made_first_makes_room() {
        let thumbnails = Thumbnails::default();
        let png = vec![0; MOST_BYTES / 3];
        for key in ["a", "b", "c", "d"] {
            thumbnails.keep(key.into(), &png);
        }
        assert!(thumbnails.bytes() as usize <= MOST_BYTES);
        assert!(thumbnails.get("a").is_none() && thumbnails.get("d").is_some());
    }
}
