//! The refinement of generated pairs: how far off it is, what it claims, and what the noise allows at best.
//!
//! The refinement starts from the truth moved by some tenths of a pixel, as a coarse alignment leaves it.

use e2m_align::{
    BlockMean, FineAlignment, Plane, PlaneSource, RefineOptions, Size, Tile, TileCollector, Warp,
    align_fine, choose_tiles, preview_factor, stream_bands,
};
use e2m_fixtures::{Microbes, NamedRecipe, Recipe, World, clean_pairs, hard_pairs};
use ndarray::Array2;
use std::fmt;
use std::ops::ControlFlow;

/// Corners of the start are off by this much at most, px.
const START_PX: f64 = 0.7;
/// Variance of rounding to whole counts.
const ROUNDING: f64 = 1.0 / 12.0;
/// Side of the previews that tiles are chosen on, at most, px.
const PREVIEW_PX: usize = 1600;
/// What is darker than this is glass to who cuts a section out, counts.
const CUT_COUNTS: f32 = 12.0;
/// Camera noise that the bound is compared at, counts.
pub(crate) const NOISE_COUNTS: [f64; 4] = [0.5, 1.5, 4.0, 12.0];
/// Blur of both images of a soft texture, px.
const SOFT_PX: f64 = 1.5;

/// A pair to refine.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// What makes it hard.
    pub(crate) family: String,
    pub(crate) recipe: Recipe,
    /// Whether glass is set to zero in both images.
    pub(crate) cut: bool,
}

/// What became of it.
#[derive(Debug, Clone)]
pub(crate) struct Calibrated {
    pub(crate) family: String,
    pub(crate) seed: u64,
    /// Mean error over the section, px.
    pub(crate) error_px: f64,
    /// The error of the start, px.
    pub(crate) start_px: f64,
    /// What the refinement expects its mean error to be, px.
    pub(crate) claimed_px: f64,
    /// Mean error that camera noise leaves the best of all estimators (Cramer & Rao), px.
    pub(crate) bound_px: f64,
    /// Whether nothing but noise makes it hard, so that the bound can be reached.
    pub(crate) is_noise_alone: bool,
    pub(crate) defocus_px: f64,
    pub(crate) rejected: Option<String>,
}

impl Calibrated {
    /// True over claimed error.
    pub(crate) fn ratio(&self) -> f64 {
        self.error_px / self.claimed_px
    }

    /// Error over its bound.
    pub(crate) fn over_bound(&self) -> f64 {
        self.error_px / self.bound_px
    }
}

impl fmt::Display for Calibrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<24} seed {:<5} start {:.3} error {:.4} claimed {:.4} ratio {:.2} bound {:.4} over it {:.2} defocus {:.1}",
            self.family,
            self.seed,
            self.start_px,
            self.error_px,
            self.claimed_px,
            self.ratio(),
            self.bound_px,
            self.over_bound(),
            self.defocus_px,
        )?;
        self.rejected
            .iter()
            .try_for_each(|reason| write!(f, "; {reason}"))
    }
}

/// One pair of every hardship alone, of all at once, and of a section that was cut out.
pub(crate) fn hard_families(width: usize, seed: u64) -> Vec<Case> {
    let mut cases: Vec<Case> = hard_pairs(width, seed)
        .into_iter()
        .filter(|pair| !pair.name.contains(','))
        .map(|pair| Case::of(pair, false))
        .collect();
    let mut rim = hard_pairs(width, seed + 500).swap_remove(0);
    rim.name = "hard rim".to_owned();
    rim.recipe.vignetting_post = None;
    cases.push(Case::of(rim, true));
    cases
}

/// Pairs with nothing but camera noise of each of [`NOISE_COUNTS`], of sharp and of soft texture.
pub(crate) fn noise_families(width: usize, seed: u64) -> Vec<Case> {
    let base = clean_pairs(width, seed).swap_remove(2).recipe;
    let mut next_seed = seed;
    let mut with = |noise_counts: f64, blur_px: f64| {
        next_seed += 1;
        Recipe {
            seed: next_seed,
            noise_counts,
            defocus_post_px: blur_px,
            defocus_pre_px: blur_px,
            ..base.clone()
        }
    };
    let named = |kind: &str, counts: f64, recipe: Recipe| NamedRecipe {
        name: format!("{kind}, noise {counts}"),
        recipe,
    };
    NOISE_COUNTS
        .iter()
        .flat_map(|&counts| {
            [
                named("sharp", counts, with(counts, 0.0)),
                named("soft", counts, with(counts, SOFT_PX)),
            ]
        })
        .map(|pair| Case::of(pair, false))
        .collect()
}

impl Case {
    fn of(pair: NamedRecipe, cut: bool) -> Self {
        Self {
            family: pair.name,
            recipe: pair.recipe,
            cut,
        }
    }

    /// Renders it and refines it.
    pub(crate) fn refine(&self) -> Calibrated {
        let world = World::new(&self.recipe).expect("a valid recipe");
        let (mut post, mut pre) = (world.render_post(), world.render_pre());
        if self.cut {
            (post, pre) = (cut_out(&post), cut_out(&pre));
        }
        let truth = world.truth();
        let start = start(&world.warp(), post.size(), self.recipe.seed);
        let fine = align_planes(&post, &pre, &start);
        Calibrated {
            family: self.family.clone(),
            seed: self.recipe.seed,
            error_px: truth.registration_error(&fine.warp).mean_px,
            start_px: truth.registration_error(&start).mean_px,
            claimed_px: fine.refinement.estimated_accuracy_px,
            bound_px: bound_px(&self.recipe),
            is_noise_alone: self.family.contains(", noise"),
            defocus_px: fine.refinement.defocus_px,
            rejected: fine.refinement.rejected,
        }
    }
}

/// Refines `start` on two planes, tiles chosen as an alignment does.
pub(crate) fn align_planes(post: &Plane, pre: &Plane, start: &Warp) -> FineAlignment {
    let options = RefineOptions::default();
    let size = post.size();
    let factor = preview_factor(size.max(pre.size()), PREVIEW_PX);
    let mut preview = BlockMean::new(size, factor);
    read(post, &mut [&mut preview]);
    let preview = preview.into_image();
    let plan = choose_tiles(preview.view(), factor, size, pre.size(), start, &options);
    let mut fit = TileCollector::new(size, plan.fit);
    let mut check = TileCollector::new(size, plan.check);
    read(post, &mut [&mut fit, &mut check]);
    let (fit, check): (Vec<Tile>, Vec<Tile>) = (fit.into_tiles(), check.into_tiles());
    align_fine(&fit, &check, size, pre.view().into(), start, &options)
}

fn read(plane: &Plane, sinks: &mut [&mut dyn e2m_align::BandSink]) {
    stream_bands(&mut PlaneSource::new(plane), sinks, 128, |_| {
        ControlFlow::Continue(())
    })
    .expect("a plane in memory");
}

/// The truth, its corners moved by some tenths of a pixel.
fn start(truth: &Warp, size: Size, seed: u64) -> Warp {
    let random =
        |n: u64| ((seed + n) as f64 * 0.754_877_67 + n as f64 * 0.569_84).fract() * 2.0 - 1.0;
    let turn = (START_PX / size.width as f64).to_degrees();
    let centre = (size.width as f64 / 2.0, size.height as f64 / 2.0);
    let scale = 1.0 + random(3) * START_PX / size.width as f64;
    Warp::similarity(scale, turn * random(4), centre)
        .then(&Warp::translation(
            random(1) * START_PX / 2.0,
            random(2) * START_PX / 2.0,
        ))
        .then(truth)
}

/// Sets to zero what is dark, as programs do that cut a section out.
fn cut_out(plane: &Plane) -> Plane {
    let image = whole(plane);
    let (rows, columns) = image.dim();
    let mut sums = Array2::<f32>::zeros((rows, columns));
    for ((y, x), sum) in sums.indexed_iter_mut() {
        let (top, left) = (y.saturating_sub(2), x.saturating_sub(2));
        let part = image.slice(ndarray::s![
            top..(y + 3).min(rows),
            left..(x + 3).min(columns)
        ]);
        *sum = part.sum() / part.len() as f32;
    }
    let cut = Array2::from_shape_fn((rows, columns), |at| {
        if sums[at] < CUT_COUNTS {
            0
        } else {
            image[at].round().clamp(0.0, 255.0) as u8
        }
    });
    Plane::from(cut)
}

/// Mean error over the section that camera noise leaves at best: the inverse of Fisher's information on the homography,
/// summed over all pixels that both images show, with the noise of both.
pub(crate) fn bound_px(recipe: &Recipe) -> f64 {
    // What only one of the images shows tells nothing of where the other belongs.
    let clean = Recipe {
        microbes: Microbes {
            max_count: 0,
            ..recipe.microbes.clone()
        },
        uptake: None,
        noise_counts: 0.0,
        shot_noise: 0.0,
        dust: None,
        pixel: e2m_align::PixelType::F32,
        counts_scale: 1.0,
        ..recipe.clone()
    };
    let world = World::new(&clean).expect("a valid recipe");
    let light = whole(&world.render_post());
    let (rows, columns) = light.dim();
    let warp = world.warp();
    let magnification = warp.magnification(columns as f64 / 2.0, rows as f64 / 2.0);
    let own = recipe.noise_counts.powi(2) + ROUNDING;
    let noise = own * (1.0 + (recipe.gain / magnification).powi(2));
    let (unit, cx, cy) = (
        columns as f64 / 2.0,
        columns as f64 / 2.0,
        rows as f64 / 2.0,
    );
    let basis = |x: f64, y: f64| {
        let (u, v) = ((x - cx) / unit, (y - cy) / unit);
        [
            [u, v, 1.0, 0.0, 0.0, 0.0, -u * u, -u * v],
            [0.0, 0.0, 0.0, u, v, 1.0, -u * v, -v * v],
        ]
    };
    let pre = world.render_pre().size();
    let mut information = nalgebra::SMatrix::<f64, 8, 8>::zeros();
    // Within squares of some pixels the basis hardly changes.
    const SQUARE: usize = 16;
    for top in (2..rows.saturating_sub(2 + SQUARE)).step_by(SQUARE) {
        for left in (2..columns.saturating_sub(2 + SQUARE)).step_by(SQUARE) {
            let (x, y) = (left as f64 + 7.5, top as f64 + 7.5);
            let (u, v) = warp.apply(x, y);
            if !(u > 4.0 && v > 4.0 && u < pre.width as f64 - 5.0 && v < pre.height as f64 - 5.0) {
                continue;
            }
            let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
            for j in top..top + SQUARE {
                for i in left..left + SQUARE {
                    let slope =
                        |a: f32, b: f32, c: f32, d: f32| f64::from(8.0 * (c - b) - (d - a)) / 12.0;
                    let gx = slope(
                        light[(j, i - 2)],
                        light[(j, i - 1)],
                        light[(j, i + 1)],
                        light[(j, i + 2)],
                    );
                    let gy = slope(
                        light[(j - 2, i)],
                        light[(j - 1, i)],
                        light[(j + 1, i)],
                        light[(j + 2, i)],
                    );
                    xx += gx * gx;
                    xy += gx * gy;
                    yy += gy * gy;
                }
            }
            let [a, b] = basis(x, y).map(nalgebra::SVector::<f64, 8>::from);
            information += (a * a.transpose() * xx
                + (a * b.transpose() + b * a.transpose()) * xy
                + b * b.transpose() * yy)
                / noise;
        }
    }
    let covariance = information.cholesky().expect("texture").inverse();
    let points = world.truth().points;
    let squared = |x: f64, y: f64| {
        let [a, b] = basis(x, y).map(nalgebra::SVector::<f64, 8>::from);
        (a.dot(&(covariance * a)) + b.dot(&(covariance * b))).max(0.0)
    };
    // The mean length of a normal vector in the plane is sqrt(pi) / 2 of its root mean square.
    let mean: f64 = points
        .iter()
        .map(|p| squared(p[0], p[1]).sqrt())
        .sum::<f64>()
        / points.len() as f64;
    mean * std::f64::consts::PI.sqrt() / 2.0
}

/// The `share` quantile of values that need not be sorted.
pub(crate) fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = ((values.len() as f64 - 1.0) * share).round().max(0.0) as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

fn whole(plane: &Plane) -> Array2<f32> {
    plane.view().window(0, 0, plane.size())
}
