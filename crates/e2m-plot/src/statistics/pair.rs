//! Everything that is counted on pairs of pixels, in one pass.

use super::brightness::{BrightnessHistogram, CHUNK, count_levels};
use super::difference::{CLASSES, DIFFERENCES, DifferenceHistogram};
use super::joint::{JointHistogram, cell_of, cells_up_to};
use super::levels::{LEVELS, Levels};
use super::outline::Outline;
use ndarray::{ArrayView2, Axis, s};
use rayon::prelude::*;

/// Threads that count at a time; each has counters of up to 10 MiB.
const MAX_COUNTERS: usize = 16;
/// A counter is emptied into the totals before 32 bits can overflow.
const MAX_PIXELS_PER_COUNTER: u64 = 1 << 31;

/// Joint histogram, difference histogram and the histogram of aligned pre, gathered from row bands of post and aligned
/// pre on the canvas.
///
/// Padding is left out: the histogram of aligned pre holds the pixels inside the warped frame of pre, the joint and the
/// difference histogram those inside both frames. Memory is about 4 to 12 MiB, and 3 to 10 MiB per thread of the
/// current `rayon` pool (16 at most).
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
                    with_slice(aligned.slice(s![pre_columns]), |values| {
                        counter.count_aligned(levels, values);
                    });
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
        count_levels(levels, values, |level| self.aligned[level] += 1);
    }

    fn count_pairs(&mut self, levels: Levels, post: &[f32], pre: &[f32]) {
        for (post, pre) in post.chunks(CHUNK).zip(pre.chunks(CHUNK)) {
            if post.iter().chain(pre).any(|v| v.is_nan()) {
                let known = |(a, b): &(&f32, &f32)| !a.is_nan() && !b.is_nan();
                let (post, pre): (Vec<f32>, Vec<f32>) = post.iter().zip(pre).filter(known).unzip();
                self.count_chunk(levels, &post, &pre);
            } else {
                self.count_chunk(levels, post, pre);
            }
        }
    }

    fn count_chunk(&mut self, levels: Levels, post: &[f32], pre: &[f32]) {
        let n = post.len().min(CHUNK);
        let (post, pre) = (&post[..n], &pre[..n]);
        let (mut post_levels, mut pre_levels) = ([0u16; CHUNK], [0u16; CHUNK]);
        let (post_levels, pre_levels) = (&mut post_levels[..n], &mut pre_levels[..n]);
        levels.fill(post, post_levels);
        levels.fill(pre, pre_levels);
        let bits = post_levels
            .iter()
            .chain(&*pre_levels)
            .fold(0, |or, &level| or | level);
        if self.joint.len() < cells_up_to(bits) {
            self.joint.resize(cells_up_to(bits), 0);
        }
        for (&pre, &post) in pre_levels.iter().zip(&*post_levels) {
            self.joint[cell_of(pre, post)] += 1;
        }
        let mut places = [0u32; CHUNK];
        let places = &mut places[..n];
        levels.fill_differences(post, pre, places);
        for ((place, &post), &pre) in places.iter_mut().zip(post).zip(pre) {
            let class = u32::from(post <= 0.0) * 2 | u32::from(pre <= 0.0);
            // 0 both, 1 post only, 2 pre only, 3 neither; the last two are one class.
            *place += class.min(2) * DIFFERENCES as u32;
        }
        for &place in &*places {
            self.difference[place as usize] += 1;
        }
    }
}

/// Calls `f` with the values in a row, copied only where they do not lie side by side.
fn with_slice(row: ndarray::ArrayView1<'_, f32>, f: impl FnOnce(&[f32])) {
    match row.as_slice() {
        Some(values) => f(values),
        None => f(&row.to_vec()),
    }
}
