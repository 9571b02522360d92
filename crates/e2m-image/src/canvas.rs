//! The canvas: a frame with room around the raw images, as an offset.

use crate::band::check_band;
use crate::{BandError, BandSource, Size, Warp};
use ndarray::{ArrayViewMut2, s};
use serde::{Deserialize, Serialize};

/// The frame that both images of a pair are placed on: raw pixel `(x, y)` lies at canvas pixel `(x + pad, y + pad)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canvas {
    width: usize,
    height: usize,
    pad: usize,
}

impl Canvas {
    /// The canvas of a pair: the larger raw size on each axis, plus `pad` pixels on every side.
    pub fn new(post: Size, pre: Size, pad: usize) -> Self {
        let raw = post.max(pre);
        Self {
            width: raw.width + 2 * pad,
            height: raw.height + 2 * pad,
            pad,
        }
    }

    /// Width and height with padding.
    pub fn size(self) -> Size {
        Size::new(self.width, self.height)
    }

    /// Padding per side in pixels.
    pub fn pad(self) -> usize {
        self.pad
    }

    /// The same warp between canvas pixels, given one between raw pixels.
    pub fn warp_from_raw(self, raw: &Warp) -> Warp {
        let pad = self.pad as f64;
        Warp::translation(-pad, -pad)
            .then(raw)
            .then(&Warp::translation(pad, pad))
    }

    /// The same warp between raw pixels, given one between canvas pixels.
    pub fn warp_to_raw(self, canvas: &Warp) -> Warp {
        let pad = self.pad as f64;
        Warp::translation(pad, pad)
            .then(canvas)
            .then(&Warp::translation(-pad, -pad))
    }
}

/// A raw-sized source placed on the canvas, zeros around it.
#[derive(Debug)]
pub struct Padded<S> {
    raw: S,
    canvas: Canvas,
}

impl<S: BandSource> Padded<S> {
    /// Places `raw` on `canvas`. Fails where the canvas is too small for it.
    pub fn new(raw: S, canvas: Canvas) -> Result<Self, BandError> {
        let (size, room) = (raw.size(), canvas.size());
        if size.width + 2 * canvas.pad > room.width || size.height + 2 * canvas.pad > room.height {
            return Err(BandError::Shape {
                first_row: canvas.pad,
                band_rows: size.height,
                band_width: size.width,
                size: room,
            });
        }
        Ok(Self { raw, canvas })
    }
}

impl<S: BandSource> BandSource for Padded<S> {
    fn size(&self) -> Size {
        self.canvas.size()
    }

    fn read_band(
        &mut self,
        first_row: usize,
        mut band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        check_band(self.size(), first_row, band.dim())?;
        let (pad, raw) = (self.canvas.pad, self.raw.size());
        let first = first_row.max(pad);
        let end = (first_row + band.nrows()).min(pad + raw.height);
        if first >= end {
            band.fill(0.0);
            return Ok(());
        }
        let (rows, columns) = (first - first_row..end - first_row, pad..pad + raw.width);
        band.slice_mut(s![..rows.start, ..]).fill(0.0);
        band.slice_mut(s![rows.end.., ..]).fill(0.0);
        band.slice_mut(s![rows.clone(), ..columns.start]).fill(0.0);
        band.slice_mut(s![rows.clone(), columns.end..]).fill(0.0);
        self.raw
            .read_band(first - pad, band.slice_mut(s![rows, columns]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemorySink, Plane, PlaneSource, stream_bands};
    use ndarray::{Axis, array};
    use std::ops::ControlFlow;

    #[test]
    fn padding_puts_zeros_around_and_behind_the_smaller_image() {
        let plane = Plane::from(array![[1u8, 2], [3, 4]]);
        let canvas = Canvas::new(Size::new(3, 2), plane.size(), 1);
        for band_rows in 1..=4 {
            let mut sink = MemorySink::new(canvas.size());
            let mut padded = Padded::new(PlaneSource::new(&plane), canvas).expect("fits");
            stream_bands(&mut padded, &mut [&mut sink], band_rows, |_| {
                ControlFlow::Continue(())
            })
            .expect("streams");
            let expected = array![
                [0.0, 0.0, 0.0, 0.0, 0.0],
                [0.0, 1.0, 2.0, 0.0, 0.0],
                [0.0, 3.0, 4.0, 0.0, 0.0],
                [0.0, 0.0, 0.0, 0.0, 0.0]
            ];
            assert_eq!(sink.into_image(), expected);

            let mut band = array![[f32::NAN; 5], [f32::NAN; 5], [f32::NAN; 5], [f32::NAN; 5]];
            for (i, mut rows) in band.axis_chunks_iter_mut(Axis(0), band_rows).enumerate() {
                padded
                    .read_band(i * band_rows, rows.view_mut())
                    .expect("a band");
            }
            assert_eq!(band, expected, "stale pixels are overwritten");
        }
    }

    #[test]
    fn an_image_larger_than_the_canvas_is_refused() {
        let plane = Plane::from(array![[1u8, 2], [3, 4]]);
        let canvas = Canvas::new(Size::new(1, 1), Size::new(1, 1), 4);
        assert!(Padded::new(PlaneSource::new(&plane), canvas).is_err());
    }

    #[test]
    fn warps_move_between_raw_and_canvas_and_back() {
        let canvas = Canvas::new(Size::new(30, 20), Size::new(30, 20), 7);
        let raw = Warp::similarity(1.1, 12.0, (4.0, 5.0));
        let on_canvas = canvas.warp_from_raw(&raw);
        let (x, y) = raw.apply(3.0, 2.0);
        let (cx, cy) = on_canvas.apply(10.0, 9.0);
        assert!((cx - x - 7.0).abs() < 1e-12 && (cy - y - 7.0).abs() < 1e-12);
        assert!(
            canvas
                .warp_to_raw(&on_canvas)
                .max_distance(&raw, Size::new(30, 20))
                < 1e-12
        );
    }
}
