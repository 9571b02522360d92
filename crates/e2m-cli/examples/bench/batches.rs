//! Batches of many tasks: what a pool gains, what a finished batch costs, and how long the look at many takes.

use e2m_fixtures::{Recipe, write_pair};
use e2m_image::Size;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Pairs of the batch that every runner runs.
pub(crate) const PAIRS: usize = 12;
pub(crate) const SIZE: Size = Size::new(1500, 1500);
/// Tasks of the batch that is run again when it is finished.
const FINISHED: usize = 100;
const SMALL: Size = Size::new(300, 260);
/// Tasks that are only looked at.
const MANY: usize = 10_000;
/// Each way is run so often, in turns.
const ROUNDS: usize = 2;

/// A runner, as a table calls it and as the batch file does. One compute thread for each task.
const RUNNERS: [(&str, &str); 4] = [
    ("serial", "parallel = false\nthreads = 1\n"),
    (
        "pool of 2 threads",
        "parallel = true\nuse_threads = true\nn_workers = 2\nthreads = 2\n",
    ),
    (
        "pool of 2 processes",
        "parallel = true\nn_workers = 2\nthreads = 2\n",
    ),
    ("subprocess", "parallel = \"subprocess\"\nthreads = 1\n"),
];

/// Measures all three and answers with tables.
pub(crate) fn measure(e2m: &Path, out: &Path) -> Result<String, Box<dyn Error>> {
    let folder = out.join("batches");
    let _ = fs::remove_dir_all(&folder);
    let text = [
        runners(e2m, &folder.join("runners"))?,
        finished(e2m, &folder.join("finished"))?,
        many(e2m, &folder.join("many"))?,
    ];
    fs::remove_dir_all(&folder)?;
    Ok(text.join("\n"))
}

pub(crate) fn pairs(folder: &Path, count: usize, size: Size) -> Result<(), Box<dyn Error>> {
    for index in 0..count {
        let mut recipe = Recipe::shipped("clean")?.resized(size);
        recipe.seed = index as u64 + 1;
        write_pair(
            &recipe,
            &folder.join("raw"),
            &format!("S{index:05}"),
            "DAPI",
        )?;
    }
    Ok(())
}

/// Runs e2m in a folder with this `[execution]`, and answers with the seconds.
pub(crate) fn timed(
    e2m: &Path,
    folder: &Path,
    arguments: &[&str],
    execution: &str,
) -> Result<f64, Box<dyn Error>> {
    let batch = folder.join("batch.toml");
    fs::write(
        &batch,
        format!(
            "raw_dir = \"raw\"\noutput_dir = \"processed\"\nsamples = \"all\"\ndyes = \"all\"\n[execution]\n{execution}\n[params]\npad = 200\n"
        ),
    )?;
    let started = Instant::now();
    let ended = Command::new(e2m)
        .args(arguments)
        .arg(&batch)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let seconds = started.elapsed().as_secs_f64();
    // The smallest images are suspect, and the disk may not have room for all, which is no matter here.
    match ended.code() {
        Some(0 | 3 | 5) => Ok(seconds),
        _ => Err(format!("{} in {}: {ended}", e2m.display(), folder.display()).into()),
    }
}

fn runners(e2m: &Path, folder: &Path) -> Result<String, Box<dyn Error>> {
    eprintln!("{PAIRS} pairs of {SIZE} px, {ROUNDS} times with each runner");
    pairs(folder, PAIRS, SIZE)?;
    let mut seconds = vec![Vec::new(); RUNNERS.len()];
    for _ in 0..ROUNDS {
        for (runner, seconds) in RUNNERS.iter().zip(&mut seconds) {
            let _ = fs::remove_dir_all(folder.join("processed"));
            seconds.push(timed(e2m, folder, &["--quiet"], runner.1)?);
        }
    }
    let mut text = format!(
        "| {PAIRS} pairs of {SIZE} px, pad 200, one compute thread per task | wall (s) | against serial |\n|---|---|---|\n"
    );
    let best = |seconds: &[f64]| seconds.iter().copied().fold(f64::INFINITY, f64::min);
    for (runner, times) in RUNNERS.iter().zip(&seconds) {
        let shown: Vec<String> = times.iter().map(|s| format!("{s:.1}")).collect();
        text.push_str(&format!(
            "| {} | {} | {:.2} |\n",
            runner.0,
            shown.join(", "),
            best(&seconds[0]) / best(times)
        ));
    }
    Ok(text)
}

fn finished(e2m: &Path, folder: &Path) -> Result<String, Box<dyn Error>> {
    eprintln!("{FINISHED} finished tasks");
    pairs(folder, FINISHED, SMALL)?;
    let execution = RUNNERS[2].1;
    timed(e2m, folder, &["--quiet"], execution)?;
    let mut text = format!("| {FINISHED} finished tasks | wall (s) |\n|---|---|\n");
    for (name, arguments) in [
        ("run again", &["--quiet"][..]),
        ("`e2m status`", &["status"]),
        ("`e2m check`", &["check"]),
    ] {
        let times: Result<Vec<String>, _> = (0..ROUNDS)
            .map(|_| timed(e2m, folder, arguments, execution).map(|s| format!("{s:.2}")))
            .collect();
        text.push_str(&format!("| {name} | {} |\n", times?.join(", ")));
    }
    Ok(text)
}

/// Many pairs: one is made, the others are copies.
fn many(e2m: &Path, folder: &Path) -> Result<String, Box<dyn Error>> {
    eprintln!("{MANY} tasks to look at");
    pairs(folder, 1, Size::new(64, 64))?;
    let first = folder.join("raw/S00000");
    let names: Vec<_> = fs::read_dir(&first)?.collect::<Result<Vec<_>, _>>()?;
    let tiffs = names.iter().filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.ends_with(".tif")
    });
    let tiffs: Vec<(String, Vec<u8>)> = tiffs
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, fs::read(entry.path())?))
        })
        .collect::<std::io::Result<_>>()?;
    for index in 1..MANY {
        let sample = format!("S{index:05}");
        let to = folder.join("raw").join(&sample);
        fs::create_dir_all(&to)?;
        for (name, bytes) in &tiffs {
            fs::write(to.join(name.replace("S00000", &sample)), bytes)?;
        }
    }
    let times: Result<Vec<String>, _> = (0..ROUNDS)
        .map(|_| timed(e2m, folder, &["check"], RUNNERS[0].1).map(|s| format!("{s:.2}")))
        .collect();
    Ok(format!(
        "| {MANY} pairs | wall (s) |\n|---|---|\n| `e2m check` (found, headers read, preflight, table) | {} |\n",
        times?.join(", ")
    ))
}
