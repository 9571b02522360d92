//! The band codec: how fast bands go into checkpoints and come out again, and out of raw files; bytes of float pixels per
//! second. Files lie where temporary files do.

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use e2m_image::{BandSink, BandSource, Size, default_band_rows};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointReader, CheckpointWriter, Facts, RawImage,
};
use ndarray::{Array2, s};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use tiff::encoder::{TiffEncoder, colortype};

/// Six bands of 16 MiB.
const SIZE: Size = Size::new(8192, 3072);
/// Zeros around the image, as on a canvas.
const PAD: usize = 512;

const KINDS: [(&str, CheckpointFormat, CheckpointCompression); 3] = [
    ("TIFF", CheckpointFormat::Tiff, CheckpointCompression::None),
    ("FITS", CheckpointFormat::Fits, CheckpointCompression::None),
    (
        "TIFF deflate",
        CheckpointFormat::Tiff,
        CheckpointCompression::Deflate,
    ),
];

/// Noise and grain, between whole numbers as interpolation leaves them.
fn aligned() -> Array2<f32> {
    Array2::from_shape_fn(SIZE.shape(), |(y, x)| {
        let inside = (PAD..SIZE.width - PAD).contains(&x) && (PAD..SIZE.height - PAD).contains(&y);
        let mut h = ((y as u64) << 32 | x as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        h ^= h >> 31;
        let grain = (x / 37 * 7 + y / 41 * 13) % 90;
        if inside {
            20.0 + grain as f32 + (h & 0xFFF) as f32 / 1000.0
        } else {
            0.0
        }
    })
}

fn write(path: &Path, image: &Array2<f32>, format: CheckpointFormat, how: CheckpointCompression) {
    let mut writer =
        CheckpointWriter::create(path, SIZE, &Facts::new(), format, how).expect("creates");
    let rows = default_band_rows(SIZE.width);
    for first in (0..SIZE.height).step_by(rows) {
        let end = (first + rows).min(SIZE.height);
        writer
            .write_band(image.slice(s![first..end, ..]))
            .expect("writes");
    }
    writer.finish().expect("finishes");
}

fn read(source: &mut dyn BandSource, band: &mut Array2<f32>) {
    let rows = band.nrows();
    for first in (0..source.size().height).step_by(rows) {
        let rows = rows.min(source.size().height - first);
        source
            .read_band(first, band.slice_mut(s![..rows, ..]))
            .expect("reads");
    }
}

/// A grey file of 8 bit, as microscopes leave them.
fn write_raw(path: &Path, image: &Array2<f32>) {
    let pixels: Vec<u8> = image.iter().map(|v| *v as u8).collect();
    let file = BufWriter::new(File::create(path).expect("creates"));
    TiffEncoder::new(file)
        .and_then(|mut encoder| {
            encoder.write_image::<colortype::Gray8>(SIZE.width as u32, SIZE.height as u32, &pixels)
        })
        .expect("writes");
}

fn checkpoints(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("folder");
    let image = aligned();
    let mut band = Array2::zeros((default_band_rows(SIZE.width), SIZE.width));

    let mut group = c.benchmark_group("band codec");
    group
        .throughput(Throughput::Bytes(4 * SIZE.pixels()))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10);
    for (name, format, compression) in KINDS {
        let path = folder.path().join(name);
        group.bench_function(format!("write {name}"), |b| {
            b.iter(|| write(&path, &image, format, compression));
        });
        group.bench_function(format!("read {name}"), |b| {
            b.iter(|| {
                let mut reader = CheckpointReader::open(&path).expect("opens");
                read(&mut reader, &mut band);
            });
        });
    }
    let path = folder.path().join("raw.tif");
    write_raw(&path, &image);
    group.bench_function("read raw, 8 bit", |b| {
        b.iter(|| {
            let mut raw = RawImage::open(&path).expect("opens");
            let choice = raw.choose_alone().expect("a channel");
            let mut bands = raw.bands(&choice).expect("bands");
            read(&mut bands, &mut band);
        });
    });
    group.finish();
}

criterion_group!(benches, checkpoints);
criterion_main!(benches);
