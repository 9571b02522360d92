//! Help, version, schema, init and wrong arguments.

use crate::common::Bench;
use insta::assert_snapshot;

#[test]
fn help() {
    let bench = Bench::new();
    let run = bench.run(&["--help"]);
    assert_eq!(run.code, 0);
    assert_snapshot!("help", run.out);
    assert_snapshot!("help_run", bench.run(&["run", "--help"]).out);
    assert_snapshot!("help_survey", bench.run(&["survey", "--help"]).out);
    assert_snapshot!("help_verify", bench.run(&["verify", "--help"]).out);
    assert_snapshot!("help_export", bench.run(&["export", "--help"]).out);
    assert_snapshot!("help_apply", bench.run(&["apply", "--help"]).out);
    assert_snapshot!("help_convert", bench.run(&["convert", "--help"]).out);
}

#[test]
fn without_arguments_the_help_is_shown_and_the_code_says_so() {
    let run = Bench::new().run(&[]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("Usage: e2m [OPTIONS] <BATCH>"),
        "{}",
        run.err
    );
}

#[test]
fn version() {
    let run = Bench::new().run(&["--version"]);
    assert_eq!(
        (run.code, run.out),
        (0, format!("e2m {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn wrong_arguments() {
    let bench = Bench::new();
    let run = bench.run(&["batch.toml", "--from-stage", "7"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("from_stage_7", run.err);
    let run = bench.run(&["surveyy"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("command_taken_for_a_file", run.err);
    let run = bench.run(&["batch.toml", "--smaples", "a"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("--samples"), "{}", run.err);
}

#[test]
fn what_was_meant_is_said() {
    let bench = Bench::new();
    let run = bench.run(&["chek", "batch.toml"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert_eq!(
        run.err,
        "error: there is no command chek; did you mean `e2m check batch.toml`?\n"
    );
    let said = |text: &str| {
        bench.write("batch.toml", text);
        let run = bench.run_batch();
        assert_eq!(run.code, 2, "{}", run.err);
        run.err
    };
    let err = said("raw_dir = \"raw\"\noutput_dir = \"out\"\nsample = \"all\"\n");
    assert!(err.contains("did you mean \"samples\"?"), "{err}");
    let err = said("raw_dir = \"C:\\Users\\me\\raw\"\noutput_dir = \"out\"\n");
    assert!(
        err.contains("write the path in single quotes, 'C:\\Users\\me\\raw'"),
        "{err}"
    );
}

#[test]
fn a_percentile_that_looks_like_a_share_is_asked_about_and_runs() {
    let bench = Bench::with_pairs(&[("a", "DAPI")]);
    bench.batch("[params]\npad = 60\nscale_percentile = 0.5\n");
    let run = bench.run(&["--dry-run", "batch.toml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.err.starts_with("warning: scale_percentile is 0.5")
            && run.err.contains("Was 50 % meant?"),
        "{}",
        run.err
    );
}

#[test]
fn a_bad_batch_file() {
    let bench = Bench::new();
    bench.write(
        "batch.toml",
        "raw_dir = \"raw\"\noutput_dri = \"out\"\n[params]\npad = \"big\"\n",
    );
    let run = bench.run_batch();
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert_snapshot!("bad_batch_file", run.err);
}

#[test]
fn init_writes_a_batch_file_once() {
    let bench = Bench::new();
    let run = bench.run(&["init", "new/place"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_snapshot!("init", run.out);
    let written = bench.read("new/place/batch.toml");
    let run = bench.run(&["init", "new/place"]);
    assert_eq!(run.code, 2);
    assert_snapshot!("init_again", run.err);
    assert_eq!(bench.read("new/place/batch.toml"), written);
    let run = bench.run(&["new/place/batch.toml"]);
    assert_eq!(run.code, 4, "{}", run.err);
}

#[test]
fn the_schema_is_json() {
    let run = Bench::new().run(&["schema"]);
    assert_eq!(run.code, 0);
    let schema: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(schema, e2m_cli::batch_schema());
}

/// Needs no cluster: what would be handed over is printed.
#[test]
fn what_would_go_to_a_cluster_is_shown_and_nothing_is_written() {
    let bench = Bench::with_pairs(&[("CD070", "DAPI"), ("CD071", "DAPI")]);
    bench.batch(
        "[execution]\nparallel = \"slurm\"\nthreads = 3\n[slurm]\npartition = \"short\"\nmax_running = 1\n\
         time = \"1-02:00:00\"\nsetup = \"module load opencv\"\n",
    );
    let run = bench.run(&["--dry-run", "batch.toml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for line in [
        "#SBATCH --array=0-1%1",
        "#SBATCH --cpus-per-task=3",
        "#SBATCH --time=1-02:00:00",
        "#SBATCH --partition=short",
        "#SBATCH --requeue",
        "#SBATCH --signal=B:USR1@120",
        "module load opencv",
    ] {
        assert!(
            run.out.lines().any(|one| one == line),
            "{line}\n{}",
            run.out
        );
    }
    assert!(run.out.contains(" slurm-collect "), "{}", run.out);
    assert_eq!(bench.names("out"), [""; 0]);
}

#[test]
fn the_licences_of_everything_inside_can_be_read() {
    let run = Bench::new().run(&["licences"]);
    assert_eq!(run.code, 0);
    for words in [
        "Bitstream Vera Fonts Copyright",
        "OpenCV Foundation",
        "National Aeronautics and Space",
        "Jean-loup Gailly",
        "  rayon 1.",
        "Independent JPEG Group",
        "OpenSeadragon contributors",
    ] {
        assert!(run.out.contains(words), "{words}");
    }
}
