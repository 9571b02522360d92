//! `e2m status`.

mod common;

use common::{Bench, quick};

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
        out.contains("a/DAPI          to do  to do  to do  to do  do stages 1, 2, 3, 4\n"),
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
        out.contains("a/DAPI  complete  there  there  there  there  do nothing\n"),
        "{out}"
    );
    assert!(
        out.contains("b/DAPI  in part   there  there  there  again  do stage 4\n"),
        "{out}"
    );
    assert!(
        out.contains("c/DAPI  in part   there  there  to do  to do  do stages 3, 4\n"),
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
        out.contains("a/DAPI  complete  there  there  there  there  compare what was touched\n"),
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
