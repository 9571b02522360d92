//! Images that cannot be used: a clear message, the other tasks go on, nothing half-written stays.

use crate::common::{Bench, quick};
use e2m_fixtures::{PreWorld, Recipe};
use insta::assert_snapshot;

/// Lines of statuses for snapshots.
fn said(bench: &Bench) -> String {
    let lines = bench
        .statuses()
        .into_iter()
        .map(|(name, status)| format!("{name}: {status}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Asserts that no difference image, and nothing temporary, is there for a task.
fn assert_no_difference(bench: &Bench, task: &str) {
    let names = bench.names(&format!("out/{task}"));
    assert!(
        !names.iter().any(|name| name.contains("04_difference")),
        "{task}: {names:?}"
    );
}

#[test]
fn unreadable_images_fail_alone() {
    let bench = Bench::with_pairs(&[
        ("good", "DAPI"),
        ("truncated", "DAPI"),
        ("text", "DAPI"),
        ("zgood", "DAPI"),
    ]);
    let path = "raw/truncated/truncated_PostStain_DAPI.tif";
    let bytes = std::fs::read(bench.path(path)).expect("read");
    bench.write(path, &bytes[..bytes.len() / 2]);
    bench.write(
        "raw/text/text_PreStain_DAPI.tif",
        "Dear colleague, attached please find the image.",
    );
    let run = bench.run_batch();
    assert_eq!(run.code, 1, "{}", run.err);
    assert_snapshot!(said(&bench));
    bench.assert_tidy();
    assert_no_difference(&bench, "truncated/DAPI");
    assert_no_difference(&bench, "text/DAPI");
    assert!(run.err.contains("PROBLEMS (2)"), "{}", run.err);
    assert!(
        run.err.contains("what to do: replace the file"),
        "{}",
        run.err
    );
    assert!(run.out.contains("2 complete, 2 failed in "), "{}", run.out);
}

#[test]
fn images_without_anything_in_them_fail_alone() {
    let bench = Bench::with_pairs(&[("good", "DAPI")]);
    let pixel = Recipe {
        width: 1,
        height: 1,
        ..Recipe::default()
    };
    bench.pair(&pixel, "pixel", "DAPI");
    bench.pair(
        &Recipe {
            pre_world: PreWorld::Blank,
            ..quick(3)
        },
        "zeros",
        "DAPI",
    );
    bench.pair(
        &Recipe {
            pre_world: PreWorld::OtherRock,
            ..quick(4)
        },
        "unrelated",
        "DAPI",
    );
    let run = bench.run_batch();
    assert_eq!(run.code, 1, "{}", run.err);
    let statuses = bench.statuses();
    assert_eq!(statuses["good/DAPI"], "complete");
    for task in ["pixel/DAPI", "zeros/DAPI", "unrelated/DAPI"] {
        let status = &statuses[task];
        assert!(
            status.starts_with("error: alignment failed: "),
            "{task}: {status}"
        );
        assert_no_difference(&bench, task);
    }
    bench.assert_tidy();
    assert!(
        run.err.contains("no difference image was made"),
        "{}",
        run.err
    );
}
