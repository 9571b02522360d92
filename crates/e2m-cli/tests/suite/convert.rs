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

/// Pixels of three channels, each its own.
fn colours(x: usize, y: usize) -> [u16; 3] {
    let all = [x * 7 + y, 60_000 - x - y * 3, (x * y) % 65_536];
    all.map(|value| value as u16)
}

#[test]
fn an_rgb_image_becomes_three_extensions() {
    let bench = Bench::new();
    let (width, height) = (211, 97);
    let pixels: Vec<u16> = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| colours(x, y)))
        .collect();
    let file = std::fs::File::create(bench.path("rgb.tif")).expect("a file");
    let mut encoder = tiff::encoder::TiffEncoder::new(file).expect("an encoder");
    encoder
        .write_image::<tiff::encoder::colortype::RGB16>(width as u32, height as u32, &pixels)
        .expect("written");
    let run = bench.run(&["convert", "rgb.tif", "rgb.fits"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let python = "import sys\nfrom astropy.io import fits\nwith fits.open(sys.argv[1]) as f:\n f.verify('exception')\n \
                  print([h.name for h in f], f[1].data.dtype, f[1].data.shape, f[0].header['RAWFILE'])\n \
                  print(*[int(f[c].data[y, x]) for x, y in ((0, 0), (210, 96), (13, 50)) for c in (1, 2, 3)])\n";
    let Some(interpreter) = e2m_testing::python() else {
        return;
    };
    let output = std::process::Command::new(interpreter)
        .args(["-c", python])
        .arg(bench.path("rgb.fits"))
        .output()
        .expect("Python");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted: Vec<String> = [(0, 0), (210, 96), (13, 50)]
        .into_iter()
        .flat_map(|(x, y)| colours(x, y))
        .map(|value| value.to_string())
        .collect();
    assert_eq!(
        said,
        format!(
            "['PRIMARY', 'RED1', 'GREEN2', 'BLUE3'] uint16 (97, 211) rgb.tif\n{}\n",
            wanted.join(" ")
        ),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // A grey one has no colours, and what is there already stays.
    let again = bench.run(&["convert", "rgb.tif", "rgb.fits"]);
    assert_eq!(again.code, 2, "{}", again.err);
    let back = bench.run(&["convert", "rgb.fits", "rgb2.tiff"]);
    assert_ne!(back.code, 0);
    assert!(!bench.path("rgb2.tiff").exists());
}

#[test]
fn a_raw_image_becomes_a_plain_ome_tiff() {
    use e2m_io::{ChannelRequest, RawImage};
    let bench = Bench::new();
    let (width, height) = (611, 530);
    let pixels: Vec<u16> = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| colours(x, y)))
        .collect();
    let file = std::fs::File::create(bench.path("rgb.tif")).expect("a file");
    let mut encoder = tiff::encoder::TiffEncoder::new(file).expect("an encoder");
    encoder
        .write_image::<tiff::encoder::colortype::RGB16>(width as u32, height as u32, &pixels)
        .expect("written");
    let run = bench.run(&["convert", "rgb.tif", "all.ome.tif"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let run = bench.run(&["convert", "rgb.tif", "one.ome.tif", "--channel", "G"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let run = bench.run(&["convert", "rgb.tif", "x.fits", "--channel", "G"]);
    assert_eq!(run.code, 2, "{}", run.err);
    let run = bench.run(&["convert", "rgb.tif", "x.ome.tif", "--page", "7"]);
    assert!(
        run.code == 1 && run.err.contains("page \"7\""),
        "{}",
        run.err
    );
    let plane = |name: &str, channel: &ChannelRequest| {
        let image = RawImage::open_channel(&bench.path(name), channel).expect("opens");
        let choice = image.choose_alone().expect("a channel");
        image.load_plane(&choice).expect("read")
    };
    for number in 0..3 {
        let own = plane("rgb.tif", &ChannelRequest::Colour(number));
        assert_eq!(own.pixel_type(), e2m_image::PixelType::U16);
        assert_eq!(
            own,
            plane("all.ome.tif", &ChannelRequest::Number(number + 1))
        );
        if number == 1 {
            assert_eq!(own, plane("one.ome.tif", &ChannelRequest::Auto));
        }
    }
}
