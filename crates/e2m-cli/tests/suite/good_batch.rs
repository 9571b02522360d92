//! A batch of good images: what is left, what a second run does, what is said.

use crate::common::{Bench, quick};

const TASKS: [(&str, &str); 2] = [("CD070", "DAPI"), ("CD070", "SybrGld")];

#[test]
fn a_good_batch_is_complete_and_a_second_run_changes_nothing() {
    let bench = Bench::with_pairs(&TASKS);
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    bench.assert_tidy();
    let names = bench.names("out/CD070/DAPI");
    for expected in [
        "e2m_task_pad60.json",
        "fits/04_difference_difference_pad60.fits",
        "tiff/01_padded_post_pad60.tiff",
        "tiff/01_padded_pre_pad60.tiff",
        "tiff/02_icp_aligned_pre_pad60.tiff",
        "tiff/03_interior_aligned_pre_pad60.tiff",
        "tiff/04_difference_difference_pad60.tiff",
    ] {
        assert!(
            names.iter().any(|name| name == expected),
            "{expected} is not among {names:?}"
        );
    }
    assert!(
        run.err
            .contains("[1/2] CD070/DAPI  stage 3 fine alignment  "),
        "{}",
        run.err
    );
    assert!(
        run.err.contains("[1/2] CD070/DAPI  complete in "),
        "{}",
        run.err
    );
    assert!(run.err.contains(" left)\n"), "{}", run.err);
    assert!(
        !run.out.contains("PROBLEMS") && run.out.contains("2 complete in "),
        "{}",
        run.out
    );

    // The lock is taken, and given up again.
    let results = || {
        let mut files = bench.files("out/CD070");
        files.retain(|name, _| !name.ends_with(".e2m_task.lock"));
        files
    };
    let before = results();
    let again = bench.run_batch();
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(
        again
            .err
            .contains("[2/2] CD070/SybrGld  complete, nothing to do\n"),
        "{}",
        again.err
    );
    assert!(results() == before, "a second run changed files");
}

#[test]
fn results_are_written_as_json_and_as_a_table() {
    let bench = Bench::with_pairs(&TASKS);
    assert_eq!(bench.run_batch().code, 0);
    let all: serde_json::Value =
        serde_json::from_str(&bench.read("out/e2m_batch.json")).expect("JSON");
    assert_eq!(all["exit_code"], 0);
    let task = &all["tasks"][0];
    assert_eq!(
        (&task["sample"], &task["dye"], &task["status"]),
        (&"CD070".into(), &"DAPI".into(), &"complete".into())
    );
    assert_eq!(task["verdict"], "pass");
    assert_eq!(task["manifest"], "CD070/DAPI/e2m_task_pad60.json");
    let scale = task["scale"].as_f64().expect("a scale");
    assert!((scale - 1.4).abs() < 0.05, "{scale}");

    let table = bench.read("out/e2m_batch.csv");
    let mut lines = table.lines();
    let columns: Vec<_> = lines.next().expect("a heading").split(',').collect();
    assert_eq!(
        columns,
        task.as_object()
            .expect("an object")
            .keys()
            .collect::<Vec<_>>()
    );
    let cells: Vec<_> = lines.next().expect("a row").split(',').collect();
    assert_eq!(cells[..3], ["CD070", "DAPI", "complete"]);
    assert_eq!(
        cells[columns
            .iter()
            .position(|c| *c == "stages_done")
            .expect("a column")],
        "1 2 3 4 5"
    );
    assert_eq!(lines.count(), 1);
}

#[test]
fn the_run_log_is_appended_to() {
    let bench = Bench::with_pairs(&TASKS[..1]);
    bench.run_batch();
    bench.run_batch();
    let log = bench.read("out/.exo2micro_run_log.txt");
    let of = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(
        (
            of("run starts: e2m "),
            of("run ends: 1 complete in "),
            of("exit code 0")
        ),
        (2, 2, 2),
        "{log}"
    );
    assert_eq!(of("[1/1] CD070/DAPI  complete  "), 2, "{log}");
    assert_eq!(of("(was there)"), 1, "{log}");
}

#[test]
fn the_command_line_overrides_the_file() {
    let bench = Bench::with_pairs(&TASKS);
    let run = bench.run(&["batch.toml", "--dyes", "DAPI", "--to-stage", "3"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let names = bench.names("out");
    assert!(
        names
            .iter()
            .any(|name| name.contains("03_interior_aligned_pre")),
        "{names:?}"
    );
    assert!(!names.iter().any(|name| name.contains("/04_")), "{names:?}");
    assert!(
        !names.iter().any(|name| name.contains("SybrGld")),
        "{names:?}"
    );

    let run = bench.run(&[
        "run",
        "batch.toml",
        "--dyes",
        "DAPI",
        "--from-stage",
        "2",
        "--quiet",
    ]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "", ""));
    let log = bench.read("out/.exo2micro_run_log.txt");
    assert!(!log.contains("(was there)"), "{log}");
    let run = bench.run(&["batch.toml", "--from-stage", "3", "--to-stage", "2"]);
    assert_eq!(run.code, 2, "{}", run.err);
}

#[test]
fn overrides_reach_their_tasks_only() {
    let bench = Bench::with_pairs(&TASKS);
    bench
        .batch("[params]\npad = 60\n[[override]]\ndye = \"DAPI\"\nparams = { manual_scale = 2 }\n");
    let run = bench.run(&["--dry-run", "batch.toml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.out.contains("_pad60_msc2\n") && run.out.contains("_pad60\n"),
        "{}",
        run.out
    );
    assert!(!bench.path("out").exists(), "a dry run leaves nothing");
}

#[test]
fn a_survey_describes_every_image() {
    let bench = Bench::with_pairs(&TASKS[..1]);
    let rgb = e2m_fixtures::Recipe {
        channels: e2m_fixtures::Channels::Green,
        ..quick(9)
    };
    bench.pair(&rgb, "CD063", "DAPI");
    let run = bench.run(&["survey", "batch.toml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let lines: Vec<_> = run.out.lines().collect();
    assert!(
        lines[1].starts_with("CD063/DAPI  post   560 x 480  8 bit  "),
        "{}",
        run.out
    );
    assert_eq!(
        lines.iter().filter(|line| line.contains(" grey ")).count(),
        2,
        "{}",
        run.out
    );
    assert_eq!(run.out.matches(" R  ").count(), 2, "{}", run.out);

    bench.write("raw/CD063/CD063_PreStain_DAPI.tif", "no image");
    let run = bench.run(&["survey", "batch.toml"]);
    assert_eq!(run.code, 1);
    assert!(
        run.err
            .contains("FOLDER/raw/CD063/CD063_PreStain_DAPI.tif: "),
        "{}",
        run.err
    );
}
