//! `e2m apply`: other images, points and outlines go where the task's own pre image goes.

use crate::common::{Bench, Run, quick};
use e2m_fixtures::{Deformation, Recipe};
use e2m_image::{BandSource, Size, Warp};
use e2m_io::{CheckpointFormat, CheckpointReader, Facts, FlagsWriter, PixelKind, RawImage};
use e2m_pipeline::Manifest;
use insta::assert_snapshot;
use ndarray::{Array2, s};
use serde_json::Value;

const PRE: &str = "raw/a/a_PreStain_DAPI.tif";
const POST: &str = "raw/a/a_PostStain_DAPI.tif";
const RECORD: &str = "out/a/DAPI/e2m_task_pad60.json";
const PAD: f64 = 60.0;

/// A batch of one task that has run.
fn finished() -> Bench {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    bench
}

fn apply(bench: &Bench, arguments: &[&str]) -> Run {
    bench.run(&[&["apply", "batch.toml"], arguments].concat())
}

#[track_caller]
fn applied(bench: &Bench, arguments: &[&str]) -> String {
    let run = apply(bench, arguments);
    assert_eq!((run.code, &*run.err), (0, ""), "{}", run.out);
    run.out
}

fn manifest(bench: &Bench) -> Manifest {
    Manifest::open(&bench.path(RECORD)).expect("a record")
}

/// From post to pre, px of the canvas.
fn warp(bench: &Bench) -> Warp {
    manifest(bench).warps.finest().expect("a warp")
}

fn floats(bench: &Bench, name: &str) -> Array2<f32> {
    read(bench, name, PixelKind::Float)
}

fn read(bench: &Bench, name: &str, kind: PixelKind) -> Array2<f32> {
    let mut reader = CheckpointReader::open_as(&bench.path(name), kind).expect("opens");
    let mut pixels = Array2::zeros(reader.size().shape());
    reader.read_band(0, pixels.view_mut()).expect("reads");
    pixels
}

fn size_of(bench: &Bench, name: &str) -> Size {
    RawImage::open(&bench.path(name))
        .expect("opens")
        .info()
        .size
}

/// Writes a mask of this size: blobs of three labels.
fn mask(bench: &Bench, name: &str, size: Size) -> Array2<u8> {
    let pixels = Array2::from_shape_fn(size.shape(), |(y, x)| match (x / 23 + y / 17) % 5 {
        0 => 7,
        1 => 200,
        _ => 0,
    });
    let (path, tiff) = (bench.path(name), CheckpointFormat::Tiff);
    let mut writer = FlagsWriter::create(&path, None, size, &Facts::new(), tiff).expect("creates");
    writer.write_band(pixels.view()).expect("writes");
    writer.finish().expect("finishes");
    pixels
}

#[test]
fn pre_itself_becomes_the_aligned_pre_of_the_task_to_the_byte() {
    let bench = finished();
    let said = applied(&bench, &[PRE, "again.tiff"]);
    assert!(
        said.starts_with("Wrote again.tiff (")
            && said.ends_with("; on the canvas, pad 60 px; from pre to post of a/DAPI)\n"),
        "{said}"
    );
    let aligned = floats(&bench, "out/a/DAPI/tiff/03_interior_aligned_pre_pad60.tiff");
    let bits = |image: &Array2<f32>| image.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert!(bits(&floats(&bench, "again.tiff")) == bits(&aligned));
    applied(&bench, &[PRE, "again.fits"]);
    assert!(bits(&floats(&bench, "again.fits")) == bits(&aligned));
    // On post's raw frame it is the part of the canvas that post lies on.
    let said = applied(&bench, &[PRE, "raw.tiff", "--frame", "raw", "--deflate"]);
    assert!(said.contains("; as raw post; from pre to post"), "{said}");
    let post = size_of(&bench, POST);
    let pad = PAD as usize;
    let part = aligned.slice(s![pad..pad + post.height, pad..pad + post.width]);
    let raw = floats(&bench, "raw.tiff");
    assert_eq!(raw.dim(), post.shape());
    let worst = raw.iter().zip(part).map(|(a, b)| (a - b).abs());
    assert!(worst.fold(0.0, f32::max) < 1e-3);
}

#[test]
fn masks_go_by_the_nearest_pixel_either_way() {
    let bench = finished();
    let (to_pre, canvas) = (warp(&bench), manifest(&bench).canvas.size());
    let to_post = to_pre.inverse().expect("an inverse");
    for (own, other, arguments, way) in [
        (PRE, POST, &["--nearest"][..], to_pre),
        (POST, PRE, &["--nearest", "--inverse"][..], to_post),
    ] {
        let labels = mask(&bench, "mask.tif", size_of(&bench, own));
        let expected = |x: f64, y: f64| {
            let (x, y) = way.apply(x, y);
            let index = |v: f64| usize::try_from((v - PAD + 0.5).floor() as i64).ok();
            let place = index(y).zip(index(x));
            place
                .and_then(|place| labels.get(place))
                .map_or(0.0, |&label| f32::from(label))
        };
        let to = ["mask.tif", "out.tiff", "--overwrite"];
        applied(&bench, &[&to[..], arguments].concat());
        let found = read(&bench, "out.tiff", PixelKind::Flags);
        assert_eq!(found.dim(), canvas.shape());
        for ((y, x), &label) in found.indexed_iter() {
            assert_eq!(label, expected(x as f64, y as f64), "{x} {y}");
        }
        applied(&bench, &[&to[..], arguments, &["--frame", "raw"]].concat());
        let found = read(&bench, "out.tiff", PixelKind::Flags);
        assert_eq!(found.dim(), size_of(&bench, other).shape());
        for ((y, x), &label) in found.indexed_iter() {
            assert_eq!(label, expected(x as f64 + PAD, y as f64 + PAD), "{x} {y}");
        }
    }
}

/// Numbers that look random, 0 to 1.
#[test]
fn images_go_back_through_a_local_correction_as_points_do() {
    let bench = Bench::new();
    bench.pair(
        &Recipe {
            seed: 12,
            width: 900,
            height: 800,
            rotation_deg: 4.0,
            deformation: Some(Deformation {
                amplitude_px: 5.0,
                length_fraction: 0.3,
            }),
            ..Recipe::default()
        },
        "a",
        "DAPI",
    );
    bench.batch("to_stage = 3");
    assert_eq!(bench.run_batch().code, 0);
    let mapping = manifest(&bench).warps.mapping().expect("a mapping");
    assert!(mapping.deformation.is_some(), "no local correction");
    let labels = mask(&bench, "mask.tif", size_of(&bench, POST));
    applied(&bench, &["mask.tif", "back.tiff", "--nearest", "--inverse"]);
    let found = read(&bench, "back.tiff", PixelKind::Flags);
    let (mut same, mut all) = (0, 0);
    for ((y, x), &label) in found.indexed_iter() {
        let (u, v) = mapping
            .inverse_point(x as f64, y as f64)
            .expect("a way back");
        let index = |v: f64| usize::try_from((v - PAD + 0.5).floor() as i64).ok();
        if let Some(&expected) = index(v).zip(index(u)).and_then(|place| labels.get(place)) {
            all += 1;
            same += usize::from(label == f32::from(expected));
        }
    }
    // A millionth of a pixel hardly ever decides which is the nearest one.
    assert!(all > 500_000 && all - same < 20, "{same} of {all}");
}

fn numbers(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    })
}

fn table(bench: &Bench, name: &str) -> Vec<[f64; 2]> {
    let text = bench.read(name);
    let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        [2, 1].map(|cell| cells[cell].parse().expect("a number"))
    })
    .collect()
}

#[test]
fn points_go_where_the_warp_leads_and_come_back() {
    let bench = finished();
    let (to_pre, size) = (warp(&bench), manifest(&bench).canvas.size());
    let mut random = numbers(5);
    let mut next = |side: usize| random.next().expect("endless") * side as f64;
    let points: Vec<[f64; 2]> = (0..2000)
        .map(|_| [next(size.width), next(size.height)])
        .collect();
    let mut text = "# a note, kept\nname,y,x,\"a \"\"b\"\"\"\n".to_owned();
    for (row, [x, y]) in points.iter().enumerate() {
        text += &format!("p{row},{y},{x},\"1,2\"\n");
    }
    bench.write("points.csv", &text);
    for (frame, pad) in [("canvas", 0.0), ("raw", PAD)] {
        let frame = ["--frame", frame, "--overwrite"];
        let said = applied(&bench, &[&["points.csv", "there.csv"][..], &frame].concat());
        assert!(said.contains("2000 points, "), "{said}");
        let there = table(&bench, "there.csv");
        assert_eq!(there.len(), points.len());
        for ([x, y], [from_x, from_y]) in there.iter().zip(&points) {
            let (x, y) = to_pre.apply(x + pad, y + pad);
            assert!((x - pad - from_x).abs() < 1e-6 && (y - pad - from_y).abs() < 1e-6);
        }
        let back = [&["there.csv", "back.csv", "--inverse"][..], &frame].concat();
        applied(&bench, &back);
        for (a, b) in table(&bench, "back.csv").iter().zip(&points) {
            assert!((a[0] - b[0]).abs() < 1e-6 && (a[1] - b[1]).abs() < 1e-6);
        }
        let kept = bench.read("back.csv");
        let mut lines = kept.lines();
        assert_eq!(lines.next(), Some("# a note, kept"));
        assert_eq!(lines.next(), Some("name,y,x,\"a \"\"b\"\"\""));
        assert!(lines.all(|line| line.starts_with('p') && line.ends_with(",\"1,2\"")));
    }
    // The catalogue of the task has columns x_px and y_px.
    let catalogue = "out/a/DAPI/pipeline_output/05_microbes_pad60.csv";
    let run = apply(&bench, &[catalogue, "microbes_on_pre.csv", "--inverse"]);
    assert_eq!(run.code, 0, "{}", run.err);
}

#[test]
fn outlines_count_from_the_corner_of_a_pixel() {
    let bench = finished();
    let to_pre = warp(&bench);
    let outline = r#"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon",
        "coordinates":[[[100.5,200.5],[300,200],[100.5,200.5]]]},"properties":{"name":"rim"}}]}"#;
    bench.write("rim.geojson", outline);
    applied(&bench, &["rim.geojson", "pre.geojson", "--inverse"]);
    let positions = |name: &str| -> Vec<f64> {
        let document: Value = serde_json::from_str(&bench.read(name)).expect("JSON");
        let feature = &document["features"][0];
        assert_eq!(feature["properties"]["name"], "rim");
        let ring = feature["geometry"]["coordinates"][0]
            .as_array()
            .expect("a ring");
        let numbers = ring
            .iter()
            .flat_map(|position| position.as_array().expect("two"));
        numbers
            .map(|number| number.as_f64().expect("a number"))
            .collect()
    };
    let there = positions("pre.geojson");
    let (x, y) = to_pre.apply(100.0, 200.0);
    assert!((there[0] - x - 0.5).abs() < 1e-9 && (there[1] - y - 0.5).abs() < 1e-9);
    applied(&bench, &["pre.geojson", "back.geojson"]);
    for (a, b) in positions("back.geojson")
        .iter()
        .zip(positions("rim.geojson"))
    {
        assert!((a - b).abs() < 1e-6);
    }
}

#[test]
fn what_cannot_be_is_said_and_nothing_is_written() {
    let bench = finished();
    let before = bench.names(".");
    let refused = |arguments: &[&str]| {
        let run = apply(&bench, arguments);
        assert_eq!((run.code, &*run.out), (2, ""), "{}", run.err);
        run.err
    };
    let canvas = "out/a/DAPI/tiff/01_padded_pre_pad60.tiff";
    assert_snapshot!("apply_other_geometry", refused(&[canvas, "x.tiff"]));
    assert_snapshot!("apply_two_kinds", refused(&[PRE, "x.csv"]));
    assert_snapshot!("apply_no_ending", refused(&["readme", "x.csv"]));
    assert_snapshot!("apply_is_there_already", refused(&[PRE, POST]));
    assert_snapshot!(
        "apply_no_such_task",
        refused(&[PRE, "x.tiff", "--sample", "c"])
    );
    bench.write("none.csv", "a,b\n1,2\n");
    bench.write("bad.csv", "x,y\n1,2\n3,four\n");
    bench.write("none.geojson", "{}");
    let failed = |arguments: &[&str]| {
        let run = apply(&bench, arguments);
        assert_eq!((run.code, &*run.out), (1, ""), "{}", run.err);
        run.err
    };
    assert_snapshot!("apply_no_columns", failed(&["none.csv", "x.csv"]));
    assert_snapshot!("apply_no_number", failed(&["bad.csv", "x.csv"]));
    assert_snapshot!("apply_no_position", failed(&["none.geojson", "x.geojson"]));
    let new: Vec<String> = bench
        .names(".")
        .into_iter()
        .filter(|n| !before.contains(n))
        .collect();
    assert_eq!(new, ["bad.csv", "none.csv", "none.geojson"]);
    let fresh = Bench::with_pairs(&[("a", "DAPI")]);
    let run = apply(&fresh, &[PRE, "x.tiff"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("apply_not_run", run.err);
}

/// Writes another verdict into the record.
fn judge(bench: &Bench, verdict: &str) {
    let mut record: Value = serde_json::from_str(&bench.read(RECORD)).expect("JSON");
    record["alignment"]["verdict"] = verdict.into();
    record["alignment"]["reasons"] = serde_json::json!(["the median residual is 3.2 px"]);
    bench.write(RECORD, format!("{record:#}"));
}

#[test]
fn doubts_are_said_and_a_failed_alignment_has_to_be_asked_for() {
    let bench = finished();
    bench.write("points.csv", "x,y\n100,200\n");
    judge(&bench, "suspect");
    let run = apply(&bench, &["points.csv", "x.csv"]);
    assert_eq!(run.code, 5, "{}", run.err);
    assert_snapshot!("apply_suspect", run.err);
    assert!(
        run.out.starts_with("Wrote x.csv (1 point, canvas px"),
        "{}",
        run.out
    );
    judge(&bench, "fail");
    let run = apply(&bench, &["points.csv", "y.csv"]);
    assert_eq!((run.code, &*run.out), (1, ""));
    assert_snapshot!("apply_failed", run.err);
    assert!(!bench.path("y.csv").exists());
    let run = apply(&bench, &["points.csv", "y.csv", "--anyway"]);
    assert_eq!(run.code, 5, "{}", run.err);
    assert_snapshot!("apply_anyway", run.err);
    // A pair that has no alignment at all.
    let other = Bench::new();
    other.pair(&quick(5), "a", "DAPI");
    other.write(PRE, "no image");
    assert_eq!(other.run_batch().code, 1);
    other.write("points.csv", "x,y\n100,200\n");
    let run = apply(&other, &["points.csv", "x.csv"]);
    assert_eq!(run.code, 2, "{}", run.err);
}
