//! The normal equations of one tile, summed over blocks of pixels.
//!
//! Within a block of a few pixels the basis of the increment hardly changes, so that fourteen sums of products per block
//! carry all that the equations need; they are formed in single precision, a row of a block at a time, and put together
//! in double precision.

use crate::frame::{Matrix8, NormalisedFrame, Vector8};
use nalgebra::{SMatrix, SVector};

/// Pixels summed side by side.
pub(crate) const LANES: usize = 4;
/// Side of a block, in pixels that are read.
pub(crate) const BLOCK: usize = 16;
/// Share of the diagonal that is added to the brightness equations: a tile may leave a plane undetermined.
const RIDGE: f64 = 1e-6;
/// A correlation may be above 1 by this much, by rounding of sums in single precision.
const ROUNDING: f64 = 1e-4;

/// Part of a row of a tile in both images. All slices have the same length, a multiple of [`LANES`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) post: &'a [f32],
    pub(crate) model: &'a [f32],
    pub(crate) weight: &'a [f32],
}

/// The gradients of the model along the same part of a row, and those that everything is multiplied by: themselves, or the
/// gradients of post, whose noise is another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gradients<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) y: &'a [f32],
    pub(crate) other_x: &'a [f32],
    pub(crate) other_y: &'a [f32],
}

/// `post = gain * pre + offset`, both planes over the tile, whose coordinates run from -1 to 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brightness {
    /// Gain, its change along x and along y, then offset likewise.
    planes: [f32; 6],
    /// Standard deviation of post over the tile.
    pub(crate) contrast: f32,
}

impl Brightness {
    /// Post is pre.
    pub(crate) const UNIT: Self = Self {
        planes: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        contrast: 0.0,
    };

    /// Gain and offset at a point of the tile.
    #[inline]
    pub(crate) fn at(&self, u: f32, v: f32) -> (f32, f32) {
        let [g, gx, gy, o, ox, oy] = self.planes;
        (g + gx * u + gy * v, o + ox * u + oy * v)
    }
}

/// What is summed, as indices into [`BlockSums`]: gradients `a` along x and `b` along y, model `i`, post `p`. Where the gradients
/// are post's, those of the model are the second factor of products of two.
const AA: usize = 0;
const AB: usize = 1;
const BB: usize = 2;
const AI: usize = 3;
const BI: usize = 4;
const A1: usize = 5;
const B1: usize = 6;
const AP: usize = 7;
const BP: usize = 8;
const II: usize = 9;
const I1: usize = 10;
const ONE: usize = 11;
const IP: usize = 12;
const P1: usize = 13;
const PP: usize = 14;
const SUMS: usize = 15;

/// Weighted sums over one block, in lanes.
#[derive(Debug, Clone)]
pub(crate) struct BlockSums {
    lanes: [[f32; LANES]; SUMS],
}

impl Default for BlockSums {
    fn default() -> Self {
        Self {
            lanes: [[0.0; LANES]; SUMS],
        }
    }
}

impl BlockSums {
    /// Adds what the brightness alone needs.
    pub(crate) fn add_brightness<'a>(&mut self, rows: impl Iterator<Item = Row<'a>>) {
        let [mut ii, mut i1, mut one, mut ip, mut p1, mut pp] = [[0.0; LANES]; 6];
        for row in rows {
            let pixels = row
                .post
                .chunks_exact(LANES)
                .zip(row.model.chunks_exact(LANES))
                .zip(row.weight.chunks_exact(LANES));
            for ((post, model), weight) in pixels {
                for l in 0..LANES {
                    let (w, p) = (weight[l], post[l]);
                    // What pre does not show is NaN and has no weight.
                    let i = if w > 0.0 { model[l] } else { 0.0 };
                    let (wi, wp) = (w * i, w * p);
                    ii[l] += wi * i;
                    i1[l] += wi;
                    one[l] += w;
                    ip[l] += wi * p;
                    p1[l] += wp;
                    pp[l] += wp * p;
                }
            }
        }
        self.lanes[II..].copy_from_slice(&[ii, i1, one, ip, p1, pp]);
    }

    /// Adds what the gradients are needed for besides.
    pub(crate) fn add_gradients<'a>(
        &mut self,
        rows: impl Iterator<Item = (Row<'a>, Gradients<'a>)>,
    ) {
        let [mut aa, mut ab, mut bb] = [[0.0; LANES]; 3];
        let [mut ai, mut bi, mut a1, mut b1, mut ap, mut bp] = [[0.0; LANES]; 6];
        for (row, gradients) in rows {
            let gradients = gradients
                .x
                .chunks_exact(LANES)
                .zip(gradients.y.chunks_exact(LANES))
                .zip(gradients.other_x.chunks_exact(LANES))
                .zip(gradients.other_y.chunks_exact(LANES));
            let pixels = row
                .post
                .chunks_exact(LANES)
                .zip(row.model.chunks_exact(LANES))
                .zip(row.weight.chunks_exact(LANES))
                .zip(gradients);
            for (((post, model), weight), (((gx, gy), hx), hy)) in pixels {
                for l in 0..LANES {
                    let (w, p) = (weight[l], post[l]);
                    let seen = w > 0.0;
                    let i = if seen { model[l] } else { 0.0 };
                    let (c, d) = if seen { (gx[l], gy[l]) } else { (0.0, 0.0) };
                    let (a, b) = if seen { (hx[l], hy[l]) } else { (0.0, 0.0) };
                    let (wa, wb) = (w * a, w * b);
                    aa[l] += wa * c;
                    ab[l] += wa * d;
                    bb[l] += wb * d;
                    ai[l] += wa * i;
                    bi[l] += wb * i;
                    a1[l] += wa;
                    b1[l] += wb;
                    ap[l] += wa * p;
                    bp[l] += wb * p;
                }
            }
        }
        self.lanes[..II].copy_from_slice(&[aa, ab, bb, ai, bi, a1, b1, ap, bp]);
    }

    /// The block at (`column`, `row`) of the pixels read, (`u`, `v`) of the tile, under a gain. The gradients of post have that
    /// gain already.
    pub(crate) fn finish(
        self,
        gain: f32,
        others_are_post: bool,
        at: (f64, f64),
        (u, v): (f64, f64),
    ) -> FinishedBlock {
        let mut sums = self
            .lanes
            .map(|lanes| lanes.iter().map(|&l| f64::from(l)).sum::<f64>());
        let gain = f64::from(gain);
        let of_gradient = if others_are_post { 1.0 } else { gain };
        for s in [AI, BI, A1, B1, AP, BP] {
            sums[s] *= of_gradient;
        }
        for s in [AA, AB, BB] {
            sums[s] *= of_gradient * gain;
        }
        FinishedBlock {
            sums,
            at,
            planes: SVector::from([1.0, u, v]),
        }
    }
}

/// The sums of one block in double precision.
#[derive(Debug, Clone)]
pub(crate) struct FinishedBlock {
    sums: [f64; SUMS],
    at: (f64, f64),
    /// 1, u, v: what the brightness planes are multiplied by.
    planes: SVector<f64, 3>,
}

/// The sums of all blocks of a tile.
#[derive(Debug, Clone, Default)]
pub(crate) struct TileSums {
    blocks: Vec<FinishedBlock>,
}

impl TileSums {
    pub(crate) fn push(&mut self, block: FinishedBlock) {
        if block.sums[ONE] > 0.0 {
            self.blocks.push(block);
        }
    }

    fn total(&self, sum: usize) -> f64 {
        self.blocks.iter().map(|b| b.sums[sum]).sum()
    }

    /// Weighted standard deviation of post.
    fn contrast(&self) -> f64 {
        let mean = self.total(P1) / self.total(ONE);
        (self.total(PP) / self.total(ONE) - mean * mean)
            .max(0.0)
            .sqrt()
    }

    /// The matrix of the brightness planes with its ridge, and their right-hand side.
    fn brightness_system(&self) -> (SMatrix<f64, 6, 6>, SVector<f64, 6>) {
        let mut matrix = SMatrix::<f64, 6, 6>::zeros();
        let mut rhs = SVector::<f64, 6>::zeros();
        for FinishedBlock { sums, planes, .. } in &self.blocks {
            let outer = planes * planes.transpose();
            let mut add = |row: usize, column: usize, sum: f64| {
                let mut part = matrix.fixed_view_mut::<3, 3>(row, column);
                part += outer * sum;
            };
            add(0, 0, sums[II]);
            add(0, 3, sums[I1]);
            add(3, 0, sums[I1]);
            add(3, 3, sums[ONE]);
            let mut gain = rhs.fixed_rows_mut::<3>(0);
            gain += planes * sums[IP];
            let mut offset = rhs.fixed_rows_mut::<3>(3);
            offset += planes * sums[P1];
        }
        // Only the slopes are held: gain and offset themselves are what the tile shows.
        for slope in [1, 2, 4, 5] {
            matrix[(slope, slope)] *= 1.0 + RIDGE;
            matrix[(slope, slope)] += RIDGE * matrix[(slope / 3 * 3, slope / 3 * 3)];
        }
        (matrix, rhs)
    }

    /// The brightness that fits best. `None` for a flat tile.
    pub(crate) fn brightness(&self) -> Option<Brightness> {
        let (matrix, rhs) = self.brightness_system();
        let planes = matrix.cholesky()?.solve(&rhs);
        self.accept(&planes)
    }

    fn accept(&self, planes: &SVector<f64, 6>) -> Option<Brightness> {
        let planes: [f32; 6] = std::array::from_fn(|i| planes[i] as f32);
        planes.iter().all(|p| p.is_finite()).then_some(Brightness {
            planes,
            contrast: self.contrast() as f32,
        })
    }

    /// Weighted correlation of post and model.
    pub(crate) fn correlation(&self) -> f64 {
        let n = self.total(ONE);
        let (i, p) = (self.total(I1) / n, self.total(P1) / n);
        let (ii, pp) = (self.total(II) / n - i * i, self.total(PP) / n - p * p);
        let ip = self.total(IP) / n - i * p;
        let correlation = ip / (ii * pp).sqrt();
        // Where next to nothing varies rounding is all there is, and may make it any number.
        if ii > 0.0 && pp > 0.0 && correlation.abs() <= 1.0 + ROUNDING {
            correlation.clamp(-1.0, 1.0)
        } else {
            0.0
        }
    }

    /// The equations of the increment, brightness eliminated and divided by the noise, and the brightness that goes
    /// with no increment. `basis` gives at (column, row) how a point moves in px with each entry.
    pub(crate) fn equations(
        &self,
        noise: f32,
        basis: impl Fn(f64, f64) -> [Vector8; 2],
    ) -> Option<(TileEquations, Brightness)> {
        let mut matrix = Matrix8::zeros();
        let mut rhs = Vector8::zeros();
        let mut mixed = SMatrix::<f64, 8, 6>::zeros();
        for FinishedBlock { sums, at, planes } in &self.blocks {
            let [x, y] = basis(at.0, at.1);
            let (ax, by) = (x * sums[AA] + y * sums[AB], x * sums[AB] + y * sums[BB]);
            matrix += ax * x.transpose() + by * y.transpose();
            rhs += x * sums[AP] + y * sums[BP];
            let with_model = x * sums[AI] + y * sums[BI];
            let alone = x * sums[A1] + y * sums[B1];
            let mut gain = mixed.fixed_view_mut::<8, 3>(0, 0);
            gain += with_model * planes.transpose();
            let mut offset = mixed.fixed_view_mut::<8, 3>(0, 3);
            offset += alone * planes.transpose();
        }
        let (own, own_rhs) = self.brightness_system();
        let factored = own.cholesky()?;
        let planes = factored.solve(&own_rhs);
        let gone = factored.solve(&mixed.transpose());
        let information = 1.0 / (f64::from(noise) * f64::from(noise));
        let equations = TileEquations {
            matrix: (matrix - mixed * gone) * information,
            rhs: (rhs - mixed * planes) * information,
            correlation: self.correlation(),
        };
        Some((equations, self.accept(&planes)?))
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

/// The shift that a tile alone asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OwnShift {
    pub(crate) dx: f64,
    pub(crate) dy: f64,
    /// Standard error along the direction that is determined least, px, as if all pixels were independent.
    pub(crate) error_px: f64,
}

impl TileEquations {
    /// `None` where the tile does not tell.
    pub(crate) fn own_shift(&self, frame: &NormalisedFrame) -> Option<OwnShift> {
        let unit2 = frame.unit_px * frame.unit_px;
        let (a, b, d) = (
            self.matrix[(2, 2)] / unit2,
            self.matrix[(2, 5)] / unit2,
            self.matrix[(5, 5)] / unit2,
        );
        let det = a * d - b * b;
        // Structure in one direction only leaves the other open; where post's gradients are not pre's, the product of both
        // may be less than nothing.
        if det.is_nan() || a <= 0.0 || det <= 1e-6 * a.max(d) * a.max(d) {
            return None;
        }
        let (r, s) = (self.rhs[2] / frame.unit_px, self.rhs[5] / frame.unit_px);
        let least = (a + d) / 2.0 - ((a - d) / 2.0).hypot(b);
        Some(OwnShift {
            dx: (d * r - b * s) / det,
            dy: (a * s - b * r) / det,
            error_px: least.max(f64::MIN_POSITIVE).sqrt().recip(),
        })
    }
}
