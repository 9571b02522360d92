//! Comparing brightness: the normal equations of one tile.
//!
//! Over a tile, post is modelled as `gain * pre(warp(x)) + offset`. Shifting the warp by a small homography increment in
//! post coordinates changes the model by its image gradient, which gives one linear equation per pixel in the eight
//! entries of the increment (Baker & Matthews 2004, doi:10.1023/B:VISI.0000011205.11775.fd). Gain and offset are each
//! tile's own, so that vignetting, uptake and bleaching do not matter; pixels that do not fit (microbes, dust) lose
//! their weight (iteratively reweighted least squares with Cauchy weights).

use crate::sampling::{blur_radius, blur_tile, gradients, sample_tile};
use crate::tiles::{Tile, TileSpec};
use e2m_image::{PlaneView, Size, Warp};
use nalgebra::{SMatrix, SVector};
use ndarray::Array2;

/// 8 x 8.
pub(crate) type Matrix8 = SMatrix<f64, 8, 8>;
/// The eight entries of a homography increment.
pub(crate) type Vector8 = SVector<f64, 8>;

/// Tuning constant of Cauchy weights for 95 % efficiency on normal residuals.
const CAUCHY: f64 = 2.385;
/// From the median absolute deviation to a standard deviation.
const MAD_TO_SIGMA: f64 = 1.4826;
/// Residuals below this share of the tile's contrast are taken as that: a noise-free pair must not divide by zero.
const MIN_NOISE_SHARE: f64 = 1e-3;
/// Rounds of reweighting.
const REWEIGHT_ROUNDS: usize = 4;
/// Pixels that a tile needs.
const MIN_PIXELS: usize = 200;
/// A tile is never read so sparsely that fewer pixels than this remain along its side.
const MIN_PIXELS_PER_SIDE: usize = 24;

/// Coordinates in which the increments of a homography are of like size: the frame spans about -1 to 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    centre: (f64, f64),
    /// Pixels per unit.
    pub(crate) unit_px: f64,
}

impl Frame {
    pub(crate) fn new(size: Size) -> Self {
        let (w, h) = (size.width as f64, size.height as f64);
        Self {
            centre: ((w - 1.0) / 2.0, (h - 1.0) / 2.0),
            unit_px: (w.max(h) / 2.0).max(1.0),
        }
    }

    fn normalised(&self, x: f64, y: f64) -> (f64, f64) {
        (
            (x - self.centre.0) / self.unit_px,
            (y - self.centre.1) / self.unit_px,
        )
    }

    /// `warp` after the increment has moved post coordinates. `None` where the increment is degenerate.
    pub(crate) fn compose(&self, warp: &Warp, p: &Vector8) -> Option<Warp> {
        let to_unit = Warp::translation(-self.centre.0, -self.centre.1).then(
            &Warp::new([
                [1.0 / self.unit_px, 0.0, 0.0],
                [0.0, 1.0 / self.unit_px, 0.0],
                [0.0, 0.0, 1.0],
            ])
            .ok()?,
        );
        let step = Warp::new([
            [1.0 + p[0], p[1], p[2]],
            [p[3], 1.0 + p[4], p[5]],
            [p[6], p[7], 1.0],
        ])
        .ok()?;
        Some(to_unit.then(&step).then(&to_unit.inverse()).then(warp))
    }

    /// The displacement in px that the increment makes at (`x`, `y`), to first order.
    pub(crate) fn displacement_px(&self, p: &Vector8, x: f64, y: f64) -> (f64, f64) {
        let [a, b] = self.basis(x, y);
        (a.dot(p) * self.unit_px, b.dot(p) * self.unit_px)
    }

    /// How the normalised point moves with each entry of the increment.
    fn basis(&self, x: f64, y: f64) -> [Vector8; 2] {
        let (u, v) = self.normalised(x, y);
        [
            Vector8::from([u, v, 1.0, 0.0, 0.0, 0.0, -u * u, -u * v]),
            Vector8::from([0.0, 0.0, 0.0, u, v, 1.0, -u * v, -v * v]),
        ]
    }
}

/// The normal equations `matrix * p = rhs` of one tile, already divided by its noise.
#[derive(Debug, Clone)]
pub(crate) struct TileEquations {
    pub(crate) matrix: Matrix8,
    pub(crate) rhs: Vector8,
    /// Weighted correlation of post and aligned pre over the tile.
    pub(crate) correlation: f64,
}

impl TileEquations {
    /// The shift in px that this tile alone asks for, with its 2 x 2 information; `None` where it does not tell.
    pub(crate) fn own_shift_px(&self, frame: &Frame) -> Option<(f64, f64)> {
        let (a, b, d) = (
            self.matrix[(2, 2)],
            self.matrix[(2, 5)],
            self.matrix[(5, 5)],
        );
        let det = a * d - b * b;
        // Structure in one direction only leaves the other open.
        if det.is_nan() || det <= 1e-6 * a.max(d) * a.max(d) {
            return None;
        }
        let (r, s) = (self.rhs[2], self.rhs[5]);
        Some((
            frame.unit_px * (d * r - b * s) / det,
            frame.unit_px * (a * s - b * r) / det,
        ))
    }
}

/// A tile of post, blurred and ready to be compared at one level of smoothness.
#[derive(Debug, Clone)]
pub(crate) struct PreparedTile {
    pub(crate) spec: TileSpec,
    smooth: Array2<f32>,
    sigma: f64,
}

impl PreparedTile {
    pub(crate) fn new(tile: &Tile, sigma: f64) -> Self {
        Self {
            spec: tile.spec,
            smooth: blur_tile(&tile.pixels, sigma),
            sigma,
        }
    }

    /// The tile's centre in post pixels.
    pub(crate) fn centre(&self) -> (f64, f64) {
        let half = (self.spec.side_px as f64 - 1.0) / 2.0;
        (self.spec.x as f64 + half, self.spec.y as f64 + half)
    }

    /// The tile's equations about `warp`, from every `stride`-th pixel of every `stride`-th row or, on a small tile, more.
    ///
    /// `None` where pre does not reach, or shows nothing that post could be compared with.
    pub(crate) fn equations(
        &self,
        pre: PlaneView<'_>,
        warp: &Warp,
        frame: &Frame,
        stride: usize,
    ) -> Option<TileEquations> {
        let side = self.spec.side_px;
        let sampled = sample_tile(pre, warp, self.spec.x as f64, self.spec.y as f64, side);
        let model = blur_tile(&sampled, self.sigma);
        let (gx, gy) = gradients(&model);
        let border = blur_radius(self.sigma) + 1;
        let stride = stride
            .min(side.saturating_sub(2 * border) / MIN_PIXELS_PER_SIDE)
            .max(1);
        let mut pixels = Vec::new();
        for j in (border..side.saturating_sub(border)).step_by(stride) {
            for i in (border..side.saturating_sub(border)).step_by(stride) {
                let (post, pre, dx, dy) =
                    (self.smooth[(j, i)], model[(j, i)], gx[(j, i)], gy[(j, i)]);
                if dx.is_finite() && dy.is_finite() && pre.is_finite() && post.is_finite() {
                    pixels.push(Pixel {
                        i,
                        j,
                        post: post.into(),
                        pre: pre.into(),
                        dx: dx.into(),
                        dy: dy.into(),
                        weight: 1.0,
                    });
                }
            }
        }
        if pixels.len() < MIN_PIXELS {
            return None;
        }
        let brightness = fit_brightness(&mut pixels)?;
        Some(self.accumulate(&pixels, &brightness, frame))
    }

    fn accumulate(
        &self,
        pixels: &[Pixel],
        brightness: &Brightness,
        frame: &Frame,
    ) -> TileEquations {
        // Ten unknowns: the increment, then gain and offset, which are eliminated below.
        let mut full = SMatrix::<f64, 10, 10>::zeros();
        let mut rhs = SVector::<f64, 10>::zeros();
        for pixel in pixels {
            let [bx, by] = frame.basis(
                (self.spec.x + pixel.i) as f64,
                (self.spec.y + pixel.j) as f64,
            );
            let slope = brightness.gain * frame.unit_px;
            let columns = bx * (slope * pixel.dx) + by * (slope * pixel.dy);
            let mut row = SVector::<f64, 10>::zeros();
            row.fixed_rows_mut::<8>(0).copy_from(&columns);
            row[8] = pixel.pre;
            row[9] = 1.0;
            let residual = brightness.residual(pixel);
            full.syger(pixel.weight, &row, &row, 1.0);
            rhs += row * (pixel.weight * residual);
        }
        full.fill_upper_triangle_with_lower_triangle();
        let (a, b, c) = (
            full.fixed_view::<8, 8>(0, 0),
            full.fixed_view::<8, 2>(0, 8),
            full.fixed_view::<2, 2>(8, 8),
        );
        let inverse = c.into_owned().try_inverse().unwrap_or_default();
        let gone = b * inverse;
        let information = 1.0 / (brightness.noise * brightness.noise);
        TileEquations {
            matrix: (a - gone * b.transpose()) * information,
            rhs: (rhs.fixed_rows::<8>(0) - gone * rhs.fixed_rows::<2>(8)) * information,
            correlation: brightness.correlation,
        }
    }
}

/// One pixel of a tile in both images; `i`, `j` from the tile's first pixel.
struct Pixel {
    i: usize,
    j: usize,
    post: f64,
    pre: f64,
    dx: f64,
    dy: f64,
    weight: f64,
}

/// `post = gain * pre + offset`, with what is left over.
struct Brightness {
    gain: f64,
    offset: f64,
    noise: f64,
    correlation: f64,
}

impl Brightness {
    fn residual(&self, pixel: &Pixel) -> f64 {
        pixel.post - self.gain * pixel.pre - self.offset
    }
}

/// Fits gain and offset robustly and leaves each pixel its weight. `None` for a flat tile or a gain that is not
/// positive: then the two do not show the same thing here.
fn fit_brightness(pixels: &mut [Pixel]) -> Option<Brightness> {
    let mut fit = None;
    for _ in 0..REWEIGHT_ROUNDS {
        let mut current = weighted_line(pixels)?;
        let deviations = pixels.iter().map(|p| current.residual(p).abs()).collect();
        let contrast = current.noise;
        current.noise = (MAD_TO_SIGMA * median(deviations)).max(MIN_NOISE_SHARE * contrast);
        for pixel in pixels.iter_mut() {
            let scaled = current.residual(pixel) / (CAUCHY * current.noise);
            pixel.weight = 1.0 / (1.0 + scaled * scaled);
        }
        fit = Some(current);
    }
    fit.filter(|f| f.gain > 0.0)
}

/// The weighted least-squares line; `noise` holds the weighted standard deviation of post for now.
fn weighted_line(pixels: &[Pixel]) -> Option<Brightness> {
    let sum = |f: fn(&Pixel) -> f64| pixels.iter().map(|p| p.weight * f(p)).sum::<f64>();
    let total = sum(|_| 1.0);
    let (mean_pre, mean_post) = (sum(|p| p.pre) / total, sum(|p| p.post) / total);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for p in pixels {
        let (x, y) = (p.pre - mean_pre, p.post - mean_post);
        xx += p.weight * x * x;
        xy += p.weight * x * y;
        yy += p.weight * y * y;
    }
    if !(xx > 0.0 && yy > 0.0) {
        return None;
    }
    let gain = xy / xx;
    Some(Brightness {
        gain,
        offset: mean_post - gain * mean_pre,
        noise: (yy / total).sqrt(),
        correlation: xy / (xx * yy).sqrt(),
    })
}

/// The median; zero for nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
