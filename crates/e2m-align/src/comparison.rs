//! Comparing brightness: one tile of post against pre through a warp.
//!
//! Over a tile, post is modelled as `gain * pre(warp(x)) + offset`, where gain and offset are planes over the tile: each
//! tile has its own, so that vignetting, uptake and bleaching matter little. Shifting the warp by a small homography
//! increment in post coordinates changes the model by its image gradient, which gives one linear equation per pixel in
//! the eight entries of the increment (Baker & Matthews 2004, doi:10.1023/B:VISI.0000011205.11775.fd). Pixels that do
//! not fit (microbes, dust) lose their weight (iteratively reweighted least squares with Cauchy weights).

use crate::equations::{
    BLOCK, BlockSums, Brightness, Gradients, LANES, Row, TileEquations, TileSums,
};
use crate::frame::NormalisedFrame;
use crate::rims::Rims;
use crate::sampling::{Lattice, PreWindow, blur_radius};
use crate::slopes::slopes;
use crate::tiles::{Tile, TileSpec};
use e2m_image::{MendedView, Warp};
use ndarray::Array2;
use std::ops::Range;

/// Tuning constant of Cauchy weights for 95 % efficiency on normal residuals.
const CAUCHY: f32 = 2.385;
/// From the median absolute deviation to a standard deviation.
const MAD_TO_SIGMA: f32 = 1.4826;
/// Residuals below this share of the tile's contrast are taken as that: a noise-free pair must not divide by zero.
const MIN_NOISE_SHARE: f32 = 1e-3;
/// Rounds of reweighting before the first equations of a tile.
const FIRST_REWEIGHTS: usize = 4;
/// Pixels that a tile needs.
const MIN_PIXELS: usize = 200;
/// A tile is never read so sparsely that fewer pixels than this remain along its side.
const MIN_PIXELS_PER_SIDE: usize = 24;
/// Deviations from which the noise is estimated, at most.
const NOISE_SAMPLE: usize = 2000;
/// A warp that moved the tile by this share of the blur has other gradients.
const STALE_SHARE: f64 = 0.25;

/// How much more one image is blurred to look like the other, px of post: for a pair of which one is out of focus.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct BlurMatch {
    pub(crate) post_px: f64,
    pub(crate) pre_px: f64,
}

/// How finely a tile is sampled, and how far from the warp it can be compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SamplingLevel {
    /// Gaussian blur of both images, px of post.
    pub(crate) sigma_px: f64,
    /// Every how many pixels the blurred tile is read; a small tile is read more densely.
    pub(crate) stride: usize,
    /// How far the warp may move before it asks for pixels of pre that were not read, px of post.
    pub(crate) search_radius_px: f64,
}

/// A tile, ready to be compared.
#[derive(Debug, Clone)]
pub(crate) struct TileComparison {
    pub(crate) spec: TileSpec,
    sigma_px: f64,
    stride: usize,
    /// First column and row that are read, from the tile's first pixel.
    first: usize,
    /// Columns and rows that are read.
    count: usize,
    /// `count`, rounded up to whole lanes; what is beyond `count` has no weight.
    width: usize,
    window: PreWindow,
    /// Both images are divided by their mean, so that all sums are of like size.
    pre_scale: f32,
    #[cfg(test)]
    post_scale: f32,
    /// Where the columns lie, from -1 to 1.
    columns: Vec<f32>,
    post: Vec<f32>,
    model: Vec<f32>,
    /// Empty until they are asked for.
    gradient_x: Vec<f32>,
    gradient_y: Vec<f32>,
    /// Whether the equations are formed with the gradients of post.
    with_instrument: bool,
    /// Indices of pixels that take no part.
    hidden: Vec<usize>,
    weight: Vec<f32>,
    /// The warp at which the gradients were taken.
    linearised: Option<Warp>,
    brightness: Option<Brightness>,
    noise: f32,
}

impl TileComparison {
    /// Prepares `tile` for comparing it under warps near `warp`. `None` where the tile is too small for the blur, blank,
    /// or maps to nowhere.
    pub(crate) fn new(
        tile: &Tile,
        pre: MendedView<'_>,
        warp: &Warp,
        level: SamplingLevel,
        blurs: BlurMatch,
    ) -> Option<Self> {
        let side = tile.spec.side_px;
        let sigma_post = level.sigma_px.hypot(blurs.post_px);
        let first = blur_radius(sigma_post) + 1;
        let inner = side.checked_sub(2 * first)?;
        let stride = level.stride.min(inner / MIN_PIXELS_PER_SIDE).max(1);
        let count = inner.div_ceil(stride);
        if count * count < MIN_PIXELS {
            return None;
        }
        let width = count.next_multiple_of(LANES);
        let wanted = Lattice {
            first,
            stride,
            columns: count,
            rows: count,
        };
        let smooth = wanted.blurred(&tile.pixels, sigma_post);
        let post_scale = positive_mean(&smooth)?;
        let sigma_pre = level.sigma_px.hypot(blurs.pre_px);
        let window = PreWindow::new(pre, warp, &tile.spec, sigma_pre, level.search_radius_px)?;
        let pre_scale = positive_mean(window.pixels())?;
        let per_count = post_scale.recip();
        let mut post = vec![0.0; count * width];
        for (row, from) in post.chunks_exact_mut(width).zip(smooth.outer_iter()) {
            for (to, value) in row.iter_mut().zip(from) {
                *to = value * per_count;
            }
        }
        Some(Self {
            spec: tile.spec,
            sigma_px: level.sigma_px,
            stride,
            first,
            count,
            width,
            window,
            pre_scale,
            #[cfg(test)]
            post_scale,
            columns: (0..count).map(|i| normalised(i, count)).collect(),
            model: vec![0.0; post.len()],
            gradient_x: Vec::new(),
            gradient_y: Vec::new(),
            with_instrument: false,
            hidden: Vec::new(),
            weight: vec![0.0; post.len()],
            post,
            linearised: None,
            brightness: None,
            noise: 0.0,
        })
    }

    /// The same, whose equations multiply by the gradients of post what they would multiply by those of pre.
    ///
    /// Noise adds its own energy to a product of a gradient with itself, so that steps are too short and look too certain
    /// (errors in variables; Fuller 1987, doi:10.1002/9780470316665), and a gradient that was taken at one warp pulls back to it
    /// by its noise. The noise of post is independent of that of pre, and its pixels stay where they are: the product of both
    /// gradients holds what both images show and nothing else (an instrumental variable).
    #[must_use]
    pub(crate) fn with_instrument(mut self) -> Self {
        self.with_instrument = true;
        self
    }

    /// The same without the pixels that see a rim of `tile` through their blur, of which post has `post_px` more than the level
    /// asks for. `None` where too few pixels are left.
    pub(crate) fn without_rims(mut self, tile: &Tile, rims: &Rims, post_px: f64) -> Option<Self> {
        let reach = blur_radius(self.sigma_px.hypot(post_px));
        if let Some(near) = rims.near(&tile.pixels, reach) {
            for j in 0..self.count {
                for i in 0..self.count {
                    let at = |k: usize| self.first + k * self.stride;
                    if near[(at(j), at(i))] {
                        self.hidden.push(j * self.width + i);
                    }
                }
            }
        }
        (self.count * self.count >= self.hidden.len() + MIN_PIXELS).then_some(self)
    }

    /// The tile's equations about `warp`. `None` where pre does not reach, or shows nothing that post could be compared
    /// with.
    pub(crate) fn equations(
        &mut self,
        warp: &Warp,
        frame: &NormalisedFrame,
    ) -> Option<TileEquations> {
        if self.is_stale(warp) {
            self.linearise(warp);
        } else {
            self.sample(warp);
        }
        let brightness = self.fit_brightness()?;
        let sums = self.sums(&brightness);
        let (equations, refit) = sums.equations(self.noise, |column, row| {
            frame.basis_px(self.x(column), self.y(row))
        })?;
        self.brightness = Some(refit);
        Some(equations)
    }

    /// How well post and pre go together under `warp`: the correlation of the pixels that fit, without any equations.
    /// `None` as for those.
    pub(crate) fn correlation(&mut self, warp: &Warp) -> Option<f64> {
        self.sample(warp);
        let brightness = self.fit_brightness()?;
        self.brightness = Some(brightness);
        Some(self.brightness_sums().correlation())
    }

    /// The typical deviation of post from the model, as a share of post's mean, after a comparison.
    pub(crate) fn noise(&self) -> f64 {
        f64::from(self.noise)
    }

    /// Gain of post against pre in counts, at the tile's centre, after [`TileComparison::equations`].
    #[cfg(test)]
    fn gain(&self) -> Option<f64> {
        let ratio = f64::from(self.post_scale) / f64::from(self.pre_scale);
        Some(f64::from(self.brightness?.at(0.0, 0.0).0) * ratio)
    }

    /// Post coordinate of a column that is read.
    fn x(&self, column: f64) -> f64 {
        (self.spec.x + self.first) as f64 + column * self.stride as f64
    }

    fn y(&self, row: f64) -> f64 {
        (self.spec.y + self.first) as f64 + row * self.stride as f64
    }

    /// Whether the gradients belong to a warp too far from this one.
    fn is_stale(&self, warp: &Warp) -> bool {
        let Some(at) = self.linearised else {
            return true;
        };
        let limit = STALE_SHARE * self.sigma_px.max(0.5);
        let last = self.count as f64 - 1.0;
        [(0.0, 0.0), (last, 0.0), (0.0, last), (last, last)]
            .iter()
            .any(|&(i, j)| {
                let (x, y) = (self.x(i), self.y(j));
                let ((u, v), (p, q)) = (warp.apply(x, y), at.apply(x, y));
                let magnification = warp.magnification(x, y).abs();
                (u - p).hypot(v - q) > limit * magnification
            })
    }

    /// Reads pre through the warp at every pixel.
    fn sample(&mut self, warp: &Warp) {
        let scale = self.pre_scale.recip();
        for j in 0..self.count {
            let path = RowPath::new(warp, self.x(0.0), self.y(j as f64), self.stride as f64);
            let row = &mut self.model[j * self.width..][..self.count];
            for (i, to) in row.iter_mut().enumerate() {
                let (u, v) = path.at(i);
                *to = self.window.value(u, v) * scale;
            }
        }
        self.hide();
    }

    /// Hides the pixels that take no part as if pre did not show them.
    fn hide(&mut self) {
        for &at in &self.hidden {
            self.model[at] = f32::NAN;
        }
    }

    /// The same, with gradients in post coordinates.
    fn linearise(&mut self, warp: &Warp) {
        let scale = self.pre_scale.recip();
        let middle = self.count as f64 / 2.0;
        let [[ux, uy], [vx, vy]] = warp
            .jacobian(self.x(middle), self.y(middle))
            .map(|row| row.map(|d| d as f32 * scale));
        self.gradient_x.resize(self.model.len(), 0.0);
        self.gradient_y.resize(self.model.len(), 0.0);
        for j in 0..self.count {
            let path = RowPath::new(warp, self.x(0.0), self.y(j as f64), self.stride as f64);
            for i in 0..self.count {
                let (u, v) = path.at(i);
                let [value, du, dv] = self.window.value_and_gradient(u, v);
                let at = j * self.width + i;
                self.model[at] = value * scale;
                self.gradient_x[at] = du * ux + dv * vx;
                self.gradient_y[at] = du * uy + dv * vy;
            }
        }
        self.linearised = Some(*warp);
        self.hide();
    }

    /// Gain and offset for the pixels as they are sampled now; leaves each pixel its weight. `None` for a flat tile or a
    /// gain that is not positive: then the two do not show the same thing here.
    fn fit_brightness(&mut self) -> Option<Brightness> {
        let current = match self.brightness {
            // The last equations have shown how the brightness changes with the increment.
            Some(brightness) => brightness,
            None => {
                let valid = self.weigh_all_alike();
                if valid < MIN_PIXELS {
                    return None;
                }
                let mut fit = self.brightness_only()?;
                for _ in 0..FIRST_REWEIGHTS {
                    self.reweight(&fit)?;
                    fit = self.brightness_only()?;
                }
                fit
            }
        };
        self.reweight(&current)?;
        (current.at(0.0, 0.0).0 > 0.0).then_some(current)
    }

    /// Gives all pixels on which pre is seen the same weight; answers with their number.
    fn weigh_all_alike(&mut self) -> usize {
        let mut valid = 0;
        for (weight, model) in self.weight.iter_mut().zip(&self.model) {
            *weight = f32::from(u8::from(model.is_finite()));
        }
        for row in self.weight.chunks_exact_mut(self.width) {
            row[self.count..].fill(0.0);
            valid += row.iter().filter(|w| **w > 0.0).count();
        }
        valid
    }

    /// Estimates the noise about a brightness and weighs the pixels by it. `None` where too few pixels are seen.
    fn reweight(&mut self, brightness: &Brightness) -> Option<()> {
        let rows = self
            .weight
            .chunks_exact_mut(self.width)
            .zip(self.model.chunks_exact(self.width))
            .zip(self.post.chunks_exact(self.width));
        for (j, ((weight, model), post)) in rows.enumerate() {
            let v = normalised(j, self.count);
            let pixels = weight.iter_mut().zip(model).zip(post).zip(&self.columns);
            for (((weight, model), post), u) in pixels {
                let (gain, offset) = brightness.at(*u, v);
                *weight = post - gain * model - offset;
            }
        }
        let pixels = self.count * self.count;
        let step = pixels.div_ceil(NOISE_SAMPLE).max(1);
        let mut deviations: Vec<f32> = (0..pixels)
            .step_by(step)
            .map(|k| self.weight[k / self.count * self.width + k % self.count].abs())
            .filter(|deviation| deviation.is_finite())
            .collect();
        if deviations.len() * step < MIN_PIXELS {
            return None;
        }
        let middle = deviations.len() / 2;
        let median = *deviations.select_nth_unstable_by(middle, f32::total_cmp).1;
        self.noise = (MAD_TO_SIGMA * median).max(MIN_NOISE_SHARE * brightness.contrast);
        let per_noise = (CAUCHY * self.noise).recip();
        if !per_noise.is_finite() {
            return None;
        }
        for row in self.weight.chunks_exact_mut(self.width) {
            for weight in &mut row[..self.count] {
                let scaled = *weight * per_noise;
                let w = 1.0 / (1.0 + scaled * scaled);
                // What pre does not show is no number.
                *weight = if w > 0.0 { w } else { 0.0 };
            }
        }
        Some(())
    }

    fn brightness_only(&self) -> Option<Brightness> {
        self.brightness_sums().brightness()
    }

    fn brightness_sums(&self) -> TileSums {
        self.collect(&Brightness::UNIT, |block, parts| {
            block.add_brightness(parts.map(|part| self.row(part)));
        })
    }

    fn sums(&self, brightness: &Brightness) -> TileSums {
        // Two more images for each tile would be too many to keep, and they are made in no time.
        let of_post = self
            .with_instrument
            .then(|| slopes(&self.post, self.width, self.count, self.stride));
        let others = match &of_post {
            Some([x, y]) => [x, y],
            None => [&self.gradient_x, &self.gradient_y],
        };
        self.collect(brightness, |block, parts| {
            block.add_brightness(parts.clone().map(|part| self.row(part)));
            block.add_gradients(
                parts.map(|part| (self.row(part.clone()), self.gradients(others, part))),
            );
        })
    }

    fn row(&self, part: Range<usize>) -> Row<'_> {
        Row {
            post: &self.post[part.clone()],
            model: &self.model[part.clone()],
            weight: &self.weight[part],
        }
    }

    /// Those of the model, and those that everything is multiplied by.
    fn gradients<'g>(&'g self, others: [&'g Vec<f32>; 2], part: Range<usize>) -> Gradients<'g> {
        let [other_x, other_y] = others;
        Gradients {
            x: &self.gradient_x[part.clone()],
            y: &self.gradient_y[part.clone()],
            other_x: &other_x[part.clone()],
            other_y: &other_y[part],
        }
    }

    /// Sums over blocks of pixels; within a block, brightness planes and basis are taken at its centre.
    fn collect(&self, brightness: &Brightness, add: impl Fn(&mut BlockSums, Parts)) -> TileSums {
        let mut sums = TileSums::default();
        for top in (0..self.count).step_by(BLOCK) {
            for left in (0..self.width).step_by(BLOCK) {
                let (bottom, right) = (
                    (top + BLOCK).min(self.count),
                    (left + BLOCK).min(self.width),
                );
                let middle = |from: usize, to: usize| (from + to - 1) as f64 / 2.0;
                let (column, row) = (
                    middle(left, right.min(self.count).max(left + 1)),
                    middle(top, bottom),
                );
                let span = (self.count as f64 - 1.0).max(1.0);
                let (u, v) = (2.0 * column / span - 1.0, 2.0 * row / span - 1.0);
                let mut block = BlockSums::default();
                add(
                    &mut block,
                    Parts {
                        rows: top..bottom,
                        columns: left..right,
                        width: self.width,
                    },
                );
                let gain = brightness.at(u as f32, v as f32).0;
                let others_are_post = self.with_instrument;
                sums.push(block.finish(gain, others_are_post, (column, row), (u, v)));
            }
        }
        sums
    }
}

/// The parts of the rows of a block, as indices of pixels.
#[derive(Debug, Clone)]
struct Parts {
    rows: Range<usize>,
    columns: Range<usize>,
    /// Of a whole row.
    width: usize,
}

impl Iterator for Parts {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.rows.next()? * self.width;
        Some(start + self.columns.start..start + self.columns.end)
    }
}

/// Where row or column `i` of `count` lies, from -1 to 1.
fn normalised(i: usize, count: usize) -> f32 {
    2.0 * i as f32 / (count as f32 - 1.0).max(1.0) - 1.0
}

/// The points of pre that a row of post maps to: the numerators and the denominator of a homography are linear along it.
struct RowPath {
    start: [f64; 3],
    step: [f64; 3],
}

impl RowPath {
    fn new(warp: &Warp, x: f64, y: f64, stride: f64) -> Self {
        let rows = warp.rows();
        Self {
            start: std::array::from_fn(|r| rows[r][0] * x + rows[r][1] * y + rows[r][2]),
            step: std::array::from_fn(|r| rows[r][0] * stride),
        }
    }

    #[inline]
    fn at(&self, i: usize) -> (f64, f64) {
        let i = i as f64;
        let inverse = 1.0 / (self.start[2] + i * self.step[2]);
        (
            (self.start[0] + i * self.step[0]) * inverse,
            (self.start[1] + i * self.step[1]) * inverse,
        )
    }
}

/// The mean of absolute values; `None` for zero or nothing.
fn positive_mean(values: &Array2<f32>) -> Option<f32> {
    let (mut sum, mut count) = (0.0, 0.0);
    for v in values.iter().filter(|v| v.is_finite()) {
        sum += f64::from(v.abs());
        count += 1.0;
    }
    let mean = (sum / count) as f32;
    (mean > 0.0 && mean.is_finite()).then_some(mean)
}

#[cfg(test)]
mod tests;
