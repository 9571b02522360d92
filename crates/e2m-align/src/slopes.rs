//! Gradients of an image on the lattice it is read on.

/// The slopes along x and along y, per pixel, of `rows` rows and as many columns of an image whose rows are `width` values
/// long and whose values lie `stride` px apart: by five points inside, by fewer at the border.
///
/// There have to be five rows.
pub(crate) fn slopes(image: &[f32], width: usize, rows: usize, stride: usize) -> [Vec<f32>; 2] {
    let per_px = 1.0 / stride as f32;
    let mut along_x = vec![0.0; image.len()];
    let mut along_y = vec![0.0; image.len()];
    let row = |j: usize| &image[j * width..][..rows];
    for j in 0..rows {
        let (x, y) = (
            &mut along_x[j * width..][..rows],
            &mut along_y[j * width..][..rows],
        );
        let here = row(j);
        for (x, window) in x[2..].iter_mut().zip(here.windows(5)) {
            *x = central([window[0], window[1], window[3], window[4]]) * per_px;
        }
        for (at, from, to) in [
            (0, 0, 1),
            (1, 0, 2),
            (rows - 2, rows - 3, rows - 1),
            (rows - 1, rows - 2, rows - 1),
        ] {
            x[at] = (here[to] - here[from]) / (to - from) as f32 * per_px;
        }
        if j >= 2 && j + 2 < rows {
            let [a, b, c, d] = [row(j - 2), row(j - 1), row(j + 1), row(j + 2)];
            for i in 0..rows {
                y[i] = central([a[i], b[i], c[i], d[i]]) * per_px;
            }
        } else {
            let (from, to) = (j.saturating_sub(1), (j + 1).min(rows - 1));
            let (above, below) = (row(from), row(to));
            for i in 0..rows {
                y[i] = (below[i] - above[i]) / (to - from) as f32 * per_px;
            }
        }
    }
    [along_x, along_y]
}

/// The slope in the middle of five values, of which the middle one does not count.
fn central([a, b, c, d]: [f32; 4]) -> f32 {
    (8.0 * (c - b) - (d - a)) * (1.0 / 12.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slopes_of_a_wave_are_its_derivatives() {
        const SIDE: usize = 21;
        const WIDTH: usize = 24;
        for stride in [1, 3] {
            let at = |n: usize| (n * stride) as f32;
            let k = 0.5 / stride as f32;
            let mut image = vec![0.0; SIDE * WIDTH];
            for (n, value) in image.iter_mut().enumerate() {
                let (x, y) = (at(n % WIDTH), at(n / WIDTH));
                *value = (k * x).sin() * (0.7 * k * y).cos();
            }
            let [gx, gy] = slopes(&image, WIDTH, SIDE, stride);
            for j in 2..SIDE - 2 {
                for i in 2..SIDE - 2 {
                    let (x, y) = (at(i), at(j));
                    let right = [
                        k * (k * x).cos() * (0.7 * k * y).cos(),
                        -0.7 * k * (k * x).sin() * (0.7 * k * y).sin(),
                    ];
                    for (found, right) in [gx[j * WIDTH + i], gy[j * WIDTH + i]].iter().zip(right) {
                        assert!((found - right).abs() < 5e-3 * k, "{found} {right}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_ramp_has_its_slope_up_to_the_border() {
        let image: Vec<f32> = (0..64)
            .map(|n| (2 * (n % 8) + 3 * (n / 8)) as f32)
            .collect();
        let [x, y] = slopes(&image, 8, 8, 1);
        assert!(x.iter().all(|s| (s - 2.0).abs() < 1e-5));
        assert!(y.iter().all(|s| (s - 3.0).abs() < 1e-5));
    }
}
