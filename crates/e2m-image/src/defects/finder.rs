//! Finds what stands out alone while the rows of an image go by.

use super::Spot;
use super::line_counts::{FAR, LineCounts, NEAR, STRETCHES, Stretch, bad_lines, way};
use crate::band::check_band;
use crate::{BandError, BandSink, Size};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use std::ops::Range;

/// The sharpest point spread of a lens: a Gaussian of 1.5 px full width at half maximum, averaged over pixels. Of four
/// neighbours of the brightest pixel the middle two have at least this share of its light, wherever its centre lies.
const SPREAD_SHARE: f32 = 0.36;
/// A pixel whose neighbours have less than half of that share is no light that came through a lens.
const ALONE_SHARE: f32 = SPREAD_SHARE / 2.0;
/// So the darker two of its four neighbours lie below it by at least this share of what it stands out by.
const TWO_SHARE: f32 = 1.0 - ALONE_SHARE;
/// No more than one of its eight neighbours goes half as far; that one may be hot as well.
const EDGE_SHARE: f32 = 0.5;
/// It has to stand out of the noise by so many standard deviations that its neighbours' noise, half as large in the mean of
/// two of four, takes none for light and no light for none: three of those are half the share.
const STRONG: f32 = 8.3;
/// What lies at the same place in both images needs no more than this in each.
const WEAK: f32 = 5.0;
/// Pixels of a row whose noise is measured together.
const STRETCH_PX: usize = 128;
/// From the mean size of a pixel less the mean of two others to the standard deviation of a pixel.
const DEVIATION_PER_MEAN: f32 = 1.0 / (0.798 * 1.225);
/// Side of the square about a pixel in which the noise is measured once more: a stretch may lie half on dark glass.
const SQUARE: usize = 2 * HALO + 1;
/// From what a quarter of the pixels differ by, or more, from the mean of two others to the standard deviation of a pixel. A
/// quarter, so that dark glass in half of the square does not matter, nor do other hot pixels.
const DEVIATION_PER_QUARTILE: f32 = 1.0 / (1.15 * 1.225);
/// Half of the pixels around a pixel at a distance of two; the others are opposite.
const RING: [(isize, isize); 8] = [
    (-2, -2),
    (-1, -2),
    (0, -2),
    (1, -2),
    (2, -2),
    (2, -1),
    (2, 0),
    (2, 1),
];
/// The farthest of them.
const REACH: isize = 2;
/// The pixels about a pixel as far as that, by row.
type Patch = [[f32; PATCH]; PATCH];
const PATCH: usize = 5;
/// From the second to the seventh of eight means of two to the standard deviation of a pixel: 1.70 of that of a mean.
const DEVIATION_PER_RANGE: f32 = std::f32::consts::SQRT_2 / 1.7;
/// Noise below that of rounding to whole counts is rounding.
const ROUNDING: f32 = 0.29;
/// Pixels that are looked at together.
const LANES: usize = 8;
/// Rows above and below that a row is compared with.
const HALO: usize = FAR;
/// Rows that one thread looks at in one go.
const CHUNK_ROWS: usize = 32;
/// Every so manieth row is counted for columns on images of at least [`SPARSE_FROM`] rows, and every so manieth run of
/// [`RUN_PX`] for rows: that is plenty.
const EVERY: usize = 4;
const SPARSE_FROM: usize = 2000;
const RUN_PX: usize = 64;
/// No more outliers than this share of an image are defects of a sensor.
const MOST_SHARE: usize = 64;
/// And no more than that are kept.
const MOST: usize = 1 << 21;

/// What was found in one image.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundDefects {
    pub(super) size: Size,
    pub(super) strong: Vec<Spot>,
    pub(super) weak: Vec<Spot>,
    pub(super) columns: Vec<Range<usize>>,
    pub(super) rows: Vec<Range<usize>>,
}

impl FoundDefects {
    /// As many pixels as are kept of an image of `size`.
    pub(super) fn most(size: Size) -> usize {
        (size.pixels() as usize / MOST_SHARE).min(MOST)
    }
}

/// A sink that looks for hot and dead pixels, bad columns and bad rows in what is written to it.
///
/// What is found depends on neither the height of the bands nor the number of threads.
#[derive(Debug)]
pub struct DefectFinder {
    size: Size,
    /// Rows at the end of what was written, from [`HALO`] above the first that waits on.
    kept: Array2<f32>,
    /// The row of the image that `kept` begins with.
    kept_from: usize,
    /// The first row that nobody has looked at.
    next: usize,
    strong: Vec<Spot>,
    weak: Vec<Spot>,
    /// Brighter pixels less darker ones of each column beside those before and after it, by stretch.
    columns: [Array2<i32>; 2],
    /// Rows that were counted for columns, by stretch.
    counted: [i32; STRETCHES],
    rows: Vec<LineCounts>,
}

/// What was found in some rows.
#[derive(Default)]
struct Part {
    strong: Vec<Spot>,
    weak: Vec<Spot>,
    /// By row.
    rows: Vec<LineCounts>,
}

impl DefectFinder {
    /// A sink for an image of `size`.
    pub fn new(size: Size) -> Self {
        Self {
            size,
            kept: Array2::zeros((0, size.width)),
            kept_from: 0,
            next: 0,
            strong: Vec::new(),
            weak: Vec::new(),
            columns: [0; 2].map(|_| Array2::zeros((STRETCHES, size.width))),
            counted: [0; STRETCHES],
            rows: Vec::new(),
        }
    }

    /// What was found, once all rows are written.
    pub fn finish(self) -> FoundDefects {
        let most = FoundDefects::most(self.size);
        // What is everywhere is a texture.
        let kept = |spots: Vec<Spot>| {
            if spots.len() < most {
                spots
            } else {
                Vec::new()
            }
        };
        let strong = kept(self.strong);
        let of_column = |x: usize| {
            std::array::from_fn(|i| Stretch {
                before: self.columns[0][(i, x)],
                after: self.columns[1][(i, x)],
                all: self.counted[i],
            })
        };
        let columns: Vec<LineCounts> = (0..self.size.width).map(of_column).collect();
        FoundDefects {
            size: self.size,
            weak: kept(self.weak),
            strong,
            columns: bad_lines(&columns),
            rows: bad_lines(&self.rows),
        }
    }

    /// Rows of an image of this height are counted for columns where this divides their number.
    fn every(extent: usize) -> usize {
        if extent < SPARSE_FROM { 1 } else { EVERY }
    }

    /// Looks at the rows from `next` to `end`; `rows` begins with row `first` of the image.
    fn look(&mut self, rows: &[&[f32]], first: usize, end: usize) {
        let size = self.size;
        let starts: Vec<usize> = (self.next..end).step_by(CHUNK_ROWS).collect();
        let window = Window { size, first, rows };
        let parts: Vec<Part> = starts
            .into_par_iter()
            .map(|start| window.look(start..(start + CHUNK_ROWS).min(end)))
            .collect();
        let most = FoundDefects::most(size);
        for part in parts {
            if self.strong.len() < most {
                self.strong.extend(part.strong);
            }
            if self.weak.len() < most {
                self.weak.extend(part.weak);
            }
            self.rows.extend(part.rows);
        }
        let every = Self::every(size.height);
        for y in (self.next..end).filter(|y| y.is_multiple_of(every)) {
            let stretch = y * STRETCHES / size.height.max(1);
            let [before, after] = &mut self.columns;
            if let (Some(before), Some(after)) = (
                before.row_mut(stretch).as_slice_mut(),
                after.row_mut(stretch).as_slice_mut(),
            ) {
                count_columns(rows[y - first], before, after);
                self.counted[stretch] += 1;
            }
        }
        self.next = end;
    }
}

impl BandSink for DefectFinder {
    fn size(&self) -> Size {
        self.size
    }

    fn write_band(&mut self, band: ArrayView2<'_, f32>) -> Result<(), BandError> {
        let written = self.kept_from + self.kept.nrows();
        check_band(self.size, written, band.dim())?;
        let band = band.as_standard_layout();
        let kept = std::mem::take(&mut self.kept);
        let first = self.kept_from;
        let slices = kept.outer_iter().chain(band.outer_iter());
        let rows: Vec<&[f32]> = slices.filter_map(|row| row.to_slice()).collect();
        let end = written + band.nrows();
        let ready = if end == self.size.height {
            end
        } else {
            end.saturating_sub(HALO)
        };
        if ready > self.next && rows.len() == end - first {
            self.look(&rows, first, ready);
        }
        let keep_from = self.next.saturating_sub(HALO).max(first);
        let mut keep = Array2::zeros((end - keep_from, self.size.width));
        for (mut to, from) in keep.outer_iter_mut().zip(&rows[keep_from - first..]) {
            if let Some(to) = to.as_slice_mut() {
                to.copy_from_slice(from);
            }
        }
        (self.kept, self.kept_from) = (keep, keep_from);
        Ok(())
    }
}

/// Counts a row for the columns.
fn count_columns(row: &[f32], before: &mut [i32], after: &mut [i32]) {
    let Some(inner) = row.len().checked_sub(2 * FAR) else {
        return;
    };
    let from = |offset: usize| &row[offset..offset + inner];
    let (a, b, c) = (from(0), from(FAR - NEAR), from(FAR));
    let (d, e) = (from(FAR + NEAR), from(2 * FAR));
    let (before, after) = (&mut before[FAR..FAR + inner], &mut after[FAR..FAR + inner]);
    for i in 0..inner {
        before[i] += way(c[i], 0.5 * (a[i] + b[i]));
        after[i] += way(c[i], 0.5 * (d[i] + e[i]));
    }
}

/// Rows of an image.
struct Window<'a> {
    size: Size,
    /// The row of the image that `rows` begins with.
    first: usize,
    rows: &'a [&'a [f32]],
}

impl Window<'_> {
    fn row(&self, y: usize) -> &[f32] {
        self.rows[y - self.first]
    }

    fn look(&self, rows: Range<usize>) -> Part {
        let mut part = Part::default();
        let mut excess = vec![0.0f32; STRETCH_PX];
        for y in rows {
            self.look_for_spots(y, &mut excess, &mut part);
            part.rows.push(self.count_row(y));
        }
        part
    }

    /// Counts a row, on runs of pixels.
    fn count_row(&self, y: usize) -> LineCounts {
        let mut counts = LineCounts::default();
        if y < FAR || y + FAR >= self.size.height {
            return counts;
        }
        let width = self.size.width;
        let step = RUN_PX * DefectFinder::every(width);
        let rows = [y - FAR, y - NEAR, y, y + NEAR, y + FAR].map(|y| self.row(y));
        for start in (0..width).step_by(step) {
            let run = start..(start + RUN_PX).min(width);
            let [a, b, c, d, e] = rows.map(|row| &row[run.clone()]);
            let (mut before, mut after) = (0, 0);
            for i in 0..c.len() {
                before += way(c[i], 0.5 * (a[i] + b[i]));
                after += way(c[i], 0.5 * (d[i] + e[i]));
            }
            let counts = &mut counts[start * STRETCHES / width];
            counts.before += before;
            counts.after += after;
            counts.all += c.len() as i32;
        }
        counts
    }

    /// Looks at a row, a stretch after the other.
    fn look_for_spots(&self, y: usize, excess: &mut [f32], part: &mut Part) {
        let (row, width) = (self.row(y), self.size.width);
        if width < 3 || self.size.height < 3 {
            return;
        }
        for start in (0..width).step_by(STRETCH_PX) {
            let end = (start + STRETCH_PX).min(width);
            // The first and last pixel of the row have one neighbour twice.
            let (from, to) = (start.max(1), end.min(width - 1));
            let excess = &mut excess[..to - from];
            let (before, own, after) = (&row[from - 1..], &row[from..], &row[from + 1..]);
            let (sum, greatest) = excesses(before, own, after, excess);
            let mean = sum / excess.len().max(1) as f32;
            let deviation = (mean * DEVIATION_PER_MEAN).max(self.rounding(own));
            let least = WEAK * deviation;
            if greatest > least {
                for (at, lanes) in (from..).step_by(LANES).zip(excess.chunks(LANES)) {
                    if !lanes.iter().fold(false, |any, &e| any | (e > least)) {
                        continue;
                    }
                    for (x, _) in (at..).zip(lanes).filter(|(_, e)| **e > least) {
                        if self.stands_out(x, y, TWO_SHARE * least) {
                            self.judge(x, y, deviation, part);
                        }
                    }
                }
            }
            if start == 0 {
                self.judge(0, y, deviation, part);
            }
            if end == width {
                self.judge(width - 1, y, deviation, part);
            }
        }
    }

    /// Whether a pixel stands out of two of its four neighbours, to the same side: on an edge it does so of one.
    #[inline]
    fn stands_out(&self, x: usize, y: usize, least: f32) -> bool {
        let (row, above, below) = (
            self.row(y),
            self.row(mirrored(y, -1, self.size.height)),
            self.row(mirrored(y, 1, self.size.height)),
        );
        let own = row[x];
        let beside = [row[x - 1], row[x + 1], above[x], below[x]];
        let up: i32 = beside.iter().map(|v| i32::from(own - v > least)).sum();
        let down: i32 = beside.iter().map(|v| i32::from(v - own > least)).sum();
        up > 1 || down > 1
    }

    /// The noise in the square about a pixel, the pixel and what it is compared with apart.
    fn noise_about(&self, x: usize, y: usize) -> f32 {
        let width = self.size.width;
        let mut sizes = [0.0f32; SQUARE * SQUARE];
        let mut n = 0;
        let half = (SQUARE / 2) as isize;
        for dy in -half..=half {
            let row = self.row(mirrored(y, dy, self.size.height));
            for dx in -half..=half {
                if dy == 0 && dx.abs() <= 1 {
                    continue;
                }
                let at = mirrored(x, dx, width).clamp(1, width - 2);
                sizes[n] = (row[at] - 0.5 * (row[at - 1] + row[at + 1])).abs();
                n += 1;
            }
        }
        let (_, upper, _) = sizes[..n].select_nth_unstable_by(n * 3 / 4, f32::total_cmp);
        *upper * DEVIATION_PER_QUARTILE
    }

    /// The noise of rounding, where pixels are whole counts.
    fn rounding(&self, pixels: &[f32]) -> f32 {
        let whole = pixels.iter().take(8).all(|v| v.fract() == 0.0);
        if whole { ROUNDING } else { f32::MIN_POSITIVE }
    }

    /// The pixels about a pixel.
    #[inline]
    fn patch(&self, x: usize, y: usize) -> Patch {
        let Size { width, height } = self.size;
        let mut patch = [[0.0; PATCH]; PATCH];
        let from = x.checked_sub(PATCH / 2);
        let inside = from.map(|from| from..from + PATCH);
        let inside = inside.filter(|columns| columns.end <= width);
        for (dy, to) in (-REACH..).zip(&mut patch) {
            let row = self.row(mirrored(y, dy, height));
            match &inside {
                Some(columns) => to.copy_from_slice(&row[columns.clone()]),
                None => {
                    for (dx, to) in (-REACH..).zip(to) {
                        *to = row[mirrored(x, dx, width)];
                    }
                }
            }
        }
        patch
    }

    /// Takes the pixel for a spot if it is one.
    fn judge(&self, x: usize, y: usize, deviation: f32, part: &mut Part) {
        let patch = self.patch(x, y);
        let at = |dx: isize, dy: isize| patch[(dy + REACH) as usize][(dx + REACH) as usize];
        let own = at(0, 0);
        if !own.is_finite() {
            return;
        }
        // Opposite pixels at a distance of two, so that a slope goes out.
        let mut ring = [0.0f32; RING.len()];
        for (mean, (dx, dy)) in ring.iter_mut().zip(RING) {
            *mean = 0.5 * (at(dx, dy) + at(-dx, -dy));
        }
        ring.sort_unstable_by(f32::total_cmp);
        let level = 0.5 * (ring[3] + ring[4]);
        let excess = own - level;
        let sign = excess.signum();
        let mut beside = [at(0, -1), at(-1, 0), at(1, 0), at(0, 1)];
        beside.sort_unstable_by(f32::total_cmp);
        let middle = 0.5 * (beside[1] + beside[2]) - level;
        if excess.abs() <= WEAK * deviation || sign * middle >= ALONE_SHARE * excess.abs() {
            return;
        }
        let deviation = deviation.max((ring[6] - ring[1]) * DEVIATION_PER_RANGE);
        if excess.abs() <= WEAK * deviation {
            return;
        }
        let mut around = [
            beside[0],
            beside[1],
            beside[2],
            beside[3],
            at(-1, -1),
            at(1, -1),
            at(-1, 1),
            at(1, 1),
        ];
        around.sort_unstable_by(f32::total_cmp);
        // On an edge a pixel is like others of its side, whatever the level about it.
        let second = if sign > 0.0 { around[6] } else { around[1] };
        if sign * (second - level) >= EDGE_SHARE * excess.abs() {
            return;
        }
        // The dearest of all comes last.
        let deviation = deviation.max(self.noise_about(x, y));
        if excess.abs() <= WEAK * deviation {
            return;
        }
        let spot = Spot {
            x: x as u32,
            y: y as u32,
            value: own,
            change: 0.5 * (around[3] + around[4]) - own,
        };
        if excess.abs() > STRONG * deviation {
            part.strong.push(spot);
        } else {
            part.weak.push(spot);
        }
    }
}

/// How much each of `own` stands out of one of its two neighbours; the sum of what they differ from the mean of both, and the
/// greatest excess. In lanes, which become vectors.
fn excesses(before: &[f32], own: &[f32], after: &[f32], excess: &mut [f32]) -> (f32, f32) {
    let n = excess.len();
    let one = |l: f32, c: f32, r: f32| {
        let (least, most) = if l < r { (l, r) } else { (r, l) };
        let (up, down) = (c - least, most - c);
        ((c - 0.5 * (l + r)).abs(), if up > down { up } else { down })
    };
    let (mut sums, mut greatest) = ([0.0f32; LANES], [0.0f32; LANES]);
    let whole = n / LANES * LANES;
    let lanes = |of: &[f32], at: usize| -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        lanes.copy_from_slice(&of[at..at + LANES]);
        lanes
    };
    for at in (0..whole).step_by(LANES) {
        let (l, c, r) = (lanes(before, at), lanes(own, at), lanes(after, at));
        let mut out = [0.0f32; LANES];
        for i in 0..LANES {
            let (size, most) = one(l[i], c[i], r[i]);
            sums[i] += size;
            out[i] = most;
            greatest[i] = if most > greatest[i] {
                most
            } else {
                greatest[i]
            };
        }
        excess[at..at + LANES].copy_from_slice(&out);
    }
    let mut sum: f32 = sums.iter().sum();
    let mut most = greatest.into_iter().fold(0.0, f32::max);
    for at in whole..n {
        let (size, own_excess) = one(before[at], own[at], after[at]);
        sum += size;
        excess[at] = own_excess;
        most = most.max(own_excess);
    }
    (sum, most)
}

/// `at + by`, mirrored at the ends of `extent`.
fn mirrored(at: usize, by: isize, extent: usize) -> usize {
    let last = extent as isize - 1;
    let to = (at as isize + by).abs();
    (if to > last { 2 * last - to } else { to }).max(0) as usize
}

#[cfg(test)]
mod tests {
    use super::mirrored;

    #[test]
    fn beyond_an_end_comes_what_is_before_it() {
        assert_eq!([-2, -1, 0, 2].map(|by| mirrored(1, by, 4)), [1, 0, 1, 3]);
        assert_eq!([1, 2].map(|by| mirrored(3, by, 4)), [2, 1]);
    }
}
