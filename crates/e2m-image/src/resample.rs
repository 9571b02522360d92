//! Bilinear resampling of a plane through a warp, band by band, in parallel.

use crate::band::check_band;
use crate::plane::with_plane;
use crate::{BandError, BandSource, Canvas, PlaneView, Size, Warp};
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;
use std::ops::Range;

/// The bilinear value of `image` at `(x, y)`; pixels outside count as zero.
pub fn sample_bilinear<P: Copy + Into<f32>>(image: ArrayView2<'_, P>, x: f64, y: f64) -> f32 {
    let (height, width) = image.dim();
    if !(x > -1.0 && y > -1.0 && x < width as f64 && y < height as f64) {
        return 0.0; // also where a coordinate is NaN
    }
    let (x0, y0) = (x.floor(), y.floor());
    let (fx, fy) = ((x - x0) as f32, (y - y0) as f32);
    let (x0, y0) = (x0 as isize, y0 as isize);
    let at = |x: isize, y: isize| -> f32 {
        match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) => image.get((y, x)).map_or(0.0, |&v| v.into()),
            _ => 0.0,
        }
    };
    let top = lerp(at(x0, y0), at(x0 + 1, y0), fx);
    let bottom = lerp(at(x0, y0 + 1), at(x0 + 1, y0 + 1), fx);
    lerp(top, bottom, fy)
}

fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// A plane seen through a warp on the canvas: what "aligned pre" is.
///
/// Each pixel depends on its own coordinates only, so that bands of any height on any number of threads give the same
/// bytes. One interpolation from the raw plane, never two.
#[derive(Debug)]
pub struct WarpedPlane<'a> {
    plane: PlaneView<'a>,
    canvas: Canvas,
    /// From canvas pixels of the result to raw pixels of `plane`.
    to_raw: Warp,
}

impl<'a> WarpedPlane<'a> {
    /// `plane`, placed on `canvas` and sampled at `warp` (post-canvas to pre-canvas pixels).
    pub fn new(plane: impl Into<PlaneView<'a>>, canvas: Canvas, warp: Warp) -> Self {
        let pad = canvas.pad() as f64;
        Self {
            plane: plane.into(),
            canvas,
            to_raw: warp.then(&Warp::translation(-pad, -pad)),
        }
    }
}

impl BandSource for WarpedPlane<'_> {
    fn size(&self) -> Size {
        self.canvas.size()
    }

    fn read_band(
        &mut self,
        first_row: usize,
        mut band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        check_band(self.size(), first_row, band.dim())?;
        with_plane!(PlaneView, self.plane, image => {
            band.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(i, mut row)| {
                let line = Line::new(&self.to_raw, (first_row + i) as f64);
                if let Some(out) = row.as_slice_mut() {
                    line.sample(image, out);
                } else {
                    let mut out = vec![0.0; row.len()];
                    line.sample(image, &mut out);
                    row.assign(&ArrayView1::from(&out));
                }
            });
        });
        Ok(())
    }
}
/// A row of the result: the point `(x, y)` for fixed `y` maps to `(u, v) = (a x + b) / w` with `w = g x + h`.
struct Line {
    slopes: [f64; 3],
    offsets: [f64; 3],
}

impl Line {
    fn new(warp: &Warp, y: f64) -> Self {
        let rows = warp.rows();
        Self {
            slopes: rows.map(|row| row[0]),
            offsets: rows.map(|row| row[1] * y + row[2]),
        }
    }

    /// The point that pixel `x` maps to; `None` beyond the horizon of a perspective, where nothing lies.
    #[inline(always)]
    fn point(&self, x: usize) -> Option<(f64, f64)> {
        let x = x as f64;
        let [u, v, w] = std::array::from_fn(|i| self.slopes[i] * x + self.offsets[i]);
        (w > 0.0).then(|| (u / w, v / w))
    }

    /// Fills `out` with the bilinear values of `image` along the row.
    fn sample<P: Copy + Into<f32>>(&self, image: ArrayView2<'_, P>, out: &mut [f32]) {
        let (height, width) = image.dim();
        // Where all four neighbours exist, and where any does; both to one pixel of caution.
        let inner = self.columns(
            [0.0, 0.0],
            [width as f64 - 1.0, height as f64 - 1.0],
            out.len(),
        );
        let inner = (inner.start + 1).min(inner.end)..inner.end.saturating_sub(1);
        let outer = self.columns([-1.0, -1.0], [width as f64, height as f64], out.len());
        let outer = outer.start.saturating_sub(1)..(outer.end + 1).min(out.len());
        let whole = image
            .as_slice()
            .filter(|_| !inner.is_empty() && width > 1 && height > 1);
        let inner = if whole.is_some() {
            inner
        } else {
            outer.end..outer.end
        };
        out[..outer.start].fill(0.0);
        out[outer.end..].fill(0.0);
        for x in (outer.start..inner.start).chain(inner.end..outer.end) {
            out[x] = self
                .point(x)
                .map_or(0.0, |(u, v)| sample_bilinear(image, u, v));
        }
        let Some(pixels) = whole else {
            return;
        };
        let (last_x, last_y) = (width - 2, height - 2);
        for (out, x) in out[inner.clone()].iter_mut().zip(inner) {
            let Some((u, v)) = self.point(x) else {
                continue;
            };
            // Not negative but for rounding, so that cutting off is rounding down.
            let (x0, y0) = (
                (u as i32 as usize).min(last_x),
                (v as i32 as usize).min(last_y),
            );
            let (fx, fy) = ((u - x0 as f64) as f32, (v - y0 as f64) as f32);
            let start = y0 * width + x0;
            let (above, below) = (&pixels[start..start + 2], &pixels[start + width..][..2]);
            let top = lerp(above[0].into(), above[1].into(), fx);
            let bottom = lerp(below[0].into(), below[1].into(), fx);
            *out = lerp(top, bottom, fy);
        }
    }

    /// The columns up to `width` whose points lie between `low` and `high` in both coordinates: an interval, as each bound is
    /// linear in the column wherever `w` is positive.
    fn columns(&self, low: [f64; 2], high: [f64; 2], width: usize) -> Range<usize> {
        let [.., g] = self.slopes;
        let [.., h] = self.offsets;
        let (mut from, mut to) = (0.0f64, width as f64 - 1.0);
        // slope x + offset >= 0
        let mut at_least_zero = |slope: f64, offset: f64| {
            let root = -offset / slope;
            if slope > 0.0 {
                from = from.max(root);
            } else if slope < 0.0 {
                to = to.min(root);
            } else if offset < 0.0 || offset.is_nan() {
                to = f64::NEG_INFINITY;
            }
        };
        at_least_zero(g, h);
        for i in 0..2 {
            let (a, b) = (self.slopes[i], self.offsets[i]);
            at_least_zero(a - low[i] * g, b - low[i] * h);
            at_least_zero(high[i] * g - a, high[i] * h - b);
        }
        if from <= to {
            from.ceil() as usize..to.floor() as usize + 1
        } else {
            0..0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plane;
    use crate::{MemorySink, stream_bands};
    use ndarray::{Array2, array};
    use std::ops::ControlFlow;

    fn warped(plane: &Plane, canvas: Canvas, warp: Warp, band_rows: usize) -> Array2<f32> {
        let mut sink = MemorySink::new(canvas.size());
        let mut source = WarpedPlane::new(plane, canvas, warp);
        stream_bands(&mut source, &mut [&mut sink], band_rows, |_| {
            ControlFlow::Continue(())
        })
        .expect("streams");
        sink.into_image()
    }

    #[test]
    fn a_linear_field_is_resampled_exactly() {
        // f(x, y) = 3 x + 5 y is reproduced by bilinear interpolation wherever all four neighbours exist.
        let plane = Plane::from(Array2::from_shape_fn((60, 80), |(y, x)| {
            (3 * x + 5 * y) as f32
        }));
        let canvas = Canvas::new(plane.size(), plane.size(), 10);
        let warp = Warp::similarity(1.03, 7.0, (50.0, 40.0));
        let image = warped(&plane, canvas, warp, 13);
        let mut compared = 0;
        for ((y, x), &value) in image.indexed_iter() {
            let (u, v) = warp.apply(x as f64, y as f64);
            let (u, v) = (u - 10.0, v - 10.0);
            if (0.0..=79.0).contains(&u) && (0.0..=59.0).contains(&v) {
                assert!(
                    (f64::from(value) - 3.0 * u - 5.0 * v).abs() < 1e-3,
                    "at {x}, {y}"
                );
                compared += 1;
            }
        }
        assert!(compared > 3000);
    }

    #[test]
    fn band_height_and_threads_do_not_change_a_bit() {
        let plane = Plane::from(Array2::from_shape_fn((50, 70), |(y, x)| {
            ((x * 31 + y * 17) % 251) as u8
        }));
        let canvas = Canvas::new(plane.size(), plane.size(), 5);
        let warp = Warp::similarity(0.97, -11.0, (30.0, 20.0));
        let whole = warped(&plane, canvas, warp, 1000);
        for band_rows in [1, 7, 16] {
            assert_eq!(whole, warped(&plane, canvas, warp, band_rows));
        }
        let one_thread = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .expect("a pool");
        assert_eq!(
            whole,
            one_thread.install(|| warped(&plane, canvas, warp, 9))
        );
    }

    #[test]
    fn every_pixel_is_the_bilinear_value_at_its_point() {
        let plane = Array2::from_shape_fn((50, 70), |(y, x)| ((x * 31 + y * 17) % 251) as u16);
        let canvas = Canvas::new(Size::new(70, 50), Size::new(70, 50), 20);
        let tilted = Warp::new([[1.0, 0.02, -3.0], [-0.01, 0.9, 4.0], [2e-3, 6e-3, 1.0]]);
        let horizon = Warp::new([[1.0, 0.3, 0.0], [0.1, 1.0, 0.0], [0.02, -0.02, 0.6]]);
        let warps = [
            Warp::identity(),
            Warp::translation(0.25, -0.75),
            Warp::translation(500.0, 0.0),
            Warp::similarity(1.0, 90.0, (55.0, 45.0)),
            Warp::similarity(0.7, 180.0, (55.0, 45.0)),
            Warp::similarity(1.4, -33.0, (50.0, 40.0)),
            tilted.expect("a warp"),
            horizon.expect("a warp"),
        ];
        let plane = Plane::from(plane);
        for warp in warps {
            let to_raw = warp.then(&Warp::translation(-20.0, -20.0));
            let PlaneView::U16(raw) = plane.view() else {
                panic!("16 bit");
            };
            let mut inside = 0;
            for ((y, x), &value) in warped(&plane, canvas, warp, 13).indexed_iter() {
                let (x, y) = (x as f64, y as f64);
                let (u, v) = to_raw.apply(x, y);
                let expected = if to_raw.is_in_front(x, y) {
                    sample_bilinear(raw, u, v)
                } else {
                    0.0
                };
                assert!((value - expected).abs() < 1e-3, "{warp:?} at {x}, {y}");
                inside += usize::from(expected > 0.0);
            }
            assert_eq!(
                inside > 500,
                warp != Warp::translation(500.0, 0.0),
                "{warp:?}"
            );
        }
    }

    #[test]
    fn outside_is_zero_and_the_border_fades() {
        let image = array![[10u16]];
        assert_eq!(sample_bilinear(image.view(), 0.0, 0.0), 10.0);
        assert_eq!(sample_bilinear(image.view(), 0.25, 0.0), 7.5);
        assert_eq!(sample_bilinear(image.view(), -0.5, 0.5), 2.5);
        assert_eq!(sample_bilinear(image.view(), 1.0, 0.0), 0.0);
        assert_eq!(sample_bilinear(image.view(), f64::NAN, 0.0), 0.0);
        let plane = Plane::from(image);
        let canvas = Canvas::new(plane.size(), plane.size(), 1);
        let image = warped(&plane, canvas, Warp::translation(0.25, 0.0), 3);
        assert_eq!(image.row(1).to_vec(), [2.5, 7.5, 0.0]);
    }
}
