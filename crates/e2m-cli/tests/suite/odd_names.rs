//! Samples and dyes of any name work or are refused, and nothing is ever written outside output_dir.

use crate::common::{Bench, quick};
use e2m_testing::sample;
use std::fs;
use std::os::unix::fs::symlink;

/// Every name below the folder of the bench that is neither raw, nor results, nor the batch file.
fn strays(bench: &Bench) -> Vec<String> {
    let mut names = bench.names(".");
    names.retain(|name| {
        !name.starts_with("raw/") && !name.starts_with("out/") && name != "batch.toml"
    });
    names
}

#[test]
fn odd_names_work() {
    let long = "x".repeat(200);
    let names = [
        "CD 070",
        " padded ",
        "é☃ 岩石 𝄞",
        "v1.2.final.tif",
        "dots..and..",
        "-rf",
        "--help",
        "[a]*?{b}",
        "it's \"quoted\" & more; $HOME",
        "~",
        "%41",
        long.as_str(),
    ];
    let names = sample("odd names of samples", names, 6);
    let bench = Bench::new();
    let first = bench.path("raw/first");
    for (seed, name) in names.iter().enumerate() {
        bench.pair(&quick(seed as u64 + 1), "first", "DAPI");
        let folder = bench.path("raw").join(name);
        fs::create_dir(&folder).expect("a folder");
        for (from, to) in [("Pre", "preStain"), ("Post", "postStain")] {
            let image = fs::read_dir(&first)
                .expect("a folder")
                .flatten()
                .find(|entry| entry.file_name().to_string_lossy().contains(from))
                .expect("an image");
            fs::copy(image.path(), folder.join(format!("{to}_DAPI.tif"))).expect("a copy");
        }
        fs::remove_dir_all(&first).expect("removes");
    }
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    let statuses = bench.statuses();
    for name in &names {
        let status = statuses.get(&format!("{name}/DAPI")).map(String::as_str);
        assert_eq!(status, Some("complete"), "{name:?}: {statuses:?}");
        let difference = bench
            .path("out")
            .join(name)
            .join("DAPI/fits/04_difference_difference_pad60.fits");
        assert!(difference.is_file(), "{}", difference.display());
    }
    assert_eq!(strays(&bench), [""; 0]);
    // Named one by one, as on the command line and in the batch file.
    for name in names {
        let run = bench.run(&["batch.toml", &format!("--samples={name}"), "--dyes=DAPI"]);
        assert_eq!(run.code, 0, "{name}: {}{}", run.err, run.out);
    }
}

#[test]
fn dyes_of_odd_names_work() {
    let bench = Bench::new();
    let dyes = ["Sybr Gld", "é☃", "488.nm", "-x", "(2)"];
    for (seed, dye) in dyes.iter().enumerate() {
        bench.pair(&quick(seed as u64), "s", dye);
    }
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert_eq!(bench.statuses().len(), dyes.len());
    assert_eq!(strays(&bench), [""; 0]);
}

#[test]
fn names_that_lead_elsewhere_are_refused_before_anything_is_written() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    for name in [
        "..",
        ".",
        "../../etc",
        "/etc",
        "a/b",
        "a\\\\b",
        "a\\nb",
        "a\\u0000b",
        "",
    ] {
        bench.batch(&format!("samples = [\"{name}\"]\ndyes = [\"DAPI\"]\n"));
        let run = bench.run_batch();
        assert!(
            [2, 4].contains(&run.code),
            "{name:?}: {} {}",
            run.code,
            run.err
        );
        assert!(!run.err.contains("panicked"), "{name:?}: {}", run.err);
        bench.batch(&format!("samples = [\"a\"]\ndyes = [\"{name}\"]\n"));
        let run = bench.run_batch();
        assert!(
            [2, 4].contains(&run.code),
            "{name:?}: {} {}",
            run.code,
            run.err
        );
        assert!(!bench.path("out").exists(), "{name:?}");
    }
    assert_eq!(strays(&bench), [""; 0]);
}

#[test]
fn links_are_followed_for_reading_only() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    // Raw images elsewhere: the folder of a sample, and one file.
    fs::rename(bench.path("raw/a"), bench.path("elsewhere")).expect("renames");
    symlink(bench.path("elsewhere"), bench.path("raw/a")).expect("links");
    let post = fs::read_dir(bench.path("raw/b"))
        .expect("a folder")
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().contains("Post"))
        .expect("an image")
        .path();
    fs::rename(&post, bench.path("elsewhere/moved")).expect("renames");
    symlink(bench.path("elsewhere/moved"), &post).expect("links");
    let before = bench.files("elsewhere");
    // Results elsewhere.
    for folder in ["out/a", "target", "out/b"] {
        fs::create_dir_all(bench.path(folder)).expect("a folder");
    }
    fs::write(bench.path("target/log"), "mine\n").expect("writes");
    symlink(bench.path("target"), bench.path("out/a/DAPI")).expect("links");
    symlink(bench.path("target/log"), bench.path("out/events.jsonl")).expect("links");
    symlink(bench.path("target/log"), bench.path("out/e2m_batch.json")).expect("links");

    let run = bench.run_batch();
    assert_eq!(run.code, 1, "{}{}", run.err, run.out);
    let statuses = bench.statuses();
    assert!(
        statuses["a/DAPI"].contains("follows links for reading only"),
        "{statuses:?}"
    );
    assert!(
        statuses["a/DAPI"].contains("FOLDER/out/a/DAPI"),
        "{statuses:?}"
    );
    assert_eq!(statuses["b/DAPI"], "complete");
    assert!(
        run.err
            .contains("events.jsonl could not be written: it is a symbolic link"),
        "{}",
        run.err
    );
    assert_eq!(bench.names("target"), ["log"]);
    assert_eq!(bench.read("target/log"), "mine\n");
    assert!(bench.files("elsewhere") == before);

    fs::remove_file(bench.path("out/a/DAPI")).expect("removes");
    assert_eq!(bench.run_batch().code, 0);
}
