//! Sections of which a part lies elsewhere in pre, is turned, exchanged, of another rock or gone: none of them passes, and pairs
//! whose sections are whole are not called so.

use crate::measure::Measured;
use crate::measure_all;
use e2m_align::{AlignOptions, Verdict};
use e2m_fixtures::{
    Bleaching, Dust, Fate, Misplaced, NamedRecipe, Part, Recipe, Section, Shape, Uptake,
};
use e2m_testing::sample_of_rates;

/// Pairs of each kind; a sample holds [`SAMPLE`] of all.
const SEEDS: u64 = 24;
const SAMPLE: usize = 8;

type Change = fn(&mut Recipe);

const HARDSHIPS: [(&str, Change); 6] = [
    ("clean", |_| {}),
    ("noise 8", |r| r.noise_counts = 8.0),
    ("uptake", |r| {
        r.uptake = Some(Uptake {
            share: 0.25,
            counts: 60.0,
        });
    }),
    ("defocus", |r| r.defocus_post_px = 2.0),
    ("dust", |r| r.dust = Some(Dust::default())),
    ("uptake, bleaching, dust, noise", |r| {
        r.uptake = Some(Uptake {
            share: 0.2,
            counts: 40.0,
        });
        r.bleaching = Some(Bleaching {
            share: 0.2,
            loss: 0.2,
        });
        r.dust = Some(Dust::default());
        r.noise_counts = 5.0;
    }),
];

/// Shares of the section that are misplaced.
const SHARES: [f64; 4] = [0.03, 0.06, 0.12, 0.3];

/// A pair turned, magnified and shifted by its seed, with a hardship.
fn whole(seed: u64, shape: Shape) -> NamedRecipe {
    let step = |of: u64, n: u64| (seed / of % n) as f64;
    let (hardship, change) = HARDSHIPS[(seed % HARDSHIPS.len() as u64) as usize];
    let mut recipe = Recipe {
        seed: 40_000 + seed,
        width: 900 + 100 * (seed % 7) as usize,
        height: 800 + 100 * (seed % 5) as usize,
        rotation_deg: 4.0 * step(1, 7) - 12.0,
        magnification: 0.96 + 0.02 * step(2, 5),
        shift_fraction: [0.02 * step(1, 3) - 0.02, 0.01 * step(3, 4)],
        section: Section {
            shape,
            pieces: 3 + (seed % 3) as usize,
            ..Section::default()
        },
        ..Recipe::default()
    };
    change(&mut recipe);
    NamedRecipe {
        name: format!("{seed}: {hardship}"),
        recipe,
    }
}

/// The same with a part that is misplaced.
fn with_a_part(kind: usize, seed: u64, shape: Shape) -> NamedRecipe {
    let mut pair = whole(seed, shape);
    let share = SHARES[(seed / 5 % 4) as usize];
    let unit = |n: u64| ((seed * 7 + n * 13) % 29) as f64 / 28.0;
    let angle = std::f64::consts::TAU * unit(1);
    let far = [5.0, 10.0, 20.0, 40.0, 60.0, 80.0][(seed / 6 % 6) as usize];
    let (fate, name) = match kind {
        0 => (
            Fate::Moved([far * angle.cos(), far * angle.sin()]),
            format!("moved by {far} px"),
        ),
        1 => {
            let degrees = [6.0, 15.0, 40.0, 90.0, 180.0][(seed % 5) as usize];
            (Fate::Turned(degrees), format!("turned by {degrees}°"))
        }
        2 => (Fate::Exchanged([0.31, -0.27]), "exchanged".to_owned()),
        3 => (Fate::OtherRock, "of another rock".to_owned()),
        _ => (Fate::Absent, "absent".to_owned()),
    };
    let part = if shape == Shape::Pieces {
        Part::Piece((seed % 3) as usize)
    } else {
        let radius = (share / std::f64::consts::PI).sqrt();
        let stretch = 0.7 + 0.6 * unit(2);
        let half_axes = [radius * stretch, radius / stretch];
        let within = |u: f64, half: f64| half + u * (1.0 - 2.0 * half).max(0.0);
        Part::Ellipse {
            centre: [within(unit(3), half_axes[0]), within(unit(4), half_axes[1])],
            half_axes,
        }
    };
    pair.recipe.misplaced = Some(Misplaced { part, fate });
    let what = if shape == Shape::Pieces {
        "a piece".to_owned()
    } else {
        format!("{:.0} %", 100.0 * share)
    };
    pair.name = format!("{what} {name}, {}", pair.name);
    pair
}

fn verdict(pair: &Measured) -> Option<Verdict> {
    pair.outcome.as_ref().ok().map(|figures| figures.verdict)
}

#[test]
fn a_section_of_which_a_part_is_misplaced_never_passes() {
    let all = [Shape::FrameFilling, Shape::Pieces]
        .into_iter()
        .flat_map(|shape| (0..5).map(move |kind| (shape, kind)))
        .flat_map(|(shape, kind)| (0..SEEDS).map(move |seed| with_a_part(kind, seed, shape)));
    let pairs = sample_of_rates("sections with a misplaced part", all, SAMPLE);
    let measured = measure_all(&pairs, &AlignOptions::default());
    // A part of 3 % has four tiles or fewer, as a few specks of dust have.
    let is_small = |pair: &&Measured| pair.name.starts_with("3 %");
    let (small, passed): (Vec<&Measured>, Vec<&Measured>) = measured
        .iter()
        .filter(|pair| verdict(pair) == Some(Verdict::Pass))
        .partition(is_small);
    let named = measured.iter().filter(|pair| {
        let outcome = pair.outcome.as_ref();
        outcome.is_ok_and(|f| f.reasons.iter().any(|r| r.starts_with("misplaced part")))
    });
    println!(
        "misplaced: {} of {} passed, and {} with a part of 3 %, {} named",
        passed.len(),
        measured.len(),
        small.len(),
        named.count()
    );
    for pair in passed.iter().chain(&small) {
        println!("PASSED {pair}");
    }
    // Noise leaves open whether a dim part is another or only not seen: once in twenty.
    assert!(
        passed.len() * 20 <= measured.len().max(20),
        "{} passed",
        passed.len()
    );
}

#[test]
fn a_whole_section_is_not_called_misplaced() {
    let all = [Shape::FrameFilling, Shape::Pieces, Shape::Outline]
        .into_iter()
        .flat_map(|shape| (0..2 * SEEDS).map(move |seed| whole(500 + seed, shape)));
    let pairs = sample_of_rates("sections that are whole", all, SAMPLE);
    let measured = measure_all(&pairs, &AlignOptions::default());
    let alarms: Vec<&Measured> = measured
        .iter()
        .filter(|pair| verdict(pair) != Some(Verdict::Pass))
        .collect();
    println!("whole: {} of {} doubted", alarms.len(), measured.len());
    for pair in &alarms {
        println!("ALARM {pair}");
    }
    assert!(
        alarms.len() * 50 <= measured.len().max(50),
        "{}",
        alarms.len()
    );
}
