//! The boundary alignment on generated pairs, whose truth is known.

use e2m_align::{
    AlignError, BoundaryAlignment, BoundaryOptions, OutlineFlaw, Side, align_boundary,
    outline_applies,
};
use e2m_fixtures::{
    Bleaching, Dust, PreWorld, Recipe, Section, Shape, Truth, Uptake, Vignetting, World,
};
use e2m_image::{BlockMean, Plane, PlaneSource, Size, Warp, preview_factor, stream_bands};
use ndarray::Array2;
use std::ops::ControlFlow;

/// Mean distance, in full-resolution px, between where the found and the true warp send points all over the section.
/// Five would do for what comes after.
const LIMIT_PX: f64 = 1.0;
/// The longer side of the previews at most, as in the pipeline.
const PREVIEW_PX: usize = 1600;

/// Two previews and the truth about them.
struct Pair {
    post: Array2<f32>,
    pre: Array2<f32>,
    factor: usize,
    truth: Truth,
}

impl Pair {
    fn new(recipe: &Recipe) -> Self {
        let world = World::new(recipe).expect("a valid recipe");
        let larger = recipe.post_size().max(recipe.pre_size());
        let factor = preview_factor(larger, PREVIEW_PX);
        Self {
            post: reduced(&world.render_post(), factor),
            pre: reduced(&world.render_pre(), factor),
            factor,
            truth: world.truth(),
        }
    }

    fn align(&self, options: &BoundaryOptions) -> Result<BoundaryAlignment, AlignError> {
        align_boundary(self.post.view(), self.pre.view(), self.factor, options)
    }

    fn error(&self, warp: &Warp) -> f64 {
        self.truth.registration_error(warp).mean_px
    }

    fn size(&self) -> Size {
        self.truth.post_size
    }
}

fn reduced(plane: &Plane, factor: usize) -> Array2<f32> {
    let mut preview = BlockMean::new(plane.size(), factor);
    let mut source = PlaneSource::new(plane.view());
    let streamed = stream_bands(&mut source, &mut [&mut preview], 256, |_| {
        ControlFlow::Continue(())
    });
    streamed.expect("source and sink have one size");
    preview.into_image()
}

fn recipe(seed: u64) -> Recipe {
    Recipe {
        width: 1500,
        height: 1200,
        seed,
        ..Recipe::default()
    }
}

/// Aligns with the default options and holds the result to the limit.
fn check(name: &str, recipe: &Recipe) -> BoundaryAlignment {
    check_with(name, recipe, &BoundaryOptions::default())
}

fn check_with(name: &str, recipe: &Recipe, options: &BoundaryOptions) -> BoundaryAlignment {
    let pair = Pair::new(recipe);
    let found = pair.align(options).expect("sections with an outline");
    let error = pair.error(&found.warp);
    assert!(error <= LIMIT_PX, "{name}: {error:.3} px; {:?}", found.icp);
    assert!(found.icp.accepted, "{name}: {:?}", found.icp);
    found
}

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
    assert!(found.icp.accepted && found.icp.affine, "{:?}", found.icp);
    assert!(pair.error(&found.coarse) > 3.0 && pair.error(&found.warp) < LIMIT_PX);
    assert!(found.icp.matched > 2000 && found.icp.rms_px < 2.0 && found.icp.iterations <= 20);
}

#[test]
fn the_refinement_by_brightness_improves_what_outlines_cannot_tell() {
    let tilted = Recipe {
        perspective: [0.02, -0.015],
        rotation_deg: 4.0,
        uptake: Some(Uptake {
            share: 0.25,
            counts: 50.0,
        }),
        brightness: 0.8,
        ..recipe(111)
    };
    let pair = Pair::new(&tilted);
    let refined = |change: fn(&mut BoundaryOptions)| {
        let mut options = BoundaryOptions {
            fine_ecc: true,
            ..BoundaryOptions::default()
        };
        change(&mut options);
        pair.align(&options).expect("an outline")
    };
    let plain = pair.align(&BoundaryOptions::default()).expect("an outline");
    let fine = refined(|_| {});
    let report = fine.ecc.as_ref().expect("it was asked for");
    assert!(report.accepted, "{report:?}");
    assert!(
        report.correlation > report.start_correlation + 0.05,
        "{report:?}"
    );
    assert_eq!(report.resolution, 0.3);
    let (before, after) = (pair.error(&plain.warp), pair.error(&fine.warp));
    assert!(before > 2.0 && after < 0.25 * before, "{before} {after}");
    assert!(plain.ecc.is_none());
    // It is held to the limits as well; one iteration gets it less far.
    let held = refined(|o| o.max_scale_delta = 1e-4);
    let report = held.ecc.as_ref().expect("it was asked for");
    assert!(!report.accepted, "{report:?}");
    assert!(
        report.reasons[0].contains("max_scale_delta is 0.0001"),
        "{report:?}"
    );
    let hasty = refined(|o| o.ecc_iterations = 1);
    assert!(pair.error(&hasty.warp) > 2.0 * after, "{:?}", hasty.ecc);
}

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
