use super::*;
use crate::{BandSource, Canvas, PlaneView, Size, Warp, WarpedPlane};
use ndarray::{Array2, s};
use proptest::prelude::*;

/// Counts without a pattern.
fn noise(y: usize, x: usize) -> u32 {
    ((y << 13 | x) as u32).wrapping_mul(0x9E37_79B9) >> 8
}

/// Floats of all magnitudes whose differences are rounded, without zeros.
fn awkward(shape: (usize, usize)) -> Array2<f32> {
    Array2::from_shape_fn(shape, |(y, x)| {
        let value = 0.1 + noise(y, x) as f32 * 0.37;
        match noise(x, y) % 5 {
            0 => -value,
            1 => value * 1e30,
            2 => value * 1e-40,
            _ => value,
        }
    })
}

fn filled<P: Pixel>(image: ArrayView2<'_, P>, to_raw: &Warp, size: Size) -> Array2<f32> {
    let mut out = Array2::from_elem(size.shape(), f32::NAN);
    fill_block(image, &to_raw.into(), 0, out.view_mut());
    out
}

/// What the coordinates' rounding to 2^-32 px and a few roundings of floats may change in images below `largest`.
fn tolerance(largest: f32) -> f32 {
    largest * 1e-6
}

fn assert_bilinear<P: Pixel>(image: ArrayView2<'_, P>, to_raw: &Warp, size: Size, largest: f32) {
    for ((y, x), &value) in filled(image, to_raw, size).indexed_iter() {
        let (x, y) = (x as f64, y as f64);
        let (u, v) = to_raw.apply(x, y);
        let expected = if to_raw.is_in_front(x, y) {
            sample_bilinear(image, u, v)
        } else {
            0.0
        };
        assert!(
            (value - expected).abs() <= tolerance(largest),
            "{value} for {expected} at {x}, {y} of {size} by {to_raw:?}"
        );
    }
}

#[test]
fn every_width_and_every_type_is_bilinear() {
    let tilt = Warp::new([[1.0, 0.1, -2.3], [-0.05, 1.1, 1.7], [2e-4, -1e-4, 1.0]]);
    let warps = [
        Warp::translation(-1.25, 0.5),
        Warp::similarity(0.9, 11.0, (20.0, 5.0)),
        Warp::similarity(1.0, 90.0, (7.0, 7.0)),
        tilt.expect("a warp"),
    ];
    for width in 1..=70 {
        let shape = (1 + width % 13, width);
        let counts = Array2::from_shape_fn(shape, |(y, x)| noise(y, x) as u8);
        let wide = Array2::from_shape_fn(shape, |(y, x)| noise(y, x) as u16);
        let floats = Array2::from_shape_fn(shape, |(y, x)| noise(y, x) as f32 * 0.37);
        let size = Size::new(71 - width / 2, 15);
        for warp in &warps {
            assert_bilinear(counts.view(), warp, size, 255.0);
            assert_bilinear(wide.view(), warp, size, 65535.0);
            assert_bilinear(floats.view(), warp, size, 6.3e6);
        }
    }
}

#[test]
fn runs_and_tiles_meet_without_a_seam() {
    let image = Array2::from_shape_fn((90, 1700), |(y, x)| noise(y, x) as u16);
    let size = Size::new(1700, 80);
    for warp in [
        Warp::similarity(1.001, 0.4, (850.0, 40.0)),
        Warp::translation(3.7, 2.2),
        Warp::similarity(0.8, 180.0, (850.0, 45.0)),
    ] {
        assert_bilinear(image.view(), &warp, size, 65535.0);
    }
}

#[test]
fn whole_pixels_come_back_as_they_are() {
    for (width, height) in [(1, 1), (2, 3), (63, 5), (64, 64), (65, 7), (200, 130)] {
        let image = awkward((height, width));
        let size = Size::new(width, height);
        assert_eq!(filled(image.view(), &Warp::identity(), size), image);

        let moved = filled(image.view(), &Warp::translation(-3.0, 2.0), size);
        for ((y, x), &value) in moved.indexed_iter() {
            let inside = x >= 3 && y + 2 < height;
            assert_eq!(value, if inside { image[[y + 2, x - 3]] } else { 0.0 });
        }
    }
}

#[test]
fn right_angles_return_the_pixels_as_they_are() {
    let image = awkward((150, 230));
    let last = 149.0;
    // (x, y) to (y, 149 - x), which sine and cosine only nearly say.
    let turn = Warp::similarity(1.0, -90.0, (0.0, 0.0)).then(&Warp::translation(0.0, last));
    let turned = filled(image.view(), &turn, Size::new(150, 230));
    for ((y, x), &value) in turned.indexed_iter() {
        assert_eq!(value, image[[149 - x, y]], "at {x}, {y}");
    }
}

#[test]
fn what_is_far_off_or_nowhere_is_zero() {
    let image = Array2::from_elem((40, 300), 7u8);
    let size = Size::new(300, 40);
    let nowhere = |warp: &Warp| {
        let out = filled(image.view(), warp, size);
        assert!(out.iter().all(|&v| v == 0.0), "{warp:?}");
    };
    for far in [301.0, 2e6, 5e9, 1e18, 1e300] {
        nowhere(&Warp::translation(far, 0.0));
        nowhere(&Warp::translation(0.0, -far));
    }
    // The last entry of the product is zero, so that all others are infinite or not numbers.
    let tilt = Warp::new([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]).expect("a warp");
    let broken = Warp::translation(1.0, 0.0).then(&tilt);
    assert!(broken.rows().iter().flatten().any(|v| !v.is_finite()));
    nowhere(&broken);
}

#[test]
fn planes_too_long_for_fixed_point_are_bilinear_too() {
    let columns = LARGEST_AXIS + 200;
    let image = Array2::from_shape_fn((2, columns), |(y, x)| noise(y, x) as u8);
    let there = Warp::translation(columns as f64 - 100.3, 0.2);
    assert_bilinear(image.view(), &there, Size::new(120, 2), 255.0);
    let shorter = image
        .slice(s![.., ..LARGEST_AXIS])
        .as_standard_layout()
        .into_owned();
    let there = Warp::translation(LARGEST_AXIS as f64 - 100.3, 0.2);
    assert_bilinear(shorter.view(), &there, Size::new(120, 2), 255.0);
}

#[test]
fn views_and_bands_with_gaps_give_the_same_bytes() {
    let large = Array2::from_shape_fn((70, 500), |(y, x)| noise(y, x) as u16);
    let view = large.slice(s![5..65, 20..;2]);
    let whole = view.as_standard_layout().into_owned();
    let warp = Warp::similarity(1.01, 4.0, (100.0, 30.0));
    let canvas = Canvas::new(Size::new(240, 60), Size::new(240, 60), 9);
    let size = canvas.size();
    let mut expected = Array2::zeros(size.shape());
    let read = |plane: PlaneView<'_>, band| {
        WarpedPlane::new(plane, canvas, warp)
            .read_band(0, band)
            .expect("a band");
    };
    read(whole.view().into(), expected.view_mut());
    let mut from_view = Array2::zeros(size.shape());
    read(view.into(), from_view.view_mut());
    let mut gaps = Array2::zeros((size.height, 2 * size.width));
    read(whole.view().into(), gaps.slice_mut(s![.., ..;2]));
    assert_eq!(from_view, expected);
    assert_eq!(gaps.slice(s![.., ..;2]), expected);
}

/// The processor at hand takes one of both ways in [`fill_block`]; the other must not differ.
#[test]
fn wider_vectors_do_not_change_a_bit() {
    let size = Size::new(700, 90);
    let image = awkward((100, 800)).mapv(|v| v.clamp(-1e9, 1e9));
    let counts = image.mapv(|v| v as u8);
    for warp in [
        Warp::similarity(1.003, 0.7, (350.0, 45.0)),
        Warp::similarity(1.0, 93.0, (50.0, 45.0)),
        Warp::new([[1.0, 0.01, 3.0], [0.0, 1.0, 1.0], [1e-4, 3e-5, 1.0]]).expect("a warp"),
    ] {
        let bits = |array: &Array2<f32>| array.mapv(f32::to_bits);
        let mut plain = Array2::zeros(size.shape());
        fill_rows(image.view(), &warp.into(), 0, plain.view_mut());
        assert_eq!(bits(&plain), bits(&filled(image.view(), &warp, size)));
        fill_rows(counts.view(), &warp.into(), 0, plain.view_mut());
        assert_eq!(bits(&plain), bits(&filled(counts.view(), &warp, size)));
    }
}

proptest! {
    /// Numbers of all magnitudes: rows along the horizon, folded images, offsets that swallow slopes.
    #[test]
    fn no_warp_reads_beyond_the_plane(
        signs in 0u16..512, powers in prop::array::uniform9(-18i32..18), columns in 1usize..400,
    ) {
        let entry = |i: usize| {
            let sign = if signs >> i & 1 == 1 { -1.0 } else { 1.0 };
            sign * 10f64.powi(powers[i])
        };
        let rows = std::array::from_fn(|r| std::array::from_fn(|c| entry(3 * r + c)));
        if let Ok(warp) = Warp::new(rows) {
            let image = Array2::from_elem((30, 150), 200u8);
            let out = filled(image.view(), &warp, Size::new(columns, 40));
            prop_assert!(out.iter().all(|&v| (0.0..=200.0).contains(&v)));
        }
    }

    /// A zero of the denominator within or near the image, which has all its pixels at the same count.
    #[test]
    fn the_horizon_is_sharp(g in -0.1..0.1, h in -0.1..0.1, x in -50.0..50.0) {
        let tilted = Warp::new([[1.0, 0.2, x], [-0.1, 1.0, 3.0], [g, h, 1.0]]);
        let image = Array2::from_shape_fn((60, 200), |(y, x)| noise(y, x) as u8);
        if let Ok(warp) = tilted {
            assert_near_bilinear(image.view(), &warp);
        }
    }
}

/// Near the horizon coordinates change by pixels when they are rounded, so only where they are small is compared.
fn assert_near_bilinear(image: ArrayView2<'_, u8>, warp: &Warp) {
    for ((y, x), &value) in filled(image, warp, Size::new(210, 60)).indexed_iter() {
        let (x, y) = (x as f64, y as f64);
        let (u, v) = warp.apply(x, y);
        let sure = warp.rows()[2][0] * x + warp.rows()[2][1] * y + 1.0;
        if sure > 1e-3 {
            let expected = sample_bilinear(image, u, v);
            assert!((value - expected).abs() < 1e-3, "at {x}, {y} by {warp:?}");
        } else if sure < -1e-9 {
            assert_eq!(value, 0.0, "beyond the horizon at {x}, {y} by {warp:?}");
        }
    }
}
