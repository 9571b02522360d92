//! Histograms as steps, and which bins to show.

use super::clip::clip_polyline;
use super::frame::PanelFrame;
use super::surface::{Pen, Surface};
use std::ops::Range;

/// A gap of at most so many empty bins between well filled ones is closed …
const MAX_GAP: usize = 16;
/// … which hold so many pixels, so that the gap is no chance.
const FILLED: u64 = 30;
/// Coarser steps of the values than this are not looked for.
const MAX_STRIDE: usize = 512;
/// The share of pixels that lie on a stride where there is one.
const STRIDE_SHARE: f64 = 0.999;

/// A histogram as it is drawn: `counts[i]` between `edges[i]` and `edges[i + 1]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Steps {
    pub edges: Vec<f64>,
    pub counts: Vec<f64>,
}

impl Steps {
    /// Bins of `width` places of `counts` each, from place `first` up to `end`; `value` says what a place's middle
    /// stands for. Bins of single places have their gaps closed.
    pub(crate) fn of(
        counts: &[u64],
        range: Range<usize>,
        width: usize,
        value: impl Fn(f64) -> f64,
    ) -> Self {
        let end = range.end.min(counts.len());
        let counts = &counts[range.start.min(end)..end];
        let sums: Vec<u64> = counts
            .chunks(width.max(1))
            .map(|bin| bin.iter().sum())
            .collect();
        let groups = if width <= 1 {
            level_groups(&sums)
        } else {
            (0..=sums.len()).collect()
        };
        let place = |bin: usize| (range.start + bin * width.max(1)) as f64 - 0.5;
        Self {
            edges: groups.iter().map(|&bin| value(place(bin))).collect(),
            counts: groups
                .windows(2)
                .map(|g| sums[g[0]..g[1]].iter().sum::<u64>() as f64)
                .collect(),
        }
    }

    /// Where the first step begins and the last one ends, if there is anything between.
    pub(crate) fn span(&self) -> Option<(f64, f64)> {
        let (&low, &high) = (self.edges.first()?, self.edges.last()?);
        (low < high).then_some((low, high))
    }

    pub(crate) fn highest(&self) -> f64 {
        self.counts.iter().copied().fold(0.0, f64::max)
    }

    /// Fills the area under the steps, and draws their outline where there is anything.
    pub(crate) fn draw(
        &self,
        surface: &mut Surface,
        frame: &PanelFrame,
        fill: Option<([u8; 3], f64)>,
        pen: Option<Pen>,
    ) {
        for run in self.runs() {
            let area = self.outline(frame, run);
            if let Some((colour, alpha)) = fill {
                surface.polygon(&area, colour, alpha);
            }
            if let Some(pen) = pen {
                for piece in clip_polyline(&area, frame.rect) {
                    surface.polyline(&piece, pen);
                }
            }
        }
    }

    /// Runs of bins that are not empty.
    fn runs(&self) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for (i, _) in self.counts.iter().enumerate().filter(|(_, c)| **c > 0.0) {
            match runs.last_mut() {
                Some(run) if run.end == i => run.end += 1,
                _ => runs.push(i..i + 1),
            }
        }
        runs
    }

    /// The steps of a run on the page, from the floor up and back down to it.
    fn outline(&self, frame: &PanelFrame, run: Range<usize>) -> Vec<(f64, f64)> {
        let rect = frame.rect;
        let inside = |(x, y): (f64, f64)| {
            (
                x.clamp(rect.left, rect.right()),
                y.clamp(rect.top, rect.bottom()),
            )
        };
        let on_floor = |x: f64| (inside(frame.place(x, frame.y.low)).0, rect.bottom());
        let mut points = vec![on_floor(self.edges[run.start])];
        for i in run.clone() {
            let count = self.counts[i];
            points.push(inside(frame.place(self.edges[i], count)));
            points.push(inside(frame.place(self.edges[i + 1], count)));
        }
        points.push(on_floor(self.edges[run.end]));
        points
    }
}

/// Where to cut bins into groups: each bin for itself, but an empty bin between well filled ones goes to the nearer of
/// them. Images that passed through a tone curve or fewer bits lack some levels altogether; that is no property of
/// the section, and would show as stripes.
///
/// The result begins with 0 and ends with `counts.len()`.
pub(crate) fn level_groups(counts: &[u64]) -> Vec<usize> {
    let mut edges = vec![0];
    let mut last_filled: Option<usize> = None;
    for (bin, &count) in counts.iter().enumerate() {
        if count == 0 {
            continue;
        }
        if let Some(last) = last_filled {
            let gap = bin - last - 1;
            let chance = counts[last].min(count) < FILLED;
            if gap > 0 && gap <= MAX_GAP && !chance {
                edges.push(last + 1 + gap.div_ceil(2));
            } else {
                edges.extend(last + 1..=bin);
            }
        } else {
            edges.extend(1..=bin);
        }
        last_filled = Some(bin);
    }
    edges.extend(last_filled.map_or(1, |last| last + 1)..=counts.len());
    edges.dedup();
    edges
}

/// The stride of the values: the largest `s` such that nearly all pixels lie at multiples of `s` places from `zero`. Bins
/// that are no multiple of it would hold now more, now fewer of the values that occur.
pub(crate) fn stride(counts: &[u64], zero: usize) -> usize {
    let others = |i: usize| if i == zero { 0 } else { counts[i] };
    let total: u64 = (0..counts.len()).map(others).sum();
    let enough = (total as f64 * STRIDE_SHARE) as u64;
    (2..=MAX_STRIDE)
        .rev()
        .find(|&s| {
            let on: u64 = (zero % s..counts.len()).step_by(s).map(others).sum();
            total > 0 && on >= enough
        })
        .unwrap_or(1)
}

/// The places of `counts` from the first to one past the last that holds pixels, leaving out at most `share` of them at
/// either end; `None` if all are empty.
pub(crate) fn occupied(counts: &[u64], share: f64) -> Option<Range<usize>> {
    let total: u64 = counts.iter().sum();
    let spare = (total as f64 * share) as u64;
    let beyond = |mut places: Box<dyn Iterator<Item = usize> + '_>| {
        let mut seen = 0;
        places.find(|&i| {
            seen += counts[i];
            seen > spare
        })
    };
    let first = beyond(Box::new(0..counts.len()))?;
    let last = beyond(Box::new((0..counts.len()).rev()))?;
    Some(first..last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structural_gaps_are_closed_and_rare_levels_left_alone() {
        assert_eq!(level_groups(&[50, 0, 0, 60, 70]), [0, 2, 4, 5]);
        assert_eq!(level_groups(&[50, 0, 0, 1, 0, 2]), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(level_groups(&[0, 0, 90]), [0, 1, 2, 3]);
        assert_eq!(level_groups(&[0; 3]), [0, 1, 2, 3]);
        assert_eq!(level_groups(&[9, 0, 0]), [0, 1, 2, 3]);
        assert_eq!(level_groups(&[]), [0, 1][..1]);
    }

    #[test]
    fn steps_hold_every_pixel_once() {
        let counts: Vec<u64> = (0..1000)
            .map(|i| if i % 3 == 0 { 40 + i } else { 0 })
            .collect();
        let total: u64 = counts.iter().sum();
        for width in [1, 2, 3, 7, 999] {
            let steps = Steps::of(&counts, 0..1000, width, |place| place);
            assert_eq!(steps.edges.len(), steps.counts.len() + 1);
            assert!(steps.edges.windows(2).all(|e| e[0] < e[1]));
            assert_eq!(steps.counts.iter().sum::<f64>(), total as f64);
            if width <= 3 {
                let filled = steps.counts.iter().filter(|c| **c > 0.0).count();
                assert_eq!(filled, 334);
            }
        }
    }

    #[test]
    fn the_stride_of_scaled_data_is_found_in_spite_of_a_few_strays() {
        let mut counts = vec![0; 4096];
        for i in (0..4096).step_by(16) {
            counts[i] = 500;
        }
        counts[0] = 1_000_000;
        counts[77] = 3;
        assert_eq!(stride(&counts, 0), 16);
        assert_eq!(stride(&vec![5; 300], 0), 1);
        assert_eq!(stride(&[0; 300], 0), 1);
    }

    #[test]
    fn the_occupied_range_leaves_out_the_given_share() {
        let mut counts = vec![0; 100];
        counts[10] = 1;
        counts[20..30].fill(1000);
        counts[90] = 1;
        assert_eq!(occupied(&counts, 0.0), Some(10..91));
        assert_eq!(occupied(&counts, 1e-3), Some(20..30));
        assert_eq!(occupied(&[0; 5], 0.1), None);
    }
}
