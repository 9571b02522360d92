//! A worker process and its group: starting it, signalling it, noticing its exit, reaping it.

use super::ExitCause;
use super::pipes::Pipes;
use super::spawn;
use crate::{WorkerCommand, WorkerError};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;

/// A worker process that is not reaped yet: until then its id and that of its group cannot become another's, so signals are
/// safe.
#[derive(Debug)]
pub(super) struct WorkerProcess {
    child: Child,
    pid: Pid,
    /// A pidfd, which becomes readable when the process exits; `None` where the system has none.
    exit_fd: Option<OwnedFd>,
}

impl WorkerProcess {
    /// Starts a worker; see [`spawn`] for the thread that has to do it.
    pub(super) fn start(command: &WorkerCommand) -> io::Result<(Self, Pipes)> {
        let mut child = spawn::spawn(command)?;
        let pipes = Pipes::of(&mut child);
        let pid = Pid::from_child(&child);
        let process = Self {
            child,
            pid,
            exit_fd: exit_fd(pid),
        };
        match pipes {
            Ok(pipes) => Ok((process, pipes)),
            Err(error) => {
                process.reap();
                Err(error)
            }
        }
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What becomes readable when the process exits. Where it is `None`, [`WorkerProcess::has_exited`] has to be polled.
    pub(super) fn exit_fd(&self) -> Option<&OwnedFd> {
        self.exit_fd.as_ref()
    }

    /// Sends a signal to the whole group.
    pub(super) fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process_group(self.pid, signal) {
            let pid = self.id();
            tracing::debug!(%error, pid, "a worker's group took no signal");
        }
    }

    /// Kills the whole group.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Whether the process has exited; it stays a zombie until it is reaped.
    pub(super) fn has_exited(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(
            waitid(WaitId::Pid(self.pid), options),
            Ok(None) | Err(Errno::INTR)
        )
    }

    /// Kills what is left of the group, and reaps the process.
    pub(super) fn reap(mut self) -> ExitCause {
        self.kill();
        match self.child.wait() {
            Ok(status) => match status.code() {
                Some(code) => ExitCause::Exited(code),
                None => ExitCause::Signalled(status.signal().unwrap_or(0)),
            },
            // Somebody else in this process reaped it, so the cause is lost.
            Err(error) => ExitCause::Fault(WorkerError::Lost {
                reason: error.to_string(),
            }),
        }
    }
}

#[cfg(target_os = "linux")]
fn exit_fd(pid: Pid) -> Option<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    // Linux before 5.3 has no pidfds.
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn exit_fd(_: Pid) -> Option<OwnedFd> {
    None
}
