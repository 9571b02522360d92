//! A folder in which one run works at a time.
//!
//! The lock is the system's (`flock`) on a file in the folder: it ends with the process that holds it, however that dies. Two
//! things make it hold where the system's does not, as on cluster file systems that keep locks to one node or know none:
//!
//! * The holder writes into the file who it is, and counts up in it every few seconds. Whoever finds the record of another
//!   host, or of anybody where there are no locks, watches it: while it counts, that run is alive.
//! * Taking over such a record ends with a pause, after which it must still be one's own.
//!
//! The file stays when the lock is given up. Removing it could leave two runs with locks on two files of the same name.

mod record;

#[cfg(test)]
mod tests;

pub use record::LockOwner;

use crate::fault::{self, Operation};
use crate::section::read_exact_at;
use record::{RECORD_BYTES, Record, is_dead, this_host};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a lock is kept.
#[derive(Debug, Clone, Copy)]
struct Timing {
    /// The holder counts up so often.
    beat: Duration,
    /// A record that has not changed for so long is a dead run's. Several beats, as file systems of clusters show changes
    /// late.
    stale: Duration,
    /// After so long a record that was taken over must still be one's own.
    settle: Duration,
    /// Whether the file system's locks are used.
    system: bool,
}

const TIMING: Timing = Timing {
    beat: Duration::from_secs(10),
    stale: Duration::from_secs(60),
    settle: Duration::from_secs(1),
    system: true,
};

/// A folder cannot be locked.
#[derive(Debug, thiserror::Error)]
#[error("the folder cannot be locked: {}: {source}", path.display())]
pub struct LockError {
    /// The file of the lock.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// The answer to the wish for a lock.
#[derive(Debug)]
pub enum Attempt {
    /// It is ours.
    Held(FolderLock),
    /// Somebody else has it, or may have it.
    Busy(LockOwner),
}

/// Tries to get a lock, again and again where it has to.
#[derive(Debug)]
pub struct LockSeeker {
    path: PathBuf,
    timing: Timing,
    /// The last record seen, and since when it has not changed.
    watched: Option<(Vec<u8>, Instant)>,
}

impl LockSeeker {
    /// For the lock whose file is `path`; its folder has to exist.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            timing: TIMING,
            watched: None,
        }
    }

    /// Tries once. Usually at once; taking over from a dead run on another host takes a second.
    ///
    /// # Errors
    /// What the system says of the file.
    pub fn attempt(&mut self) -> Result<Attempt, LockError> {
        self.try_once().map_err(|source| LockError {
            path: self.path.clone(),
            source,
        })
    }

    fn try_once(&mut self) -> io::Result<Attempt> {
        let file = open(&self.path)?;
        let system = match file.try_lock() {
            _ if !self.timing.system => false,
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => {
                return Ok(Attempt::Busy(Record::read(&file).owner()));
            }
            Err(TryLockError::Error(_)) => false,
        };
        let found = Record::read(&file);
        let of_another_host = found.host().is_some_and(|host| host != this_host());
        let left_alone = found.is_free() || system && !of_another_host;
        if !left_alone && !self.is_stale(&found, &file) {
            return Ok(Attempt::Busy(found.owner()));
        }
        let own = Record::of_this_process();
        let written = own.write(&file, &self.path);
        if !system || !left_alone {
            // Without the system's lock only the record counts.
            written?;
            std::thread::sleep(self.timing.settle);
            let now = Record::read(&file);
            if !now.is_of(&own) {
                return Ok(Attempt::Busy(now.owner()));
            }
        }
        Ok(Attempt::Held(FolderLock::start(file, own, self)))
    }

    /// Whether whoever wrote a record is gone.
    fn is_stale(&mut self, found: &Record, file: &File) -> bool {
        if found.host() == Some(this_host()) && found.process().is_some_and(is_dead) {
            return true;
        }
        let now = bytes(file);
        match &self.watched {
            Some((seen, since)) if *seen == now => since.elapsed() >= self.timing.stale,
            _ => {
                self.watched = Some((now, Instant::now()));
                false
            }
        }
    }
}

/// Gets the lock of the folder in which `path` lies, if nobody else has it; `None` otherwise.
///
/// # Errors
/// As [`LockSeeker::attempt`].
pub fn lock_folder(path: &Path) -> Result<Option<FolderLock>, LockError> {
    match LockSeeker::new(path).attempt()? {
        Attempt::Held(lock) => Ok(Some(lock)),
        Attempt::Busy(_) => Ok(None),
    }
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct FolderLock {
    file: Arc<File>,
    /// Ends the beat.
    end: Option<Sender<()>>,
    beat: Option<JoinHandle<()>>,
}

impl FolderLock {
    fn start(file: File, mut record: Record, seeker: &LockSeeker) -> Self {
        let file = Arc::new(file);
        let (end, ended) = channel();
        let (shown, path, every) = (Arc::clone(&file), seeker.path.clone(), seeker.timing.beat);
        let beat = std::thread::Builder::new()
            .name("lock".into())
            .spawn(move || {
                while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    record.count_up();
                    if let Err(error) = record.write(&shown, &path) {
                        tracing::debug!(path = %path.display(), %error, "the lock does not show that it is held");
                    }
                }
            });
        Self {
            file,
            end: Some(end),
            beat: beat.ok(),
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        self.end = None;
        if let Some(beat) = self.beat.take() {
            // It does nothing that could panic.
            let _ = beat.join();
        }
        // An empty record is nobody's. Where that fails, the record is found to be a dead run's.
        let _ = self.file.set_len(0);
    }
}

fn open(path: &Path) -> io::Result<File> {
    if !path.exists() {
        fault::point(Operation::Create, path)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options.open(path)
}

/// What the file holds.
fn bytes(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; RECORD_BYTES];
    match read_exact_at(file, &mut bytes, 0) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}
