//! A plane seen through the way back of a mapping: post as pre sees it, where a local correction was kept.

use e2m_image::{
    BandError, BandSource, Canvas, Mapping, Plane, Size, Warp, check_band, sample_bilinear,
};
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

/// Rounds in which a point settles at most: a field that can be turned around divides what is left by more than two each.
const ROUNDS: usize = 40;
/// A point that moves by less has settled, px: far below what rounding to 32 bit floats leaves.
const SETTLED_PX: f64 = 1e-6;

/// The plane of post at the place of post that goes to each place of pre; zero beyond its edges.
///
/// Each pixel is found by rounds of its own, which begin at what the field adds at its neighbour to the left: two or three where the
/// field is smooth. Bands of any height on any number of threads give the same pixels.
pub(super) struct BackwardPlane<'a> {
    plane: &'a Plane,
    canvas: Canvas,
    /// From post to pre, px of the canvas.
    to_pre: Mapping,
    /// The way back without the correction.
    to_post: Warp,
    nearest: bool,
}

impl<'a> BackwardPlane<'a> {
    /// `plane`, placed on `canvas`, through the way back of `to_pre` (px of the canvas); each pixel the `nearest` one, or bilinear.
    /// `None` where several places of post go to one of pre.
    pub(super) fn new(
        plane: &'a Plane,
        canvas: Canvas,
        to_pre: &Mapping,
        nearest: bool,
    ) -> Option<Self> {
        let to_post = to_pre.warp.inverse()?;
        to_pre.is_invertible(canvas.size()).then(|| Self {
            plane,
            canvas,
            to_pre: to_pre.clone(),
            to_post,
            nearest,
        })
    }

    /// The place of post that goes to `(u, v)`, given a displacement near the one there; with the displacement.
    fn place(&self, (u, v): (f64, f64), near: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
        let mut displacement = near;
        let mut point = self.to_post.apply(u - near.0, v - near.1);
        for _ in 0..ROUNDS {
            if let Some(field) = &self.to_pre.deformation {
                displacement = field.at(point.0, point.1);
            }
            let next = self.to_post.apply(u - displacement.0, v - displacement.1);
            let moved = (next.0 - point.0).hypot(next.1 - point.1);
            point = next;
            if moved < SETTLED_PX {
                return Some((point, displacement));
            }
        }
        None
    }

    fn fill<P: Copy + Into<f32> + Sync>(
        &self,
        plane: ArrayView2<'_, P>,
        first_row: usize,
        mut band: ArrayViewMut2<'_, f32>,
    ) {
        let pad = self.canvas.pad() as f64;
        band.axis_iter_mut(Axis(0))
            .into_par_iter()
            .enumerate()
            .for_each(|(row, mut out)| {
                let v = (first_row + row) as f64;
                let mut near = (0.0, 0.0);
                for (u, out) in out.iter_mut().enumerate() {
                    let u = u as f64;
                    let in_front = self.to_post.is_in_front(u, v);
                    let found = in_front.then(|| self.place((u, v), near)).flatten();
                    *out = found.map_or(0.0, |((x, y), displacement)| {
                        near = displacement;
                        match self.nearest {
                            // A pixel reaches half a pixel around its centre.
                            true => pixel(&plane, (x - pad + 0.5).floor(), (y - pad + 0.5).floor()),
                            false => sample_bilinear(plane, x - pad, y - pad),
                        }
                    });
                }
            });
    }
}

fn pixel<P: Copy + Into<f32>>(plane: &ArrayView2<'_, P>, x: f64, y: f64) -> f32 {
    match x >= 0.0 && y >= 0.0 {
        true => plane
            .get((y as usize, x as usize))
            .map_or(0.0, |&value| value.into()),
        false => 0.0, // also where a coordinate is NaN
    }
}

impl BandSource for BackwardPlane<'_> {
    fn size(&self) -> Size {
        self.canvas.size()
    }

    fn read_band(
        &mut self,
        first_row: usize,
        band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        check_band(self.size(), first_row, band.dim())?;
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
    use e2m_image::Deformation;
    use ndarray::{Array2, s};

    const SIZE: Size = Size {
        width: 420,
        height: 360,
    };

    /// Waves of so many px on a warp that turns and magnifies.
    fn mapping(amplitude_px: f64) -> Mapping {
        let wave = |phase: f64| -> Vec<f64> {
            let at = |i: usize| 0.7 * (i % 9) as f64 + 0.5 * (i / 9) as f64 + phase;
            (0..72).map(|i| amplitude_px * at(i).sin()).collect()
        };
        // The grid ends within the image.
        let field = Deformation::new((-40.0, -40.0), 60.0, (9, 8), wave(0.0), wave(1.0));
        Mapping {
            warp: Warp::similarity(1.02, 3.0, (200.0, 180.0)),
            deformation: Some(field.expect("a field")),
        }
    }

    fn texture(x: f64, y: f64) -> f64 {
        100.0 + 40.0 * (0.05 * x).sin() * (0.04 * y).cos()
    }

    fn read(source: &mut BackwardPlane<'_>, band_rows: usize) -> Array2<f32> {
        let mut out = Array2::zeros(source.size().shape());
        for first in (0..source.size().height).step_by(band_rows) {
            let rows = band_rows.min(source.size().height - first);
            let band = out.slice_mut(s![first..first + rows, ..]);
            source.read_band(first, band).expect("reads");
        }
        out
    }

    #[test]
    fn post_comes_to_lie_on_pre_wherever_pre_is() {
        let (canvas, mapping) = (Canvas::new(SIZE, SIZE, 10), mapping(4.0));
        // What lies at a place of pre lies in post where the mapping comes from.
        let post = Array2::from_shape_fn(SIZE.shape(), |(y, x)| {
            let (u, v) = mapping.apply(x as f64 + 10.0, y as f64 + 10.0);
            texture(u, v) as f32
        });
        let plane = Plane::F32(post);
        let mut source = BackwardPlane::new(&plane, canvas, &mapping, false).expect("a way back");
        let found = read(&mut source, 37);
        assert_eq!(found, read(&mut source, 360));
        let (mut points, mut worst) = (0, 0.0f64);
        for ((v, u), &value) in found.indexed_iter() {
            let (x, y) = mapping
                .inverse_point(u as f64, v as f64)
                .expect("a way back");
            if (11.0..428.0).contains(&x) && (11.0..368.0).contains(&y) {
                points += 1;
                worst = worst.max((f64::from(value) - texture(u as f64, v as f64)).abs());
            }
        }
        // Between pixels of a texture that bends by 0.1 counts a px.
        assert!(points > 100_000 && worst < 0.1, "{points} {worst}");
    }

    #[test]
    fn labels_stay_labels_and_a_fold_has_no_way_back() {
        let canvas = Canvas::new(SIZE, SIZE, 10);
        let labels =
            Array2::from_shape_fn(SIZE.shape(), |(y, x)| ((x / 20 + y / 20) % 3) as u8 * 100);
        let plane = Plane::U8(labels);
        let mut source =
            BackwardPlane::new(&plane, canvas, &mapping(4.0), true).expect("a way back");
        let found = read(&mut source, 64);
        assert!(found.iter().all(|&v| [0.0, 100.0, 200.0].contains(&v)));
        assert!(BackwardPlane::new(&plane, canvas, &mapping(90.0), true).is_none());
    }
}
