//! Every option does what its name says.

use crate::{LIMIT_PX, Pair, check_with, recipe};
use e2m_align::{BoundaryOptions, TransformModel};
use e2m_fixtures::{Dust, Recipe, Section, Shape, Uptake};

#[test]
fn a_search_switched_off_keeps_its_value_and_the_contour_points_add_the_rest() {
    let turned = Recipe {
        rotation_deg: 2.5,
        magnification: 1.03,
        ..recipe(61)
    };
    let pair = Pair::new(&turned);
    let options = BoundaryOptions {
        rotation_search: false,
        scale_search: false,
        ..BoundaryOptions::default()
    };
    let found = pair.align(&options).expect("an outline");
    assert_eq!((found.rotation_deg, found.magnification), (0.0, 1.0));
    let [[a, b, _], [c, d, _], _] = found.coarse.rows();
    assert!(
        (a - 1.0).abs() < 1e-9 && (d - 1.0).abs() < 1e-9 && b.abs() < 1e-9 && c.abs() < 1e-9,
        "a mere shift: {:?}",
        found.coarse
    );
    assert!(found.icp.accepted, "{:?}", found.icp);
    assert!(pair.error(&found.warp) < LIMIT_PX, "{:?}", found.icp);
    // Each switch alone.
    let scale_only = BoundaryOptions {
        rotation_search: false,
        ..BoundaryOptions::default()
    };
    let found = pair.align(&scale_only).expect("an outline");
    assert!(
        found.rotation_deg == 0.0 && found.magnification > 1.01,
        "{found:?}"
    );
    let rotation_only = BoundaryOptions {
        scale_search: false,
        ..BoundaryOptions::default()
    };
    let found = pair.align(&rotation_only).expect("an outline");
    assert!(
        found.magnification == 1.0 && found.rotation_deg > 2.0,
        "{found:?}"
    );
}

#[test]
fn every_angle_at_one_resolution_gives_the_same_answer() {
    let turned = Recipe {
        width: 640,
        height: 520,
        rotation_deg: -12.4,
        magnification: 0.93,
        ..recipe(71)
    };
    let pair = Pair::new(&turned);
    let fine = BoundaryOptions {
        smooth_px: 6,
        width_px: 8,
        ..BoundaryOptions::default()
    };
    let brute = BoundaryOptions {
        multiscale: false,
        ..fine.clone()
    };
    let [a, b] = [fine, brute].map(|o| pair.align(&o).expect("an outline"));
    assert!(
        a.coarse.max_distance(&b.coarse, pair.size()) < 0.05,
        "{a:?}\n{b:?}"
    );
    assert!(a.warp.max_distance(&b.warp, pair.size()) < 0.02);
    assert!((a.correlation - b.correlation).abs() < 1e-4);
}

#[test]
fn without_edges_the_images_themselves_are_correlated() {
    let whole = BoundaryOptions {
        use_edges: false,
        ..BoundaryOptions::default()
    };
    let turned = Recipe {
        rotation_deg: -9.0,
        magnification: 1.05,
        ..recipe(81)
    };
    let found = check_with("with an outline", &turned, &whole);
    assert!(!found.outlines[0].paths.is_empty());
    // And a section without an outline, where there are no contour points to fit.
    let filling = Recipe {
        section: Section {
            shape: Shape::FrameFilling,
            ..Section::default()
        },
        rotation_deg: 6.0,
        ..recipe(82)
    };
    let pair = Pair::new(&filling);
    let found = pair.align(&whole).expect("brightness to correlate");
    assert!(pair.error(&found.warp) < 15.0, "{found:?}");
    assert!(!found.icp.accepted && found.warp == found.coarse);
    assert!(
        found.icp.reasons[0].contains("no outline"),
        "{:?}",
        found.icp
    );
}

#[test]
fn the_ring_has_the_width_and_softness_asked_for() {
    let turned = Recipe {
        dust: Some(Dust::default()),
        rotation_deg: 5.0,
        ..recipe(91)
    };
    let correlations = [(4, 1), (15, 10), (40, 30)].map(|(width_px, smooth_px)| {
        let options = BoundaryOptions {
            width_px,
            smooth_px,
            ..BoundaryOptions::default()
        };
        check_with("rings", &turned, &options).correlation
    });
    // Dust bends a fine ring more than a broad one.
    assert!(
        correlations[0] + 0.02 < correlations[1] && correlations[1] < correlations[2],
        "{correlations:?}"
    );
}

#[test]
fn what_the_contour_points_add_is_limited_and_a_rejection_says_why() {
    let turned = Recipe {
        rotation_deg: 3.0,
        shear: 0.03,
        ..recipe(101)
    };
    let pair = Pair::new(&turned);
    let still = BoundaryOptions {
        rotation_search: false,
        max_rotation_deg: 1.0,
        ..BoundaryOptions::default()
    };
    let found = pair.align(&still).expect("an outline");
    assert!(!found.icp.accepted && found.warp == found.coarse);
    let reasons = found.icp.reasons.join("; ");
    assert!(reasons.contains("max_rotation is 1"), "{reasons}");
    // With the usual limits the shear is fitted too.
    let found = pair.align(&BoundaryOptions::default()).expect("an outline");
    assert!(
        found.icp.accepted && found.icp.model == TransformModel::Affine,
        "{:?}",
        found.icp
    );
    assert!(pair.error(&found.coarse) > 3.0 && pair.error(&found.warp) < LIMIT_PX);
    assert!(found.icp.matched > 2000 && found.icp.rms_px < 2.0 && found.icp.iterations <= 20);
}

#[test]
fn the_refinement_by_brightness_improves_what_outlines_cannot_tell() {
    // A defocused outline seems to lie further out, so that the section looks larger than it is.
    let blurred = Recipe {
        defocus_post_px: 4.0,
        rotation_deg: 4.0,
        magnification: 1.06,
        uptake: Some(Uptake {
            share: 0.25,
            counts: 50.0,
        }),
        brightness: 0.8,
        ..recipe(111)
    };
    let pair = Pair::new(&blurred);
    let refined = |change: fn(&mut BoundaryOptions)| {
        let mut options = BoundaryOptions {
            fine_ecc: true,
            ..BoundaryOptions::default()
        };
        change(&mut options);
        pair.align(&options).expect("an outline")
    };
    let plain = pair.align(&BoundaryOptions::default()).expect("an outline");
    assert!(plain.ecc.is_none());
    let before = pair.error(&plain.warp);
    for down_scale in [0.3, 0.5] {
        let fine = match down_scale {
            0.3 => refined(|_| {}),
            _ => refined(|o| o.down_scale = 0.5),
        };
        let report = fine.ecc.as_ref().expect("it was asked for");
        assert!(report.accepted, "{report:?}");
        assert!(report.correlation > report.start_correlation, "{report:?}");
        assert_eq!(report.resolution, down_scale);
        let after = pair.error(&fine.warp);
        assert!(after < 0.5 * before, "{down_scale}: {before} {after}");
    }
    // It is held to the limits as well.
    let held = refined(|o| o.max_scale_delta = 1e-4);
    let report = held.ecc.as_ref().expect("it was asked for");
    assert!(!report.accepted, "{report:?}");
    assert!(
        report.reasons[0].contains("max_scale_delta is 0.0001"),
        "{report:?}"
    );
}
