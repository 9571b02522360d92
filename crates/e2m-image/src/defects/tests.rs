//! Defects in generated images: what is found, and what is left alone.

use super::*;
use crate::BandSink;
use ndarray::{Array2, s};

const SIZE: Size = Size {
    width: 420,
    height: 360,
};

/// Uniform numbers in [0, 1).
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Dark glass to the left and a wavy section to the right, with noise of this many counts, rounded.
fn scene(seed: u64, noise: f64) -> Array2<f32> {
    let mut random = Random(seed);
    Array2::from_shape_fn(SIZE.shape(), |(y, x)| {
        let (u, v) = (x as f64, y as f64);
        let rock = 90.0 + 15.0 * (0.21 * u + 0.23 * v).sin() + 12.0 * (0.19 * v - 0.26 * u).cos();
        let light = if x < 120 { 6.0 } else { rock };
        (light + noise * random.normal()).round().max(0.0) as f32
    })
}

fn found(image: &Array2<f32>, band_rows: usize) -> FoundDefects {
    let mut finder = DefectFinder::new(SIZE);
    for first in (0..SIZE.height).step_by(band_rows) {
        let end = (first + band_rows).min(SIZE.height);
        finder
            .write_band(image.slice(s![first..end, ..]))
            .expect("a band");
    }
    finder.finish()
}

fn places(random: &mut Random, count: usize) -> Vec<(usize, usize)> {
    let mut places: Vec<(usize, usize)> = (0..count)
        .map(|_| {
            let y = random.unit() * SIZE.height as f64;
            (y as usize, (random.unit() * SIZE.width as f64) as usize)
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn hot_and_dead_pixels_are_found_wherever_they_lie_and_nothing_else() {
    for seed in 0..6 {
        let mut image = scene(seed, 2.0);
        let clean = image.clone();
        assert!(
            found(&image, 64).strong.len() <= 2,
            "{seed}: {:?}",
            found(&image, 64).strong
        );
        let mut random = Random(100 + seed);
        let hot = places(&mut random, 400);
        for &(y, x) in &hot {
            image[(y, x)] = if clean[(y, x)] > 80.0 && random.unit() < 0.3 {
                0.0
            } else {
                clean[(y, x)] + 60.0
            };
        }
        let [defects, _] = Defects::of_pair(found(&image, 64), found(&clean, 64));
        let hits = hot.iter().filter(|(y, x)| defects.contains(*x, *y)).count();
        assert!(
            hits as f64 > 0.95 * hot.len() as f64,
            "{hits} of {}",
            hot.len()
        );
        assert!(defects.spots().len() <= hits + 3);
        let mut mended = image.clone();
        defects.mend(0, 0, &mut mended);
        let off = hot.iter().filter(|(y, x)| defects.contains(*x, *y));
        let worst = off
            .map(|&at| (mended[at] - clean[at]).abs())
            .fold(0.0, f32::max);
        assert!(worst < 45.0, "{worst}");
    }
}

#[test]
fn points_of_light_are_left_alone_wherever_their_centre_lies() {
    let mut random = Random(5);
    let mut image = scene(5, 1.0);
    let sigma = 1.5 / 2.355;
    for (y, x) in places(&mut random, 300) {
        let (cy, cx) = (y as f64 + random.unit(), x as f64 + random.unit());
        let peak = 15.0 + 140.0 * random.unit();
        for j in y.saturating_sub(4)..(y + 5).min(SIZE.height) {
            for i in x.saturating_sub(4)..(x + 5).min(SIZE.width) {
                // The mean over the pixel, by 5 x 5 points.
                let mut sum = 0.0;
                for k in 0..25 {
                    let v = j as f64 + f64::from(k / 5) / 5.0 - 0.4 - cy;
                    let u = i as f64 + f64::from(k % 5) / 5.0 - 0.4 - cx;
                    sum += (-(u * u + v * v) / (2.0 * sigma * sigma)).exp() / 25.0;
                }
                image[(j, i)] = (image[(j, i)] + (peak * sum) as f32).round();
            }
        }
    }
    let found = found(&image, 64);
    assert!(found.strong.len() <= 2, "{:?}", found.strong);
}

#[test]
fn bad_columns_and_rows_are_found_whole_and_edges_are_none() {
    for seed in 0..4 {
        let mut image = scene(20 + seed, 2.0);
        assert_eq!(
            (found(&image, 90).columns, found(&image, 90).rows),
            (vec![], vec![])
        );
        image.slice_mut(s![.., 200]).mapv_inplace(|v| v + 12.0);
        image.slice_mut(s![.., 300..303]).mapv_inplace(|v| v + 16.0);
        image.slice_mut(s![.., 40]).mapv_inplace(|v| v + 14.0);
        image.slice_mut(s![150, ..]).mapv_inplace(|v| v * 0.5);
        image.slice_mut(s![250..252, ..]).mapv_inplace(|v| v + 16.0);
        let found = found(&image, 90);
        assert_eq!(found.columns, [40..41, 200..201, 300..303], "{seed}");
        assert_eq!(found.rows, [150..151, 250..252], "{seed}");
        let [defects, _] = Defects::of_pair(found.clone(), found);
        let clean = scene(20 + seed, 2.0);
        let mut window = image.slice(s![100..200, 180..260]).to_owned();
        defects.mend(180, 100, &mut window);
        let error = (&window - &clean.slice(s![100..200, 180..260])).mapv(f32::abs);
        assert!(error.column(20).mean().expect("pixels") < 6.0);
        assert!(error.row(50).mean().expect("pixels") < 6.0);
    }
}

#[test]
fn what_is_weak_counts_where_both_images_have_it() {
    let mut random = Random(9);
    let hot = places(&mut random, 500);
    let image = |seed| {
        let mut image = scene(seed, 3.0);
        hot.iter().for_each(|&at| image[at] += 21.0);
        found(&image, 50)
    };
    let (post, pre) = (image(31), image(32));
    let alone = post.strong.len();
    let [of_post, of_pre] = Defects::of_pair(post, pre);
    let share = |defects: &Defects| {
        let hits = hot.iter().filter(|(y, x)| defects.contains(*x, *y));
        (hits.count(), defects.spots().len())
    };
    let (hits, all) = share(&of_post);
    assert!(hits > alone && all <= hits + 5, "{alone} {hits} {all}");
    let (hits, all) = share(&of_pre);
    assert!(all <= hits + 5, "{hits} {all}");
}

#[test]
fn neither_bands_nor_threads_matter() {
    let mut image = scene(3, 2.0);
    for at in places(&mut Random(77), 300) {
        image[at] += 70.0;
    }
    image.slice_mut(s![.., 111]).mapv_inplace(|v| v + 20.0);
    let whole = found(&image, SIZE.height);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool");
    for band_rows in [1, 3, 8, 33, 100] {
        assert_eq!(found(&image, band_rows), whole, "{band_rows}");
        assert_eq!(pool.install(|| found(&image, band_rows)), whole);
    }
}

#[test]
fn a_preview_is_mended_like_the_image() {
    let mut image = scene(4, 2.0);
    let clean = image.clone();
    for at in places(&mut Random(78), 300) {
        image[at] += 90.0;
    }
    let [defects, _] = Defects::of_pair(found(&image, 100), found(&clean, 100));
    let reduced = |image: &Array2<f32>| {
        Array2::from_shape_fn((SIZE.height / 3, SIZE.width / 3), |(y, x)| {
            image
                .slice(s![3 * y..3 * y + 3, 3 * x..3 * x + 3])
                .mean()
                .expect("pixels")
        })
    };
    let mut preview = reduced(&image);
    defects.mend_preview(3, &mut preview);
    let mut mended = image.clone();
    defects.mend(0, 0, &mut mended);
    let error = (&preview - &reduced(&mended)).mapv(f32::abs);
    assert!(error.iter().all(|e| *e < 1e-3));
}

#[test]
fn tiny_and_odd_images_have_none() {
    for (width, height) in [(1, 1), (2, 9), (9, 2), (3, 3), (130, 3)] {
        let size = Size::new(width, height);
        let mut finder = DefectFinder::new(size);
        let image = Array2::from_elem(size.shape(), f32::NAN);
        finder.write_band(image.view()).expect("a band");
        assert_eq!(finder.finish().strong, []);
    }
}
