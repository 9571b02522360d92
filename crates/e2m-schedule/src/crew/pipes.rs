//! The three pipes of a worker process, none of which is ever waited for.

use super::stderr_tail::StderrTail;
use rustix::event::{PollFd, PollFlags};
use rustix::io::ioctl_fionbio;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};

/// What is read from a pipe in one turn, and in all from one whose process is dead. No pipe holds more than a MiB by
/// default, so nothing is lost.
const TURN_BYTES: usize = 4 << 20;

/// Whether the other end is still held by someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Open,
    Closed,
}

/// See the module. A pipe whose other end is closed is dropped.
#[derive(Debug)]
pub(super) struct Pipes {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    outgoing: VecDeque<u8>,
    closing: bool,
}

impl Pipes {
    /// Takes the pipes of a process.
    pub(super) fn of(child: &mut Child) -> io::Result<Self> {
        let pipes = Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            outgoing: VecDeque::new(),
            closing: false,
        };
        // Only this side's end becomes non-blocking; the worker's stays as it is.
        if let Some(pipe) = &pipes.stdin {
            ioctl_fionbio(pipe, true)?;
        }
        if let Some(pipe) = &pipes.stdout {
            ioctl_fionbio(pipe, true)?;
        }
        if let Some(pipe) = &pipes.stderr {
            ioctl_fionbio(pipe, true)?;
        }
        Ok(pipes)
    }

    /// What to wait for.
    pub(super) fn poll_fds<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        if let Some(pipe) = &self.stdout {
            fds.push(PollFd::new(pipe, PollFlags::IN));
        }
        if let Some(pipe) = &self.stderr {
            fds.push(PollFd::new(pipe, PollFlags::IN));
        }
        if let Some(pipe) = self.stdin.as_ref().filter(|_| !self.outgoing.is_empty()) {
            fds.push(PollFd::new(pipe, PollFlags::OUT));
        }
    }

    /// Adds to what the worker is to be told; [`Pipes::write`] sends it.
    pub(super) fn queue(&mut self, line: Vec<u8>) {
        self.outgoing.extend(line);
    }

    /// Closes the worker's standard input when everything is said.
    pub(super) fn close_when_said(&mut self) {
        self.closing = true;
    }

    /// Sends what the pipe takes.
    pub(super) fn write(&mut self) -> End {
        while let Some(pipe) = self.stdin.as_mut().filter(|_| !self.outgoing.is_empty()) {
            match pipe.write(self.outgoing.as_slices().0) {
                Ok(written) => {
                    self.outgoing.drain(..written);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return End::Open,
                Err(_) => {
                    self.stdin = None;
                    return End::Closed;
                }
            }
        }
        if self.closing {
            self.stdin = None;
        }
        End::Open
    }

    /// Takes what the worker wrote to its standard output.
    pub(super) fn read(&mut self, take: impl FnMut(&[u8])) -> End {
        drain(&mut self.stdout, take)
    }

    /// Takes what the worker wrote to its standard error. Closing that is nobody's business.
    pub(super) fn read_stderr(&mut self, tail: &mut StderrTail) {
        drain(&mut self.stderr, |bytes| tail.push(bytes));
    }
}

/// Reads what is there. `Closed` is said once.
fn drain(pipe: &mut Option<impl Read>, mut take: impl FnMut(&[u8])) -> End {
    let mut chunk = [0; 16 * 1024];
    let mut turn = 0;
    while let Some(open) = pipe.as_mut().filter(|_| turn < TURN_BYTES) {
        match open.read(&mut chunk) {
            Ok(read) if read > 0 => {
                turn += read;
                take(&chunk[..read]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return End::Open,
            Ok(_) | Err(_) => {
                *pipe = None;
                return End::Closed;
            }
        }
    }
    End::Open
}
