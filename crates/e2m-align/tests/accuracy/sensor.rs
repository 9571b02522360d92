//! Pairs whose images share the flaws of a sensor: the rock is aligned, not the sensor.

use crate::measure_all;
use e2m_align::{AlignOptions, Verdict};
use e2m_fixtures::{NamedRecipe, Recipe, Sensor, Uptake};
use e2m_testing::sample_of_rates;

/// Mean error below which an alignment is right, px.
const RIGHT_PX: f64 = 0.1;
/// Of so many pairs of each kind, a sample holds [`SAMPLE`].
const SEEDS: u64 = 20;
const SAMPLE: usize = 1;

/// A small pair, turned and shifted a little by its seed, whose images share the flaws that `flaws` adds.
fn pair(name: &str, seed: u64, flaws: fn(&mut Recipe, u64)) -> NamedRecipe {
    let step = |of: u64, n: u64| (seed / of % n) as f64;
    let mut recipe = Recipe {
        seed: 7000 + seed,
        width: 600 + 20 * (seed % 11) as usize,
        height: 540 + 20 * (seed % 7) as usize,
        rotation_deg: 0.5 + 0.9 * step(1, 5),
        shift_fraction: [0.004 + 0.006 * step(2, 4), -0.005 * step(3, 4)],
        gain: 1.2 + 0.1 * step(1, 6),
        noise_counts: [0.5, 1.5, 3.0][(seed % 3) as usize],
        ..Recipe::default()
    };
    flaws(&mut recipe, seed);
    NamedRecipe {
        name: format!("{name} {seed}"),
        recipe,
    }
}

fn hot(seed: u64) -> Sensor {
    Sensor {
        hot_share: [0.001, 0.003, 0.006, 0.01][(seed % 4) as usize],
        hot_counts: [25.0, 60.0, 100.0, 180.0, 250.0][(seed % 5) as usize],
        ..Sensor::default()
    }
}

type Flaws = fn(&mut Recipe, u64);

const KINDS: &[(&str, Flaws)] = &[
    ("hot pixels", |r, seed| r.sensor = Some(hot(seed))),
    ("hot pixels, noise 8", |r, seed| {
        r.sensor = Some(hot(seed));
        r.noise_counts = 8.0;
    }),
    ("hot pixels, defocus", |r, seed| {
        r.sensor = Some(hot(seed));
        r.defocus_pre_px = 2.0;
    }),
    ("hot pixels, uptake", |r, seed| {
        r.sensor = Some(hot(seed));
        r.uptake = Some(Uptake {
            share: 0.25,
            counts: 40.0,
        });
    }),
    ("hot pixels, nothing moved", |r, seed| {
        r.sensor = Some(hot(seed));
        (r.rotation_deg, r.shift_fraction) = (0.0, [0.0, 0.0]);
    }),
    ("bad columns", |r, seed| {
        r.sensor = Some(Sensor {
            columns: 1 + (seed % 5) as usize,
            column_counts: [8.0, 15.0, 40.0][(seed % 3) as usize],
            ..Sensor::default()
        });
    }),
    ("shadows", |r, seed| {
        r.sensor = Some(Sensor {
            shadows_per_megapixel: [15.0, 40.0, 80.0][(seed % 3) as usize],
            shadow_depth: [0.15, 0.3, 0.5][(seed % 5 % 3) as usize],
            ..Sensor::default()
        });
    }),
    ("all", |r, seed| {
        r.sensor = Some(Sensor {
            columns: 2,
            shadows_per_megapixel: 20.0,
            ..hot(seed)
        });
        r.noise_counts = 4.0;
        r.defocus_post_px = 1.0;
    }),
];

#[test]
fn the_rock_is_aligned_and_not_the_sensor() {
    for &(name, flaws) in KINDS {
        let pairs = (0..SEEDS).map(|seed| pair(name, seed, flaws));
        let pairs = sample_of_rates(name, pairs, SAMPLE);
        let all = pairs.len();
        let measured = measure_all(&pairs, &AlignOptions::default());
        let (mut right, mut doubted) = (0, 0);
        for pair in &measured {
            let Ok(figures) = &pair.outcome else {
                println!("{}: {:?}", pair.name, pair.outcome.as_ref().err());
                doubted += 1;
                continue;
            };
            let (error, verdict) = (figures.error.mean_px, figures.verdict);
            let is_right = error < RIGHT_PX;
            right += usize::from(is_right);
            doubted += usize::from(verdict != Verdict::Pass);
            if !is_right || verdict != Verdict::Pass {
                println!(
                    "{}: {error:.3} px, {verdict:?} {:?}",
                    pair.name, figures.reasons
                );
            }
            // A wrong one is doubted at least.
            assert!(
                error < 2.0 * RIGHT_PX || verdict != Verdict::Pass,
                "{}: {error} px",
                pair.name
            );
        }
        println!("{name}: {right} of {all} right, {doubted} doubted");
        assert!(
            right as f64 >= 0.95 * all as f64,
            "{name}: {right} of {all}"
        );
    }
}
