//! Ctrl-C.

use crate::common::{Bench, Run, quick};
use std::process::Stdio;
use std::time::{Duration, Instant};

fn bench() -> Bench {
    let bench = Bench::new();
    bench.pair(&quick(1), "a", "DAPI");
    bench.pair(&quick(2), "b", "DAPI");
    bench
}

/// Starts the batch and sends SIGINT as soon as `moment` has come.
fn interrupt_when(bench: &Bench, moment: impl Fn() -> bool) -> Run {
    let mut command = bench.command(&["batch.toml"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let patience = Instant::now() + Duration::from_secs(120);
    while !moment() && child.try_wait().expect("a state").is_none() {
        assert!(Instant::now() < patience, "the moment never came");
        std::thread::sleep(Duration::from_millis(1));
    }
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "the signal could not be sent"
    );
    let output = child.wait_with_output().expect("an end");
    bench.ended(output)
}

#[test]
fn an_interrupted_batch_goes_on_to_the_same_bytes() {
    let whole = bench();
    assert_eq!(whole.run_batch().code, 0);

    let bench = bench();
    let checkpoint = bench.path("out/a/DAPI/tiff/01_padded_post_pad60.tiff");
    let run = interrupt_when(&bench, || checkpoint.exists());
    assert_eq!(run.code, 130, "{}{}", run.err, run.out);
    assert!(
        run.err.contains("stopping after the rows at hand"),
        "{}",
        run.err
    );
    bench.assert_tidy();
    let statuses = bench.statuses();
    assert_eq!(
        statuses["a/DAPI"],
        "incomplete: interrupted, the next run goes on from here"
    );
    assert_eq!(
        statuses["b/DAPI"],
        "incomplete: not begun, the batch was interrupted"
    );
    assert!(
        bench
            .read("out/.exo2micro_run_log.txt")
            .contains("exit code 130")
    );

    let run = bench.run_batch();
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(
        bench.images("out").keys().collect::<Vec<_>>(),
        whole.images("out").keys().collect::<Vec<_>>()
    );
    for (name, bytes) in whole.images("out") {
        assert!(
            bench.images("out")[&name] == bytes,
            "{name} differs from that of an uninterrupted run"
        );
    }
}
