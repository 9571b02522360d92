//! How fast bands of post and aligned pre are taken in, and how long the estimate takes: pixels per second.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use e2m_scale::{
    PercentilePasses, RatioStatistics, ScaleOptions, Subtraction, estimate_scale, subtract_scaled,
};
use ndarray::Array2;
use std::hint::black_box;

/// A band as the pipeline hands it out: 16 MiB of floats.
const SHAPE: (usize, usize) = (512, 8192);

/// Textured background, whole counts in post and interpolated ones in pre, with bare glass around.
fn bands() -> (Array2<f32>, Array2<f32>) {
    let background = |y: usize, x: usize| {
        let mut h = ((y as u64) << 32 | x as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        h ^= h >> 31;
        let noise = (h & 0xFF) as f32 / 64.0;
        let grain = (x / 37 * 7 + y / 41 * 13) % 90;
        if x < 700 {
            0.0
        } else {
            20.0 + grain as f32 + noise
        }
    };
    let pre = Array2::from_shape_fn(SHAPE, |(y, x)| background(y, x));
    let post = Array2::from_shape_fn(SHAPE, |(y, x)| (1.3 * background(y, x + 1)).round());
    (post, pre)
}

fn statistics(c: &mut Criterion) {
    let (post, pre) = bands();
    let one_thread = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool");
    let mut group = c.benchmark_group("one thread");
    group
        .throughput(Throughput::Elements(post.len() as u64))
        .sample_size(20);
    group.bench_function("ratios", |b| {
        b.iter_batched_ref(
            RatioStatistics::default,
            |s| one_thread.install(|| s.add_band(black_box(post.view()), black_box(pre.view()))),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("ranks", |b| {
        b.iter_batched_ref(
            || PercentilePasses::new(50.0).expect("a percentage").first(),
            |ranks| one_thread.install(|| ranks.add_band(post.view(), pre.view())),
            BatchSize::LargeInput,
        );
    });
    let mut difference = Array2::zeros(SHAPE);
    group.bench_function("difference", |b| {
        b.iter(|| {
            one_thread.install(|| {
                subtract_scaled(
                    post.view(),
                    pre.view(),
                    &Subtraction::of_scale(1.3),
                    difference.view_mut(),
                );
            });
        });
    });
    group.finish();

    let mut gathered = RatioStatistics::default();
    for _ in 0..8 {
        gathered.add_band(post.view(), pre.view());
    }
    let mut group = c.benchmark_group("estimate");
    group.sample_size(10);
    group.bench_function("33 Mpx", |b| {
        b.iter(|| estimate_scale(black_box(&gathered), &ScaleOptions::default()));
    });
    group.finish();
}

criterion_group!(benches, statistics);
criterion_main!(benches);
