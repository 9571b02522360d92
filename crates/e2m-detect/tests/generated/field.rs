//! What of an uneven background is left once the smooth field is taken off.

use crate::pairs::{KINDS, Pair};
use e2m_detect::{HeldOut, PairArrays, ScaleField};
use e2m_fixtures::Vignetting;
use e2m_image::Size;
use e2m_testing::sample_of_rates;
use ndarray::{Array2, Zip, s};

/// Side of a block, px: its mean has a sixty-fourth of the noise of a pixel. Blocks lie across the cells that the field is measured in.
const BLOCK: usize = 64;
const FIRST: usize = 32;

/// Where the light of both images is centred, each case another.
const CENTRES: [[[f64; 2]; 2]; 3] = [
    [[0.42, 0.55], [0.6, 0.45]],
    [[0.2, 0.3], [0.8, 0.7]],
    [[0.7, 0.3], [0.3, 0.35]],
];

/// A pair without microbes whose light loses this share towards the farthest corner of both images.
fn pair(size: Size, seed: u64, strength: f64) -> Pair {
    let mut recipe = KINDS[0].recipe(size, seed);
    recipe.noise_counts = 2.0;
    recipe.microbes.per_megapixel = 0.0;
    let [post, pre] = CENTRES[seed as usize % CENTRES.len()];
    let light = |centre| (strength > 0.0).then_some(Vignetting { strength, centre });
    recipe.vignetting_post = light(post);
    recipe.vignetting_pre = light(pre);
    Pair::of(&recipe)
}

/// 1.48 times the median distance from 0 of the means of blocks over their section, of which they have a half at least.
fn pattern(image: &Array2<f32>, on_section: &Array2<bool>) -> f64 {
    let (rows, columns) = image.dim();
    let mut means = Vec::new();
    for y in (FIRST..rows - BLOCK).step_by(BLOCK) {
        for x in (FIRST..columns - BLOCK).step_by(BLOCK) {
            let part = s![y..y + BLOCK, x..x + BLOCK];
            let both = image.slice(part).into_iter().zip(on_section.slice(part));
            let (sum, number) = both
                .filter(|(_, is)| **is)
                .fold((0.0, 0), |(sum, n), (v, _)| (sum + f64::from(*v), n + 1));
            if 2 * number >= BLOCK * BLOCK {
                means.push((sum / number as f64).abs());
            }
        }
    }
    means.sort_unstable_by(f64::total_cmp);
    1.482_602 * means.get(means.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The pattern with the one scale that fits best, with the field taken off, and what cells that were left out say of both.
fn patterns(pair: &Pair) -> (f64, f64, HeldOut) {
    let bright = |a: &f32| *a > 15.0;
    let on_section = Zip::from(&pair.aligned)
        .and(&pair.mask)
        .map_collect(|a, m| *m == 0 && bright(a));
    let mut ratios: Vec<f32> = Zip::from(&pair.post)
        .and(&pair.aligned)
        .and(&on_section)
        .map_collect(|p, a, is| if *is { p / a } else { f32::NAN })
        .into_iter()
        .filter(|r| !r.is_nan())
        .collect();
    ratios.sort_unstable_by(f32::total_cmp);
    let mut facts = pair.facts;
    facts.scale = f64::from(ratios[ratios.len() / 2]);
    let background = pair.aligned.mapv(|a| facts.scale as f32 * a);
    let mut difference = &pair.post - &background;
    let constant = pattern(&difference, &on_section);
    let (post, aligned, mask) = (pair.post.view(), pair.aligned.view(), pair.mask.view());
    let mut source = PairArrays::new(post, aligned, Some(mask)).expect("arrays of one shape");
    let field = ScaleField::measure(&mut source, &facts, 256).expect("arrays can be read");
    field.subtract(0, difference.view_mut(), background.view());
    (
        constant,
        pattern(&difference, &on_section),
        field.held_out(),
    )
}

#[test]
fn the_field_takes_four_fifths_of_the_pattern_that_uneven_light_leaves() {
    let sizes = [
        Size::new(900, 700),
        Size::new(1200, 900),
        Size::new(1900, 1500),
    ];
    let cases: Vec<(Size, u64)> = (0..3)
        .flat_map(|seed| sizes.map(|size| (size, 200 + seed)))
        .collect();
    for (size, seed) in sample_of_rates("uneven light", cases, 2) {
        let (constant, field, held_out) = patterns(&pair(size, seed, 0.5));
        println!(
            "{}x{} {seed}: {constant:.3} with one scale, {field:.3} without the field: 1/{:.1}; cells left out {:.3}, {:.3}, {} of {} nearer",
            size.width,
            size.height,
            constant / field,
            held_out.constant,
            held_out.field,
            held_out.nearer,
            held_out.cells,
        );
        assert!(
            5.0 * field < constant,
            "{size:?} {seed}: {field} of {constant}"
        );
        assert!(held_out.improves(), "{held_out:?}");
    }
}

#[test]
fn a_field_helps_nothing_where_one_scale_is_right() {
    let cases: Vec<u64> = (300..306).collect();
    for seed in sample_of_rates("even light", cases, 2) {
        let (constant, field, held_out) = patterns(&pair(Size::new(1200, 900), seed, 0.0));
        println!("{seed}: {constant:.3}, {field:.3}; {held_out:?}");
        assert!(!held_out.improves(), "{seed}: {held_out:?}");
    }
}
