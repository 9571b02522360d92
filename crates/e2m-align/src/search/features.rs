//! SIFT features, found tile by tile so that memory does not grow with the image.
//!
//! Lowe, D. G. (2004), "Distinctive image features from scale-invariant keypoints", doi:10.1023/B:VISI.0000029664.99615.94;
//! descriptors are compared by the Hellinger kernel (RootSIFT): Arandjelović & Zisserman (2012),
//! doi:10.1109/CVPR.2012.6248018.

use crate::search::cv::{single_threaded, to_mat};
use ndarray::{Array2, ArrayView2, s};
use opencv::core::{
    KeyPoint, KeyPointTraitConst, Mat, MatTraitConst, MatTraitConstManual, Point2f, Vector,
};
use opencv::features2d::SIFT;
use opencv::prelude::*;

/// Length of a SIFT descriptor.
pub(crate) const DESCRIPTOR_LENGTH: usize = 128;
/// Side of the square that a tile is responsible for. OpenCV's SIFT needs some 60 bytes per pixel of a tile with its
/// margin, four times over because it starts at twice the resolution: 80 MB at this size. Tiles of one image are worked on
/// one after the other, so that memory does not grow with the number of cores; post and pre side by side.
const TILE_PX: usize = 512;
/// Bytes that SIFT needs per pixel of a tile.
pub(crate) const BYTES_PER_TILE_PIXEL: u64 = 240;
/// Bytes that SIFT needs for a whole tile.
pub(crate) const TILE_BYTES: u64 = BYTES_PER_TILE_PIXEL * ((TILE_PX + 2 * MARGIN_PX) as u64).pow(2);
/// What a tile sees beyond its square: a keypoint at the edge needs its neighbourhood.
const MARGIN_PX: usize = 40;
/// Side of the squares that share the features evenly.
const CELL_PX: usize = 64;

/// OpenCV's SIFT doubles the image first and halves the positions found in it, without regard to where pixel centres lie:
/// they come out this much too far to the right and down.
const UPSCALE_SHIFT_PX: f64 = 0.25;

/// Features of one image: positions in its pixels and unit-length descriptors, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Features {
    /// `(x, y)` in pixels, sub-pixel.
    pub(crate) points: Vec<(f64, f64)>,
    /// Shape `(points, 128)`.
    pub(crate) descriptors: Array2<f32>,
}

/// A keypoint before its descriptor is computed.
#[derive(Clone)]
struct Spot {
    x: f64,
    y: f64,
    response: f32,
    /// The tile it was found in.
    tile: usize,
    /// Diameter of the neighbourhood, px.
    size: f32,
    /// Orientation, degrees.
    angle: f32,
    /// Scale, as OpenCV packs it.
    octave: i32,
}

/// Part of an image, for which SIFT is run on its own.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// The square it is responsible for.
    own: (usize, usize),
    /// The first pixel of that with its margin.
    first: (usize, usize),
    /// The end of it.
    end: (usize, usize),
}

impl Part {
    fn new((x, y): (usize, usize), (height, width): (usize, usize)) -> Self {
        Self {
            own: (x, y),
            first: (x.saturating_sub(MARGIN_PX), y.saturating_sub(MARGIN_PX)),
            end: (
                (x + TILE_PX + MARGIN_PX).min(width),
                (y + TILE_PX + MARGIN_PX).min(height),
            ),
        }
    }

    fn pixels(&self, image: ArrayView2<'_, u8>) -> opencv::Result<Mat> {
        to_mat(image.slice(s![self.first.1..self.end.1, self.first.0..self.end.0]))
    }
}

/// At most `limit` features of `image`, the strongest of each neighbourhood. Descriptors, the larger part of the work, are computed for those only.
pub(crate) fn detect(image: ArrayView2<'_, u8>, limit: usize) -> opencv::Result<Features> {
    single_threaded();
    let (height, width) = image.dim();
    let parts: Vec<Part> = (0..height)
        .step_by(TILE_PX)
        .flat_map(|y| (0..width).step_by(TILE_PX).map(move |x| (x, y)))
        .map(|origin| Part::new(origin, image.dim()))
        .collect();
    let mut spots: Vec<Spot> = Vec::new();
    for (tile, part) in parts.iter().enumerate() {
        spots.extend(find_spots(image, tile, part)?);
    }
    let mut kept = strongest_per_cell(spots, (width, height), limit);
    kept.sort_by_key(|spot| spot.tile);
    let mut features = Features {
        points: Vec::with_capacity(kept.len()),
        descriptors: Array2::zeros((kept.len(), DESCRIPTOR_LENGTH)),
    };
    for (tile, part) in parts.iter().enumerate() {
        let first = kept.partition_point(|spot| spot.tile < tile);
        let end = kept.partition_point(|spot| spot.tile <= tile);
        for (point, descriptor) in describe(image, part, &kept[first..end])? {
            let mut row = features.descriptors.row_mut(features.points.len());
            row.iter_mut().zip(descriptor).for_each(|(to, v)| *to = v);
            features.points.push(point);
        }
    }
    let found = features.points.len();
    features.descriptors.slice_collapse(s![..found, ..]);
    Ok(features)
}

fn find_spots(image: ArrayView2<'_, u8>, tile: usize, part: &Part) -> opencv::Result<Vec<Spot>> {
    let mut keypoints = Vector::<KeyPoint>::new();
    SIFT::create_def()?.detect_def(&part.pixels(image)?, &mut keypoints)?;
    let (x, y) = part.own;
    let own_x = x as f64 - 0.5..(x + TILE_PX) as f64 - 0.5;
    let own_y = y as f64 - 0.5..(y + TILE_PX) as f64 - 0.5;
    let spots = keypoints.iter().map(|keypoint| Spot {
        x: f64::from(keypoint.pt().x) + part.first.0 as f64,
        y: f64::from(keypoint.pt().y) + part.first.1 as f64,
        response: keypoint.response(),
        tile,
        size: keypoint.size(),
        angle: keypoint.angle(),
        octave: keypoint.octave(),
    });
    Ok(spots
        .filter(|f| own_x.contains(&f.x) && own_y.contains(&f.y))
        .collect())
}

/// A point and its descriptor.
type Described = ((f64, f64), Vec<f32>);

/// The descriptors of the spots of one part. Those for which OpenCV has none are left out.
fn describe(
    image: ArrayView2<'_, u8>,
    part: &Part,
    spots: &[Spot],
) -> opencv::Result<Vec<Described>> {
    if spots.is_empty() {
        return Ok(Vec::new());
    }
    let in_part = |s: &Spot| {
        let at = Point2f::new(
            (s.x - part.first.0 as f64) as f32,
            (s.y - part.first.1 as f64) as f32,
        );
        KeyPoint::new_point(at, s.size, s.angle, s.response, s.octave, -1)
    };
    let mut keypoints: Vector<KeyPoint> =
        spots.iter().map(in_part).collect::<opencv::Result<_>>()?;
    let mut descriptors = Mat::default();
    SIFT::create_def()?.compute(&part.pixels(image)?, &mut keypoints, &mut descriptors)?;
    if descriptors.empty() {
        return Ok(Vec::new());
    }
    let values = descriptors.data_typed::<f32>()?;
    Ok(keypoints
        .iter()
        .zip(values.chunks_exact(DESCRIPTOR_LENGTH))
        .map(|(keypoint, descriptor)| {
            let at = (
                f64::from(keypoint.pt().x) + part.first.0 as f64 - UPSCALE_SHIFT_PX,
                f64::from(keypoint.pt().y) + part.first.1 as f64 - UPSCALE_SHIFT_PX,
            );
            (at, root_sift(descriptor))
        })
        .collect())
}

/// The square root of the descriptor's shares: of unit length, so that a dot product compares two of them.
fn root_sift(descriptor: &[f32]) -> Vec<f32> {
    let sum = descriptor.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    descriptor
        .iter()
        .map(|v| (v / sum).max(0.0).sqrt())
        .collect()
}

/// Keeps `limit` features or fewer: the strongest of each cell, with the same number for every cell that has any, so
/// that one textured corner does not take all the places.
fn strongest_per_cell(
    mut features: Vec<Spot>,
    (width, height): (usize, usize),
    limit: usize,
) -> Vec<Spot> {
    if features.len() <= limit {
        return features;
    }
    let columns = width.div_ceil(CELL_PX);
    let cell = |f: &Spot| {
        let (x, y) = (
            f.x.max(0.0) as usize / CELL_PX,
            f.y.max(0.0) as usize / CELL_PX,
        );
        y.min(height) * columns + x
    };
    features.sort_by(|a, b| {
        cell(a)
            .cmp(&cell(b))
            .then(b.response.total_cmp(&a.response))
    });
    let mut ranks = vec![0usize; features.len()];
    for i in 1..features.len() {
        ranks[i] = if cell(&features[i]) == cell(&features[i - 1]) {
            ranks[i - 1] + 1
        } else {
            0
        };
    }
    let mut sorted_ranks = ranks.clone();
    let deepest = *sorted_ranks.select_nth_unstable(limit).1;
    features
        .into_iter()
        .zip(ranks)
        .filter(|(_, rank)| *rank < deepest.max(1))
        .map(|(f, _)| f)
        .take(limit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smooth blobs at hashed places: something SIFT finds.
    fn blobs(size: usize) -> Array2<u8> {
        let mut image = Array2::<f32>::zeros((size, size));
        for i in 0..size * size / 400 {
            let (cx, cy) = ((i * 7919 + 13) % size, (i * 104_729 + 57) % size);
            let (sigma, height) = (2.0 + (i % 5) as f32, 60.0 + (i % 7) as f32 * 20.0);
            for y in cy.saturating_sub(15)..(cy + 15).min(size) {
                for x in cx.saturating_sub(15)..(cx + 15).min(size) {
                    let d2 = (x as f32 - cx as f32).powi(2) + (y as f32 - cy as f32).powi(2);
                    image[(y, x)] += height * (-d2 / (2.0 * sigma * sigma)).exp();
                }
            }
        }
        image.mapv(|v| v.min(255.0) as u8)
    }

    #[test]
    fn features_cross_tile_borders_once() {
        let features = detect(blobs(900).view(), usize::MAX).expect("SIFT runs");
        assert!(features.points.len() > 500);
        let near_border = |v: f64| (v - TILE_PX as f64 + 0.5).abs() < 20.0;
        assert!(features.points.iter().filter(|p| near_border(p.0)).count() > 10);
        assert!(
            features
                .points
                .iter()
                .all(|p| p.0 >= 0.0 && p.0 < 900.0 && p.1 >= 0.0 && p.1 < 900.0)
        );
    }

    #[test]
    fn the_limit_keeps_features_everywhere() {
        let image = blobs(900);
        let limited = detect(image.view(), 600).expect("SIFT runs");
        assert!(
            limited.points.len() <= 600 && limited.points.len() > 200,
            "{}",
            limited.points.len()
        );
        for quadrant in 0..4 {
            let (right, lower) = (quadrant % 2 == 1, quadrant / 2 == 1);
            let inside = limited
                .points
                .iter()
                .filter(|p| (p.0 > 450.0) == right && (p.1 > 450.0) == lower)
                .count();
            assert!(inside * 8 > limited.points.len());
        }
        assert_eq!(limited.descriptors.nrows(), limited.points.len());
    }

    #[test]
    fn descriptors_have_unit_length() {
        let features = detect(blobs(300).view(), usize::MAX).expect("SIFT runs");
        for row in features.descriptors.outer_iter() {
            assert!((row.dot(&row) - 1.0).abs() < 1e-4);
        }
    }
}
