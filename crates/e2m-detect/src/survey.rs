//! The first pass: the background field, the noise, and where there is section.

use crate::field::{BLOCK, BackgroundField, Block, CELL, Cell};
use crate::noise::{NoiseModel, NoiseSample};
use crate::normal::quantile;
use crate::options::PairFacts;
use crate::scale_field::HeldOut;
use crate::source::{PairSource, mask};
use crate::strip::Strip;
use e2m_image::BandError;
use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

/// Pixels from which the noise is taken, about.
const SAMPLES: u64 = 400_000;
/// Section is brighter than this share of its bright parts.
const SECTION_SHARE: f64 = 0.1;
/// What counts as its bright parts.
const BRIGHT: f64 = 0.9;
/// A background that does not rise above the noise of a pixel by so much shows no section: it is all one. The background is
/// smoothed before it is compared, which leaves a third of that noise: section stands out by six standard deviations.
const VISIBLE: f64 = 2.0;

/// Section is looked at by brightness in so many parts.
const CUT_OFF_PARTS: usize = 50;
/// The share of pixels that are 0, 2.3 standard deviations off, from which on a part counts as cut off: the mean of noise that
/// is cut off there is too high by 0.003 standard deviations.
const MAX_CUT_OFF: f64 = 0.01;
/// Where less of what is bright enough is left than this, all of it stays: there is nothing better.
const MIN_CLEAR: f64 = 0.1;

/// What the first pass found.
pub(crate) struct Survey {
    pub(crate) field: BackgroundField,
    pub(crate) noise: NoiseModel,
    pub(crate) section_level: f32,
    /// Whether each cell shows section.
    pub(crate) is_section: Array2<bool>,
    pub(crate) typical_variance: f64,
    pub(crate) field_error: f64,
    /// What the field leaves in cells that had no say in it.
    pub(crate) held_out: HeldOut,
}

/// Reads the pair once, in strips of `rows`, a multiple of the cells' side.
pub(crate) fn survey(
    source: &mut dyn PairSource,
    facts: &PairFacts,
    rows: usize,
) -> Result<Survey, BandError> {
    let size = source.size();
    let columns = size.width.div_ceil(CELL);
    let mut cells = Array2::from_elem((size.height.div_ceil(CELL), columns), Cell::default());
    let mut samples = Vec::new();
    let stride = (size.pixels() / SAMPLES).max(1) as usize;
    let mut strip = Strip::new(rows.min(size.height), size.width);
    for first in (0..size.height).step_by(rows) {
        let last = (first + rows).min(size.height);
        strip.advance(source, facts, None, first..last)?;
        let places: Vec<(usize, usize)> = (first..last)
            .step_by(CELL)
            .flat_map(|y| (0..columns).map(move |c| (y, c * CELL)))
            .collect();
        let of_cells: Vec<(Cell, Vec<NoiseSample>)> = places
            .par_iter()
            .map(|&(y, x)| {
                let (rows, columns) = (y..(y + CELL).min(last), x..(x + CELL).min(size.width));
                let (d, b, m) = strip.part(rows, columns);
                of_cell((y, x), d, b, m, (stride, facts.post_black))
            })
            .collect();
        for (&(y, x), (cell, of_cell)) in places.iter().zip(of_cells) {
            cells[(y / CELL, x / CELL)] = cell;
            samples.extend(of_cell);
        }
    }
    let mut brightness: Vec<f32> = samples.iter().map(|s| s.background).collect();
    let bright = quantile(&mut brightness, BRIGHT);
    let mut level = (SECTION_SHARE * bright) as f32;
    level = level.max(cut_off_below(&mut samples, level));
    let mut on_section: Vec<NoiseSample> = samples
        .iter()
        .filter(|s| s.background >= level)
        .copied()
        .collect();
    let fit = |samples: &mut [NoiseSample]| {
        NoiseModel::fit(
            samples,
            facts.scale,
            facts.scale_std_error,
            facts.alignment_residual_px,
        )
    };
    let mut noise = fit(&mut on_section);
    if bright < VISIBLE * f64::from(noise.variance(0.0, 0.0, 0.0)).sqrt() {
        level = f32::MIN;
        noise = fit(&mut samples);
        on_section = samples;
    }
    let middle = |of: fn(&NoiseSample) -> f32| {
        let mut values: Vec<f32> = on_section.iter().map(of).collect();
        quantile(&mut values, 0.5) as f32
    };
    let typical_variance = f64::from(noise.variance(
        middle(|s| s.background),
        middle(|s| s.gradient),
        middle(|s| s.curvature),
    ));
    let is_section = cells.map(|cell| cell.is_as_bright_as(level));
    Ok(Survey {
        held_out: HeldOut::of(&cells, &is_section),
        field: BackgroundField::new(&cells),
        noise,
        section_level: level,
        is_section,
        typical_variance,
        // The median of a cell's pixels scatters 1.25 times as much as their mean does.
        field_error: 1.25 * typical_variance.sqrt() / CELL as f64,
    })
}

/// The brightness up to which noise is cut off at 0 in more than a few pixels: there the mean of post is too high, and not that of
/// brighter parts. `level` where that is nowhere, or nearly everywhere.
fn cut_off_below(samples: &mut [NoiseSample], level: f32) -> f32 {
    samples.sort_unstable_by(|a, b| a.background.total_cmp(&b.background));
    let on_section = &samples[samples.partition_point(|s| s.background < level)..];
    let part = on_section.len().div_ceil(CUT_OFF_PARTS).max(1);
    let share = |part: &[NoiseSample]| {
        part.iter().filter(|s| s.is_cut_off).count() as f64 / part.len() as f64
    };
    let parts = on_section.chunks(part);
    let dark = parts.take_while(|part| share(part) > MAX_CUT_OFF).count() * part;
    let clear = on_section.get(dark..).unwrap_or_default();
    let is_enough = clear.len() as f64 >= MIN_CLEAR * on_section.len() as f64;
    clear
        .first()
        .filter(|_| is_enough && dark > 0)
        .map_or(level, |s| s.background)
}

/// Fits one cell and takes every so many of its pixels as samples of the noise.
fn of_cell(
    (y0, x0): (usize, usize),
    difference: ArrayView2<'_, f32>,
    background: ArrayView2<'_, f32>,
    masks: ArrayView2<'_, u8>,
    (stride, post_black): (usize, f64),
) -> (Cell, Vec<NoiseSample>) {
    let has_data = |at: (usize, usize)| masks[at] & mask::NO_DATA == 0;
    let cell = Cell::fit(&blocks(difference, background, masks));
    let mut samples = Vec::new();
    let (rows, columns) = difference.dim();
    if !cell.is_measured() || rows < 5 || columns < 5 {
        return (cell, samples);
    }
    let smooth = |y: usize, x: usize| {
        let row =
            |y: usize| background[(y, x - 1)] + 2.0 * background[(y, x)] + background[(y, x + 1)];
        (row(y - 1) + 2.0 * row(y) + row(y + 1)) / 16.0
    };
    for y in 2..rows - 2 {
        // Another column to begin with in each row.
        let first = 2 + ((y0 + y) * 7919 + x0 * 104_729) % stride;
        for x in (first..columns - 2).step_by(stride) {
            let is_inside = [(y - 2, x), (y + 2, x), (y, x - 2), (y, x + 2), (y, x)];
            if !is_inside.into_iter().all(has_data) {
                continue;
            }
            let across = 0.5 * (smooth(y, x + 1) - smooth(y, x - 1));
            let down = 0.5 * (smooth(y + 1, x) - smooth(y - 1, x));
            let curvature =
                smooth(y, x + 1) + smooth(y, x - 1) + smooth(y + 1, x) + smooth(y - 1, x)
                    - 4.0 * smooth(y, x);
            samples.push(NoiseSample {
                background: smooth(y, x),
                gradient: across * across + down * down,
                curvature: curvature * curvature,
                rest: cell.rest((difference[(y, x)], smooth(y, x))) as f32,
                is_cut_off: is_zero(difference[(y, x)], background[(y, x)], post_black),
            });
        }
    }
    (cell, samples)
}

/// Whether post was 0 before it was taken apart, to the rounding of that.
fn is_zero(difference: f32, background: f32, post_black: f64) -> bool {
    f64::from(difference) + f64::from(background) + post_black <= 1e-4 * f64::from(background.abs())
}

/// The blocks of a cell that have data, each with the background of the one to its right, or left at the end.
fn blocks(
    difference: ArrayView2<'_, f32>,
    background: ArrayView2<'_, f32>,
    masks: ArrayView2<'_, u8>,
) -> Vec<Block> {
    let (rows, columns) = difference.dim();
    let (down, across) = (rows / BLOCK, columns / BLOCK);
    let mut means = Array2::from_elem((down, across), None);
    for ((by, bx), mean) in means.indexed_iter_mut() {
        let part = s![by * BLOCK..(by + 1) * BLOCK, bx * BLOCK..(bx + 1) * BLOCK];
        if masks.slice(part).iter().all(|m| m & mask::NO_DATA == 0) {
            let number = (BLOCK * BLOCK) as f32;
            let mean_of = |image: ArrayView2<'_, f32>| image.slice(part).sum() / number;
            *mean = Some((mean_of(difference), mean_of(background)));
        }
    }
    let mut blocks = Vec::with_capacity(means.len());
    for ((by, bx), mean) in means.indexed_iter() {
        let beside = if bx + 1 < across {
            bx + 1
        } else {
            bx.saturating_sub(1)
        };
        if let (Some((difference, background)), Some((_, beside))) = (*mean, means[(by, beside)]) {
            blocks.push(Block {
                difference,
                background,
                beside,
            });
        }
    }
    blocks
}
