//! The search of one tile: footprints, parts, what they measure, and whose they are.
//!
//! A tile is searched with a margin on each side that is wider than the largest footprint. An object belongs to the tile in
//! which the first row and the first column of its footprint lie. So it is found once, by whatever tile, and alike.

use crate::filter::FILTER_REACH;
use crate::footprint::{Footprint, footprints, own_noise, taken_apart};
use crate::measure::{Measured, measure, nearest_filter};
use crate::noise::NoiseModel;
use crate::options::DetectOptions;
use crate::region::Region;
use crate::significance::{Calibration, Equivalents, Maps};
use ndarray::Array2;

/// Large faint objects are cut from the coarse filters at this significance.
const COARSE_FOOTPRINT_SIGMA: f32 = 3.0;
/// Pixels beyond the largest footprint that measuring needs.
const MEASURE_REACH: usize = 20;

/// What does not change from tile to tile.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) options: DetectOptions,
    pub(crate) noise: NoiseModel,
    pub(crate) calibration: Calibration,
    pub(crate) equivalents: Equivalents,
    pub(crate) post_black: f64,
    pub(crate) alignment_residual_px: f64,
    /// Brightness from which on there is section, counts.
    pub(crate) section_level: f32,
    /// Variance of a pixel of ordinary brightness, counts^2.
    pub(crate) typical_variance: f64,
    /// Standard error of the background field, counts.
    pub(crate) field_error: f64,
}

impl Search {
    /// What a tile needs on each side, px; even.
    pub(crate) fn halo(options: &DetectOptions) -> usize {
        (options.max_extent_px + MEASURE_REACH + FILTER_REACH).next_multiple_of(2)
    }

    /// How much more a filter of about this sigma scatters than the noise of its pixels.
    pub(crate) fn scatter_at(&self, sigma: f64) -> f64 {
        let filter = nearest_filter(sigma);
        self.calibration.scatter.get(filter).copied().unwrap_or(1.0)
    }

    /// The objects of a region whose peak reaches `threshold`. `covered` is set at the pixels of their footprints.
    pub(crate) fn parts(
        &self,
        region: &Region,
        maps: &Maps,
        threshold: f32,
        covered: &mut Covered,
    ) -> Vec<Part> {
        let (Some(fine), Some(best)) = (maps.fine.as_slice(), maps.best.as_slice()) else {
            return Vec::new();
        };
        let peak_of = |map: &[f32], pixels: &[u32]| {
            let values = pixels.iter().map(|&p| map[p as usize]);
            values.fold(f32::MIN, f32::max)
        };
        // Coarse filters rise around a bright microbe as well, where its footprint has ended: they make no seeds here.
        let peak = |pixels: &[u32]| peak_of(fine, pixels);
        let coarse_peak = |pixels: &[u32]| peak_of(best, pixels);
        let extent = self.options.max_extent_px;
        let mut labels = vec![0; fine.len()];
        let mut parts = Vec::new();
        let level = self.options.footprint_sigma as f32;
        for footprint in footprints(&maps.footprint, level, extent) {
            if peak(&footprint.pixels) < threshold {
                continue;
            }
            covered.add(&footprint.pixels);
            let noise = |p| own_noise(region, self.noise.per_count_of_post, p);
            let can_stand = |p: u32| fine[p as usize] >= threshold;
            let apart = taken_apart(&footprint, &maps.sharp, noise, can_stand, &mut labels);
            let is_split = apart.len() > 1;
            for pixels in apart {
                parts.push(Part::new(pixels, &footprint, is_split, &peak));
            }
        }
        for footprint in footprints(&maps.coarse, COARSE_FOOTPRINT_SIGMA, extent) {
            if coarse_peak(&footprint.pixels) >= threshold && !covered.touches(&footprint.pixels) {
                let pixels = footprint.pixels.clone();
                parts.push(Part::new(pixels, &footprint, false, &coarse_peak));
            }
        }
        for part in &parts {
            covered.add(&part.pixels);
        }
        parts.retain(|part| part.peak >= threshold);
        parts
    }

    /// Whether the area of a part is within what was asked for.
    pub(crate) fn is_of_size(&self, part: &Part) -> bool {
        (self.options.min_area_px..=self.options.max_area_px).contains(&part.pixels.len())
    }

    /// Whether the background beneath a part is as bright as section.
    pub(crate) fn is_on_section(&self, region: &Region, part: &Part) -> bool {
        part.mean_of(&region.background) >= f64::from(self.section_level)
    }

    /// Measures some of the parts, in their order.
    pub(crate) fn measured(
        &self,
        region: &Region,
        maps: &Maps,
        parts: &[Part],
        is_wanted: impl Fn(&Part) -> bool,
    ) -> Vec<Measured> {
        let mut labels = vec![0u32; region.difference.len()];
        for (i, part) in parts.iter().enumerate() {
            part.pixels
                .iter()
                .for_each(|&p| labels[p as usize] = i as u32 + 1);
        }
        let wanted = parts.iter().enumerate().filter(|(_, part)| is_wanted(part));
        wanted
            .map(|(i, part)| measure(self, region, maps, part, &labels, i as u32 + 1))
            .collect()
    }
}

/// The pixels of objects.
#[derive(Debug, Clone)]
pub(crate) struct Covered(Vec<bool>);

impl Covered {
    /// None of so many.
    pub(crate) fn none(pixels: usize) -> Self {
        Self(vec![false; pixels])
    }

    pub(crate) fn add(&mut self, pixels: &[u32]) {
        pixels.iter().for_each(|&p| self.0[p as usize] = true);
    }

    fn touches(&self, pixels: &[u32]) -> bool {
        pixels.iter().any(|&p| self.0[p as usize])
    }

    /// Covers what lies within `reach` of what is covered, along rows and columns.
    pub(crate) fn widen(&mut self, (rows, columns): (usize, usize), reach: usize) {
        if !self.0.contains(&true) {
            return;
        }
        for row in self.0.chunks_exact_mut(columns) {
            let after = |left: &mut usize, is_covered: &bool| {
                *left = if *is_covered {
                    reach + 1
                } else {
                    left.saturating_sub(1)
                };
                Some(*left > 0)
            };
            let to_the_right: Vec<bool> = row.iter().scan(0, after).collect();
            let to_the_left: Vec<bool> = row.iter().rev().scan(0, after).collect();
            let both = to_the_right.iter().zip(to_the_left.iter().rev());
            row.iter_mut()
                .zip(both)
                .for_each(|(c, (a, b))| *c = *a || *b);
        }
        let was = self.0.clone();
        let mut widen = |ys: &mut dyn Iterator<Item = usize>| {
            let mut left = vec![0; columns];
            for y in ys {
                let row = y * columns..(y + 1) * columns;
                let all = self.0[row.clone()].iter_mut().zip(&was[row]).zip(&mut left);
                for ((covered, was), left) in all {
                    *left = if *was {
                        reach + 1
                    } else {
                        left.saturating_sub(1)
                    };
                    *covered |= *left > 0;
                }
            }
        };
        widen(&mut (0..rows));
        widen(&mut (0..rows).rev());
    }

    /// Whether a pixel is covered.
    pub(crate) fn has(&self, pixel: usize) -> bool {
        self.0[pixel]
    }
}

/// An object's pixels.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// In ascending order.
    pub(crate) pixels: Vec<u32>,
    /// First column and row of the footprint that it is a part of, within the region.
    pub(crate) footprint_start: (usize, usize),
    /// Whether others are parts of it as well.
    pub(crate) is_split: bool,
    /// Its largest significance.
    pub(crate) peak: f32,
}

impl Part {
    fn new(
        pixels: Vec<u32>,
        footprint: &Footprint,
        is_split: bool,
        peak: &impl Fn(&[u32]) -> f32,
    ) -> Self {
        Self {
            peak: peak(&pixels),
            pixels,
            footprint_start: (footprint.bounds[0], footprint.bounds[1]),
            is_split,
        }
    }

    /// The mean of an image as large as the region over its pixels.
    pub(crate) fn mean_of(&self, image: &Array2<f32>) -> f64 {
        let columns = image.ncols();
        let at = |p: &u32| (*p as usize / columns, *p as usize % columns);
        let sum: f64 = self.pixels.iter().map(|p| f64::from(image[at(p)])).sum();
        sum / self.pixels.len() as f64
    }

    /// First column, first row, last column, last row.
    pub(crate) fn bounds(&self, columns: usize) -> [usize; 4] {
        self.pixels
            .iter()
            .fold([usize::MAX, usize::MAX, 0, 0], |b, &p| {
                let (y, x) = (p as usize / columns, p as usize % columns);
                [b[0].min(x), b[1].min(y), b[2].max(x), b[3].max(y)]
            })
    }
}
