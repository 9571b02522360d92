//! Raw folders that are not as they should be: nothing runs, and the message says what to do.

use crate::common::{Bench, Run};
use insta::assert_snapshot;

/// Runs a batch that must end before anything is made.
fn refused(bench: &Bench, code: i32) -> String {
    let Run {
        code: got,
        err,
        out,
    } = bench.run_batch();
    assert_eq!((got, out.as_str()), (code, ""), "{err}");
    assert!(!bench.path("out").exists(), "something was made");
    err
}

#[test]
fn no_raw_folder() {
    assert_snapshot!(refused(&Bench::new(), 4));
}

#[test]
fn a_file_in_place_of_the_raw_folder() {
    let bench = Bench::new();
    bench.write("raw", "a file");
    assert_snapshot!(refused(&bench, 4));
}

#[test]
fn loose_images() {
    let bench = Bench::new();
    bench.write("raw/CD070_PreStain_DAPI.tif", "");
    bench.write("raw/CD070_PostStain_DAPI.tif", "");
    assert_snapshot!(refused(&bench, 4));
}

#[test]
fn an_empty_raw_folder_and_one_without_images() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("raw")).expect("made");
    assert_snapshot!(refused(&bench, 4));
    bench.write("raw/CD070/notes.docx", "");
    assert_snapshot!(refused(&bench, 4));
}

#[test]
fn every_missing_image_is_named_at_once() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI")]);
    bench.write("raw/CD070/CD070_PreStain_SybrGld.tif", "");
    bench.write("raw/CD063/CD063_PostStain_DAPI.tif", "");
    bench.write("raw/CD063/a_PreStain_DAPI.tif", "");
    bench.write("raw/CD063/b_PreStain_DAPI.tif", "");
    bench.batch("samples = [\"CD070\", \"CD063\", \"CD71\"]\ndyes = [\"DAPI\", \"Sybr_Gld\"]\n");
    assert_snapshot!(refused(&bench, 4));
    bench.batch("samples = [\"CD063\"]\n");
    assert_snapshot!(refused(&bench, 4));
}

#[test]
fn without_strictness_the_rest_run() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI")]);
    bench.write("raw/CD070/CD070_PreStain_SybrGld.tif", "");
    bench.batch("strict_dyes = false\n");
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.err
            .contains("1 task left out because images are missing"),
        "{}",
        run.err
    );
    assert!(
        run.err
            .contains("PROBLEMS (1)\n  CD070/SybrGld\n    left out: "),
        "{}",
        run.err
    );
    assert!(
        run.out.contains("1 complete, 1 left out in "),
        "{}",
        run.out
    );
    let table = bench.read("out/e2m_batch.csv");
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("CD070,SybrGld,missing: the post image ")),
        "{table}"
    );
    let log = bench.read("out/.exo2micro_run_log.txt");
    assert!(log.contains("problem: CD070/SybrGld: left out: "), "{log}");
}

#[test]
fn nothing_asked_for_is_there() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI")]);
    bench.batch("dyes = [\"DAPPI\"]\nstrict_dyes = false\n");
    assert_snapshot!(refused(&bench, 4));
}

#[test]
fn an_output_folder_that_cannot_be_made() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI")]);
    bench.write("out", "a file");
    let run = bench.run_batch();
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(
        run.err
            .starts_with("error: output_dir FOLDER/out cannot be made: "),
        "{}",
        run.err
    );
}
