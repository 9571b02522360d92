use super::*;
use crate::{MemorySink, stream_bands};
use crate::{Plane, Warp};
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
