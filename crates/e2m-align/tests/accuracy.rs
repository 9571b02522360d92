//! Registration error on generated pairs, whose truth is known.

use e2m_align::{AlignError, AlignOptions, Alignment, align};
use e2m_fixtures::{PreWorld, Recipe, Section, Shape, Vignetting, World};
use e2m_image::PixelType;

/// Clean pairs: mean distance, in px, between where the found and the true warp send points all over the section.
const CLEAN_PX: f64 = 0.01;
/// The same for pairs with noise, blur and uneven light.
const HARD_PX: f64 = 0.1;

fn recipe(seed: u64) -> Recipe {
    Recipe {
        width: 1500,
        height: 1200,
        seed,
        gain: 1.3,
        ..Recipe::default()
    }
}

fn check(name: &str, recipe: &Recipe, limit_px: f64) {
    let world = World::new(recipe).expect("a valid recipe");
    let (post, pre) = (world.render_post(), world.render_pre());
    let alignment: Alignment =
        align(&post, &pre, &AlignOptions::default()).expect("a pair of one section");
    let error = world.truth().registration_error(&alignment.warp).mean_px;
    assert!(
        error <= limit_px,
        "{name}: {error:.4} px, allowed {limit_px}; {alignment:?}"
    );
    assert_eq!(alignment.refinement.rejected, None, "{name}");
    let residual = alignment.residual.expect("tiles to judge by");
    assert!(residual.median_px < 0.1, "{name}: {residual:?}");
    assert!(
        residual.measured * 2 > residual.tiles,
        "{name}: {residual:?}"
    );
}

#[test]
fn any_rotation() {
    for (seed, rotation_deg) in [(1, 0.0), (2, 18.0), (3, -90.0), (4, 180.0)] {
        let recipe = Recipe {
            rotation_deg,
            shift_fraction: [0.03, -0.02],
            ..recipe(seed)
        };
        check(&format!("rotation {rotation_deg}"), &recipe, CLEAN_PX);
    }
}

#[test]
fn magnification_shear_and_pixel_types() {
    check(
        "magnification 0.7",
        &Recipe {
            magnification: 0.7,
            ..recipe(5)
        },
        CLEAN_PX,
    );
    check(
        "magnification 1.4",
        &Recipe {
            magnification: 1.4,
            ..recipe(6)
        },
        CLEAN_PX,
    );
    check(
        "shear 0.02",
        &Recipe {
            shear: 0.02,
            ..recipe(7)
        },
        CLEAN_PX,
    );
    check(
        "16 bit",
        &Recipe {
            pixel: PixelType::U16,
            rotation_deg: 4.0,
            ..recipe(8)
        },
        CLEAN_PX,
    );
    let different = Recipe {
        pre_width: Some(1300),
        pre_height: Some(1350),
        ..recipe(9)
    };
    check("different sizes", &different, CLEAN_PX);
}

#[test]
fn what_real_pairs_suffer_from() {
    let frame_filling = Section {
        shape: Shape::FrameFilling,
        ..Section::default()
    };
    check(
        "frame filling",
        &Recipe {
            section: frame_filling,
            ..recipe(11)
        },
        CLEAN_PX,
    );
    check(
        "noise",
        &Recipe {
            noise_counts: 12.0,
            ..recipe(12)
        },
        HARD_PX,
    );
    check(
        "defocus",
        &Recipe {
            defocus_post_px: 2.5,
            ..recipe(13)
        },
        HARD_PX,
    );
    let vignetting = Some(Vignetting {
        strength: 0.5,
        centre: [0.4, 0.55],
    });
    check(
        "vignetting",
        &Recipe {
            vignetting_post: vignetting,
            rotation_deg: 6.0,
            ..recipe(14)
        },
        HARD_PX,
    );
}

#[test]
fn images_of_different_rocks_are_refused() {
    for pre_world in [
        PreWorld::OtherRock,
        PreWorld::Noise,
        PreWorld::Blank,
        PreWorld::Mirrored,
    ] {
        let world = World::new(&Recipe {
            pre_world,
            ..recipe(21)
        })
        .expect("a valid recipe");
        let result = align(
            &world.render_post(),
            &world.render_pre(),
            &AlignOptions::default(),
        );
        assert!(
            matches!(
                result,
                Err(AlignError::FewMatches { .. }
                    | AlignError::FewFeatures { .. }
                    | AlignError::Blank { .. }
                    | AlignError::Implausible { .. })
            ),
            "{pre_world:?}: {result:?}"
        );
    }
}
