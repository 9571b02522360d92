//! Measures how many pixel pairs the statistics count in a second.
//!
//! `cargo run --release -p e2m-plot --example throughput -- 1` (the argument is the number of threads)

#![expect(clippy::print_stdout, reason = "an example tells what it measured")]

use e2m_image::Size;
use e2m_plot::{DifferencePreview, Levels, Outline, PairStatistics};
use ndarray::{Array2, ArrayView2};
use std::error::Error;
use std::time::Instant;

const WIDTH: usize = 34_000;
const ROWS: usize = 120;
const BANDS: usize = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let threads = std::env::args().nth(1).map_or(Ok(1), |n| n.parse())?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    let frame = Outline::upright(0.0, 0.0, WIDTH as f64, (ROWS * BANDS) as f64);
    for (name, most) in [
        ("8 bit", 255.0f32),
        ("12 bit", 4095.0),
        ("16 bit", 65_535.0),
    ] {
        let (post, pre) = bands(most);
        let mut statistics = PairStatistics::new(Levels::COUNTS, frame, frame);
        measure(
            &format!("{name}, pair statistics"),
            &post,
            &pre,
            |row, post, pre| {
                statistics.add_band(row, post, pre);
            },
        );
        let canvas = Size::new(WIDTH, ROWS * BANDS);
        let mut preview = DifferencePreview::new(canvas, 22, 1.3, frame, frame);
        measure(
            &format!("{name}, difference preview"),
            &post,
            &pre,
            |row, post, pre| {
                preview.add_band(row, post, pre);
            },
        );
    }
    Ok(())
}

/// A third of padding, and a section whose brightness is spread over some octaves with noise.
fn bands(most: f32) -> (Array2<f32>, Array2<f32>) {
    let mut state = 1u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let pre = Array2::from_shape_fn((ROWS, WIDTH), |(_, x)| {
        if x % 3000 < 1000 {
            0.0
        } else {
            most * 0.5 * (random() * random() + 0.02)
        }
    });
    let post = pre.mapv(|v| {
        if v > 0.0 {
            (1.3 * v + 4.0 * random()).round()
        } else {
            0.0
        }
    });
    (post, pre)
}

fn measure(
    what: &str,
    post: &Array2<f32>,
    pre: &Array2<f32>,
    mut add: impl FnMut(usize, ArrayView2<'_, f32>, ArrayView2<'_, f32>),
) {
    let start = Instant::now();
    for band in 0..BANDS {
        add(band * ROWS, post.view(), pre.view());
    }
    let seconds = start.elapsed().as_secs_f64();
    let pixels = (BANDS * ROWS * WIDTH) as f64;
    println!("{what:30} {:6.0} Mpx/s", pixels / seconds / 1e6);
}
