//! A folder in which one run works at a time.
//!
//! The lock is the system's (`flock`) on a file in the folder: it ends with the process that holds it, however that dies. On a disk
//! of this machine that is all. File systems that several machines share may keep locks to one machine, or know none; there,
//! two things more make it hold:
//!
//! * The holder writes into the file who it is, and counts up in it every few seconds. Whoever finds the record of another
//!   machine, or of anybody where there are no locks, watches it: while it counts, that run is alive.
//! * Whoever writes his record waits a moment, and looks whether it is still his own.
//!
//! The file stays when the lock is given up. Removing it could leave two runs with locks on two files of the same name.

mod record;

#[cfg(test)]
mod tests;

pub use record::LockOwner;

use crate::fault::{self, Operation};
use crate::section::read_exact_at;
use record::{RECORD_BYTES, Record, is_dead};
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
    /// After so long a record must still be one's own: longer than it takes from finding that nobody has it to writing.
    settle: Duration,
    /// Whether the file system's locks are used.
    system: bool,
    /// Whether other machines may use the file system; `None` asks it.
    shared: Option<bool>,
}

const TIMING: Timing = Timing {
    beat: Duration::from_secs(10),
    stale: Duration::from_secs(60),
    settle: Duration::from_millis(250),
    system: true,
    shared: None,
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

    /// Tries once: at once, or in a moment on a network.
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
        let own = Record::of_this_process();
        if system && !self.is_shared(&file) {
            // What is written is for people, and a full disk no reason to do nothing.
            let _ = own.write(&file, &self.path);
            return Ok(Attempt::Held(FolderLock {
                file: Arc::new(file),
                own: own.token(),
                end: None,
                beat: None,
            }));
        }
        let found = Record::read(&file);
        let left_alone = found.is_free() || system && found.is_of_this_machine();
        if !left_alone && !self.is_stale(&found, &file) {
            return Ok(Attempt::Busy(found.owner()));
        }
        own.write(&file, &self.path)?;
        file.sync_data()?;
        std::thread::sleep(self.timing.settle);
        // Opened anew, a file of a network is asked for again.
        let now = Record::read(&open(&self.path)?);
        if !now.is_of(&own.token()) {
            return Ok(Attempt::Busy(now.owner()));
        }
        Ok(Attempt::Held(FolderLock::start(file, own, self)))
    }

    fn is_shared(&self, file: &File) -> bool {
        self.timing.shared.unwrap_or_else(|| is_on_network(file))
    }

    /// Whether whoever wrote a record is gone.
    fn is_stale(&mut self, found: &Record, file: &File) -> bool {
        if found.is_of_this_machine() && found.process().is_some_and(is_dead) {
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

/// Whether somebody else works in the folder of a lock, as far as a look tells. Nothing is taken, nothing made.
pub fn is_locked(path: &Path) -> bool {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else {
        return false;
    };
    let found = Record::read(&file);
    match file.try_lock() {
        Ok(()) => is_on_network(&file) && !found.is_free() && !found.is_of_this_machine(),
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(_)) => !found.is_free(),
    }
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct FolderLock {
    file: Arc<File>,
    /// What tells its record from others.
    own: String,
    /// Ends the beat.
    end: Option<Sender<()>>,
    beat: Option<JoinHandle<()>>,
}

impl FolderLock {
    fn start(file: File, mut record: Record, seeker: &LockSeeker) -> Self {
        let file = Arc::new(file);
        let own = record.token();
        let (end, ended) = channel();
        let (shown, path, every) = (Arc::clone(&file), seeker.path.clone(), seeker.timing.beat);
        let beat = std::thread::Builder::new()
            .name("lock".into())
            .spawn(move || {
                while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    // One that stood still for too long has lost it, and must not say that it is its own.
                    if !Record::read(&shown).is_of(&record.token()) {
                        tracing::warn!(path = %path.display(), "another run has taken over the lock of this task");
                        return;
                    }
                    record.count_up();
                    let written = record.write(&shown, &path).and_then(|()| shown.sync_data());
                    if let Err(error) = written {
                        tracing::debug!(path = %path.display(), %error, "the lock does not show that it is held");
                    }
                }
            });
        Self {
            file,
            own,
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
        // An empty record is nobody's. Where it cannot be emptied, it is found to be a dead run's.
        if Record::read(&self.file).is_of(&self.own) {
            let _ = self.file.set_len(0);
        }
    }
}

/// Whether a file or folder lies on a file system that other machines may use as well, as far as its kind tells.
pub fn is_shared_disk(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| is_on_network(&file))
}

/// Whether a file lies on a file system that other machines may use as well.
#[cfg(target_os = "linux")]
fn is_on_network(file: &File) -> bool {
    /// As in the kernel's list of magic numbers: NFS, SMB and CIFS, AFS, Ceph, 9P, FUSE (sshfs, GlusterFS, …), OCFS2, GFS2,
    /// and the clusters' own: Lustre, GPFS, BeeGFS, PanFS.
    const SHARED: [u64; 14] = [
        0x6969,
        0xfe53_4d42,
        0xff53_4d42,
        0x517b,
        0x5346_414f,
        0x00c3_6400,
        0x0102_1997,
        0x6573_5546,
        0x7461_636f,
        0x0116_1970,
        0x0bd0_0bd0,
        0x4750_4653,
        0x1983_0326,
        0xaad7_aaea,
    ];
    // Where the system does not say, caution costs a moment.
    rustix::fs::fstatfs(file).map_or(true, |about| {
        SHARED.contains(&((about.f_type as u64) & 0xffff_ffff))
    })
}

#[cfg(not(target_os = "linux"))]
fn is_on_network(_: &File) -> bool {
    false
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
