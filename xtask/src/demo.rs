//! `cargo xtask demo`: from a bare machine to difference images one can look at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{cargo, run, status};
use crate::verb::Verb;
use crate::workspace::Workspace;
use crate::{fixtures, setup};

pub(crate) const VERB: Verb = Verb {
    name: "demo",
    summary: "set up, make three synthetic tasks, build e2m and run it on them",
    help: "Usage: cargo xtask demo [--out DIR]

Does the set-up, writes a demo batch of three tasks, builds the release binary, runs `e2m` on the batch and says where
the results are. Everything goes into DIR (default: demo at the top of the repository); an earlier demo there is
replaced.",
    run: |workspace, args| {
        let out = out_folder(workspace, args)?;
        demo(workspace, &out)
    },
};

/// A small pad keeps the demo quick: its sections are shifted by far less than the default of 2000 px allows for.
const BATCH: &str = r#"# The demo batch. Every key is explained in docs/.
raw_dir = "raw"
output_dir = "processed"
samples = "all"
dyes = "all"

[params]
pad = 200
"#;

const TASKS: usize = 3;

fn out_folder(workspace: &Workspace, args: Vec<std::ffi::OsString>) -> Result<PathBuf> {
    use lexopt::prelude::*;
    let mut out = workspace.root().join("demo");
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("out") => out = PathBuf::from(parser.value()?),
            other => return Err(other.unexpected().into()),
        }
    }
    // Children run elsewhere, so a relative folder is settled here.
    Ok(std::path::absolute(out)?)
}

fn demo(workspace: &Workspace, out: &Path) -> Result<()> {
    setup::build()?;
    clear(out)?;

    println!(
        "\ndemo: making {TASKS} synthetic tasks in {}",
        out.display()
    );
    let raw = out.join("raw");
    fixtures::make(workspace, vec!["demo".into(), "--out".into(), raw.into()])?;
    let batch = out.join("batch.toml");
    fs::write(&batch, BATCH)
        .with_context(|| format!("{} could not be written", batch.display()))?;

    println!(
        "\ndemo: building e2m (the first time takes a few minutes, most of them for the OpenCV binding)"
    );
    run(&mut cargo(
        workspace,
        ["build", "--release", "-p", "e2m-cli"],
    ))?;

    println!("\ndemo: e2m {}", batch.display());
    let start = Instant::now();
    let ended = status(Command::new(workspace.target().join("release/e2m")).arg(&batch))?;
    if !ended.success() {
        bail!(
            "e2m did not complete the demo batch ({}); what it said is above",
            outcome(ended.code())
        );
    }
    let tasks = finished_tasks(&out.join("processed"))?;
    ensure!(
        tasks.len() == TASKS,
        "e2m said that it completed, but left {} difference images for {TASKS} tasks in {}",
        tasks.len(),
        out.display()
    );
    report(out, &tasks, start.elapsed().as_secs_f64());
    Ok(())
}

/// Removes what an earlier demo left, and nothing else: the folder may be any that the user named.
fn clear(out: &Path) -> Result<()> {
    let ours = out.join("batch.toml").is_file();
    let empty = fs::read_dir(out).map_or(true, |mut entries| entries.next().is_none());
    ensure!(
        ours || empty,
        "{} holds something else than an earlier demo; name another folder with --out",
        out.display()
    );
    for folder in ["raw", "processed"].map(|name| out.join(name)) {
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("{} could not be removed", folder.display()))?;
        }
    }
    fs::create_dir_all(out).with_context(|| format!("{} could not be made", out.display()))
}

/// What e2m's exit code means (docs: exit codes).
fn outcome(code: Option<i32>) -> String {
    match code {
        None => "killed by a signal".into(),
        Some(1) => "exit code 1: a task failed".into(),
        Some(2) => "exit code 2: bad arguments or batch file".into(),
        Some(3) => "exit code 3: refused by the preflight check".into(),
        Some(4) => "exit code 4: raw files missing or misnamed".into(),
        Some(5) => "exit code 5: complete, but some results are suspect".into(),
        Some(130) => "exit code 130: interrupted".into(),
        Some(code) => format!("exit code {code}"),
    }
}

/// What one task left for a person to look at.
struct Finished {
    name: String,
    difference: PathBuf,
    picture: Option<PathBuf>,
    manifest: Option<PathBuf>,
}

/// The tasks below `processed/{sample}/{dye}` that have a difference image.
fn finished_tasks(processed: &Path) -> Result<Vec<Finished>> {
    let mut tasks = Vec::new();
    for sample in folders(processed)? {
        for dye in folders(&sample)? {
            let Some(difference) =
                first_file(&dye.join("tiff"), "04_difference_difference", ".tiff")
            else {
                continue;
            };
            let name = dye.strip_prefix(processed).unwrap_or(&dye);
            tasks.push(Finished {
                name: name.display().to_string(),
                difference,
                picture: first_file(&dye.join("pipeline_output"), "difference_image", ".png"),
                manifest: first_file(&dye, "e2m_task", ".json"),
            });
        }
    }
    Ok(tasks)
}

fn folders(parent: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = fs::read_dir(parent)
        .with_context(|| format!("{} could not be read", parent.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    Ok(folders)
}

fn first_file(folder: &Path, start: &str, end: &str) -> Option<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(start) && name.ends_with(end)
        })
        .collect();
    files.sort();
    files.into_iter().next()
}

fn report(out: &Path, tasks: &[Finished], seconds: f64) {
    println!(
        "\nThe demo is done: e2m made {} difference images in {seconds:.1} s.",
        tasks.len()
    );
    println!(
        "Open {} in a browser to see them all, with what to look for.",
        out.join("processed/report.html").display()
    );
    println!("All of it is under {}:", out.display());
    let shown = |path: &Path| path.strip_prefix(out).unwrap_or(path).display().to_string();
    for task in tasks {
        println!("\n  {}", task.name);
        println!("    difference  {}", shown(&task.difference));
        for (label, path) in [("picture", &task.picture), ("manifest", &task.manifest)] {
            if let Some(path) = path {
                println!("    {label:<12}{}", shown(path));
            }
        }
    }
    println!(
        "\nIn each difference the microbes are what is bright; the FITS copies lie in fits/ beside tiff/."
    );
    println!(
        "The whole batch as a table: processed/e2m_batch.csv. The truth they were made from: raw/."
    );
    println!(
        "Change {} and run `e2m` on it again to try things.",
        shown(&out.join("batch.toml"))
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Path) {
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, "").expect("a file");
    }

    #[test]
    fn a_task_counts_by_its_difference_image() {
        let dir = tempfile::tempdir().expect("a folder");
        let processed = dir.path();
        put(&processed.join("S1/DAPI/tiff/04_difference_difference_pad200.tiff"));
        put(&processed.join("S1/DAPI/e2m_task_pad200.json"));
        put(&processed.join("S2/DAPI/tiff/01_padded_pre_pad200.tiff"));
        put(&processed.join("e2m_batch.json"));

        let tasks = finished_tasks(processed).expect("a readable tree");

        assert_eq!(tasks.len(), 1);
        assert_eq!(tasks[0].name, "S1/DAPI");
        assert!(tasks[0].manifest.is_some());
        assert!(tasks[0].picture.is_none());
    }

    #[test]
    fn only_an_earlier_demo_is_cleared() {
        let dir = tempfile::tempdir().expect("a folder");
        put(&dir.path().join("raw/precious.tif"));
        assert!(clear(dir.path()).is_err());
        assert!(dir.path().join("raw/precious.tif").exists());

        put(&dir.path().join("batch.toml"));
        put(&dir.path().join("notes.txt"));
        clear(dir.path()).expect("an earlier demo");
        assert!(!dir.path().join("raw").exists());
        assert!(dir.path().join("notes.txt").exists());
    }

    #[test]
    fn a_relative_folder_is_settled_before_children_run_elsewhere() {
        let workspace = Workspace::here().expect("a workspace");
        let out = out_folder(&workspace, vec!["--out".into(), "x".into()]).expect("a folder");
        assert!(out.is_absolute());
        assert!(out_folder(&workspace, vec!["--outt".into()]).is_err());
    }
}
