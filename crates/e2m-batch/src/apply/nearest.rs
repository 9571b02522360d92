//! A plane seen through a mapping, each pixel the nearest one: for masks and labels, between which there is nothing.

use e2m_image::{BandError, BandSource, Canvas, Mapping, Plane, Size, check_band};
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

/// The nearest pixel of a plane at each place; zero beyond its edges.
pub(super) struct NearestPlane<'a> {
    plane: &'a Plane,
    size: Size,
    /// From pixels of the result to raw pixels of the plane.
    to_raw: Mapping,
}

impl<'a> NearestPlane<'a> {
    /// `plane`, placed on `canvas` and sampled at `mapping`, as a `WarpedPlane` is.
    pub(super) fn new(plane: &'a Plane, canvas: Canvas, mapping: &Mapping) -> Self {
        let pad = canvas.pad() as f64;
        Self {
            plane,
            size: canvas.size(),
            to_raw: mapping.then_shift(-pad, -pad),
        }
    }

    fn fill<P: Copy + Into<f32> + Sync>(
        &self,
        plane: ArrayView2<'_, P>,
        first_row: usize,
        mut band: ArrayViewMut2<'_, f32>,
    ) {
        band.axis_iter_mut(Axis(0))
            .into_par_iter()
            .enumerate()
            .for_each(|(row, mut out)| {
                let y = (first_row + row) as f64;
                for (x, out) in out.iter_mut().enumerate() {
                    *out = self.at(&plane, x as f64, y);
                }
            });
    }

    fn at<P: Copy + Into<f32>>(&self, plane: &ArrayView2<'_, P>, x: f64, y: f64) -> f32 {
        if !self.to_raw.is_in_front(x, y) {
            return 0.0;
        }
        let (x, y) = self.to_raw.apply(x, y);
        // A pixel reaches half a pixel around its centre.
        let (x, y) = ((x + 0.5).floor(), (y + 0.5).floor());
        if !(x >= 0.0 && y >= 0.0) {
            return 0.0; // also where a coordinate is NaN
        }
        plane
            .get((y as usize, x as usize))
            .map_or(0.0, |&value| value.into())
    }
}

impl BandSource for NearestPlane<'_> {
    fn size(&self) -> Size {
        self.size
    }

    fn read_band(
        &mut self,
        first_row: usize,
        band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        check_band(self.size, first_row, band.dim())?;
        match self.plane {
            Plane::U8(plane) => self.fill(plane.view(), first_row, band),
            Plane::U16(plane) => self.fill(plane.view(), first_row, band),
            Plane::F32(plane) => self.fill(plane.view(), first_row, band),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_image::Warp;
    use ndarray::Array2;

    fn warped(plane: &Plane, size: Size, warp: Warp) -> Array2<f32> {
        let mut out = Array2::zeros(size.shape());
        let mut source = NearestPlane::new(plane, Canvas::new(size, size, 0), &warp.into());
        source.read_band(0, out.view_mut()).expect("reads");
        out
    }

    #[test]
    fn labels_stay_labels_and_move_to_the_nearest_place() {
        let size = Size::new(7, 5);
        let labels = Array2::from_shape_fn(size.shape(), |(y, x)| (10 * y + x) as u16);
        let plane = Plane::U16(labels.clone());
        let same = warped(&plane, size, Warp::translation(0.49, -0.49));
        assert_eq!(same, labels.mapv(f32::from));
        let moved = warped(&plane, size, Warp::translation(1.6, 0.0));
        assert_eq!(moved[(3, 2)], 34.0);
        assert_eq!((moved[(3, 4)], moved[(3, 5)]), (36.0, 0.0));
    }
}
