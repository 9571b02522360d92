//! What is measured of an object.
//!
//! Middle and shape are adaptive moments: those of the pixels weighted by the Gaussian that has these same moments (Bernstein &
//! Jarvis 2002, doi:10.1086/338085). The flux is the sum within the ellipse of 3 sigma of that Gaussian, divided by what share of the Gaussian lies
//! in it. Where a pixel belongs to a neighbour, the one opposite takes its place (Bertin & Arnouts 1996).

use crate::catalogue::Flags;
use crate::filter::SIGMAS;
use crate::region::Region;
use crate::search::{Part, Search};
use crate::significance::Maps;
use crate::source::mask;

/// The aperture ends at so many sigma.
const APERTURE: f64 = 3.0;
/// How far the pixels of an aperture may lie from the middle, px.
const MAX_REACH: f64 = 40.0;
const STEPS: usize = 40;
/// Variances along either axis, px^2: from a spot within one pixel up.
const LEAST_VARIANCE: f64 = 0.09;
const MOST_VARIANCE: f64 = 400.0;
/// A pixel of another footprint that is this significant belongs to a neighbour.
const NEIGHBOUR_SIGMA: f32 = 4.0;
/// A negative twin is at least so significant, and at least half as much as the object.
const TWIN_SIGMA: f32 = 4.0;
const TWIN_SHARE: f32 = 0.5;
/// How far from the object it is looked for, px, besides its size and the alignment's error.
const TWIN_REACH: f64 = 2.0;
const MAX_TWIN_REACH: f64 = 16.0;

/// Second central moments, px^2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moments {
    pub(crate) xx: f64,
    pub(crate) xy: f64,
    pub(crate) yy: f64,
}

impl Moments {
    /// The larger and the smaller variance along the axes.
    pub(crate) fn axes(&self) -> [f64; 2] {
        let middle = 0.5 * (self.xx + self.yy);
        let half = (0.25 * (self.xx - self.yy).powi(2) + self.xy * self.xy).sqrt();
        [middle + half, (middle - half).max(0.0)]
    }

    /// Direction of the longer axis in degrees, 0 to 180.
    fn direction(&self) -> f64 {
        let degrees = 0.5 * (2.0 * self.xy).atan2(self.xx - self.yy).to_degrees();
        degrees.rem_euclid(180.0)
    }

    /// The same axes with variances within reason.
    fn held(&self) -> Self {
        let [long, short] = self.axes();
        let (cos, sin) = {
            let angle = self.direction().to_radians();
            (angle.cos(), angle.sin())
        };
        let long = long.clamp(LEAST_VARIANCE, MOST_VARIANCE);
        let short = short.clamp(LEAST_VARIANCE, long);
        Self {
            xx: long * cos * cos + short * sin * sin,
            xy: (long - short) * cos * sin,
            yy: long * sin * sin + short * cos * cos,
        }
    }

    /// The squared distance from the middle in units of sigma.
    fn distance(&self, dx: f64, dy: f64) -> f64 {
        let determinant = self.xx * self.yy - self.xy * self.xy;
        (self.yy * dx * dx - 2.0 * self.xy * dx * dy + self.xx * dy * dy) / determinant.max(1e-12)
    }
}

/// An object before it has a number, in pixels of the image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) flux: f64,
    pub(crate) flux_err: f64,
    pub(crate) peak: f64,
    pub(crate) significance: f64,
    pub(crate) area_px: u32,
    pub(crate) moments: Moments,
    pub(crate) orientation_deg: f64,
    pub(crate) circularity: f64,
    pub(crate) background: f64,
    pub(crate) flags: Flags,
}

/// The pixels around an object, as they are with its neighbours taken away.
struct Scene<'a> {
    region: &'a Region,
    maps: &'a Maps,
    labels: &'a [u32],
    label: u32,
}

impl Scene<'_> {
    fn is_neighbour(&self, y: usize, x: usize) -> bool {
        let label = self.labels[y * self.region.dim().1 + x];
        label != self.label && (label != 0 || self.maps.footprint[(y, x)] >= NEIGHBOUR_SIGMA)
    }

    /// The difference at a pixel, or at the one opposite of the middle where a neighbour lies; none without data.
    fn value(&self, (y, x): (usize, usize), (cx, cy): (f64, f64)) -> Option<f64> {
        let (rows, columns) = self.region.dim();
        let has_data = |y: usize, x: usize| self.region.inverse_variance[(y, x)] > 0.0;
        if !self.is_neighbour(y, x) && has_data(y, x) {
            return Some(f64::from(self.region.difference[(y, x)]));
        }
        let (ox, oy) = ((2.0 * cx - x as f64).round(), (2.0 * cy - y as f64).round());
        if ox < 0.0 || oy < 0.0 || ox >= columns as f64 || oy >= rows as f64 {
            return None;
        }
        let (oy, ox) = (oy as usize, ox as usize);
        (!self.is_neighbour(oy, ox) && has_data(oy, ox))
            .then(|| f64::from(self.region.difference[(oy, ox)]))
    }

    /// The pixels within `reach` of a place.
    fn near(
        &self,
        (cx, cy): (f64, f64),
        reach: f64,
    ) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (rows, columns) = self.region.dim();
        let span = |c: f64, n: usize| {
            let low = (c - reach).ceil().clamp(0.0, n as f64) as usize;
            let high = ((c + reach).floor() + 1.0).clamp(0.0, n as f64) as usize;
            low..high
        };
        let xs = span(cx, columns);
        span(cy, rows).flat_map(move |y| xs.clone().map(move |x| (y, x)))
    }
}

/// Measures a part; `labels` holds `label` at its pixels.
pub(crate) fn measure(
    search: &Search,
    region: &Region,
    maps: &Maps,
    part: &Part,
    labels: &[u32],
    label: u32,
) -> Measured {
    let scene = Scene {
        region,
        maps,
        labels,
        label,
    };
    let (start, shape) = of_footprint(region, part);
    let (middle, moments, is_stable) = adapted(&scene, start, shape);
    let aperture = aperture(search, &scene, middle, &moments);
    let columns = region.dim().1;
    let at = |p: &u32| (*p as usize / columns, *p as usize % columns);
    let background = part.mean_of(&region.background);
    let peak = part
        .pixels
        .iter()
        .map(|p| region.difference[at(p)])
        .fold(f32::MIN, f32::max);
    let mut flags = Flags::default();
    flags.set_if(part.is_split, Flags::MERGED);
    flags.set_if(aperture.leaves_image || aperture.lacks_data, Flags::EDGE);
    flags.set_if(aperture.lacks_data, Flags::NO_DATA);
    let masks = part
        .pixels
        .iter()
        .fold(0, |all, p| all | region.mask[at(p)]);
    flags.set_if(
        masks & (mask::SATURATED_POST | mask::SATURATED_PRE) != 0,
        Flags::SATURATED,
    );
    let is_bright = bright_in_pre(&scene, part, background);
    flags.set_if(is_bright || masks & mask::DEFECT != 0, Flags::BRIGHT_IN_PRE);
    flags.set_if(
        has_twin(search, &scene, middle, &moments, part.peak),
        Flags::DIPOLE,
    );
    flags.set_if(!search.is_on_section(region, part), Flags::OFF_SECTION);
    flags.set_if(!is_stable || aperture.flux <= 0.0, Flags::DOUBTFUL);
    Measured {
        x: middle.0 + region.origin.0 as f64,
        y: middle.1 + region.origin.1 as f64,
        flux: aperture.flux,
        flux_err: aperture.error,
        peak: f64::from(peak),
        significance: f64::from(part.peak),
        area_px: part.pixels.len() as u32,
        moments,
        orientation_deg: moments.direction(),
        circularity: circularity(part, columns),
        background: background + search.post_black,
        flags,
    }
}

/// Middle and moments of the footprint, weighted by what is positive in it.
fn of_footprint(region: &Region, part: &Part) -> ((f64, f64), Moments) {
    let columns = region.dim().1;
    let mut sums = [1e-9, 0.0, 0.0, 0.0, 0.0, 0.0];
    let origin = part.pixels.first().map_or((0.0, 0.0), |&p| {
        ((p as usize % columns) as f64, (p as usize / columns) as f64)
    });
    for &p in &part.pixels {
        let (y, x) = (p as usize / columns, p as usize % columns);
        let w = f64::from(region.difference[(y, x)].max(0.0));
        let (dx, dy) = (x as f64 - origin.0, y as f64 - origin.1);
        let terms = [1.0, dx, dy, dx * dx, dx * dy, dy * dy];
        sums.iter_mut()
            .zip(terms)
            .for_each(|(sum, term)| *sum += w * term);
    }
    let [w, x, y, xx, xy, yy] = sums;
    let (mx, my) = (x / w, y / w);
    let moments = Moments {
        xx: xx / w - mx * mx,
        xy: xy / w - mx * my,
        yy: yy / w - my * my,
    };
    ((origin.0 + mx, origin.1 + my), moments.held())
}

/// Adaptive moments from a start; the start itself, and `false`, where they run away.
fn adapted(scene: &Scene, start: (f64, f64), shape: Moments) -> ((f64, f64), Moments, bool) {
    let (mut middle, mut moments) = (start, shape);
    let far = 3.0 + 2.0 * shape.axes()[0].sqrt();
    for _ in 0..STEPS {
        let mut sums = [0.0; 6];
        let reach = (4.0 * moments.axes()[0].sqrt()).min(MAX_REACH);
        for (y, x) in scene.near(middle, reach) {
            let (dx, dy) = (x as f64 - middle.0, y as f64 - middle.1);
            let distance = moments.distance(dx, dy);
            if distance < 16.0
                && let Some(value) = scene.value((y, x), middle)
            {
                let w = value * (-0.5 * distance).exp();
                let terms = [1.0, dx, dy, dx * dx, dx * dy, dy * dy];
                sums.iter_mut()
                    .zip(terms)
                    .for_each(|(sum, term)| *sum += w * term);
            }
        }
        let [w, x, y, xx, xy, yy] = sums;
        if w <= 0.0 {
            return (start, shape, false);
        }
        let (sx, sy) = (x / w, y / w);
        let next = Moments {
            xx: 2.0 * (xx / w - sx * sx),
            xy: 2.0 * (xy / w - sx * sy),
            yy: 2.0 * (yy / w - sy * sy),
        };
        // The product of two Gaussians has its middle between theirs, and half their variance.
        middle = (middle.0 + 2.0 * sx, middle.1 + 2.0 * sy);
        if (middle.0 - start.0).hypot(middle.1 - start.1) > far
            || next.axes()[0] > 9.0 * shape.axes()[0] + 4.0
        {
            return (start, shape, true);
        }
        let change = (next.xx - moments.xx).abs() + (next.yy - moments.yy).abs();
        moments = next.held();
        if change < 1e-4 * (moments.xx + moments.yy) && sx.abs() + sy.abs() < 1e-4 {
            break;
        }
    }
    (middle, moments, true)
}

/// What an aperture holds.
struct Aperture {
    flux: f64,
    error: f64,
    leaves_image: bool,
    lacks_data: bool,
}

fn aperture(search: &Search, scene: &Scene, middle: (f64, f64), moments: &Moments) -> Aperture {
    let region = scene.region;
    let (rows, columns) = region.dim();
    let [long, short] = moments.axes();
    let reach = (4.5 * long.sqrt()).min(MAX_REACH);
    let (mut sum, mut variance, mut inside, mut whole, mut number) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let mut lacks_data = false;
    for (y, x) in scene.near(middle, reach) {
        let distance = moments.distance(x as f64 - middle.0, y as f64 - middle.1);
        let weight = (-0.5 * distance).exp();
        whole += weight;
        if distance > APERTURE * APERTURE {
            continue;
        }
        lacks_data |= region.mask[(y, x)] & mask::NO_DATA != 0;
        if let Some(value) = scene.value((y, x), middle) {
            sum += value;
            inside += weight;
            number += 1.0;
            let inverse = f64::from(region.inverse_variance[(y, x)]);
            variance += if inverse > 0.0 {
                1.0 / inverse
            } else {
                search.typical_variance
            };
        }
    }
    let share = (inside / f64::max(whole, 1e-9)).max(0.05);
    let flux = sum / share;
    let scatter = search.scatter_at((long * short).powf(0.25));
    let own = search.noise.per_count_of_post * flux.max(0.0);
    let background = (number * search.field_error).powi(2);
    let across = APERTURE * moments.xx.sqrt();
    let down = APERTURE * moments.yy.sqrt();
    let [left, top, right, bottom] = region.at_border;
    Aperture {
        flux,
        error: (variance * scatter * scatter + own + background).sqrt() / share,
        leaves_image: (left && middle.0 - across < 0.0)
            || (top && middle.1 - down < 0.0)
            || (right && middle.0 + across > columns as f64 - 1.0)
            || (bottom && middle.1 + down > rows as f64 - 1.0),
        lacks_data,
    }
}

/// Whether pre rises above its surroundings at the footprint by more than the difference does.
fn bright_in_pre(scene: &Scene, part: &Part, background: f64) -> bool {
    let region = scene.region;
    let (rows, columns) = region.dim();
    let margin = 4;
    let [x0, y0, x1, y1] = part.bounds(columns);
    let mut around: Vec<f32> = Vec::new();
    for y in y0.saturating_sub(margin)..(y1 + margin + 1).min(rows) {
        for x in x0.saturating_sub(margin)..(x1 + margin + 1).min(columns) {
            let is_own = scene.labels[y * columns + x] == scene.label;
            if !is_own && region.inverse_variance[(y, x)] > 0.0 {
                around.push(region.background[(y, x)]);
            }
        }
    }
    let mean = part.mean_of(&region.difference);
    let high = crate::normal::quantile(&mut around, 0.9);
    !around.is_empty() && background - high > mean.max(0.0)
}

/// Whether a negative peak lies within the object's size and the alignment's error.
fn has_twin(
    search: &Search,
    scene: &Scene,
    middle: (f64, f64),
    moments: &Moments,
    peak: f32,
) -> bool {
    let reach = TWIN_REACH + 2.0 * moments.axes()[0].sqrt() + 3.0 * search.alignment_residual_px;
    let reach = reach.min(MAX_TWIN_REACH);
    let limit = TWIN_SIGMA.max(TWIN_SHARE * peak);
    scene.near(middle, reach).any(|at| {
        let (dx, dy) = (at.1 as f64 - middle.0, at.0 as f64 - middle.1);
        dx * dx + dy * dy <= reach * reach && scene.maps.best[at] <= -limit
    })
}

/// `4 pi area / perimeter^2`; the perimeter is that of the pixels' edges, of which a curve of any direction has `4 / pi` times its
/// length.
fn circularity(part: &Part, columns: usize) -> f64 {
    let has = |p: Option<u32>| p.is_some_and(|p| part.pixels.binary_search(&p).is_ok());
    let mut edges = 0u32;
    for &p in &part.pixels {
        let wide = columns as u32;
        let others = [
            p.checked_sub(1),
            p.checked_add(1),
            p.checked_sub(wide),
            p.checked_add(wide),
        ];
        edges += others.into_iter().filter(|&q| !has(q)).count() as u32;
    }
    let perimeter = f64::from(edges) * std::f64::consts::FRAC_PI_4;
    let area = part.pixels.len() as f64;
    (4.0 * std::f64::consts::PI * area / (perimeter * perimeter)).min(1.0)
}

/// Which filter a size is nearest to.
pub(crate) fn nearest_filter(sigma: f64) -> usize {
    let distance = |s: f32| (f64::from(s).ln() - sigma.max(0.1).ln()).abs();
    (0..SIGMAS.len())
        .min_by(|&a, &b| distance(SIGMAS[a]).total_cmp(&distance(SIGMAS[b])))
        .unwrap_or(0)
}
