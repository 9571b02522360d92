//! What was asked for and is not there is told to the end: in PROBLEMS, table, report, CSV and JSON, with where it may be.

use crate::common::{Bench, Run};
use e2m_testing::prerequisite;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// A bench with one good pair, and the images of another sample moved to these places below raw.
fn with_lost(places: [&str; 2]) -> Bench {
    let bench = Bench::with_pairs(&[("CD070", "DAPI"), ("CD063", "DAPI")]);
    let images: Vec<_> = fs::read_dir(bench.path("raw/CD063"))
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tif"))
        .collect();
    for (image, place) in images.iter().zip(places) {
        let to = bench.path("raw").join(place);
        fs::create_dir_all(to.parent().expect("a folder")).expect("creates");
        fs::rename(image, to).expect("renames");
    }
    bench
}

fn json(bench: &Bench) -> serde_json::Value {
    serde_json::from_str(&bench.read("out/e2m_batch.json")).expect("JSON")
}

#[test]
fn a_sample_that_lies_deeper_or_is_misnamed_counts_as_missing_everywhere() {
    let cases = [
        (
            ["CD063/2024-03-01/DAPI/x.tif", "CD063/2024-03-01/DAPI/y.tif"],
            "raw/CD063/2024-03-01/DAPI/x.tif",
        ),
        (
            ["CD063/DAPI/pre.tif", "CD063/DAPI/post.tif"],
            "CD063/DAPI/post.tif",
        ),
        (
            ["CD063/before.tif", "CD063/after.tif"],
            "after.tif, before.tif",
        ),
    ];
    for (places, example) in cases {
        let bench = with_lost(places);
        for samples in ["", "samples = [\"CD070\", \"CD063\"]\n"] {
            // Strict: nothing is run.
            bench.batch(samples);
            let run = bench.run_batch();
            assert_eq!(run.code, 4, "{}{}", run.err, run.out);
            assert!(run.err.contains("\"CD063\": "), "{}", run.err);
            assert!(run.err.contains(example), "{}", run.err);
            assert!(run.err.contains("CD063_PostStain_DAPI.tif"), "{}", run.err);
            assert!(!bench.path("out").exists());
        }
        // Not strict: the rest runs, and the sample is told to the end.
        bench.batch("strict_dyes = false\n");
        let run = bench.run_batch();
        assert_eq!(run.code, 0, "{}{}", run.err, run.out);
        let (_, problems) = run.err.split_once("PROBLEMS (1)").expect("a problem");
        assert!(
            problems.contains("CD063/*") && problems.contains(example),
            "{problems}"
        );
        assert!(
            run.out.contains("CD063/*") && run.out.contains("left out"),
            "{}",
            run.out
        );
        let all = json(&bench);
        assert_eq!(all["missing"][0]["sample"], "CD063");
        let status = all["missing"][0]["status"].as_str().expect("text");
        assert!(
            status.starts_with("missing: ") && status.contains(example),
            "{status}"
        );
        assert_eq!(all["batch_exit_code"], 0, "the batch file allows it");
        let table = bench.read("out/e2m_batch.csv");
        assert!(
            table.lines().any(|line| line.starts_with("CD063,")),
            "{table}"
        );
        let page = bench.read("out/report.html");
        assert!(
            page.contains("CD063") && page.contains("left out"),
            "no word of it in the page"
        );
        for command in ["status", "check", "survey"] {
            let run = bench.run(&[command, "batch.toml"]);
            let said = format!("{}{}", run.out, run.err);
            assert!(
                command == "check" || said.contains("CD063"),
                "{command}: {said}"
            );
        }
    }
}

/// Runs the program without the right of root to read everything.
fn without_rights(bench: &Bench) -> Option<Run> {
    const RIGHTS: &str = "-dac_override,-dac_read_search";
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--bounding-set={RIGHTS}"))
        .arg(format!("--inh-caps={RIGHTS}"))
        .arg(env!("CARGO_BIN_EXE_e2m"))
        .arg("batch.toml")
        .current_dir(bench.path("."));
    let run = bench.ended(command.output().ok()?);
    (!run.err.starts_with("setpriv")).then_some(run)
}

#[test]
fn a_folder_that_cannot_be_read_refuses_nobody_else() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI")]);
    let locked = bench.path("raw/lost+found");
    fs::create_dir(&locked).expect("creates");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).expect("sets");
    let run = if fs::read_dir(&locked).is_err() {
        Some(bench.run_batch())
    } else {
        without_rights(&bench)
    };
    let Some(run) = prerequisite("setpriv, which takes rights from root", run) else {
        return;
    };
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert!(
        run.err.contains("raw/lost+found cannot be listed") && run.err.contains("is left out"),
        "{}",
        run.err
    );
    assert_eq!(bench.statuses()["CD070/DAPI"], "complete");
    // Asked for by name it is missing.
    bench.batch("samples = [\"CD070\", \"lost+found\"]\nstrict_dyes = true\n");
    let run = if fs::read_dir(&locked).is_err() {
        bench.run_batch()
    } else {
        without_rights(&bench).expect("as before")
    };
    assert_eq!(run.code, 4, "{}{}", run.err, run.out);
    assert!(run.err.contains("make it readable"), "{}", run.err);
}

#[test]
fn both_forms_of_accents_are_one_sample() {
    let (nfc, nfd) = ("Gr\u{fc}n", "Gru\u{308}n");
    let bench = Bench::with_pairs(&[(nfd, "DAPI")]);
    bench.batch(&format!(
        "samples = [\"{nfc}\"]\n[[override]]\nsample = \"{nfc}\"\nparams = {{ boundary_width = 16 }}\n"
    ));
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert!(!run.err.contains("matches no task"), "{}", run.err);
    let statuses = bench.statuses();
    assert_eq!(statuses[&format!("{nfc}/DAPI")], "complete", "{statuses:?}");
    let names = bench.names("out").join("\n");
    assert!(
        names.contains("_bw16"),
        "the override was not heard: {names}"
    );
    for form in [nfc, nfd] {
        let run = bench.run(&["batch.toml", "--samples", form]);
        assert_eq!(run.code, 0, "{form:?}: {}{}", run.err, run.out);
        assert!(run.out.contains("was there"), "{form:?}: {}", run.out);
    }
}
