//! Footprints: connected pixels above a level, and the microbes within one.
//!
//! Where microbes touch, their footprint is one. It is taken apart as by the multiple thresholds of Bertin & Arnouts 1996
//! (doi:10.1051/aas:1996164), at every level there is: pixels are added from the brightest down, and where two peaks meet,
//! the lower one is a microbe of its own if it rises above the saddle by several standard deviations of the noise there.

use crate::region::Region;
use ndarray::Array2;

/// Levels by which a footprint that is too large is cut.
const LADDER: f32 = 1.4;
/// How far a peak rises above the saddle, in standard deviations of the sharp map with the microbe's own noise: of some ten
/// pairs of places in a footprint, one in a hundred differs by as much by chance.
const MIN_RISE: f32 = 4.0;
/// And as a share of the higher peak: less than that is the shape of a microbe.
const MIN_RISE_SHARE: f32 = 0.02;

/// Connected pixels, as indices into a region.
#[derive(Debug, Clone)]
pub(crate) struct Footprint {
    /// In ascending order.
    pub(crate) pixels: Vec<u32>,
    /// First column, first row, last column, last row.
    pub(crate) bounds: [usize; 4],
}

impl Footprint {
    fn new(mut pixels: Vec<u32>, columns: usize) -> Self {
        pixels.sort_unstable();
        let mut bounds = [usize::MAX, usize::MAX, 0, 0];
        for &p in &pixels {
            let (y, x) = (p as usize / columns, p as usize % columns);
            bounds[0] = bounds[0].min(x);
            bounds[1] = bounds[1].min(y);
            bounds[2] = bounds[2].max(x);
            bounds[3] = bounds[3].max(y);
        }
        Self { pixels, bounds }
    }

    /// The longer side of the bounds, px.
    pub(crate) fn extent(&self) -> usize {
        let [x0, y0, x1, y1] = self.bounds;
        (x1 + 1 - x0).max(y1 + 1 - y0)
    }
}

/// All footprints of `map` at `level` with 8 neighbours, in the order of their first pixels. One wider than `max_extent` is cut at
/// ever higher levels.
pub(crate) fn footprints(map: &Array2<f32>, level: f32, max_extent: usize) -> Vec<Footprint> {
    let (_, columns) = map.dim();
    let Some(values) = map.as_slice() else {
        return Vec::new();
    };
    let mut stamps = vec![0u32; values.len()];
    let above = |level: f32| move |p: &u32| values[*p as usize] >= level;
    let all: Vec<u32> = (0..values.len() as u32).filter(above(level)).collect();
    let mut tasks = vec![(all, level)];
    let mut found = Vec::new();
    let mut stamp = 0;
    while let Some((candidates, level)) = tasks.pop() {
        stamp += 1;
        candidates.iter().for_each(|&p| stamps[p as usize] = stamp);
        for &first in &candidates {
            if stamps[first as usize] != stamp {
                continue;
            }
            let pixels = connected(first, stamp, &mut stamps, columns);
            let footprint = Footprint::new(pixels, columns);
            if footprint.extent() <= max_extent {
                found.push(footprint);
            } else {
                let higher = level * LADDER;
                let left: Vec<u32> = footprint.pixels.into_iter().filter(above(higher)).collect();
                tasks.push((left, higher));
            }
        }
    }
    found.sort_unstable_by_key(|f| f.pixels.first().copied());
    found
}

/// The pixels with this stamp that hang together with the first one; their stamps are taken away.
fn connected(first: u32, stamp: u32, stamps: &mut [u32], columns: usize) -> Vec<u32> {
    let mut pixels = vec![first];
    stamps[first as usize] = 0;
    let mut next = 0;
    while let Some(&p) = pixels.get(next) {
        next += 1;
        for q in neighbours(p, columns, stamps.len()) {
            if stamps[q as usize] == stamp {
                stamps[q as usize] = 0;
                pixels.push(q);
            }
        }
    }
    pixels
}

/// The up to 8 neighbours of a pixel.
pub(crate) fn neighbours(p: u32, columns: usize, len: usize) -> impl Iterator<Item = u32> {
    let (y, x) = (p as usize / columns, p as usize % columns);
    let rows = len / columns;
    let ys = y.saturating_sub(1)..(y + 2).min(rows);
    let xs = x.saturating_sub(1)..(x + 2).min(columns);
    ys.flat_map(move |ny| xs.clone().map(move |nx| (ny * columns + nx) as u32))
        .filter(move |&q| q != p)
}

/// A peak and the pixels around it, while a footprint is taken apart.
#[derive(Debug)]
struct Basin {
    peak: f32,
    /// How much the rise has to be.
    min_rise: f32,
    /// Whether its peak is significant enough for an object.
    can_stand: bool,
    is_separate: bool,
    merged_into: Option<usize>,
}

/// Takes a footprint apart. `labels` is as large as the region and 0 everywhere; it is left so. Each part is in ascending order.
pub(crate) fn taken_apart(
    footprint: &Footprint,
    map: &Array2<f32>,
    own_noise: impl Fn(u32) -> f32,
    can_stand: impl Fn(u32) -> bool,
    labels: &mut [u32],
) -> Vec<Vec<u32>> {
    let (_, columns) = map.dim();
    let Some(values) = map.as_slice() else {
        return Vec::new();
    };
    let value = |p: u32| values[p as usize];
    let mut order = footprint.pixels.clone();
    order.sort_unstable_by(|&a, &b| value(b).total_cmp(&value(a)).then(a.cmp(&b)));
    let mut basins: Vec<Basin> = Vec::new();
    for &p in &order {
        let mut near: Vec<(f32, usize)> = Vec::new();
        for q in neighbours(p, columns, values.len()) {
            if let Some(label) = (labels[q as usize] as usize).checked_sub(1) {
                near.push((value(q), root(&basins, label)));
            }
        }
        near.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let Some(&(_, steepest)) = near.first() else {
            basins.push(Basin {
                peak: value(p),
                min_rise: MIN_RISE * own_noise(p),
                can_stand: can_stand(p),
                is_separate: false,
                merged_into: None,
            });
            labels[p as usize] = basins.len() as u32;
            continue;
        };
        let mut meeting: Vec<usize> = near.iter().map(|n| n.1).collect();
        meeting.sort_unstable();
        meeting.dedup();
        meet(&mut basins, meeting, value(p));
        labels[p as usize] = root(&basins, steepest) as u32 + 1;
    }
    let mut parts: Vec<(usize, Vec<u32>)> = Vec::new();
    for &p in &footprint.pixels {
        let label = labels[p as usize] as usize;
        let basin = root(&basins, label.saturating_sub(1));
        labels[p as usize] = 0;
        match parts.iter_mut().find(|part| part.0 == basin) {
            Some((_, pixels)) => pixels.push(p),
            None => parts.push((basin, vec![p])),
        }
    }
    parts.into_iter().map(|(_, pixels)| pixels).collect()
}

/// Basins that meet at a level: each is merged into the highest of them unless it has risen far enough by itself.
fn meet(basins: &mut [Basin], mut meeting: Vec<usize>, level: f32) {
    meeting.sort_by(|&a, &b| basins[b].peak.total_cmp(&basins[a].peak).then(a.cmp(&b)));
    let Some(&highest) = meeting.first() else {
        return;
    };
    let share = MIN_RISE_SHARE * basins[highest].peak;
    for &lower in &meeting[1..] {
        let basin = &mut basins[lower];
        let rises = basin.peak - level >= basin.min_rise.max(share);
        if basin.is_separate || (rises && basin.can_stand) {
            basin.is_separate = true;
        } else {
            basin.merged_into = Some(highest);
        }
    }
}

fn root(basins: &[Basin], mut basin: usize) -> usize {
    while let Some(into) = basins.get(basin).and_then(|b| b.merged_into) {
        basin = into;
    }
    basin
}

/// How much more noise there is at a microbe's pixel than over background, as a factor of the standard deviation.
pub(crate) fn own_noise(region: &Region, per_count_of_post: f64, p: u32) -> f32 {
    let columns = region.dim().1;
    let at = (p as usize / columns, p as usize % columns);
    let signal = region.difference[at].max(0.0) * region.inverse_variance[at];
    (1.0 + per_count_of_post as f32 * signal).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dots(places: &[(f32, f32, f32)]) -> Array2<f32> {
        Array2::from_shape_fn((60, 80), |(y, x)| {
            let at = |&(cx, cy, peak): &(f32, f32, f32)| {
                let squared = (x as f32 - cx).powi(2) + (y as f32 - cy).powi(2);
                peak * (-0.5 * squared / 4.0).exp()
            };
            places.iter().map(at).sum()
        })
    }

    fn parts(map: &Array2<f32>) -> Vec<Vec<u32>> {
        let mut labels = vec![0; map.len()];
        footprints(map, 2.5, 96)
            .iter()
            .flat_map(|f| taken_apart(f, map, |_| 1.0, |_| true, &mut labels))
            .collect()
    }

    #[test]
    fn microbes_that_touch_are_told_apart_and_noise_is_not() {
        let two = dots(&[(30.0, 30.0, 40.0), (36.5, 31.0, 20.0)]);
        assert_eq!(footprints(&two, 2.5, 96).len(), 1);
        assert_eq!(parts(&two).len(), 2);
        let mut one = dots(&[(30.0, 30.0, 40.0)]);
        one[(30, 33)] += 2.0;
        assert_eq!(parts(&one).len(), 1);
        // Farther than the noise, but little beside the peak.
        let near = dots(&[(30.0, 30.0, 2000.0), (39.0, 30.0, 20.0)]);
        assert!(parts(&near).len() <= 2);
    }

    #[test]
    fn a_footprint_that_is_too_large_is_cut_at_a_higher_level() {
        let chain: Vec<(f32, f32, f32)> =
            (0..9).map(|i| (8.0 + 8.0 * i as f32, 30.0, 30.0)).collect();
        let map = dots(&chain);
        assert_eq!(footprints(&map, 2.5, 96).len(), 1);
        let cut = footprints(&map, 2.5, 40);
        assert_eq!(cut.len(), 9);
        assert!(cut.iter().all(|f| f.extent() <= 40));
    }
}
