//! Sampling the pre image under a tile, smoothly enough for gradients.

use e2m_image::{PlaneView, Size, Warp};
use ndarray::{Array1, Array2, ArrayView2};

/// The pre image seen through `warp` on the square of `side` px at (`x`, `y`) of post, with `NaN` where it does not
/// reach. Cubic convolution (Keys 1981, doi:10.1109/TASSP.1981.1163711): unlike bilinear it does not blur by an amount
/// that depends on the sub-pixel phase, which would pull a photometric fit towards whole pixels.
pub(crate) fn sample_tile(
    pre: PlaneView<'_>,
    warp: &Warp,
    x: f64,
    y: f64,
    side: usize,
) -> Array2<f32> {
    let corners = [(0, 0), (side - 1, 0), (0, side - 1), (side - 1, side - 1)]
        .map(|(i, j)| warp.apply(x + i as f64, y + j as f64));
    let min = |f: fn(&(f64, f64)) -> f64| corners.iter().map(f).fold(f64::MAX, f64::min);
    let max = |f: fn(&(f64, f64)) -> f64| corners.iter().map(f).fold(f64::MIN, f64::max);
    // A homography keeps lines straight: the corners bound the tile. Two more pixels on each side for the kernel.
    let (left, top) = (min(|c| c.0).floor() - 2.0, min(|c| c.1).floor() - 2.0);
    let (width, height) = (max(|c| c.0) - left + 4.0, max(|c| c.1) - top + 4.0);
    let limit = 16.0 * side as f64 + 16.0;
    // Beyond these the warp is none a tile could be compared through.
    let last = side as f64 - 1.0;
    let in_front = [(x, y), (x + last, y), (x, y + last), (x + last, y + last)]
        .iter()
        .all(|p| warp.is_in_front(p.0, p.1));
    if !(in_front && width < limit && height < limit && left.abs() < 1e9 && top.abs() < 1e9) {
        return Array2::from_elem((side, side), f32::NAN);
    }
    let size = pre.size();
    let window = pre.window(
        left as isize,
        top as isize,
        Size::new(width as usize + 1, height as usize + 1),
    );
    let reach_x = 1.0..=size.width as f64 - 3.0;
    let reach_y = 1.0..=size.height as f64 - 3.0;
    Array2::from_shape_fn((side, side), |(j, i)| {
        let (u, v) = warp.apply(x + i as f64, y + j as f64);
        if reach_x.contains(&u) && reach_y.contains(&v) {
            cubic(&window, u - left, v - top)
        } else {
            f32::NAN
        }
    })
}

fn cubic(image: &Array2<f32>, x: f64, y: f64) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let (wx, wy) = (keys((x - x0) as f32), keys((y - y0) as f32));
    let (x0, y0) = (x0 as usize - 1, y0 as usize - 1);
    let mut sum = 0.0;
    for (j, weight) in wy.into_iter().enumerate() {
        let row: f32 = (0..4).map(|i| wx[i] * image[(y0 + j, x0 + i)]).sum();
        sum += weight * row;
    }
    sum
}

/// Weights of the four neighbours at fraction `t`, a = -1/2.
fn keys(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        -0.5 * t3 + t2 - 0.5 * t,
        1.5 * t3 - 2.5 * t2 + 1.0,
        -1.5 * t3 + 2.0 * t2 + 0.5 * t,
        0.5 * t3 - 0.5 * t2,
    ]
}

/// A Gaussian blur of a tile, with the tile's edge repeated; `NaN` spreads, so that nothing is invented.
pub(crate) fn blur_tile(tile: &Array2<f32>, sigma: f64) -> Array2<f32> {
    if sigma <= 0.0 {
        return tile.clone();
    }
    let kernel = gaussian_kernel(sigma);
    let rows = blur_rows(tile.view(), &kernel);
    blur_rows(rows.t(), &kernel)
        .reversed_axes()
        .as_standard_layout()
        .into_owned()
}

/// How far a blur of `sigma` px reaches.
pub(crate) fn blur_radius(sigma: f64) -> usize {
    (3.0 * sigma).ceil().max(0.0) as usize
}

fn gaussian_kernel(sigma: f64) -> Array1<f32> {
    let radius = blur_radius(sigma) as i32;
    let raw: Vec<f64> = (-radius..=radius)
        .map(|i| (-f64::from(i * i) / (2.0 * sigma * sigma)).exp())
        .collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|v| (v / sum) as f32).collect()
}

fn blur_rows(image: ArrayView2<'_, f32>, kernel: &Array1<f32>) -> Array2<f32> {
    let (height, width) = image.dim();
    let radius = kernel.len() / 2;
    let mut padded = vec![0.0; width + 2 * radius];
    let mut out = Array2::zeros((height, width));
    for (row, mut to) in image.outer_iter().zip(out.outer_iter_mut()) {
        for (i, p) in padded.iter_mut().enumerate() {
            *p = row[i.saturating_sub(radius).min(width - 1)];
        }
        for (i, to) in to.iter_mut().enumerate() {
            *to = kernel.iter().zip(&padded[i..]).map(|(k, p)| k * p).sum();
        }
    }
    out
}

/// Central differences along x and y; zero on the outermost pixels.
pub(crate) fn gradients(image: &Array2<f32>) -> (Array2<f32>, Array2<f32>) {
    let (height, width) = image.dim();
    let (mut gx, mut gy) = (
        Array2::zeros((height, width)),
        Array2::zeros((height, width)),
    );
    for y in 0..height {
        for x in 1..width.saturating_sub(1) {
            gx[(y, x)] = 0.5 * (image[(y, x + 1)] - image[(y, x - 1)]);
        }
    }
    for y in 1..height.saturating_sub(1) {
        for x in 0..width {
            gy[(y, x)] = 0.5 * (image[(y + 1, x)] - image[(y - 1, x)]);
        }
    }
    (gx, gy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_image::Plane;

    #[test]
    fn cubic_sampling_reproduces_a_quadratic() {
        let f =
            |x: f64, y: f64| 3.0 + 0.5 * x - 0.2 * y + 0.03 * x * x - 0.02 * x * y + 0.01 * y * y;
        let plane = Plane::from(Array2::from_shape_fn((80, 80), |(y, x)| {
            f(x as f64, y as f64) as f32
        }));
        let warp = Warp::similarity(1.02, 5.0, (40.0, 40.0));
        let tile = sample_tile(plane.view(), &warp, 20.0, 24.0, 30);
        for ((j, i), &value) in tile.indexed_iter() {
            let (u, v) = warp.apply(20.0 + i as f64, 24.0 + j as f64);
            assert!((f64::from(value) - f(u, v)).abs() < 1e-3);
        }
    }

    #[test]
    fn beyond_the_pre_image_is_nan() {
        let plane = Plane::from(Array2::from_elem((40, 40), 5u8));
        let tile = sample_tile(plane.view(), &Warp::translation(-20.0, 0.0), 10.0, 10.0, 20);
        assert!(tile[(5, 0)].is_nan());
        assert_eq!(tile[(5, 19)], 5.0);
        let nowhere = Warp::similarity(1e6, 0.0, (0.0, 0.0));
        assert!(
            sample_tile(plane.view(), &nowhere, 10.0, 10.0, 20)
                .iter()
                .all(|v| v.is_nan())
        );
    }

    #[test]
    fn blur_keeps_a_linear_field_inside() {
        let image = Array2::from_shape_fn((41, 41), |(y, x)| (2 * x + 3 * y) as f32);
        let blurred = blur_tile(&image, 2.0);
        for y in 8..33 {
            for x in 8..33 {
                assert!((blurred[(y, x)] - image[(y, x)]).abs() < 1e-3);
            }
        }
    }
}
