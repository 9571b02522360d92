//! The correlation of two layers at all shifts of one pose.
//!
//! Overlap-normalised cross-correlation of masked images by the fast Fourier transform: D. Padfield, "Masked Object
//! Registration in the Fourier Domain", IEEE Trans. Image Process. 21 (2012) 2706, doi:10.1109/TIP.2011.2181402. Details have
//! a local mean of zero, so that the terms for the means drop out; areas and energies of the overlap change slowly with the
//! shift and are correlated at a quarter of the resolution.

use super::layer::{Layer, NEIGHBOURHOOD_SIGMA_PX};
use crate::search::boundary::pose::Pose;
use crate::search::boundary::raster::reduce;
use crate::search::cv::{from_mat_f32, single_threaded, to_mat};
use crate::search::error::AlignError;
use ndarray::Array2;
use opencv::core::{self, CV_32F, Mat, MatTraitConst, Scalar, Size};
use opencv::imgproc;

/// Areas and energies are correlated at this reduction.
const SLOW: usize = 4;
/// Shifts that leave less than this share of the smaller image in the overlap are not looked at.
const LEAST_OVERLAP: f64 = 0.06;
/// Of the surface every so manieth value is enough for its spread.
const SPREAD_STRIDE: usize = 7;
/// The median of absolute values of a normal distribution, over its standard deviation.
const MAD_PER_SIGMA: f64 = 0.6745;

/// The best shift of one pose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peak {
    /// The pose with that shift.
    pub(super) pose: Pose,
    /// Height of the peak over the spread of the whole surface: correlation times the root of the overlap, which has the same
    /// spread at every shift where nothing belongs together.
    pub(super) significance: f64,
    /// The same of the best peak elsewhere on the surface.
    pub(super) runner_up: f64,
    /// Independent places of the surface.
    pub(super) cells: f64,
}

/// Correlates turned and magnified versions of post with pre.
pub(super) struct Correlator<'a> {
    post: &'a Layer,
    /// Mask and energy of post, reduced.
    slow_post: [Mat; 2],
    post_detail: Mat,
    pre_spectrum: Mat,
    /// Spectra of mask and energy of pre, reduced.
    slow_pre: [Mat; 2],
    pre_size: Size,
    /// Of the padded images: no shift wraps around.
    size: Size,
    slow_size: Size,
    /// Px of overlap, at least.
    least_overlap: f64,
}

impl<'a> Correlator<'a> {
    pub(super) fn new(post: &'a Layer, pre: &Layer, poses: &[Pose]) -> Result<Self, AlignError> {
        single_threaded();
        let (height, width) = pre.detail.dim();
        let pre_size = Size::new(width as i32, height as i32);
        let (mut most_wide, mut most_high) = (1, 1);
        for pose in poses {
            let area = seen_in_pre(pose, post.detail.dim());
            (most_wide, most_high) = (most_wide.max(area.width), most_high.max(area.height));
        }
        let slow = |n: i32| core::get_optimal_dft_size(n.div_euclid(SLOW as i32) + 2);
        let slow_size = Size::new(
            slow(pre_size.width + most_wide)?,
            slow(pre_size.height + most_high)?,
        );
        let size = Size::new(
            slow_size.width * SLOW as i32,
            slow_size.height * SLOW as i32,
        );
        let slow_of = |layer: &Layer| {
            let energy = layer.detail.mapv(|d| d * d);
            [reduce(&layer.mask, SLOW), reduce(&energy, SLOW)]
        };
        let [mask, energy] = slow_of(pre);
        let [post_mask, post_energy] = slow_of(post);
        let count = |mask: &Array2<f32>| f64::from(mask.sum());
        Ok(Self {
            pre_spectrum: spectrum(&padded(&to_mat(pre.detail.view())?, size)?)?,
            slow_pre: [
                spectrum(&padded(&to_mat(mask.view())?, slow_size)?)?,
                spectrum(&padded(&to_mat(energy.view())?, slow_size)?)?,
            ],
            slow_post: [to_mat(post_mask.view())?, to_mat(post_energy.view())?],
            post_detail: to_mat(post.detail.view())?,
            least_overlap: LEAST_OVERLAP * count(&post.mask).min(count(&pre.mask)),
            post,
            pre_size,
            size,
            slow_size,
        })
    }

    /// The shift at which post, seen through `pose`, correlates best; `None` where the two nowhere overlap enough.
    pub(super) fn best_shift(&self, pose: &Pose) -> Result<Option<Peak>, AlignError> {
        let area = seen_in_pre(pose, self.post.detail.dim());
        let turned = turned(&self.post_detail, pose, (area.x, area.y), self.size)?;
        let surface = from_mat_f32(&correlate(&self.pre_spectrum, &turned)?)?;
        let weights = self.weights(pose, (area.x, area.y))?;
        let slow_at = |i: usize, n: i32| ((i + SLOW / 2) / SLOW) % n as usize;
        let weight = |y: usize, x: usize| {
            weights[(
                slow_at(y, self.slow_size.height),
                slow_at(x, self.slow_size.width),
            )]
        };
        let mut sample = Vec::new();
        let (mut best, mut at) = (0.0_f64, (0, 0));
        for (y, row) in surface.outer_iter().enumerate() {
            for (x, &value) in row.iter().enumerate() {
                let factor = weight(y, x);
                if factor == 0.0 {
                    continue;
                }
                let z = f64::from(value) * factor;
                if (x + 3 * y).is_multiple_of(SPREAD_STRIDE) {
                    sample.push(z.abs());
                }
                if z > best {
                    (best, at) = (z, (y, x));
                }
            }
        }
        if sample.is_empty() {
            return Ok(None);
        }
        let places = sample.len() * SPREAD_STRIDE;
        let middle = sample.len() / 2;
        let spread = *sample.select_nth_unstable_by(middle, f64::total_cmp).1 / MAD_PER_SIGMA;
        if spread.is_nan() || spread <= 0.0 {
            return Ok(None);
        }
        let mut runner_up = 0.0_f64;
        let apart = |a: usize, b: usize, n: i32| {
            let d = a.abs_diff(b);
            d.min(n as usize - d) as f64 > NEIGHBOURHOOD_SIGMA_PX
        };
        for (y, row) in surface.outer_iter().enumerate() {
            let row_apart = apart(y, at.0, self.size.height);
            for (x, &value) in row.iter().enumerate() {
                if row_apart || apart(x, at.1, self.size.width) {
                    runner_up = runner_up.max(f64::from(value) * weight(y, x));
                }
            }
        }
        // Shifts beyond pre are negative ones, wrapped around.
        let unwrap = |i: usize, span: i32, n: i32| {
            let i = i as i32;
            f64::from(if i >= span { i - n } else { i })
        };
        let dx = unwrap(at.1, self.pre_size.width, self.size.width) - f64::from(area.x);
        let dy = unwrap(at.0, self.pre_size.height, self.size.height) - f64::from(area.y);
        Ok(Some(Peak {
            pose: Pose {
                target: [pose.target[0] + dx, pose.target[1] + dy],
                ..*pose
            },
            significance: best / spread,
            runner_up: runner_up / spread,
            // The variance of what is summed up is the number of px that go together.
            cells: places as f64 / (spread * spread).max(1.0),
        }))
    }

    /// What the sum of products at each shift is to be multiplied by.
    fn weights(&self, pose: &Pose, (x, y): (i32, i32)) -> Result<Array2<f64>, AlignError> {
        let small = pose.at_pixel_size(SLOW as f64);
        let origin = (x / SLOW as i32, y / SLOW as i32);
        let turn = |image: &Mat| turned(image, &small, origin, self.slow_size);
        let [mask, energy] = [turn(&self.slow_post[0])?, turn(&self.slow_post[1])?];
        let [pre_mask, pre_energy] = &self.slow_pre;
        let area = from_mat_f32(&correlate(pre_mask, &mask)?)?;
        let post_energy = from_mat_f32(&correlate(pre_mask, &energy)?)?;
        let pre_energy = from_mat_f32(&correlate(pre_energy, &mask)?)?;
        let per_px = (SLOW * SLOW) as f64;
        Ok(Array2::from_shape_fn(area.dim(), |at| {
            let n = per_px * f64::from(area[at]);
            let energies = per_px
                * per_px
                * f64::from(post_energy[at].max(0.0))
                * f64::from(pre_energy[at].max(0.0));
            if n < self.least_overlap || energies <= 0.0 {
                return 0.0;
            }
            (n / energies).sqrt()
        }))
    }
}

/// A rectangle whose first pixel lies on the reduced grid too.
struct Area {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
}

/// Where a pose shows an image of `shape` among the pixels of pre.
fn seen_in_pre(pose: &Pose, (height, width): (usize, usize)) -> Area {
    let warp = pose.warp();
    let (right, bottom) = (width as f64, height as f64);
    let corners = [(-1.0, -1.0), (right, -1.0), (-1.0, bottom), (right, bottom)]
        .map(|(x, y)| warp.apply(x, y));
    let least = |f: fn(&(f64, f64)) -> f64| corners.iter().map(f).fold(f64::MAX, f64::min);
    let most = |f: fn(&(f64, f64)) -> f64| corners.iter().map(f).fold(f64::MIN, f64::max);
    let step = SLOW as i32;
    let down = |v: f64| (v.floor() as i32).div_euclid(step) * step;
    let (x, y) = (down(least(|c| c.0)), down(least(|c| c.1)));
    Area {
        x,
        y,
        width: most(|c| c.0).ceil() as i32 - x + 1,
        height: most(|c| c.1).ceil() as i32 - y + 1,
    }
}

/// An image seen through a pose, from the pixel `origin` of the other on, in a matrix of `size`.
fn turned(image: &Mat, pose: &Pose, origin: (i32, i32), size: Size) -> Result<Mat, AlignError> {
    let rows = pose.warp().rows();
    let mut affine = [
        [rows[0][0], rows[0][1], rows[0][2]],
        [rows[1][0], rows[1][1], rows[1][2]],
    ];
    affine[0][2] -= f64::from(origin.0);
    affine[1][2] -= f64::from(origin.1);
    let mut out = Mat::new_size_with_default(size, CV_32F, Scalar::all(0.0))?;
    imgproc::warp_affine(
        image,
        &mut out,
        &Mat::from_slice_2d(&affine)?,
        size,
        imgproc::INTER_LINEAR,
        core::BORDER_CONSTANT,
        Scalar::all(0.0),
    )?;
    Ok(out)
}

fn padded(image: &Mat, size: Size) -> Result<Mat, AlignError> {
    let mut out = Mat::default();
    core::copy_make_border(
        image,
        &mut out,
        0,
        size.height - image.rows(),
        0,
        size.width - image.cols(),
        core::BORDER_CONSTANT,
        Scalar::all(0.0),
    )?;
    Ok(out)
}

fn spectrum(image: &Mat) -> Result<Mat, AlignError> {
    let mut out = Mat::default();
    core::dft(image, &mut out, 0, 0)?;
    Ok(out)
}

/// The sum of products of `image` with what `spectrum` is of, by how far `image` is shifted on it.
fn correlate(spectrum_of_pre: &Mat, image: &Mat) -> Result<Mat, AlignError> {
    let (mut product, mut out) = (Mat::default(), Mat::default());
    core::mul_spectrums(spectrum_of_pre, &spectrum(image)?, &mut product, 0, true)?;
    let inverse = core::DFT_INVERSE | core::DFT_SCALE | core::DFT_REAL_OUTPUT;
    core::dft(&product, &mut out, inverse, 0)?;
    Ok(out)
}
