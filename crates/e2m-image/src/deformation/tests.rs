use super::*;
use crate::{BandSource, Canvas, Coverage, Mapping, Plane, WarpedPlane, sample_bilinear};
use ndarray::{Array2, Axis};

const SIZE: Size = Size::new(700, 500);

/// A field of waves, `amplitude` px high, over an image of [`SIZE`].
fn waves(amplitude: f64, spacing_px: f64) -> Deformation {
    let points = |length: usize| (length as f64 / spacing_px).ceil() as usize + 3;
    let (columns, rows) = (points(SIZE.width), points(SIZE.height));
    let value = |phase: f64| -> Vec<f64> {
        let at = |i: usize| {
            let (x, y) = (
                spacing_px * (i % columns) as f64,
                spacing_px * (i / columns) as f64,
            );
            amplitude * (x / 90.0 + phase).sin() * (y / 110.0 - phase).cos()
        };
        (0..columns * rows).map(at).collect()
    };
    let first = (-spacing_px, -spacing_px);
    Deformation::new(first, spacing_px, (columns, rows), value(0.3), value(1.9)).expect("a field")
}

/// The centred cubic B-spline, as the page of the type says.
fn spline(u: f64) -> f64 {
    let u = u.abs();
    if u < 1.0 {
        2.0 / 3.0 - u * u + u * u * u / 2.0
    } else {
        (2.0 - u).max(0.0).powi(3) / 6.0
    }
}

#[test]
fn the_field_is_the_sum_that_its_page_says() {
    let field = waves(6.0, 37.0);
    let (columns, rows) = field.points();
    for (x, y) in [(0.0, 0.0), (699.0, 499.0), (31.5, 212.25), (400.0, 37.0)] {
        let (u, v) = (
            (x - field.first().0) / field.spacing_px(),
            (y - field.first().1) / field.spacing_px(),
        );
        let mut sums = (0.0, 0.0);
        for j in 0..rows {
            for i in 0..columns {
                let weight = spline(u - i as f64) * spline(v - j as f64);
                sums.0 += field.grid.dx[j * columns + i] * weight;
                sums.1 += field.grid.dy[j * columns + i] * weight;
            }
        }
        let (dx, dy) = field.at(x, y);
        assert!(
            (dx - sums.0).abs() < 1e-12 && (dy - sums.1).abs() < 1e-12,
            "{x} {y}"
        );
    }
    // Beyond the grid as at its border.
    assert_eq!(field.at(-400.0, 60.0), field.at(0.0, 60.0));
    let beyond = field.first().1 + field.spacing_px() * (rows as f64 - 2.0);
    assert_eq!(field.at(80.0, 9999.0), field.at(80.0, beyond));
}

#[test]
fn the_gradient_is_the_derivative() {
    let field = waves(6.0, 41.0);
    let h = 1e-5;
    for (x, y) in [(3.0, 8.0), (350.2, 111.7), (690.0, 490.0), (-50.0, 200.0)] {
        let [[xx, xy], [yx, yy]] = field.gradient(x, y);
        let (right, left) = (field.at(x + h, y), field.at(x - h, y));
        let (below, above) = (field.at(x, y + h), field.at(x, y - h));
        let per = 1.0 / (2.0 * h);
        assert!((xx - (right.0 - left.0) * per).abs() < 1e-7);
        assert!((yx - (right.1 - left.1) * per).abs() < 1e-7);
        assert!((xy - (below.0 - above.0) * per).abs() < 1e-7);
        assert!((yy - (below.1 - above.1) * per).abs() < 1e-7);
    }
}

#[test]
fn a_deformed_plane_is_what_its_points_show_in_bands_of_any_height() {
    let noise = |y: usize, x: usize| ((y * 7919 + x * 104_729) % 977) as u16;
    let image = Array2::from_shape_fn(SIZE.shape(), |(y, x)| noise(y, x));
    let plane = Plane::from(image.clone());
    let canvas = Canvas::new(SIZE, SIZE, 25);
    let tilt = Warp::new([[1.01, 0.02, -3.0], [-0.03, 0.98, 7.0], [1e-5, -2e-5, 1.0]]);
    for warp in [Warp::identity(), tilt.expect("a warp")] {
        let mapping = canvas.mapping_from_raw(&Mapping {
            warp,
            deformation: Some(waves(7.0, 53.0)),
        });
        let read = |rows: usize| {
            let mut out = Array2::from_elem(canvas.size().shape(), f32::NAN);
            let mut source = WarpedPlane::new(&plane, canvas, mapping.clone());
            for (i, band) in out.axis_chunks_iter_mut(Axis(0), rows).enumerate() {
                source.read_band(i * rows, band).expect("a band");
            }
            out
        };
        let whole = read(canvas.size().height);
        for ((y, x), &value) in whole.indexed_iter() {
            let (u, v) = mapping.apply(x as f64, y as f64);
            let expected = sample_bilinear(image.view(), u - 25.0, v - 25.0);
            assert!(
                (value - expected).abs() < 1e-2,
                "{x} {y}: {value} {expected}"
            );
        }
        for rows in [1, 7, 64] {
            assert_eq!(read(rows), whole, "{rows} rows at a time");
        }
    }
}

#[test]
fn a_field_of_nothing_changes_no_byte() {
    let image = Array2::from_shape_fn(SIZE.shape(), |(y, x)| (x * y % 251) as u8);
    let plane = Plane::from(image);
    let canvas = Canvas::new(SIZE, SIZE, 9);
    let warp = canvas.warp_from_raw(&Warp::similarity(1.01, 3.0, (350.0, 250.0)));
    let still = Deformation::new((0.0, 0.0), 90.0, (12, 12), vec![0.0; 144], vec![0.0; 144]);
    let mut bands = [
        Mapping::from(warp),
        Mapping {
            warp,
            deformation: Some(still.expect("a field")),
        },
    ]
    .map(|mapping| {
        let mut out = Array2::zeros(canvas.size().shape());
        let mut source = WarpedPlane::new(&plane, canvas, mapping);
        source.read_band(0, out.view_mut()).expect("a band");
        out
    })
    .into_iter();
    assert_eq!(bands.next(), bands.next());
}

#[test]
fn what_is_covered_is_what_lies_in_the_image() {
    let canvas = Canvas::new(SIZE, SIZE, 30);
    for warp in [
        Warp::identity(),
        Warp::similarity(0.9, 12.0, (300.0, 200.0)),
    ] {
        let mapping = canvas.mapping_from_raw(&Mapping {
            warp,
            deformation: Some(waves(8.0, 60.0)),
        });
        let coverage = Coverage::warped(SIZE, canvas, mapping.clone());
        let mut missed = 0;
        for y in 0..canvas.size().height {
            let columns = coverage.columns(y);
            for x in 0..canvas.size().width {
                let (u, v) = mapping.apply(x as f64, y as f64);
                let inside = |slack: f64| {
                    (-slack..=SIZE.width as f64 - 1.0 + slack).contains(&(u - 30.0))
                        && (-slack..=SIZE.height as f64 - 1.0 + slack).contains(&(v - 30.0))
                };
                if columns.contains(&x) {
                    assert!(inside(2e-3), "{x} {y}");
                } else {
                    missed += u64::from(inside(-1e-6));
                }
            }
        }
        // Only where a wavy border lies along a row is a part of it left out.
        let share = missed as f64 / coverage.pixels() as f64;
        assert!(share < 0.01, "{share}");
    }
}

#[test]
fn the_inverse_comes_back_and_a_homography_is_the_mapping_about_its_point() {
    let mapping = Mapping {
        warp: Warp::similarity(1.1, 30.0, (300.0, 200.0)),
        deformation: Some(waves(6.0, 50.0)),
    };
    for (x, y) in [(10.0, 20.0), (333.3, 250.1), (650.0, 480.0)] {
        let (u, v) = mapping.apply(x, y);
        let (back_x, back_y) = mapping.inverse_point(u, v).expect("one to one");
        assert!((back_x - x).hypot(back_y - y) < 1e-7);
        let near = mapping.homography_over(x, y, 0.0);
        let at = |dx: f64| {
            let (a, b) = (mapping.apply(x + dx, y - dx), near.apply(x + dx, y - dx));
            (a.0 - b.0).hypot(a.1 - b.1)
        };
        assert!(at(0.0) < 1e-9);
        // Second order: a tenth of the way, a hundredth of the difference.
        assert!(
            at(10.0) < 0.1 && at(1.0) < 1.2 * at(10.0) / 100.0 + 1e-6,
            "{} {}",
            at(10.0),
            at(1.0)
        );
    }
}

#[test]
fn fields_that_fold_are_told_from_those_that_do_not() {
    let jacobian = |field: &Deformation, warp: &Warp| {
        let mut least = f64::INFINITY;
        for y in (0..SIZE.height).step_by(7) {
            for x in (0..SIZE.width).step_by(7) {
                let (x, y) = (x as f64, y as f64);
                let ([[a, b], [c, d]], [[ex, ey], [fx, fy]]) =
                    (warp.jacobian(x, y), field.gradient(x, y));
                least = least.min((a + ex) * (d + fy) - (b + ey) * (c + fx));
            }
        }
        least
    };
    let mut answers = [0, 0];
    for warp in [
        Warp::identity(),
        Warp::similarity(0.6, 70.0, (350.0, 250.0)),
    ] {
        for amplitude in [0.0, 5.0, 20.0, 45.0, 90.0, 300.0] {
            let field = waves(amplitude, 40.0);
            let invertible = field.is_invertible_with(&warp, SIZE);
            assert!(!invertible || jacobian(&field, &warp) > 0.0, "{amplitude}");
            assert!(invertible || amplitude > 5.0, "{amplitude}");
            answers[usize::from(invertible)] += 1;
        }
    }
    assert!(answers.iter().all(|&n| n >= 4), "{answers:?}");
    // One that folds between two control points only.
    let mut lone = vec![0.0; 144];
    lone[66] = -200.0;
    let lone = Deformation::new((0.0, 0.0), 50.0, (12, 12), lone, vec![0.0; 144]).expect("a field");
    assert!(!lone.is_invertible_with(&Warp::identity(), SIZE));
}

#[test]
fn a_field_round_trips_through_json_and_nonsense_does_not_get_in() {
    let field = waves(3.0, 100.0).moved(2000.0, 2000.0);
    let text = serde_json::to_string(&field).expect("written");
    let read: Deformation = serde_json::from_str(&text).expect("read");
    assert_eq!(read, field);
    for (from, to) in [
        ("\"columns\":10", "\"columns\":11"),
        ("\"columns\":10", "\"columns\":1000000"),
        ("\"spacing_px\":100.0", "\"spacing_px\":0.0"),
        ("\"spacing_px\":100.0", "\"spacing_px\":-5.0"),
        ("added after the warp", "of some other kind"),
    ] {
        assert!(text.contains(from), "{text}");
        let wrong = text.replace(from, to);
        assert!(serde_json::from_str::<Deformation>(&wrong).is_err(), "{to}");
    }
    assert!(Deformation::new((0.0, 0.0), 10.0, (4, 4), vec![f64::NAN; 16], vec![0.0; 16]).is_err());
    assert!(Deformation::new((0.0, 0.0), 10.0, (3, 4), vec![0.0; 12], vec![0.0; 12]).is_err());
}
