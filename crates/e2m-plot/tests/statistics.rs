//! Statistics are the plain count of the pixels, whatever the bands and threads.

use e2m_image::Size;
use e2m_plot::{DifferenceClass, DifferencePreview, Levels, Outline, PairStatistics};
use ndarray::{Array2, s};
use std::collections::HashMap;

const WIDTH: usize = 211;
const HEIGHT: usize = 173;
/// What black levels take off, counts.
const OFFSET: f32 = 4.5;

/// A section with brightness up to `most`, zeros about it, interpolated values in pre.
fn pair(most: f32) -> (Array2<f32>, Array2<f32>) {
    let value = |x: usize, y: usize, a: usize, b: usize| {
        ((x * a + y * b + x * y * 7) % 1009) as f32 / 1008.0 * most
    };
    let post = Array2::from_shape_fn((HEIGHT, WIDTH), |(y, x)| {
        if x < 20 || y % 11 == 0 {
            0.0
        } else {
            value(x, y, 31, 17).round()
        }
    });
    let pre = Array2::from_shape_fn((HEIGHT, WIDTH), |(y, x)| {
        if x > 190 || x % 13 == 0 {
            0.0
        } else {
            value(x, y, 57, 5)
        }
    });
    (post, pre)
}

fn frames() -> (Outline, Outline) {
    let turned = Outline::new([(30.0, 5.0), (200.0, 25.0), (180.0, 165.0), (10.0, 140.0)]);
    (Outline::upright(8.0, 4.0, 190.0, 160.0), turned)
}

fn inside(outline: &Outline, x: usize, y: usize) -> bool {
    outline.columns(y, WIDTH).contains(&x)
}

fn gathered(most: f32, band_rows: usize, threads: usize) -> PairStatistics {
    let (post, pre) = pair(most);
    let (post_frame, pre_frame) = frames();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads");
    let mut statistics = PairStatistics::new(Levels::COUNTS, post_frame, pre_frame);
    pool.install(|| {
        for start in (0..HEIGHT).step_by(band_rows) {
            let rows = s![start..(start + band_rows).min(HEIGHT), ..];
            statistics.add_band(start, post.slice(rows), pre.slice(rows));
        }
    });
    statistics
}

#[test]
fn joint_difference_and_aligned_equal_a_plain_count() {
    for most in [255.0, 4095.0, 65_535.0] {
        let (post, pre) = pair(most);
        let (post_frame, pre_frame) = frames();
        let mut differences: HashMap<(bool, bool), HashMap<i64, u64>> = HashMap::new();
        let mut aligned: HashMap<usize, u64> = HashMap::new();
        let mut pairs = Vec::new();
        for ((y, x), &post) in post.indexed_iter() {
            let pre = pre[(y, x)];
            if inside(&pre_frame, x, y) {
                *aligned.entry(pre.round_ties_even() as usize).or_default() += 1;
            }
            if inside(&post_frame, x, y) && inside(&pre_frame, x, y) {
                let level = |v: f32| v.round_ties_even() as usize;
                pairs.push((level(pre), level(post)));
                let class = differences.entry((post > 0.0, pre > 0.0)).or_default();
                *class
                    .entry((post - pre).round_ties_even() as i64)
                    .or_default() += 1;
            }
        }
        for (band_rows, threads) in [(1, 1), (7, 3), (64, 2), (HEIGHT, 1)] {
            let (joint, difference, histogram) = gathered(most, band_rows, threads).finish();
            for (level, &count) in histogram.counts().iter().enumerate() {
                assert_eq!(count, aligned.get(&level).copied().unwrap_or(0));
            }
            assert_eq!(joint.total(), pairs.len() as u64);
            let grid = joint.grid_covering(0.0);
            let mut plain = Array2::<u64>::zeros((512, 512));
            for &(pre, post) in &pairs {
                plain[(post / grid.bin_levels, pre / grid.bin_levels)] += 1;
            }
            assert_eq!(grid.counts, plain);
            let of = |class: DifferenceClass, wanted: &dyn Fn(bool, bool) -> bool| {
                let counts = difference.counts(class);
                let mut found = 0;
                for (place, &count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
                    let value = place as i64 - 65_536;
                    let plain: u64 = differences
                        .iter()
                        .filter(|((post, pre), _)| wanted(*post, *pre))
                        .filter_map(|(_, values)| values.get(&value))
                        .sum();
                    assert_eq!(count, plain, "{class:?} {value}");
                    found += count;
                }
                found
            };
            let all = of(DifferenceClass::All, &|_, _| true);
            let both = of(DifferenceClass::BothPositive, &|post, pre| post && pre);
            let post_only = of(DifferenceClass::PostOnly, &|post, pre| post && !pre);
            assert_eq!(all, pairs.len() as u64);
            assert!(both > 0 && post_only > 0 && both + post_only < all);
        }
    }
}

#[test]
fn statistics_of_parts_merge_to_those_of_the_whole() {
    let (post, pre) = pair(4095.0);
    let (post_frame, pre_frame) = frames();
    let mut upper = PairStatistics::new(Levels::COUNTS, post_frame, pre_frame);
    let mut lower = upper.clone();
    upper.add_band(0, post.slice(s![..60, ..]), pre.slice(s![..60, ..]));
    lower.add_band(60, post.slice(s![60.., ..]), pre.slice(s![60.., ..]));
    lower.merge(upper);
    assert_eq!(lower.finish(), gathered(4095.0, HEIGHT, 1).finish());
}

#[test]
fn values_that_are_not_numbers_are_left_out() {
    let frame = Outline::upright(0.0, 0.0, 3.0, 1.0);
    let mut statistics = PairStatistics::new(Levels::COUNTS, frame, frame);
    let post = Array2::from_shape_vec((1, 3), vec![f32::NAN, 5.0, 7.0]).expect("3");
    let pre = Array2::from_shape_vec((1, 3), vec![1.0, f32::NAN, 2.0]).expect("3");
    statistics.add_band(0, post.view(), pre.view());
    let (joint, difference, _) = statistics.finish();
    assert_eq!((joint.total(), joint.grid(0).counts[(7, 2)]), (1, 1));
    assert_eq!(difference.counts(DifferenceClass::All)[65_536 + 5], 1);
}

#[test]
fn the_difference_preview_keeps_the_extreme_of_every_block() {
    let (post, pre) = pair(255.0);
    let (post_frame, pre_frame) = frames();
    let (factor, scale) = (10, 1.3);
    let mut magnitudes = Vec::new();
    let mut plain: HashMap<(usize, usize), f32> = HashMap::new();
    for ((y, x), &post) in post.indexed_iter() {
        let pre = pre[(y, x)];
        let covered = inside(&post_frame, x, y) && inside(&pre_frame, x, y);
        if covered && (post > 0.0 || pre > 0.0) {
            let value = post - scale * pre - OFFSET;
            magnitudes.push(value.abs());
            let kept = plain.entry((y / factor, x / factor)).or_insert(value);
            if value.abs() > kept.abs() {
                *kept = value;
            }
        }
    }
    magnitudes.sort_by(f32::total_cmp);
    let median = f64::from(magnitudes[magnitudes.len() / 2]);
    for band_rows in [1, 7, 10, 64, HEIGHT] {
        let canvas = Size::new(WIDTH, HEIGHT);
        let mut preview =
            DifferencePreview::new(canvas, factor, f64::from(scale), post_frame, pre_frame)
                .with_offset(f64::from(OFFSET));
        for start in (0..HEIGHT).step_by(band_rows) {
            let rows = s![start..(start + band_rows).min(HEIGHT), ..];
            preview.add_band(start, post.slice(rows), pre.slice(rows));
        }
        let summary = preview.finish();
        assert_eq!(summary.extremes.dim(), (18, 22));
        for (at, &value) in summary.extremes.indexed_iter() {
            match plain.get(&at) {
                Some(&expected) => assert_eq!(value.abs(), expected.abs()),
                None => assert!(value.is_nan()),
            }
        }
        let found = summary.median_magnitude.expect("pixels");
        assert!((found / median - 1.0).abs() < 0.004, "{found} {median}");
    }
}

#[test]
fn one_pixel_of_a_large_canvas_survives() {
    let canvas = Size::new(30_000, 25_000);
    let frame = Outline::upright(0.0, 0.0, 30_000.0, 25_000.0);
    let mut preview = DifferencePreview::new(canvas, 20, 1.0, frame, frame);
    let pre = Array2::from_elem((40, 30_000), 10.0f32);
    let mut post = pre.clone();
    post[(17, 12_345)] += 90.0;
    preview.add_band(7000, post.view(), pre.view());
    let extremes = preview.finish().extremes;
    assert_eq!(extremes[(7017 / 20, 12_345 / 20)], 90.0);
    assert_eq!(extremes.iter().filter(|v| **v > 0.0).count(), 1);
}
