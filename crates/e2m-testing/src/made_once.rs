//! Files that many tests need and that take a while to make: made once in a run of the tests, and copied from then on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::samples::hash;

/// Names the folder in which a run of the tests keeps what it has made; it is empty at the beginning. Where it is not set every
/// test makes its own.
pub const FIXTURES: &str = "E2M_TEST_FIXTURES";

/// Puts into `folder` the files that `make` makes in a folder it is given. What has the same `key` is the same.
///
/// Tests are processes of their own: two that need the same at once may both make it, and the first keeps it.
///
/// # Errors
///
/// What `make` says; of the system, where a file cannot be copied.
pub fn made_once<E: From<io::Error>>(
    key: &str,
    folder: &Path,
    make: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let store = std::env::var_os(FIXTURES).map(PathBuf::from);
    made_once_in(store.as_deref(), key, folder, make)
}

fn made_once_in<E: From<io::Error>>(
    store: Option<&Path>,
    key: &str,
    folder: &Path,
    make: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let Some(store) = store else {
        return make(folder);
    };
    let kept = store.join(format!("{:016x}", hash(key)));
    if !kept.is_dir() {
        fs::create_dir_all(store)?;
        let new = store.join(format!("{:016x}.new-{}", hash(key), std::process::id()));
        fs::create_dir_all(&new)?;
        make(&new)?;
        // Whoever comes second finds the place taken by the same files.
        if fs::rename(&new, &kept).is_err() && kept.is_dir() {
            fs::remove_dir_all(&new)?;
        }
    }
    copy(&kept, folder)?;
    Ok(())
}

/// Copies all that is in a folder: tests damage what they are given.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_is_kept_is_made_once_and_given_as_a_copy() {
        let place = std::env::temp_dir().join(format!("e2m-testing-{}", std::process::id()));
        let (store, count) = (place.join("store"), Cell::new(0));
        let get = |key: &str, name: &str| {
            let folder = place.join(name);
            let made = made_once_in::<io::Error>(Some(&store), key, &folder, |folder| {
                count.set(count.get() + 1);
                fs::create_dir_all(folder.join("S1"))?;
                fs::write(folder.join("S1/image"), key)
            });
            made.expect("made");
            folder.join("S1/image")
        };
        let (one, again) = (get("a", "one"), get("a", "again"));
        fs::write(&one, "damaged").expect("written");
        assert_eq!(fs::read_to_string(again).expect("read"), "a");
        assert_eq!(fs::read_to_string(get("a", "third")).expect("read"), "a");
        assert_eq!(count.get(), 1);
        assert_eq!(fs::read_to_string(get("b", "other")).expect("read"), "b");
        assert_eq!(count.get(), 2);
        assert_eq!(fs::read_dir(&store).expect("read").count(), 2);
        fs::remove_dir_all(place).expect("removed");
    }

    #[test]
    fn without_a_place_to_keep_it_everybody_makes_his_own() {
        let folder = Path::new("nowhere");
        let mut given = None;
        let made = made_once_in::<io::Error>(None, "a", folder, |folder| {
            given = Some(folder.to_owned());
            Ok(())
        });
        made.expect("made");
        assert_eq!(given.as_deref(), Some(folder));
    }
}
