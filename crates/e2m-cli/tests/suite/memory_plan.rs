//! What the plan promises, and that it is kept: against the peak that the system measured, and under hard limits.

#![expect(clippy::print_stdout, reason = "figures are worth reading")]

use crate::common::Bench;
use e2m_fixtures::Recipe;
use e2m_image::{Defects, PixelType, Size};
use e2m_io::CheckpointCompression;
use e2m_pipeline::{CheckpointFormats, Manifest, MemoryNeeds};
use std::process::{Command, Output};

const MB: u64 = 1_000_000;
/// Tests with pairs of many megapixels, of which a sample has one.
const LARGE: [&str; 4] = ["8 bit", "16 bit", "an address space", "a cgroup"];

fn is_drawn(name: &str) -> bool {
    e2m_testing::is_drawn("pairs of many megapixels", name, &LARGE, 1)
}

/// What a run may hold besides the raw pre plane, whatever the size and the threads.
const BESIDES_PLANE_BYTES: u64 = 400 * MB;
/// From this side on, px, the plan must not be far above the peak.
const LARGE_PX: usize = 8000;

/// A way to run a pair.
struct Case {
    width: usize,
    height: usize,
    pixels: PixelType,
    formats: CheckpointFormats,
    compression: CheckpointCompression,
    threads: usize,
    pad: usize,
}

impl Case {
    fn bench(&self) -> Bench {
        let recipe = Recipe {
            pixel: self.pixels,
            counts_scale: match self.pixels {
                PixelType::U8 => 1.0,
                PixelType::U16 => 150.0,
                PixelType::F32 => 0.004,
            },
            ..Recipe::shipped("clean").expect("a recipe")
        };
        let bench = Bench::new();
        let size = Size::new(self.width, self.height);
        bench.pair(&recipe.resized(size), "S1", "DAPI");
        bench.batch(&format!(
            "checkpoint_format = {}\ncheckpoint_compression = {}\n[execution]\nthreads = {}\n[params]\npad = {}\n",
            json(self.formats),
            json(self.compression),
            self.threads,
            self.pad
        ));
        bench
    }

    /// The plan, before it runs.
    fn plan(&self) -> u64 {
        let size = Size::new(self.width, self.height);
        let needs = MemoryNeeds {
            post: size,
            pre: size,
            types: [self.pixels; 2],
            pad: self.pad,
            formats: self.formats,
            compression: self.compression,
            differences: 1,
            detects: true,
            decoding_bytes: (self.width * self.pixels.bytes()) as u64,
            threads: self.threads,
        };
        needs.expected().plan_bytes
    }

    fn plane_bytes(&self) -> u64 {
        (self.width * self.height * self.pixels.bytes()) as u64
    }

    fn name(&self) -> String {
        format!(
            "{} x {} px {:?}, {:?} {:?}, {} threads, pad {}",
            self.width,
            self.height,
            self.pixels,
            self.formats,
            self.compression,
            self.threads,
            self.pad
        )
    }

    /// Runs it and holds the plan to its promise.
    fn check(&self) {
        let bench = self.bench();
        let run = bench.run_batch();
        assert_eq!(run.code, 0, "{}: {}", self.name(), run.err);
        let memory = manifest(&bench).memory;
        let (plan, peak) = (memory.plan_bytes, memory.peak_rss_bytes);
        println!(
            "{}: peak {} MB, plan {} MB ({:.2}), besides the plane {} MB",
            self.name(),
            peak / MB,
            plan / MB,
            plan as f64 / peak as f64,
            peak.saturating_sub(self.plane_bytes()) / MB
        );
        assert!(peak > 20 * MB, "{}: {peak} cannot be", self.name());
        assert!(plan >= peak, "{}: {plan} planned, {peak} used", self.name());
        assert!(
            peak <= self.plane_bytes() + BESIDES_PLANE_BYTES,
            "{}: {peak}",
            self.name()
        );
        if self.width.min(self.height) > LARGE_PX {
            // A sensor may be so bad that its defects need this room; that of these pairs is not.
            let defects = 2 * Defects::memory_bytes(Size::new(self.width, self.height));
            assert!(
                (plan - defects) as f64 <= 1.3 * peak as f64,
                "{}: {plan} planned, {peak} used",
                self.name()
            );
        }
    }
}

/// As the batch file has it.
fn json(value: impl serde::Serialize) -> String {
    serde_json::to_string(&value).expect("JSON")
}

fn manifest(bench: &Bench) -> Manifest {
    let folder = bench.path("out/S1/DAPI");
    let found = std::fs::read_dir(&folder)
        .expect("a folder")
        .find_map(|entry| {
            let path = entry.expect("an entry").path();
            path.extension()
                .is_some_and(|e| e == "json")
                .then_some(path)
        });
    Manifest::read(&found.expect("a manifest")).expect("readable")
}

#[test]
fn small_pairs_stay_within_their_plan() {
    for (pixels, formats, compression, threads) in [
        (
            PixelType::U8,
            CheckpointFormats::Tiff,
            CheckpointCompression::None,
            1,
        ),
        (
            PixelType::U16,
            CheckpointFormats::Both,
            CheckpointCompression::Deflate,
            3,
        ),
        (
            PixelType::F32,
            CheckpointFormats::Fits,
            CheckpointCompression::None,
            2,
        ),
    ] {
        Case {
            width: 760,
            height: 610,
            pixels,
            formats,
            compression,
            threads,
            pad: 100,
        }
        .check();
    }
}

#[test]
fn pairs_of_some_size_stay_within_their_plan() {
    let cases = [
        (
            PixelType::U8,
            CheckpointFormats::Both,
            CheckpointCompression::Deflate,
            2,
        ),
        (
            PixelType::U16,
            CheckpointFormats::Tiff,
            CheckpointCompression::None,
            32,
        ),
        (
            PixelType::F32,
            CheckpointFormats::Both,
            CheckpointCompression::None,
            4,
        ),
    ];
    for (pixels, formats, compression, threads) in
        e2m_testing::sample("pairs of some megapixels", cases, 1)
    {
        Case {
            width: 3100,
            height: 2600,
            pixels,
            formats,
            compression,
            threads,
            pad: 400,
        }
        .check();
    }
}

#[test]
fn a_large_pair_of_8_bit_stays_within_its_plan() {
    if !is_drawn("8 bit") {
        return;
    }
    Case {
        width: 10_500,
        height: 9600,
        pixels: PixelType::U8,
        formats: CheckpointFormats::Tiff,
        compression: CheckpointCompression::None,
        threads: 2,
        pad: 2000,
    }
    .check();
}

#[test]
fn a_large_pair_of_16_bit_stays_within_its_plan() {
    if !is_drawn("16 bit") {
        return;
    }
    Case {
        width: 8100,
        height: 8600,
        pixels: PixelType::U16,
        formats: CheckpointFormats::Both,
        compression: CheckpointCompression::Deflate,
        threads: 8,
        pad: 300,
    }
    .check();
}

/// A pair under a hard limit, 8 bit.
fn limited() -> Case {
    Case {
        width: 8200,
        height: 8100,
        pixels: PixelType::U8,
        formats: CheckpointFormats::Tiff,
        compression: CheckpointCompression::None,
        threads: 2,
        pad: 2000,
    }
}

/// Runs the program under `limit`, a line of shell before it.
#[cfg(unix)]
fn run_limited(bench: &Bench, limit: &str) -> Output {
    Command::new("sh")
        .current_dir(bench.path("."))
        .args(["-c", &format!("{limit}\nexec \"$0\" --quiet batch.toml")])
        .arg(env!("CARGO_BIN_EXE_e2m"))
        .output()
        .expect("a shell")
}

/// Address space is more than memory: programs, libraries and the room that allocators and stacks set aside without using it.
#[cfg(target_os = "linux")]
const ADDRESSES_BESIDES_BYTES: u64 = 1200 * MB;

#[cfg(target_os = "linux")]
#[test]
fn a_large_pair_runs_in_an_address_space_that_holds_the_plan() {
    if !is_drawn("an address space") {
        return;
    }
    let case = limited();
    let bench = case.bench();
    let plan = case.plan();
    let limit = plan + ADDRESSES_BESIDES_BYTES;
    let run = bench.ended(run_limited(&bench, &format!("ulimit -v {}", limit / 1024)));
    assert_eq!(run.code, 0, "{}", run.err);
    let memory = manifest(&bench).memory;
    assert_eq!(memory.plan_bytes, plan);
    // The limit is one: with a tenth of the address space nothing runs.
    let run = bench.ended(run_limited(
        &bench,
        &format!("ulimit -v {}; rm -r out", limit / 10 / 1024),
    ));
    assert_ne!(run.code, 0);
}

/// A memory cgroup of this test's own, where the system lets it make one.
#[cfg(target_os = "linux")]
struct Cgroup(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl Cgroup {
    /// One whose processes get `bytes` and no swap.
    fn of(bytes: u64) -> std::io::Result<Self> {
        let name = format!("e2m-test-{}", std::process::id());
        for (root, limit, swap) in [
            (
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.swappiness",
            ),
            ("/sys/fs/cgroup", "memory.max", "memory.swap.max"),
        ] {
            let folder = std::path::Path::new(root).join(&name);
            if std::fs::create_dir(&folder).is_err() {
                continue;
            }
            let group = Self(folder);
            if std::fs::write(group.0.join(limit), bytes.to_string()).is_ok() {
                let _ = std::fs::write(group.0.join(swap), "0");
                return Ok(group);
            }
        }
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[cfg(target_os = "linux")]
impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_pair_runs_in_a_cgroup_of_the_size_of_its_plan() {
    if !is_drawn("a cgroup") {
        return;
    }
    let case = limited();
    // Limits are whole pages.
    let plan = case.plan().next_multiple_of(1 << 20);
    let group =
        e2m_testing::prerequisite("the right to make a memory cgroup", Cgroup::of(plan).ok());
    let Some(group) = group else {
        return;
    };
    let bench = case.bench();
    let enter = format!("echo $$ > {}/cgroup.procs", group.0.display());
    let run = bench.ended(run_limited(&bench, &enter));
    assert_eq!(run.code, 0, "{}", run.err);
}
