//! What the estimate does not depend on, and what it does where there is little to go by.

use crate::pairs::{KINDS, Pair};
use e2m_fixtures::Recipe;
use e2m_image::Size;
use e2m_scale::{MoffatScale, RatioStatistics, ScaleError, ScaleOptions, estimate_scale};
use ndarray::Array2;

fn clean(width: usize) -> (Pair, Recipe) {
    let recipe = KINDS[0].recipe(5, Size::new(width, width * 4 / 5));
    (Pair::new(&recipe, 0.05), recipe)
}

fn estimate(post: &Array2<f32>, pre: &Array2<f32>) -> Result<MoffatScale, ScaleError> {
    let mut statistics = RatioStatistics::default();
    statistics.add_band(post.view(), pre.view());
    estimate_scale(&statistics, &ScaleOptions::default())
}

#[test]
fn band_height_and_threads_do_not_change_a_bit() {
    let (pair, _) = clean(500);
    let whole = estimate(&pair.post, &pair.aligned).expect("signal");
    for band_rows in [1, 7, 64] {
        let other =
            estimate_scale(&pair.statistics(band_rows), &ScaleOptions::default()).expect("signal");
        assert_eq!(other, whole);
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .build()
        .expect("a pool");
    let other = pool
        .install(|| estimate(&pair.post, &pair.aligned))
        .expect("signal");
    assert_eq!(other, whole);
}

#[test]
fn the_unit_of_brightness_does_not_matter() {
    let (pair, _) = clean(500);
    let whole = estimate(&pair.post, &pair.aligned).expect("signal");
    for unit in [1.0 / 1024.0, 256.0] {
        let scaled = estimate(&(&pair.post * unit), &(&pair.aligned * unit)).expect("signal");
        // Powers of brightness are rounded differently.
        assert!((scaled.value / whole.value - 1.0).abs() < 1e-9);
        assert!((scaled.std_error / whole.std_error - 1.0).abs() < 1e-6);
    }
    // Each image in its own unit, as 16 bit against 8 bit.
    let mixed = estimate(&(&pair.post * 256.0), &pair.aligned).expect("signal");
    assert!((mixed.value / (256.0 * whole.value) - 1.0).abs() < 2e-5);
}

#[test]
fn a_dozen_levels_are_enough() {
    let (pair, _) = clean(800);
    let levels = |image: &Array2<f32>, step: f32| image.mapv(|v| (v / step).round());
    let (post, pre) = (levels(&pair.post, 12.0), levels(&pair.aligned, 12.0));
    assert!(pre.iter().all(|v| *v <= 20.0));
    let scale = estimate(&post, &pre).expect("signal");
    let off = scale.value / pair.scale - 1.0;
    assert!(
        off.abs() < 0.01 && off.abs() < 3.0 * scale.std_error,
        "{off} {scale:?}"
    );
}

#[test]
fn small_images_use_smaller_blocks_and_say_so() {
    for (width, side) in [(60, 1), (160, 4), (700, 16)] {
        let (pair, recipe) = clean(width);
        let scale = estimate(&pair.post, &pair.aligned).expect("signal");
        assert_eq!(scale.block_side_px, side, "{width} px");
        let off = scale.value / recipe.gain - 1.0;
        assert!(
            off.abs() < 3.0 * scale.std_error && off.abs() < 0.03,
            "{width} px: {off}"
        );
    }
}

#[test]
fn a_black_level_is_taken_off() {
    let (pair, _) = clean(800);
    let without = estimate(&pair.post, &pair.aligned).expect("signal");
    assert!(
        without.brightness_trend.abs() < 0.002,
        "{}",
        without.brightness_trend
    );
    let level = 6.0;
    let raised = |image: &Array2<f32>| image.mapv(|v| if v > 0.0 { v + level } else { v });
    let with = estimate(&raised(&pair.post), &raised(&pair.aligned)).expect("signal");
    let off = with.value / without.value - 1.0;
    assert!(off.abs() < 0.01, "{off} {:?}", with.black);
    assert!(with.black.post != 0.0);
}

#[test]
fn unchanged_pixels_are_not_the_background_unless_they_are_all_there_is() {
    let (pair, recipe) = clean(700);
    let (mut post, mut pre) = (pair.post.clone(), pair.aligned.clone());
    // The upper two thirds of both images are the same: a frame somebody pasted in.
    let rows = ndarray::s![..370, ..];
    post.slice_mut(rows).fill(200.0);
    pre.slice_mut(rows).fill(200.0);
    let scale = estimate(&post, &pre).expect("signal");
    assert!(
        (scale.value / recipe.gain - 1.0).abs() < 0.005,
        "{}",
        scale.value
    );
    let same = estimate(&pair.aligned, &pair.aligned).expect("signal");
    assert!((same.value - 1.0).abs() < 1e-4, "{}", same.value);
}

#[test]
fn pixels_without_a_ratio_are_left_out() {
    let (pair, recipe) = clean(700);
    let (mut post, mut pre) = (pair.post.clone(), pair.aligned.clone());
    for (i, (post, pre)) in post.iter_mut().zip(pre.iter_mut()).enumerate() {
        match i % 5003 {
            0 => *post = f32::NAN,
            1 => *pre = f32::INFINITY,
            2 => *post = -4.0,
            _ => {}
        }
    }
    let scale = estimate(&post, &pre).expect("signal");
    assert!(
        (scale.value / recipe.gain - 1.0).abs() < 0.005,
        "{}",
        scale.value
    );
}

#[test]
fn hardly_any_signal_is_an_error_that_says_how_much() {
    for shape in [(0, 0), (1, 1), (50, 50)] {
        let mut image = Array2::<f32>::zeros(shape);
        image.iter_mut().take(1).for_each(|v| *v = 5.0);
        let found = image.len().min(1) as u64;
        let error = estimate(&image, &image).expect_err("one pixel at most");
        assert_eq!(error, ScaleError::FewPixels { found, needed: 100 });
    }
    let one_row = Array2::from_shape_fn((1, 400), |(_, x)| 20.0 + (x % 50) as f32);
    let scale = estimate(&(&one_row * 1.5), &one_row).expect("enough pixels");
    assert!((scale.value - 1.5).abs() < 1e-3);
}
