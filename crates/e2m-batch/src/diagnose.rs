//! The machine as e2m sees it, and what it can run.

use crate::environment::Environment;
use e2m_image::{PixelType, Size};
use e2m_pipeline::{CheckpointFormats, MemoryNeeds};
use e2m_resources::{Disk, DiskError, DiskSpeed, Machine, disk_speed, threads_per_worker};
use std::io;
use std::path::Path;

/// Tasks that are more than any machine runs at a time.
const MANY: usize = 4096;
/// What decoding a compressed strip or tile holds, about.
const DECODING_BYTES: u64 = 8 << 20;

/// The variables that say something about the machine, and what they say.
pub const VARIABLES: [(&str, &str); 8] = [
    ("E2M_MEMORY", "memory that e2m may use, such as 8GB"),
    ("E2M_CPUS", "processors that it may use"),
    (
        "E2M_MAX_WORKERS",
        "tasks at a time with n_workers = \"auto\", at most",
    ),
    ("SLURM_MEM_PER_NODE", "memory of the job, MB"),
    ("SLURM_MEM_PER_CPU", "memory of the job per processor, MB"),
    ("SLURM_CPUS_PER_TASK", "processors of the job"),
    ("SLURM_CPUS_ON_NODE", "processors of the job on this node"),
    ("E2M_LOG", "what is logged, such as e2m_align=debug"),
];

/// The machine, and what it is good for.
#[derive(Debug)]
pub struct Diagnosis {
    /// Limits of memory and processors.
    pub machine: Machine,
    /// The disk, and how fast it was found to be, where that was measured.
    pub disk: Result<(Disk, Option<io::Result<DiskSpeed>>), DiskError>,
    /// For each type of pixels how many tasks run at a time.
    pub capacity: Vec<Capacity>,
}

/// How many tasks with images of one kind run at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// The kind.
    pub pixels: PixelType,
    /// What one task takes at most, bytes.
    pub task_bytes: u64,
    /// Tasks at a time.
    pub workers: usize,
    /// Why so many.
    pub because: String,
}

/// Describes the machine, for images of `size` with so much padding, px. Measures the disk of `folder` if it is to.
pub fn diagnose(
    environment: &Environment,
    size: Size,
    pad: usize,
    (folder, measure_disk): (&Path, bool),
) -> Diagnosis {
    let machine = environment.machine();
    let disk = Disk::of(folder).map(|disk| {
        let speed = measure_disk.then(|| disk_speed(&disk.existing));
        (disk, speed)
    });
    let kinds = [PixelType::U8, PixelType::U16, PixelType::F32];
    let capacity = kinds.map(|pixels| capacity(&machine, size, pad, pixels));
    Diagnosis {
        capacity: capacity.into(),
        machine,
        disk,
    }
}

fn capacity(machine: &Machine, size: Size, pad: usize, pixels: PixelType) -> Capacity {
    let plan = |threads| {
        let needs = MemoryNeeds {
            post: size,
            pre: size,
            types: [pixels; 2],
            pad,
            formats: CheckpointFormats::Tiff,
            compression: e2m_io::CheckpointCompression::None,
            differences: 1,
            detects: true,
            decoding_bytes: DECODING_BYTES,
            threads,
        };
        needs.expected().plan_bytes
    };
    let largest = vec![plan(machine.cpus()); machine.cpus().min(MANY)];
    let workers = machine.workers(MANY, &largest);
    Capacity {
        pixels,
        task_bytes: plan(threads_per_worker(machine.cpus(), workers.count, 0)),
        workers: workers.count,
        because: workers.because.to_string(),
    }
}
