//! What a cluster costs: the same batch here and as jobs, as many at a time.

use crate::batches::{PAIRS, SIZE, pairs, timed};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Each way is run so often, in turns.
const ROUNDS: usize = 2;

/// Tasks at a time, and the two ways to run them, with one compute thread for each task.
const WAYS: [(usize, &str, &str); 2] = [
    (
        1,
        "parallel = \"subprocess\"\nthreads = 1\n",
        "threads = 1\n[slurm]\nmax_running = 1\n",
    ),
    (
        2,
        "parallel = true\nn_workers = 2\nthreads = 2\n",
        "threads = 1\n[slurm]\nmax_running = 2\n",
    ),
];

pub(crate) fn measure(e2m: &Path, out: &Path) -> Result<String, Box<dyn Error>> {
    let folder = out.join("cluster");
    let _ = fs::remove_dir_all(&folder);
    eprintln!("{PAIRS} pairs of {SIZE} px, {ROUNDS} times here and as often on the cluster");
    pairs(&folder, PAIRS, SIZE)?;
    let mut text = format!(
        "| {PAIRS} pairs of {SIZE} px, pad 200, one compute thread per task | here (s) | on the cluster (s) | more per task (s) | of that, in the task (s) |\n|---|---|---|---|---|\n"
    );
    for (at_a_time, here, there) in WAYS {
        for _ in 0..ROUNDS {
            let clear = || fs::remove_dir_all(folder.join("processed"));
            let _ = clear();
            let local = timed(e2m, &folder, &["--quiet"], here)?;
            let in_tasks = seconds_in_tasks(&folder)?;
            clear()?;
            let started = Instant::now();
            timed(e2m, &folder, &["submit", "--quiet"], there)?;
            while any_job()? {
                sleep(Duration::from_millis(100));
            }
            let on_cluster = started.elapsed().as_secs_f64();
            let share = (at_a_time as f64) / PAIRS as f64;
            text.push_str(&format!(
                "| {at_a_time} at a time | {local:.1} | {on_cluster:.1} | {:.2} | {:.2} |\n",
                (on_cluster - local) * share,
                (seconds_in_tasks(&folder)? - in_tasks) / PAIRS as f64
            ));
        }
    }
    fs::remove_dir_all(&folder)?;
    Ok(text)
}

/// What the tasks took, by themselves.
fn seconds_in_tasks(folder: &Path) -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string(folder.join("processed/e2m_batch.json"))?;
    let batch: serde_json::Value = serde_json::from_str(&text)?;
    let tasks = batch["tasks"].as_array().ok_or("no tasks")?;
    let complete = tasks.iter().filter(|task| task["status"] == "complete");
    let seconds: Vec<f64> = complete
        .filter_map(|task| task["seconds"].as_f64())
        .collect();
    if seconds.len() == PAIRS {
        Ok(seconds.iter().sum())
    } else {
        Err(format!("{} of {PAIRS} tasks are complete", seconds.len()).into())
    }
}

fn any_job() -> Result<bool, Box<dyn Error>> {
    let output = Command::new("squeue").arg("--noheader").output()?;
    if output.status.success() {
        Ok(!output.stdout.trim_ascii().is_empty())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}
