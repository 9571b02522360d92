//! `e2m verify`: finds each kind of damage, names it, names nothing else, and writes nothing.

use crate::common::{Bench, Run, quick};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;

const POST: &str = "out/a/DAPI/tiff/01_padded_post_pad60.tiff";
const PRE: &str = "out/a/DAPI/tiff/01_padded_pre_pad60.tiff";
const DIFFERENCE: &str = "out/a/DAPI/fits/04_difference_difference_pad60.fits";
const PICTURE: &str = "out/a/DAPI/pipeline_output/registration_pad60.png";
const PREVIEW: &str = "out/a/DAPI/pipeline_output/comparison_post_pad60.jpg";
const RECORD: &str = "out/a/DAPI/e2m_task_pad60.json";
const RAW: &str = "raw/a/a_PreStain_DAPI.tif";

/// A finished batch of two tasks.
fn finished() -> Bench {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    assert_eq!(bench.run_batch().code, 0);
    bench
}

fn verify(bench: &Bench) -> Run {
    bench.run(&["verify", "batch.toml"])
}

/// The document of `--json`, and the exit code.
fn document(bench: &Bench) -> (Value, i32) {
    let run = bench.run(&["verify", "batch.toml", "--json"]);
    let document = serde_json::from_str(&run.out).expect("one JSON document");
    (document, run.code)
}

/// Every problem, as severity and file.
fn problems(bench: &Bench) -> Vec<(String, String)> {
    let (document, code) = document(bench);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let tasks = document["tasks"].as_array().expect("tasks").iter();
    let all = tasks.flat_map(|task| task["problems"].as_array().expect("problems"));
    let found: Vec<_> = all
        .map(|one| {
            let file = text(&one["file"]);
            let file = file.trim_start_matches("FOLDER/").to_owned();
            (text(&one["severity"]), file)
        })
        .collect();
    assert_eq!(code, i32::from(!found.is_empty()), "{document:#}");
    found
}

fn one(severity: &str, file: &str) -> Vec<(String, String)> {
    vec![(severity.to_owned(), file.to_owned())]
}

/// Does something to the bytes of a file.
fn spoil(bench: &Bench, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = bench.path(name);
    let mut bytes = fs::read(&path).expect("read");
    change(&mut bytes);
    fs::write(path, bytes).expect("written");
}

/// Where a text begins in a file.
fn position(bytes: &[u8], text: &[u8]) -> usize {
    let found = bytes.windows(text.len()).position(|part| part == text);
    found.expect("the text is there")
}

/// Flips a bit of a file and leaves its times as they were, as a failing disk does.
fn rot(path: &Path, at: usize) {
    let modified = path.metadata().and_then(|m| m.modified()).expect("a time");
    let mut bytes = fs::read(path).expect("read");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("written");
    let file = File::options().write(true).open(path).expect("open");
    file.set_modified(modified).expect("the old time");
}

#[test]
fn a_clean_tree_is_all_right_and_nothing_is_written() {
    let bench = finished();
    let before = (bench.files("out"), bench.files("raw"));
    let run = verify(&bench);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{}", run.out);
    // Four images aligned or padded, the difference in two formats, mask and significance, two raw images, fifteen plots and two previews.
    let row = |task: &str| {
        let line = run.out.lines().find(|line| line.starts_with(task));
        line.expect("a row").split_whitespace().collect::<Vec<_>>()
    };
    for task in ["a/DAPI", "b/DAPI"] {
        let row = row(task);
        assert_eq!(row[1..5], ["1", "8", "2", "19"], "{}", run.out);
        assert_eq!(row[7..], ["all", "right"], "{}", run.out);
    }
    assert!(
        !run.out.contains("PROBLEMS") && !run.out.contains("REMARKS"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("2 tasks all right; 66 files of "),
        "{}",
        run.out
    );
    assert!(
        (bench.files("out"), bench.files("raw")) == before,
        "something was written"
    );

    let quiet = bench.run(&["verify", "batch.toml", "-q"]);
    assert_eq!(
        (quiet.code, quiet.out.as_str(), quiet.err.as_str()),
        (0, "", "")
    );
    let (document, code) = document(&bench);
    assert_eq!((code, &document["exit_code"]), (0, &Value::from(0)));
    assert_eq!(document["files_read"], 66);
    assert_eq!(document["tasks"][0]["result"], "all right");
}

#[test]
fn each_damage_is_found_and_named_and_nothing_else() {
    let bench = finished();
    let whole = bench.files("out");
    let restore = || {
        for (name, (bytes, modified)) in &whole {
            let path = bench.path(&format!("out/{name}"));
            fs::write(&path, bytes).expect("written");
            let file = File::options().write(true).open(&path).expect("open");
            file.set_modified(*modified).expect("the old time");
        }
    };
    let mut cases: Vec<(&'static str, &'static str, &'static str, Vec<u8>)> = Vec::new();
    let mut case = |what: &'static str,
                    file: &'static str,
                    severity: &'static str,
                    change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole[&file["out/".len()..]].0.clone();
        change(&mut bytes);
        cases.push((what, file, severity, bytes));
    };
    // The pixels lie at the end of a TIFF, and begin behind the padding.
    case("a bit of a TIFF's pixels", POST, "damaged", &|bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    case(
        "a digit in a TIFF's description",
        POST,
        "damaged",
        &|bytes| {
            let at = position(bytes, b"\"PAD\":60");
            bytes[at + 6] = b'7';
        },
    );
    case("a TIFF that says it is of b", POST, "misplaced", &|bytes| {
        let at = position(bytes, b"\"SAMPLE\":\"a\"");
        bytes[at + 10] = b'b';
    });
    case("half a TIFF", POST, "damaged", &|bytes| {
        bytes.truncate(bytes.len() / 2);
    });
    case("an empty TIFF", POST, "damaged", &|bytes| bytes.clear());
    case("a longer TIFF", POST, "damaged", &|bytes| bytes.push(0));
    case("a bit of a FITS' pixels", DIFFERENCE, "damaged", &|bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    case("a FITS card", DIFFERENCE, "damaged", &|bytes| {
        let at = position(bytes, b"SCALE   =");
        bytes[at + 25] ^= 1;
    });
    case(
        "the comment of a FITS card",
        DIFFERENCE,
        "damaged",
        &|bytes| {
            let at = position(bytes, b"Dye/channel");
            bytes[at] ^= 32;
        },
    );
    case(
        "the name of the card CHECKSUM",
        DIFFERENCE,
        "damaged",
        &|bytes| {
            let at = position(bytes, b"CHECKSUM=");
            bytes[at + 7] = b'N';
        },
    );
    case("what fills up a FITS", DIFFERENCE, "damaged", &|bytes| {
        *bytes.last_mut().expect("a byte") = 1;
    });
    case("a bit of a PNG", PICTURE, "damaged", &|bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    case("half a JPEG", PREVIEW, "damaged", &|bytes| {
        bytes.truncate(bytes.len() / 2);
    });
    case("half a record", RECORD, "damaged", &|bytes| {
        bytes.truncate(bytes.len() / 2);
    });
    for (what, file, severity, bytes) in cases {
        fs::write(bench.path(file), bytes).expect("written");
        assert_eq!(problems(&bench), one(severity, file), "{what}");
        restore();
    }
    for file in [POST, DIFFERENCE, PICTURE] {
        fs::remove_file(bench.path(file)).expect("removed");
        assert_eq!(problems(&bench), one("missing", file));
        restore();
    }
    assert_eq!(problems(&bench), []);
}

#[test]
fn a_bit_changed_behind_length_and_time_is_found_and_mended_as_said() {
    let bench = finished();
    let path = bench.path(POST);
    rot(
        &path,
        fs::metadata(&path).expect("there").len() as usize / 2,
    );
    let run = verify(&bench);
    assert_eq!(run.code, 1, "{}", run.out);
    assert!(
        run.out.contains(&format!(
            "PROBLEMS (1)\n  a/DAPI: checkpoint FOLDER/{POST}\n    damaged: its pixels are not those that were written"
        )),
        "{}",
        run.out
    );
    // The file system knows of the change by a time that cannot be set, and so does a run.
    assert!(
        run.out
            .contains("what to do: run `e2m batch.toml`: it is made again"),
        "{}",
        run.out
    );
    assert_eq!(bench.run_batch().code, 0);
    assert_eq!(problems(&bench), []);
}

#[test]
fn what_a_run_is_said_to_mend_it_mends() {
    let bench = finished();
    spoil(&bench, DIFFERENCE, |bytes| bytes.truncate(5000));
    fs::remove_file(bench.path(PICTURE)).expect("removed");
    let run = verify(&bench);
    assert!(
        run.out
            .contains("what to do: run `e2m batch.toml`: it is made again"),
        "{}",
        run.out
    );
    assert!(
        run.out
            .contains("what to do: run `e2m batch.toml`: it is drawn again"),
        "{}",
        run.out
    );
    assert!(run.out.contains("1 missing, 1 damaged"), "{}", run.out);
    assert_eq!(bench.run_batch().code, 0);
    assert_eq!(problems(&bench), []);
}

#[test]
fn swapped_files_are_told_apart() {
    let bench = finished();
    let swap = |a: &str, b: &str| {
        let (a, b, aside) = (bench.path(a), bench.path(b), bench.path("out/aside"));
        fs::rename(&a, &aside).expect("renamed");
        fs::rename(&b, &a).expect("renamed");
        fs::rename(&aside, &b).expect("renamed");
    };
    swap(POST, PRE);
    let both = [one("misplaced", POST), one("misplaced", PRE)].concat();
    assert_eq!(problems(&bench), both);
    let run = verify(&bench);
    assert!(
        run.out.contains(
            "it holds what is on record for tiff/01_padded_pre_pad60.tiff; were the two swapped?"
        ),
        "{}",
        run.out
    );
    swap(POST, PRE);

    let other = POST.replace("/a/", "/b/");
    swap(POST, &other);
    let both = [one("misplaced", POST), one("misplaced", &other)].concat();
    assert_eq!(problems(&bench), both);
    let run = verify(&bench);
    assert!(
        run.out
            .contains("its header says SAMPLE = b; on record is a"),
        "{}",
        run.out
    );
    swap(POST, &other);

    swap("raw/a/a_PreStain_DAPI.tif", "raw/a/a_PostStain_DAPI.tif");
    let run = verify(&bench);
    assert!(
        run.out
            .contains("it holds what is on record for the post image"),
        "{}",
        run.out
    );
    assert_eq!(problems(&bench).len(), 2);
    swap("raw/a/a_PreStain_DAPI.tif", "raw/a/a_PostStain_DAPI.tif");
    assert_eq!(problems(&bench), []);
}

#[test]
fn a_raw_image_that_was_replaced_is_found_though_size_and_time_are_the_same() {
    let bench = finished();
    let path = bench.path(RAW);
    rot(
        &path,
        fs::metadata(&path).expect("there").len() as usize / 2,
    );
    assert_eq!(problems(&bench), one("changed", RAW));
    let run = verify(&bench);
    assert!(
        run.out
            .contains("its content is not what the results were made from"),
        "{}",
        run.out
    );
    // As said: a run makes everything anew, and then all is right.
    assert_eq!(bench.run_batch().code, 0);
    assert_eq!(problems(&bench), []);
}

#[test]
fn raw_images_that_are_gone_do_not_hide_the_results() {
    let bench = finished();
    fs::remove_file(bench.path(RAW)).expect("removed");
    assert_eq!(bench.run_batch().code, 4, "a run refuses");
    assert_eq!(problems(&bench), one("missing", RAW));
    // All of a sample: the batch does not even know the task any more, its record does.
    fs::remove_dir_all(bench.path("raw/a")).expect("removed");
    assert_eq!(problems(&bench).len(), 2);
    spoil(&bench, POST, |bytes| bytes.truncate(100));
    assert_eq!(problems(&bench).len(), 3);
    let run = verify(&bench);
    let to_do = "what to do: put the raw images of this task back, then run `e2m batch.toml`";
    assert!(run.out.contains(to_do), "{}", run.out);
    let run = bench.run(&["verify", "batch.toml", "--samples", "b"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(
        run.out.contains("1 task all right; 33 files"),
        "{}",
        run.out
    );

    fs::remove_dir_all(bench.path("raw")).expect("removed");
    assert_eq!(verify(&bench).code, 4, "as for other commands");
}

#[test]
fn tasks_that_have_not_run_are_said_and_are_no_failure() {
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    let run = verify(&bench);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(
        run.out.contains("0 tasks all right, 2 not run yet"),
        "{}",
        run.out
    );
    assert!(!bench.path("out").exists(), "looking leaves no trace");
    assert_eq!(
        bench
            .run(&["batch.toml", "--samples", "a", "--to-stage", "2"])
            .code,
        0
    );
    let run = verify(&bench);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(
        run.out.contains("1 task all right, 1 not run yet"),
        "{}",
        run.out
    );
    // A pair of which one image was never there has nothing on record.
    fs::remove_file(bench.path("raw/b/b_PreStain_DAPI.tif")).expect("removed");
    let run = verify(&bench);
    assert_eq!(run.code, 4, "{}{}", run.out, run.err);
    assert!(
        run.out.contains("raw images missing, nothing on record"),
        "{}",
        run.out
    );
    bench.batch("strict_dyes = false\n");
    assert_eq!(verify(&bench).code, 0);
    bench.write("batch.toml", "raw_dir = 3\n");
    assert_eq!(verify(&bench).code, 2);
}

#[test]
fn results_of_other_parameters_are_verified_too() {
    let bench = finished();
    let manual = "[params]\npad = 60\nmanual_scale = 1.3\nscale_percentile = 40\nsave_all_intermediates = true\n";
    bench.batch(&format!(
        "checkpoint_format = \"both\"\ncheckpoint_compression = \"deflate\"\n{manual}"
    ));
    assert_eq!(bench.run_batch().code, 0);
    assert_eq!(problems(&bench), []);
    let run = verify(&bench);
    assert!(run.out.contains("a/DAPI  2 "), "two records: {}", run.out);
    assert!(!run.out.contains("REMARKS"), "{}", run.out);
    // One that only the earlier parameters made.
    spoil(&bench, DIFFERENCE, |bytes| bytes[20_000] ^= 1);
    assert_eq!(problems(&bench), one("damaged", DIFFERENCE));
    let run = verify(&bench);
    assert!(
        run.out
            .contains("run e2m with the parameters in e2m_task_pad60.json to make it again"),
        "{}",
        run.out
    );
    // Another raw image, read anew for these parameters: the other record is of the past.
    spoil(&bench, DIFFERENCE, |bytes| bytes[20_000] ^= 1);
    bench.pair(&quick(33), "a", "DAPI");
    assert_eq!(bench.run_batch().code, 0);
    assert_eq!(problems(&bench), []);
    let run = verify(&bench);
    assert!(run.out.contains("REMARKS (1)"), "{}", run.out);
    assert!(
        run.out.contains("it is about an earlier content of "),
        "{}",
        run.out
    );
}

#[test]
fn what_e2m_made_and_no_record_vouches_for_is_a_problem() {
    let bench = finished();
    let left = "out/a/DAPI/tiff/01_padded_post_pad99.tiff";
    fs::copy(bench.path(POST), bench.path(left)).expect("copied");
    assert_eq!(problems(&bench), one("unrecorded", left));
    let run = verify(&bench);
    assert_eq!(run.code, 1, "{}", run.out);
    for expected in [
        "1 unrecorded",
        "01_padded_post_pad99.tiff\n    unrecorded: not on record: left over from a run",
        "with the parameters in its name: it is made again",
        "remove the file",
    ] {
        assert!(run.out.contains(expected), "{expected}: {}", run.out);
    }
    fs::remove_file(bench.path(left)).expect("removed");
    assert_eq!(problems(&bench), []);
}

#[test]
fn what_others_have_put_there_is_remarked() {
    let bench = finished();
    fs::copy(bench.path(POST), bench.path("out/a/DAPI/tiff/notes.tiff")).expect("copied");
    bench.write(
        "out/a/DAPI/tiff/02_icp_aligned_pre.tiff",
        b"not even an image",
    );
    bench.write("out/b/DAPI/fits/.04_x.fits.4242-0.e2m-tmp", b"half");
    let run = verify(&bench);
    assert_eq!(run.code, 0, "{}", run.out);
    for expected in [
        "REMARKS (2)",
        "02_icp_aligned_pre.tiff\n    not on record: from the Python program",
        ".04_x.fits.4242-0.e2m-tmp\n    half-written",
    ] {
        assert!(run.out.contains(expected), "{expected}: {}", run.out);
    }
    // A record of another task, copied here by mistake.
    fs::copy(
        bench.path(RECORD),
        bench.path("out/b/DAPI/e2m_task_copy.json"),
    )
    .expect("copied");
    assert_eq!(
        problems(&bench),
        one("misplaced", "out/b/DAPI/e2m_task_copy.json")
    );
}

#[test]
fn a_damaged_record_says_what_follows() {
    let bench = finished();
    spoil(&bench, RECORD, |bytes| bytes.truncate(500));
    let run = verify(&bench);
    assert!(
        run.out
            .contains("damaged: it cannot be read as a record: EOF"),
        "{}",
        run.out
    );
    assert!(
        run.out
            .contains("not on record, or of the record that cannot be read"),
        "{}",
        run.out
    );
    assert_eq!(bench.run_batch().code, 0);
    assert_eq!(problems(&bench), []);
}
