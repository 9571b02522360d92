//! Counts the points, and fails or dies at the chosen one.
//!
//! The journal is the counter: every point appends a line of fixed length, and the position of that line is its number. Files
//! opened for appending keep this right for several processes at once.

use super::Operation;
use rustix::process::{Pid, Signal, getpid, getppid, kill_process};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write as _};
use std::path::Path;
use std::str::FromStr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Length of a line of the journal: the operation, a space, the path, filled up with spaces, and a line end. Longer paths
/// are cut at their beginning.
pub const RECORD_BYTES: usize = 512;

/// What is to happen, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The number of the point, from 1.
    pub point: u64,
    /// Whether it happens at every later point as well.
    pub and_after: bool,
    /// The number of the system's error with which the operation fails; `None` kills the run.
    pub error: Option<i32>,
}

/// A text that is no [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a fault: {0:?} (expected kill@12, fail@12:ENOSPC or fail@12+:ENOSPC)")]
pub struct FaultError(String);

/// Errors by the names they have in the system's manuals.
const ERRORS: [(&str, i32); 7] = [
    ("ENOENT", 2),
    ("EIO", 5),
    ("EACCES", 13),
    ("ENOSPC", 28),
    ("EROFS", 30),
    ("ESTALE", 116),
    ("EDQUOT", 122),
];

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let wrong = || FaultError(text.to_owned());
        let (what, place) = text.split_once('@').ok_or_else(wrong)?;
        let (place, error) = match (what, place.split_once(':')) {
            ("kill", None) => (place, None),
            ("fail", Some((place, name))) => {
                let known = ERRORS.iter().find(|(known, _)| *known == name);
                (place, Some(known.ok_or_else(wrong)?.1))
            }
            _ => return Err(wrong()),
        };
        let number = place.strip_suffix('+');
        Ok(Self {
            point: number.unwrap_or(place).parse().map_err(|_| wrong())?,
            and_after: number.is_some(),
            error,
        })
    }
}

struct Armed {
    journal: Mutex<File>,
    fault: Option<Fault>,
    /// Whether the process is part of a run that another one leads, which dies as well.
    with_parent: bool,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// From now on points are counted in `journal`, and `fault` happens. Only the first call in a process counts.
///
/// # Errors
/// A journal that cannot be opened.
pub fn arm(journal: &Path, fault: Option<Fault>, with_parent: bool) -> io::Result<()> {
    let file = OpenOptions::new().create(true).append(true).open(journal)?;
    let _ = ARMED.set(Armed {
        journal: Mutex::new(file),
        fault,
        with_parent,
    });
    Ok(())
}

/// Whether points are counted in this process.
pub fn is_armed() -> bool {
    ARMED.get().is_some()
}

pub(crate) fn point(operation: Operation, path: &Path) -> io::Result<()> {
    match reached(operation, path)? {
        None => Ok(()),
        Some(armed) => armed.die(),
    }
}

pub(crate) fn write(
    path: &Path,
    bytes: &[u8],
    write: impl FnOnce(&[u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    match reached(Operation::Write, path)? {
        None => write(bytes),
        Some(armed) => {
            let _ = write(&bytes[..bytes.len() / 2]);
            armed.die()
        }
    }
}

/// Counts; answers when it is time to die.
fn reached(operation: Operation, path: &Path) -> io::Result<Option<&'static Armed>> {
    let Some(armed) = ARMED.get() else {
        return Ok(None);
    };
    let number = armed.count(operation, path)?;
    let is_it = |fault: &Fault| number == fault.point || fault.and_after && number > fault.point;
    match armed.fault.filter(is_it).map(|fault| fault.error) {
        None => Ok(None),
        Some(Some(error)) => Err(io::Error::from_raw_os_error(error)),
        Some(None) => Ok(Some(armed)),
    }
}

impl Armed {
    fn count(&self, operation: Operation, path: &Path) -> io::Result<u64> {
        let path = path.to_string_lossy();
        let text = format!("{operation:?} ");
        let mut start = path.len().saturating_sub(RECORD_BYTES - 1 - text.len());
        while !path.is_char_boundary(start) {
            start += 1;
        }
        let end = path.get(start..).unwrap_or_default();
        let mut record = format!("{text}{end}").into_bytes();
        record.resize(RECORD_BYTES - 1, b' ');
        record.push(b'\n');
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.write_all(&record)?;
        Ok(journal.stream_position()? / RECORD_BYTES as u64)
    }

    /// Ends the whole run as if the power had gone, but for what the system holds.
    fn die(&self) -> ! {
        let kill = |pid: Option<Pid>| pid.map(|pid| kill_process(pid, Signal::KILL));
        if self.with_parent {
            kill(getppid());
        }
        kill(Some(getpid()));
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read() {
        let fault = |point, and_after, error| Fault {
            point,
            and_after,
            error,
        };
        assert_eq!("kill@12".parse(), Ok(fault(12, false, None)));
        assert_eq!("fail@3:ENOSPC".parse(), Ok(fault(3, false, Some(28))));
        assert_eq!("fail@3+:EDQUOT".parse(), Ok(fault(3, true, Some(122))));
        for wrong in [
            "",
            "kill",
            "kill@",
            "kill@x",
            "fail@3",
            "fail@3:NO",
            "die@3",
        ] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}
