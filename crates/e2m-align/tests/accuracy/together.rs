//! Pairs of one section: they are aligned to hundredths of a pixel, and said to be.

use crate::measure::{Figures, Measured};
use crate::{measure_all, nobody_breaks};
use e2m_align::{AlignOptions, Verdict};
use e2m_fixtures::{NamedRecipe, clean_pairs, hard_pairs};
use e2m_testing::{is_sampled, sample};

/// Mean error that no clean pair may exceed, px.
const CLEAN_PX: f64 = 0.03;
/// Mean error that half of the clean pairs may not exceed, px.
const CLEAN_MEDIAN_PX: f64 = 0.01;
/// Mean error that no hard pair may exceed, px.
const HARD_PX: f64 = 0.25;
/// What the mean error may grow by from the coarse to the final alignment, px.
const WORSE_PX: f64 = 0.02;
/// Pairs that the verdicts are counted over, at least.
const PAIRS: usize = 100;
/// So many clean ones and so many hard ones are in a sample.
const SAMPLE: usize = 3;
/// Of these, how many may be called suspect.
const SUSPECT: usize = 3;

/// The pairs whose name begins with one of `names`.
fn named(pairs: Vec<NamedRecipe>, names: &[&str]) -> Vec<NamedRecipe> {
    pairs
        .into_iter()
        .filter(|pair| names.iter().any(|name| pair.name.starts_with(name)))
        .collect()
}

fn clean() -> Vec<NamedRecipe> {
    [
        // The largest first: the others fill the time beside it.
        named(clean_pairs(8000, 81), &["rotation 8°"]),
        named(
            clean_pairs(3000, 31),
            &["rotation 40°", "magnification 0.7", "16 bit"],
        ),
        clean_pairs(1500, 1),
        named(clean_pairs(1500, 501), &["rotation", "magnification"]),
    ]
    .concat()
}

fn hard() -> Vec<NamedRecipe> {
    let alone = |pair: &NamedRecipe| !pair.name.contains(',') || pair.name.starts_with("all");
    [
        hard_pairs(1500, 1001).into_iter().filter(alone).collect(),
        hard_pairs(1000, 101),
    ]
    .concat()
}

fn mean_error(pair: &Measured) -> f64 {
    pair.outcome
        .as_ref()
        .map_or(f64::INFINITY, |figures| figures.error.mean_px)
}

fn holds(pair: &Measured, rule: impl Fn(&Figures) -> bool) -> bool {
    pair.outcome.as_ref().is_ok_and(rule)
}

#[test]
fn pairs_of_one_section_are_aligned_and_trusted() {
    let options = AlignOptions::default();
    let (clean, hard) = (clean(), hard());
    let count = clean.len() + hard.len();
    assert!(count >= PAIRS, "only {count} pairs");
    let clean = measure_all(&sample("clean pairs", clean, SAMPLE), &options);
    let hard = measure_all(&sample("hard pairs", hard, SAMPLE), &options);

    // Written so that an error that is no number breaks the rule.
    let exceeds = |limit: f64| move |pair: &Measured| !holds(pair, |f| f.error.mean_px <= limit);
    nobody_breaks("clean pairs", &clean, exceeds(CLEAN_PX));
    nobody_breaks("hard pairs", &hard, exceeds(HARD_PX));

    let mut errors: Vec<f64> = clean.iter().map(mean_error).collect();
    errors.sort_unstable_by(f64::total_cmp);
    let median = errors[errors.len() / 2];
    // The median of a few says little of that of all.
    assert!(
        is_sampled() || median <= CLEAN_MEDIAN_PX,
        "median of clean pairs {median}"
    );

    let all: Vec<Measured> = clean.into_iter().chain(hard).collect();
    nobody_breaks("no pair fails", &all, |pair| {
        !holds(pair, |f| f.verdict != Verdict::Fail)
    });
    let suspect: Vec<String> = all
        .iter()
        .filter(|pair| holds(pair, |f| f.verdict == Verdict::Suspect))
        .map(ToString::to_string)
        .collect();
    assert!(suspect.len() <= SUSPECT, "{}", suspect.join("\n"));
    nobody_breaks("no refinement does harm", &all, |pair| {
        !holds(pair, |f| {
            f.error.mean_px <= f.coarse_error.mean_px + WORSE_PX
        })
    });
}
