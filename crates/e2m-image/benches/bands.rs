//! How fast bands are made and reduced on one thread: a plane seen through warps, a padded plane, its preview.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use e2m_image::{
    BandSink, BandSource, BlockMean, Canvas, Padded, PlaneSource, PlaneView, Size, Warp,
    WarpedPlane,
};
use ndarray::Array2;
use rayon::ThreadPool;
use std::hint::black_box;

/// Larger than caches, with more rows than pages that a processor finds at once; no power of two, whose columns would
/// share few lines of a cache.
const SIDE: usize = 8100;
const BAND_ROWS: usize = 256;

fn texture<P>(pixel: impl Fn(u32) -> P) -> Array2<P> {
    Array2::from_shape_fn((SIDE, SIDE), |(y, x)| {
        let hash = ((y << 13 | x) as u32).wrapping_mul(0x9E37_79B9);
        pixel(hash >> 8)
    })
}

fn warps() -> [(&'static str, Warp); 5] {
    let middle = (SIDE as f64 / 2.0, SIDE as f64 / 2.0);
    let nearly = Warp::similarity(1.0002, 0.03, middle).then(&Warp::translation(0.3, -0.7));
    let tilt = |p: f64, q: f64| {
        Warp::new([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [p, q, 1.0]]).expect("a warp")
    };
    [
        ("nearly identity", nearly.then(&tilt(1e-9, -2e-9))),
        ("2 degrees", Warp::similarity(1.01, 2.0, middle)),
        ("45 degrees", Warp::similarity(1.0, 45.0, middle)),
        ("90 degrees", Warp::similarity(1.0, 90.0, middle)),
        ("perspective", tilt(1e-5, 2e-5)),
    ]
}

fn one_thread() -> ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool")
}

fn warp(c: &mut Criterion) {
    let counts = texture(|hash| hash as u8);
    let wide = texture(|hash| hash as u16);
    let floats = texture(|hash| hash as f32 * 0.37);
    let planes = [
        ("u8", PlaneView::from(counts.view())),
        ("u16", PlaneView::from(wide.view())),
        ("f32", PlaneView::from(floats.view())),
    ];
    let pool = one_thread();
    let mut band = Array2::zeros((BAND_ROWS, SIDE));
    let mut group = c.benchmark_group("warp");
    group
        .throughput(Throughput::Elements(band.len() as u64))
        .sample_size(15);
    let canvas = Canvas::new(Size::new(SIDE, SIDE), Size::new(SIDE, SIDE), 0);
    for (warp_name, warp) in warps() {
        for (type_name, plane) in planes {
            let mut source = WarpedPlane::new(plane, canvas, warp);
            group.bench_function(format!("{type_name}, {warp_name}"), |b| {
                b.iter(|| {
                    pool.install(|| source.read_band(SIDE / 2, black_box(band.view_mut())))
                        .expect("a band");
                });
            });
        }
    }
    group.finish();
}

fn straight(c: &mut Criterion) {
    let counts = texture(|hash| hash as u8);
    let floats = texture(|hash| hash as f32 * 0.37);
    let canvas = Canvas::new(Size::new(SIDE, SIDE), Size::new(SIDE, SIDE), 500);
    let mut band = Array2::zeros((BAND_ROWS, canvas.size().width));
    let mut group = c.benchmark_group("straight");
    group
        .throughput(Throughput::Elements(band.len() as u64))
        .sample_size(30);
    for (name, plane) in [
        ("u8", PlaneView::from(counts.view())),
        ("f32", PlaneView::from(floats.view())),
    ] {
        let mut padded = Padded::new(PlaneSource::new(plane), canvas).expect("fits");
        group.bench_function(format!("padded {name}"), |b| {
            b.iter(|| {
                padded
                    .read_band(SIDE / 2, black_box(band.view_mut()))
                    .expect("a band");
            });
        });
    }
    for factor in [1, 5, 8, 21] {
        group.bench_function(format!("block mean by {factor}"), |b| {
            b.iter_batched_ref(
                || BlockMean::new(canvas.size(), factor),
                |preview| preview.write_band(black_box(band.view())).expect("a band"),
                criterion::BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, warp, straight);
criterion_main!(benches);
