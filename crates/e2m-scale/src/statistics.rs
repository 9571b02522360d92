//! What is remembered of a pair of images as its bands go by.

use crate::blocks::{Block, BlockTable, block};
use crate::pixel_ratios::{KeyCounts, PixelRatios, key, key_counts};
use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;
use std::borrow::Cow;

/// Side of the usual block in px. Large against the blur of interpolation and defocus and against noise, small against
/// grains, regions of stain and the distances between microbes.
const SIDE: usize = 16;
/// Smaller blocks, for images that hold too few of the usual ones.
const FINE_SIDES: [usize; 2] = [4, 1];
/// Smaller blocks are no longer gathered once there are this many of the next larger ones.
const PLENTY: u64 = 4096;
/// The largest blocks of which there are this many are used.
const ENOUGH: usize = 300;
/// Usual blocks per axis of a group: squares of 64 px, which stay together where not all blocks are kept.
pub(crate) const GROUP: u32 = 4;
/// Pixels with signal in both images that a block of section needs. Were all of them needed, of dark section those blocks would
/// be left that noise lifted; a noise that is cut off at 0 in 3 % of the pixels lifts their mean by a 40th of its size only.
const MIN_WHOLE_PIXELS: u32 = (SIDE * SIDE * 97 / 100) as u32;
/// Pixels with signal in both images that a block needs to tell the level of bare glass. Were more of them 0, the noise would
/// have been cut off at 0 and the mean of the rest said nothing.
const MIN_GLASS_PIXELS: u32 = (SIDE * SIDE * 4 / 5) as u32;

/// The ratios of post to aligned pre, gathered from row bands in one pass.
///
/// Counts the ratio of every pixel where both images are positive ([`PixelRatios`], exact), and sums both images over
/// squares of 16 x 16 px, which is what [`estimate_scale`](crate::estimate_scale) works on: all squares with signal in
/// every pixel, or an even subset of 65,000 to 131,000 of them where there are more (above 33 million pixels with signal).
/// The memory does not depend on the image but for fewer than 16 rows that wait for the rest of their squares: at most
/// 9 MiB, 40 KiB per thread and 128 bytes per column; an estimate takes another 30 MiB for as long as it lasts. The result is the
/// same to the bit for bands of any height and any number of threads.
#[derive(Debug, Clone)]
pub struct RatioStatistics {
    pixels: PixelRatios,
    usual: BlockTable,
    /// Usual blocks with a few pixels that have no signal: bare glass, where the camera's offset is small.
    broken: BlockTable,
    fine: [BlockTable; 2],
    /// Rows seen that do not fill a row of blocks yet: post and aligned pre.
    waiting: Option<(Array2<f32>, Array2<f32>)>,
    /// Rows that have been dealt with, a multiple of [`SIDE`].
    rows_done: usize,
}

impl Default for RatioStatistics {
    fn default() -> Self {
        Self {
            pixels: PixelRatios::default(),
            usual: BlockTable::new(SIDE, GROUP),
            broken: BlockTable::new(SIDE, GROUP),
            fine: FINE_SIDES.map(|side| BlockTable::new(side, 1)),
            waiting: None,
            rows_done: 0,
        }
    }
}

/// A row of blocks as it comes from a thread.
struct Scanned {
    index: usize,
    row: BlockRow,
}

/// A row of blocks.
#[derive(Default)]
struct BlockRow {
    /// Blocks with signal in every pixel of both images.
    whole: Vec<Block>,
    /// Blocks with signal in nearly every pixel.
    broken: Vec<Block>,
    /// Whether there is any pixel with a ratio.
    has_signal: bool,
}

impl RatioStatistics {
    /// What an estimate holds for as long as it lasts, at most; bytes.
    pub const ESTIMATE_BYTES: u64 = 30 << 20;

    /// The most that is held while bands go by, for images of `width` columns with `threads` threads; bytes. An estimate takes
    /// [`ESTIMATE_BYTES`](Self::ESTIMATE_BYTES) more, after the last band.
    pub fn memory_bytes(width: usize, threads: usize) -> u64 {
        const OWN_BYTES: u64 = 9 << 20;
        OWN_BYTES + (40 << 10) * threads as u64 + 128 * width as u64
    }

    /// Adds the next rows of post and aligned pre, both of shape `(rows, width)`. Rows come top to bottom.
    ///
    /// # Panics
    /// Where the shapes differ, or the width is not that of the rows before.
    pub fn add_band(&mut self, post: ArrayView2<'_, f32>, aligned: ArrayView2<'_, f32>) {
        // ASSERT: documented; counts of rows that do not belong together would otherwise be taken for a scale.
        assert!(post.dim() == aligned.dim(), "bands of one shape");
        let mut used = 0;
        if let Some((waiting_post, waiting_pre)) = self.waiting.take() {
            used = (SIDE - waiting_post.nrows()).min(post.nrows());
            let rows = s![..used, ..];
            let full_post = joined(&waiting_post, post.slice(rows));
            let full_pre = joined(&waiting_pre, aligned.slice(rows));
            if full_post.nrows() < SIDE {
                self.waiting = Some((full_post, full_pre));
                return;
            }
            self.add_block_rows(full_post.view(), full_pre.view());
        }
        let end = used + (post.nrows() - used) / SIDE * SIDE;
        self.add_block_rows(
            post.slice(s![used..end, ..]),
            aligned.slice(s![used..end, ..]),
        );
        if end < post.nrows() {
            let rest = s![end.., ..];
            self.waiting = Some((post.slice(rest).to_owned(), aligned.slice(rest).to_owned()));
        }
    }

    /// Adds rows that fill rows of blocks.
    fn add_block_rows(&mut self, post: ArrayView2<'_, f32>, pre: ArrayView2<'_, f32>) {
        let first = self.rows_done / SIDE;
        let groups = (
            post.axis_chunks_iter(Axis(0), SIDE),
            pre.axis_chunks_iter(Axis(0), SIDE),
        );
        let new = || (key_counts(), Vec::new());
        let (counts, mut scanned) = groups
            .into_par_iter()
            .enumerate()
            .fold(
                new,
                |(mut counts, mut scanned): (KeyCounts, Vec<Scanned>), (i, (post, pre))| {
                    let (post, pre) = (rows_of(post), rows_of(pre));
                    let row = scan(&slices(&post), &slices(&pre), first + i, &mut counts);
                    scanned.push(Scanned { index: i, row });
                    (counts, scanned)
                },
            )
            .reduce(new, |(mut counts, mut scanned), (more, others)| {
                counts
                    .iter_mut()
                    .zip(&more)
                    .for_each(|(sum, new)| *sum += new);
                scanned.extend(others);
                (counts, scanned)
            });
        self.pixels.add(&counts);
        scanned.sort_by_key(|s| s.index);
        for Scanned { index, row } in scanned {
            if row.has_signal {
                let rows = s![index * SIDE..(index + 1) * SIDE, ..];
                self.add_fine(post.slice(rows), pre.slice(rows), (first + index) * SIDE);
            }
            row.whole.into_iter().for_each(|b| self.usual.push(b));
            row.broken.into_iter().for_each(|b| self.broken.push(b));
        }
        self.rows_done += post.nrows();
    }

    /// Adds rows to the tables of smaller blocks, as long as there are not plenty of larger ones.
    fn add_fine(&mut self, post: ArrayView2<'_, f32>, pre: ArrayView2<'_, f32>, first_row: usize) {
        let mut larger = self.usual.offered();
        for table in &mut self.fine {
            if larger >= PLENTY {
                return;
            }
            larger = table.offered();
            let (post, pre) = (rows_of(post), rows_of(pre));
            table.add_rows(&slices(&post), &slices(&pre), first_row);
        }
    }

    /// Every pixel's ratio.
    pub fn pixel_ratios(&self) -> PixelRatios {
        let mut all = self.pixels.clone();
        if let Some((post, pre)) = &self.waiting {
            let mut counts = key_counts();
            let rows = (rows_of(post.view()), rows_of(pre.view()));
            scan(&slices(&rows.0), &slices(&rows.1), 0, &mut counts);
            all.add(&counts);
        }
        all
    }

    /// Pixels that are positive in both images.
    pub fn both_positive(&self) -> u64 {
        self.pixel_ratios().total()
    }

    /// The usual blocks that have signal in nearly every pixel.
    pub(crate) fn broken(&self) -> &[Block] {
        self.broken.blocks()
    }

    /// The largest blocks of which there are enough, or else single pixels.
    pub(crate) fn blocks(&self) -> Cow<'_, BlockTable> {
        if self.usual.blocks().len() >= ENOUGH {
            return Cow::Borrowed(&self.usual);
        }
        let mut all = self.clone();
        if let Some((post, pre)) = all.waiting.take() {
            all.add_fine(post.view(), pre.view(), all.rows_done);
        }
        let [four, one] = all.fine;
        Cow::Owned(if four.blocks().len() >= ENOUGH {
            four
        } else {
            one
        })
    }
}

/// Some rows and those below them.
fn joined(above: &Array2<f32>, below: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut both = Array2::zeros((above.nrows() + below.nrows(), above.ncols()));
    both.slice_mut(s![..above.nrows(), ..]).assign(above);
    both.slice_mut(s![above.nrows().., ..]).assign(&below);
    both
}

/// The rows of a band as slices; copied only where they are not contiguous.
fn rows_of(band: ArrayView2<'_, f32>) -> Vec<Cow<'_, [f32]>> {
    (0..band.nrows())
        .map(|y| {
            let row = band.index_axis_move(Axis(0), y);
            row.to_slice()
                .map_or_else(|| Cow::Owned(row.to_vec()), Cow::Borrowed)
        })
        .collect()
}

fn slices<'a>(rows: &'a [Cow<'_, [f32]>]) -> Vec<&'a [f32]> {
    rows.iter().map(AsRef::as_ref).collect()
}

/// Counts the ratios of at most [`SIDE`] rows and sums up their blocks, the `y`-th row of blocks.
fn scan(post: &[&[f32]], pre: &[&[f32]], y: usize, counts: &mut KeyCounts) -> BlockRow {
    let width = post.first().map_or(0, |row| row.len());
    let mut found = BlockRow::default();
    for start in (0..width).step_by(SIDE) {
        let columns = start..(start + SIDE).min(width);
        let (mut sums, mut is_square) = (Lanes::default(), post.len() == SIDE);
        for (post, pre) in post.iter().zip(pre) {
            match (
                post[columns.clone()].try_into(),
                pre[columns.clone()].try_into(),
            ) {
                (Ok(post), Ok(pre)) => sums.add(post, pre, counts),
                _ => {
                    is_square = false;
                    for (&post, &pre) in post[columns.clone()].iter().zip(&pre[columns.clone()]) {
                        counts[key(post, pre) as usize] += 1;
                        sums.with_signal += u32::from(post > 0.0 && pre > 0.0);
                    }
                }
            }
        }
        found.has_signal |= sums.with_signal > 0;
        if is_square && sums.with_signal >= MIN_GLASS_PIXELS {
            let is_whole = sums.with_signal >= MIN_WHOLE_PIXELS;
            let row = if is_whole {
                &mut found.whole
            } else {
                &mut found.broken
            };
            row.extend(block((start / SIDE, y), sums.total(), sums.cut_off));
        }
    }
    found
}

/// Sums over the columns of a block.
#[derive(Default)]
struct Lanes {
    post: [f32; SIDE],
    pre: [f32; SIDE],
    /// Pixels that have a ratio.
    with_signal: u32,
    /// Pixels that are positive in one image only.
    cut_off: u32,
}

impl Lanes {
    #[inline(always)]
    fn add(&mut self, post: &[f32; SIDE], pre: &[f32; SIDE], counts: &mut KeyCounts) {
        let mut keys = [0u32; SIDE];
        let (mut positive, mut one_sided) = (0u32, 0u32);
        for i in 0..SIDE {
            keys[i] = key(post[i], pre[i]);
            positive += u32::from(post[i] > 0.0 && pre[i] > 0.0);
            one_sided += u32::from((post[i] > 0.0) != (pre[i] > 0.0));
            self.post[i] += post[i];
            self.pre[i] += pre[i];
        }
        if positive > 0 {
            self.with_signal += positive;
            self.cut_off += one_sided;
            for key in keys {
                counts[key as usize] += 1;
            }
        }
    }

    fn total(&self) -> (f64, f64) {
        let sum = |lanes: &[f32; SIDE]| lanes.iter().map(|&v| f64::from(v)).sum::<f64>();
        (sum(&self.post), sum(&self.pre))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 x 75 px with and without signal, in whole counts.
    fn images() -> (Array2<f32>, Array2<f32>) {
        let counts = |a: usize, b: usize, from: usize| {
            Array2::from_shape_fn((300, 75), move |(y, x)| {
                let bare = (y / 50 + x / 40) % 3 == 0;
                if bare {
                    0.0
                } else {
                    (from + (x * a + y * b) % 97) as f32
                }
            })
        };
        (counts(31, 17, 1), counts(13, 29, 3))
    }

    fn gather(band_rows: usize) -> RatioStatistics {
        let (post, pre) = images();
        let mut statistics = RatioStatistics::default();
        for start in (0..300).step_by(band_rows) {
            let rows = s![start..(start + band_rows).min(300), ..];
            statistics.add_band(post.slice(rows), pre.slice(rows));
        }
        statistics
    }

    #[test]
    fn neither_band_height_nor_threads_matter() {
        let whole = gather(300);
        let one_thread = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .expect("a pool");
        for band_rows in [1, 7, 16, 64, 100] {
            for other in [gather(band_rows), one_thread.install(|| gather(band_rows))] {
                assert_eq!(other.pixel_ratios(), whole.pixel_ratios());
                assert_eq!(other.usual, whole.usual);
                assert_eq!(other.broken, whole.broken);
                assert_eq!(other.fine, whole.fine);
                assert_eq!(other.blocks(), whole.blocks());
            }
        }
    }

    #[test]
    fn every_pixel_and_every_whole_block_counts() {
        let (post, pre) = images();
        let statistics = gather(300);
        let both = |y: usize, x: usize| post[(y, x)] > 0.0 && pre[(y, x)] > 0.0;
        let positive = (0..300 * 75).filter(|i| both(i / 75, i % 75)).count();
        assert_eq!(statistics.both_positive(), positive as u64);
        let mut expected = Vec::new();
        for (y, x) in (0..300 / SIDE).flat_map(|y| (0..75 / SIDE).map(move |x| (y, x))) {
            let square = s![y * SIDE..(y + 1) * SIDE, x * SIDE..(x + 1) * SIDE];
            let (post, pre) = (post.slice(square), pre.slice(square));
            if post.iter().chain(pre).all(|v| *v > 0.0) {
                expected.push((x as u32, y as u32, post.sum(), pre.sum()));
            }
        }
        let blocks = statistics.usual.blocks().iter();
        let found: Vec<_> = blocks.map(|b| (b.x, b.y, b.post, b.pre)).collect();
        assert!(expected.len() > 10);
        assert_eq!(found, expected);
    }

    #[test]
    fn columns_before_rows_in_memory_make_no_difference() {
        let (post, pre) = images();
        let flipped = |a: &Array2<f32>| {
            let mut b = Array2::zeros((75, 300));
            b.assign(&a.t());
            b
        };
        let (post, pre) = (flipped(&post), flipped(&pre));
        let mut statistics = RatioStatistics::default();
        statistics.add_band(post.t(), pre.t());
        assert_eq!(statistics.pixel_ratios(), gather(300).pixel_ratios());
        assert_eq!(statistics.blocks(), gather(300).blocks());
    }
}
