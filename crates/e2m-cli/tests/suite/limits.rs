//! Limits of the system: names that are too long, files that may not grow.

use crate::common::Bench;
use std::process::Command;

/// What CFITSIO takes for the path of a file, bytes.
const LONGEST_FITS_PATH: usize = 1023;

#[test]
fn parameters_that_make_a_file_name_too_long_are_refused_before_the_first_stage() {
    let bench = Bench::with_pairs(&[("A", "DAPI")]);
    let params = "\n[params]\npad = 60\nboundary_smooth = 11\nangle_range = 12.34567\nangle_step = 1.234567\n\
        scale_min = 0.8123456\nscale_max = 1.2123456\nscale_step = 0.0123456\ndown_scale = 0.3123456\n\
        max_translation = 212.3456\nmax_rotation = 5.123456\nmax_scale_delta = 0.2123456\nmax_scale_diff = 0.1512345\n\
        stopdelta = 1.23456e-7\ninterior_blur_base = 8.123456\ninterior_max_correction = 512.3456\n\
        interior_min_inlier_ratio = 0.4123456\nscale_percentile = 51.23456\nmanual_scale = 1.234567\n\
        post_black = 1.234567\npre_black = 1.234567\n";
    bench.batch(params);
    for arguments in [
        &["batch.toml"][..],
        &["--dry-run", "batch.toml"],
        &["check", "batch.toml"],
    ] {
        let run = bench.run(arguments);
        assert_eq!(run.code, 2, "{}{}", run.err, run.out);
        assert!(
            run.err
                .contains("A/DAPI: the file 04_difference_difference_percentile")
                && run.err.contains("takes 255 at most")
                && run.err.contains("leave some of them at their defaults"),
            "{}",
            run.err
        );
        assert!(!bench.path("out").exists(), "{arguments:?}");
    }
    // Stage 2 alone has shorter names.
    let run = bench.run(&["batch.toml", "--to-stage", "2"]);
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
}

#[test]
fn the_longest_path_that_is_not_refused_works() {
    let bench = Bench::with_pairs(&[("A", "DAPI")]);
    let at = |length: usize| {
        let mut folder = String::new();
        let before = bench.path(".").display().to_string().len();
        while before + folder.len() < length {
            let rest = length - before - folder.len();
            // No part of one character more than there is room for.
            let part = if rest <= 101 {
                rest - 1
            } else {
                99.min(rest - 3)
            };
            folder.push('/');
            folder.push_str(&"x".repeat(part));
        }
        let folder = format!(".{folder}");
        bench.write(
            "batch.toml",
            format!("raw_dir = \"raw\"\noutput_dir = \"{folder}\"\n[params]\npad = 60\n"),
        );
        folder
    };
    // The file that has the longest name while it is written, with its numbers at their longest.
    let below = "/A/DAPI/fits/.04_difference_difference_pad60.fits.1234567-1234567.e2m-tmp".len();
    let longest = LONGEST_FITS_PATH - below;
    at(longest + 1);
    let run = bench.run_batch();
    assert_eq!(run.code, 2, "{}{}", run.err, run.out);
    assert!(
        run.err.contains("CFITSIO") && run.err.contains("shorten output_dir"),
        "{}",
        run.err
    );
    let folder = at(longest);
    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    assert!(bench.path(&folder).join("A/DAPI/fits").is_dir());
}

#[test]
fn a_file_that_may_not_grow_is_an_error_that_names_the_limit() {
    for execution in ["", "[execution]\nparallel = \"subprocess\"\n"] {
        let bench = Bench::with_pairs(&[("A", "DAPI")]);
        bench.batch(execution);
        // In blocks of 1,024 bytes: enough for records, not for an image.
        let program = env!("CARGO_BIN_EXE_e2m");
        let mut shell = Command::new("bash");
        shell
            .args(["-c", &format!("ulimit -f 256; exec {program} batch.toml")])
            .current_dir(bench.path("."));
        let run = bench.ended(shell.output().expect("a shell"));
        assert_eq!(run.code, 1, "{}{}", run.err, run.out);
        let status = &bench.statuses()["A/DAPI"];
        assert!(status.contains("File too large"), "{status}");
        assert!(
            status.contains("(`ulimit -f`) is 262,144 bytes")
                && status.contains(" bytes are missing"),
            "{status}"
        );
        assert!(run.err.contains("raise the file size limit"), "{}", run.err);
        bench.assert_tidy();
        assert_eq!(bench.run_batch().code, 0, "without the limit it goes on");
    }
}
