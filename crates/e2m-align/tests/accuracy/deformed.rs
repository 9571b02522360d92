//! Pairs that no homography aligns: a local correction follows them; without it, what remains is said, and is what it is.

use crate::{measure_all, nobody_breaks};
use e2m_align::{AlignOptions, LocalOutcome, Verdict, align};
use e2m_fixtures::{Deformation, NamedRecipe, Recipe, Uptake, World, clean_pairs, deformed_pairs};

/// The largest displacement, px.
const AMPLITUDE_PX: f64 = 5.0;
/// How far the reported median residual may be from the truth, as a share of it.
const MEDIAN_TOLERANCE: f64 = 0.25;
/// The same for the 90th percentile, which rests on two or three tiles, each deformed itself.
const P90_TOLERANCE: f64 = 0.4;

/// So many pairs are in a sample.
const SAMPLE: usize = 2;
/// Of the sweep over amplitudes.
const SWEEP_SAMPLE: usize = 4;
/// Mean error of a clean pair, and of one with noise, stain and an uneven rim, px.
const CLEAN_PX: f64 = 0.15;
const HARD_PX: f64 = 0.3;

#[test]
fn without_correction_a_local_deformation_is_suspect_and_measured() {
    let pairs: Vec<NamedRecipe> = [61, 71]
        .into_iter()
        .flat_map(|seed| deformed_pairs(1500, seed, AMPLITUDE_PX))
        .collect();
    let pairs = e2m_testing::sample("deformed pairs", pairs, SAMPLE);
    let options = AlignOptions {
        local_correction: false,
        ..AlignOptions::default()
    };
    let measured = measure_all(&pairs, &options);
    nobody_breaks("a deformed pair is suspect", &measured, |pair| {
        !pair
            .outcome
            .as_ref()
            .is_ok_and(|figures| figures.verdict == Verdict::Suspect)
    });
    let near = |found: f64, truth: f64, share: f64| (found - truth).abs() <= share * truth;
    nobody_breaks("residuals are true", &measured, |pair| {
        let Ok(figures) = &pair.outcome else {
            return true;
        };
        let (Some(found), Some(truth)) = (&figures.residual, &figures.true_residual) else {
            return true;
        };
        !(near(found.median_px, truth.median_px, MEDIAN_TOLERANCE)
            && near(found.p90_px, truth.p90_px, P90_TOLERANCE))
    });
}

/// What is done to a pair besides deforming it.
type Hardship = (&'static str, f64, fn(&mut Recipe));

const HARDSHIPS: [Hardship; 4] = [
    ("clean", CLEAN_PX, |_| {}),
    ("noise 6", HARD_PX, |r| r.noise_counts = 6.0),
    ("uptake 20 %", HARD_PX, |r| {
        r.uptake = Some(Uptake {
            share: 0.2,
            counts: 50.0,
        });
    }),
    ("noise 6, uptake 20 %, defocus 1.5", HARD_PX, |r| {
        r.noise_counts = 6.0;
        r.defocus_post_px = 1.5;
        r.uptake = Some(Uptake {
            share: 0.2,
            counts: 50.0,
        });
    }),
];

/// Pairs of every amplitude, length and hardship.
fn sweep() -> Vec<(NamedRecipe, f64)> {
    let mut pairs = Vec::new();
    let mut seed = 400;
    for amplitude_px in [1.0, 2.0, 5.0, 8.0] {
        for length_fraction in [0.2, 0.25, 0.35] {
            for (name, limit_px, hardship) in HARDSHIPS {
                seed += 1;
                let mut recipe = Recipe {
                    seed,
                    shift_fraction: [0.03, -0.02],
                    rotation_deg: (seed as f64 * 7.3) % 36.0 - 18.0,
                    deformation: Some(Deformation {
                        amplitude_px,
                        length_fraction,
                    }),
                    ..Recipe::default()
                }
                .resized_to_width(1500);
                hardship(&mut recipe);
                let name = format!("{amplitude_px} px over {length_fraction}, {name}");
                pairs.push((NamedRecipe { name, recipe }, limit_px));
            }
        }
    }
    pairs
}

#[test]
fn a_deformed_section_is_corrected() {
    let sweep = e2m_testing::sample("amplitudes of deformation", sweep(), SWEEP_SAMPLE);
    let (pairs, limits): (Vec<NamedRecipe>, Vec<f64>) = sweep.into_iter().unzip();
    let measured = measure_all(&pairs, &AlignOptions::default());
    let limit = |name: &str| {
        let place = pairs.iter().position(|pair| pair.name == name);
        place.map_or(0.0, |place| limits[place])
    };
    nobody_breaks("it is as close as it should be", &measured, |pair| {
        let error = pair.outcome.as_ref().map(|figures| figures.error.mean_px);
        !error.is_ok_and(|error| error <= limit(&pair.name))
    });
    nobody_breaks("it is never called a failure", &measured, |pair| {
        let verdict = pair.outcome.as_ref().map(|figures| figures.verdict);
        verdict.ok() == Some(Verdict::Fail)
    });
}

#[test]
fn a_pair_that_needs_no_correction_is_left_to_the_bit() {
    let pairs = e2m_testing::sample("pairs that need no correction", clean_pairs(900, 77), 3);
    for pair in pairs {
        let world = World::new(&pair.recipe).expect("a valid recipe");
        let (post, pre) = (world.render_post(), world.render_pre());
        let with = align(&post, &pre, &AlignOptions::default()).expect("aligned");
        let options = AlignOptions {
            local_correction: false,
            ..AlignOptions::default()
        };
        let without = align(&post, &pre, &options).expect("aligned");
        assert_eq!(with.local, Some(LocalOutcome::NotNeeded), "{}", pair.name);
        assert_eq!(without.local, None);
        assert_eq!(with.mapping, without.mapping, "{}", pair.name);
        assert_eq!(with.assessment, without.assessment, "{}", pair.name);
    }
}

#[test]
fn a_correction_is_the_same_on_any_number_of_threads() {
    let pair = deformed_pairs(900, 41, 3.0).swap_remove(0);
    let world = World::new(&pair.recipe).expect("a valid recipe");
    let (post, pre) = (world.render_post(), world.render_pre());
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("threads");
        pool.install(|| align(&post, &pre, &AlignOptions::default()).expect("aligned"))
    };
    let (one, three) = (on(1), on(3));
    assert!(
        matches!(one.local, Some(LocalOutcome::Kept(_))),
        "{:?}",
        one.local
    );
    assert_eq!(one.local, three.local);
    assert_eq!(one.mapping, three.mapping);
}
