//! A folder in which one run works at a time.
//!
//! The lock is the system's (`flock`) on a file in the folder. It ends with the process that holds it, however that process
//! dies. On a disk of this machine that is all.
//!
//! A file system that several machines share may keep locks to one machine, or know none. There a lock consists of three things
//! more:
//!
//! * The holder writes a [`LockRecord`] into the file, which says who it is.
//! * A [`Heartbeat`] counts up in the record every few seconds. Whoever finds the record of another machine, or any record where
//!   there are no locks, watches it: while it counts up, its run is alive. How long it stands still is measured by the clock of
//!   the watching process; times of files and of other machines are never compared. A lock whose heartbeat cannot be started is
//!   not held: others would take it over.
//! * Whoever writes a record waits a moment, and holds the lock only if the record is still there.
//!
//! The file stays when the lock is released. Removing it could leave two runs with locks on two files of the same name.

mod heartbeat;
mod record;

#[cfg(test)]
mod tests;

pub use record::LockOwner;

use crate::fault::{self, Operation};
use crate::section::read_exact_at;
use heartbeat::{Heartbeat, SpawnThread, spawn_thread};
use record::{LockRecord, RECORD_BYTES, process_is_dead};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a lock is kept.
#[derive(Debug, Clone, Copy)]
struct LockSettings {
    /// Between two counts of the heartbeat.
    heartbeat: Duration,
    /// How long a record has to stand still before its run is taken for dead. Several heartbeats, as file systems of clusters
    /// show changes late.
    stale_after: Duration,
    /// How long a new record has to stay before the lock is held: longer than it takes from finding the lock free to writing.
    confirm_after: Duration,
    /// Whether the system's locks are used.
    system_lock: bool,
    /// Whether other machines may use the file system; `None` asks the system.
    shared: Option<bool>,
    /// How the heartbeat's thread is started.
    spawn: SpawnThread,
}

const SETTINGS: LockSettings = LockSettings {
    heartbeat: Duration::from_secs(10),
    stale_after: Duration::from_secs(60),
    confirm_after: Duration::from_millis(250),
    system_lock: true,
    shared: None,
    spawn: spawn_thread,
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

/// What came of one attempt to lock a folder.
#[derive(Debug)]
pub enum Attempt {
    /// The lock is held from now on.
    Held(FolderLock),
    /// Somebody else has it, or may have it.
    Busy(LockOwner),
}

/// Tries to get a lock, again and again where it has to.
#[derive(Debug)]
pub struct LockSeeker {
    path: PathBuf,
    settings: LockSettings,
    /// The last record seen, and since when it has not changed.
    watched: Option<(Vec<u8>, Instant)>,
}

impl LockSeeker {
    /// For the lock whose file is `path`; its folder has to exist.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            settings: SETTINGS,
            watched: None,
        }
    }

    /// Tries once: at once, or in a moment on a network.
    ///
    /// # Errors
    /// What the system says of the file, and on a shared file system that no thread could be started for the heartbeat.
    pub fn attempt(&mut self) -> Result<Attempt, LockError> {
        self.try_once().map_err(|source| LockError {
            path: self.path.clone(),
            source,
        })
    }

    fn try_once(&mut self) -> io::Result<Attempt> {
        let file = open(&self.path)?;
        let system = match file.try_lock() {
            _ if !self.settings.system_lock => false,
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => {
                return Ok(Attempt::Busy(LockRecord::read(&file).owner()));
            }
            Err(TryLockError::Error(_)) => false,
        };
        let own = LockRecord::of_this_process();
        if system && !self.is_shared(&file) {
            // The record is only for people here, so a full disk is no reason to give up.
            let _ = own.write(&file, &self.path);
            return Ok(Attempt::Held(FolderLock::new(file, &own)));
        }
        let found = LockRecord::read(&file);
        let left_alone = found.is_free() || system && found.is_of_this_machine();
        if !left_alone && !self.is_stale(&found, &file) {
            return Ok(Attempt::Busy(found.owner()));
        }
        own.write(&file, &self.path)?;
        file.sync_data()?;
        std::thread::sleep(self.settings.confirm_after);
        // A file of a network is read again only if it is opened again.
        let now = LockRecord::read(&open(&self.path)?);
        if !now.has_token(&own.token()) {
            return Ok(Attempt::Busy(now.owner()));
        }
        // When the heartbeat fails, the lock is dropped, which empties the record.
        let mut lock = FolderLock::new(file, &own);
        lock.start_heartbeat(own, self)?;
        Ok(Attempt::Held(lock))
    }

    fn is_shared(&self, file: &File) -> bool {
        self.settings.shared.unwrap_or_else(|| is_on_network(file))
    }

    /// Whether the run that wrote a record is dead.
    fn is_stale(&mut self, found: &LockRecord, file: &File) -> bool {
        if found.is_of_this_machine() && found.process().is_some_and(process_is_dead) {
            return true;
        }
        let now = read_record(file);
        match &self.watched {
            Some((seen, since)) if *seen == now => since.elapsed() >= self.settings.stale_after,
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
    let found = LockRecord::read(&file);
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
    /// Tells its record from those of all other locks.
    token: String,
    /// On a shared file system.
    heartbeat: Option<Heartbeat>,
}

impl FolderLock {
    fn new(file: File, record: &LockRecord) -> Self {
        Self {
            file: Arc::new(file),
            token: record.token(),
            heartbeat: None,
        }
    }

    fn start_heartbeat(&mut self, record: LockRecord, seeker: &LockSeeker) -> io::Result<()> {
        self.heartbeat = Some(Heartbeat::start(
            seeker.settings.spawn,
            Arc::clone(&self.file),
            seeker.path.clone(),
            record,
            seeker.settings.heartbeat,
        )?);
        Ok(())
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // The heartbeat has to end first, or it could write into the emptied file.
        self.heartbeat = None;
        // An empty record belongs to nobody. Where it cannot be emptied, it is found to be a dead run's.
        if LockRecord::read(&self.file).has_token(&self.token) {
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

/// The bytes of the record; none where the file is too short for one.
fn read_record(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; RECORD_BYTES];
    match read_exact_at(file, &mut bytes, 0) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}
