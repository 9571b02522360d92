//! Tiles: squares of an image at one of several magnifications, as PNG.
//!
//! A tile of level `l` shows every `2^l` x `2^l` pixels as one. Up to [`DIRECT_STEP`] its pixels are read from the image, and only
//! those that it shows. Beyond, it is cut from an overview of the whole image at [`OVERVIEW_STEP`], which is made once. Until that is there a
//! tile may be made of few rows of the image, so that something is seen at once.

mod overview;
mod paint;
mod thumbnail;

pub(crate) use overview::Overviews;
pub(crate) use paint::{Palette, Stretch, shows, unit};
pub(crate) use thumbnail::{Thumbnails, thumbnail};

use crate::error::Refusal;
use crate::tasks::OpenTask;
use e2m_image::Size;
use e2m_pipeline::{PixelOrigin, Region, StageImage, blur_reach_px, blurred};
use ndarray::{Array2, s};
use rayon::prelude::*;

/// Pixels per side of a tile.
pub(crate) const TILE_PX: usize = 512;
/// Up to so many pixels as one, a tile is read from the image: 2048 x 2048 px, 16 MiB.
const DIRECT_STEP: usize = 4;
/// So many pixels are one in an overview: of a canvas of a gigapixel it takes 62 MB.
const OVERVIEW_STEP: usize = 8;
/// The widest Gaussian, px.
pub(crate) const MOST_BLUR_PX: f64 = 50.0;

/// Levels of an image of this size: the last one fits into a tile.
pub(crate) fn levels(size: Size) -> u32 {
    let longer = size.width.max(size.height).max(1);
    let mut level = 0;
    while longer.div_ceil(1 << level) > TILE_PX {
        level += 1;
    }
    level + 1
}

/// Which tile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tile {
    pub(crate) image: StageImage,
    pub(crate) level: u32,
    pub(crate) column: usize,
    pub(crate) row: usize,
    /// Of the image at full resolution, px; 0 for none.
    pub(crate) blur_px: f64,
    /// Whether it may be made of few rows where there is no overview yet.
    pub(crate) is_quick: bool,
}

impl Tile {
    /// Whether it needs the overview of its image.
    pub(crate) fn needs_overview(&self) -> bool {
        self.level >= usize::BITS || 1 << self.level > DIRECT_STEP
    }

    /// Its pixels, shape `(rows, columns)`.
    pub(crate) fn pixels(
        &self,
        task: &OpenTask,
        overviews: &Overviews,
    ) -> Result<Array2<f32>, Refusal> {
        let canvas = task.images.canvas();
        if self.level >= levels(canvas) {
            return Err(self.not_there());
        }
        let step = 1 << self.level;
        let first = |index: usize| index.checked_mul(TILE_PX * step);
        let (Some(x), Some(y)) = (first(self.column), first(self.row)) else {
            return Err(self.not_there());
        };
        if x >= canvas.width || y >= canvas.height {
            return Err(self.not_there());
        }
        let own = Region {
            x,
            y,
            width: (TILE_PX * step).min(canvas.width - x),
            height: (TILE_PX * step).min(canvas.height - y),
        };
        let wide = self.widened(own, step, canvas);
        let pixels = if self.needs_overview() {
            self.seen_from_afar(task, overviews, wide, step)?
        } else {
            task.images.read(self.image, wide, step)?.pixels
        };
        if !self.is_blurred() {
            return Ok(pixels);
        }
        let pixels = blurred(pixels.view(), self.blur_px / step as f64);
        let (left, top) = ((own.x - wide.x) / step, (own.y - wide.y) / step);
        let (columns, rows) = (own.width.div_ceil(step), own.height.div_ceil(step));
        Ok(pixels
            .slice(s![top..top + rows, left..left + columns])
            .to_owned())
    }

    /// A region every `step` x `step` pixels of which are one, from the overview or, in a hurry, from few rows.
    fn seen_from_afar(
        &self,
        task: &OpenTask,
        overviews: &Overviews,
        region: Region,
        step: usize,
    ) -> Result<Array2<f32>, Refusal> {
        if self.is_quick && !overviews.has(task, self.image) && reads_rows(task, self.image)? {
            return few_rows(task, self.image, region, step);
        }
        let overview = overviews.of(task, self.image)?;
        Ok(cut(&overview, region, step / OVERVIEW_STEP, self.image))
    }

    fn is_blurred(&self) -> bool {
        self.blur_px > 0.0 && self.image != StageImage::Mask
    }

    /// The region with what its blurred pixels depend on, on the same grid.
    fn widened(&self, own: Region, step: usize, canvas: Size) -> Region {
        if !self.is_blurred() {
            return own;
        }
        let margin = blur_reach_px(self.blur_px).div_ceil(step) * step;
        let (x, y) = (own.x.saturating_sub(margin), own.y.saturating_sub(margin));
        Region {
            x,
            y,
            width: (own.x + own.width + margin).min(canvas.width) - x,
            height: (own.y + own.height + margin).min(canvas.height) - y,
        }
    }

    fn not_there(&self) -> Refusal {
        Refusal::nothing(format!(
            "there is no tile {} {} at level {} of this image",
            self.column, self.row, self.level
        ))
    }
}

/// Whether a row of an image can be read without many others: it lies in its file as it is, and is not made through a warp.
fn reads_rows(task: &OpenTask, image: StageImage) -> Result<bool, Refusal> {
    let canvas = task.images.canvas();
    let middle = Region {
        x: canvas.width / 2,
        y: canvas.height / 2,
        width: 1,
        height: 1,
    };
    let origin = task.images.read(image, middle, 1)?.origin;
    Ok(match origin {
        PixelOrigin::Checkpoint(_) => true,
        PixelOrigin::Raw(_) => matches!(image, StageImage::Post | StageImage::Pre),
    })
}

/// A region every `step` x `step` pixels of which are one, from the middle row of each of them.
fn few_rows(
    task: &OpenTask,
    image: StageImage,
    region: Region,
    step: usize,
) -> Result<Array2<f32>, Refusal> {
    let shape = (region.height.div_ceil(step), region.width.div_ceil(step));
    let mut pixels = Array2::zeros(shape);
    let rows: Vec<_> = pixels.outer_iter_mut().enumerate().collect();
    rows.into_par_iter().try_for_each(|(index, mut small)| {
        let middle = (index * step + step / 2).min(region.height - 1);
        let row = Region {
            y: region.y + middle,
            height: 1,
            ..region
        };
        let row = task.images.read(image, row, 1)?.pixels;
        small.assign(&joined(&row.view(), step, image).row(0));
        Ok::<_, Refusal>(())
    })?;
    Ok(pixels)
}

/// A region of the canvas from an overview, every `join` x `join` of its pixels as one.
fn cut(overview: &Array2<f32>, region: Region, join: usize, image: StageImage) -> Array2<f32> {
    let (rows, columns) = overview.dim();
    let (x, y) = (region.x / OVERVIEW_STEP, region.y / OVERVIEW_STEP);
    let right = (region.x + region.width)
        .div_ceil(OVERVIEW_STEP)
        .min(columns);
    let bottom = (region.y + region.height).div_ceil(OVERVIEW_STEP).min(rows);
    joined(&overview.slice(s![y..bottom, x..right]), join, image)
}

/// Every `join` x `join` pixels as one: the mean of what is a number, or all flags.
fn joined(pixels: &ndarray::ArrayView2<'_, f32>, join: usize, image: StageImage) -> Array2<f32> {
    let join = join.max(1);
    let (rows, columns) = pixels.dim();
    let shape = (rows.div_ceil(join), columns.div_ceil(join));
    Array2::from_shape_fn(shape, |(y, x)| {
        let part = s![
            y * join..((y + 1) * join).min(rows),
            x * join..((x + 1) * join).min(columns)
        ];
        let part = pixels.slice(part);
        if image == StageImage::Mask {
            return f32::from(part.iter().fold(0u8, |all, v| all | *v as u8));
        }
        let numbers = part.iter().filter(|v| !v.is_nan());
        let (sum, count) = numbers.fold((0.0f64, 0u32), |(sum, count), v| {
            (sum + f64::from(*v), count + 1)
        });
        (sum / f64::from(count)) as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_level_is_one_tile() {
        assert_eq!(levels(Size::new(512, 100)), 1);
        assert_eq!(levels(Size::new(513, 100)), 2);
        assert_eq!(levels(Size::new(34_000, 29_000)), 8);
    }

    #[test]
    fn joined_pixels_are_means_of_numbers_and_flags_are_all_of_them() {
        let pixels = ndarray::array![[1.0, 3.0, 8.0], [f32::NAN, 5.0, f32::NAN]];
        assert_eq!(
            joined(&pixels.view(), 2, StageImage::Post),
            ndarray::array![[3.0, 8.0]]
        );
        let flags = ndarray::array![[1.0, 4.0], [0.0, 4.0]];
        assert_eq!(
            joined(&flags.view(), 2, StageImage::Mask),
            ndarray::array![[5.0]]
        );
        let nothing = ndarray::array![[f32::NAN]];
        assert!(joined(&nothing.view(), 4, StageImage::Post)[(0, 0)].is_nan());
    }
}
