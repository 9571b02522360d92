//! Starting a worker process: its own group, three pipes, and a death that follows its parent's.

use crate::WorkerCommand;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// Starts the worker. On Linux it is killed when the *thread* that calls this ends, so that thread has to outlive it.
pub(super) fn spawn(command: &WorkerCommand) -> io::Result<Child> {
    let mut process = Command::new(&command.program);
    process
        .args(&command.args)
        .envs(command.envs.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own: Ctrl-C in a terminal does not reach it, and it can be killed together with what it starts.
        .process_group(0);
    die_with_parent(&mut process);
    process.spawn()
}

#[cfg(target_os = "linux")]
fn die_with_parent(process: &mut Command) {
    use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};
    let parent: Pid = getpid();
    let die_with_it = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the line above; then the signal will never come.
        if getppid() == Some(parent) {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    };
    #[expect(
        unsafe_code,
        reason = "only the child itself can ask to die with its parent"
    )]
    // SAFETY: between fork and exec only async-signal-safe things are allowed; the closure makes two system calls,
    // allocates nothing and takes no lock (an `ErrorKind` is converted without allocating).
    unsafe {
        process.pre_exec(die_with_it);
    }
}

/// Elsewhere the worker notices the end of its standard input.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}
