//! `e2m convert`: an image goes from TIFF to FITS and back, and is the same.

use crate::common::Bench;
use e2m_image::{BandSink, BandSource, Size, Warp};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointReader, CheckpointWriter, Facts,
    FlagsWriter, PixelKind,
};
use insta::assert_snapshot;
use ndarray::Array2;

const SIZE: Size = Size::new(701, 433);

fn facts() -> Facts {
    let mut facts = Facts::new();
    facts
        .set("SAMPLE", "CD070", "Sample name")
        .and_then(|facts| facts.set("STAGE", "04_difference", "Pipeline stage"))
        .and_then(|facts| facts.set("SCALE", 1.0 / 3.0, "Scale factor"))
        .expect("facts");
    facts.set_warp(&Warp::translation(0.1, -1.0 / 7.0));
    facts
}

/// An image with every kind of value, NaN and infinity too.
fn image(bench: &Bench) -> Array2<f32> {
    let pixels = Array2::from_shape_fn(SIZE.shape(), |(y, x)| match (x * 31 + y * 17) % 257 {
        0 => f32::NAN,
        1 => f32::NEG_INFINITY,
        2 => -0.0,
        3 => f32::MIN_POSITIVE / 8.0,
        odd => (odd as f32 - 99.0) / 7.0,
    });
    let path = bench.path("a.tiff");
    let (tiff, none) = (CheckpointFormat::Tiff, CheckpointCompression::None);
    let mut writer = CheckpointWriter::create(&path, SIZE, &facts(), tiff, none).expect("creates");
    writer.write_band(pixels.view()).expect("writes");
    writer.finish().expect("finishes");
    pixels
}

fn read(bench: &Bench, name: &str) -> Array2<f32> {
    let mut reader = CheckpointReader::open(&bench.path(name)).expect("opens");
    reader.verify().expect("right");
    let mut pixels = Array2::zeros(SIZE.shape());
    reader.read_band(0, pixels.view_mut()).expect("reads");
    pixels
}

#[track_caller]
fn assert_same(a: &Array2<f32>, b: &Array2<f32>) {
    assert!(
        a.iter()
            .map(|v| v.to_bits())
            .eq(b.iter().map(|v| v.to_bits()))
    );
}

#[test]
fn pixels_and_facts_survive_both_ways() {
    let bench = Bench::new();
    let pixels = image(&bench);
    let run = |arguments: &[&str]| {
        let run = bench.run(arguments);
        assert_eq!(run.code, 0, "{}", run.err);
        run.out
    };
    let said = run(&["convert", "a.tiff", "b.fits"]);
    assert!(said.starts_with("Wrote b.fits ("), "{said}");
    assert_same(&read(&bench, "b.fits"), &pixels);
    run(&["convert", "b.fits", "c.TIF", "--deflate"]);
    assert_same(&read(&bench, "c.TIF"), &pixels);
    let reader = CheckpointReader::open(&bench.path("c.TIF")).expect("opens");
    for fact in &facts() {
        assert_eq!(
            reader.facts().get(&fact.key),
            Some(&fact.value),
            "{}",
            fact.key
        );
    }
    let length = |name: &str| bench.path(name).metadata().expect("there").len();
    assert!(length("c.TIF") < length("a.tiff"));
}

#[test]
fn masks_survive_both_ways() {
    let bench = Bench::new();
    let flags = Array2::from_shape_fn(SIZE.shape(), |(y, x)| (x + 3 * y) as u8);
    let path = bench.path("mask.tiff");
    let tiff = CheckpointFormat::Tiff;
    let mut writer = FlagsWriter::create(&path, None, SIZE, &facts(), tiff).expect("creates");
    writer.write_band(flags.view()).expect("writes");
    let hash = writer.finish().expect("finishes").hash;
    for (from, to) in [("mask.tiff", "mask.fits"), ("mask.fits", "again.tiff")] {
        let run = bench.run(&["convert", from, to]);
        assert_eq!(run.code, 0, "{}", run.err);
        let reader = CheckpointReader::open_as(&bench.path(to), PixelKind::Flags);
        assert_eq!(reader.expect("opens").verify().expect("right"), hash);
    }
}

#[test]
fn what_cannot_be_converted_is_said_and_nothing_is_written() {
    let bench = Bench::new();
    image(&bench);
    let said = |arguments: &[&str], code: i32| {
        let run = bench.run(arguments);
        assert_eq!(run.code, code, "{}", run.err);
        run.err
    };
    let mut all = vec![
        said(&["convert", "a.tiff", "b.png"], 2),
        said(&["convert", "a.tiff", "a.tiff"], 2),
        said(&["convert", "a.tiff", "a.tiff", "--overwrite"], 2),
        said(&["convert", "none.tiff", "b.fits"], 1),
    ];
    bench.write("text.tiff", "no image");
    all.push(said(&["convert", "text.tiff", "b.fits"], 1));
    // A FITS file with one bit that is another.
    assert_eq!(bench.run(&["convert", "a.tiff", "a.fits"]).code, 0);
    let mut bytes = std::fs::read(bench.path("a.fits")).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bench.write("damaged.fits", bytes);
    all.push(said(&["convert", "damaged.fits", "b.tiff"], 1));
    assert_snapshot!("convert_of_what_cannot_be", all.concat());
    for name in ["b.png", "b.fits", "b.tiff"] {
        assert!(!bench.path(name).exists(), "{name}");
    }
}
