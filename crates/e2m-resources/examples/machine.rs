//! What this machine has for e2m, and where each limit comes from: `cargo run -p e2m-resources --example machine -- [FOLDER]`.
//!
//! With a folder, its disk is shown as well, and 256 MiB are written there to see how fast it is.
#![expect(clippy::print_stdout, reason = "an example talks to the terminal")]

use std::error::Error;
use std::path::Path;

use e2m_resources::{Bytes, Disk, Machine, Variables, disk_speed, oom_kills};

fn main() -> Result<(), Box<dyn Error>> {
    let machine = Machine::detect(&Variables::new(std::env::vars()));
    for limit in machine.memory_limits() {
        println!("{} available of the {limit}", Bytes(limit.available_bytes));
    }
    for limit in machine.cpu_limits() {
        println!("{limit}");
    }
    for note in machine.notes() {
        println!("note: {note}");
    }
    let memory = machine.available_memory();
    println!("memory is bound by the {memory}");
    println!("processors are bound by: {}", machine.binding_cpus());
    println!("killed for want of memory so far: {:?}", oom_kills());
    if let Some(folder) = std::env::args().nth(1) {
        let disk = Disk::of(Path::new(&folder))?;
        let speed = disk_speed(&disk.existing)?;
        println!(
            "{} of {} free at {}, written at {} per second",
            Bytes(disk.free_bytes),
            Bytes(disk.total_bytes),
            disk.existing.display(),
            Bytes(speed.bytes_per_second() as u64)
        );
    }
    Ok(())
}
