//! The pre image around a tile, blurred and read between its pixels.

use crate::tiles::TileSpec;
use e2m_image::{PlaneView, Size, Warp};
use ndarray::{Array2, s};

/// A pre window larger than this many times the tile's side belongs to a warp no tile could be compared through.
const MAX_WINDOW_SIDES: f64 = 16.0;
/// Blurs below this are none, px.
const MIN_SIGMA_PX: f64 = 0.25;

/// Part of the pre image, as floats, blurred.
#[derive(Debug, Clone)]
pub(crate) struct PreWindow {
    pixels: Array2<f32>,
    /// Pre coordinates of the first pixel.
    origin: (f64, f64),
    /// Where it can be read: least and greatest coordinate within the window, along x and y.
    reach: [(f64, f64); 2],
}

impl PreWindow {
    /// The window that `tile` sees through `warp`, with room for the warp to move by `travel_px` (post px), blurred by
    /// a Gaussian of `sigma_px` (post px). `None` where the tile lies beyond the horizon of a perspective.
    pub(crate) fn new(
        pre: PlaneView<'_>,
        warp: &Warp,
        tile: &TileSpec,
        sigma_px: f64,
        travel_px: f64,
    ) -> Option<Self> {
        let (x, y, last) = (tile.x as f64, tile.y as f64, tile.side_px as f64 - 1.0);
        let corners = [(x, y), (x + last, y), (x, y + last), (x + last, y + last)];
        if !corners.iter().all(|c| warp.is_in_front(c.0, c.1)) {
            return None;
        }
        let mapped = corners.map(|c| warp.apply(c.0, c.1));
        let min = |f: fn(&(f64, f64)) -> f64| mapped.iter().map(f).fold(f64::MAX, f64::min);
        let max = |f: fn(&(f64, f64)) -> f64| mapped.iter().map(f).fold(f64::MIN, f64::max);
        let magnification = warp.magnification(x + last / 2.0, y + last / 2.0).abs();
        let sigma = sigma_px * magnification;
        let radius = blur_radius(sigma) as f64;
        // A homography keeps lines straight: the corners bound the tile. Three more pixels for the kernel.
        let margin = (travel_px * magnification).ceil() + radius + 3.0;
        let (left, top) = (min(|c| c.0).floor() - margin, min(|c| c.1).floor() - margin);
        let (width, height) = (
            max(|c| c.0).ceil() + margin - left + 1.0,
            max(|c| c.1).ceil() + margin - top + 1.0,
        );
        let limit = MAX_WINDOW_SIDES * tile.side_px as f64 + 2.0 * margin;
        if !(width < limit && height < limit && left.abs() < 1e9 && top.abs() < 1e9) {
            return None;
        }
        let size = Size::new(width as usize, height as usize);
        let raw = pre.window(left as isize, top as isize, size);
        // Within the image and far enough from its edge for the blur to see image only; within the window likewise.
        let own = pre.size();
        let reach =
            [(left, width, own.width), (top, height, own.height)].map(|(first, extent, limit)| {
                let least = (radius - first).max(radius) + 1.0;
                let greatest = (limit as f64 - 1.0 - first).min(extent - 1.0) - radius - 2.0;
                (least, greatest)
            });
        Some(Self {
            pixels: blur(raw, sigma),
            origin: (left, top),
            reach,
        })
    }

    /// Columns and rows from the window's origin, if it can be read there.
    fn locate(&self, u: f64, v: f64) -> Option<(f64, f64)> {
        let (x, y) = (u - self.origin.0, v - self.origin.1);
        let [in_x, in_y] = self.reach;
        (x >= in_x.0 && x <= in_x.1 && y >= in_y.0 && y <= in_y.1).then_some((x, y))
    }

    /// The blurred pixels.
    pub(crate) fn pixels(&self) -> &Array2<f32> {
        &self.pixels
    }

    /// The value at the pre coordinates (`u`, `v`), by cubic convolution (Keys 1981,
    /// doi:10.1109/TASSP.1981.1163711): unlike bilinear it does not blur by an amount that depends on the sub-pixel
    /// phase, which would pull a photometric fit towards whole pixels. NaN out of reach.
    #[inline]
    pub(crate) fn value(&self, u: f64, v: f64) -> f32 {
        let Some((x, y)) = self.locate(u, v) else {
            return f32::NAN;
        };
        let (x0, y0) = (x as usize, y as usize);
        let (wx, wy) = (keys((x - x0 as f64) as f32), keys((y - y0 as f64) as f32));
        let mut sum = 0.0;
        for (row, weight) in self.rows(x0, y0).zip(wy) {
            sum += weight * dot(wx, row);
        }
        sum
    }

    /// The value and its derivatives along u and v.
    pub(crate) fn value_and_gradient(&self, u: f64, v: f64) -> [f32; 3] {
        let Some((x, y)) = self.locate(u, v) else {
            return [f32::NAN; 3];
        };
        let (x0, y0) = (x as usize, y as usize);
        let (tx, ty) = ((x - x0 as f64) as f32, (y - y0 as f64) as f32);
        let (wx, wy, dx, dy) = (keys(tx), keys(ty), keys_slope(tx), keys_slope(ty));
        let mut out = [0.0; 3];
        for (j, row) in self.rows(x0, y0).enumerate() {
            let along = dot(wx, row);
            out[0] += wy[j] * along;
            out[1] += wy[j] * dot(dx, row);
            out[2] += dy[j] * along;
        }
        out
    }

    /// The four neighbours of column `x0` in each of the four rows about `y0`.
    #[inline]
    fn rows(&self, x0: usize, y0: usize) -> impl Iterator<Item = [f32; 4]> {
        let width = self.pixels.ncols();
        let all = self.pixels.as_slice().unwrap_or_default();
        (y0 - 1..y0 + 3).map(move |y| {
            let start = y * width + x0 - 1;
            [all[start], all[start + 1], all[start + 2], all[start + 3]]
        })
    }
}

#[inline]
fn dot(a: [f32; 4], b: [f32; 4]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
}

/// Weights of the four neighbours at fraction `t`, a = -1/2.
#[inline]
fn keys(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        -0.5 * t3 + t2 - 0.5 * t,
        1.5 * t3 - 2.5 * t2 + 1.0,
        -1.5 * t3 + 2.0 * t2 + 0.5 * t,
        0.5 * t3 - 0.5 * t2,
    ]
}

/// Their derivatives.
fn keys_slope(t: f32) -> [f32; 4] {
    let t2 = t * t;
    [
        -1.5 * t2 + 2.0 * t - 0.5,
        4.5 * t2 - 5.0 * t,
        -4.5 * t2 + 4.0 * t + 0.5,
        1.5 * t2 - t,
    ]
}

/// How far a blur of `sigma` px reaches.
pub(crate) fn blur_radius(sigma: f64) -> usize {
    if sigma < MIN_SIGMA_PX {
        0
    } else {
        (3.0 * sigma).ceil() as usize
    }
}

/// A Gaussian blur with the image's edge repeated.
pub(crate) fn blur(image: Array2<f32>, sigma: f64) -> Array2<f32> {
    let radius = blur_radius(sigma);
    let (height, width) = image.dim();
    if radius == 0 || width == 0 || height == 0 {
        return image;
    }
    let kernel = gaussian_kernel(sigma, radius);
    let mut across = Array2::<f32>::zeros((height, width));
    let mut padded = vec![0.0; width + 2 * radius];
    for (row, mut to) in image.outer_iter().zip(across.outer_iter_mut()) {
        for (i, p) in padded.iter_mut().enumerate() {
            *p = row[i.saturating_sub(radius).min(width - 1)];
        }
        if let Some(to) = to.as_slice_mut() {
            for (k, weight) in kernel.iter().enumerate() {
                add_scaled(to, &padded[k..k + width], *weight);
            }
        }
    }
    let mut out = image;
    out.fill(0.0);
    for y in 0..height {
        let mut to = out.slice_mut(s![y, ..]);
        let Some(to) = to.as_slice_mut() else {
            continue;
        };
        for (k, weight) in kernel.iter().enumerate() {
            let from = (y + k).saturating_sub(radius).min(height - 1);
            if let Some(from) = across.row(from).as_slice() {
                add_scaled(to, from, *weight);
            }
        }
    }
    out
}

/// `to += weight * from`; its own function so that the compiler sees two slices that do not overlap.
fn add_scaled(to: &mut [f32], from: &[f32], weight: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += weight * from;
    }
}

fn gaussian_kernel(sigma: f64, radius: usize) -> Vec<f32> {
    let radius = radius as i32;
    let raw: Vec<f64> = (-radius..=radius)
        .map(|i| (-f64::from(i * i) / (2.0 * sigma * sigma)).exp())
        .collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|v| (v / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_image::Plane;

    const TILE: TileSpec = TileSpec {
        x: 20,
        y: 24,
        side_px: 30,
    };

    #[test]
    fn cubic_sampling_reproduces_a_quadratic_and_its_slope() {
        let f =
            |x: f64, y: f64| 3.0 + 0.5 * x - 0.2 * y + 0.03 * x * x - 0.02 * x * y + 0.01 * y * y;
        let plane = Plane::from(Array2::from_shape_fn((80, 80), |(y, x)| {
            f(x as f64, y as f64) as f32
        }));
        let warp = Warp::similarity(1.02, 5.0, (40.0, 40.0));
        let window = PreWindow::new(plane.view(), &warp, &TILE, 0.0, 2.0).expect("in front");
        for i in 0..30 {
            let (u, v) = warp.apply(20.0 + f64::from(i), 24.0 + f64::from(29 - i));
            assert!((f64::from(window.value(u, v)) - f(u, v)).abs() < 1e-3);
            let [value, du, dv] = window.value_and_gradient(u, v).map(f64::from);
            assert!((value - f(u, v)).abs() < 1e-3);
            assert!((du - (0.5 + 0.06 * u - 0.02 * v)).abs() < 1e-3);
            assert!((dv - (-0.2 - 0.02 * u + 0.02 * v)).abs() < 1e-3);
        }
    }

    #[test]
    fn beyond_the_pre_image_is_nan() {
        let plane = Plane::from(Array2::from_elem((60, 60), 5u8));
        let shifted = Warp::translation(-30.0, 0.0);
        let window = PreWindow::new(plane.view(), &shifted, &TILE, 1.0, 2.0).expect("in front");
        assert!(window.value(-8.0, 30.0).is_nan());
        assert!(
            window.value(1.0, 30.0).is_nan(),
            "the blur reaches over the edge"
        );
        assert!((window.value(10.0, 30.0) - 5.0).abs() < 1e-5);
        let nowhere = Warp::similarity(1e6, 0.0, (0.0, 0.0));
        assert!(PreWindow::new(plane.view(), &nowhere, &TILE, 1.0, 2.0).is_none());
    }

    #[test]
    fn blur_keeps_a_linear_field_inside() {
        let image = Array2::from_shape_fn((41, 41), |(y, x)| (2 * x + 3 * y) as f32);
        let blurred = blur(image.clone(), 2.0);
        for y in 8..33 {
            for x in 8..33 {
                assert!((blurred[(y, x)] - image[(y, x)]).abs() < 1e-3);
            }
        }
    }
}
