//! Fields of cells by two dyes: sparse, noisy and without an outline, some behind the field stop of the instrument, some in long
//! strips. They are aligned, and fields that do not belong together never pass.

use e2m_align::{AlignOptions, Alignment, Size, Verdict, align};
use e2m_fixtures::CellField;
use e2m_testing::{sample, sample_of_rates};
use rayon::prelude::*;

/// Mean error below which an alignment is right, px.
const RIGHT_PX: f64 = 1.0;
/// Of so many pairs of each kind, a sample holds [`SAMPLE`].
const SEEDS: u64 = 20;

const SAMPLE: usize = 1;
/// Kinds that a sample holds.
const SAMPLED_KINDS: usize = 2;

fn field(seed: u64) -> CellField {
    let step = |of: u64, n: u64| (seed / of % n) as f64;
    CellField {
        seed: 9000 + seed,
        width: 620 + 20 * (seed % 9) as usize,
        height: 520 + 20 * (seed % 7) as usize,
        per_megapixel: [500.0, 900.0, 1600.0][(seed % 3) as usize],
        radius_px: [3.5, 5.0, 8.0][(seed / 3 % 3) as usize],
        shared: [0.6, 0.75, 0.9][(seed / 2 % 3) as usize],
        noise_counts: [2.0, 5.0, 8.0][(seed / 4 % 3) as usize],
        rotation_deg: 1.5 * step(1, 3) - 1.5,
        magnification: 0.99 + 0.01 * step(2, 3),
        shift_px: [23.0 * step(1, 4) - 31.0, 17.0 * step(3, 4) - 22.0],
        ..CellField::default()
    }
}

type Change = fn(&mut CellField, u64);

/// Kinds with the share that comes out right and not failed at least; the rest is refused or doubted, never passed. It is less than anyone
/// would want: docs/accuracy.md says so.
const KINDS: &[(&str, f64, Change)] = &[
    ("two dyes", 0.25, |_, _| {}),
    ("two dyes, turned and magnified", 0.25, |field, seed| {
        field.rotation_deg = [-9.0, -6.0, 5.0, 8.0][(seed % 4) as usize];
        field.magnification = [0.96, 1.03, 1.05][(seed % 3) as usize];
    }),
    ("two dyes, any rotation", 0.0, |field, seed| {
        field.rotation_deg = [-150.0, -75.0, 40.0, 90.0, 180.0][(seed % 5) as usize];
        field.shift_px = [10.0, -6.0];
        (field.radius_px, field.per_megapixel) = (8.0, 600.0);
    }),
    ("two dyes, field stop", 0.0, |field, seed| {
        field.field_stop = true;
        field.shift_px = [25.0 + (seed % 5) as f64, -18.0];
    }),
    ("two dyes, long strips", 0.0, |field, seed| {
        (field.width, field.height) = (6000 + 500 * (seed % 4) as usize, 300);
        field.rotation_deg = 0.1;
        field.magnification = 1.0;
        field.shift_px[1] *= 0.5;
    }),
];

fn tried(field: &CellField) -> Result<(Alignment, f64), String> {
    let [post, pre] = field.render();
    let found = align(post.view(), pre.view(), &AlignOptions::default());
    let found = found.map_err(|error| error.to_string())?;
    let size = Size::new(field.width, field.height);
    let error = found.warp.mean_distance(&field.warp(), size);
    Ok((found, error))
}

#[test]
fn sparse_fields_by_two_dyes_are_aligned_and_foreign_ones_never_pass() {
    let mut short = Vec::new();
    for (name, least, change) in sample("kinds of fields", KINDS.to_vec(), SAMPLED_KINDS) {
        let fields = (0..SEEDS).map(|seed| {
            let mut field = field(seed);
            change(&mut field, seed);
            field
        });
        let fields = sample_of_rates(name, fields, SAMPLE);
        let all = fields.len();
        let (mut right, mut passed, mut wrong) = (0, 0, 0);
        let mut foreign_passed = Vec::new();
        let outcomes: Vec<_> = fields
            .par_iter()
            .map(|field| {
                let foreign = CellField {
                    foreign: true,
                    ..field.clone()
                };
                (tried(field), tried(&foreign))
            })
            .collect();
        for (field, (own, foreign)) in fields.iter().zip(outcomes) {
            match own {
                Ok((found, error)) => {
                    let verdict = found.assessment.verdict;
                    let (is_right, is_failed) = (error <= RIGHT_PX, verdict == Verdict::Fail);
                    right += usize::from(is_right && !is_failed);
                    passed += usize::from(is_right && verdict == Verdict::Pass);
                    wrong += usize::from(!is_right && !is_failed);
                    let (seed, method) = (field.seed, found.coarse.method);
                    let reasons = found.assessment.reasons.join("; ");
                    println!("{name} {seed}: {error:.3} px by {method}, {verdict:?} {reasons}");
                    assert!(
                        is_right || verdict != Verdict::Pass,
                        "{name} {seed}: {error} px"
                    );
                }
                Err(error) => println!("{name} {}: none: {error}", field.seed),
            }
            if foreign.is_ok_and(|(found, _)| found.assessment.verdict == Verdict::Pass) {
                foreign_passed.push(field.seed);
            }
        }
        println!(
            "{name}: {right} of {all} right and not failed, {passed} pass, {wrong} wrong and not failed, \
             {} foreign pass",
            foreign_passed.len()
        );
        assert!(foreign_passed.is_empty(), "{name}: {foreign_passed:?} pass");
        // A sample of one shows no rate.
        if all as u64 == SEEDS && (right as f64) < least * all as f64 {
            short.push(format!("{name}: {right} of {all}"));
        }
    }
    assert!(short.is_empty(), "{short:?}");
}
