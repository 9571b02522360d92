//! The truth is exact: measured on rendered pixels, post and pre lie on each other to less than 0.005 px.
//!
//! The measurement knows nothing of how the images were made. It samples pre at the positions the truth states, by
//! windowed sinc interpolation, and solves for the shift of each tile that is left, by least squares.
#![expect(
    clippy::print_stdout,
    reason = "the figures are there to be read with --nocapture"
)]

use e2m_fixtures::{Deformation, Microbes, Recipe, Section, Shape, World};
use e2m_image::{PixelType, Plane, Size, Warp};
use ndarray::Array2;

/// A pair without anything but the section: no stain, no noise, no rounding, no gain.
fn bare(recipe: Recipe) -> Recipe {
    Recipe {
        gain: 1.0,
        noise_counts: 0.0,
        pixel: PixelType::F32,
        microbes: Microbes {
            per_megapixel: 0.0,
            ..Microbes::default()
        },
        ..recipe
    }
}

fn floats(plane: Plane) -> Array2<f32> {
    match plane {
        Plane::F32(array) => array,
        other => panic!("{} pixels", other.pixel_type()),
    }
}

/// Sinc interpolation over 24 x 24 pixels with Blackman's window, whose error is far below what is measured.
fn sample(image: &Array2<f32>, x: f64, y: f64) -> Option<f64> {
    use std::f64::consts::PI;
    const A: i32 = 12;
    let kernel = |t: f64| {
        let w = PI * t / f64::from(A);
        let window = 0.42 + 0.5 * w.cos() + 0.08 * (2.0 * w).cos();
        if t == 0.0 {
            1.0
        } else {
            (PI * t).sin() / (PI * t) * window
        }
    };
    let (x0, y0) = (x.floor(), y.floor());
    let weights = |f: f64| -> Vec<f64> { (1 - A..=A).map(|i| kernel(f - f64::from(i))).collect() };
    let (wx, wy) = (weights(x - x0), weights(y - y0));
    let (mut sum, mut total) = (0.0, 0.0);
    for (j, wy) in wy.iter().enumerate() {
        for (i, wx) in wx.iter().enumerate() {
            let column = usize::try_from(x0 as i64 + i as i64 + 1 - i64::from(A)).ok()?;
            let row = usize::try_from(y0 as i64 + j as i64 + 1 - i64::from(A)).ok()?;
            sum += wx * wy * f64::from(*image.get((row, column))?);
            total += wx * wy;
        }
    }
    Some(sum / total)
}

const TILE: usize = 48;

/// The shift in post px by which pre, sampled at `position`, is off in the tile at `(x0, y0)`.
fn residual(
    post: &Array2<f32>,
    pre: &Array2<f32>,
    (x0, y0): (usize, usize),
    position: impl Fn(f64, f64) -> (f64, f64),
) -> Option<(f64, f64)> {
    let (mut xx, mut xy, mut yy, mut xd, mut yd) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for y in y0..y0 + TILE {
        for x in x0..x0 + TILE {
            let at = |x: usize, y: usize| f64::from(post[(y, x)]);
            let gx = 0.5 * (at(x + 1, y) - at(x - 1, y));
            let gy = 0.5 * (at(x, y + 1) - at(x, y - 1));
            let (u, v) = position(x as f64, y as f64);
            let d = sample(pre, u, v)? - at(x, y);
            xx += gx * gx;
            xy += gx * gy;
            yy += gy * gy;
            xd += gx * d;
            yd += gy * d;
        }
    }
    let det = xx * yy - xy * xy;
    Some(((yy * xd - xy * yd) / det, (xx * yd - xy * xd) / det))
}

/// The residual of every tile on the section.
fn residuals(
    recipe: &Recipe,
    position: impl Fn(&World, f64, f64) -> (f64, f64),
) -> Vec<(f64, f64)> {
    let world = World::new(recipe).expect("a world");
    let (post, pre) = (floats(world.render_post()), floats(world.render_pre()));
    let Size { width, height } = recipe.post_size();
    let mut found = Vec::new();
    for y in (8..height - TILE - 8).step_by(70) {
        for x in (8..width - TILE - 8).step_by(70) {
            let middle = ((x + TILE / 2) as f64, (y + TILE / 2) as f64);
            if world.depth_at(middle.0, middle.1) > TILE as f64 {
                found.extend(residual(&post, &pre, (x, y), |x, y| position(&world, x, y)));
            }
        }
    }
    assert!(found.len() >= 15, "only {} tiles", found.len());
    found
}

/// Length of the mean residual, and median and largest length.
fn summary(residuals: &[(f64, f64)]) -> (f64, f64, f64) {
    let n = residuals.len() as f64;
    let mean = residuals
        .iter()
        .fold((0.0, 0.0), |m, r| (m.0 + r.0 / n, m.1 + r.1 / n));
    let mut lengths: Vec<f64> = residuals.iter().map(|r| r.0.hypot(r.1)).collect();
    lengths.sort_by(f64::total_cmp);
    (
        mean.0.hypot(mean.1),
        lengths[lengths.len() / 2],
        lengths[lengths.len() - 1],
    )
}

fn cases() -> Vec<(&'static str, Recipe)> {
    let small = Recipe {
        width: 720,
        height: 600,
        seed: 5,
        ..Recipe::default()
    };
    let frame_filling = Section {
        shape: Shape::FrameFilling,
        ..Section::default()
    };
    let case = |name, recipe| (name, bare(recipe));
    vec![
        case(
            "shift",
            Recipe {
                shift_fraction: [0.0123, -0.0077],
                ..small.clone()
            },
        ),
        case(
            "rotation 3",
            Recipe {
                rotation_deg: 3.0,
                ..small.clone()
            },
        ),
        case(
            "rotation 40",
            Recipe {
                rotation_deg: 40.0,
                ..small.clone()
            },
        ),
        case(
            "rotation 180",
            Recipe {
                rotation_deg: 180.3,
                ..small.clone()
            },
        ),
        case(
            "magnification 0.7",
            Recipe {
                magnification: 0.7,
                rotation_deg: 4.0,
                ..small.clone()
            },
        ),
        case(
            "magnification 1.15",
            Recipe {
                magnification: 1.15,
                rotation_deg: -6.0,
                ..small.clone()
            },
        ),
        case(
            "shear",
            Recipe {
                shear: 0.02,
                rotation_deg: 1.0,
                ..small.clone()
            },
        ),
        case(
            "perspective",
            Recipe {
                perspective: [0.02, -0.015],
                rotation_deg: 2.0,
                ..small.clone()
            },
        ),
        case(
            "different sizes",
            Recipe {
                pre_width: Some(811),
                pre_height: Some(640),
                rotation_deg: 5.0,
                ..small.clone()
            },
        ),
        case(
            "frame filling",
            Recipe {
                section: frame_filling,
                rotation_deg: 7.0,
                magnification: 0.93,
                ..small.clone()
            },
        ),
        case(
            "deformed",
            Recipe {
                rotation_deg: 3.0,
                deformation: Some(Deformation {
                    amplitude_px: 5.0,
                    length_fraction: 0.25,
                }),
                ..small.clone()
            },
        ),
        case(
            "mirrored",
            Recipe {
                pre_world: e2m_fixtures::PreWorld::Mirrored,
                ..small
            },
        ),
    ]
}

#[test]
fn truth_is_exact_to_5_thousandths_of_a_pixel() {
    for (name, recipe) in cases() {
        let found = residuals(&recipe, World::pre_position);
        let (mean, median, largest) = summary(&found);
        println!(
            "{name:20} {:3} tiles  mean {mean:.5}  median {median:.5}  largest {largest:.5} px",
            found.len()
        );
        assert!(mean < 0.001, "{name}: {mean} px on the mean");
        assert!(median < 0.0025, "{name}: {median} px in the median");
        assert!(largest < 0.01, "{name}: {largest} px at worst");
    }
}

#[test]
fn the_measurement_sees_2_hundredths_of_a_pixel() {
    for (name, recipe) in cases().into_iter().take(3) {
        let off = Warp::translation(0.02, 0.0);
        let found = residuals(&recipe, |world, x, y| {
            let (x, y) = off.apply(x, y);
            world.pre_position(x, y)
        });
        let (mean, median, _) = summary(&found);
        // Central differences are a little less than the slope of the finest texture, so that shifts come out a little
        // more than they are.
        assert!((0.019..0.025).contains(&mean), "{name}: {mean}");
        assert!(median > 0.015, "{name}: {median}");
    }
}

#[test]
fn sample_points_are_many_spread_and_the_rendered_positions() {
    for (name, recipe) in cases() {
        let world = World::new(&recipe).expect("a world");
        let truth = world.truth();
        assert!(truth.points.len() >= 400, "{name}: {}", truth.points.len());
        for [x, y, u, v] in &truth.points {
            assert_eq!(world.pre_position(*x, *y), (*u, *v));
            assert!(world.depth_at(*x, *y) > 0.0);
            let (bx, by) = world.post_position(*u, *v);
            assert!((bx - x).hypot(by - y) < 1e-6);
        }
        let widest = |i: usize| {
            let values = truth.points.iter().map(|p| p[i]);
            values.clone().fold(f64::MIN, f64::max) - values.fold(f64::MAX, f64::min)
        };
        assert!(widest(0) > 300.0 && widest(1) > 250.0, "{name}");
    }
}

#[test]
fn registration_error_is_in_post_pixels() {
    let recipe = bare(Recipe {
        width: 800,
        height: 600,
        magnification: 0.5,
        ..Recipe::default()
    });
    let truth = World::new(&recipe).expect("a world").truth();
    assert!(truth.registration_error(&truth.warp).max_px < 1e-9);
    // Three px off in post are one and a half in pre; they count as three.
    let off = Warp::translation(3.0, 0.0).then(&truth.warp);
    let error = truth.registration_error(&off);
    for px in [error.mean_px, error.median_px, error.p90_px, error.max_px] {
        assert!((px - 3.0).abs() < 1e-9);
    }
}

#[test]
fn deformation_is_what_the_best_homography_leaves() {
    let (_, recipe) = cases().remove(10);
    let truth = World::new(&recipe).expect("a world").truth();
    let error = truth.registration_error(&truth.warp);
    assert!((1.0..5.0).contains(&error.mean_px), "{error:?}");
    assert!((2.5..5.1).contains(&error.max_px), "{error:?}");
}

#[test]
fn pairs_that_do_not_belong_together_say_so() {
    use e2m_fixtures::PreWorld;
    for pre_world in [
        PreWorld::OtherRock,
        PreWorld::Noise,
        PreWorld::Blank,
        PreWorld::Constant,
    ] {
        let recipe = bare(Recipe {
            width: 300,
            height: 300,
            pre_world,
            ..Recipe::default()
        });
        let world = World::new(&recipe).expect("a world");
        let truth = world.truth();
        assert!(!truth.belongs_together && truth.points.is_empty());
        let (post, pre) = (floats(world.render_post()), floats(world.render_pre()));
        assert_ne!(post, pre);
        let spread = pre.iter().fold(f32::MIN, |a, &b| a.max(b))
            - pre.iter().fold(f32::MAX, |a, &b| a.min(b));
        let flat = matches!(pre_world, PreWorld::Blank | PreWorld::Constant);
        assert_eq!(spread == 0.0, flat, "{pre_world:?}");
    }
}
