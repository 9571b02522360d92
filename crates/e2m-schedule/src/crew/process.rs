//! A worker process and its group: signals to it, its death, its remains.

use super::Cause;
use super::pipes::Pipes;
use super::spawn;
use crate::{WorkerCommand, WorkerError};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;

/// Signals go only to a process that is not reaped: until then its id and its group's cannot become another's.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: Pid,
    /// Becomes readable when the process dies, where there is such a thing.
    death_notice: Option<OwnedFd>,
}

impl Process {
    /// Starts a worker; see [`spawn`] for the thread that has to do it.
    pub(super) fn start(command: &WorkerCommand) -> io::Result<(Self, Pipes)> {
        let mut child = spawn::spawn(command)?;
        let pipes = Pipes::of(&mut child);
        let pid = Pid::from_child(&child);
        let process = Self {
            child,
            pid,
            death_notice: death_notice(pid),
        };
        match pipes {
            Ok(pipes) => Ok((process, pipes)),
            Err(error) => {
                process.reap();
                Err(error)
            }
        }
    }

    /// For measuring it.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Becomes readable at its death. Where there is none, [`Process::is_dead`] has to be asked now and then.
    pub(super) fn death_notice(&self) -> Option<&OwnedFd> {
        self.death_notice.as_ref()
    }

    /// Tells the whole group.
    pub(super) fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process_group(self.pid, signal) {
            let pid = self.id();
            tracing::debug!(%error, pid, "a worker's group took no signal");
        }
    }

    /// Ends the whole group.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Whether the process is dead; it stays a zombie.
    pub(super) fn is_dead(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(
            waitid(WaitId::Pid(self.pid), options),
            Ok(None) | Err(Errno::INTR)
        )
    }

    /// Ends what is left of the group, and the zombie.
    pub(super) fn reap(mut self) -> Cause {
        self.kill();
        match self.child.wait() {
            Ok(status) => match status.code() {
                Some(code) => Cause::Exited(code),
                None => Cause::Signalled(status.signal().unwrap_or(0)),
            },
            // Somebody else in this process took it: then nobody knows.
            Err(error) => Cause::Fault(WorkerError::Lost {
                reason: error.to_string(),
            }),
        }
    }
}

#[cfg(target_os = "linux")]
fn death_notice(pid: Pid) -> Option<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    // Linux before 5.3 has none.
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn death_notice(_: Pid) -> Option<OwnedFd> {
    None
}
