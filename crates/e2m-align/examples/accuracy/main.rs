//! Prints how far off the alignment is, pair by pair, where the truth is known; `--help` lists the options.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the figures are the example's purpose; beside a document they go to standard error"
)]

#[path = "../../tests/accuracy/calibrated.rs"]
mod calibrated;
mod claims;
mod document;
#[path = "../../tests/accuracy/measure.rs"]
mod measure;
#[path = "../../tests/accuracy/real_pair.rs"]
mod real_pair;
mod table;

use e2m_align::{AlignOptions, Alignment, CoarseMethod, align};
use e2m_fixtures::{NamedRecipe, clean_pairs, deformed_pairs, foreign_pairs, hard_pairs};
use lexopt::prelude::*;
use measure::{Measured, Rendered};
use std::error::Error;
use std::time::Instant;

const USAGE: &str = "\
accuracy [SUITE...] [--name TEXT] [--width PX] [--seeds N] [--by features|boundary]
accuracy --markdown [--width PX] [--seeds N]

Aligns generated pairs, whose truth is known, and prints how far off the alignment is.

SUITE       clean, large, hard, deformed, foreign, real; all of them if none is named
--name      only pairs with this in their name
--width     width of the post images but the large ones (default: 1500)
--seeds     every pair of a suite so many times, each time in another world (default: 1)
--by        this method of coarse alignment alone
--markdown  all suites as one document; the pairs go to standard error meanwhile";

/// Largest displacement of the deformed pairs, px.
const DEFORMATION_PX: f64 = 5.0;
/// What is added to a seed for the next world.
const SEED_STEP: u64 = 1000;

/// A kind of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suite {
    Clean,
    Large,
    Hard,
    Deformed,
    Foreign,
    Real,
}

impl Suite {
    const ALL: [Self; 6] = [
        Self::Clean,
        Self::Large,
        Self::Hard,
        Self::Deformed,
        Self::Foreign,
        Self::Real,
    ];

    fn parse(name: &str) -> Result<Self, String> {
        match name {
            "clean" => Ok(Self::Clean),
            "large" => Ok(Self::Large),
            "hard" => Ok(Self::Hard),
            "deformed" => Ok(Self::Deformed),
            "foreign" => Ok(Self::Foreign),
            "real" => Ok(Self::Real),
            _ => Err(format!("there is no suite {name:?}")),
        }
    }

    /// Its generated pairs; the real one is not generated.
    fn pairs(self, width: usize, seed: u64) -> Vec<NamedRecipe> {
        match self {
            Self::Clean => clean_pairs(width, seed),
            Self::Large => large_pairs(seed),
            Self::Hard => hard_pairs(width, seed + 100),
            Self::Deformed => deformed_pairs(width, seed + 200, DEFORMATION_PX),
            Self::Foreign => foreign_pairs(width, seed + 300),
            Self::Real => Vec::new(),
        }
    }
}

/// A few clean pairs in sizes nearer to those of slide scanners.
fn large_pairs(seed: u64) -> Vec<NamedRecipe> {
    let chosen = [
        (3000, "rotation 40°"),
        (3000, "magnification 0.7"),
        (3000, "16 bit"),
        (8000, "rotation 8°"),
    ];
    chosen
        .into_iter()
        .flat_map(|(width, name)| {
            let mut pairs = clean_pairs(width, seed + 50);
            pairs.retain(|pair| pair.name == name);
            for pair in &mut pairs {
                pair.name = format!("{name}, {width} px");
            }
            pairs
        })
        .collect()
}

/// What was asked for.
#[derive(Debug)]
struct Wish {
    suites: Vec<Suite>,
    name: String,
    width: usize,
    seeds: u64,
    options: AlignOptions,
    markdown: bool,
}

impl Wish {
    /// `None` where only help was asked for.
    fn parse(mut parser: lexopt::Parser) -> Result<Option<Self>, lexopt::Error> {
        let mut wish = Self {
            suites: Vec::new(),
            name: String::new(),
            width: 1500,
            seeds: 1,
            options: AlignOptions::default(),
            markdown: false,
        };
        while let Some(arg) = parser.next()? {
            match arg {
                Long("name") => wish.name = parser.value()?.string()?,
                Long("width") => wish.width = parser.value()?.parse()?,
                Long("seeds") => wish.seeds = parser.value()?.parse()?,
                Long("by") => {
                    wish.options.methods = match parser.value()?.string()?.as_str() {
                        "features" => vec![CoarseMethod::Features],
                        "boundary" => vec![CoarseMethod::Boundary],
                        other => return Err(format!("there is no method {other:?}").into()),
                    };
                }
                Long("markdown") => wish.markdown = true,
                Short('h') | Long("help") => return Ok(None),
                Value(suite) => wish.suites.push(Suite::parse(&suite.string()?)?),
                _ => return Err(arg.unexpected()),
            }
        }
        let narrowed = !wish.suites.is_empty() || !wish.name.is_empty();
        if wish.markdown && (narrowed || wish.options != AlignOptions::default()) {
            return Err("a document holds all suites, by all methods".into());
        }
        if wish.suites.is_empty() {
            wish.suites = Suite::ALL.to_vec();
        }
        Ok(Some(wish))
    }

    /// Every pair of a suite with what becomes of it, once per seed.
    fn measure(
        &self,
        suite: Suite,
        options: &AlignOptions,
    ) -> Result<Vec<Vec<Measured>>, Box<dyn Error>> {
        let mut rows: Vec<Vec<Measured>> = Vec::new();
        for seed in (0..self.seeds).map(|n| 1 + n * SEED_STEP) {
            let pairs = suite.pairs(self.width, seed);
            rows.resize_with(pairs.len(), Vec::new);
            for (row, pair) in rows.iter_mut().zip(&pairs) {
                if pair.name.contains(&self.name) {
                    let measured = Rendered::new(pair)?.measure(options);
                    self.show(&measured.to_string());
                    row.push(measured);
                }
            }
        }
        Ok(rows)
    }

    fn show(&self, line: &str) {
        if self.markdown {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }
}

/// The real pair with its time, where it is there.
fn real(options: &AlignOptions) -> Result<Option<(Alignment, f64)>, Box<dyn Error>> {
    let folder = real_pair::folder();
    if !folder.is_dir() {
        return Ok(None);
    }
    let [post, pre] = real_pair::load(&folder)?;
    let start = Instant::now();
    let alignment = align(&post, &pre, options)?;
    Ok(Some((alignment, start.elapsed().as_secs_f64())))
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(wish) = Wish::parse(lexopt::Parser::from_env())? else {
        println!("{USAGE}");
        return Ok(());
    };
    if wish.markdown {
        print!("{}", document::write(&wish)?);
        return Ok(());
    }
    for &suite in &wish.suites {
        wish.measure(suite, &wish.options)?;
        if suite == Suite::Real {
            wish.show(&real(&wish.options)?.map_or_else(
                || "the real pair is not there".to_owned(),
                |(alignment, seconds)| {
                    let residual = alignment.check.summary.unwrap_or_default();
                    format!(
                        "real pair, {seconds:.1} s, {}, residual {:.3}/{:.3}, correlation {:.3}, {:?}",
                        alignment.coarse.method,
                        residual.median_px,
                        residual.p90_px,
                        alignment.similarity.correlation,
                        alignment.assessment
                    )
                },
            ));
        }
    }
    Ok(())
}
