//! From light to pixels: vignetting, dust, noise, rounding.

use crate::bright::DirtLayer;
use crate::dust::DustLayer;
use crate::hash::{self, NormalTable};
use crate::parts::Vignetting;
use crate::recipe::Recipe;
use crate::sensor::SensorLayer;
use e2m_image::Size;

/// The camera that took one image of the pair.
#[derive(Debug, Clone)]
pub(crate) struct Camera {
    vignetting: Option<(Vignetting, Size)>,
    dust: Option<DustLayer>,
    dirt: Option<DirtLayer>,
    noise: Option<Noise>,
    /// What is added to every pixel, in counts.
    black: f32,
    sensor: Option<SensorLayer>,
    /// Where it ends, in counts.
    clip: Option<f32>,
}

#[derive(Debug, Clone)]
struct Noise {
    seed: u64,
    /// Variance without light, in counts^2.
    dark: f32,
    /// Variance per count.
    shot: f32,
    table: &'static NormalTable,
}

impl Camera {
    /// The camera of an image of `size`; each image of a pair has its own `purpose`.
    pub(crate) fn new(
        recipe: &Recipe,
        (vignetting, black, clip): (Option<Vignetting>, f64, Option<f64>),
        size: Size,
        purpose: u64,
    ) -> Self {
        let noisy = recipe.noise_counts > 0.0 || recipe.shot_noise > 0.0;
        Self {
            vignetting: vignetting.map(|v| (v, size)),
            dust: recipe
                .dust
                .map(|dust| DustLayer::new(&dust, recipe.seed, purpose, size)),
            dirt: recipe
                .bright_dirt
                .map(|dirt| DirtLayer::new(&dirt, recipe.seed, purpose + 2, size)),
            black: black as f32,
            sensor: recipe.sensor.map(|sensor| {
                let larger = recipe.post_size().max(recipe.pre_size());
                SensorLayer::new(&sensor, recipe.seed, larger)
            }),
            clip: clip.map(|clip| clip as f32),
            noise: noisy.then(|| Noise {
                seed: hash::derive(recipe.seed, purpose + 1),
                dark: (recipe.noise_counts * recipe.noise_counts) as f32,
                shot: recipe.shot_noise as f32,
                table: NormalTable::shared(),
            }),
        }
    }

    /// Turns the light that reaches row `y` into counts, not yet rounded.
    pub(crate) fn expose_row(&self, y: usize, row: &mut [f32]) {
        if let Some((vignetting, size)) = self.vignetting {
            vignetting.apply_row(size, y, row);
        }
        if let Some(sensor) = &self.sensor {
            sensor.shade_row(y, row);
        }
        if let Some(dust) = &self.dust {
            dust.apply_row(y, row);
        }
        if let Some(dirt) = &self.dirt {
            dirt.apply_row(y, row);
        }
        if let Some(noise) = &self.noise {
            noise.apply_row(y, row);
        }
        if self.black != 0.0 {
            row.iter_mut().for_each(|value| *value += self.black);
        }
        if let Some(sensor) = &self.sensor {
            sensor.add_row(y, row);
        }
        if let Some(clip) = self.clip {
            row.iter_mut().for_each(|value| *value = value.min(clip));
        }
    }
}

impl Vignetting {
    /// The share of the light that reaches pixel `(x, y)` of an image of `size`.
    pub fn transmission(&self, size: Size, x: f64, y: f64) -> f64 {
        let (dx, dy, per_squared) = self.terms(size);
        let (dx, dy) = (x - dx, y - dy);
        1.0 - per_squared * (dx * dx + dy * dy)
    }

    fn apply_row(&self, size: Size, y: usize, row: &mut [f32]) {
        let (cx, cy, per_squared) = self.terms(size);
        let dy = y as f64 - cy;
        for (x, value) in row.iter_mut().enumerate() {
            let dx = x as f64 - cx;
            *value *= (1.0 - per_squared * (dx * dx + dy * dy)) as f32;
        }
    }

    /// Centre in px and the light missing per squared px from there.
    fn terms(&self, size: Size) -> (f64, f64, f64) {
        let far = |share: f64, extent: usize| {
            let extent = (extent as f64 - 1.0).max(1.0);
            let centre = share * extent;
            (centre, centre.abs().max((extent - centre).abs()))
        };
        let (cx, rx) = far(self.centre[0], size.width);
        let (cy, ry) = far(self.centre[1], size.height);
        (cx, cy, self.strength / (rx * rx + ry * ry))
    }
}

impl Noise {
    /// Four pixels share a hash of 64 bits.
    fn apply_row(&self, y: usize, row: &mut [f32]) {
        let constant = (self.shot == 0.0).then(|| self.dark.sqrt());
        for (group, pixels) in row.chunks_mut(4).enumerate() {
            let bits = hash::at(self.seed, group as i32, y as i32);
            for (i, value) in pixels.iter_mut().enumerate() {
                let z = self.table.get((bits >> (16 * i)) as u16);
                let sigma =
                    constant.unwrap_or_else(|| (self.dark + self.shot * value.max(0.0)).sqrt());
                *value += sigma * z;
            }
        }
    }
}

/// Rounds to the nearest count, a half up, and saturates.
#[inline]
pub(crate) fn to_u8(counts: f32) -> u8 {
    (counts + 0.5) as u8 // the cast cuts off the fraction and saturates
}

/// As [`to_u8`].
#[inline]
pub(crate) fn to_u16(value: f32) -> u16 {
    (value + 0.5) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_saturates() {
        assert_eq!(
            [-3.0, 0.49, 0.5, 254.6, 300.0].map(to_u8),
            [0, 0, 1, 255, 255]
        );
        assert_eq!([-1.0, 65_535.4, 1e9].map(to_u16), [0, 65_535, 65_535]);
    }

    #[test]
    fn vignetting_loses_its_strength_in_the_farthest_corner() {
        let size = Size::new(101, 51);
        let v = Vignetting {
            strength: 0.5,
            centre: [0.5, 0.5],
        };
        assert!((v.transmission(size, 50.0, 25.0) - 1.0).abs() < 1e-12);
        assert!((v.transmission(size, 0.0, 50.0) - 0.5).abs() < 1e-12);
        let off = Vignetting {
            strength: 0.5,
            centre: [0.2, 0.5],
        };
        assert!((off.transmission(size, 100.0, 0.0) - 0.5).abs() < 1e-12);
    }
}
