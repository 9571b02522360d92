//! `e2m compare`: several values of parameters beside each other.

use crate::common::Bench;
use serde_json::Value;

#[test]
fn variants_are_run_beside_the_batch_and_one_can_be_kept() {
    let bench = Bench::with_pairs(&[("S1", "DAPI")]);
    bench.batch("");
    assert_eq!(bench.run_batch().code, 0);
    let before = bench.read("out/e2m_batch.json");
    let asked = [
        "compare",
        "batch.toml",
        "--param",
        "detect_sigma",
        "--values",
        "4,5,40",
    ];
    let run = bench.run(&[&asked[..], &["--json"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let document: Value = serde_json::from_str(&run.out).expect("one document");
    let variants = document["variants"].as_array().expect("a list");
    assert_eq!(variants.len(), 3);
    let microbes: Vec<u64> = variants
        .iter()
        .filter_map(|one| one["tasks"][0]["microbes"].as_u64())
        .collect();
    // A lower threshold finds more; the alignment is one and the same.
    assert!(
        microbes[0] >= microbes[1] && microbes[1] > microbes[2],
        "{microbes:?}"
    );
    let residuals: Vec<&Value> = variants
        .iter()
        .map(|one| &one["tasks"][0]["residual_median_px"])
        .collect();
    assert!(
        residuals.windows(2).all(|pair| pair[0] == pair[1]),
        "{residuals:?}"
    );
    for picture in ["worst_tile", "microbe"] {
        let path = bench.path(&format!("out/compare/S1_DAPI_{picture}.png"));
        assert!(path.is_file(), "{}", path.display());
    }
    // What the batch has is as it was, and no image of stages 1 to 3 was written for the variants.
    assert_eq!(bench.read("out/e2m_batch.json"), before);
    let names = bench.names("out/compare/S1/DAPI/tiff");
    assert!(
        !names.is_empty() && names.iter().all(|name| name.starts_with("04_")),
        "{names:?}"
    );

    let run = bench.run(&[&asked[..], &["--save", "1"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let table = bench.path("out/S1/DAPI/pipeline_output/05_microbes_pad60_dsig4.csv");
    assert!(table.is_file(), "{}", run.out);
}

#[test]
fn differences_by_hand_are_compared_as_such() {
    let bench = Bench::with_pairs(&[("S1", "DAPI")]);
    bench.batch("");
    let run = bench.run(&[
        "compare",
        "batch.toml",
        "--param",
        "stage4.manual_scale",
        "--values",
        "1.2,1.6",
        "--set",
        "detect=false",
    ]);
    assert_eq!(run.code, 0, "{}", run.err);
    for part in [
        "manual_scale=1.2",
        "manual_scale=1.6",
        "1.2000",
        "1.6000",
        "pass",
    ] {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
}

#[test]
fn questions_without_an_answer_are_refused() {
    let bench = Bench::with_pairs(&[("S1", "DAPI")]);
    bench.batch("");
    for (arguments, said) in [
        (
            &["--param", "pad", "--values", "40"][..],
            "one variant only",
        ),
        (
            &[
                "--param",
                "pad",
                "--param",
                "boundary_width",
                "--values",
                "1,2",
            ],
            "each --param needs --values",
        ),
        (
            &["--param", "padd", "--values", "1,2"],
            "did you mean \"pad\"?",
        ),
        (&["--param", "pad", "--values", "40,-2"], "from 0 to 100000"),
        (
            &["--param", "pad", "--values", "40,50", "--save", "3"],
            "there are 2 variants",
        ),
    ] {
        let run = bench.run(&[&["compare", "batch.toml"], arguments].concat());
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(said), "{arguments:?}: {}", run.err);
    }
    assert!(!bench.path("out").exists());
}

#[test]
fn why_a_task_has_no_variant_is_said_once_below_the_table() {
    let bench = Bench::with_pairs(&[("S1", "DAPI")]);
    bench.batch("");
    let post = bench.path("raw/S1/S1_PostStain_DAPI.tif");
    let bytes = std::fs::read(&post).expect("readable");
    // The file itself may be shared with other tests.
    std::fs::remove_file(&post).expect("removed");
    std::fs::write(&post, &bytes[..bytes.len() / 3]).expect("written");
    let run = bench.run(&[
        "compare",
        "batch.toml",
        "--param",
        "boundary_width",
        "--values",
        "10,20",
    ]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert_eq!(run.err.matches("is truncated").count(), 1, "{}", run.err);
    assert!(run.out.lines().all(|line| line.len() < 250), "{}", run.out);
}
