//! A part of a long sweep, by a seed: other parts at other times, and the same one again where a part has failed.

use crate::notes::note;
use crate::random::Random;

/// The seed of the samples; where it is not set every sweep is done as a whole.
pub const SAMPLE: &str = "E2M_TEST_SAMPLE";
/// Asks for all cases of sweeps that show a rate; they take a quarter of an hour.
pub const RATES: &str = "E2M_TEST_RATES";

/// All cases of a sweep, or `keep` of them where samples are asked for ([`SAMPLE`]), in their order.
///
/// `sweep` is what the cases are, for the line that is printed; each sweep draws numbers of its own.
///
/// # Panics
///
/// Where the seed is no number.
pub fn sample<T>(sweep: &str, cases: impl IntoIterator<Item = T>, keep: usize) -> Vec<T> {
    part(sweep, cases, keep, seed())
}

/// All cases of a sweep that shows a rate, where [`RATES`] is set; `keep` of them otherwise, whatever the seed always the same ones: a bound
/// on a rate holds for all of them, and some draw of a few is beyond it by chance. What such sweeps have shown as a whole
/// stands in docs.
///
/// # Panics
///
/// As [`sample`].
pub fn sample_of_rates<T>(sweep: &str, cases: impl IntoIterator<Item = T>, keep: usize) -> Vec<T> {
    let all = std::env::var_os(RATES).is_some_and(|value| !value.is_empty());
    part(sweep, cases, keep, (!all).then_some(0))
}

fn part<T>(
    sweep: &str,
    cases: impl IntoIterator<Item = T>,
    keep: usize,
    seed: Option<u64>,
) -> Vec<T> {
    let cases: Vec<T> = cases.into_iter().collect();
    match seed {
        Some(seed) if cases.len() > keep => {
            let count = cases.len();
            let drawn = drawn(seed, sweep, count, keep);
            note(&format!(
                "sampled: {sweep}: {keep} of {count} ({SAMPLE}={seed})"
            ));
            let cases = cases.into_iter().enumerate();
            cases
                .filter(|(index, _)| drawn.contains(index))
                .map(|(_, case)| case)
                .collect()
        }
        _ => cases,
    }
}

/// Whether the case of this name is done, of several that are tests of their own: each of them calls this with the same
/// `cases`. Always where no samples are asked for.
///
/// # Panics
///
/// Where the seed is no number, or no case has that name.
pub fn is_drawn(sweep: &str, name: &str, cases: &[&str], keep: usize) -> bool {
    // ASSERT: a test that is in no list would never be done in part, and nobody would know.
    assert!(cases.contains(&name), "{name} is none of {sweep}");
    match seed() {
        Some(seed) if cases.len() > keep => {
            let drawn = drawn(seed, sweep, cases.len(), keep);
            let done = drawn.iter().any(|&index| cases.get(index) == Some(&name));
            if !done {
                note(&format!("sampled: {sweep}: not {name} ({SAMPLE}={seed})"));
            }
            done
        }
        _ => true,
    }
}

/// Whether sweeps are done in part, so that what holds for a whole one only can be left out.
///
/// # Panics
///
/// Where the seed is no number.
pub fn is_sampled() -> bool {
    seed().is_some()
}

fn seed() -> Option<u64> {
    let value = std::env::var_os(SAMPLE)?;
    let seed = value.to_string_lossy().parse();
    // ASSERT: a seed that cannot be read would silently be another one.
    assert!(seed.is_ok(), "{SAMPLE} is {value:?}, which is no number");
    seed.ok()
}

/// `keep` different numbers below `count`, in order.
fn drawn(seed: u64, sweep: &str, count: usize, keep: usize) -> Vec<usize> {
    let mut random = Random::new(seed ^ hash(sweep));
    let mut numbers: Vec<usize> = (0..count).collect();
    let keep = keep.min(count);
    // The first steps of a shuffle (Fisher-Yates).
    for place in 0..keep {
        let other = place + random.below(count - place);
        numbers.swap(place, other);
    }
    numbers.truncate(keep);
    numbers.sort_unstable();
    numbers
}

/// FNV-1a.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_sample_is_in_order_without_repetition_and_the_same_for_the_same_seed() {
        for seed in 0..50 {
            let numbers = drawn(seed, "points", 176, 12);
            assert_eq!(numbers.len(), 12);
            assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
            assert!(numbers.iter().all(|&number| number < 176));
            assert_eq!(numbers, drawn(seed, "points", 176, 12));
        }
    }

    #[test]
    fn other_seeds_and_other_sweeps_draw_otherwise_and_in_time_everything() {
        assert_ne!(drawn(1, "a", 100, 10), drawn(2, "a", 100, 10));
        assert_ne!(drawn(1, "a", 100, 10), drawn(1, "b", 100, 10));
        let seen: BTreeSet<usize> = (0..200)
            .flat_map(|seed| drawn(seed, "a", 100, 10))
            .collect();
        assert_eq!(seen.len(), 100);
    }

    #[test]
    fn more_than_there_is_is_all_there_is() {
        assert_eq!(drawn(7, "a", 3, 10), [0, 1, 2]);
        assert_eq!(drawn(7, "a", 0, 10), [0; 0]);
    }

    #[test]
    fn without_a_seed_everything_is_done() {
        if std::env::var_os(SAMPLE).is_none() {
            assert!(!is_sampled());
            assert_eq!(sample("numbers", 0..100, 3).len(), 100);
            assert!(is_drawn("tests", "b", &["a", "b"], 1));
        }
    }

    #[test]
    fn with_a_seed_of_cases_that_are_tests_of_their_own_as_many_are_done() {
        if std::env::var_os(SAMPLE).is_some() {
            let cases = ["a", "b", "c", "d"];
            let done = cases
                .iter()
                .filter(|name| is_drawn("tests", name, &cases, 2));
            assert_eq!(done.count(), 2);
            assert_eq!(sample("numbers", 0..100, 3).len(), 3);
        }
    }

    #[test]
    #[should_panic(expected = "e is none of tests")]
    fn a_test_that_is_in_no_list_fails() {
        is_drawn("tests", "e", &["a", "b"], 1);
    }
}
