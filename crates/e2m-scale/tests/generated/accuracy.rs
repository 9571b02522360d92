//! The estimated scale against the truth of generated pairs, and its standard error against its errors.

use crate::pairs::{KINDS, MISALIGNMENTS_PX, Pair};
use e2m_fixtures::Recipe;
use e2m_image::Size;
use e2m_scale::{MoffatScale, ScaleOptions, estimate_scale};
use std::fmt::Write;

/// Pairs of each kind.
const SEEDS: u64 = 8;
const SIZE: Size = Size {
    width: 720,
    height: 600,
};
/// Of 100 pairs, so many have their truth within three standard errors.
const COVERED_PERCENT: usize = 95;
/// Of the pairs of one kind, at most so many do not.
const MISSES_PER_KIND: usize = 1;

fn estimate(pair: &Pair) -> MoffatScale {
    estimate_scale(&pair.statistics(100), &ScaleOptions::default()).expect("signal")
}

#[test]
fn every_kind_keeps_its_limit_and_three_standard_errors() {
    let (mut report, mut covered, mut all, mut failed) = (String::new(), 0, 0, false);
    for kind in KINDS {
        let mut misses = 0;
        for seed in 0..SEEDS {
            let misalignment = MISALIGNMENTS_PX[seed as usize % MISALIGNMENTS_PX.len()];
            let pair = Pair::new(&kind.recipe(seed, SIZE), misalignment);
            let scale = estimate(&pair);
            let (off, error) = (scale.value / pair.scale - 1.0, scale.std_error / pair.scale);
            let missed = off.abs() > 3.0 * error;
            misses += usize::from(missed);
            all += 1;
            covered += usize::from(!missed);
            if off.abs() > kind.limit || missed {
                let name = kind.name;
                let _ = writeln!(
                    report,
                    "{name} {seed}: off {off:.5}, standard error {error:.5}"
                );
            }
            failed |= off.abs() > kind.limit;
            // An error that covers everything says nothing.
            failed |= error > kind.limit;
        }
        failed |= misses > MISSES_PER_KIND;
    }
    assert!(
        all >= 100 && 100 * covered >= COVERED_PERCENT * all && !failed,
        "{covered} of {all} within three standard errors\n{report}"
    );
}

#[test]
fn the_hard_recipes_that_come_with_the_program_are_within_a_per_cent() {
    for name in [
        "combination",
        "combination_frame_filling",
        "demo_hard",
        "vignetted",
        "defocused",
    ] {
        let recipe = Recipe::shipped(name)
            .expect("a recipe")
            .resized_to_width(1000);
        let pair = Pair::new(&recipe, 0.05);
        let scale = estimate(&pair);
        let off = scale.value / pair.scale - 1.0;
        assert!(off.abs() < 0.01, "{name}: off {off:.5}");
        assert!(
            off.abs() < 3.0 * scale.std_error,
            "{name}: {off:.5} {}",
            scale.std_error
        );
        assert_eq!(scale.field_scatter > 0.0, name != "defocused", "{name}");
    }
}

#[test]
fn the_profile_belongs_to_the_value() {
    let pair = Pair::new(&KINDS[0].recipe(3, SIZE), 0.0);
    let scale = estimate(&pair);
    let fit = scale.fit.expect("a profile");
    assert_eq!(fit.scale(), scale.value);
    assert_eq!(fit.mu, scale.profile.mu);
    assert!(
        (1.0..=20.0).contains(&fit.beta) && fit.rms_residual < 0.1,
        "{fit:?}"
    );
    let profile = &scale.profile;
    let top = profile.counts.iter().copied().fold(0.0, f64::max);
    assert!((fit.amp / top - 1.0).abs() < 0.2, "{} {top}", fit.amp);
    // On the left, where nothing but background is, the profile follows the histogram.
    let left = profile
        .centres()
        .zip(&profile.counts)
        .filter(|(x, _)| *x < fit.mu);
    let (counted, fitted) = left.fold((0.0, 0.0), |sum, (x, count)| {
        (sum.0 + count, sum.1 + fit.at(x))
    });
    assert!((fitted / counted - 1.0).abs() < 0.15, "{fitted} {counted}");
}
