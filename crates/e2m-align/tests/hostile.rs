//! Images that no microscope takes: whatever they hold, [`align`] answers, and OpenCV never gets what it would abort on.
//!
//! What it answers is not fixed here: an error, or a warp with a verdict. A panic would end this process, and so would an
//! abort within OpenCV.

use e2m_align::{AlignError, AlignOptions, CoarseMethod, align};
use ndarray::Array2;

const SIDE: usize = 160;

/// A section with texture on empty glass, in counts.
fn section(height: usize, width: usize) -> Array2<f32> {
    let wave = |x: f64, y: f64, n: f64, p: f64| {
        ((x * 0.13 * n + p).sin() * (y * 0.11 * n - p).cos() * 17.3).sin()
    };
    Array2::from_shape_fn((height, width), |(y, x)| {
        let (x, y) = (x as f64, y as f64);
        let (dx, dy) = (x - width as f64 / 2.0, y - height as f64 / 2.0);
        let inside = dx.hypot(dy) < 0.4 * height.min(width) as f64;
        let texture = 120.0 + 40.0 * wave(x, y, 1.0, 0.3) + 30.0 * wave(x, y, 2.3, 1.7);
        if inside { texture as f32 } else { 4.0 }
    })
}

fn good() -> Array2<f32> {
    section(SIDE, SIDE)
}

/// The section with some of its pixels replaced.
fn with(value: f32, which: impl Fn(usize, usize) -> bool) -> Array2<f32> {
    let mut image = good();
    for ((y, x), pixel) in image.indexed_iter_mut() {
        if which(x, y) {
            *pixel = value;
        }
    }
    image
}

fn flat(value: f32) -> Array2<f32> {
    Array2::from_elem((SIDE, SIDE), value)
}

/// Names and images.
fn hostile() -> Vec<(&'static str, Array2<f32>)> {
    let checkers = |a: f32, b: f32| {
        Array2::from_shape_fn((SIDE, SIDE), |(y, x)| if (x + y) % 2 == 0 { a } else { b })
    };
    vec![
        ("one pixel", flat(1.0).slice_move(ndarray::s![..1, ..1])),
        ("one row", section(1, 300)),
        ("one column", section(300, 1)),
        ("a strip of 24 px", section(24, 700)),
        ("smaller than a tile", section(25, 26)),
        ("just too small", section(23, 23)),
        ("zeros", flat(0.0)),
        ("the largest number", flat(f32::MAX)),
        ("nothing but NaN", flat(f32::NAN)),
        ("nothing but infinity", flat(f32::INFINITY)),
        ("nothing but minus infinity", flat(f32::NEG_INFINITY)),
        (
            "one pixel that is no number",
            with(f32::NAN, |x, y| (x, y) == (80, 80)),
        ),
        (
            "one pixel of infinity",
            with(f32::INFINITY, |x, y| (x, y) == (80, 80)),
        ),
        ("half of it no number", with(f32::NAN, |x, _| x < SIDE / 2)),
        (
            "half of it infinite",
            with(f32::INFINITY, |x, _| x < SIDE / 2),
        ),
        (
            "glass that is no number",
            with(f32::NAN, |x, y| {
                (x as f64 - 80.0).hypot(y as f64 - 80.0) >= 64.0
            }),
        ),
        (
            "a section that is infinite",
            with(f32::INFINITY, |x, y| {
                (x as f64 - 80.0).hypot(y as f64 - 80.0) < 64.0
            }),
        ),
        (
            "one pixel of the largest number",
            with(f32::MAX, |x, y| (x, y) == (80, 80)),
        ),
        ("one bright pixel on nothing", {
            let mut image = flat(0.0);
            image[(80, 80)] = 1.0;
            image
        }),
        ("the least numbers", good().mapv(|v| v * 1e-42)),
        ("huge numbers", good().mapv(|v| v * 1e36)),
        ("all negative", good().mapv(|v| -v)),
        ("both ends of the range", checkers(f32::MIN, f32::MAX)),
        (
            "infinities of both signs",
            checkers(f32::INFINITY, f32::NEG_INFINITY),
        ),
        ("a checkerboard", checkers(0.0, 255.0)),
        (
            "saturated",
            good().mapv(|v| if v > 5.0 { 65535.0 } else { 0.0 }),
        ),
    ]
}

/// What came of a pair; a failure of OpenCV is none that a user could do anything about.
fn outcome(name: &str, post: &Array2<f32>, pre: &Array2<f32>, options: &AlignOptions) {
    match align(post.view(), pre.view(), options) {
        Ok(found) => {
            let numbers = found.warp.rows().concat();
            assert!(numbers.iter().all(|v| v.is_finite()), "{name}: {numbers:?}");
        }
        Err(AlignError::OpenCv(error)) => panic!("{name}: it reached OpenCV, which says {error}"),
        Err(error) => assert!(!error.to_string().is_empty(), "{name}"),
    }
}

#[test]
fn any_image_beside_a_good_one_is_answered() {
    let good = good();
    for (name, image) in e2m_testing::sample("odd images beside a good one", hostile(), 6) {
        outcome(name, &image, &good, &AlignOptions::default());
        outcome(name, &good, &image, &AlignOptions::default());
    }
}

#[test]
fn any_image_beside_itself_is_answered_by_either_way() {
    for method in [CoarseMethod::Features, CoarseMethod::Boundary] {
        let options = AlignOptions {
            methods: vec![method],
            ..AlignOptions::default()
        };
        for (name, image) in hostile() {
            outcome(name, &image, &image, &options);
        }
    }
}

#[test]
fn brightness_is_compared_although_it_is_hostile() {
    let mut options = AlignOptions {
        methods: vec![CoarseMethod::Boundary],
        ..AlignOptions::default()
    };
    options.boundary.fine_ecc = true;
    for (name, image) in hostile() {
        outcome(name, &image, &good(), &options);
    }
}

#[test]
fn integers_at_their_ends_are_answered() {
    let (black, white) = (
        Array2::<u8>::zeros((60, 60)),
        Array2::from_elem((60, 60), 255_u8),
    );
    let edge = Array2::from_shape_fn((60, 60), |(_, x)| if x < 30 { 0 } else { u16::MAX });
    let options = AlignOptions::default();
    assert!(align(black.view(), white.view(), &options).is_err());
    assert!(align(edge.view(), black.view(), &options).is_err());
    assert!(align(edge.view(), edge.view(), &options).is_err());
}
