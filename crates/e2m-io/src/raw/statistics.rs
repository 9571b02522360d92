//! What each colour channel of an image holds, from a sample of its pixels.
//!
//! A channel's *contrast* is by how much it is brighter where the image is bright. Black levels, noise and what lossy
//! compression leaves behind have none, and a few specks have little: they cover little.

use super::channels::ColourKind;
use super::count::Count;
use super::pixels::Reach;
use super::source::ColourRows;
use crate::tiff::{TiffProblem, with_channel};
use e2m_image::Size;
use serde::{Deserialize, Serialize};

/// Rows that are looked at, spread over the image: enough for a section that covers a hundredth of it.
const SAMPLED_ROWS: usize = 256;
/// Rows of tiles that are decoded for it at most.
const SAMPLED_TILE_ROWS: usize = 64;
/// Places of a row that are looked at.
const SAMPLED_PLACES: usize = 64;
/// Pixels that are averaged: a block of JPEG with halved colours is as wide, so what lossy compression does to one run tells
/// nothing of the next.
const RUN_PX: usize = 16;
/// Contrast has to exceed so many standard errors to be one: noise does so once in a million images.
const CONTRAST_ERRORS: f64 = 5.0;
/// A channel holds signal if it has this share of the strongest one's contrast. Of two channels with equal noise the sum has the
/// better ratio of signal to noise only if the fainter one has more than 0.41 (the root of 2, less 1) of the brighter one's signal:
/// what bleeds through from another channel has less.
const SIGNAL_SHARE: f64 = 0.5;
/// Channels that differ by no more than this share of the signal are equal.
const EQUAL_SHARE: f64 = 0.05;

/// What the colour channels of an image hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelStatistics {
    /// The image of the file that was looked at, the first one is 1.
    pub page: usize,
    /// By how many counts each channel is brighter in the brighter half of the image.
    pub contrasts: Vec<f64>,
    /// The mean of each channel, in counts.
    pub means: Vec<f64>,
    /// Whether there is contrast. In an image without, the means tell what a channel holds.
    pub has_contrast: bool,
    /// Whether all channels are equal, up to what lossy compression does to them.
    pub equal: bool,
    /// The largest count that was seen.
    pub largest: f64,
}

impl ChannelStatistics {
    /// What each channel holds as a share of the strongest one, 0 to 1.
    pub fn shares(&self) -> Vec<f64> {
        let of = if self.has_contrast {
            &self.contrasts
        } else {
            &self.means
        };
        let most = of.iter().copied().fold(0.0, f64::max);
        of.iter()
            .map(|&held| {
                if most > 0.0 {
                    (held / most).max(0.0)
                } else {
                    0.0
                }
            })
            .collect()
    }

    /// The channels that hold signal beside the strongest one, and that one.
    pub(crate) fn holding(&self) -> Vec<usize> {
        let shares = self.shares();
        let all = 0..shares.len();
        let holding: Vec<usize> = all.filter(|&c| shares[c] >= SIGNAL_SHARE).collect();
        if holding.is_empty() { vec![0] } else { holding }
    }
}

/// Looks at a sample of an image.
pub(crate) fn look<T: Count>(
    rows: &mut dyn ColourRows<T>,
    kind: ColourKind,
    (size, reach): (Size, Reach),
    page: usize,
) -> Result<ChannelStatistics, TiffProblem> {
    let mut sample = Sample::new(kind.channels(), size.width);
    for y in sampled_rows(size.height, reach) {
        let row_layout = rows.layout();
        let (row, _) = rows.row(y)?;
        sample.begin_row();
        for channel in 0..kind.channels() {
            with_channel!(row_layout.channel(row, channel), counts => {
                sample.add(channel, counts.map(|&count| count.value()));
            });
        }
    }
    Ok(sample.statistics(T::ROUNDING, page))
}

/// Rows spread over the image that are cheap to reach: the first of strips where there are many, all of a few rows of tiles.
fn sampled_rows(height: usize, reach: Reach) -> Vec<usize> {
    let spread = |count: usize, of: usize| {
        let count = count.min(of);
        (0..count).map(move |i| (2 * i + 1) * of / (2 * count))
    };
    let (chunk_rows, most_chunks) = match reach {
        Reach::Any => (1, SAMPLED_ROWS),
        Reach::Down(rows) => (rows, SAMPLED_ROWS),
        Reach::Together(rows) => (rows, SAMPLED_TILE_ROWS),
    };
    let chunks = height.div_ceil(chunk_rows);
    if chunks <= most_chunks {
        return spread(SAMPLED_ROWS, height).collect();
    }
    let rows_each = SAMPLED_ROWS / most_chunks;
    spread(most_chunks, chunks)
        .flat_map(|chunk| {
            let (first, rows) = (
                chunk * chunk_rows,
                chunk_rows.min(height - chunk * chunk_rows),
            );
            // The first row of a strip is reached at once, the last one after all others.
            (0..rows_each.min(rows)).map(move |i| first + i * rows / rows_each.min(rows))
        })
        .collect()
}

/// Means over runs of pixels, two neighbouring runs at each place.
struct Sample {
    channels: usize,
    run_px: usize,
    /// Where the first of two runs begins.
    places: Vec<usize>,
    /// Run by run, all channels of one together.
    means: Vec<f32>,
    row_start: usize,
    largest: f64,
}

impl Sample {
    fn new(channels: usize, width: usize) -> Self {
        let run_px = RUN_PX.min(width / 2).max(1);
        let pairs = (width / (2 * run_px)).max(1);
        let count = pairs.min(SAMPLED_PLACES);
        let places = (0..count).map(|i| (2 * i + 1) * pairs / (2 * count) * 2 * run_px);
        Self {
            channels,
            run_px,
            places: places.collect(),
            means: Vec::new(),
            row_start: 0,
            largest: 0.0,
        }
    }

    fn begin_row(&mut self) {
        self.row_start = self.means.len();
        let added = 2 * self.places.len() * self.channels;
        self.means.resize(self.row_start + added, 0.0);
    }

    /// Adds the counts of a channel of the row that was begun.
    fn add(&mut self, channel: usize, mut counts: impl Iterator<Item = f64>) {
        let mut x = 0;
        let mut run = self.row_start + channel;
        for &place in &self.places {
            if place > x {
                counts.nth(place - x - 1);
                x = place;
            }
            let mut last = 0.0;
            for _ in 0..2 {
                let (mut sum, mut pixels) = (0.0, 0.0);
                for count in counts.by_ref().take(self.run_px) {
                    sum += count;
                    pixels += 1.0;
                    x += 1;
                    self.largest = self.largest.max(count);
                }
                // The second run of an image one pixel wide is the first.
                last = if pixels > 0.0 { sum / pixels } else { last };
                self.means[run] = last as f32;
                run += self.channels;
            }
        }
    }

    fn statistics(&self, rounding: f64, page: usize) -> ChannelStatistics {
        let runs: Vec<&[f32]> = self.means.chunks_exact(self.channels).collect();
        let brightness: Vec<f32> = runs.iter().map(|run| run.iter().sum()).collect();
        let middle = median(brightness.clone());
        // A run is bright if its neighbour is: their noise has nothing to do with each other.
        let mut halves = [Half::new(self.channels), Half::new(self.channels)];
        for (i, run) in runs.iter().enumerate() {
            let is_bright = brightness[i ^ 1] > middle;
            halves[usize::from(is_bright)].add(run);
        }
        let [dark, bright] = &halves;
        let means: Vec<f64> = (0..self.channels)
            .map(|c| (dark.sums[c] + bright.sums[c]) / (runs.len() as f64).max(1.0))
            .collect();
        let contrasts: Vec<f64> = (0..self.channels)
            .map(|c| bright.mean(c) - dark.mean(c))
            .collect();
        let strongest = strongest(&contrasts);
        let error = bright.error(strongest).hypot(dark.error(strongest));
        let contrast = contrasts[strongest];
        let has_contrast =
            dark.runs > 0.0 && bright.runs > 0.0 && contrast > CONTRAST_ERRORS * error;
        let signal = if has_contrast {
            contrast
        } else {
            means.iter().copied().fold(0.0, f64::max)
        };
        let limit = EQUAL_SHARE * signal + rounding;
        let equal = (1..self.channels).all(|c| {
            let differs = |half: &Half| (half.mean(c) - half.mean(0)).abs() > limit;
            !(dark.runs > 0.0 && differs(dark) || bright.runs > 0.0 && differs(bright))
        });
        ChannelStatistics {
            page,
            contrasts,
            means,
            has_contrast,
            equal,
            largest: self.largest,
        }
    }
}

/// The first of the largest.
pub(crate) fn strongest(values: &[f64]) -> usize {
    let better = |best: usize, c: usize| if values[c] > values[best] { c } else { best };
    (1..values.len()).fold(0, better)
}

/// The runs of one half of the image, by brightness.
struct Half {
    runs: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Half {
    fn new(channels: usize) -> Self {
        Self {
            runs: 0.0,
            sums: vec![0.0; channels],
            squares: vec![0.0; channels],
        }
    }

    fn add(&mut self, run: &[f32]) {
        self.runs += 1.0;
        for (c, &mean) in run.iter().enumerate() {
            let mean = f64::from(mean);
            self.sums[c] += mean;
            self.squares[c] += mean * mean;
        }
    }

    fn mean(&self, channel: usize) -> f64 {
        self.sums[channel] / self.runs.max(1.0)
    }

    /// The standard error of the mean.
    fn error(&self, channel: usize) -> f64 {
        let mean = self.mean(channel);
        let variance = self.squares[channel] / self.runs.max(1.0) - mean * mean;
        (variance.max(0.0) / self.runs.max(1.0)).sqrt()
    }
}

fn median(mut values: Vec<f32>) -> f32 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statistics of an image whose channels are these functions of (x, y).
    fn of(channels: &[&dyn Fn(usize, usize) -> f64]) -> ChannelStatistics {
        let (width, height) = (300, 200);
        let mut sample = Sample::new(channels.len(), width);
        for y in 0..height {
            sample.begin_row();
            for (c, value) in channels.iter().enumerate() {
                sample.add(c, (0..width).map(|x| value(x, y).round()));
            }
        }
        sample.statistics(0.5, 1)
    }

    /// A section of a fifth of the frame, with structure.
    fn section(x: usize, y: usize) -> f64 {
        let inside = (100..200).contains(&x) && (40..160).contains(&y);
        if inside {
            60.0 + 20.0 * (x as f64 / 9.0).sin() * (y as f64 / 7.0).cos()
        } else {
            2.0
        }
    }

    fn noise(x: usize, y: usize, seed: usize) -> f64 {
        let mut bits = ((x * 73_856_093) ^ (y * 19_349_663) ^ (seed * 83_492_791)) as u64;
        bits = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (bits >> 40) as f64 / f64::from(1 << 24)
    }

    #[test]
    fn black_levels_and_noise_are_no_signal() {
        let found = of(&[
            &|x, y| 30.0 + 6.0 * noise(x, y, 1),
            &|x, y| 12.0 + section(x, y),
            &|x, y| 8.0 * noise(x, y, 2),
        ]);
        assert_eq!(found.holding(), [1], "{found:?}");
        assert!(!found.equal && found.has_contrast);
    }

    #[test]
    fn what_bleeds_through_is_told_from_signal() {
        let at = |share: f64| {
            let found = of(&[&|x, y| share * section(x, y), &section, &|_, _| 0.0]);
            found.holding()
        };
        assert_eq!((at(0.05), at(0.4)), (vec![1], vec![1]));
        assert_eq!((at(0.6), at(0.9)), (vec![0, 1], vec![0, 1]));
    }

    #[test]
    fn nearly_equal_channels_are_equal() {
        let lossy = |seed| move |x: usize, y: usize| section(x, y) + 6.0 * noise(x, y, seed) - 3.0;
        let found = of(&[&lossy(1), &lossy(2), &lossy(3)]);
        assert!(found.equal, "{found:?}");
        let found = of(&[&section, &|x, y| 0.8 * section(x, y), &section]);
        assert!(!found.equal, "{found:?}");
    }

    #[test]
    fn without_contrast_the_means_tell() {
        let found = of(&[&|_, _| 3.0, &|_, _| 80.0, &|_, _| 0.0]);
        assert!(!found.has_contrast && !found.equal);
        assert_eq!(found.holding(), [1]);
        assert_eq!(of(&[&|_, _| 0.0, &|_, _| 0.0, &|_, _| 0.0]).holding(), [0]);
    }

    #[test]
    fn a_few_bright_specks_of_another_colour_change_nothing() {
        let speck = |x: usize, y: usize| {
            if x % 97 == 5 && y % 51 < 2 {
                255.0
            } else {
                0.0
            }
        };
        let found = of(&[&speck, &section, &|_, _| 0.0]);
        assert_eq!(found.holding(), [1], "{found:?}");
    }
}
