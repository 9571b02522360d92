//! Symmetric matrices of which only a band about the diagonal is not zero, and their solution.

/// A symmetric matrix with a band, its lower half.
#[derive(Debug, Clone)]
pub(super) struct BandMatrix {
    size: usize,
    /// Entries below the diagonal that may not be zero.
    width: usize,
    /// Row by row, from `width` entries left of the diagonal to the diagonal.
    entries: Vec<f64>,
}

impl BandMatrix {
    /// All zero.
    pub(super) fn zeros(size: usize, width: usize) -> Self {
        Self {
            size,
            width,
            entries: vec![0.0; size * (width + 1)],
        }
    }

    /// Adds to the entry at `row`, `column` and to its mirror image. What lies above the diagonal is left to its mirror image.
    pub(super) fn add(&mut self, row: usize, column: usize, value: f64) {
        if column <= row && row - column <= self.width {
            let at = row * (self.width + 1) + self.width + column - row;
            self.entries[at] += value;
        }
    }

    /// Adds `factor` times another of the same shape.
    pub(super) fn add_scaled(&mut self, other: &Self, factor: f64) {
        for (to, from) in self.entries.iter_mut().zip(&other.entries) {
            *to += factor * from;
        }
    }

    /// `a' * self * b`.
    #[cfg(test)]
    pub(super) fn product(&self, a: &[f64], b: &[f64]) -> f64 {
        let mut sum = 0.0;
        for i in 0..self.size {
            for j in i.saturating_sub(self.width)..=i {
                let entry = self.entries[i * (self.width + 1) + self.width + j - i];
                let other = if i == j { 0.0 } else { a[j] * b[i] };
                sum += entry * (a[i] * b[j] + other);
            }
        }
        sum
    }

    /// The sum of the diagonal.
    pub(super) fn trace(&self) -> f64 {
        let diagonal = self.entries.iter().skip(self.width);
        diagonal.step_by(self.width + 1).sum()
    }

    /// The solutions of `self * x = rhs` for each right-hand side, by Cholesky's factorisation; `None` where the matrix is not
    /// positive definite.
    pub(super) fn solve<const N: usize>(mut self, mut rhs: [Vec<f64>; N]) -> Option<[Vec<f64>; N]> {
        let (n, w) = (self.size, self.width);
        let stride = w + 1;
        for i in 0..n {
            let first = i.saturating_sub(w);
            for j in first..=i {
                let from = first.max(j.saturating_sub(w));
                let (a, b) = (
                    &self.entries[i * stride + w + from - i..i * stride + w + j - i],
                    &self.entries[j * stride + w + from - j..j * stride + w],
                );
                let inner: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                let value = self.entries[i * stride + w + j - i] - inner;
                self.entries[i * stride + w + j - i] = if i > j {
                    value / self.entries[j * stride + w]
                } else if value > 0.0 {
                    value.sqrt()
                } else {
                    return None;
                };
            }
        }
        for x in &mut rhs {
            for i in 0..n {
                let first = i.saturating_sub(w);
                let row = &self.entries[i * stride + w + first - i..i * stride + w];
                let inner: f64 = row.iter().zip(&x[first..i]).map(|(a, b)| a * b).sum();
                x[i] = (x[i] - inner) / self.entries[i * stride + w];
            }
            for i in (0..n).rev() {
                x[i] /= self.entries[i * stride + w];
                let value = x[i];
                let first = i.saturating_sub(w);
                let row = &self.entries[i * stride + w + first - i..i * stride + w];
                for (x, l) in x[first..i].iter_mut().zip(row) {
                    *x -= l * value;
                }
            }
        }
        Some(rhs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_solved_satisfies_the_equations() {
        for (n, w) in [(1, 0), (5, 1), (40, 7), (9, 20)] {
            let mut matrix = BandMatrix::zeros(n, w);
            let entry = |i: usize, j: usize| ((i * 31 + j * 17) % 13) as f64 / 13.0 - 0.5;
            let value = |i: usize, j: usize| -> f64 {
                let (i, j) = (i.max(j), i.min(j));
                match i - j {
                    0 => 2.0 + w as f64,
                    d if d <= w => entry(i, j),
                    _ => 0.0,
                }
            };
            for i in 0..n {
                for j in i.saturating_sub(w)..=i {
                    matrix.add(i, j, value(i, j));
                }
            }
            assert!((matrix.trace() - n as f64 * (2.0 + w as f64)).abs() < 1e-9);
            let wanted: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin()).collect();
            let rhs = (0..n)
                .map(|i| (0..n).map(|j| value(i, j) * wanted[j]).sum())
                .collect();
            let [found] = matrix.solve([rhs]).expect("positive definite");
            for (found, wanted) in found.iter().zip(&wanted) {
                assert!((found - wanted).abs() < 1e-9);
            }
        }
        let mut negative = BandMatrix::zeros(2, 1);
        negative.add(0, 0, -1.0);
        assert!(negative.solve([vec![1.0, 1.0]]).is_none());
    }
}
