//! Standard input and output, reserved for the protocol.

use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, dup2_stdout};
use std::fs::File;
use std::io;

/// Not 0, 1 or 2.
const LOWEST: i32 = 3;

/// The pipes to the scheduler. No process that a task starts inherits them.
#[derive(Debug)]
pub(super) struct Descriptors {
    pub(super) input: File,
    pub(super) output: File,
}

impl Descriptors {
    /// Takes the pipes. Afterwards standard input is empty, and standard output is standard error: a library that prints
    /// cannot break the protocol.
    pub(super) fn take() -> io::Result<Self> {
        let input = File::from(fcntl_dupfd_cloexec(io::stdin(), LOWEST)?);
        let output = File::from(fcntl_dupfd_cloexec(io::stdout(), LOWEST)?);
        dup2_stdin(File::open("/dev/null")?)?;
        dup2_stdout(io::stderr())?;
        Ok(Self { input, output })
    }
}
