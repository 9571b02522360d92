//! Whether two images are one exposure: two never have the same noise.
//!
//! The noise is what is left of blocks of 16 x 16 px after a second difference along both axes, in the quarter of the blocks where
//! that is least: there is hardly any structure that both images would share. The correlation of these is near 0 for two
//! exposures, whatever they show, and near 1 for copies.

use ndarray::ArrayView2;
use rayon::prelude::*;

/// Side of a block, px: 225 second differences, whose correlation by chance is 0 +- 0.1.
const SIDE: usize = 16;
/// The quietest blocks, as a share of all.
const QUIET: f64 = 0.25;
/// Steps of variance: two an octave, from 2^-40 on.
const STEPS: usize = 160;
/// Steps of correlation, from -1 to 1.
const BINS: usize = 500;
/// Of two exposures that share all structure, less than this is shared as soon as their noise is a seventh of it; a copy that
/// was moved by 0.01 px has 0.9995.
const SAME_NOISE: f64 = 0.98;
/// With fewer blocks nothing is said.
const MIN_BLOCKS: u64 = 20;

/// Gathers how much the noise of two images agrees, from their row bands.
#[derive(Debug)]
pub struct NoiseStatistics {
    /// The row above.
    last: [Vec<f32>; 2],
    rows_in_block: usize,
    sums: Vec<Sums>,
    /// Blocks by variance and correlation.
    counts: Vec<u64>,
}

/// Sums over the second differences of a block.
#[derive(Debug, Clone, Copy)]
struct Sums {
    post: f64,
    pre: f64,
    both: f64,
    /// Whether all pixels have light in both images.
    whole: bool,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            post: 0.0,
            pre: 0.0,
            both: 0.0,
            whole: true,
        }
    }
}

/// How much the noise of two images agrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseAgreement {
    /// The median correlation of the noise of both images over quiet blocks, -1 to 1.
    pub correlation: f64,
    /// Quiet blocks.
    pub blocks: u64,
}

impl NoiseAgreement {
    /// Whether both are one exposure.
    pub fn is_one_exposure(&self) -> bool {
        self.blocks >= MIN_BLOCKS && self.correlation >= SAME_NOISE
    }
}

impl NoiseStatistics {
    /// For images of this width.
    pub fn new(width: usize) -> Self {
        let columns = width / SIDE;
        Self {
            last: [Vec::new(), Vec::new()],
            rows_in_block: 0,
            sums: vec![Sums::default(); columns],
            counts: vec![0; STEPS * BINS],
        }
    }

    /// Adds rows, top to bottom.
    pub fn add_band(&mut self, post: ArrayView2<'_, f32>, aligned: ArrayView2<'_, f32>) {
        for (post, aligned) in post.rows().into_iter().zip(aligned.rows()) {
            let rows = [post.to_vec(), aligned.to_vec()];
            self.add_row(&rows);
            self.last = rows;
        }
    }

    fn add_row(&mut self, rows: &[Vec<f32>; 2]) {
        let [above_post, above_pre] = &self.last;
        let [post, pre] = rows;
        let is_first = self.rows_in_block == 0;
        let second = |above: &[f32], row: &[f32], x: usize| {
            f64::from(above[x] - above[x + 1] - row[x] + row[x + 1])
        };
        let add = |(i, sums): (usize, &mut Sums)| {
            let block = i * SIDE..(i + 1) * SIDE;
            let light = |v: &f32| *v > 0.0;
            sums.whole &=
                post[block.clone()].iter().all(light) && pre[block.clone()].iter().all(light);
            if is_first {
                return;
            }
            for x in block.start..block.end - 1 {
                let (a, b) = (second(above_post, post, x), second(above_pre, pre, x));
                sums.post += a * a;
                sums.pre += b * b;
                sums.both += a * b;
            }
        };
        self.sums
            .par_iter_mut()
            .with_min_len(64)
            .enumerate()
            .for_each(add);
        self.rows_in_block += 1;
        if self.rows_in_block == SIDE {
            self.rows_in_block = 0;
            self.count();
        }
    }

    fn count(&mut self) {
        for sums in &mut self.sums {
            let Sums {
                post,
                pre,
                both,
                whole,
            } = std::mem::take(sums);
            // What is flat has no noise: saturated, or cut off.
            if !whole || post <= 0.0 || pre <= 0.0 {
                continue;
            }
            let step = 2.0 * ((post + pre).log2() + 40.0);
            let step = (step.max(0.0) as usize).min(STEPS - 1);
            let correlation = both / (post * pre).sqrt();
            let bin = 0.5 * (correlation + 1.0) * BINS as f64;
            let bin = (bin.max(0.0) as usize).min(BINS - 1);
            self.counts[step * BINS + bin] += 1;
        }
    }

    /// What was found; `None` where no block has any noise.
    pub fn finish(self) -> Option<NoiseAgreement> {
        let total: u64 = self.counts.iter().sum();
        let wanted = ((QUIET * total as f64).ceil() as u64).max(MIN_BLOCKS);
        let mut bins = vec![0u64; BINS];
        let mut blocks = 0;
        for step in self.counts.chunks(BINS) {
            if blocks >= wanted {
                break;
            }
            for (sum, count) in bins.iter_mut().zip(step) {
                *sum += count;
                blocks += count;
            }
        }
        let mut below = 0;
        let median = bins.iter().position(|count| {
            below += count;
            2 * below >= blocks && blocks > 0
        })?;
        Some(NoiseAgreement {
            correlation: 2.0 * (median as f64 + 0.5) / BINS as f64 - 1.0,
            blocks,
        })
    }
}
