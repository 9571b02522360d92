//! `e2m diagnose`: the machine as e2m sees it, and what it can run.

use crate::args::DiagnoseArgs;
use crate::exit::Exit;
use crate::table::Table;
use crate::terminal::Terminal;
use e2m_batch::diagnose::{Capacity, Diagnosis, VARIABLES, diagnose};
use e2m_batch::{Environment, human};
use e2m_image::{PixelType, Size};
use e2m_resources::Machine;
use serde_json::{Map, Value, json};

/// Prints the machine, and what it is good for.
pub(crate) fn show(args: &DiagnoseArgs, environment: &Environment, terminal: &Terminal) -> Exit {
    let size = Size::new(args.image.0, args.image.1);
    let diagnosis = diagnose(environment, size, args.pad, (&args.dir, !args.no_disk));
    let machine = &diagnosis.machine;
    if args.json {
        terminal.result(&document(size, args.pad, &diagnosis, environment).to_string());
    } else {
        let parts = [
            memory(machine),
            processors(machine),
            disk(&diagnosis),
            capacity(size, args.pad, &diagnosis.capacity),
            variables(environment),
        ];
        terminal.result(&parts.join("\n\n"));
    }
    for note in machine.notes() {
        terminal.warn(&note.to_string());
    }
    match diagnosis.disk {
        Ok(_) => Exit::Complete,
        Err(_) => Exit::BadInput,
    }
}

/// The same for other programs.
fn document(size: Size, pad: usize, diagnosis: &Diagnosis, environment: &Environment) -> Value {
    let machine = &diagnosis.machine;
    let (memory, cpus) = (machine.available_memory(), machine.binding_cpus());
    let limits = machine.memory_limits().iter().map(|limit| {
        json!({
            "limit": limit.to_string(),
            "total_bytes": limit.total_bytes,
            "available_bytes": limit.available_bytes,
            "counts": limit == memory,
        })
    });
    let processors = machine.cpu_limits().iter().map(
        |limit| json!({"limit": limit.to_string(), "cpus": limit.cpus, "counts": limit == cpus}),
    );
    let disk = match &diagnosis.disk {
        Ok((disk, measured)) => {
            let speed = measured.as_ref().and_then(|speed| speed.as_ref().ok());
            json!({
                "folder": disk.existing,
                "free_bytes": disk.free_bytes,
                "total_bytes": disk.total_bytes,
                "written_bytes_per_second": speed.map(|speed| speed.bytes_per_second() as u64),
            })
        }
        Err(error) => json!({"error": error.to_string()}),
    };
    let kinds = diagnosis.capacity.iter().map(|kind| {
        json!({
            "pixels": kind.pixels,
            "task_bytes": kind.task_bytes,
            "tasks_at_a_time": kind.workers,
            "because": kind.because,
        })
    });
    let set = environment.variables();
    let variables = VARIABLES
        .iter()
        .map(|(name, _)| ((*name).to_owned(), json!(set.get(name))));
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "memory": limits.collect::<Vec<_>>(),
        "processors": processors.collect::<Vec<_>>(),
        "disk": disk,
        "image_px": [size.width, size.height],
        "pad": pad,
        "capacity": kinds.collect::<Vec<_>>(),
        "variables": variables.collect::<Map<_, _>>(),
        "notes": machine.notes().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
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

fn disk(diagnosis: &Diagnosis) -> String {
    let (disk, measured) = match &diagnosis.disk {
        Ok(disk) => disk,
        Err(error) => return format!("Disk\n  {error}"),
    };
    let speed = match measured {
        None => String::new(),
        Some(Ok(speed)) => format!(
            "\n  writes {}/s ({} and a sync at the end)",
            human::bytes(speed.bytes_per_second() as u64),
            human::bytes(speed.written_bytes)
        ),
        Some(Err(error)) => format!("\n  how fast it writes is unknown: {error}"),
    };
    format!(
        "Disk of {}\n  {} free of {}{speed}",
        disk.existing.display(),
        human::bytes(disk.free_bytes),
        human::bytes(disk.total_bytes)
    )
}

/// How many tasks with such images run at a time, and what one takes.
fn capacity(size: Size, pad: usize, kinds: &[Capacity]) -> String {
    let mut table = Table::new(&["  images", "memory of a task", "tasks at a time", "because"]);
    for kind in kinds {
        let name = match kind.pixels {
            PixelType::U8 => "8 bit",
            PixelType::U16 => "16 bit",
            PixelType::F32 => "float",
        };
        table.row([
            format!("  {name}"),
            human::bytes(kind.task_bytes),
            kind.workers.to_string(),
            kind.because.clone(),
        ]);
    }
    format!(
        "Tasks of {size} px with pad = {pad}, by parallel = true and n_workers = \"auto\"\n{table}"
    )
}

fn variables(environment: &Environment) -> String {
    let set = environment.variables();
    let mut table = Table::new(&["  variable", "value", "meaning"]);
    for (name, meaning) in VARIABLES {
        let value = set.get(name).unwrap_or("not set");
        table.row([format!("  {name}"), value.to_owned(), meaning.to_owned()]);
    }
    format!("Variables\n{table}")
}
