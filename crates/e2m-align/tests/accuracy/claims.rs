//! The accuracy that a refinement claims is the one it has, and noise costs no more than it must.

use crate::calibrated::{Calibrated, Case, hard_families, noise_families, quantile};
use e2m_testing::sample_of_rates;
use rayon::prelude::*;

/// Post images are so wide, px.
const WIDTH: usize = 1000;
/// Worlds of each family.
const SEEDS: u64 = 10;
/// Pairs that are refined where not all are asked for.
const SAMPLE: usize = 5;
/// What the true error may be of the claimed one, in [`SHARE`] of the pairs.
const RATIO: (f64, f64) = (0.5, 2.0);
/// See [`RATIO`].
const SHARE: f64 = 0.9;
/// No pair may be worse than it claims by more than this.
const PROUDEST: f64 = 4.0;
/// Error over the bound of Cramer and Rao: in the median, and at worst.
const OVER_BOUND: (f64, f64) = (2.0, 4.5);
/// Pairs from which a median or a share says something.
const ENOUGH: usize = 40;

fn refine_all(sweep: &str, families: fn(usize, u64) -> Vec<Case>) -> Vec<Calibrated> {
    let cases = (0..SEEDS).flat_map(|n| families(WIDTH, 1 + 1000 * n));
    let cases = sample_of_rates(sweep, cases, SAMPLE);
    let refined: Vec<Calibrated> = cases.par_iter().map(Case::refine).collect();
    for pair in &refined {
        println!("{pair}");
    }
    refined
}

/// Every refinement is kept, better than its start, and about as good as it says.
fn is_claimed_rightly(refined: &[Calibrated]) {
    for pair in refined {
        assert_eq!(pair.rejected, None, "{pair}");
        assert!(pair.error_px < pair.start_px, "{pair}");
        assert!(pair.ratio() <= PROUDEST, "{pair}");
    }
    let right = refined
        .iter()
        .filter(|pair| (RATIO.0..=RATIO.1).contains(&pair.ratio()))
        .count();
    let share = right as f64 / refined.len() as f64;
    println!("{right} of {} claim what is true", refined.len());
    assert!(refined.len() < ENOUGH || share >= SHARE, "{share}");
}

#[test]
fn hard_pairs_claim_the_accuracy_that_they_have() {
    is_claimed_rightly(&refine_all("claimed accuracy of hard pairs", hard_families));
}

#[test]
fn noise_costs_what_it_must_and_is_claimed() {
    let refined = refine_all("claimed accuracy of noisy pairs", noise_families);
    is_claimed_rightly(&refined);
    assert!(refined.iter().all(|pair| pair.is_noise_alone));
    let over: Vec<f64> = refined.iter().map(Calibrated::over_bound).collect();
    let (median, worst) = (quantile(over.clone(), 0.5), quantile(over, 1.0));
    println!("error over its bound: {median:.2} in the median, {worst:.2} at worst");
    assert!(refined.len() < ENOUGH || median <= OVER_BOUND.0, "{median}");
    assert!(worst <= OVER_BOUND.1, "{worst}");
}
