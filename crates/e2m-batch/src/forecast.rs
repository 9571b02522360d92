//! How long the rest of a batch will take.

use std::collections::BTreeMap;
use std::time::Instant;

/// Learns from the tasks that are done, in proportion to their pixels.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// Pixels of each task; unknown sizes are taken for the mean.
    weights: Vec<f64>,
    /// Tasks that are done, of whatever kind.
    ended: Vec<bool>,
    /// Pixels and seconds of the tasks that had something to do.
    worked: (f64, f64),
    running: BTreeMap<usize, Instant>,
    /// Tasks that run at a time.
    at_a_time: usize,
}

impl Forecast {
    /// For tasks of these numbers of pixels, of which so many run at a time.
    pub fn new(pixels: &[Option<f64>], at_a_time: usize) -> Self {
        let known: Vec<f64> = pixels.iter().flatten().copied().collect();
        let mean = if known.is_empty() {
            1.0
        } else {
            known.iter().sum::<f64>() / known.len() as f64
        };
        Self {
            weights: pixels.iter().map(|pixels| pixels.unwrap_or(mean)).collect(),
            ended: vec![false; pixels.len()],
            worked: (0.0, 0.0),
            running: BTreeMap::new(),
            at_a_time: at_a_time.max(1),
        }
    }

    /// Tasks in all.
    pub fn tasks(&self) -> usize {
        self.weights.len()
    }

    /// A task begins.
    pub fn begin(&mut self, index: usize) {
        self.running.insert(index, Instant::now());
    }

    /// A task was stopped and will begin again.
    pub fn put_back(&mut self, index: usize) {
        self.running.remove(&index);
    }

    /// A task has ended. One that failed or had nothing to do is not typical and teaches nothing.
    pub fn end(&mut self, index: usize, seconds: f64, typical: bool) {
        self.running.remove(&index);
        self.ended[index] = true;
        if typical {
            self.worked.0 += self.weights[index];
            self.worked.1 += seconds;
        }
    }

    /// Seconds until all are done; `None` as long as nothing is known, or when nothing is left.
    pub fn seconds_left(&self) -> Option<f64> {
        let (pixels, seconds) = self.worked;
        let left: f64 = self
            .weights
            .iter()
            .zip(&self.ended)
            .filter(|(_, ended)| !**ended)
            .map(|(w, _)| w)
            .sum();
        if pixels == 0.0 || left == 0.0 {
            return None;
        }
        let per_pixel = seconds / pixels;
        let expected = |index: usize| per_pixel * self.weights[index];
        let spent = |(index, began): (&usize, &Instant)| {
            began.elapsed().as_secs_f64().min(expected(*index))
        };
        let spent_in_all: f64 = self.running.iter().map(spent).sum();
        let shared = (per_pixel * left - spent_in_all) / self.at_a_time as f64;
        // However many run side by side, the longest takes its time.
        let longest = (0..self.weights.len())
            .filter(|index| !self.ended[*index])
            .map(|index| {
                let begun = self.running.get_key_value(&index).map_or(0.0, spent);
                expected(index) - begun
            })
            .fold(0.0, f64::max);
        Some(shared.max(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_in_proportion_to_pixels() {
        let mut forecast = Forecast::new(&[Some(100.0), Some(300.0), None], 1);
        assert_eq!(forecast.seconds_left(), None);
        forecast.end(0, 2.0, true);
        assert_eq!(forecast.seconds_left(), Some(10.0)); // the unknown one counts as the mean, 200
        forecast.end(1, 6.0, true);
        forecast.end(2, 6.0, true);
        assert_eq!(forecast.seconds_left(), None);
    }

    #[test]
    fn what_was_done_already_teaches_nothing() {
        let mut forecast = Forecast::new(&[Some(100.0), Some(100.0), Some(100.0)], 1);
        forecast.end(0, 0.01, false);
        assert_eq!(forecast.seconds_left(), None);
        forecast.end(1, 5.0, true);
        assert_eq!(forecast.seconds_left(), Some(5.0));
    }

    #[test]
    fn side_by_side_takes_less_time_but_not_less_than_the_longest() {
        let mut forecast = Forecast::new(&[Some(100.0), Some(100.0), Some(100.0), Some(100.0)], 2);
        forecast.end(0, 2.0, true);
        assert_eq!(forecast.seconds_left(), Some(3.0));
        let mut forecast = Forecast::new(&[Some(100.0), Some(500.0), Some(100.0)], 4);
        forecast.end(0, 2.0, true);
        assert_eq!(forecast.seconds_left(), Some(10.0));
    }
}
