//! The three pipes of a worker process. Reading and writing never block.

use super::stderr_tail::StderrTail;
use rustix::event::{PollFd, PollFlags};
use rustix::io::ioctl_fionbio;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};

/// The most that is read from a pipe in one turn, and in all from a pipe whose process is dead. No pipe holds more than a
/// MiB by default, so nothing is lost.
const TURN_BYTES: usize = 4 << 20;

/// Whether anybody still holds the other end of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PipeState {
    Open,
    Closed,
}

/// The pipes that are open. One whose other end is closed is dropped.
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

    /// Adds what `poll` has to wait for.
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

    /// Queues a line for the worker; [`Pipes::write`] sends it.
    pub(super) fn queue(&mut self, line: Vec<u8>) {
        self.outgoing.extend(line);
    }

    /// Closes the worker's standard input once everything queued is written.
    pub(super) fn close_when_written(&mut self) {
        self.closing = true;
    }

    /// Writes as much of the queued lines as the pipe takes.
    pub(super) fn write(&mut self) -> PipeState {
        while let Some(pipe) = self.stdin.as_mut().filter(|_| !self.outgoing.is_empty()) {
            match pipe.write(self.outgoing.as_slices().0) {
                Ok(written) => {
                    self.outgoing.drain(..written);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return PipeState::Open,
                Err(_) => {
                    self.stdin = None;
                    return PipeState::Closed;
                }
            }
        }
        if self.closing {
            self.stdin = None;
        }
        PipeState::Open
    }

    /// Takes what the worker wrote to its standard output.
    pub(super) fn read(&mut self, take: impl FnMut(&[u8])) -> PipeState {
        read_available(&mut self.stdout, take)
    }

    /// Takes what the worker wrote to its standard error. A worker may close that.
    pub(super) fn read_stderr(&mut self, tail: &mut StderrTail) {
        read_available(&mut self.stderr, |bytes| tail.push(bytes));
    }
}

/// Reads what is there. `Closed` is returned once.
fn read_available(pipe: &mut Option<impl Read>, mut take: impl FnMut(&[u8])) -> PipeState {
    let mut chunk = [0; 16 * 1024];
    let mut turn = 0;
    while let Some(open) = pipe.as_mut().filter(|_| turn < TURN_BYTES) {
        match open.read(&mut chunk) {
            Ok(read) if read > 0 => {
                turn += read;
                take(&chunk[..read]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return PipeState::Open,
            Ok(_) | Err(_) => {
                *pipe = None;
                return PipeState::Closed;
            }
        }
    }
    PipeState::Open
}
