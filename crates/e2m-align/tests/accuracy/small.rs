//! Sections that take a few hundredths of the frame: glass that fills the rest says nothing, and they are aligned all the same. Those
//! below two hundredths hold so few tiles that they may be doubted and fail; none passes that is wrong.

use crate::measure::Measured;
use crate::measure_all;
use e2m_align::{AlignOptions, Verdict};
use e2m_fixtures::{NamedRecipe, Recipe, Section};
use e2m_testing::sample_of_rates;

/// Mean error below which an alignment is right, px.
const RIGHT_PX: f64 = 0.1;
/// Pairs in all; a sample holds [`SAMPLE`].
const SEEDS: u64 = 28;
const SAMPLE: usize = 3;
/// Shares of the frame that the section takes.
const SHARES: [f64; 7] = [0.008, 0.012, 0.02, 0.035, 0.06, 0.09, 0.13];
/// From this share on a section holds tiles enough to be trusted.
const TRUSTED_SHARE: f64 = 0.02;
/// The share of an outline with a fill of 1: an ellipse that touches the frame, as far as its lobes let it.
const FULL: f64 = 0.785;

/// A small section somewhere on a frame of 2,000 to 4,000 px.
fn pair(seed: u64) -> NamedRecipe {
    let share = SHARES[(seed % 7) as usize];
    let fill = (share / FULL).sqrt();
    let unit = |n: u64| ((seed * 11 + n * 17) % 31) as f64 / 30.0;
    let within = |u: f64| {
        let room = 0.5 - 0.75 * fill - 0.06;
        0.5 + 2.0 * room * (u - 0.5)
    };
    let width = 2000 + 500 * (seed / 7 % 5) as usize;
    NamedRecipe {
        name: format!("{:.1} % of {width} px, {seed}", 100.0 * share),
        recipe: Recipe {
            seed: 90_000 + seed,
            width,
            height: width * 4 / 5,
            rotation_deg: 9.0 * unit(1) - 4.0,
            shift_fraction: [0.03 * unit(2), -0.03 * unit(3)],
            noise_counts: [0.5, 1.0, 2.0][(seed % 3) as usize],
            section: Section {
                fill,
                centre: [within(unit(4)), within(unit(5))],
                ..Section::default()
            },
            ..Recipe::default()
        },
    }
}

#[test]
fn a_small_section_is_aligned_and_trusted() {
    let pairs = sample_of_rates("small sections", (0..SEEDS).map(pair), SAMPLE);
    let measured = measure_all(&pairs, &AlignOptions::default());
    let is_right = |pair: &&Measured| {
        let outcome = pair.outcome.as_ref();
        outcome.is_ok_and(|f| f.error.mean_px < RIGHT_PX && f.verdict == Verdict::Pass)
    };
    let right = measured.iter().filter(is_right).count();
    println!("small sections: {right} of {} right", measured.len());
    for pair in measured.iter().filter(|pair| !is_right(pair)) {
        println!("NOT RIGHT {pair}");
    }
    for pair in &measured {
        let figures = pair.outcome.as_ref().expect("a section in both images");
        let error = figures.error.mean_px;
        assert!(
            error < RIGHT_PX || figures.verdict != Verdict::Pass,
            "{pair}"
        );
    }
    let large: Vec<&Measured> = measured
        .iter()
        .filter(|pair| share(pair) >= TRUSTED_SHARE)
        .collect();
    let trusted = large.iter().filter(|pair| is_right(pair)).count();
    println!(
        "from {TRUSTED_SHARE} on: {trusted} of {} right",
        large.len()
    );
    assert!(10 * trusted >= 9 * large.len());
}

/// The share of the frame that the section of a pair takes, from its name.
fn share(pair: &Measured) -> f64 {
    let percent = pair.name.split(' ').next().expect("a name");
    percent.parse::<f64>().expect("a share") / 100.0
}
