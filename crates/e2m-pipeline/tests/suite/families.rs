//! The clean and the hard pairs of docs/accuracy.md, through all stages: right, and complete.
//!
//! A section that bleached in a part has two backgrounds, and is told from one that was stained in the rest by nothing that the
//! images hold: such pairs may be doubted for that, and for nothing else.
#![expect(clippy::print_stdout, reason = "what is doubted, and why")]

use crate::common::task;
use e2m_fixtures::{NamedRecipe, World, clean_pairs, hard_pairs, write_pair};
use e2m_image::Canvas;
use e2m_pipeline::{Manifest, Params, Status, Unobserved, run_task};
use e2m_testing::sample_of_rates;

/// Side of post, px.
const WIDTH: usize = 1500;
/// Pairs of each suite that the full tier does.
const SAMPLE: usize = 2;
/// Share of the pairs that the verdicts may doubt although all is right.
const MAX_DOUBTED: f64 = 0.02;
/// Pairs whose pre lacks more than a quarter of the section: they are doubted for it.
const CUT_OFF: [&str; 1] = ["magnification 2"];

/// What came of a pair.
struct Outcome {
    name: String,
    error_px: f64,
    /// Whether a part of it bleached.
    bleached: bool,
    status: Status,
}

impl Outcome {
    /// Whether its status is what it should be.
    fn is_as_it_should_be(&self) -> bool {
        match &self.status {
            Status::Complete => !CUT_OFF.contains(&self.name.as_str()),
            Status::Suspect(why) if self.bleached => {
                why.starts_with("the section has two backgrounds") && !why.contains(';')
            }
            _ => CUT_OFF.contains(&self.name.as_str()),
        }
    }
}

fn run(named: &NamedRecipe) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::new(&named.recipe).expect("a world");
    let pair = write_pair(&named.recipe, folder.path(), "A", "DAPI").expect("a pair");
    let params = Params {
        pad: 50,
        ..Params::default()
    };
    let out = folder.path().join("out");
    let spec = task(&out, "A", "DAPI", &pair.post, &pair.pre, params);
    let outcome = run_task(&spec, &mut Unobserved);
    let manifest: Manifest = *outcome.manifest.expect("a manifest");
    let canvas: Canvas = manifest.canvas;
    let warp = manifest.warps.finest().expect("a warp");
    let error = world.truth().registration_error(&canvas.warp_to_raw(&warp));
    Outcome {
        name: named.name.clone(),
        error_px: error.mean_px,
        bleached: named.recipe.bleaching.is_some(),
        status: outcome.status,
    }
}

/// Runs the pairs of a suite and holds them to `limit_px` and to the share that may be doubted.
fn hold(suite: &str, pairs: Vec<NamedRecipe>, limit_px: f64) {
    let outcomes: Vec<Outcome> = sample_of_rates(suite, pairs, SAMPLE)
        .iter()
        .map(run)
        .collect();
    let mut doubted = 0;
    for outcome in &outcomes {
        let name = &outcome.name;
        assert!(outcome.error_px < limit_px, "{name}: {}", outcome.error_px);
        if !outcome.is_as_it_should_be() {
            println!("{suite}, {name}: {}", outcome.status);
            doubted += 1;
        }
    }
    println!(
        "{suite}: {doubted} of {} not as they should be",
        outcomes.len()
    );
    assert!(f64::from(doubted) <= (MAX_DOUBTED * outcomes.len() as f64).ceil());
}

#[test]
fn clean_pairs_are_right_and_complete() {
    hold("clean pairs, all stages", clean_pairs(WIDTH, 1), 0.03);
}

#[test]
fn hard_pairs_are_right_and_complete() {
    hold("hard pairs, all stages", hard_pairs(WIDTH, 101), 0.25);
}
