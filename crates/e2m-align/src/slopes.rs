//! Gradients of an image on the lattice it is read on.

/// The slopes along x and along y, per pixel, of `rows` rows and as many columns of an image whose rows are `width` values
/// long and whose values lie `stride` px apart: by five points inside, by fewer at the border.
pub(crate) fn slopes(image: &[f32], width: usize, rows: usize, stride: usize) -> [Vec<f32>; 2] {
    let per_px = 1.0 / stride as f32;
    let mut along = [vec![0.0; image.len()], vec![0.0; image.len()]];
    for (slopes, next) in along.iter_mut().zip([1, width]) {
        for j in 0..rows {
            for i in 0..rows {
                let at = j * width + i;
                let before = if next == 1 { i } else { j };
                let after = rows - 1 - before;
                let value = |steps: isize| image[at.wrapping_add_signed(steps * next as isize)];
                let slope = match before.min(after) {
                    0 if before == 0 && after == 0 => 0.0,
                    0 if before == 0 => value(1) - value(0),
                    0 => value(0) - value(-1),
                    1 => 0.5 * (value(1) - value(-1)),
                    _ => (8.0 * (value(1) - value(-1)) - (value(2) - value(-2))) / 12.0,
                };
                slopes[at] = slope * per_px;
            }
        }
    }
    along
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
