//! Five hundred tasks in one process, and by a pool: memory does not grow, no file stays open, the last task takes no more than
//! the first.
//!
//! Stand-ins are written for pictures here, or it would take half an hour; with the variable `E2M_SOAK_PICTURES` they are
//! drawn.

use crate::common::Bench;
use e2m_fixtures::Recipe;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

const TASKS: usize = 500;
/// So many where sweeps are sampled.
const FEW_TASKS: usize = 40;
/// By then a process has everything it will need.
const WARM: usize = 10;
/// So many tasks at the beginning and at the end are compared.
const SHARE: usize = 100;

fn tasks() -> usize {
    if e2m_testing::is_sampled() {
        FEW_TASKS
    } else {
        TASKS
    }
}

/// What a process held after a task, and the processor time of the task.
struct After {
    rss_bytes: u64,
    open_files: u64,
    cpu_seconds: f64,
}

/// A batch of equal tasks.
fn batch(execution: &str) -> Bench {
    let bench = Bench::new();
    let recipe = Recipe {
        width: 240,
        height: 210,
        gain: 1.4,
        rotation_deg: 3.0,
        ..Recipe::default()
    };
    bench.pair(&recipe, "s000", "DAPI");
    let first = bench.path("raw/s000");
    for number in 1..tasks() {
        let folder = bench.path(&format!("raw/s{number:03}"));
        fs::create_dir(&folder).expect("a folder");
        for file in fs::read_dir(&first).expect("a folder").flatten() {
            let name = file
                .file_name()
                .to_string_lossy()
                .replace("s000", &format!("s{number:03}"));
            if name.ends_with(".tif") {
                fs::hard_link(file.path(), folder.join(name)).expect("a link");
            }
        }
    }
    bench.batch(&format!(
        "[execution]\n{execution}\n[params]\npad = 10\ncoarse_method = \"features\"\n"
    ));
    bench
}

/// Runs the batch; what each worker held after each of its tasks, in order.
fn run(bench: &Bench) -> BTreeMap<u64, Vec<After>> {
    let mut command = bench.command(&["-q", "batch.toml"]);
    if std::env::var_os("E2M_SOAK_PICTURES").is_none() {
        command.env("E2M_FAULT_LOG", bench.path("faults"));
    }
    let run = bench.ended(command.output().expect("the program"));
    // All tasks have the same raw files, which is told.
    assert_eq!(run.code, 5, "{}{}", run.err, run.out);
    let mut workers: BTreeMap<u64, Vec<After>> = BTreeMap::new();
    for line in bench.read("out/events.jsonl").lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        if event["event"] != "task_finished" {
            continue;
        }
        let task = event["task"].as_str().expect("a name");
        let manifest = fs::read_dir(bench.path(&format!("out/{task}")))
            .expect("a folder")
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().ends_with(".json"))
            .expect("a manifest");
        let manifest: Value =
            serde_json::from_slice(&fs::read(manifest.path()).expect("reads")).expect("JSON");
        let stages = manifest["stages"].as_array().expect("a list").iter();
        let number = |key: &str| {
            event[key]
                .as_u64()
                .unwrap_or_else(|| panic!("{key}: {line}"))
        };
        workers.entry(number("worker")).or_default().push(After {
            rss_bytes: number("rss_bytes"),
            open_files: number("open_files"),
            cpu_seconds: stages
                .filter_map(|stage| stage["cpu_seconds"].as_f64())
                .sum(),
        });
    }
    assert_eq!(workers.values().map(Vec::len).sum::<usize>(), tasks());
    workers
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn assert_steady(runner: &str, series: &[After]) {
    let (early, last) = (&series[WARM], &series[series.len() - 1]);
    let share = SHARE.min(series.len() / 3);
    let cpu = |part: &[After]| median(part.iter().map(|after| after.cpu_seconds));
    let (at_first, at_last) = (
        cpu(&series[WARM..WARM + share]),
        cpu(&series[series.len() - share..]),
    );
    println!(
        "{runner}: {} tasks; memory {:.1} MB after the tenth, {:.1} MB after the last; files open {} and {}; \
         processor time {at_first:.3} s and {at_last:.3} s",
        series.len(),
        early.rss_bytes as f64 / 1e6,
        last.rss_bytes as f64 / 1e6,
        early.open_files,
        last.open_files,
    );
    let growth = last.rss_bytes as f64 / early.rss_bytes as f64;
    assert!(
        growth < 1.05,
        "{runner}: memory grew by a factor of {growth:.3}"
    );
    assert_eq!(last.open_files, early.open_files, "{runner}");
    // Processor time of like work differs by some tens of per cent with what else the machine does.
    assert!(
        at_last < 1.5 * at_first,
        "{runner}: {at_first} s, then {at_last} s"
    );
}

#[test]
fn five_hundred_tasks_in_one_process() {
    let workers = run(&batch("threads = 1"));
    assert_eq!(workers.len(), 1);
    for series in workers.values() {
        assert_steady("serial", series);
    }
}

#[test]
fn five_hundred_tasks_by_a_pool() {
    let workers = run(&batch("parallel = true\nn_workers = 2\nthreads = 2"));
    assert_eq!(workers.len(), 2);
    for (worker, series) in &workers {
        assert_steady(&format!("worker {worker}"), series);
    }
}
