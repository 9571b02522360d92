//! One tile with its margin: what is searched at a time, and what is found there.

use crate::catalogue::Flags;
use crate::density::DENSITY_CELL;
use crate::false_positives::LOWEST;
use crate::histogram::SignificanceHistogram;
use crate::inject::{Plan, Planted, recovered};
use crate::measure::Measured;
use crate::region::Region;
use crate::search::{Covered, Part, Search};
use crate::significance::{Maps, SEEN_FROM};
use crate::strip::Strip;
use e2m_image::Size;
use ndarray::{Array2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;
use std::ops::Range;

/// Rows and columns of a tile: sums are made tile by tile, so that no other number changes with the strips.
pub(crate) const TILE_ROWS: usize = 256;
pub(crate) const TILE_COLUMNS: usize = 1024;
/// Tiles that are searched at a time, however many threads there are: each has some 40 MB. Further threads share the filters of a tile.
pub(crate) const AT_A_TIME: usize = 2;

/// Columns of the tiles of a row.
pub(crate) fn tiles(width: usize) -> Vec<Range<usize>> {
    let firsts = (0..width).step_by(TILE_COLUMNS);
    firsts.map(|x| x..(x + TILE_COLUMNS).min(width)).collect()
}

/// The region of a tile, with its margin.
pub(crate) fn region(
    search: &Search,
    strip: &Strip,
    size: Size,
    [rows, columns]: [Range<usize>; 2],
) -> Region {
    let halo = Search::halo(&search.options);
    let (top, bottom) = (
        rows.start.saturating_sub(halo),
        (rows.end + halo).min(size.height),
    );
    let (left, right) = (
        columns.start.saturating_sub(halo),
        (columns.end + halo).min(size.width),
    );
    let (difference, background, mask) = strip.part(top..bottom, left..right);
    let at_border = [
        left == 0,
        top == 0,
        right == size.width,
        bottom == size.height,
    ];
    Region::new(
        (left, top),
        difference,
        background,
        mask,
        (&search.noise, search.section_level),
        at_border,
    )
}

/// What one tile holds. One without section is passed over and holds nothing; its significance is 0.
#[derive(Default)]
pub(crate) struct TileFound {
    pub(crate) objects: Vec<Measured>,
    pub(crate) left_out: usize,
    pub(crate) negative: Vec<f32>,
    pub(crate) planted: Vec<Planted>,
    /// Number, sum and sum of squares of the significance over background.
    pub(crate) background: (u64, f64, f64),
    /// How the significance is distributed.
    pub(crate) histogram: SignificanceHistogram,
    /// Section pixels by cell of the density: column and row of the cell, and their number.
    pub(crate) section: Vec<(usize, usize, u64)>,
}

/// The tiles beside each other.
#[derive(Clone, Copy)]
pub(crate) struct TileRow<'a> {
    pub(crate) search: &'a Search,
    pub(crate) strip: &'a Strip,
    pub(crate) size: Size,
    /// First row and last row but one.
    pub(crate) rows: (usize, usize),
    pub(crate) plan: &'a Plan,
}

impl TileRow<'_> {
    /// What is found in each, from the left. `significance`, as large as the row and 0, takes theirs.
    pub(crate) fn search(&self, significance: Option<&mut Array2<f32>>) -> Vec<TileFound> {
        let tiles = tiles(self.size.width);
        let mut outs: Vec<Option<ArrayViewMut2<'_, f32>>> = match significance {
            Some(band) => band
                .axis_chunks_iter_mut(Axis(1), TILE_COLUMNS)
                .map(Some)
                .collect(),
            None => tiles.iter().map(|_| None).collect(),
        };
        let at_a_time = if rayon::current_num_threads() > AT_A_TIME {
            AT_A_TIME
        } else {
            tiles.len()
        };
        let parts = tiles.chunks(at_a_time).zip(outs.chunks_mut(at_a_time));
        parts
            .flat_map(|(tiles, outs)| {
                let both = tiles.par_iter().zip(outs);
                both.map(|(columns, out)| self.tile(columns.clone(), out.as_mut()))
                    .collect::<Vec<TileFound>>()
            })
            .collect()
    }

    fn tile(&self, columns: Range<usize>, out: Option<&mut ArrayViewMut2<'_, f32>>) -> TileFound {
        let Self {
            search,
            strip,
            size,
            rows: (top, bottom),
            plan,
        } = *self;
        let rows = top..bottom;
        let (_, background, _) = strip.part(rows.clone(), columns.clone());
        if background.iter().all(|b| *b < search.section_level) {
            return TileFound::default();
        }
        let mut region = region(search, strip, size, [rows.clone(), columns.clone()]);
        let (x0, y0) = region.origin;
        let inner = s![
            rows.start - y0..rows.end - y0,
            columns.start - x0..columns.end - x0
        ];
        if !region.is_section.slice(inner).iter().any(|is| *is) {
            return TileFound::default();
        }
        let is_own = |part: &Part| {
            let (x, y) = part.footprint_start;
            columns.contains(&(x + x0)) && rows.contains(&(y + y0))
        };
        let core = [columns.start, rows.start, columns.end, rows.end];
        let planted = (0..plan.rounds)
            .flat_map(|round| recovered(search, &mut region, plan, round, core))
            .collect();
        let mut maps = Maps::new(&region, &search.calibration, &search.equivalents);
        let mut covered = Covered::none(region.difference.len());
        let threshold = search.options.detect_sigma as f32;
        let parts = search.parts(&region, &maps, threshold, &mut covered);
        let (parts, small): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| search.is_of_size(part));
        let objects = search.measured(&region, &maps, &parts, is_own);
        let significance = maps.best.slice(inner).to_owned();
        maps.negate();
        let negative = negative_peaks(search, &mut region, &maps, is_own, &mut covered);
        covered.widen(region.dim(), SEEN_FROM);
        let mut found = TileFound {
            objects,
            left_out: small.iter().filter(|part| is_own(part)).count(),
            negative,
            planted,
            ..TileFound::default()
        };
        found.look_at_background(&region, &significance, &covered, [rows, columns]);
        if let Some(out) = out {
            out.assign(&significance);
        }
        found
    }
}

/// The peaks of the negated difference that would count as microbes, from the lowest level on: measured and flagged like
/// everything else. The maps are those of the negated difference; the region is made so. What reaches the threshold is covered.
fn negative_peaks(
    search: &Search,
    region: &mut Region,
    maps: &Maps,
    is_own: impl Fn(&Part) -> bool,
    covered: &mut Covered,
) -> Vec<f32> {
    let mut of_all = Covered::none(region.difference.len());
    let mut parts = search.parts(region, maps, LOWEST, &mut of_all);
    // What stands out in pre is no background either, whatever its size.
    let stands_out = parts
        .iter()
        .filter(|part| f64::from(part.peak) >= search.options.detect_sigma);
    stands_out.for_each(|part| covered.add(&part.pixels));
    parts.retain(|part| search.is_of_size(part));
    // In a negated background nothing is as bright as section.
    let on_section: Vec<bool> = parts
        .iter()
        .map(|part| search.is_on_section(region, part))
        .collect();
    let ignored = Flags::OFF_SECTION.0;
    region.negate();
    let measured = search.measured(region, maps, &parts, &is_own);
    let own = parts
        .iter()
        .zip(on_section)
        .filter(|(part, _)| is_own(part));
    own.zip(measured)
        .filter(|((_, on_section), object)| {
            *on_section && Flags(object.flags.0 & !ignored).counts()
        })
        .map(|((part, _), _)| part.peak)
        .collect()
}

impl TileFound {
    /// Counts the section, and the significance over it and over what of it no object covers.
    fn look_at_background(
        &mut self,
        region: &Region,
        significance: &Array2<f32>,
        covered: &Covered,
        [rows, columns]: [Range<usize>; 2],
    ) {
        let (x0, y0) = region.origin;
        let wide = region.dim().1;
        for (y, best) in rows.zip(significance.rows()) {
            let at = y - y0;
            let is_section = region.is_section.row(at);
            for first in columns.clone().step_by(DENSITY_CELL) {
                let mut pixels = 0;
                for x in first - x0..columns.end.min(first + DENSITY_CELL) - x0 {
                    if !is_section[x] {
                        continue;
                    }
                    pixels += 1;
                    let is_background = !covered.has(at * wide + x);
                    let value = best[x + x0 - columns.start];
                    self.histogram.count(value, is_background);
                    if is_background {
                        let value = f64::from(value);
                        self.background.0 += 1;
                        self.background.1 += value;
                        self.background.2 += value * value;
                    }
                }
                let cell = (first / DENSITY_CELL, y / DENSITY_CELL);
                match self.section.iter_mut().find(|c| (c.0, c.1) == cell) {
                    Some(cell) => cell.2 += pixels,
                    None => self.section.push((cell.0, cell.1, pixels)),
                }
            }
        }
    }
}
