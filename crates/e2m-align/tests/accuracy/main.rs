//! Registration error, residuals and verdicts on generated pairs, whose truth is known, and on the real pair.
//!
//! Each test prints a line per pair and names all that break its rule.
#![expect(clippy::print_stdout, reason = "the figures of every pair")]

mod calibrated;
mod claims;
mod deformed;
mod dyes;
mod foreign;
mod measure;
mod misplaced;
mod moved;
mod real;
mod real_pair;
mod sensor;
mod small;
mod together;

use e2m_align::AlignOptions;
use e2m_fixtures::NamedRecipe;
use measure::{Measured, Rendered};
use rayon::prelude::*;

/// Aligns every pair, several at a time, and prints what came out.
fn measure_all(pairs: &[NamedRecipe], options: &AlignOptions) -> Vec<Measured> {
    let measured: Vec<Measured> = pairs
        .par_iter()
        .map(|pair| {
            Rendered::new(pair)
                .expect("a valid recipe")
                .measure(options)
        })
        .collect();
    for pair in &measured {
        println!("{pair}");
    }
    measured
}

/// Fails with the line of each pair that breaks the rule.
fn nobody_breaks(rule: &str, pairs: &[Measured], breaks: impl Fn(&Measured) -> bool) {
    let lines: Vec<String> = pairs
        .iter()
        .filter(|pair| breaks(pair))
        .map(ToString::to_string)
        .collect();
    assert!(
        lines.is_empty(),
        "{rule}: broken by {} of {} pairs\n{}",
        lines.len(),
        pairs.len(),
        lines.join("\n")
    );
}
