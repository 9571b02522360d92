//! What the refinement claims beside what is true, family by family.

use crate::calibrated::{Calibrated, Case, hard_families, noise_families, quantile};
use crate::table::Table;
use std::collections::BTreeMap;

/// Worlds of each family.
const SEEDS: u64 = 3;
/// Their first seed, which no test has, and the step to the next.
const FIRST_SEED: u64 = 7001;
const SEED_STEP: u64 = 1000;

/// A row per family, and a sentence on all of them. `show` gets a line per pair.
pub(crate) fn table(width: usize, show: impl Fn(&str)) -> (String, String) {
    let mut families: BTreeMap<String, Vec<Calibrated>> = BTreeMap::new();
    for seed in (0..SEEDS).map(|n| FIRST_SEED + n * SEED_STEP) {
        let cases: Vec<Case> = [hard_families(width, seed), noise_families(width, seed)].concat();
        for case in cases {
            let refined = case.refine();
            show(&refined.to_string());
            families
                .entry(refined.family.clone())
                .or_default()
                .push(refined);
        }
    }
    let mut table = Table::new(&[
        "family", "error", "claimed", "ratio", "least", "most", "bound",
    ]);
    for (family, pairs) in &families {
        let of = |figure: fn(&Calibrated) -> f64, share: f64| {
            quantile(pairs.iter().map(figure).collect(), share)
        };
        table.push(vec![
            family.clone(),
            format!("{:.4}", of(|p| p.error_px, 0.5)),
            format!("{:.4}", of(|p| p.claimed_px, 0.5)),
            format!("{:.2}", of(Calibrated::ratio, 0.5)),
            format!("{:.2}", of(Calibrated::ratio, 0.0)),
            format!("{:.2}", of(Calibrated::ratio, 1.0)),
            format!("{:.4}", of(|p| p.bound_px, 0.5)),
        ]);
    }
    let all: Vec<&Calibrated> = families.values().flatten().collect();
    let right = all.iter().filter(|p| (0.5..=2.0).contains(&p.ratio()));
    let noisy: Vec<f64> = all
        .iter()
        .filter(|p| p.is_noise_alone)
        .map(|p| p.over_bound())
        .collect();
    let sentence = format!(
        "{} of {} pairs are between half and twice as far off as is claimed. With noise alone the error is {:.2} times its bound in \
         the median, {:.2} times at worst.",
        right.count(),
        all.len(),
        quantile(noisy.clone(), 0.5),
        quantile(noisy, 1.0),
    );
    (table.markdown(), sentence)
}
