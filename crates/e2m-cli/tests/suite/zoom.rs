//! `e2m zoom` and `e2m blink`: which task, which place, which file, and what is said where something is not there.

use crate::common::{Bench, Run};
use insta::assert_snapshot;

/// Width and height of the picture in a PNG.
fn size(bytes: &[u8]) -> (u32, u32) {
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "a PNG");
    let side = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    (side(16), side(20))
}

fn finished(tasks: &[(&str, &str)], rest: &str) -> Bench {
    let bench = Bench::with_pairs(tasks);
    bench.batch(rest);
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    bench
}

fn zoom(bench: &Bench, arguments: &[&str]) -> Run {
    bench.run(&[&["zoom", "batch.toml"], arguments].concat())
}

fn png(bench: &Bench, name: &str) -> Vec<u8> {
    std::fs::read(bench.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_region_becomes_a_picture_and_nothing_else_changes() {
    let bench = finished(&[("a", "DAPI")], "");
    let before = bench.files("out");
    let run = zoom(&bench, &["--at", "300,260", "--size", "100"]);
    assert_eq!((run.code, &*run.err), (0, ""));
    assert_eq!(run.out, "Wrote a_DAPI_zoom_x250_y210.png\n");
    let first = png(&bench, "a_DAPI_zoom_x250_y210.png");
    assert!(size(&first).0 > 3 * 400, "three panels of 400 px");
    // The same again: refused, and replaced where that is asked for, by the same bytes.
    let again = zoom(&bench, &["--box", "250,210,350,310"]);
    assert_eq!((again.code, &*again.out), (2, ""));
    assert_snapshot!("zoom_is_there_already", again.err);
    let again = zoom(&bench, &["--box", "250,210,350,310", "--overwrite", "-q"]);
    assert_eq!((again.code, &*again.err), (0, ""));
    assert!(png(&bench, "a_DAPI_zoom_x250_y210.png") == first);
    // Other images, other formats, other looks.
    let all = "post,pre,coarse_pre,icp_pre,interior_pre,aligned_pre,difference,mask,significance";
    let without_coarse = all.replace("coarse_pre,", "");
    let looks = [
        "--blur",
        "1.5",
        "--stretch",
        "asinh",
        "--magnify",
        "2",
        "--out",
        "all.tiff",
    ];
    let arguments = [
        "--object",
        "1",
        "--size",
        "60",
        "--stages",
        &*without_coarse,
    ];
    let run = zoom(&bench, &[&arguments[..], &looks[..]].concat());
    assert_eq!(
        (run.code, &*run.out),
        (0, "Wrote all.tiff\n"),
        "{}",
        run.err
    );
    assert!(png(&bench, "all.tiff").starts_with(b"II*\0"));
    let run = zoom(&bench, &["--worst", "--out", "worst.png"]);
    assert_eq!(
        (run.code, &*run.out),
        (0, "Wrote worst.png\n"),
        "{}",
        run.err
    );
    // What reaches beyond the canvas is cut off, and said.
    let run = zoom(&bench, &["--at", "0,0", "--out", "corner.png"]);
    assert_eq!(run.code, 0);
    assert_snapshot!("zoom_beyond_the_canvas", run.err);
    assert_eq!(bench.files("out"), before, "results are only read");
}

#[test]
fn two_images_blink() {
    let bench = finished(&[("a", "DAPI")], "");
    let blink = |arguments: &[&str]| bench.run(&[&["blink", "batch.toml"], arguments].concat());
    let run = blink(&[
        "--worst",
        "--size",
        "120",
        "--rate",
        "4",
        "--out",
        "blink.png",
    ]);
    assert_eq!(
        (run.code, &*run.out),
        (0, "Wrote blink.png\n"),
        "{}",
        run.err
    );
    let bytes = png(&bench, "blink.png");
    let control = bytes
        .windows(4)
        .position(|four| four == b"acTL")
        .expect("animated");
    assert_eq!(bytes[control + 4..control + 8], [0, 0, 0, 2], "two frames");
    let delay = bytes
        .windows(4)
        .position(|four| four == b"fcTL")
        .expect("a frame");
    assert_eq!(
        bytes[delay + 24..delay + 28],
        [0, 250, 3, 232],
        "a quarter of a second"
    );
    let run = blink(&["--worst", "--stages", "post,pre,mask"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("blink_three", run.err);
    let run = blink(&["--worst", "--out", "blink.tiff"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("blink_tiff", run.err);
}

#[test]
fn what_was_not_kept_is_made_again_and_said() {
    let bench = finished(&[("a", "DAPI")], "checkpoints = \"none\"\n");
    let place = ["--at", "300,260", "--size", "80"];
    let run = zoom(&bench, &[&place[..], &["--out", "again.png"]].concat());
    assert_eq!((run.code, &*run.out), (0, "Wrote again.png\n"));
    assert_snapshot!("zoom_made_again", run.err);
    // The same pixels as from files that were kept.
    let kept = finished(&[("a", "DAPI")], "");
    let run = zoom(&kept, &[&place[..], &["--out", "kept.png"]].concat());
    assert_eq!((run.code, &*run.err), (0, ""));
    assert!(png(&bench, "again.png") == png(&kept, "kept.png"));
    let run = zoom(
        &bench,
        &[&place[..], &["--stages", "significance"]].concat(),
    );
    assert_eq!(run.code, 2);
    assert_snapshot!("zoom_not_kept", run.err);
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let bench = finished(&[("a", "DAPI"), ("b", "DAPI")], "");
    let refused = |arguments: &[&str]| {
        let run = zoom(&bench, arguments);
        assert_eq!((run.code, &*run.out), (2, ""), "{}", run.err);
        run.err
    };
    assert_snapshot!("zoom_several_tasks", refused(&["--worst"]));
    assert_snapshot!("zoom_no_such_task", refused(&["--sample", "c", "--worst"]));
    let a = ["--sample", "a"];
    let of_a = |arguments: &[&str]| refused(&[&a[..], arguments].concat());
    assert_snapshot!("zoom_no_place", refused(&a));
    assert_snapshot!("zoom_two_places", of_a(&["--worst", "--at", "1,2"]));
    assert_snapshot!("zoom_outside", of_a(&["--box", "5000,100,5100,200"]));
    assert_snapshot!("zoom_empty_box", of_a(&["--box", "50,100,50,200"]));
    assert_snapshot!("zoom_no_point", of_a(&["--at", "50"]));
    assert_snapshot!("zoom_no_object", of_a(&["--object", "0"]));
    assert_snapshot!(
        "zoom_no_image",
        of_a(&["--worst", "--stages", "post,aligned_post"])
    );
    assert_snapshot!(
        "zoom_no_scale",
        of_a(&["--worst", "--stages", "difference_manual"])
    );
    assert_snapshot!("zoom_no_format", of_a(&["--worst", "--out", "picture.jpg"]));
    // Another batch file for the same folder: nothing is on record of its parameters.
    bench.batch("[params]\npad = 61\n");
    assert_snapshot!("zoom_other_parameters", of_a(&["--worst"]));
    let new = Bench::with_pairs(&[("a", "DAPI")]);
    let run = zoom(&new, &["--worst"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("zoom_not_run", run.err);
}

#[test]
fn a_file_that_is_not_what_was_written_is_passed_over_or_an_error_of_its_own() {
    let bench = finished(&[("a", "DAPI")], "");
    let cut = |path: &str| {
        let path = bench.path(path);
        let bytes = std::fs::read(&path).expect("read");
        std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    };
    let difference = ["--at", "300,260", "--stages", "difference", "--out"];
    let whole = zoom(&bench, &[&difference[..], &["whole.png"]].concat());
    assert_eq!((whole.code, &*whole.err), (0, ""));
    cut("out/a/DAPI/tiff/04_difference_difference_pad60.tiff");
    // The same pixels are there as FITS, and that is said.
    let run = zoom(&bench, &[&difference[..], &["fits.png"]].concat());
    assert_eq!(
        (run.code, &*run.out),
        (0, "Wrote fits.png\n"),
        "{}",
        run.err
    );
    assert!(
        run.err.starts_with("difference: FOLDER/out/a/DAPI/tiff/04_difference_difference_pad60.tiff has ")
            && run.err.ends_with(
                " on record; taken from FOLDER/out/a/DAPI/fits/04_difference_difference_pad60.fits, which has the same pixels on record\n"
            ),
        "{}",
        run.err
    );
    assert!(png(&bench, "whole.png") == png(&bench, "fits.png"));
    // Post is there as TIFF only.
    cut("out/a/DAPI/tiff/01_padded_post_pad60.tiff");
    let run = zoom(&bench, &["--at", "300,260"]);
    assert_eq!((run.code, &*run.out), (1, ""));
    assert_snapshot!("zoom_damaged", run.err);
    assert!(!bench.path("a_DAPI_zoom_x100_y60.png").exists());
}
