//! What is known about a pair, as a struct and as a JSON file.

use crate::outline::distance;
use crate::{FixtureError, Microbe, Recipe, World};
use e2m_image::{Mapping, Size, Warp};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The truth about a pair, in raw pixels of the two images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// The recipe it was made from.
    pub recipe: Recipe,
    /// Size of the post image.
    pub post_size: Size,
    /// Size of the pre image.
    pub pre_size: Size,
    /// Whether both images show the same section, right side up. If not, there is no alignment to find.
    pub belongs_together: bool,
    /// The names of what makes the pair hard.
    pub hardships: Vec<String>,
    /// Brightness of the background in post over that in pre.
    pub gain: f64,
    /// The homography from post raw pixels to pre raw pixels, without the local deformation.
    pub warp: Warp,
    /// From pre to post.
    pub inverse_warp: Warp,
    /// `[x_post, y_post, x_pre, y_pre]` of points spread over the section as far as both images show it, deformation
    /// included. Empty when the images do not show the same section; mirrored ones have points.
    pub points: Vec<[f64; 4]>,
    /// Every microbe in post.
    pub microbes: Vec<Microbe>,
}

/// How far off a registration is, in post px.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ErrorStats {
    /// Mean.
    pub mean_px: f64,
    /// Median.
    pub median_px: f64,
    /// 90th percentile.
    pub p90_px: f64,
    /// Largest.
    pub max_px: f64,
}

/// At least this many sample points, if the section is large enough to hold them on a grid of a px.
const MIN_POINTS: usize = 400;

impl Truth {
    /// The error of an estimated warp from post raw to pre raw pixels, over the sample points.
    ///
    /// For each point the distance between where the estimate and where the truth put it in pre, divided by the true
    /// magnification there, so that it is in post px. Convert a warp between canvas pixels with
    /// [`e2m_image::Canvas::warp_to_raw`] first. Not a number when there are no points.
    pub fn registration_error(&self, estimate: &Warp) -> ErrorStats {
        self.mapping_error(&estimate.into())
    }

    /// [`Truth::registration_error`] of a warp with a deformation on top.
    pub fn mapping_error(&self, estimate: &Mapping) -> ErrorStats {
        let mut errors: Vec<f64> = self
            .points
            .iter()
            .map(|&[x, y, u, v]| {
                let (eu, ev) = estimate.apply(x, y);
                distance(eu - u, ev - v) / self.warp.magnification(x, y).abs()
            })
            .collect();
        errors.sort_unstable_by(f64::total_cmp);
        let quantile = |q: f64| {
            let i = ((errors.len() as f64 - 1.0) * q).round().max(0.0) as usize;
            errors.get(i).copied().unwrap_or(f64::NAN)
        };
        ErrorStats {
            mean_px: errors.iter().sum::<f64>() / errors.len() as f64,
            median_px: quantile(0.5),
            p90_px: quantile(0.9),
            max_px: quantile(1.0),
        }
    }

    /// Reads a truth file.
    pub fn read(path: &Path) -> Result<Self, FixtureError> {
        let text = std::fs::read(path).map_err(|source| FixtureError::Io {
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_slice(&text).map_err(|source| FixtureError::Truth {
            path: path.to_owned(),
            source,
        })
    }

    /// Writes a truth file.
    pub fn write(&self, path: &Path) -> Result<(), FixtureError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|source| FixtureError::Truth {
            path: path.to_owned(),
            source,
        })?;
        text.push(b'\n');
        std::fs::write(path, text).map_err(|source| FixtureError::Io {
            path: path.to_owned(),
            source,
        })
    }
}

impl World {
    /// The truth about this pair.
    pub fn truth(&self) -> Truth {
        let recipe = self.recipe();
        Truth {
            recipe: recipe.clone(),
            post_size: recipe.post_size(),
            pre_size: recipe.pre_size(),
            belongs_together: recipe.belongs_together(),
            hardships: recipe.hardships(),
            gain: recipe.gain,
            warp: self.warp(),
            inverse_warp: self.inverse_warp(),
            points: self.sample_points(),
            microbes: self.microbes().to_vec(),
        }
    }

    /// Points on ever finer grids over post until there are enough of them on the section and in both frames.
    fn sample_points(&self) -> Vec<[f64; 4]> {
        use crate::PreWorld::{Mirrored, Same};
        if !matches!(self.recipe().pre_world, Same | Mirrored) {
            return Vec::new();
        }
        let (post, pre) = (self.recipe().post_size(), self.recipe().pre_size());
        let mut points = Vec::new();
        for steps in [32, 48, 96, 192, 384] {
            points = self.grid_points(steps, post, pre);
            if points.len() >= MIN_POINTS {
                break;
            }
        }
        points
    }

    fn grid_points(&self, steps: usize, post: Size, pre: Size) -> Vec<[f64; 4]> {
        let at = |i: usize, extent: usize| ((i as f64 + 0.5) / steps as f64) * extent as f64 - 0.5;
        let within = |v: f64, extent: usize| v >= 0.0 && v <= extent as f64 - 1.0;
        (0..steps * steps)
            .filter_map(|i| {
                let (x, y) = (at(i % steps, post.width), at(i / steps, post.height));
                let (u, v) = self.pre_position(x, y);
                let seen = within(u, pre.width) && within(v, pre.height);
                let placed = self.depth_at(x, y) > 0.0 && !self.is_misplaced(x, y);
                (seen && placed).then_some([x, y, u, v])
            })
            .collect()
    }
}
