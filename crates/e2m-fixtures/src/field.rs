//! The background of a section: a smooth field over post coordinates, in counts.

use crate::grains::{GrainValues, Grains};
use crate::hash;
use crate::noise::{Octave, Points};
use crate::outline::RaggedRegion;
use crate::recipe::Recipe;

/// Autofluorescence of the section before staining, defined at every point of the plane.
///
/// Grains of two or three sizes within an outline, texture at every scale from a few px to a quarter of the image, and dark
/// seams between the large grains. Nothing in it is finer than `detail` times a few px, so that neither image
/// undersamples it.
#[derive(Debug, Clone)]
pub(crate) struct Background {
    outline: RaggedRegion,
    large: Grains,
    small: Grains,
    /// In large images, where there would be nothing between the two.
    middle: Option<Grains>,
    /// Moves the grains about, so that nobody sees the lattice they grew on.
    stirring: [Octave; 2],
    stirring_px: f32,
    octaves: Vec<(Octave, f32)>,
    glass: f32,
    brightness: f32,
}

/// Buffers of one thread, reused from row to row.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    cover: Vec<f32>,
    texture: Vec<f32>,
    stirred: [Vec<f32>; 2],
    x: Vec<f64>,
    y: Vec<f64>,
    large: GrainValues,
    small: GrainValues,
    middle: GrainValues,
}

/// Grains in the usual brightness reach this many counts; with gain 1.4 that stays just below 255.
const BRIGHTEST_COUNTS: f32 = 180.0;

/// Spacing of the finest texture and of the small grains in px.
const FINEST_PX: f64 = 5.0;
const SMALL_GRAIN_PX: f64 = 22.0;

/// There are grains of a middle size where the large ones are this many times the small ones.
const MIDDLE_FROM: f64 = 12.0;

/// How far grains are moved about, in sizes of the large ones. The plane is stretched by at most about a third.
const STIRRING: f64 = 0.3;

/// Each octave of texture is this much coarser than the one before.
const OCTAVE_RATIO: f64 = 2.8;

impl Scratch {
    /// How much section there was at each of the `len` points evaluated last.
    pub(crate) fn cover(&self, len: usize) -> &[f32] {
        &self.cover[..len]
    }
}

impl Background {
    /// The background of the section that `seed` stands for.
    pub(crate) fn new(recipe: &Recipe, seed: u64) -> Self {
        let size = recipe.post_size();
        let extent = size.width.min(size.height) as f64;
        // Where pre is smaller, post shows everything coarser by as much.
        let detail = (1.0 / recipe.magnification.abs()).max(1.0);
        let large_px = (size.width.max(size.height) as f64 / 20.0).max(30.0);
        let finest = FINEST_PX * detail;
        let coarsest = (extent / 4.0).max(finest * 2.0);
        let mut octaves = Vec::new();
        let mut spacing = finest;
        while spacing <= coarsest {
            let purpose = 100 + octaves.len() as u64;
            let weight = if octaves.is_empty() { 0.5 } else { 0.6 } * recipe.section.texture as f32;
            octaves.push((Octave::new(hash::derive(seed, purpose), spacing), weight));
            spacing *= OCTAVE_RATIO;
        }
        Self {
            outline: RaggedRegion::new(seed, &recipe.section, size, detail),
            large: Grains::new(hash::derive(seed, 10), large_px, 4.2 * detail),
            small: Grains::new(
                hash::derive(seed, 11),
                SMALL_GRAIN_PX * detail,
                3.4 * detail,
            ),
            middle: (large_px > MIDDLE_FROM * SMALL_GRAIN_PX).then(|| {
                let middle_px = (large_px * SMALL_GRAIN_PX).sqrt();
                Grains::new(hash::derive(seed, 14), middle_px, 3.8 * detail)
            }),
            stirring: [12, 13]
                .map(|purpose| Octave::new(hash::derive(seed, purpose), 1.7 * large_px)),
            stirring_px: (STIRRING * large_px) as f32,
            octaves,
            glass: recipe.section.glass_counts as f32,
            brightness: recipe.brightness as f32 * BRIGHTEST_COUNTS,
        }
    }

    /// Where the section is.
    pub(crate) fn outline(&self) -> &RaggedRegion {
        &self.outline
    }

    /// The counts of bare glass.
    pub(crate) fn glass(&self) -> f32 {
        self.glass
    }

    /// Distance to the section's border in px, positive inside.
    pub(crate) fn depth(&self, x: f64, y: f64) -> f64 {
        self.outline.depth(x, y)
    }

    /// Fills `out` with the background at each point, in counts.
    pub(crate) fn evaluate(&self, points: Points<'_>, scratch: &mut Scratch, out: &mut [f32]) {
        let n = points.len();
        scratch.cover.resize(n, 0.0);
        if !self.outline.cover(points, &mut scratch.cover) {
            out.fill(self.glass);
            return;
        }
        self.stir(points, scratch);
        let stirred = Points {
            x: &scratch.x,
            y: &scratch.y,
        };
        self.large.evaluate(stirred, &mut scratch.large);
        self.small.evaluate(stirred, &mut scratch.small);
        if let Some(middle) = &self.middle {
            middle.evaluate(stirred, &mut scratch.middle);
            scratch.small.mix(&scratch.middle);
        }
        scratch.texture.clear();
        scratch.texture.resize(n, 0.0);
        for (octave, weight) in &self.octaves {
            octave.add(points, *weight, &mut scratch.texture);
        }
        let Scratch {
            cover,
            texture,
            large,
            small,
            ..
        } = scratch;
        for i in 0..n {
            // Minerals differ in how bright they are and in how much their small grains differ.
            let contrast = 0.15 + 0.4 * large.kind[i];
            let mineral = large.tone[i] * large.tone[i];
            let grain = small.tone[i] * small.tone[i];
            let tone = 0.2 + 0.8 * ((1.0 - contrast) * mineral + contrast * grain);
            let t = texture[i];
            // About 1 + t, but positive whatever t and at most 1.55.
            let modulation = 0.55 + 0.95 * soft_step(0.5 * t);
            let seam = 1.0 - 0.5 * large.edge[i] - 0.18 * small.edge[i];
            let section = self.brightness * tone * (0.66 * modulation) * seam;
            out[i] = self.glass + cover[i] * section;
        }
    }

    /// Fills the scratch coordinates with those the grains are looked up at.
    fn stir(&self, points: Points<'_>, scratch: &mut Scratch) {
        let axes = [(points.x, &mut scratch.x), (points.y, &mut scratch.y)];
        for ((octave, moved), (from, to)) in
            self.stirring.iter().zip(&mut scratch.stirred).zip(axes)
        {
            moved.clear();
            moved.resize(points.len(), 0.0);
            octave.add(points, self.stirring_px, moved);
            to.clear();
            to.extend(from.iter().zip(moved).map(|(p, d)| p + f64::from(*d)));
        }
    }

    /// The background at one point, in counts.
    pub(crate) fn at(&self, x: f64, y: f64) -> f64 {
        let mut out = [0.0];
        let points = Points { x: &[x], y: &[y] };
        self.evaluate(points, &mut Scratch::default(), &mut out);
        f64::from(out[0])
    }
}

/// From 0 to 1, a half at 0, with slope 0.75: a smooth cubic that is flat beyond -1 and 1.
#[inline(always)]
fn soft_step(t: f32) -> f32 {
    let t = if t < -1.0 { -1.0 } else { t };
    let t = if t > 1.0 { 1.0 } else { t };
    0.5 + t * (0.75 - 0.25 * t * t)
}
