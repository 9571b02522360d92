//! Which image has the compact sources, and whether two images are one exposure.

use crate::pairs::{KINDS, Kind, MISALIGNMENTS_PX, Pair, TRAPS, typical_ratio};
use e2m_fixtures::{Recipe, World};
use e2m_image::Size;
use e2m_scale::{
    NoiseStatistics, ScaleOptions, SourceCounts, SourceStatistics, Subtraction, estimate_scale,
};
use ndarray::Axis;

const SEEDS: u64 = 20;
const SIZE: Size = Size {
    width: 720,
    height: 600,
};
/// In the quick tier so many pairs are looked at.
const SAMPLED: usize = 40;
/// A pair has enough sources to tell if it shows so many more in post than in pre, where there is only dirt.
const ENOUGH: u64 = 25;

/// A pair given the wrong way round.
fn swapped(recipe: &Recipe, misalignment_px: f64) -> Pair {
    let world = World::new(recipe).expect("a recipe that can be rendered");
    let planes = (world.render_pre(), world.render_post());
    let scale = 1.0 / typical_ratio(&world);
    Pair::aligned(planes, &world.inverse_warp(), misalignment_px, scale)
}

fn subtraction(pair: &Pair) -> Subtraction {
    let found = estimate_scale(&pair.statistics(100), &ScaleOptions::default());
    // The black levels are no matter for what is compact.
    found.map_or(Subtraction::of_scale(pair.scale), |scale| {
        scale.subtraction()
    })
}

fn counts(pair: &Pair, band_rows: usize, subtraction: Subtraction) -> SourceCounts {
    let mut sources = SourceStatistics::new(pair.post.dim(), subtraction);
    let bands = pair.post.axis_chunks_iter(Axis(0), band_rows);
    for (post, pre) in bands.zip(pair.aligned.axis_chunks_iter(Axis(0), band_rows)) {
        sources.add_band(post, pre);
    }
    sources.finish()
}

#[test]
fn pairs_given_the_wrong_way_round_are_told_and_others_are_not() {
    let kinds = KINDS.iter().chain(TRAPS);
    let all = kinds.flat_map(|kind| (0..SEEDS).map(move |seed| (*kind, seed)));
    let drawn: Vec<(Kind, u64)> = e2m_testing::sample_of_rates("swapped pairs", all, SAMPLED);
    let (mut enough, mut told, mut falsely) = (0, 0, Vec::new());
    let mut missed = String::new();
    for (kind, seed) in &drawn {
        let recipe = kind.recipe(*seed, SIZE);
        let misalignment = MISALIGNMENTS_PX[*seed as usize % MISALIGNMENTS_PX.len()];
        let right = Pair::new(&recipe, misalignment);
        let right = counts(&right, 100, subtraction(&right));
        let wrong = swapped(&recipe, misalignment);
        let wrong = counts(&wrong, 100, subtraction(&wrong));
        println!("{} {seed}: {right:?}, swapped {wrong:?}", kind.name);
        if right.are_in_pre() {
            falsely.push(format!("{} {seed}: {right:?}", kind.name));
        }
        if right.post >= right.pre + ENOUGH {
            enough += 1;
            told += usize::from(wrong.are_in_pre());
            if !wrong.are_in_pre() {
                missed += &format!("{} {seed}: {wrong:?}\n", kind.name);
            }
        }
    }
    println!(
        "{} pairs, {enough} with enough sources, {told} told swapped, {} told falsely",
        drawn.len(),
        falsely.len()
    );
    assert!(50 * falsely.len() <= drawn.len(), "{falsely:?}");
    assert!(20 * told >= 19 * enough, "{told} of {enough}\n{missed}");
}

#[test]
fn counts_do_not_depend_on_bands_and_threads() {
    let pair = Pair::new(&KINDS[0].recipe(3, SIZE), 0.1);
    let subtraction = subtraction(&pair);
    let once = counts(&pair, 1000, subtraction);
    for band_rows in [1, 3, 17, 128] {
        assert_eq!(counts(&pair, band_rows, subtraction), once, "{band_rows}");
    }
    let alone = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool");
    assert_eq!(alone.install(|| counts(&pair, 64, subtraction)), once);
}

#[test]
fn two_exposures_have_noise_of_their_own() {
    let agreement = |post: &Pair, pre: &Pair| {
        let mut noise = NoiseStatistics::new(post.post.ncols());
        let bands = post.post.axis_chunks_iter(Axis(0), 50);
        for (post, pre) in bands.zip(pre.post.axis_chunks_iter(Axis(0), 50)) {
            noise.add_band(post, pre);
        }
        noise.finish().expect("noise")
    };
    for noise_counts in [0.3, 0.5, 2.0, 8.0] {
        let recipe = Recipe {
            width: SIZE.width,
            height: SIZE.height,
            gain: 1.0,
            noise_counts,
            ..Recipe::default()
        };
        let post = Pair::new(&recipe, 0.0);
        let same = agreement(&post, &post);
        assert!(same.is_one_exposure(), "{same:?}");
        // The same section in the same place and as bright, and nothing else alike.
        let aligned = Pair {
            post: post.aligned.clone(),
            ..Pair::new(&recipe, 0.0)
        };
        let two = agreement(&post, &aligned);
        println!("noise of {noise_counts}: {two:?}");
        assert!(two.correlation < 0.9, "{two:?}");
    }
}
