//! The world of one pair: everything that is known about it, evaluated wherever it is asked for.

use crate::bright::GrainLayer;
use crate::camera::Camera;
use crate::defocus::Defocus;
use crate::field::{Background, Scratch};
use crate::geometry::Geometry;
use crate::hash;
use crate::microbes::{Microbe, Population};
use crate::misplaced::MisplacedLayer;
use crate::noise::{Octave, Points};
use crate::parts::PreWorld;
use crate::recipe::Recipe;
use crate::regions::Regions;
use crate::{FixtureError, Side};
use e2m_image::{Size, Warp};

/// A pair of images that has not been rendered yet, and the truth about it.
///
/// Positions are raw pixels of post unless said otherwise: the world is defined in post's coordinates, and pre is the
/// same field evaluated where its pixels come from.
#[derive(Debug)]
pub struct World {
    recipe: Recipe,
    geometry: Geometry,
    background: Background,
    /// The section pre shows, where that is another one.
    other: Option<Background>,
    misplaced: Option<MisplacedLayer>,
    microbes: Population,
    uptake: Option<(Regions, f32, Octave)>,
    bleaching: Option<(Regions, f32)>,
    /// Regions with another gain, and that over the gain of the rest.
    even_uptake: Option<(Regions, f32)>,
    grains: Option<GrainLayer>,
    cameras: [Camera; 2],
    defocus: [Option<Defocus>; 2],
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    field: Scratch,
    x: Vec<f64>,
    y: Vec<f64>,
    region: Vec<f32>,
    streaks: Vec<f32>,
}

/// Pixels evaluated at a time: small enough for the buffers to stay in the cache.
pub(crate) const STRETCH: usize = 1024;

/// Counts of a pre image that is constant, and of the middle and spread of one that is noise.
const CONSTANT_COUNTS: f32 = 90.0;
const NOISE_SPREAD_COUNTS: f32 = 30.0;

impl World {
    /// Builds the world of a recipe. Fails where its values make no sense.
    pub fn new(recipe: &Recipe) -> Result<Self, FixtureError> {
        check(recipe)?;
        let (post, pre) = (recipe.post_size(), recipe.pre_size());
        let background = Background::new(recipe, recipe.seed);
        let other = (recipe.pre_world == PreWorld::OtherRock)
            .then(|| Background::new(recipe, hash::derive(recipe.seed, 2)));
        let regions = |purpose, share| {
            Regions::new(hash::derive(recipe.seed, purpose), share, &background, post)
        };
        Ok(Self {
            geometry: Geometry::new(recipe)?,
            other,
            misplaced: recipe
                .misplaced
                .map(|part| MisplacedLayer::new(part, recipe, &background))
                .transpose()?,
            microbes: Population::new(&recipe.microbes, recipe.seed, &background, post),
            uptake: recipe.uptake.map(|u| {
                let streaks = Octave::new(hash::derive(recipe.seed, 41), 35.0);
                (regions(40, u.share), u.counts as f32, streaks)
            }),
            bleaching: recipe
                .bleaching
                .map(|b| (regions(42, b.share), b.loss as f32)),
            even_uptake: recipe
                .even_uptake
                .map(|u| (regions(44, u.share), (u.gain / recipe.gain) as f32)),
            grains: recipe.grains.map(|grains| {
                GrainLayer::new(&grains, (recipe.seed, recipe.gain), &background, post)
            }),
            cameras: [
                Camera::new(
                    recipe,
                    (recipe.vignetting_post, recipe.post_black, recipe.post_clip),
                    post,
                    50,
                ),
                Camera::new(
                    recipe,
                    (recipe.vignetting_pre, recipe.pre_black, recipe.pre_clip),
                    pre,
                    60,
                ),
            ],
            defocus: [
                Defocus::new(recipe.defocus_post_px),
                Defocus::new(recipe.defocus_pre_px),
            ],
            background,
            recipe: recipe.clone(),
        })
    }

    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Width and height of an image.
    pub fn size(&self, side: Side) -> Size {
        match side {
            Side::Post => self.recipe.post_size(),
            Side::Pre => self.recipe.pre_size(),
        }
    }

    /// The homography from post raw pixels to pre raw pixels, without the local deformation.
    pub fn warp(&self) -> Warp {
        self.geometry.warp
    }

    /// The inverse of [`World::warp`].
    pub fn inverse_warp(&self) -> Warp {
        self.geometry.inverse
    }

    /// Where the post point `(x, y)` lies in pre, deformation included.
    pub fn pre_position(&self, x: f64, y: f64) -> (f64, f64) {
        self.geometry.to_pre(x, y)
    }

    /// Where the pre point `(x, y)` lies in post, deformation included, to 1e-7 px.
    pub fn post_position(&self, x: f64, y: f64) -> (f64, f64) {
        self.geometry.to_post(x, y)
    }

    /// The background before staining at a post point, in counts.
    pub fn background_at(&self, x: f64, y: f64) -> f64 {
        self.background.at(x, y)
    }

    /// Distance of a post point from the border of the section in px, positive inside, approximate far from it;
    /// infinite when the section fills the frame.
    pub fn depth_at(&self, x: f64, y: f64) -> f64 {
        self.background.depth(x, y)
    }

    /// Whether pre shows at the place of this post point a part of the section that is not in its place.
    pub fn is_misplaced(&self, x: f64, y: f64) -> bool {
        let part = self.misplaced.as_ref();
        part.is_some_and(|part| part.holds(&self.background, x, y))
    }

    /// How much of the diffuse uptake there is at a post point, 0 to 1.
    pub fn uptake_at(&self, x: f64, y: f64) -> f64 {
        self.uptake
            .as_ref()
            .map_or(0.0, |(regions, ..)| at(regions, x, y))
    }

    /// How much of the bleaching there is at a post point, 0 to 1.
    pub fn bleaching_at(&self, x: f64, y: f64) -> f64 {
        self.bleaching
            .as_ref()
            .map_or(0.0, |(regions, _)| at(regions, x, y))
    }

    /// The microbes.
    pub fn microbes(&self) -> &[Microbe] {
        self.microbes.table()
    }

    pub(crate) fn camera(&self, side: Side) -> &Camera {
        &self.cameras[side as usize]
    }

    pub(crate) fn defocus(&self, side: Side) -> Option<&Defocus> {
        self.defocus[side as usize].as_ref()
    }

    /// The light of the pixels `(first_x + i, y)` in counts, in focus and before the camera.
    pub(crate) fn light_row(
        &self,
        side: Side,
        first_x: i64,
        y: i64,
        buffers: &mut Buffers,
        out: &mut [f32],
    ) {
        for (i, out) in out.chunks_mut(STRETCH).enumerate() {
            let first_x = first_x + (i * STRETCH) as i64;
            match side {
                Side::Post => self.post_light(first_x, y, buffers, out),
                Side::Pre => self.pre_light(first_x, y, buffers, out),
            }
        }
        if side == Side::Post {
            self.microbes.add_row(first_x, y, out);
        }
    }

    fn post_light(&self, first_x: i64, y: i64, buffers: &mut Buffers, out: &mut [f32]) {
        buffers.resize(out.len());
        for (i, x) in buffers.x.iter_mut().enumerate() {
            *x = (first_x + i as i64) as f64;
        }
        buffers.y.fill(y as f64);
        let points = Points {
            x: &buffers.x,
            y: &buffers.y,
        };
        self.background.evaluate(points, &mut buffers.field, out);
        let gain = self.recipe.gain as f32;
        for value in out.iter_mut() {
            *value *= gain;
        }
        if let Some((regions, factor)) = &self.even_uptake {
            regions.evaluate(points, &mut buffers.region);
            for (value, &share) in out.iter_mut().zip(&buffers.region) {
                *value *= 1.0 + (factor - 1.0) * share;
            }
        }
        if let Some(grains) = &self.grains {
            grains.apply(true, points, out);
        }
        if let Some((regions, loss)) = &self.bleaching {
            regions.evaluate(points, &mut buffers.region);
            for (value, &share) in out.iter_mut().zip(&buffers.region) {
                *value *= 1.0 - loss * share;
            }
        }
        if let Some((regions, counts, streaks)) = &self.uptake {
            regions.evaluate(points, &mut buffers.region);
            buffers.streaks.fill(0.0);
            streaks.add(points, 0.5, &mut buffers.streaks);
            let cover = buffers.field.cover(out.len());
            for (i, value) in out.iter_mut().enumerate() {
                *value += counts * buffers.region[i] * (1.0 + buffers.streaks[i]) * cover[i];
            }
        }
    }

    fn pre_light(&self, first_x: i64, y: i64, buffers: &mut Buffers, out: &mut [f32]) {
        match self.recipe.pre_world {
            PreWorld::Blank => out.fill(0.0),
            PreWorld::Constant => out.fill(CONSTANT_COUNTS),
            PreWorld::Noise => {
                let seed = hash::derive(self.recipe.seed, 3);
                for (i, value) in out.iter_mut().enumerate() {
                    let bits = hash::at(seed, (first_x + i as i64) as i32, y as i32);
                    let z = (0..4).map(|k| hash::signed(bits, 16 * k)).sum::<f32>();
                    *value = CONSTANT_COUNTS + NOISE_SPREAD_COUNTS * z;
                }
            }
            PreWorld::Same | PreWorld::OtherRock | PreWorld::Mirrored => {
                buffers.resize(out.len());
                self.geometry
                    .row_to_post(first_x, y, &mut buffers.x, &mut buffers.y);
                let points = Points {
                    x: &buffers.x,
                    y: &buffers.y,
                };
                let background = self.other.as_ref().unwrap_or(&self.background);
                background.evaluate(points, &mut buffers.field, out);
                if let Some(part) = &self.misplaced {
                    part.draw(background, points, &mut buffers.field, out);
                }
                if let Some(grains) = &self.grains {
                    grains.apply(false, points, out);
                }
            }
        }
    }
}

impl Buffers {
    fn resize(&mut self, len: usize) {
        self.x.resize(len, 0.0);
        self.y.resize(len, 0.0);
        self.region.resize(len, 0.0);
        self.streaks.resize(len, 0.0);
    }
}

fn at(regions: &Regions, x: f64, y: f64) -> f64 {
    let mut out = [0.0];
    regions.evaluate(Points { x: &[x], y: &[y] }, &mut out);
    f64::from(out[0])
}

/// Fails for values that cannot be rendered.
fn check(recipe: &Recipe) -> Result<(), FixtureError> {
    let value = |ok: bool, key, value: String, reason| {
        if ok {
            Ok(())
        } else {
            Err(FixtureError::Value { key, value, reason })
        }
    };
    let positive = |key, number: f64| {
        let ok = number.is_finite() && number > 0.0;
        value(ok, key, number.to_string(), "must be a positive number")
    };
    let not_negative = |key, number: f64| {
        let ok = number.is_finite() && number >= 0.0;
        value(
            ok,
            key,
            number.to_string(),
            "must be zero or a positive number",
        )
    };
    let share = |key, number: f64| {
        value(
            (0.0..=1.0).contains(&number),
            key,
            number.to_string(),
            "must lie between 0 and 1",
        )
    };
    for (keys, size) in [
        (["width", "height"], recipe.post_size()),
        (["pre_width", "pre_height"], recipe.pre_size()),
    ] {
        for (key, extent) in keys.into_iter().zip([size.width, size.height]) {
            let ok = (1..=1_000_000).contains(&extent);
            value(
                ok,
                key,
                extent.to_string(),
                "must lie between 1 and 1000000 px",
            )?;
        }
    }
    positive("magnification", recipe.magnification)?;
    positive("gain", recipe.gain)?;
    not_negative("brightness", recipe.brightness)?;
    positive("section.fill", recipe.section.fill)?;
    positive("counts_scale", recipe.counts_scale)?;
    positive("microbes.sigma_px", recipe.microbes.sigma_px[0])?;
    positive("tiff.rows_per_strip", recipe.tiff.rows_per_strip as f64)?;
    not_negative("noise_counts", recipe.noise_counts)?;
    not_negative("shot_noise", recipe.shot_noise)?;
    not_negative("defocus_post_px", recipe.defocus_post_px)?;
    not_negative("defocus_pre_px", recipe.defocus_pre_px)?;
    if let Some(uptake) = recipe.uptake {
        share("uptake.share", uptake.share)?;
    }
    if let Some(uptake) = recipe.even_uptake {
        share("even_uptake.share", uptake.share)?;
        positive("even_uptake.gain", uptake.gain)?;
    }
    if let Some(grains) = recipe.grains {
        positive("grains.radius_px", grains.radius_px)?;
        positive("grains.factor", grains.factor)?;
        positive("grains.gain", grains.gain)?;
    }
    if let Some(dirt) = recipe.bright_dirt {
        positive("bright_dirt.radius_px", dirt.radius_px)?;
        not_negative("bright_dirt.counts", dirt.counts)?;
    }
    if let Some(bleaching) = recipe.bleaching {
        share("bleaching.share", bleaching.share)?;
        share("bleaching.loss", bleaching.loss)?;
    }
    if let Some(deformation) = recipe.deformation {
        positive("deformation.length_fraction", deformation.length_fraction)?;
        // Beyond this the displacement might fold the plane, and could not be undone.
        let length_px = deformation.length_fraction * recipe.width.max(recipe.height) as f64;
        let ok = deformation.amplitude_px.abs() <= 0.15 * length_px;
        let reason = "must be at most 0.15 of the length over which the displacement changes";
        value(
            ok,
            "deformation.amplitude_px",
            deformation.amplitude_px.to_string(),
            reason,
        )?;
    }
    Ok(())
}
