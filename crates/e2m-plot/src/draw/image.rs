//! Images in a panel: how large it is, which pixels it shows, and how values become grey or colour.

use super::axis::{Axis, Scale};
use super::colour::{ColourMap, OVERLAY, WHITE};
use super::frame::PanelFrame;
use super::surface::{Raster, Rect, Surface};
use crate::Preview;
use ndarray::{Array2, ArrayView1, ArrayView2, s};
use std::borrow::Cow;
use std::ops::Range;

/// A panel is at least this wide and high, however long and thin its image, px.
const MIN_SIDE_PX: f64 = 60.0;

/// How several pixels of a preview become one on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduce {
    /// Their mean.
    Mean,
    /// The one of greatest magnitude, so that nothing small is lost.
    Extreme,
}

/// The largest panel of the preview's proportions within the given room, whole px.
pub(crate) fn panel_size(preview: &Preview<'_>, room: (f64, f64)) -> (f64, f64) {
    let (height, width) = preview.pixels.dim();
    let (width, height) = (width.max(1) as f64, height.max(1) as f64);
    let scale = (room.0 / width).min(room.1 / height);
    (
        (width * scale).round().clamp(MIN_SIDE_PX, room.0.round()),
        (height * scale).round().clamp(MIN_SIDE_PX, room.1.round()),
    )
}

/// The names of the axes of every picture of the canvas: pixels as in the files of results.
pub(crate) const CANVAS_AXES: (&str, &str) = ("x (canvas px)", "y (canvas px)");

/// A frame around the preview in full-resolution px, pixel centres on whole numbers, edges half a pixel beyond; its first
/// block begins at the full-resolution px `origin`.
pub(crate) fn image_frame(
    preview: &Preview<'_>,
    origin: (f64, f64),
    rect: Rect,
    labels: (&str, &str),
) -> PanelFrame {
    let (height, width) = preview.pixels.dim();
    let near = (origin.0 - 0.5, origin.1 - 0.5);
    let extent = |pixels: usize| pixels.max(1) as f64 * preview.factor;
    let x = Axis::new(near.0, near.0 + extent(width), Scale::Linear, labels.0);
    let y = Axis::new(near.1 + extent(height), near.1, Scale::Linear, labels.1);
    let wanted = |side: f64| ((side / 190.0) as usize).clamp(2, 6);
    PanelFrame::new(rect, x, y, (wanted(rect.width), wanted(rect.height)))
}

/// The preview brought to `width` x `height` px: reduced as asked for, or its pixels repeated. NaN counts as nothing.
pub(crate) fn resized(
    pixels: ArrayView2<'_, f32>,
    width: usize,
    height: usize,
    reduce: Reduce,
) -> Array2<f32> {
    let (rows, columns) = pixels.dim();
    if rows == 0 || columns == 0 {
        return Array2::from_elem((height, width), f32::NAN);
    }
    let span = |i: usize, of: usize, from: usize| {
        let start = (i * from / of).min(from - 1);
        let end = ((i + 1) * from).div_ceil(of).clamp(start + 1, from);
        // Where pixels are repeated, exactly one.
        if from <= of {
            start..start + 1
        } else {
            start..end
        }
    };
    let columns: Vec<Range<usize>> = (0..width).map(|x| span(x, width, columns)).collect();
    let mut out = Array2::from_elem((height, width), f32::NAN);
    for (y, mut line) in out.rows_mut().into_iter().enumerate() {
        let block = pixels.slice(s![span(y, height, rows), ..]);
        match reduce {
            Reduce::Mean => {
                let mut sums = vec![(0.0f64, 0u32); width];
                for row in block.rows() {
                    let row = values_of(row);
                    for ((sum, count), columns) in sums.iter_mut().zip(&columns) {
                        for &value in row[columns.clone()].iter().filter(|v| !v.is_nan()) {
                            *sum += f64::from(value);
                            *count += 1;
                        }
                    }
                }
                let means = sums
                    .iter()
                    .map(|(sum, count)| (sum / f64::from(*count)) as f32);
                line.iter_mut()
                    .zip(means)
                    .for_each(|(out, mean)| *out = mean);
            }
            Reduce::Extreme => {
                for row in block.rows() {
                    let row = values_of(row);
                    for (best, columns) in line.iter_mut().zip(&columns) {
                        for &value in row[columns.clone()].iter().filter(|v| !v.is_nan()) {
                            if best.is_nan() || value.abs() > best.abs() {
                                *best = value;
                            }
                        }
                    }
                }
            }
        }
    }
    out
}

/// A row as a slice; copied only where it is not contiguous.
fn values_of(row: ArrayView1<'_, f32>) -> Cow<'_, [f32]> {
    row.to_slice()
        .map_or_else(|| Cow::Owned(row.to_vec()), Cow::Borrowed)
}

/// From brightness to a share of the grey scale: logarithmic between the 1st and 99.5th percentile of what is positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LogStretch {
    pub low: f64,
    pub high: f64,
}

impl LogStretch {
    /// `None` where nothing is positive.
    pub(crate) fn of(pixels: ArrayView2<'_, f32>) -> Option<Self> {
        let positive: Vec<f32> = pixels
            .iter()
            .copied()
            .filter(|v| *v > 0.0 && v.is_finite())
            .collect();
        let [low, high] = percentiles(positive, [0.01, 0.995])?;
        let low = if low < high { low } else { high * 0.5 };
        Some(Self { low, high })
    }

    pub(crate) fn share(self, value: f64) -> f64 {
        if value > 0.0 {
            (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
        } else {
            0.0
        }
    }
}

/// The values at the given shares of `values` in their order, by the nearest rank; `None` if there are none.
pub(crate) fn percentiles<const N: usize>(
    mut values: Vec<f32>,
    shares: [f64; N],
) -> Option<[f64; N]> {
    let last = values.len().checked_sub(1)?;
    Some(shares.map(|share| {
        let rank = (last as f64 * share).round() as usize;
        f64::from(*values.select_nth_unstable_by(rank, f32::total_cmp).1)
    }))
}

/// Puts the preview into the frame as brightness; where it is not a number the page stays white.
pub(crate) fn draw_brightness(
    surface: &mut Surface,
    frame: &PanelFrame,
    preview: &Preview<'_>,
    stretch: LogStretch,
    map: ColourMap,
) {
    draw_mapped(surface, frame, preview, Reduce::Mean, 1, |value| {
        map.at(stretch.share(value))
    });
}

/// Puts two previews of equal size into the frame, each by its own stretch, in the colours of an overlay; where neither is a
/// number the page stays white.
pub(crate) fn draw_overlay(surface: &mut Surface, frame: &PanelFrame, previews: [&Preview<'_>; 2]) {
    let (width, height) = (frame.rect.width as usize, frame.rect.height as usize);
    let shares = previews.map(|preview| {
        let stretch = LogStretch::of(preview.pixels);
        resized(preview.pixels, width, height, Reduce::Mean).mapv_into(|value| {
            if value.is_nan() {
                f32::NAN
            } else {
                stretch.map_or(0.0, |s| s.share(f64::from(value)).clamp(0.0, 1.0) as f32)
            }
        })
    });
    let pixels = shares[0]
        .iter()
        .zip(&shares[1])
        .map(|(&first, &second)| {
            if first.is_nan() && second.is_nan() {
                return WHITE;
            }
            // NaN is the lesser of the two.
            let shares = [first.max(0.0), second.max(0.0)];
            std::array::from_fn(|i| {
                let sum: f32 = (0..2).map(|k| shares[k] * f32::from(OVERLAY[k][i])).sum();
                sum.round() as u8
            })
        })
        .collect();
    fill_panel(surface, frame, width, pixels);
}

/// Puts the preview into the frame, each value in the colour `colour` gives it, in cells of `cell` px.
pub(crate) fn draw_mapped(
    surface: &mut Surface,
    frame: &PanelFrame,
    preview: &Preview<'_>,
    reduce: Reduce,
    cell: usize,
    colour: impl Fn(f64) -> [u8; 3],
) {
    let (width, height) = (frame.rect.width as usize, frame.rect.height as usize);
    let cells = resized(
        preview.pixels,
        width.div_ceil(cell),
        height.div_ceil(cell),
        reduce,
    );
    let pixels = (0..height)
        .flat_map(|y| (0..width).map(move |x| (y / cell, x / cell)))
        .map(|at| {
            let value = cells[at];
            if value.is_nan() {
                WHITE
            } else {
                colour(f64::from(value))
            }
        })
        .collect();
    fill_panel(surface, frame, width, pixels);
}

/// Puts pixels, row by row, into a panel of their width.
fn fill_panel(surface: &mut Surface, frame: &PanelFrame, width: usize, pixels: Vec<[u8; 3]>) {
    let Rect { left, top, .. } = frame.rect;
    let raster = Raster { width, pixels };
    surface.raster(left.round() as usize, top.round() as usize, &raster);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn one_bright_pixel_survives_as_an_extreme_and_fades_in_a_mean() {
        let mut pixels = Array2::zeros((1000, 1500));
        pixels[(777, 1333)] = -40.0;
        let extreme = resized(pixels.view(), 150, 100, Reduce::Extreme);
        assert_eq!(extreme[(77, 133)], -40.0);
        assert_eq!(extreme.iter().filter(|v| **v != 0.0).count(), 1);
        let mean = resized(pixels.view(), 150, 100, Reduce::Mean);
        assert_eq!(mean[(77, 133)], -0.4);
    }

    #[test]
    fn every_pixel_is_seen_at_awkward_factors_and_small_images_are_repeated() {
        for columns in [1, 3, 7, 99, 100, 101, 163] {
            for x in 0..columns {
                let mut pixels = Array2::zeros((1, columns));
                pixels[(0, x)] = 1.0;
                let small = resized(pixels.view(), 100, 1, Reduce::Extreme);
                assert!(small.iter().any(|v| *v == 1.0), "{x} of {columns}");
            }
        }
        let doubled = resized(array![[1.0, 2.0]].view(), 4, 2, Reduce::Mean);
        assert_eq!(doubled, array![[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]);
    }

    #[test]
    fn what_is_not_a_number_counts_as_nothing() {
        let pixels = array![[f32::NAN, 4.0], [2.0, f32::NAN]];
        assert_eq!(resized(pixels.view(), 1, 1, Reduce::Mean)[(0, 0)], 3.0);
        assert_eq!(resized(pixels.view(), 1, 1, Reduce::Extreme)[(0, 0)], 4.0);
        let none = Array2::from_elem((2, 2), f32::NAN);
        assert!(resized(none.view(), 1, 1, Reduce::Mean)[(0, 0)].is_nan());
        assert!(LogStretch::of(none.view()).is_none());
    }

    #[test]
    fn a_panel_keeps_the_proportions_within_its_room() {
        let wide = Array2::zeros((500, 1000));
        let preview = Preview {
            pixels: wide.view(),
            factor: 30.0,
        };
        assert_eq!(panel_size(&preview, (800.0, 800.0)), (800.0, 400.0));
        assert_eq!(panel_size(&preview, (800.0, 200.0)), (400.0, 200.0));
        let thin = Array2::zeros((1, 1000));
        let preview = Preview {
            pixels: thin.view(),
            factor: 1.0,
        };
        assert_eq!(panel_size(&preview, (800.0, 800.0)), (800.0, MIN_SIDE_PX));
    }
}
