//! Which of two images has the compact sources: stained microbes are in post, so that a pair given the wrong way round has them in
//! pre.
//!
//! Blocks of 4 x 4 px are compared with their surroundings, in both images alike. What stands out of the difference beyond the
//! noise of its brightness, and is bright in one image while the other shows less than half of it, is a source of that image. Dark
//! specks, bright grains of another ratio and the rim of the section are in both images, or dark, and none of it.

use crate::difference::Subtraction;
use ndarray::ArrayView2;
use rayon::prelude::*;
use std::collections::VecDeque;

/// Side of a block, px: about the width of a microbe, so that most of its light is in one or two blocks.
const SIDE: usize = 4;
/// Surroundings are blocks so far away: beyond the microbe itself.
const RING: usize = 4;
/// Of blocks so near to each other only the most prominent is counted, so that a source counts once.
const REACH: usize = 2;
/// A source of one image shows less than this share of itself in the other.
const SHARE_ELSEWHERE: f32 = 0.5;
/// Of the eight blocks around a compact source no more are as prominent: a neighbour.
const MAX_LIKE_IT: usize = 1;
/// Classes of brightness: half an octave each, from 2^-16 on.
const CLASSES: usize = 64;
/// Steps of the histogram of contrasts: an eighth of an octave each, from 2^-20 on.
const STEPS: usize = 320;
/// With fewer blocks the noise of a class is not known to 10 %.
const MIN_BLOCKS: u64 = 200;
/// The median of the absolute values of Gaussian noise, as a share of its standard deviation.
const MEDIAN_OF_ABSOLUTE: f64 = 0.6745;

/// Were sources as likely in pre as in post, so many more in pre would come by chance this often: 14 in pre and none in post.
const MAX_CHANCE: f64 = 1e-4;
/// Of many sources a small imbalance is not chance any more, but may be one of dirt or focus: so many times as many are none.
const DOMINANCE: u64 = 2;

/// Residues of the alignment have longer tails than noise.
const THRESHOLD_MARGIN: f64 = 1.5;

/// Pixels that are looked at, and the rows of a strip: an eighth of them are the surroundings of others.
const MAX_PIXELS: usize = 8 << 20;
const STRIP_ROWS: usize = 256;

/// What one block is against its surroundings.
#[derive(Debug, Clone, Copy, Default)]
struct Contrast {
    post: f32,
    /// Times the scale.
    pre: f32,
    /// The difference itself.
    left: f32,
    /// Whether it is narrower than its surroundings are far away.
    is_compact: bool,
    /// Brightness of the surroundings in both; 0 where there is nothing to compare.
    level: f32,
}

impl Contrast {
    fn difference(&self) -> f32 {
        self.post - self.pre
    }

    /// Whose source it would be.
    fn owner(&self) -> Option<Owner> {
        // Between the sources of a dense patch it is the surroundings that stand out; along the border of a region, or of a
        // large speck, a part of them stands out as well.
        if !self.is_compact
            || self.left * self.difference().signum() < SHARE_ELSEWHERE * self.difference().abs()
        {
            return None;
        }
        let alone = |own: f32, other: f32| own > 0.0 && other.abs() < SHARE_ELSEWHERE * own;
        if alone(self.post, self.pre) {
            Some(Owner::Post)
        } else if alone(self.pre, self.post) {
            Some(Owner::Pre)
        } else {
            None
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Post,
    Pre,
}

/// Means of the blocks of one row of blocks.
#[derive(Debug, Clone)]
struct BlockRow {
    post: Vec<f32>,
    pre: Vec<f32>,
    /// Whether all pixels of a block have light in both images.
    whole: Vec<bool>,
}

impl BlockRow {
    fn new(columns: usize) -> Self {
        Self {
            post: vec![0.0; columns],
            pre: vec![0.0; columns],
            whole: vec![true; columns],
        }
    }
}

/// Counts of one class of brightness, by contrast.
#[derive(Debug, Clone)]
struct Class {
    all: Vec<u64>,
    post: Vec<u64>,
    pre: Vec<u64>,
}

/// Gathers the sources of a pair from its row bands. The memory grows with the width of the images, not with their height. Of
/// images beyond 8 megapixels strips of 256 rows are looked at, evenly over the image and that many pixels in all: a stain shows
/// thousands of sources on as much of a section, and fourteen are enough.
#[derive(Debug)]
pub struct SourceStatistics {
    subtraction: Subtraction,
    /// One strip of so many is looked at.
    every: usize,
    /// Rows seen.
    rows: usize,
    columns: usize,
    rows_in_block: usize,
    current: BlockRow,
    blocks: VecDeque<BlockRow>,
    contrasts: VecDeque<Vec<Contrast>>,
    classes: Vec<Class>,
}

/// How many compact sources each image has for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceCounts {
    /// Those of post.
    pub post: u64,
    /// Those of pre.
    pub pre: u64,
}

impl SourceCounts {
    /// Whether pre has what a stain would show in post.
    pub fn are_in_pre(&self) -> bool {
        self.pre >= DOMINANCE * self.post && chance(self.pre, self.pre + self.post) < MAX_CHANCE
    }
}

/// How likely `heads` or more of `tosses` of a fair coin are.
fn chance(heads: u64, tosses: u64) -> f64 {
    let mut log = -(tosses as f64) * std::f64::consts::LN_2;
    for i in 0..heads {
        log += (((tosses - i) as f64) / ((heads - i) as f64)).ln();
    }
    let mut term = log.exp();
    let mut sum = 0.0;
    for i in heads..=tosses {
        sum += term;
        term *= (tosses - i) as f64 / (i + 1) as f64;
    }
    sum
}

impl SourceStatistics {
    /// For images of shape `(rows, columns)`, with what is taken off post for their difference.
    pub fn new((height, width): (usize, usize), subtraction: Subtraction) -> Self {
        let columns = width / SIDE;
        let class = Class {
            all: vec![0; STEPS],
            post: vec![0; STEPS],
            pre: vec![0; STEPS],
        };
        Self {
            subtraction,
            every: (height * width).div_ceil(MAX_PIXELS).max(1),
            rows: 0,
            columns,
            rows_in_block: 0,
            current: BlockRow::new(columns),
            blocks: VecDeque::new(),
            contrasts: VecDeque::new(),
            classes: vec![class; CLASSES],
        }
    }

    /// Adds rows, top to bottom.
    pub fn add_band(&mut self, post: ArrayView2<'_, f32>, aligned: ArrayView2<'_, f32>) {
        for (post, aligned) in post.rows().into_iter().zip(aligned.rows()) {
            let strip = self.rows / STRIP_ROWS;
            self.rows += 1;
            if !strip.is_multiple_of(self.every) {
                self.leave_strip();
                continue;
            }
            match (post.as_slice(), aligned.as_slice()) {
                (Some(post), Some(aligned)) => self.add_row(post, aligned),
                _ => self.add_row(&post.to_vec(), &aligned.to_vec()),
            }
        }
    }

    /// Forgets the rows of a strip that has ended: what is below is not beside them.
    fn leave_strip(&mut self) {
        if self.rows_in_block > 0 {
            self.current = BlockRow::new(self.columns);
            self.rows_in_block = 0;
        }
        self.blocks.clear();
        self.contrasts.clear();
    }

    fn add_row(&mut self, post: &[f32], aligned: &[f32]) {
        let row = &mut self.current;
        let pixels = post.chunks_exact(SIDE).zip(aligned.chunks_exact(SIDE));
        for (i, (post, aligned)) in pixels.enumerate().take(self.columns) {
            row.post[i] += post.iter().sum::<f32>();
            row.pre[i] += aligned.iter().sum::<f32>();
            let light = |v: &f32| *v > 0.0;
            row.whole[i] &= post.iter().all(light) && aligned.iter().all(light);
        }
        self.rows_in_block += 1;
        if self.rows_in_block == SIDE {
            self.rows_in_block = 0;
            let full = std::mem::replace(&mut self.current, BlockRow::new(self.columns));
            self.add_block_row(full);
        }
    }

    fn add_block_row(&mut self, row: BlockRow) {
        self.blocks.push_back(row);
        if self.blocks.len() <= 2 * RING {
            return;
        }
        self.contrasts.push_back(self.contrast_row());
        self.blocks.pop_front();
        if self.contrasts.len() <= 2 * REACH {
            return;
        }
        self.count();
        self.contrasts.pop_front();
    }

    /// The contrasts of the middle row of blocks.
    fn contrast_row(&self) -> Vec<Contrast> {
        let rows = [0, RING, 2 * RING].map(|i| &self.blocks[i]);
        let scale = self.subtraction.scale as f32;
        let offset = self.subtraction.offset() as f32;
        let contrast = |x: usize| -> Contrast {
            if x < RING || x + RING >= self.columns {
                return Contrast::default();
            }
            let around = [x - RING, x, x + RING];
            let (mut post, mut pre) = ([0.0; 8], [0.0; 8]);
            let mut next = 0;
            for (j, row) in rows.iter().enumerate() {
                for (i, &x) in around.iter().enumerate() {
                    if !row.whole[x] {
                        return Contrast::default();
                    }
                    if (i, j) != (1, 1) {
                        (post[next], pre[next]) = (row.post[x], row.pre[x]);
                        next += 1;
                    }
                }
            }
            let pixels = (SIDE * SIDE) as f32;
            let left = (rows[1].post[x] - scale * rows[1].pre[x]) / pixels - offset;
            let around = |i: usize| post[i] - scale * pre[i];
            let around: [f32; 8] = std::array::from_fn(around);
            let (post, pre) = (middle(post), scale * middle(pre));
            let (own_post, own_pre) = (rows[1].post[x] - post, scale * rows[1].pre[x] - pre);
            let own = own_post - own_pre;
            let like_it =
                |other: &&f32| (*other - (post - pre)) * own.signum() > SHARE_ELSEWHERE * own.abs();
            Contrast {
                post: own_post / pixels,
                pre: own_pre / pixels,
                left,
                is_compact: around.iter().filter(like_it).count() <= MAX_LIKE_IT,
                level: (post + pre) / pixels,
            }
        };
        (0..self.columns)
            .into_par_iter()
            .with_min_len(512)
            .map(contrast)
            .collect()
    }

    /// Counts the middle row of contrasts.
    fn count(&mut self) {
        let middle = &self.contrasts[REACH];
        for (x, contrast) in middle.iter().enumerate() {
            if contrast.level <= 0.0 {
                continue;
            }
            let own = contrast.difference().abs();
            let class = step(contrast.level, 2.0, -16.0, CLASSES);
            let size = step(own, 8.0, -20.0, STEPS);
            self.classes[class].all[size] += 1;
            let Some(owner) = contrast.owner() else {
                continue;
            };
            let columns = x.saturating_sub(REACH)..(x + REACH + 1).min(self.columns);
            let is_largest = self.contrasts.iter().enumerate().all(|(j, row)| {
                columns.clone().all(|i| {
                    let other = row[i].difference().abs();
                    // Of equals the first counts.
                    (j, i) == (REACH, x) || other < own || other == own && (j, i) > (REACH, x)
                })
            });
            if is_largest {
                match owner {
                    Owner::Post => self.classes[class].post[size] += 1,
                    Owner::Pre => self.classes[class].pre[size] += 1,
                }
            }
        }
    }

    /// Counts what stands out of the noise so far that in noise alone no block of the images would.
    pub fn finish(self) -> SourceCounts {
        let total: u64 = self.classes.iter().flat_map(|class| &class.all).sum();
        let threshold = threshold(total);
        let mut counts = SourceCounts { post: 0, pre: 0 };
        for class in &self.classes {
            let Some(noise) = class.noise() else {
                continue;
            };
            let first = step((threshold * noise) as f32, 8.0, -20.0, STEPS) + 1;
            let beyond = |counts: &[u64]| counts.iter().skip(first).sum::<u64>();
            counts.post += beyond(&class.post);
            counts.pre += beyond(&class.pre);
        }
        counts
    }
}

/// Beyond so many standard deviations less than one block of Gaussian noise in all is expected.
fn threshold(blocks: u64) -> f64 {
    let blocks = blocks.max(2) as f64;
    THRESHOLD_MARGIN * (2.0 * blocks.ln()).sqrt()
}

impl Class {
    /// The standard deviation of the contrasts of the difference, by their median; `None` where it is not known.
    fn noise(&self) -> Option<f64> {
        let total: u64 = self.all.iter().sum();
        if total < MIN_BLOCKS {
            return None;
        }
        let mut below = 0;
        let median = self.all.iter().position(|count| {
            below += count;
            2 * below >= total
        })?;
        // What is in the first step is no noise: the same pixels twice, or no light.
        (median > 0).then(|| 2f64.powf((median as f64 + 0.5) / 8.0 - 20.0) / MEDIAN_OF_ABSOLUTE)
    }
}

/// The step of a logarithmic scale that a value is in.
fn step(value: f32, per_octave: f32, first: f32, steps: usize) -> usize {
    let step = (per_octave * (value.log2() - first)).floor();
    if step > 0.0 {
        (step as usize).min(steps - 1)
    } else {
        0
    }
}

/// Pairs that are put in order one after the other, after which the fourth and the fifth of eight are in their places.
const NETWORK: [(usize, usize); 19] = [
    (0, 2),
    (1, 3),
    (4, 6),
    (5, 7),
    (0, 4),
    (1, 5),
    (2, 6),
    (3, 7),
    (0, 1),
    (2, 3),
    (4, 5),
    (6, 7),
    (2, 4),
    (3, 5),
    (1, 4),
    (3, 6),
    (1, 2),
    (3, 4),
    (5, 6),
];

/// The mean of the two middle ones of eight: a sorting network (Knuth, The Art of Computer Programming 3, 5.3.4) has no branches.
#[inline]
fn middle(mut values: [f32; 8]) -> f32 {
    for (i, j) in NETWORK {
        let (a, b) = (values[i], values[j]);
        let ordered = if a < b { (a, b) } else { (b, a) };
        (values[i], values[j]) = ordered;
    }
    0.5 * (values[3] + values[4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_eight_is_that_of_a_sort() {
        let mut state = 1u32;
        for _ in 0..500 {
            let values: [f32; 8] = std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 28) as f32 - 6.0
            });
            let mut sorted = values;
            sorted.sort_unstable_by(f32::total_cmp);
            assert_eq!(middle(values), 0.5 * (sorted[3] + sorted[4]), "{values:?}");
        }
    }

    #[test]
    fn a_few_sources_say_nothing_and_many_do() {
        let tails = [(3, 3, 0.125), (2, 3, 0.5), (0, 4, 1.0), (60, 100, 0.02844)];
        for (heads, tosses, expected) in tails {
            assert!((chance(heads, tosses) - expected).abs() < 1e-4, "{heads}");
        }
        let in_pre = |post, pre| SourceCounts { post, pre }.are_in_pre();
        assert!(!in_pre(0, 0) && !in_pre(0, 13) && in_pre(0, 14));
        assert!(!in_pre(20, 38) && in_pre(20, 70));
        assert!(!in_pre(5000, 6000) && in_pre(2000, 6000) && !in_pre(6000, 2000));
    }
}
