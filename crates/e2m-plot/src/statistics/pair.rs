//! Everything that is counted on pairs of pixels, in one pass.

use super::brightness::{BrightnessHistogram, CHUNK, count_levels};
use super::difference::{CLASSES, DIFFERENCES, DifferenceHistogram};
use super::joint::{JointHistogram, cell_of, cells_up_to, first_shell_cell_of, in_first_shell};
use super::levels::{LEVELS, Levels};
use super::outline::Outline;
use ndarray::{ArrayView2, Axis, s};
use rayon::prelude::*;

/// Threads that count at a time; each has counters of up to 10 MiB.
pub(super) const MAX_COUNTERS: usize = 8;
/// A counter is emptied into the totals before 32 bits can overflow.
const MAX_PIXELS_PER_COUNTER: u64 = 1 << 31;

/// Joint histogram, difference histogram and the histogram of aligned pre, gathered from row bands of post and aligned
/// pre on the canvas.
///
/// Padding is left out: the histogram of aligned pre holds the pixels inside the warped frame of pre, the joint and the
/// difference histogram those inside both frames. Memory is 5 MiB for 8 bit and 20 MiB for 16 bit data, and 3 or 10 MiB
/// per thread of the current `rayon` pool (8 threads at most).
#[derive(Debug, Clone)]
pub struct PairStatistics {
    levels: Levels,
    post_frame: Outline,
    pre_frame: Outline,
    counters: Vec<Counter>,
    joint: JointHistogram,
    difference: DifferenceHistogram,
    aligned: Vec<u64>,
}

/// What one thread counts.
#[derive(Debug, Clone)]
struct Counter {
    joint: Vec<u32>,
    difference: Vec<u32>,
    aligned: Vec<u32>,
    pixels: u64,
}

impl PairStatistics {
    /// Empty statistics. `post_frame` is the frame of the raw post on the canvas, `pre_frame` that of pre after warping.
    pub fn new(levels: Levels, post_frame: Outline, pre_frame: Outline) -> Self {
        Self {
            levels,
            post_frame,
            pre_frame,
            counters: Vec::new(),
            joint: JointHistogram::new(levels),
            difference: DifferenceHistogram::new(levels),
            aligned: vec![0; LEVELS],
        }
    }

    /// The most that is held with `threads` threads, bytes; less for images of `eight_bit`, which touch fewer counters.
    pub fn memory_bytes(eight_bit: bool, threads: usize) -> u64 {
        let (total, counter) = if eight_bit { (5, 3) } else { (20, 10) };
        (total + counter * threads.min(MAX_COUNTERS) as u64) << 20
    }

    /// Adds the canvas rows from `first_row` on; `post` and `aligned` have the shape `(rows, canvas width)` and zeros
    /// where the images are not. Rows and columns that only one of them has are left out.
    pub fn add_band(
        &mut self,
        first_row: usize,
        post: ArrayView2<'_, f32>,
        aligned: ArrayView2<'_, f32>,
    ) {
        let rows = post.nrows().min(aligned.nrows());
        let width = post.ncols().min(aligned.ncols());
        if rows == 0 || width == 0 {
            return;
        }
        let pixels = (rows * width) as u64;
        if self
            .counters
            .iter()
            .any(|c| c.pixels + pixels > MAX_PIXELS_PER_COUNTER)
        {
            self.collect();
        }
        let threads = rayon::current_num_threads().min(MAX_COUNTERS).min(rows);
        while self.counters.len() < threads {
            self.counters.push(Counter::new());
        }
        let share = rows.div_ceil(threads);
        let (levels, post_frame, pre_frame) = (self.levels, self.post_frame, self.pre_frame);
        self.counters[..threads]
            .par_iter_mut()
            .enumerate()
            .for_each(|(i, counter)| {
                for row in i * share..((i + 1) * share).min(rows) {
                    let post_columns = post_frame.columns(first_row + row, width);
                    let pre_columns = pre_frame.columns(first_row + row, width);
                    let both = post_columns.start.max(pre_columns.start)
                        ..post_columns.end.min(pre_columns.end);
                    let aligned = aligned.index_axis(Axis(0), row);
                    let alone = if both.is_empty() {
                        [pre_columns.clone(), 0..0]
                    } else {
                        [pre_columns.start..both.start, both.end..pre_columns.end]
                    };
                    for columns in alone {
                        with_slice(aligned.slice(s![columns]), |values| {
                            counter.count_aligned(levels, values);
                        });
                    }
                    if both.is_empty() {
                        continue;
                    }
                    let post = post.slice(s![row, both.clone()]);
                    with_slice(post, |post| {
                        with_slice(aligned.slice(s![both]), |pre| {
                            counter.count_pairs(levels, post, pre);
                        });
                    });
                }
            });
    }

    /// Adds what another has counted with the same levels, on other rows.
    pub fn merge(&mut self, mut other: Self) {
        self.collect();
        other.collect();
        self.joint.merge(&other.joint);
        self.difference.merge(&other.difference);
        super::brightness::add(&mut self.aligned, &other.aligned);
    }

    /// The joint histogram, the differences and the histogram of aligned pre.
    pub fn finish(mut self) -> (JointHistogram, DifferenceHistogram, BrightnessHistogram) {
        self.collect();
        let aligned = BrightnessHistogram::from_counts(self.levels, self.aligned);
        (self.joint, self.difference, aligned)
    }

    /// Empties the counters into the totals.
    fn collect(&mut self) {
        for counter in self.counters.drain(..) {
            self.joint
                .add_cells(counter.joint.into_iter().map(u64::from));
            self.difference
                .add_counts(counter.difference.into_iter().map(u64::from));
            for (sum, more) in self.aligned.iter_mut().zip(counter.aligned) {
                *sum += u64::from(more);
            }
        }
    }
}

impl Counter {
    fn new() -> Self {
        Self {
            joint: vec![0; cells_up_to(0)],
            difference: vec![0; CLASSES * DIFFERENCES],
            aligned: vec![0; LEVELS],
            pixels: 0,
        }
    }

    fn count_aligned(&mut self, levels: Levels, values: &[f32]) {
        self.pixels += values.len() as u64;
        if values.iter().any(|v| v.is_nan()) {
            let known: Vec<f32> = values.iter().copied().filter(|v| !v.is_nan()).collect();
            count_levels(levels, &known, |level| self.aligned[level] += 1);
        } else {
            count_levels(levels, values, |level| self.aligned[level] += 1);
        }
    }

    /// Counts pairs, and their pre among the aligned.
    fn count_pairs(&mut self, levels: Levels, post: &[f32], pre: &[f32]) {
        self.pixels += post.len() as u64;
        for (post, pre) in post.chunks(CHUNK).zip(pre.chunks(CHUNK)) {
            // Without an early end, so that it is done many pixels at a time.
            let nan = |values: &[f32]| values.iter().fold(false, |any, v| any | v.is_nan());
            if nan(post) || nan(pre) {
                self.count_known(levels, post, pre);
            } else {
                self.count_chunk(levels, post, pre);
            }
        }
    }

    /// Counts the pairs without NaN, and every pre that is a number.
    fn count_known(&mut self, levels: Levels, post: &[f32], pre: &[f32]) {
        let known = |(post, pre): &(&f32, &f32)| !post.is_nan() && !pre.is_nan();
        let lone: Vec<f32> = post
            .iter()
            .zip(pre)
            .filter(|(post, pre)| post.is_nan() && !pre.is_nan())
            .map(|(_, pre)| *pre)
            .collect();
        self.count_aligned(levels, &lone);
        let (post, pre): (Vec<f32>, Vec<f32>) = post.iter().zip(pre).filter(known).unzip();
        self.count_chunk(levels, &post, &pre);
    }

    fn count_chunk(&mut self, levels: Levels, post: &[f32], pre: &[f32]) {
        let n = post.len().min(CHUNK);
        let (post, pre) = (&post[..n], &pre[..n]);
        let (mut post_levels, mut pre_levels) = ([0u16; CHUNK], [0u16; CHUNK]);
        let mut places = [0u32; CHUNK];
        let (post_levels, pre_levels) = (&mut post_levels[..n], &mut pre_levels[..n]);
        let places = &mut places[..n];
        levels.fill(post, post_levels);
        levels.fill(pre, pre_levels);
        levels.fill_differences(post, pre, places);
        for ((place, &post), &pre) in places.iter_mut().zip(post).zip(pre) {
            // 0 both, 1 post only, 2 pre only, 3 neither; the last two are one class.
            let class = (u32::from(post <= 0.0) << 1) | u32::from(pre <= 0.0);
            *place += class.min(2) * DIFFERENCES as u32;
        }
        let or = |levels: &[u16]| levels.iter().fold(0, |bits, level| bits | level);
        let bits = or(post_levels) | or(pre_levels);
        if self.joint.len() < cells_up_to(bits) {
            self.joint.resize(cells_up_to(bits), 0);
        }
        if in_first_shell(bits) {
            self.scatter(pre_levels, post_levels, places, first_shell_cell_of);
        } else {
            self.scatter(pre_levels, post_levels, places, cell_of);
        }
    }

    /// The three counts of each pixel side by side: on a run of equal pixels none waits for another.
    #[inline]
    fn scatter(
        &mut self,
        pre: &[u16],
        post: &[u16],
        places: &[u32],
        cell_of: impl Fn(u16, u16) -> usize,
    ) {
        let (joint, difference) = (&mut self.joint[..], &mut self.difference[..]);
        let aligned = &mut self.aligned[..];
        for ((&pre, &post), &place) in pre.iter().zip(post).zip(places) {
            joint[cell_of(pre, post)] += 1;
            difference[place as usize] += 1;
            aligned[usize::from(pre)] += 1;
        }
    }
}

/// Calls `f` with the values in a row, copied only where they do not lie side by side.
pub(super) fn with_slice(row: ndarray::ArrayView1<'_, f32>, f: impl FnOnce(&[f32])) {
    match row.as_slice() {
        Some(values) => f(values),
        None => f(&row.to_vec()),
    }
}
