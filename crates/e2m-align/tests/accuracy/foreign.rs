//! Pairs without an alignment to find: none of them is called complete.

use crate::measure::{Measured, Rendered};
use crate::nobody_breaks;
use e2m_align::{AlignError, AlignOptions, CoarseMethod, Verdict};
use e2m_fixtures::{NamedRecipe, foreign_pairs};
use rayon::prelude::*;

/// Pairs, at least.
const PAIRS: usize = 60;
/// So many are in a sample.
const SAMPLE: usize = 4;
/// Their width: what must not fit does not fit at any size.
const WIDTH: usize = 700;

fn passes(pair: &Measured) -> bool {
    pair.outcome
        .as_ref()
        .is_ok_and(|figures| figures.verdict == Verdict::Pass)
}

#[test]
fn what_does_not_belong_together_is_never_called_complete() {
    let pairs: Vec<NamedRecipe> = [201, 301, 401]
        .into_iter()
        .flat_map(|seed| foreign_pairs(WIDTH, seed))
        .collect();
    assert!(pairs.len() >= PAIRS, "only {} pairs", pairs.len());
    let is_mirrored = |name: &str| name.starts_with("mirrored");
    let mirrored = pairs.iter().filter(|pair| is_mirrored(&pair.name)).count();
    assert!(mirrored >= 12, "only {mirrored} mirrored");
    let pairs = e2m_testing::sample("foreign pairs", pairs, SAMPLE);
    let by_outline = AlignOptions {
        methods: vec![CoarseMethod::Boundary],
        ..AlignOptions::default()
    };
    let (by_default, by_outline): (Vec<Measured>, Vec<Measured>) = pairs
        .par_iter()
        .map(|pair| {
            let rendered = Rendered::new(pair).expect("a valid recipe");
            let default = rendered.measure(&AlignOptions::default());
            (default, rendered.measure(&by_outline))
        })
        .unzip();
    for (default, outline) in by_default.iter().zip(&by_outline) {
        println!("{default}\n    outline alone: {outline}");
    }
    nobody_breaks("by all methods", &by_default, passes);
    nobody_breaks("by the outline alone", &by_outline, passes);

    let mirrored: Vec<Measured> = by_default
        .into_iter()
        .filter(|pair| is_mirrored(&pair.name))
        .collect();
    nobody_breaks("mirrored pairs are called so", &mirrored, |pair| {
        !matches!(pair.outcome, Err(AlignError::Mirrored { .. }))
    });
}
