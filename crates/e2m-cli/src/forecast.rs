//! How long the rest of a batch will take.

use std::time::Instant;

/// Learns from the tasks that are done, in proportion to their pixels.
#[derive(Debug, Clone)]
pub(crate) struct Forecast {
    /// Pixels of each task; unknown sizes are taken for the mean.
    weights: Vec<f64>,
    /// Tasks that are done, of whatever kind.
    ended: Vec<bool>,
    /// Pixels and seconds of the tasks that had something to do.
    worked: (f64, f64),
    running: Option<(usize, Instant)>,
}

impl Forecast {
    /// For tasks of these numbers of pixels.
    pub(crate) fn new(pixels: &[Option<f64>]) -> Self {
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
            running: None,
        }
    }

    /// Tasks in all.
    pub(crate) fn tasks(&self) -> usize {
        self.weights.len()
    }

    /// A task begins.
    pub(crate) fn begin(&mut self, index: usize) {
        self.running = Some((index, Instant::now()));
    }

    /// A task has ended. One that failed or had nothing to do is not typical and teaches nothing.
    pub(crate) fn end(&mut self, index: usize, seconds: f64, typical: bool) {
        self.running = None;
        self.ended[index] = true;
        if typical {
            self.worked.0 += self.weights[index];
            self.worked.1 += seconds;
        }
    }

    /// Seconds until all are done; `None` as long as nothing is known, or when nothing is left.
    pub(crate) fn seconds_left(&self) -> Option<f64> {
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
        let spent = self.running.map_or(0.0, |(index, began)| {
            began
                .elapsed()
                .as_secs_f64()
                .min(per_pixel * self.weights[index])
        });
        Some(per_pixel * left - spent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_in_proportion_to_pixels() {
        let mut forecast = Forecast::new(&[Some(100.0), Some(300.0), None]);
        assert_eq!(forecast.seconds_left(), None);
        forecast.end(0, 2.0, true);
        assert_eq!(forecast.seconds_left(), Some(10.0)); // the unknown one counts as the mean, 200
        forecast.end(1, 6.0, true);
        forecast.end(2, 6.0, true);
        assert_eq!(forecast.seconds_left(), None);
    }

    #[test]
    fn what_was_done_already_teaches_nothing() {
        let mut forecast = Forecast::new(&[Some(100.0), Some(100.0), Some(100.0)]);
        forecast.end(0, 0.01, false);
        assert_eq!(forecast.seconds_left(), None);
        forecast.end(1, 5.0, true);
        assert_eq!(forecast.seconds_left(), Some(5.0));
    }
}
