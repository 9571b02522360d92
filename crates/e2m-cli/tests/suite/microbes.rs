//! Stage 5 as users see it: tables of microbes, pixel sizes, blanks.

use crate::common::{Bench, quick};
use e2m_fixtures::{Microbes, Recipe, Truth};
use e2m_io::CheckpointReader;
use std::collections::BTreeMap;

/// The margin of the batch's canvas, px.
const PAD: f64 = 60.0;
/// A microbe is found by an object whose middle lies so near, px.
const NEAR_PX: f64 = 2.5;

/// The same without microbes.
fn blank(seed: u64) -> Recipe {
    Recipe {
        microbes: Microbes {
            per_megapixel: 0.0,
            ..Microbes::default()
        },
        ..quick(seed)
    }
}

/// The lines of a CSV by their columns; lines that begin with # are left out.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut reader = csv::Reader::from_reader(lines.join("\n").into_bytes().leak() as &[u8]);
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("a table")
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    let cell = &row[column];
    cell.parse()
        .unwrap_or_else(|_| panic!("{column} is {cell:?}"))
}

#[test]
fn microbes_of_a_batch_are_those_of_the_truth() {
    let bench = Bench::new();
    let (mut found, mut missed, mut more) = (0, 0, Vec::new());
    let mut expected = 0.0;
    for seed in [1, 2, 3] {
        bench.pair(&quick(seed), &format!("S{seed}"), "DAPI");
    }
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    for seed in [1, 2, 3] {
        let sample = format!("S{seed}");
        let names = bench.names("raw");
        let truth = names
            .iter()
            .find(|name| name.starts_with(&sample) && name.ends_with(".json"));
        let truth = Truth::read(&bench.path(&format!("raw/{}", truth.expect("a truth"))));
        let truth = truth.expect("readable").microbes;
        let text = bench.read(&format!(
            "out/{sample}/DAPI/pipeline_output/05_microbes_pad60.csv"
        ));
        let said = "# false objects to expect: ";
        let of_this = text.lines().find_map(|line| line.strip_prefix(said));
        expected += of_this.expect("said").parse::<f64>().expect("a number");
        let table = rows(&text);
        let counted = table.iter().filter(|row| {
            let flags = &row["flags"];
            !["dipole", "bright_in_pre", "doubtful", "off_section"]
                .iter()
                .any(|flag| flags.contains(flag))
        });
        let place =
            |row: &BTreeMap<String, String>| (number(row, "x_px") - PAD, number(row, "y_px") - PAD);
        let counted: Vec<_> = counted.collect();
        let places: Vec<(f64, f64)> = counted.iter().map(|row| place(row)).collect();
        let is_near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).hypot(a.1 - b.1) <= NEAR_PX;
        for microbe in &truth {
            if places
                .iter()
                .any(|place| is_near(*place, (microbe.x, microbe.y)))
            {
                found += 1;
            } else {
                missed += 1;
            }
        }
        let is_none = |row: &&&BTreeMap<String, String>| {
            let place = place(row);
            !truth.iter().any(|m| is_near(place, (m.x, m.y)))
        };
        more.extend(
            counted
                .iter()
                .filter(is_none)
                .map(|row| format!("{sample}: {row:?}")),
        );
    }
    assert!(found > 50, "{found} of {}", found + missed);
    assert!(missed * 10 <= found, "{missed} missed, {found} found");
    // As many as are said to be expected, to the scatter of a small number.
    let most = expected + 3.0 * f64::sqrt(expected.max(1.0));
    assert!(
        more.len() as f64 <= most && most < 0.2 * f64::from(found),
        "{found} found, {expected} expected to be none, and {} that are: {more:#?}",
        more.len()
    );
}

#[test]
fn blanks_tell_which_samples_have_microbes_and_pixel_sizes_how_many_per_area() {
    let bench = Bench::new();
    for (sample, recipe) in [
        ("blank1", blank(1)),
        ("blank2", blank(2)),
        ("rich", quick(3)),
        ("sterile", blank(4)),
    ] {
        bench.pair(&recipe, sample, "DAPI");
    }
    bench.batch(
        "[blanks]\nsamples = [\"blank1\", \"blank2\", \"unknown\"]\n[params]\npad = 60\npixel_size_um = 0.5\n",
    );
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert!(
        run.err
            .contains("[blanks] names \"unknown\", which is no sample of this batch"),
        "{}",
        run.err
    );
    assert!(run.out.contains("/mm²)"), "{}", run.out);
    let table = rows(&bench.read("out/microbes.csv"));
    let row = |sample: &str| {
        let row = table.iter().find(|row| row["sample"] == sample);
        row.expect("a row")
    };
    for blank in ["blank1", "blank2"] {
        assert_eq!(row(blank)["is_blank"], "true");
        assert_eq!(row(blank)["is_above_limit"], "");
    }
    let rich = row("rich");
    assert_eq!(
        (&*rich["is_above_limit"], &*rich["unit"], &*rich["blanks"]),
        ("true", "per mm2", "2")
    );
    assert!(number(rich, "microbes") > 10.0);
    // A million pixels of 0.25 um^2 are a quarter of 1 mm^2.
    let ratio = number(rich, "per_mm2") / number(rich, "per_mpx");
    assert!((ratio - 4.0).abs() < 1e-9, "{ratio}");
    let above = number(rich, "per_mm2") - number(rich, "blank_mean");
    assert!((number(rich, "above_blanks") / above - 1.0).abs() < 1e-9);
    assert_eq!(row("sterile")["is_above_limit"], "false");

    // Images say it too, and what their pixels are.
    for (image, unit) in [
        ("tiff/04_difference_difference_pad60_pxum0.5.tiff", "count"),
        ("fits/04_difference_difference_pad60_pxum0.5.fits", "count"),
        ("tiff/05_significance_pad60_pxum0.5.tiff", "sigma"),
    ] {
        let path = bench.path(&format!("out/rich/DAPI/{image}"));
        let reader = CheckpointReader::open(&path).expect("opens");
        let facts = reader.facts();
        assert_eq!(facts.um_per_px(), Some([0.5, 0.5]), "{image}");
        assert_eq!(facts.get_text("BUNIT"), Some(unit), "{image}");
        assert_eq!(facts.get_text("ROWORDER"), Some("TOP-DOWN"), "{image}");
        assert_eq!(facts.get_text("POSTFILE"), Some("rich_PostStain_DAPI.tif"));
        assert_eq!(facts.get_text("PREFILE"), Some("rich_PreStain_DAPI.tif"));
    }
    // What does not depend on the parameter has it from the raw file alone, which does not tell.
    let post = bench.path("out/rich/DAPI/tiff/01_padded_post_pad60.tiff");
    let reader = CheckpointReader::open(&post).expect("opens");
    assert_eq!(reader.facts().um_per_px(), None);
    assert_eq!(reader.facts().get_text("BUNIT"), Some("count"));

    let objects = bench.read("out/rich/DAPI/pipeline_output/05_microbes_pad60_pxum0.5.csv");
    assert!(objects.contains(" per mm^2 (95 %: "), "{objects}");
    for object in rows(&objects) {
        let (px, um) = (number(&object, "x_raw_px"), number(&object, "x_um"));
        assert!((um - 0.5 * px).abs() < 2e-3, "{um} {px}");
    }
}

#[test]
fn a_batch_without_detection_has_nothing_of_it() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI")]);
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert!(bench.path("out/microbes.csv").is_file());
    bench.batch("[params]\npad = 60\ndetect = false\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert!(!bench.path("out/microbes.csv").exists());
    let other = Bench::with_pairs(&[("CD070", "DAPI")]);
    other.batch("[params]\npad = 60\ndetect = false\n");
    assert_eq!(other.run_batch().code, 0);
    let names = other.names("out");
    assert!(
        names
            .iter()
            .all(|name| !name.contains("microbe") && !name.contains("05_")),
        "{names:?}"
    );
}
