//! Where in pre a tile of post is found that does not fit where the warp sends it.
//!
//! Fine structure is compared, without its local mean and with what stands out cut down: stain, uneven light and microbes change
//! the rest. The correlation at all the wrong places around is what chance gives for this very tile; a place counts that stands
//! out of it.

use crate::comparison::BlurMatch;
use crate::sampling::{Lattice, PreWindow, blur_radius};
use crate::tiles::{Tile, TileSpec};
use e2m_image::{MendedView, Warp};
use ndarray::{Array2, ArrayView2, s};

/// A tile is looked for this far, px, and no farther than [`REACH_SIDES`] of its sides.
const REACH_PX: f64 = 256.0;
/// See [`REACH_PX`].
const REACH_SIDES: f64 = 1.5;
/// A tile is reduced to about so many pixels along its side for the search.
const REDUCED_SIDE: usize = 40;
/// Blur in both images before they are compared, in the pixels that are compared: it leaves little that they could not show.
const SIGMA: f64 = 0.7;
/// The same at full resolution, px: more, against noise.
const FULL_SIGMA_PX: f64 = 1.5;
/// The local mean is that over so many compared pixels to each side.
const MEAN_RADIUS: usize = 4;
/// Values beyond so many typical ones are cut down to that: a microbe must not outweigh the rest of the tile.
const CLIP: f32 = 3.0;
/// Compared pixels whose correlations tell the same: places that far apart along x and y are two.
const INDEPENDENT_PX: f64 = 2.0;
/// How many standard deviations above the highest that chance gives anywhere in reach a place has to be.
const CLEARANCE: f64 = 1.5;
/// How many standard deviations the correlation at a place that is known beforehand has to be above zero: 3 in a hundred tiles
/// that lie elsewhere reach that at one of the nine pixels there.
const AT_HOME: f64 = 3.0;
/// The place where a tile should be is met within so many compared pixels.
const HOME_RADIUS: isize = 1;
/// A correlation this much higher than at home lies elsewhere.
const BETTER_BY: f64 = 1.25;

/// Where a tile was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Whereabouts {
    /// Within a pixel or so of where the warp sends it: by how much it is off, px of post.
    Home((f64, f64)),
    /// Somewhere else: by how much, px of post.
    Away((f64, f64)),
    /// Nowhere in reach: how many standard deviations the correlation at its place is above zero all the same.
    Nowhere(f64),
}

/// Looks for `tile` around where `warp` (post to pre) sends it; `None` where pre cannot be seen there.
pub(crate) fn find(
    tile: &Tile,
    pre: MendedView<'_>,
    warp: &Warp,
    blurs: BlurMatch,
) -> Option<Whereabouts> {
    let side = tile.spec.side_px;
    let factor = side.div_ceil(REDUCED_SIDE).max(1);
    let reach = REACH_PX.min(REACH_SIDES * side as f64);
    let steps = (reach / factor as f64) as isize;
    let search = Search::new(
        tile,
        pre,
        warp,
        blurs,
        (factor, SIGMA * factor as f64),
        steps,
    )?;
    let map = search.correlations(((0, 0), steps));
    let sigma = spread(&map)?;
    let places = (map.len() as f64 / (INDEPENDENT_PX * INDEPENDENT_PX)).max(2.0);
    let highest_by_chance = sigma * ((2.0 * places.ln()).sqrt() + CLEARANCE);
    let middle = steps as usize;
    let best = peak(&map, (middle, middle), middle as isize)?;
    let home = peak(&map, (middle, middle), HOME_RADIUS)?;
    let is_elsewhere = best.2 > highest_by_chance && best.2 > BETTER_BY * home.2;
    let is_home = home.2 > AT_HOME * sigma && !is_elsewhere;
    let found = if is_home {
        home
    } else if best.2 > highest_by_chance {
        best
    } else {
        let here = map[(middle, middle)];
        let here = if here.is_finite() {
            f64::from(here)
        } else {
            0.0
        };
        return Some(Whereabouts::Nowhere(here / sigma));
    };
    let coarse = (
        (found.0 as isize - middle as isize) * factor as isize,
        (found.1 as isize - middle as isize) * factor as isize,
    );
    // To a fraction of a pixel at full resolution.
    let around = factor as isize + 1;
    let reach = coarse.0.abs().max(coarse.1.abs()) + around + 1;
    let exact = Search::new(tile, pre, warp, blurs, (1, FULL_SIGMA_PX), reach)
        .and_then(|search| vertex(&search.correlations((coarse, around)), around))
        .map_or((coarse.0 as f64, coarse.1 as f64), |(dx, dy)| {
            (coarse.0 as f64 + dx, coarse.1 as f64 + dy)
        });
    Some(if is_home {
        Whereabouts::Home(exact)
    } else {
        Whereabouts::Away(exact)
    })
}

/// How much fine structure both images show at a tile's place: the root of its mean square, in counts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Contrast {
    pub(crate) post: f64,
    pub(crate) pre: f64,
}

impl Contrast {
    /// Pre's over post's.
    pub(crate) fn ratio(&self) -> f64 {
        self.pre / self.post.max(f64::MIN_POSITIVE)
    }

    /// Of a tile and of what pre shows where `warp` sends it; `None` where pre cannot be seen there or post shows nothing.
    pub(crate) fn of(
        tile: &Tile,
        pre: MendedView<'_>,
        warp: &Warp,
        blurs: BlurMatch,
    ) -> Option<Self> {
        let factor = tile.spec.side_px.div_ceil(REDUCED_SIDE).max(1);
        let sigma = SIGMA * factor as f64;
        let (post, pre) = fine_structure(tile, pre, warp, blurs, (factor, sigma), 0)?;
        let deviation = |values: ArrayView2<'_, f32>| {
            let seen = values.iter().filter(|v| v.is_finite());
            let (n, sum) = seen.fold((0.0, 0.0), |(n, sum), v| (n + 1.0, sum + f64::from(v * v)));
            (sum / f64::max(n, 1.0)).sqrt()
        };
        let (post, pre) = (deviation(post.view()), deviation(pre.view()));
        (post > 0.0).then_some(Self { post, pre })
    }
}

/// Fine structure of a tile and of pre around its place.
struct Search {
    /// Of post, shape `(side, side)`; its mean is zero.
    post: Array2<f32>,
    /// Of pre, `steps` more on each side; not a number where it is not seen.
    pre: Array2<f32>,
    steps: isize,
}

impl Search {
    fn new(
        tile: &Tile,
        pre: MendedView<'_>,
        warp: &Warp,
        blurs: BlurMatch,
        level: (usize, f64),
        steps: isize,
    ) -> Option<Self> {
        let (mut post, mut pre) = fine_structure(tile, pre, warp, blurs, level, steps)?;
        clip(&mut post)?;
        clip(&mut pre)?;
        let mean = post.iter().sum::<f32>() / post.len() as f32;
        post -= mean;
        Some(Self { post, pre, steps })
    }

    /// The correlation with post displaced by all steps within `radius` of `centre`; NaN where pre is not seen.
    fn correlations(&self, ((cx, cy), radius): ((isize, isize), isize)) -> Array2<f32> {
        let side = (2 * radius + 1) as usize;
        let count = self.post.nrows();
        let norm = self.post.iter().map(|v| v * v).sum::<f32>().sqrt();
        let (sums, squares) = (integral(&self.pre, |v| v), integral(&self.pre, |v| v * v));
        let n = (count * count) as f64;
        Array2::from_shape_fn((side, side), |(j, i)| {
            let (left, top) = (
                self.steps + cx + i as isize - radius,
                self.steps + cy + j as isize - radius,
            );
            let limit = self.pre.nrows() as isize - count as isize;
            if left < 0 || top < 0 || left > limit || top > limit {
                return f32::NAN;
            }
            let (left, top) = (left as usize, top as usize);
            let over = |table: &Array2<f64>| {
                let (right, bottom) = (left + count, top + count);
                table[(bottom, right)] + table[(top, left)]
                    - table[(top, right)]
                    - table[(bottom, left)]
            };
            let (sum, square) = (over(&sums), over(&squares));
            let variance = square - sum * sum / n;
            if variance.is_nan() || variance <= 0.0 {
                return f32::NAN;
            }
            let part = self.pre.slice(s![top..top + count, left..left + count]);
            let product: f32 = self
                .post
                .outer_iter()
                .zip(part.outer_iter())
                .map(|(a, b)| match (a.as_slice(), b.as_slice()) {
                    (Some(a), Some(b)) => dot(a, b),
                    _ => 0.0,
                })
                .sum();
            product / (norm * variance.sqrt() as f32)
        })
    }
}

/// A tile and `steps` more of pre around its place, every `stride` px after a blur of `sigma_px`, less their local means; `None`
/// where the tile is too small for that, or maps to nowhere.
fn fine_structure(
    tile: &Tile,
    pre: MendedView<'_>,
    warp: &Warp,
    blurs: BlurMatch,
    (stride, sigma_px): (usize, f64),
    steps: isize,
) -> Option<(Array2<f32>, Array2<f32>)> {
    let TileSpec { x, y, side_px } = tile.spec;
    let sigma_post = sigma_px.hypot(blurs.post_px);
    let first = blur_radius(sigma_post);
    let count = side_px.checked_sub(2 * first + 1)? / stride + 1;
    if count < 3 * MEAN_RADIUS {
        return None;
    }
    let lattice = Lattice {
        first,
        stride,
        columns: count,
        rows: count,
    };
    let post = lattice.blurred(&tile.pixels, sigma_post);
    let sigma_pre = sigma_px.hypot(blurs.pre_px);
    let reach_px = ((steps + 2) * stride as isize) as f64;
    let window = PreWindow::new(pre, warp, &tile.spec, sigma_pre, reach_px)?;
    let wide = count + 2 * steps as usize;
    let at = |i: usize, origin: usize| {
        (origin + first) as f64 + (i as f64 - steps as f64) * stride as f64
    };
    let seen = Array2::from_shape_fn((wide, wide), |(j, i)| {
        let (u, v) = warp.apply(at(i, x), at(j, y));
        window.value(u, v)
    });
    Some((without_mean(&post), without_mean(&seen)))
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for k in 0..8 {
            lanes[k] += a[k] * b[k];
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// Sums of what lies above and left of each corner; what is no number makes everything beyond it none.
fn integral(image: &Array2<f32>, of: impl Fn(f64) -> f64) -> Array2<f64> {
    let (rows, columns) = image.dim();
    let mut table = Array2::zeros((rows + 1, columns + 1));
    for j in 0..rows {
        let mut row = 0.0;
        for i in 0..columns {
            let value = f64::from(image[(j, i)]);
            // A hole is so far from anything that the correlation over it is next to nothing.
            row += of(if value.is_finite() { value } else { 0.0 });
            table[(j + 1, i + 1)] = table[(j, i + 1)] + row;
        }
    }
    table
}

/// The image less its mean over a square around each pixel.
fn without_mean(image: &Array2<f32>) -> Array2<f32> {
    let (rows, columns) = image.dim();
    let sums = integral(image, |v| v);
    let seen = image.mapv(|v| f32::from(u8::from(v.is_finite())));
    let counts = integral(&seen, |v| v);
    Array2::from_shape_fn((rows, columns), |(j, i)| {
        let (top, left) = (j.saturating_sub(MEAN_RADIUS), i.saturating_sub(MEAN_RADIUS));
        let (bottom, right) = (
            (j + MEAN_RADIUS + 1).min(rows),
            (i + MEAN_RADIUS + 1).min(columns),
        );
        let over = |table: &Array2<f64>| {
            table[(bottom, right)] + table[(top, left)]
                - table[(top, right)]
                - table[(bottom, left)]
        };
        image[(j, i)] - (over(&sums) / over(&counts).max(1.0)) as f32
    })
}

/// Cuts down what stands out and puts zero where nothing is seen. `None` where nothing varies.
fn clip(image: &mut Array2<f32>) -> Option<()> {
    let mut sizes: Vec<f32> = image
        .iter()
        .map(|v| v.abs())
        .filter(|v| v.is_finite())
        .collect();
    if sizes.len() * 4 < image.len() {
        return None;
    }
    let middle = sizes.len() / 2;
    let typical = *sizes.select_nth_unstable_by(middle, f32::total_cmp).1;
    let limit = CLIP * 1.4826 * typical;
    if limit.is_nan() || limit <= 0.0 {
        return None;
    }
    image.mapv_inplace(|v| {
        if v.is_finite() {
            v.clamp(-limit, limit)
        } else {
            0.0
        }
    });
    Some(())
}

/// The standard deviation of correlations, by their median size: the few high ones of a match do not matter.
fn spread(map: &Array2<f32>) -> Option<f64> {
    let mut sizes: Vec<f32> = map
        .iter()
        .filter(|v| v.is_finite())
        .map(|v| v.abs())
        .collect();
    if sizes.len() < 50 {
        return None;
    }
    let middle = sizes.len() / 2;
    let median = *sizes.select_nth_unstable_by(middle, f32::total_cmp).1;
    Some((1.4826 * f64::from(median)).max(1e-3))
}

/// Column, row and value of the highest within `radius` of a place.
fn peak(map: &Array2<f32>, at: (usize, usize), radius: isize) -> Option<(usize, usize, f64)> {
    map.indexed_iter()
        .filter(|((j, i), v)| {
            v.is_finite()
                && j.abs_diff(at.1) <= radius.unsigned_abs()
                && i.abs_diff(at.0) <= radius.unsigned_abs()
        })
        .max_by(|a, b| a.1.total_cmp(b.1))
        .map(|((j, i), v)| (i, j, f64::from(*v)))
}

/// The highest place from the middle, between the pixels: the vertex of parabolas through it and its neighbours.
fn vertex(map: &Array2<f32>, middle: isize) -> Option<(f64, f64)> {
    let (i, j, _) = peak(map, (middle as usize, middle as usize), middle)?;
    let last = map.nrows() - 1;
    let beside = |low: f32, at: f32, high: f32| {
        let bend = low - 2.0 * at + high;
        if bend < 0.0 {
            f64::from(0.5 * (low - high) / bend).clamp(-0.5, 0.5)
        } else {
            0.0
        }
    };
    let (mut dx, mut dy) = (i as f64 - middle as f64, j as f64 - middle as f64);
    if i > 0 && i < last {
        dx += beside(map[(j, i - 1)], map[(j, i)], map[(j, i + 1)]);
    }
    if j > 0 && j < last {
        dy += beside(map[(j - 1, i)], map[(j, i)], map[(j + 1, i)]);
    }
    (dx.is_finite() && dy.is_finite()).then_some((dx, dy))
}
