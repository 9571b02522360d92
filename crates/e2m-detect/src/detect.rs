//! The whole search: three passes over the pair.

use crate::catalogue::{BackgroundSignificance, Catalogue, Flags, Object};
use crate::completeness::Completeness;
use crate::density::{DENSITY_CELL, Density, DensityCell};
use crate::false_positives::{FalsePositives, LOWEST};
use crate::field::CELL;
use crate::histogram::SignificanceHistogram;
use crate::inject::{Plan, Planted, recovered};
use crate::measure::Measured;
use crate::nearest::nearest_distances;
use crate::options::{DetectOptions, PairFacts};
use crate::region::Region;
use crate::search::{Covered, Part, Search};
use crate::significance::{Calibration, Maps, ResponseSample, SEEN_FROM};
use crate::source::PairSource;
use crate::strip::Strip;
use crate::survey::{Survey, survey};
use e2m_image::{BandError, BandSink, Size};
use ndarray::{Array2, s};
use rayon::prelude::*;
use std::ops::Range;

/// Rows and columns of a tile: sums are made tile by tile, so that no other number changes with the strips.
pub(crate) const TILE_ROWS: usize = 256;
pub(crate) const TILE_COLUMNS: usize = 1024;
/// Tiles, and pixels of each, that the filters are calibrated on.
const CALIBRATION_TILES: usize = 32;
const CALIBRATION_STEP: usize = 3;
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
    let wants_significance = significance.is_some();
    let mut found = Found::new(size);
    let halo = Search::halo(options);
    let mut strip = Strip::new((strip_rows + 2 * halo).min(size.height), size.width);
    for first in (0..size.height).step_by(strip_rows) {
        let last = (first + strip_rows).min(size.height);
        let rows = first.saturating_sub(halo)..(last + halo).min(size.height);
        strip.advance(source, facts, Some(&survey.field), rows)?;
        for top in (first..last).step_by(TILE_ROWS) {
            let rows = top..(top + TILE_ROWS).min(last);
            let tiles: Vec<TileFound> = tiles(size.width)
                .into_par_iter()
                .map(|columns| {
                    search_tile(
                        &search,
                        &strip,
                        size,
                        [rows.clone(), columns],
                        &plan,
                        wants_significance,
                    )
                })
                .collect();
            if let Some(sink) = significance.as_deref_mut() {
                write_row_of_tiles(sink, rows.len(), &tiles)?;
            }
            tiles.into_iter().for_each(|tile| found.add(tile));
        }
    }
    Ok(found.finish(&search, survey.field.range_of_slopes()))
}

/// Columns of the tiles of a row.
fn tiles(width: usize) -> Vec<Range<usize>> {
    let firsts = (0..width).step_by(TILE_COLUMNS);
    firsts.map(|x| x..(x + TILE_COLUMNS).min(width)).collect()
}

/// The region of a tile, with its margin.
fn region(
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
        &search.noise,
        at_border,
    )
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
        let samples: Vec<ResponseSample> = row
            .par_iter()
            .map(|(_, columns)| {
                let region = region(search, &strip, size, [rows.clone(), columns.clone()]);
                let pixels = section_pixels(search, &region, [rows.clone(), columns.clone()]);
                ResponseSample::of(&region, &pixels)
            })
            .collect();
        samples.into_iter().for_each(|other| sample.extend(other));
    }
    Ok(Calibration::measure(sample))
}

/// Every third pixel in either direction of a tile that shows section, within its region.
fn section_pixels(
    search: &Search,
    region: &Region,
    [rows, columns]: [Range<usize>; 2],
) -> Vec<(usize, usize)> {
    let (x0, y0) = region.origin;
    let ys = (rows.start - y0..rows.end - y0).step_by(CALIBRATION_STEP);
    let places = ys.flat_map(|y| {
        let xs = columns.start - x0..columns.end - x0;
        xs.step_by(CALIBRATION_STEP).map(move |x| (y, x))
    });
    places
        .filter(|&at| {
            region.inverse_variance[at] > 0.0 && region.smooth[at] >= search.section_level
        })
        .collect()
}

/// What one tile holds.
struct TileFound {
    objects: Vec<Measured>,
    left_out: usize,
    negative: Vec<f32>,
    planted: Vec<Planted>,
    /// Number, sum and sum of squares of the significance over background.
    background: (u64, f64, f64),
    /// How the significance is distributed.
    histogram: SignificanceHistogram,
    /// Section pixels by cell of the density: column and row of the cell, and their number.
    section: Vec<(usize, usize, u64)>,
    /// Its significance, where it is wanted.
    significance: Option<Array2<f32>>,
}

impl TileFound {
    /// A tile without section is passed over; its significance is 0.
    fn nothing(significance: Option<(usize, usize)>) -> Self {
        Self {
            objects: Vec::new(),
            left_out: 0,
            negative: Vec::new(),
            planted: Vec::new(),
            background: (0, 0.0, 0.0),
            histogram: SignificanceHistogram::default(),
            section: Vec::new(),
            significance: significance.map(Array2::zeros),
        }
    }
}

fn search_tile(
    search: &Search,
    strip: &Strip,
    size: Size,
    [rows, columns]: [Range<usize>; 2],
    plan: &Plan,
    wants_significance: bool,
) -> TileFound {
    let core = [rows.clone(), columns.clone()];
    let dark = || TileFound::nothing(wants_significance.then(|| (rows.len(), columns.len())));
    let (_, background, _) = strip.part(rows.clone(), columns.clone());
    if background.iter().all(|b| *b < search.section_level) {
        return dark();
    }
    let mut region = region(search, strip, size, core.clone());
    if !has_section(search, &region, core) {
        return dark();
    }
    let (x0, y0) = region.origin;
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
    let parts = search.parts(
        &region,
        &maps,
        search.options.detect_sigma as f32,
        &mut covered,
    );
    let (parts, small): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|part| search.is_of_size(part));
    let objects = search.measured(&region, &maps, &parts, is_own);
    covered.widen(region.dim(), SEEN_FROM);
    let inner = s![
        rows.start - y0..rows.end - y0,
        columns.start - x0..columns.end - x0
    ];
    let mut histogram = SignificanceHistogram::default();
    let (background, section) = background_of(
        search,
        &region,
        &maps,
        &covered,
        [rows.clone(), columns.clone()],
        &mut histogram,
    );
    let significance = wants_significance.then(|| maps.best.slice(inner).to_owned());
    maps.negate();
    let negative = negative_peaks(search, &mut region, &maps, is_own);
    TileFound {
        objects,
        left_out: small.iter().filter(|part| is_own(part)).count(),
        negative,
        planted,
        background,
        histogram,
        section,
        significance,
    }
}

/// Whether any pixel of a tile shows section.
fn has_section(search: &Search, region: &Region, [rows, columns]: [Range<usize>; 2]) -> bool {
    let (x0, y0) = region.origin;
    let core = s![
        rows.start - y0..rows.end - y0,
        columns.start - x0..columns.end - x0
    ];
    let weights = region.inverse_variance.slice(core);
    let mut both = region.smooth.slice(core).into_iter().zip(weights);
    both.any(|(&b, &weight)| weight > 0.0 && b >= search.section_level)
}

/// The peaks of the negated difference that would count as microbes, from the lowest level on: measured and flagged like
/// everything else. The maps are those of the negated difference; the region is so afterwards as well.
fn negative_peaks(
    search: &Search,
    region: &mut Region,
    maps: &Maps,
    is_own: impl Fn(&Part) -> bool,
) -> Vec<f32> {
    let mut covered = Covered::none(region.difference.len());
    let mut parts = search.parts(region, maps, LOWEST, &mut covered);
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

/// The significance over section without objects, and the section.
#[expect(
    clippy::type_complexity,
    reason = "two lists of sums that go straight into the tile"
)]
fn background_of(
    search: &Search,
    region: &Region,
    maps: &Maps,
    covered: &Covered,
    [rows, columns]: [Range<usize>; 2],
    histogram: &mut SignificanceHistogram,
) -> ((u64, f64, f64), Vec<(usize, usize, u64)>) {
    let (x0, y0) = region.origin;
    let wide = region.dim().1;
    let mut sums = (0, 0.0, 0.0);
    let mut section: Vec<(usize, usize, u64)> = Vec::new();
    for y in rows {
        let at = y - y0;
        let (weights, smooth, best) = (
            region.inverse_variance.row(at),
            region.smooth.row(at),
            maps.best.row(at),
        );
        for first in columns.clone().step_by(DENSITY_CELL) {
            let mut pixels = 0;
            for x in first - x0..columns.end.min(first + DENSITY_CELL) - x0 {
                if weights[x] <= 0.0 || smooth[x] < search.section_level {
                    continue;
                }
                pixels += 1;
                let is_background = !covered.has(at * wide + x);
                histogram.count(best[x], is_background);
                if is_background {
                    let value = f64::from(best[x]);
                    sums.0 += 1;
                    sums.1 += value;
                    sums.2 += value * value;
                }
            }
            let cell = (first / DENSITY_CELL, y / DENSITY_CELL);
            match section.iter_mut().find(|c| (c.0, c.1) == cell) {
                Some(cell) => cell.2 += pixels,
                None => section.push((cell.0, cell.1, pixels)),
            }
        }
    }
    (sums, section)
}

fn write_row_of_tiles(
    sink: &mut dyn BandSink,
    rows: usize,
    tiles: &[TileFound],
) -> Result<(), BandError> {
    let width = sink.size().width;
    let mut band = Array2::zeros((rows, width));
    let mut x = 0;
    for part in tiles.iter().filter_map(|tile| tile.significance.as_ref()) {
        band.slice_mut(s![.., x..x + part.ncols()]).assign(part);
        x += part.ncols();
    }
    sink.write_band(band.view())
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
