//! `e2m status`.

use crate::common::{Bench, quick};

#[test]
fn status_tells_what_is_there_and_what_a_run_would_do() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI"), ("c", "DAPI")]);
    let status = || {
        let run = bench.run(&["status", "batch.toml"]);
        assert_eq!(run.code, 0, "{}", run.err);
        run.out
    };
    let out = status();
    assert!(
        out.contains(
            "a/DAPI          to do  to do  to do  to do  to do  do stages 1, 2, 3, 4, 5\n"
        ),
        "{out}"
    );
    assert!(out.contains("3 to do; a run would write "), "{out}");
    assert!(!bench.path("out").exists(), "looking leaves no trace");

    assert_eq!(bench.run(&["batch.toml", "--samples", "a,b"]).code, 0);
    assert_eq!(
        bench
            .run(&["batch.toml", "--samples", "c", "--to-stage", "2"])
            .code,
        0
    );
    std::fs::remove_file(bench.path("out/b/DAPI/tiff/04_difference_difference_pad60.tiff"))
        .expect("there");
    let out = status();
    assert!(
        out.contains("a/DAPI  complete  there  there  there  there  there  do nothing\n"),
        "{out}"
    );
    assert!(
        out.contains("b/DAPI  in part   there  there  there  again  again  do stages 4, 5\n"),
        "{out}"
    );
    assert!(
        out.contains("c/DAPI  in part   there  there  to do  to do  to do  do stages 3, 4, 5\n"),
        "{out}"
    );
    assert!(
        out.contains("b/DAPI: stage 4: 04_difference_difference is there in one format only"),
        "{out}"
    );
    assert!(
        out.contains("1 finished, 2 begun; a run would write "),
        "{out}"
    );

    // Another raw file under the same name: only a run reads it.
    bench.pair(&quick(77), "a", "DAPI");
    let out = status();
    assert!(
        out.contains(
            "a/DAPI  complete  there  there  there  there  there  compare what was touched\n"
        ),
        "{out}"
    );
    assert!(
        out.contains("a/DAPI: a raw file or a checkpoint was touched since"),
        "{out}"
    );

    assert_eq!(bench.run_batch().code, 0);
    let out = status();
    assert!(out.contains("3 finished"), "{out}");
    // A damaged checkpoint is named.
    let path = bench.path("out/b/DAPI/tiff/02_icp_aligned_pre_pad60.tiff");
    let bytes = std::fs::read(&path).expect("a checkpoint");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("cut");
    let out = status();
    assert!(
        out.contains("b/DAPI: stage 2: ") && out.contains("02_icp_aligned_pre_pad60.tiff"),
        "{out}"
    );
    assert!(out.contains("do stages 2, 3, 4"), "{out}");
}

#[test]
fn images_that_cannot_be_read_are_told() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    bench.write("raw/a/a_PreStain_DAPI.tif", b"nonsense");
    let run = bench.run(&["status", "batch.toml"]);
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    assert!(run.out.contains("cannot be read, see below"), "{}", run.out);
    assert!(run.out.contains("a_PreStain_DAPI.tif"), "{}", run.out);
}

#[test]
fn what_runs_now_is_told_with_its_stage() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI"), ("c", "DAPI")]);
    assert_eq!(bench.run(&["batch.toml", "--samples", "c"]).code, 0);
    // Somebody works on a as part of a batch, and on b alone.
    let lock = |sample: &str| {
        let folder = bench.path(&format!("out/{sample}/DAPI"));
        std::fs::create_dir_all(&folder).expect("creates");
        e2m_io::lock_folder(&folder.join(".e2m_task.lock"))
            .expect("locks")
            .expect("nobody has it")
    };
    let locks = [lock("a"), lock("b")];
    let mut events = bench.read("out/events.jsonl");
    for (time, event, stage) in [
        ("10:00:01", "task_started", 0),
        ("10:00:02", "stage_started", 2),
        ("10:00:09", "stage_started", 3),
    ] {
        events.push_str(&format!(
            "{{\"time\":\"2026-03-01T{time}.000+01:00\",\"event\":\"{event}\",\"task\":\"a/DAPI\",\"stage\":{stage}}}\n"
        ));
    }
    bench.write("out/events.jsonl", events);
    let run = bench.run(&["status", "batch.toml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let line = |task: &str| {
        let line = run.out.lines().find(|line| line.starts_with(task));
        line.unwrap_or_default().to_owned()
    };
    assert!(
        line("a/DAPI  running").ends_with("wait: it is in stage 3 since 10:00:09"),
        "{}",
        run.out
    );
    assert!(
        line("b/DAPI  running").ends_with("wait: it is worked on"),
        "{}",
        run.out
    );
    assert!(
        line("c/DAPI  complete").ends_with("do nothing"),
        "{}",
        run.out
    );
    assert!(run.out.contains("2 running, 1 finished"), "{}", run.out);
    let run = bench.run(&["status", "batch.toml", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(all["tasks"][0]["running"]["stage"], 3);
    assert!(
        all["tasks"][1]["running"]["stage"].is_null() && all["tasks"][1]["running"].is_object()
    );
    assert!(all["tasks"][2]["running"].is_null());
    drop(locks);
    let run = bench.run(&["status", "batch.toml"]);
    assert!(!run.out.contains("running"), "{}", run.out);
}
