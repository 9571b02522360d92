//! The whole search: three passes over the pair.

use crate::catalogue::{BackgroundSignificance, Catalogue, Object};
use crate::completeness::Completeness;
use crate::density::{DENSITY_CELL, Density, DensityCell};
use crate::false_positives::FalsePositives;
use crate::field::CELL;
use crate::histogram::SignificanceHistogram;
use crate::inject::{Plan, Planted};
use crate::measure::Measured;
use crate::nearest::nearest_distances;
use crate::options::{DetectOptions, PairFacts};
use crate::region::Region;
use crate::search::Search;
use crate::significance::{Calibration, ResponseSample};
use crate::source::PairSource;
use crate::strip::Strip;
use crate::survey::{Survey, survey};
use crate::tile::{AT_A_TIME, TILE_ROWS, TileFound, TileRow, region, tiles};
use e2m_image::{BandError, BandSink, Size};
use ndarray::{Array2, s};
use rayon::prelude::*;
use std::ops::Range;

/// Tiles, and pixels of each, that the filters are calibrated on.
const CALIBRATION_TILES: usize = 32;
const CALIBRATION_STEP: usize = 4;
/// Lengths are corrected for the width of the thinnest of so many significant objects, at the least.
const THIN: f32 = 0.1;
const THIN_ENOUGH: usize = 20;
const THIN_SIGNIFICANCE: f64 = 15.0;

/// Finds and measures what post has and pre has not.
///
/// The pair is read three times. `significance` takes the significance image as it grows, row by row. Objects, numbers and image are the same whatever
/// the number of threads and [`DetectOptions::strip_rows`].
///
/// # Errors
///
/// Those of the source and of the sink.
pub fn detect(
    source: &mut dyn PairSource,
    facts: &PairFacts,
    options: &DetectOptions,
    mut significance: Option<&mut dyn BandSink>,
) -> Result<Catalogue, BandError> {
    let size = source.size();
    let strip_rows = options.strip_rows.max(1).next_multiple_of(TILE_ROWS);
    let survey = survey(source, facts, strip_rows)?;
    let mut search = Search {
        options: *options,
        noise: survey.noise,
        calibration: Calibration::measure(ResponseSample::default()),
        equivalents: Calibration::measure(ResponseSample::default()).equivalents(),
        post_black: facts.post_black,
        alignment_residual_px: facts.alignment_residual_px,
        section_level: survey.section_level,
        typical_variance: survey.typical_variance,
        field_error: survey.field_error,
    };
    search.calibration = calibrated(source, facts, &survey, &search)?;
    search.equivalents = search.calibration.equivalents();
    let plan = Plan::new(options.injections, size.pixels());
    let mut found = Found::new(size);
    let halo = Search::halo(options);
    let mut strip = Strip::new((strip_rows + 2 * halo).min(size.height), size.width);
    for first in (0..size.height).step_by(strip_rows) {
        let last = (first + strip_rows).min(size.height);
        let rows = first.saturating_sub(halo)..(last + halo).min(size.height);
        strip.advance(source, facts, Some(&survey.field), rows)?;
        for top in (first..last).step_by(TILE_ROWS) {
            let rows = top..(top + TILE_ROWS).min(last);
            let row = TileRow {
                search: &search,
                strip: &strip,
                size,
                rows: (rows.start, rows.end),
                plan: &plan,
            };
            let mut band = significance
                .is_some()
                .then(|| Array2::zeros((rows.len(), size.width)));
            row.search(band.as_mut())
                .into_iter()
                .for_each(|tile| found.add(tile));
            if let (Some(sink), Some(band)) = (significance.as_deref_mut(), band) {
                sink.write_band(band.view())?;
            }
        }
    }
    Ok(found.finish(&search, survey.field.range_of_slopes()))
}

/// The second pass: what the filters find over some of the tiles that show section, spread evenly.
fn calibrated(
    source: &mut dyn PairSource,
    facts: &PairFacts,
    survey: &Survey,
    search: &Search,
) -> Result<Calibration, BandError> {
    let size = source.size();
    let halo = Search::halo(&search.options);
    let columns = tiles(size.width);
    let mut all: Vec<(usize, Range<usize>)> = (0..size.height)
        .step_by(TILE_ROWS)
        .flat_map(|y| columns.iter().map(move |x| (y, x.clone())))
        .collect();
    let shows_section = |&(y, ref columns): &(usize, Range<usize>)| {
        let (rows, wide) = survey.is_section.dim();
        let cells = survey.is_section.slice(s![
            y / CELL..rows.min((y + TILE_ROWS).div_ceil(CELL)),
            columns.start / CELL..wide.min(columns.end.div_ceil(CELL))
        ]);
        4 * cells.iter().filter(|is_section| **is_section).count() >= cells.len()
    };
    if all.iter().any(shows_section) {
        all.retain(shows_section);
    }
    let step = (all.len() as f64 / CALIBRATION_TILES as f64).max(1.0);
    let chosen: Vec<&(usize, Range<usize>)> = (0..all.len().min(CALIBRATION_TILES))
        .filter_map(|i| all.get(((i as f64 + 0.5) * step) as usize))
        .collect();
    let mut sample = ResponseSample::default();
    let mut strip = Strip::new((TILE_ROWS + 2 * halo).min(size.height), size.width);
    for row in chosen.chunk_by(|a, b| a.0 == b.0) {
        let Some(&&(top, _)) = row.first() else {
            continue;
        };
        let rows = top..(top + TILE_ROWS).min(size.height);
        let read = top.saturating_sub(halo)..(rows.end + halo).min(size.height);
        strip.advance(source, facts, Some(&survey.field), read)?;
        for some in row.chunks(AT_A_TIME) {
            let of_tile = |(_, columns): &&(usize, Range<usize>)| {
                let region = region(search, &strip, size, [rows.clone(), columns.clone()]);
                let pixels = section_pixels(&region, [rows.clone(), columns.clone()]);
                ResponseSample::of(&region, &pixels)
            };
            let samples: Vec<ResponseSample> = some.par_iter().map(of_tile).collect();
            samples.into_iter().for_each(|other| sample.extend(other));
        }
    }
    Ok(Calibration::measure(sample))
}

/// Every fourth pixel in either direction of a tile that shows section, within its region.
fn section_pixels(region: &Region, [rows, columns]: [Range<usize>; 2]) -> Vec<(usize, usize)> {
    let (x0, y0) = region.origin;
    let ys = (rows.start - y0..rows.end - y0).step_by(CALIBRATION_STEP);
    let places = ys.flat_map(|y| {
        let xs = columns.start - x0..columns.end - x0;
        xs.step_by(CALIBRATION_STEP).map(move |x| (y, x))
    });
    places.filter(|&at| region.is_section[at]).collect()
}

/// What was found so far.
struct Found {
    objects: Vec<Measured>,
    left_out: usize,
    negative: Vec<f32>,
    planted: Vec<Planted>,
    background: (u64, f64, f64),
    histogram: SignificanceHistogram,
    cells: Array2<DensityCell>,
}

impl Found {
    fn new(size: Size) -> Self {
        let cells = (
            size.height.div_ceil(DENSITY_CELL),
            size.width.div_ceil(DENSITY_CELL),
        );
        Self {
            objects: Vec::new(),
            left_out: 0,
            negative: Vec::new(),
            planted: Vec::new(),
            background: (0, 0.0, 0.0),
            histogram: SignificanceHistogram::default(),
            cells: Array2::from_elem(cells, DensityCell::default()),
        }
    }

    fn add(&mut self, tile: TileFound) {
        self.objects.extend(tile.objects);
        self.left_out += tile.left_out;
        self.negative.extend(tile.negative);
        self.planted.extend(tile.planted);
        self.background.0 += tile.background.0;
        self.background.1 += tile.background.1;
        self.background.2 += tile.background.2;
        self.histogram.add(&tile.histogram);
        for (x, y, pixels) in tile.section {
            self.cells[(y, x)].section_px += pixels;
        }
    }

    fn finish(mut self, search: &Search, scale_field: [f64; 2]) -> Catalogue {
        let options = &search.options;
        self.objects
            .sort_by(|a, b| a.y.total_cmp(&b.y).then(a.x.total_cmp(&b.x)));
        let psf = options
            .psf_sigma_px
            .unwrap_or_else(|| thinnest(&self.objects));
        let nearest =
            nearest_distances(&self.objects.iter().map(|o| [o.x, o.y]).collect::<Vec<_>>());
        let numbered = self.objects.iter().zip(nearest).zip(1..);
        let objects: Vec<Object> = numbered
            .map(|((object, nearest), id)| object.numbered(id, nearest, psf))
            .collect();
        for object in objects.iter().filter(|o| o.flags.counts()) {
            let cell = |v: f64, n: usize| (v.max(0.0) as usize / DENSITY_CELL).min(n - 1);
            let (rows, columns) = self.cells.dim();
            self.cells[(cell(object.y_px, rows), cell(object.x_px, columns))].objects += 1;
        }
        let (pixels, sum, squares) = self.background;
        let number = (pixels as f64).max(1.0);
        let mean = sum / number;
        let median_area = median(self.objects.iter().filter(|o| o.flags.counts()).map(|o| {
            let [long, short] = o.moments.axes();
            4.0 * std::f64::consts::PI * (long * short).sqrt()
        }));
        Catalogue {
            objects,
            left_out: self.left_out,
            noise: search.noise,
            scale_field,
            calibration: search.calibration.clone(),
            background: BackgroundSignificance {
                pixels,
                mean,
                std_dev: (squares / number - mean * mean).max(0.0).sqrt(),
            },
            histogram: self.histogram,
            false_positives: FalsePositives::of(&self.negative, options.detect_sigma),
            completeness: Completeness::of(
                &mut self.planted,
                search.typical_variance.sqrt(),
                median_area,
            ),
            density: Density::of(self.cells.as_slice().unwrap_or_default()),
            cell_columns: self.cells.ncols(),
            cells: self.cells.into_iter().collect(),
            psf_sigma_px: psf,
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The width of the thinnest objects: at least the point spread, and close to it where any of them is thinner than that.
fn thinnest(objects: &[Measured]) -> f64 {
    let significant = objects
        .iter()
        .filter(|o| o.significance >= THIN_SIGNIFICANCE && o.flags.0 == 0);
    let mut widths: Vec<f32> = significant
        .map(|o| o.moments.axes()[1].sqrt() as f32)
        .collect();
    if widths.len() < THIN_ENOUGH {
        return 0.0;
    }
    crate::normal::quantile(&mut widths, f64::from(THIN))
}

impl Measured {
    fn numbered(&self, id: u32, nearest_px: f64, psf_sigma: f64) -> Object {
        /// Full width at half maximum of a Gaussian of sigma 1.
        const FWHM: f64 = 2.354_820_045;
        let [long, short] = self.moments.axes();
        let corrected = |variance: f64| FWHM * (variance - psf_sigma * psf_sigma).max(0.0).sqrt();
        Object {
            id,
            x_px: self.x,
            y_px: self.y,
            flux: self.flux,
            flux_err: self.flux_err,
            peak: self.peak,
            significance: self.significance,
            area_px: self.area_px,
            length_px: corrected(long),
            width_px: corrected(short),
            orientation_deg: self.orientation_deg,
            circularity: self.circularity,
            background: self.background,
            nearest_px,
            flags: self.flags,
        }
    }
}
