//! Rims of sections that were cut out: steps that a threshold made, not the section.
//!
//! Where glass was set to one value, its border with the section is the strongest edge of the image, and lies where
//! threshold, stain or meniscus put it, in each image elsewhere. Tiles across it pull a warp by hundredths of a pixel.

use crate::tiles::Tile;
use ndarray::{Array2, ArrayViewMut1, Axis, s};

/// Pixels at least that an area of one value is wide and high: camera noise makes none.
const FLAT_PX: usize = 5;
/// How far from such an area a rim may be drawn otherwise in the other image, px.
const RIM_PX: usize = 3;
/// A tile is of use without its rims where this share of its pixels remains.
const ENOUGH_OF_TILE: f64 = 0.25;
/// Tiles inside that suffice, and their share of all.
const ENOUGH_TILES: (usize, f64) = (16, 0.5);

/// The values of which areas are cut out: the lowest and the highest of all tiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rims {
    cut: [f32; 2],
}

impl Rims {
    /// What is cut out of the tiles; `None` where nothing is, and where too few tiles would be left without their rims.
    pub(crate) fn of(tiles: &[&Tile]) -> Option<Self> {
        let all = || tiles.iter().flat_map(|tile| tile.pixels.iter().copied());
        let cut = [
            all().fold(f32::MAX, f32::min),
            all().fold(f32::MIN, f32::max),
        ];
        let rims = Self { cut };
        let (mut touched, mut of_use) = (false, 0);
        for tile in tiles {
            let left = rims.near(&tile.pixels, 0).map_or(1.0, |near| {
                touched = true;
                near.iter().filter(|n| !**n).count() as f64 / near.len() as f64
            });
            of_use += usize::from(left >= ENOUGH_OF_TILE);
        }
        let (least, share) = ENOUGH_TILES;
        (touched && of_use >= least && of_use as f64 >= share * tiles.len() as f64).then_some(rims)
    }

    /// The pixels within `reach` px and the uncertainty of a rim of an area that is cut out; `None` where there are none.
    pub(crate) fn near(&self, pixels: &Array2<f32>, reach: usize) -> Option<Array2<bool>> {
        if pixels.iter().filter(|v| self.cut.contains(v)).count() < FLAT_PX * FLAT_PX {
            return None;
        }
        let mut near = pixels.mapv(|v| self.cut.contains(&v));
        for axis in [Axis(1), Axis(0)] {
            near.lanes_mut(axis).into_iter().for_each(keep_runs);
        }
        if !near.iter().any(|n| *n) {
            return None;
        }
        for axis in [Axis(1), Axis(0)] {
            near.lanes_mut(axis)
                .into_iter()
                .for_each(|lane| widen(lane, reach + RIM_PX));
        }
        Some(near)
    }
}

/// Keeps what is set over [`FLAT_PX`] pixels or more.
fn keep_runs(mut lane: ArrayViewMut1<'_, bool>) {
    let mut start = 0;
    for at in 0..=lane.len() {
        if at < lane.len() && lane[at] {
            continue;
        }
        if at - start < FLAT_PX {
            lane.slice_mut(s![start..at]).fill(false);
        }
        start = at + 1;
    }
}

/// Sets what lies within `reach` of what is set.
fn widen(mut lane: ArrayViewMut1<'_, bool>, reach: usize) {
    let set: Vec<usize> = (0..lane.len()).filter(|&at| lane[at]).collect();
    let mut filled = 0;
    for at in set {
        let end = (at + reach + 1).min(lane.len());
        lane.slice_mut(s![at.saturating_sub(reach).max(filled)..end])
            .fill(true);
        filled = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{image, texture, tiles};

    fn of(tiles: &[Tile]) -> Option<Rims> {
        Rims::of(&tiles.iter().collect::<Vec<_>>())
    }

    fn cut_at(x: f64) -> Vec<Tile> {
        let post = image(
            (600, 480),
            |i, j| {
                if i < x { 0.0 } else { texture(i, j, 0.0) }
            },
        );
        tiles(&post, 96)
    }

    #[test]
    fn what_a_threshold_made_is_found_and_texture_is_not() {
        assert_eq!(of(&cut_at(0.0)), None);
        let tiles = cut_at(130.0);
        let rims = of(&tiles).expect("glass");
        let of_second = rims.near(&tiles[1].pixels, 4).expect("the rim is in it");
        for ((_, column), near) in of_second.indexed_iter() {
            // 34 columns of glass, and what sees them.
            assert_eq!(*near, column < 34 + 4 + RIM_PX, "column {column}");
        }
        assert_eq!(rims.near(&tiles[3].pixels, 4), None);
    }

    #[test]
    fn rims_stay_where_too_little_lies_inside() {
        assert_eq!(of(&cut_at(500.0)), None);
    }
}
