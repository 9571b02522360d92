//! Bilinear resampling of a plane through a warp, band by band, in parallel.

use crate::band::check_band;
use crate::plane::with_plane;
use crate::{BandError, BandSource, Canvas, PlaneView, Size, Warp};
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

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
        let rows = self.to_raw.rows();
        with_plane!(PlaneView, self.plane, image => {
            band.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(i, mut row)| {
                let y = (first_row + i) as f64;
                let base: [f64; 3] = std::array::from_fn(|r| rows[r][1] * y + rows[r][2]);
                for (x, out) in row.iter_mut().enumerate() {
                    let x = x as f64;
                    let w = rows[2][0] * x + base[2];
                    let u = (rows[0][0] * x + base[0]) / w;
                    let v = (rows[1][0] * x + base[1]) / w;
                    // Beyond the horizon of a perspective lies nothing.
                    *out = if w > 0.0 { sample_bilinear(image, u, v) } else { 0.0 };
                }
            });
        });
        Ok(())
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
    fn outside_is_zero_and_the_border_fades() {
        let image = array![[10u16]];
        assert_eq!(sample_bilinear(image.view(), 0.0, 0.0), 10.0);
        assert_eq!(sample_bilinear(image.view(), 0.25, 0.0), 7.5);
        assert_eq!(sample_bilinear(image.view(), -0.5, 0.5), 2.5);
        assert_eq!(sample_bilinear(image.view(), 1.0, 0.0), 0.0);
        assert_eq!(sample_bilinear(image.view(), f64::NAN, 0.0), 0.0);
    }
}
