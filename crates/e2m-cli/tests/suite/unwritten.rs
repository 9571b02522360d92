//! Results of the batch that cannot be written: said, and no success.

use crate::common::Bench;
use std::fs;

#[test]
fn a_batch_whose_results_could_not_be_written_does_not_end_as_if_they_were() {
    for (name, said) in [
        (
            "e2m_batch.json",
            "warning: the results of the batch could not be written: ",
        ),
        (
            "e2m_batch.csv",
            "warning: the results of the batch could not be written: ",
        ),
        (
            "report.html",
            "warning: the report FOLDER/out/report.html could not be written: ",
        ),
    ] {
        let bench = Bench::with_pairs(&[("a", "DAPI")]);
        // A folder in its place, which no file takes.
        fs::create_dir_all(bench.path("out").join(name)).expect("a folder");
        let run = bench.run_batch();
        assert_eq!(run.code, 1, "{name}: {}{}", run.err, run.out);
        assert!(run.err.contains(said), "{name}: {}", run.err);
        assert!(
            run.out.contains("Not everything could be written"),
            "{name}: {}",
            run.out
        );
        assert!(run.out.contains("1 complete"), "{name}: {}", run.out);
        assert!(
            bench
                .read("out/.exo2micro_run_log.txt")
                .contains("exit code 1"),
            "{name}"
        );
        // The task itself is done: when there is room, only the results are left to be written.
        fs::remove_dir(bench.path("out").join(name)).expect("removed");
        let run = bench.run_batch();
        assert_eq!(run.code, 0, "{name}: {}{}", run.err, run.out);
        assert!(run.out.contains("was there"), "{name}: {}", run.out);
    }
}
