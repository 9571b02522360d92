//! Pairs without an answer, and answers that depend on nothing but the pair.

use crate::{Pair, recipe};
use e2m_align::{AlignError, BoundaryOptions, OutlineFlaw, Side, align_boundary, outline_applies};
use e2m_fixtures::{Dust, PreWorld, Recipe, Section, Shape};
use ndarray::Array2;

#[test]
fn sections_without_an_outline_are_told_apart_cheaply() {
    let filling = Recipe {
        section: Section {
            shape: Shape::FrameFilling,
            ..Section::default()
        },
        ..recipe(121)
    };
    let pair = Pair::new(&filling);
    let applies = outline_applies(pair.post.view(), pair.pre.view(), pair.factor);
    let Err(AlignError::NoOutline { side, flaw }) = applies else {
        panic!("{applies:?}");
    };
    assert_eq!(side, Side::Post);
    assert!(
        matches!(
            flaw,
            OutlineFlaw::FillsFrame { .. } | OutlineFlaw::NoGlass { .. }
        ),
        "{flaw:?}"
    );
    let error = pair
        .align(&BoundaryOptions::default())
        .expect_err("no outline");
    let text = error.to_string();
    assert!(
        text.starts_with("the post image shows no outline"),
        "{text}"
    );
    let good = Pair::new(&recipe(122));
    assert!(outline_applies(good.post.view(), good.pre.view(), 1).is_ok());
    let noise = Recipe {
        pre_world: PreWorld::Noise,
        ..recipe(123)
    };
    let pair = Pair::new(&noise);
    let applies = outline_applies(pair.post.view(), pair.pre.view(), 1);
    assert!(
        matches!(
            applies,
            Err(AlignError::NoOutline {
                side: Side::Pre,
                ..
            })
        ),
        "{applies:?}"
    );
}

#[test]
fn degenerate_images_and_options_are_named() {
    let good = Pair::new(&recipe(131)).post;
    let options = BoundaryOptions::default();
    let flat = Array2::from_elem((300, 400), 7.0f32);
    let blank = align_boundary(good.view(), flat.view(), 1, &options);
    assert!(
        matches!(
            blank,
            Err(AlignError::Blank {
                side: Side::Pre,
                ..
            })
        ),
        "{blank:?}"
    );
    let void = Array2::from_elem((300, 400), f32::NAN);
    assert!(align_boundary(void.view(), good.view(), 1, &options).is_err());
    for shape in [(0, 0), (1, 500), (47, 600)] {
        let tiny = Array2::<f32>::zeros(shape);
        let small = align_boundary(tiny.view(), good.view(), 2, &options);
        assert!(
            matches!(
                small,
                Err(AlignError::TooSmall {
                    side: Side::Post,
                    least: 96,
                    ..
                })
            ),
            "{shape:?}: {small:?}"
        );
    }
    let senseless = BoundaryOptions {
        scale_step: 0.0,
        ..options
    };
    let refused = align_boundary(good.view(), good.view(), 1, &senseless);
    assert!(
        matches!(
            refused,
            Err(AlignError::Option {
                name: "scale_step",
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn different_sections_are_not_called_aligned() {
    for (seed, pre_world) in [(141, PreWorld::OtherRock), (142, PreWorld::Mirrored)] {
        let strangers = Recipe {
            pre_world,
            ..recipe(seed)
        };
        let found = Pair::new(&strangers)
            .align(&BoundaryOptions::default())
            .expect("two outlines");
        assert!(!found.icp.accepted, "{:?}", found.icp);
        assert!(found.correlation < 0.75, "{}", found.correlation);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let hard = Recipe {
        width: 900,
        height: 700,
        rotation_deg: 6.0,
        noise_counts: 6.0,
        dust: Some(Dust::default()),
        ..recipe(151)
    };
    let pair = Pair::new(&hard);
    let warps = [1, 2, 5].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        let found = pool.install(|| pair.align(&BoundaryOptions::default()));
        found.expect("an outline").warp
    });
    assert_eq!(warps[0], warps[1]);
    assert_eq!(warps[0], warps[2]);
}
