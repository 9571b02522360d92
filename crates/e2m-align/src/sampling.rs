//! The pre image around a tile, blurred and read between its pixels.

use crate::tiles::TileSpec;
use e2m_image::{MendedView, Size, Warp};
use ndarray::Array2;

/// A pre window larger than this many times the tile's side belongs to a warp no tile could be compared through.
const MAX_WINDOW_SIDES: f64 = 16.0;
/// Blurs below this are none, px.
const MIN_SIGMA_PX: f64 = 0.25;
/// A blurred window is kept so densely that its blur has a sigma of this many of the pixels kept, at least: a Gaussian
/// leaves a thousandth at a third of their frequency, and cubic convolution is true to what is below.
const SIGMA_KEPT: f64 = 2.0;

/// Part of the pre image, as floats, blurred, and reduced to the pixels that the blur leaves something to tell.
#[derive(Debug, Clone)]
pub(crate) struct PreWindow {
    pixels: Array2<f32>,
    /// Pre coordinates of the first pixel.
    origin: (f64, f64),
    /// Pre pixels from one pixel of the window to the next.
    step: f64,
    /// Where it can be read: least and greatest coordinate within the window, along x and y.
    reach: [(f64, f64); 2],
}

impl PreWindow {
    /// The window that `tile` sees through `warp`, with room for the warp to move by `search_radius_px` (post px), blurred by
    /// a Gaussian of `sigma_px` (post px). `None` where the tile lies beyond the horizon of a perspective.
    pub(crate) fn new(
        pre: MendedView<'_>,
        warp: &Warp,
        tile: &TileSpec,
        sigma_px: f64,
        search_radius_px: f64,
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
        let stride = ((sigma / SIGMA_KEPT) as usize).max(1);
        let step = stride as f64;
        // A homography keeps lines straight: the corners bound the tile. Three more pixels for the kernel.
        let margin = (search_radius_px * magnification).ceil() + radius + 3.0 * step;
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
        let pixels = Lattice::within(size, radius as usize, stride).blurred(&raw, sigma);
        let (rows, columns) = pixels.dim();
        // The blur sees image only, and the kernel has neighbours on all sides.
        let own = pre.size();
        let origin = (left + radius, top + radius);
        let reach = [(origin.0, columns, own.width), (origin.1, rows, own.height)].map(
            |(first, kept, extent)| {
                let least = ((radius - first) / step).max(0.0) + 1.0;
                let last = (extent as f64 - 1.0 - radius - first) / step;
                (least, last.min(kept as f64 - 1.0) - 2.0)
            },
        );
        Some(Self {
            pixels,
            origin,
            step,
            reach,
        })
    }

    /// The column and the row of the window before a point, and what is left of the way to the next, if it can be read
    /// there.
    #[inline]
    fn locate(&self, u: f64, v: f64) -> Option<[(usize, f32); 2]> {
        let per_px = 1.0 / self.step;
        let (x, y) = ((u - self.origin.0) * per_px, (v - self.origin.1) * per_px);
        let [in_x, in_y] = self.reach;
        let parted = |at: f64| {
            let whole = at as i32;
            (whole as usize, (at - f64::from(whole)) as f32)
        };
        (x >= in_x.0 && x <= in_x.1 && y >= in_y.0 && y <= in_y.1).then(|| [parted(x), parted(y)])
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
        let Some([(x, tx), (y, ty)]) = self.locate(u, v) else {
            return f32::NAN;
        };
        let [column] = self.neighbours(x, y).combined([keys(ty)]);
        dot(keys(tx), column)
    }

    /// The value and its derivatives along u and v.
    #[inline]
    pub(crate) fn value_and_gradient(&self, u: f64, v: f64) -> [f32; 3] {
        let Some([(x, tx), (y, ty)]) = self.locate(u, v) else {
            return [f32::NAN; 3];
        };
        let (wx, dx) = (keys(tx), keys_slope(tx));
        let neighbours = self.neighbours(x, y);
        let [along, across] = neighbours.combined([keys(ty), keys_slope(ty)]);
        let per_px = 1.0 / self.step as f32;
        [
            dot(wx, along),
            dot(dx, along) * per_px,
            dot(wx, across) * per_px,
        ]
    }

    /// The four neighbours of column `x0` in each of the four rows about `y0`.
    #[inline]
    fn neighbours(&self, x0: usize, y0: usize) -> Neighbours<'_> {
        let width = self.pixels.ncols();
        let all = self.pixels.as_slice().unwrap_or_default();
        let part = &all[(y0 - 1) * width + x0 - 1..][..3 * width + 4];
        Neighbours { part, width }
    }
}

/// Four rows of four pixels of an image.
struct Neighbours<'a> {
    /// From the first of them to the last.
    part: &'a [f32],
    /// From one row to the next.
    width: usize,
}

impl Neighbours<'_> {
    /// Sums of the rows under several sets of weights.
    #[inline]
    fn combined<const N: usize>(&self, weights: [[f32; 4]; N]) -> [[f32; 4]; N] {
        let row = |j: usize| &self.part[j * self.width..][..4];
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        let mut sums = [[0.0; 4]; N];
        for (sums, w) in sums.iter_mut().zip(weights) {
            for i in 0..4 {
                sums[i] = w[0] * a[i] + w[1] * b[i] + w[2] * c[i] + w[3] * d[i];
            }
        }
        sums
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

/// Which pixels of an image are wanted: every so manieth of every so manieth row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lattice {
    /// Column and row of the first.
    pub(crate) first: usize,
    /// From one to the next.
    pub(crate) stride: usize,
    /// Columns and rows.
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Lattice {
    /// Every `stride`-th pixel that lies `border` px or more inside an image of `size`.
    fn within(size: Size, border: usize, stride: usize) -> Self {
        let count = |extent: usize| extent.saturating_sub(2 * border).div_ceil(stride);
        Self {
            first: border,
            stride,
            columns: count(size.width),
            rows: count(size.height),
        }
    }

    /// The wanted pixels of `image` after a Gaussian blur; no other ones are computed. The lattice has to lie
    /// [`blur_radius`] or more inside the image.
    pub(crate) fn blurred(&self, image: &Array2<f32>, sigma: f64) -> Array2<f32> {
        let radius = blur_radius(sigma);
        let kernel = gaussian_kernel(sigma, radius);
        let image = image.as_standard_layout();
        let pixels = image.as_slice().unwrap_or_default();
        let mut out = Array2::zeros((self.rows, self.columns));
        let width = image.ncols();
        let mut down = vec![0.0; width];
        let mut smooth = vec![0.0; width.saturating_sub(2 * radius)];
        let inner = smooth.len();
        for (j, mut to) in out.outer_iter_mut().enumerate() {
            let top = self.first + j * self.stride - radius;
            convolve(&mut down, &kernel, |k| {
                &pixels[(top + k) * width..][..width]
            });
            convolve(&mut smooth, &kernel, |k| &down[k..k + inner]);
            let wanted = smooth[self.first - radius..].iter().step_by(self.stride);
            to.iter_mut().zip(wanted).for_each(|(to, v)| *to = *v);
        }
        out
    }
}

/// `to = sum of kernel[k] * from(k)`, for a symmetric kernel of odd length: opposite slices share a weight, and two such
/// pairs are added at a time.
fn convolve<'a>(to: &mut [f32], kernel: &[f32], from: impl Fn(usize) -> &'a [f32]) {
    let last = kernel.len() - 1;
    let middle = last / 2;
    for (to, v) in to.iter_mut().zip(from(middle)) {
        *to = kernel[middle] * v;
    }
    let pair = |k: usize| from(k).iter().zip(from(last - k));
    for k in (0..middle / 2 * 2).step_by(2) {
        let (w, x) = (kernel[k], kernel[k + 1]);
        for ((to, (a, b)), (c, d)) in to.iter_mut().zip(pair(k)).zip(pair(k + 1)) {
            *to += w * (a + b) + x * (c + d);
        }
    }
    if middle % 2 == 1 {
        let k = middle - 1;
        for (to, (a, b)) in to.iter_mut().zip(pair(k)) {
            *to += kernel[k] * (a + b);
        }
    }
}

fn gaussian_kernel(sigma: f64, radius: usize) -> Vec<f32> {
    if radius == 0 {
        return vec![1.0];
    }
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
        let window = PreWindow::new((&plane).into(), &warp, &TILE, 0.0, 2.0).expect("in front");
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
        let window = PreWindow::new((&plane).into(), &shifted, &TILE, 1.0, 2.0).expect("in front");
        assert!(window.value(-8.0, 30.0).is_nan());
        assert!(
            window.value(1.0, 30.0).is_nan(),
            "the blur reaches over the edge"
        );
        assert!((window.value(10.0, 30.0) - 5.0).abs() < 1e-5);
        let nowhere = Warp::similarity(1e6, 0.0, (0.0, 0.0));
        assert!(PreWindow::new((&plane).into(), &nowhere, &TILE, 1.0, 2.0).is_none());
    }

    #[test]
    fn a_window_kept_sparsely_says_the_same() {
        let wave = |x: f64, y: f64| 50.0 + 20.0 * (0.11 * x).sin() * (0.07 * y + 1.0).cos();
        let plane = Plane::from(Array2::from_shape_fn((160, 160), |(y, x)| {
            wave(x as f64, y as f64) as f32
        }));
        let warp = Warp::translation(40.0, 40.0);
        // A Gaussian of 6 px, kept at every third pixel, leaves this much of the wave, and a little more because it ends.
        let window = PreWindow::new((&plane).into(), &warp, &TILE, 6.0, 2.0).expect("in front");
        assert_eq!(window.step, 3.0);
        let left = (-0.5 * 36.0 * (0.11f64.powi(2) + 0.07f64.powi(2))).exp();
        for i in 0..30 {
            let (u, v) = (60.3 + f64::from(i), 64.8 + f64::from(29 - i));
            let (sx, cx) = (0.11 * u).sin_cos();
            let (sy, cy) = (0.07 * v + 1.0).sin_cos();
            let wave = left * 20.0;
            let expected = [
                50.0 + wave * sx * cy,
                0.11 * wave * cx * cy,
                -0.07 * wave * sx * sy,
            ];
            let found = window.value_and_gradient(u, v).map(f64::from);
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 0.15, "{found} {expected}");
            }
            assert!((f64::from(window.value(u, v)) - found[0]).abs() < 1e-4);
        }
    }

    #[test]
    fn blur_keeps_a_linear_field() {
        let image = Array2::from_shape_fn((41, 47), |(y, x)| (2 * x + 3 * y) as f32);
        for (sigma, stride) in [(0.0, 1), (0.8, 1), (1.1, 2), (2.0, 3)] {
            let border = blur_radius(sigma) + 1;
            let lattice = Lattice::within(Size::new(47, 41), border, stride);
            let blurred = lattice.blurred(&image, sigma);
            assert_eq!(blurred.dim(), (lattice.rows, lattice.columns));
            for ((j, i), value) in blurred.indexed_iter() {
                let at = (border + j * stride, border + i * stride);
                assert!((value - image[at]).abs() < 1e-3, "{sigma} {at:?}");
            }
        }
    }
}
