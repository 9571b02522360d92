//! The record in the file of a lock: who holds it, and a number that goes up while that run lives.

use crate::fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Length of the file: a line of JSON, filled up with spaces.
pub(super) const RECORD_BYTES: usize = 512;
/// Longer names of hosts are cut, so that a record has room.
const MAX_HOST_CHARS: usize = 64;

/// Numbers the locks of this process.
static NEXT_TOKEN: AtomicU64 = AtomicU64::new(0);

/// Who holds a lock, as far as can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// The host on which it runs; empty where nobody knows.
    pub host: String,
    /// Its process number; 0 where nobody knows.
    pub process: u32,
    /// Since when, UTC.
    pub since: String,
}

/// `process 4242 on host n1, since 2026-01-02T03:04:05Z`
impl fmt::Display for LockOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.process == 0 {
            return write!(f, "another process");
        }
        let (process, host, since) = (self.process, &self.host, &self.since);
        write!(f, "process {process} on host {host}, since {since}")
    }
}

/// Who holds a lock, with all that tells its record from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HolderRecord {
    #[serde(flatten)]
    owner: LockOwner,
    /// The start of the machine and the space of its process numbers: hosts may share a name.
    #[serde(default)]
    machine: String,
    /// Tells apart the locks of one process, and of two processes with one number.
    token: String,
    beat: u64,
}

/// The content of a lock's file.
#[derive(Debug)]
pub(super) enum LockRecord {
    /// Empty: nobody holds the lock.
    Free,
    /// Not a record: half-written, or something else.
    Unknown,
    /// The record of a holder, alive or dead.
    Held(Box<HolderRecord>),
}

impl LockRecord {
    pub(super) fn read(file: &File) -> Self {
        let bytes = super::read_record(file);
        if bytes.is_empty() {
            return match file.metadata() {
                Ok(about) if about.len() == 0 => Self::Free,
                _ => Self::Unknown,
            };
        }
        match serde_json::from_slice(&bytes) {
            Ok(held) => Self::Held(Box::new(held)),
            Err(_) => Self::Unknown,
        }
    }

    pub(super) fn of_this_process() -> Self {
        let now = Timestamp::now();
        let number = NEXT_TOKEN.fetch_add(1, Ordering::Relaxed);
        let owner = LockOwner {
            host: this_host().to_owned(),
            process: std::process::id(),
            since: format!("{now:.0}"),
        };
        Self::Held(Box::new(HolderRecord {
            token: format!("{}-{}-{number}", now.as_nanosecond(), std::process::id()),
            owner,
            machine: this_machine().to_owned(),
            beat: 0,
        }))
    }

    pub(super) fn is_free(&self) -> bool {
        matches!(self, Self::Free)
    }

    fn held(&self) -> Option<&HolderRecord> {
        match self {
            Self::Held(record) => Some(record),
            Self::Free | Self::Unknown => None,
        }
    }

    /// Whether it was written on this machine since it was started.
    pub(super) fn is_of_this_machine(&self) -> bool {
        self.held()
            .is_some_and(|held| held.owner.host == this_host() && held.machine == this_machine())
    }

    pub(super) fn process(&self) -> Option<u32> {
        self.held().map(|held| held.owner.process)
    }

    pub(super) fn owner(&self) -> LockOwner {
        match self.held() {
            Some(held) => held.owner.clone(),
            None => LockOwner {
                host: String::new(),
                process: 0,
                since: String::new(),
            },
        }
    }

    /// What tells it from the records of all other locks.
    pub(super) fn token(&self) -> String {
        self.held()
            .map(|held| held.token.clone())
            .unwrap_or_default()
    }

    /// Whether it is the record with this token, however far it has counted.
    pub(super) fn has_token(&self, token: &str) -> bool {
        self.held().is_some_and(|held| held.token == token)
    }

    pub(super) fn count_up(&mut self) {
        if let Self::Held(record) = self {
            record.beat += 1;
        }
    }

    /// Puts the record in the place of what the file holds.
    pub(super) fn write(&self, file: &File, path: &Path) -> io::Result<()> {
        let Some(held) = self.held() else {
            return Ok(());
        };
        let mut bytes = serde_json::to_vec(held)?;
        bytes.resize(RECORD_BYTES - 1, b' ');
        bytes.push(b'\n');
        let written = fault::write(path, &bytes, |bytes| write_at_start(file, bytes))?;
        if written < bytes.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        file.set_len(RECORD_BYTES as u64)
    }
}

#[cfg(unix)]
fn write_at_start(file: &File, bytes: &[u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, 0)
}

#[cfg(windows)]
fn write_at_start(file: &File, bytes: &[u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, 0)
}

/// The name of this host.
pub(super) fn this_host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| host_name().chars().take(MAX_HOST_CHARS).collect())
}

/// This start of this machine, and the namespace of its process numbers; empty where the system does not say.
pub(super) fn this_machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let start = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let numbers = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        format!("{} {}", start.trim(), numbers.display())
    })
}

#[cfg(target_os = "linux")]
fn host_name() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

#[cfg(not(target_os = "linux"))]
fn host_name() -> String {
    // Records of one host and of several look alike then; a system with its own locks needs no more.
    "this host".to_owned()
}

/// Whether there is surely no such process on this host. If its number was given to another process since, the record is
/// watched like that of another host.
#[cfg(target_os = "linux")]
pub(super) fn process_is_dead(process: u32) -> bool {
    !Path::new("/proc").join(process.to_string()).exists() && Path::new("/proc/self").exists()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn process_is_dead(_: u32) -> bool {
    false
}
