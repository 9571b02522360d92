//! What is said of raw files that are not plain: of post as of pre, in the record, the report, the table and PROBLEMS.

use crate::common::{Bench, quick};
use serde_json::Value;
use std::process::Command;

/// Rewrites the raw files of a bench with Python: `post` and `pre` are their pixels, `write(path, pixels, ...)` stores them.
fn rewrite(bench: &Bench, how: &str) -> bool {
    let Some(python) = e2m_testing::python() else {
        return false;
    };
    let script = format!(
        "import os, numpy as np, tifffile\n\
         for side in ('Post', 'Pre'):\n\
         \x20   path = f'raw/S1/S1_{{side}}Stain_DAPI.tif'\n\
         \x20   image = tifffile.imread(path)\n\
         \x20   os.remove(path)\n\
         {how}\n"
    );
    let output = Command::new(python)
        .args(["-c", &script])
        .current_dir(bench.path("."))
        .output()
        .expect("Python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    true
}

/// The only task in `e2m_batch.json`, and its record.
fn task_and_record(bench: &Bench) -> (Value, Value) {
    let all: Value = serde_json::from_str(&bench.read("out/e2m_batch.json")).expect("JSON");
    let task = all["tasks"][0].clone();
    let record = format!("out/{}", task["manifest"].as_str().expect("a record"));
    (
        task,
        serde_json::from_str(&bench.read(&record)).expect("JSON"),
    )
}

#[test]
fn what_was_altered_to_read_a_file_is_said_of_post_as_of_pre() {
    let bench = Bench::new();
    bench.pair(&quick(4), "S1", "DAPI");
    // Post with its columns as rows, pre by 180 degrees, as floats of which some are no numbers.
    let how = "    turns, tag, holes = (1, 6, 7) if side == 'Post' else (2, 3, 4)\n    \
               image = np.rot90(image.astype('float32'), turns).copy()\n    \
               image[3, 5:5 + holes] = np.nan\n    \
               tifffile.imwrite(path, image, photometric='minisblack', metadata=None, extratags=[(274, 3, 1, tag, True)])";
    if !rewrite(&bench, how) {
        return;
    }
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let (task, record) = task_and_record(&bench);
    let (width, height) = (quick(4).width, quick(4).height);
    for side in ["post", "pre"] {
        let input = &record["inputs"][side];
        assert_eq!(
            (&input["width"], &input["height"]),
            (&width.into(), &height.into())
        );
    }
    let said = [
        "the post file: stored turned by 90 degrees to the left (orientation tag 6), and read upright",
        "the pre file: stored turned by 180 degrees (orientation tag 3), and read upright",
        "the post file: 7 samples are infinite or not a number, and are read as zero",
        "the pre file: 4 samples are infinite or not a number, and are read as zero",
    ];
    let places = [
        ("the record", record["notes"].to_string()),
        ("e2m_batch.json", task["notes"].to_string()),
        ("e2m_batch.csv", bench.read("out/e2m_batch.csv")),
        ("the report", bench.read("out/report.html")),
    ];
    for (place, text) in &places {
        for what in said {
            assert!(text.contains(what), "{what:?} is not in {place}: {text}");
        }
    }
}

#[test]
fn channels_that_are_left_out_are_told_of_post_as_of_pre() {
    let bench = Bench::new();
    bench.pair(&quick(4), "S1", "DAPI");
    // A third of the signal shows in red as well, which is less than another channel of signal would have.
    let how = "    image = np.stack([image // 3, image, image * 0], axis=-1)\n    \
               tifffile.imwrite(path, image, photometric='rgb', metadata=None)";
    if !rewrite(&bench, how) {
        return;
    }
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let (_, record) = task_and_record(&bench);
    for side in ["post", "pre"] {
        let input = &record["inputs"][side];
        assert_eq!(input["channel"], "G", "{input}");
        let held = &input["statistics"]["contrasts"];
        assert!(held[0].as_f64().is_some_and(|red| red > 0.0), "{input}");
    }
    let report = bench.read("out/report.html");
    assert!(report.contains("channel"), "{report}");
}

#[test]
fn several_images_of_a_file_are_told_wherever_problems_are() {
    let bench = Bench::new();
    bench.pair(&quick(4), "S1", "DAPI");
    let how = "    with tifffile.TiffWriter(path) as tiff:\n        \
               for name in ('DAPI', 'Cy3'):\n            \
               tiff.write(image, photometric='minisblack', metadata=None, extratags=[(285, 's', 0, name, True)])";
    if !rewrite(&bench, how) {
        return;
    }
    let survey = bench.run(&["survey", "batch.toml"]);
    let said = format!("{}{}", survey.out, survey.err);
    for side in ["post", "pre"] {
        let what = format!("the {side} file holds several images");
        assert!(
            said.contains(&what) && said.contains("page 2 (Cy3)"),
            "{said}"
        );
    }
    let run = bench.run_batch();
    assert_eq!(run.code, 5, "{}{}", run.out, run.err);
    let (task, record) = task_and_record(&bench);
    let both = format!("{}{}", run.out, run.err);
    let places = [
        ("the record", record["status"].to_string()),
        ("e2m_batch.json", task["status"].to_string()),
        ("e2m_batch.csv", bench.read("out/e2m_batch.csv")),
        ("the report", bench.read("out/report.html")),
        ("the end of the run", both),
    ];
    for (place, text) in &places {
        for side in ["post", "pre"] {
            let what = format!(
                "the {side} file holds several images, of which page 1 was read; there is also page 2 (Cy3)"
            );
            assert!(text.contains(&what), "{what:?} is not in {place}: {text}");
        }
    }
    // Whoever chooses is not asked again.
    bench.batch("[params]\npad = 60\npage = \"DAPI\"\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}
