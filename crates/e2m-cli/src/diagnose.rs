//! `e2m diagnose`: the machine as e2m sees it, and what it can run.

use crate::args::DiagnoseArgs;
use crate::exit::Exit;
use crate::human;
use crate::machine;
use crate::table::Table;
use crate::terminal::Terminal;
use e2m_image::{PixelType, Size};
use e2m_pipeline::{CheckpointFormats, MemoryNeeds};
use e2m_resources::{Disk, Machine, disk_speed, threads_per_worker};

/// Tasks that are more than any machine runs at a time.
const MANY: usize = 4096;
/// What decoding a compressed strip or tile holds, about.
const DECODING_BYTES: u64 = 8 << 20;

/// The variables that say something about the machine.
const VARIABLES: [(&str, &str); 8] = [
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

/// Prints the machine, and what it is good for.
pub(crate) fn diagnose(args: &DiagnoseArgs, terminal: &Terminal) -> Exit {
    let machine = machine::detect();
    let mut text = vec![memory(&machine), processors(&machine)];
    let mut exit = Exit::Complete;
    match disk(args) {
        Ok(disk) => text.push(disk),
        Err(error) => {
            text.push(format!("Disk\n  {error}"));
            exit = Exit::BadInput;
        }
    }
    text.push(workers(args, &machine));
    text.push(variables());
    terminal.result(&text.join("\n\n"));
    for note in machine.notes() {
        terminal.warn(&note.to_string());
    }
    exit
}

fn memory(machine: &Machine) -> String {
    let binding = machine.available_memory();
    let mut table = Table::new(&["  limit", "size", "available", ""]);
    for limit in machine.memory_limits() {
        let mark = if limit == binding {
            "<- this one counts"
        } else {
            ""
        };
        table.row([
            format!("  {limit}"),
            human::bytes(limit.total_bytes),
            human::bytes(limit.available_bytes),
            mark.to_owned(),
        ]);
    }
    format!("Memory\n{table}")
}

fn processors(machine: &Machine) -> String {
    let binding = machine.binding_cpus();
    let mut table = Table::new(&["  limit", "processors", ""]);
    for limit in machine.cpu_limits() {
        let mark = if limit == binding {
            "<- this one counts"
        } else {
            ""
        };
        table.row([
            format!("  {limit}"),
            limit.cpus.to_string(),
            mark.to_owned(),
        ]);
    }
    format!("Processors\n{table}")
}

fn disk(args: &DiagnoseArgs) -> Result<String, String> {
    let disk = Disk::of(&args.dir).map_err(|error| error.to_string())?;
    let measured = (!args.no_disk).then(|| disk_speed(&disk.existing));
    let speed = match measured {
        None => String::new(),
        Some(Ok(speed)) => format!(
            "\n  writes {}/s ({} and a sync at the end)",
            human::bytes(speed.bytes_per_second() as u64),
            human::bytes(speed.written_bytes)
        ),
        Some(Err(error)) => format!("\n  how fast it writes is unknown: {error}"),
    };
    Ok(format!(
        "Disk of {}\n  {} free of {}{speed}",
        disk.existing.display(),
        human::bytes(disk.free_bytes),
        human::bytes(disk.total_bytes)
    ))
}

/// How many tasks with such images run at a time, and what one takes.
fn workers(args: &DiagnoseArgs, machine: &Machine) -> String {
    let size = Size::new(args.image.0, args.image.1);
    let mut table = Table::new(&["  images", "memory of a task", "tasks at a time", "because"]);
    for (name, pixels) in [
        ("8 bit", PixelType::U8),
        ("16 bit", PixelType::U16),
        ("float", PixelType::F32),
    ] {
        let plan = |threads| {
            let needs = MemoryNeeds {
                post: size,
                pre: size,
                types: [pixels; 2],
                pad: args.pad,
                formats: CheckpointFormats::Tiff,
                compression: e2m_io::CheckpointCompression::None,
                differences: 1,
                decoding_bytes: DECODING_BYTES,
                threads,
            };
            needs.expected().plan_bytes
        };
        let largest = vec![plan(machine.cpus()); machine.cpus().min(MANY)];
        let workers = machine.workers(MANY, &largest);
        let each = plan(threads_per_worker(machine.cpus(), workers.count, 0));
        table.row([
            format!("  {name}"),
            human::bytes(each),
            workers.count.to_string(),
            workers.because.to_string(),
        ]);
    }
    format!(
        "Tasks of {size} px with pad = {}, by parallel = true and n_workers = \"auto\"\n{table}",
        args.pad
    )
}

fn variables() -> String {
    let set = machine::variables();
    let mut table = Table::new(&["  variable", "value", "meaning"]);
    for (name, meaning) in VARIABLES {
        let value = set.get(name).unwrap_or("not set");
        table.row([format!("  {name}"), value.to_owned(), meaning.to_owned()]);
    }
    format!("Variables\n{table}")
}
