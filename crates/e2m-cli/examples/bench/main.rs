//! Runs the program on pairs of growing size and tells what it took: `bench --e2m PROGRAM --out FOLDER [SIZE...]`; with `--batches`
//! runs batches of many tasks instead, with `--cluster` one on the SLURM cluster that SLURM_CONF names, with `--web` looks at the
//! pairs in the web app.
//!
//! Each pair is generated once, run through all four stages with default parameters (`pad = 2000`), compared with the truth,
//! and removed. Right before and after each run as many bytes as it leaves are written one after another with one sync at the
//! end: what the disk takes for that at this moment, on average, is the measure for the time.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own"
)]

mod batches;
mod cluster;
mod plain;
mod table;
mod web;

use e2m_fixtures::{Recipe, Truth, WrittenPair, write_pair};
use e2m_image::Size;
use e2m_pipeline::Manifest;
use serde::Serialize;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The ladder, px of either side, and the size that everyone complains about.
const LADDER: [Size; 3] = [
    Size::new(2000, 2000),
    Size::new(4000, 4000),
    Size::new(8000, 8000),
];
/// The default padding, px per side.
const PAD: usize = 2000;
const FULL: Size = Size::new(30_000, 25_000);

/// What one run took.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) canvas_pixels: u64,
    /// From start to exit of the program.
    pub(crate) wall_seconds: f64,
    pub(crate) stages: Vec<Stage>,
    /// Length of all files it left.
    pub(crate) file_bytes: u64,
    /// What these take on the disk: rows of zeros take nothing.
    pub(crate) disk_bytes: u64,
    /// What writing as many bytes as the files are long took right before and right afterwards.
    pub(crate) plain_write_seconds: [f64; 2],
    pub(crate) peak_rss_bytes: u64,
    pub(crate) plan_bytes: u64,
    pub(crate) rule_bytes: u64,
    pub(crate) error_mean_px: f64,
    pub(crate) error_max_px: f64,
    pub(crate) scale: f64,
    pub(crate) true_scale: f64,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stage {
    pub(crate) stage: u8,
    pub(crate) wall_seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) read_bytes: u64,
    pub(crate) written_bytes: u64,
    pub(crate) peak_rss_bytes: u64,
}

struct Options {
    e2m: PathBuf,
    out: PathBuf,
    sizes: Vec<Size>,
    compression: String,
    batches: bool,
    cluster: bool,
    web: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    fs::create_dir_all(&options.out)?;
    if options.batches {
        println!("{}", batches::measure(&options.e2m, &options.out)?);
        return Ok(());
    }
    if options.cluster {
        println!("{}", cluster::measure(&options.e2m, &options.out)?);
        return Ok(());
    }
    if options.web {
        println!("{}", web::measure(&options)?);
        return Ok(());
    }
    let mut all = Vec::new();
    for size in &options.sizes {
        eprintln!("{size} px");
        all.push(measure(&options, *size)?);
    }
    println!("{}", table::markdown(&all));
    let json = options.out.join("bench.json");
    fs::write(&json, serde_json::to_vec_pretty(&all)?)?;
    eprintln!("the same as JSON: {}", json.display());
    Ok(())
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        e2m: PathBuf::from("e2m"),
        out: PathBuf::from("bench"),
        sizes: Vec::new(),
        compression: "none".into(),
        batches: false,
        cluster: false,
        web: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--e2m" => options.e2m = value()?.into(),
            "--out" => options.out = value()?.into(),
            "--compression" => options.compression = value()?,
            "--batches" => options.batches = true,
            "--cluster" => options.cluster = true,
            "--web" => options.web = true,
            "--full" => options.sizes.extend(LADDER.into_iter().chain([FULL])),
            size => options.sizes.push(parse(size)?),
        }
    }
    if options.sizes.is_empty() {
        options.sizes = LADDER.into();
    }
    Ok(options)
}

/// `8000` or `30000x25000`.
fn parse(text: &str) -> Result<Size, Box<dyn Error>> {
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    let side = |text: &str| {
        text.parse::<usize>()
            .map_err(|_| format!("{text:?} is no size; sizes look like 8000 or 30000x25000"))
    };
    Ok(Size::new(side(width)?, side(height)?))
}

/// Makes a pair, runs the program on it, and removes both.
fn measure(options: &Options, size: Size) -> Result<Measured, Box<dyn Error>> {
    let folder = options.out.join(size.to_string().replace(" x ", "x"));
    let _ = fs::remove_dir_all(&folder);
    let recipe = Recipe::shipped("clean")?.resized(size);
    let pair = write_pair(&recipe, &folder.join("raw"), "bench", "DAPI")?;
    let batch = folder.join("batch.toml");
    fs::write(
        &batch,
        format!(
            "raw_dir = \"raw\"\noutput_dir = \"processed\"\nsamples = \"all\"\ndyes = \"all\"\ncheckpoint_compression = \"{}\"\n",
            options.compression
        ),
    )?;
    let plain = folder.join("plain");
    // Six images of the canvas; the second time as many bytes as it really were.
    let canvas = (size.width + 2 * PAD) * (size.height + 2 * PAD);
    let expected_bytes = (6 * size_of::<f32>() * canvas) as u64;
    let before = plain::write(&plain, expected_bytes)?;
    let started = Instant::now();
    let ended = Command::new(&options.e2m)
        .arg("--quiet")
        .arg(&batch)
        .status()?;
    let wall_seconds = started.elapsed().as_secs_f64();
    if !ended.success() {
        return Err(format!("{} on {size} px: {ended}", options.e2m.display()).into());
    }
    let processed = folder.join("processed");
    let (file_bytes, disk_bytes) = bytes_below(&processed)?;
    let manifest = Manifest::read(&processed.join("bench/DAPI/e2m_task.json"))
        .ok_or("the run left no manifest")?;
    fs::remove_dir_all(&processed)?;
    let after = plain::write(&plain, file_bytes)?;
    let before = before * file_bytes as f64 / expected_bytes as f64;
    let measured = of_manifest(&manifest, &pair, size)?;
    fs::remove_dir_all(&folder)?;
    Ok(Measured {
        wall_seconds,
        file_bytes,
        disk_bytes,
        plain_write_seconds: [before, after],
        ..measured
    })
}

/// What the manifest tells, against the truth.
fn of_manifest(
    manifest: &Manifest,
    pair: &WrittenPair,
    size: Size,
) -> Result<Measured, Box<dyn Error>> {
    let truth = Truth::read(&pair.truth)?;
    let warp = manifest.warps.finest().ok_or("no warp was found")?;
    let error = truth.registration_error(&manifest.canvas.warp_to_raw(&warp));
    let stages = manifest.stages.iter().map(|stage| Stage {
        stage: stage.stage.number(),
        wall_seconds: stage.seconds,
        cpu_seconds: stage.cpu_seconds,
        read_bytes: stage.read_bytes,
        written_bytes: stage.written_bytes,
        peak_rss_bytes: stage.peak_rss_bytes,
    });
    Ok(Measured {
        width: size.width,
        height: size.height,
        canvas_pixels: manifest.canvas.size().pixels(),
        wall_seconds: 0.0,
        stages: stages.collect(),
        file_bytes: 0,
        disk_bytes: 0,
        plain_write_seconds: [0.0; 2],
        peak_rss_bytes: manifest.memory.peak_rss_bytes,
        plan_bytes: manifest.memory.plan_bytes,
        rule_bytes: manifest.memory.rule_bytes,
        error_mean_px: error.mean_px,
        error_max_px: error.max_px,
        scale: manifest
            .scales
            .moffat
            .as_ref()
            .map_or(f64::NAN, |s| s.value),
        true_scale: truth.gain,
    })
}

/// The length of all files below a folder, and what they take on the disk.
fn bytes_below(folder: &Path) -> std::io::Result<(u64, u64)> {
    let (mut length, mut on_disk) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (of_files, of_disk) = if entry.file_type()?.is_dir() {
            bytes_below(&entry.path())?
        } else {
            let metadata = entry.metadata()?;
            (metadata.len(), taken(&metadata))
        };
        length += of_files;
        on_disk += of_disk;
    }
    Ok((length, on_disk))
}

#[cfg(unix)]
fn taken(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    512 * metadata.blocks()
}

#[cfg(not(unix))]
fn taken(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}
