//! What pairs of images differ by.

use crate::{LIMIT_PX, Pair, check, check_with, recipe};
use e2m_align::{BoundaryOptions, TransformModel};
use e2m_fixtures::{Bleaching, Dust, Recipe, Section, Shape, Uptake, Vignetting};

#[test]
fn magnifications_and_rotations_to_the_ends_of_their_ranges() {
    let cases = [
        (1, 0.85, 18.0),
        (2, 0.85, -20.0),
        (3, 0.92, -11.0),
        (4, 1.0, 20.0),
        (5, 1.05, -18.0),
        (6, 1.15, 18.0),
        (7, 1.15, -7.0),
    ];
    for (seed, magnification, rotation_deg) in cases {
        let turned = Recipe {
            magnification,
            rotation_deg,
            shift_fraction: [0.03, -0.04],
            ..recipe(seed)
        };
        let found = check(&format!("{magnification} {rotation_deg}"), &turned);
        // Already the rings say so, with the sign and the sense of the warp from post to pre.
        assert!((found.rotation_deg - rotation_deg).abs() < 0.3, "{found:?}");
        assert!((found.magnification - magnification).abs() < 0.01);
    }
}

#[test]
fn a_wider_range_finds_wider_rotations() {
    let wide = BoundaryOptions {
        angle_range_deg: 60.0,
        ..BoundaryOptions::default()
    };
    for (seed, rotation_deg, magnification) in [(11, 45.0, 1.08), (12, -58.0, 0.9)] {
        let turned = Recipe {
            rotation_deg,
            magnification,
            ..recipe(seed)
        };
        check_with(&format!("{rotation_deg}"), &turned, &wide);
    }
}

#[test]
fn shifts_of_a_tenth_and_images_of_different_sizes() {
    let cut_by_the_frame = Recipe {
        shift_fraction: [0.1, -0.1],
        magnification: 1.1,
        rotation_deg: 9.0,
        ..recipe(21)
    };
    let found = check("cut by the frame", &cut_by_the_frame);
    assert!(found.outlines[1].frame_share > 0.05, "pre is cut");
    let different = Recipe {
        pre_width: Some(1300),
        pre_height: Some(1450),
        shift_fraction: [-0.1, 0.05],
        rotation_deg: -13.0,
        ..recipe(22)
    };
    check("different sizes", &different);
}

#[test]
fn what_real_pairs_suffer_from() {
    let half = |centre| {
        Some(Vignetting {
            strength: 0.5,
            centre,
        })
    };
    let uptake = Some(Uptake {
        share: 0.25,
        counts: 50.0,
    });
    let bleaching = Some(Bleaching {
        share: 0.3,
        loss: 0.4,
    });
    let turned = |seed| Recipe {
        rotation_deg: 8.0,
        magnification: 0.96,
        ..recipe(seed)
    };
    let noise = Recipe {
        noise_counts: 12.0,
        ..turned(31)
    };
    let vignetting = Recipe {
        vignetting_post: half([0.3, 0.4]),
        vignetting_pre: half([0.7, 0.6]),
        ..turned(32)
    };
    let stain = Recipe {
        uptake,
        brightness: 0.8,
        ..turned(33)
    };
    let bleached = Recipe {
        bleaching,
        ..turned(34)
    };
    let dust = Recipe {
        dust: Some(Dust::default()),
        ..turned(35)
    };
    let defocus = Recipe {
        defocus_post_px: 2.5,
        ..turned(36)
    };
    let dim = Recipe {
        gain: 3.0,
        brightness: 0.3,
        ..turned(37)
    };
    let everything = Recipe {
        noise_counts: 8.0,
        vignetting_post: half([0.35, 0.4]),
        vignetting_pre: half([0.65, 0.6]),
        uptake,
        bleaching,
        dust: Some(Dust::default()),
        defocus_post_px: 2.5,
        gain: 2.0,
        brightness: 0.6,
        shift_fraction: [0.05, 0.05],
        ..turned(38)
    };
    for (name, recipe) in [
        ("noise", noise),
        ("vignetting", vignetting),
        ("uptake", stain),
        ("bleaching", bleached),
        ("dust", dust),
        ("defocus", defocus),
        ("dim, gain 3", dim),
        ("everything", everything),
    ] {
        check(name, &recipe);
    }
}

#[test]
fn large_images_by_their_previews() {
    let large = Recipe {
        width: 4700,
        height: 3900,
        rotation_deg: 17.0,
        magnification: 1.12,
        noise_counts: 4.0,
        shift_fraction: [0.04, -0.03],
        ..recipe(41)
    };
    let pair = Pair::new(&large);
    assert_eq!(pair.factor, 3);
    let found = pair.align(&BoundaryOptions::default()).expect("an outline");
    assert!(pair.error(&found.warp) < LIMIT_PX, "{found:?}");
    let [post, pre] = &found.outlines;
    assert!(
        post.paths.iter().flatten().any(|p| p[0] > 3000.0) && pre.pieces == 1,
        "outlines are in full-resolution px"
    );
}

#[test]
fn a_sheared_and_a_tilted_section() {
    let sheared = Recipe {
        shear: 0.02,
        rotation_deg: 5.0,
        ..recipe(45)
    };
    let found = check("sheared", &sheared);
    assert_eq!(found.icp.model, TransformModel::Affine);
    let tilted = Recipe {
        perspective: [0.02, -0.015],
        rotation_deg: -5.0,
        ..recipe(46)
    };
    let found = check("tilted", &tilted);
    assert_eq!(found.icp.model, TransformModel::Projective);
}

#[test]
fn several_pieces_are_all_followed() {
    let pieces = Recipe {
        section: Section {
            shape: Shape::Pieces,
            pieces: 4,
            ..Section::default()
        },
        rotation_deg: 7.0,
        magnification: 1.04,
        ..recipe(51)
    };
    let found = check("pieces", &pieces);
    assert_eq!(found.outlines.map(|o| o.pieces), [4, 4]);
}
