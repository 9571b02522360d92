use super::record::{this_host, this_machine};
use super::*;
use std::fs;
use std::process::{Command, Stdio};

/// As on a file system of a cluster, but quicker.
const QUICK: LockSettings = LockSettings {
    heartbeat: Duration::from_millis(20),
    stale_after: Duration::from_millis(400),
    confirm_after: Duration::from_millis(50),
    system_lock: true,
    shared: Some(true),
    spawn: spawn_thread,
};

const WITHOUT_SYSTEM: LockSettings = LockSettings {
    system_lock: false,
    ..QUICK
};

fn seeker(path: &Path, settings: LockSettings) -> LockSeeker {
    LockSeeker {
        settings,
        ..LockSeeker::new(path)
    }
}

fn held(path: &Path, settings: LockSettings) -> Option<FolderLock> {
    match seeker(path, settings).attempt().expect("an answer") {
        Attempt::Held(lock) => Some(lock),
        Attempt::Busy(_) => None,
    }
}

/// Tries until it is held, and tells how long that took.
fn waited(path: &Path, settings: LockSettings) -> (FolderLock, Duration) {
    let (started, mut seeker) = (Instant::now(), seeker(path, settings));
    loop {
        match seeker.attempt().expect("an answer") {
            Attempt::Held(lock) => return (lock, started.elapsed()),
            Attempt::Busy(_) => std::thread::sleep(Duration::from_millis(5)),
        }
        assert!(started.elapsed() < Duration::from_secs(60), "never");
    }
}

/// Puts a record of another process there, as if it were held or had been.
fn leave(path: &Path, host: &str, process: u32) {
    let owner = LockOwner {
        host: host.into(),
        process,
        since: "2026-01-02T03:04:05Z".into(),
    };
    let text = serde_json::json!({
        "host": owner.host, "machine": this_machine(), "process": owner.process, "since": owner.since, "token": "x", "beat": 7,
    });
    fs::write(path, format!("{:<511}\n", text.to_string())).expect("writes");
}

/// The number of a process that has ended.
fn dead_process() -> u32 {
    let mut child = Command::new("true")
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    child.wait().expect("ends");
    child.id()
}

#[test]
fn one_at_a_time_and_the_other_is_told_who() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lock");
    for settings in [SETTINGS, QUICK, WITHOUT_SYSTEM] {
        let lock = held(&path, settings).expect("free");
        match seeker(&path, settings).attempt().expect("an answer") {
            Attempt::Busy(owner) => {
                let message = owner.to_string();
                let expected = format!("process {} on host {}", std::process::id(), this_host());
                assert!(message.starts_with(&expected), "{message}");
            }
            Attempt::Held(_) => panic!("two hold it"),
        }
        drop(lock);
        drop(held(&path, settings).expect("free again"));
        assert_eq!(fs::metadata(&path).expect("it stays").len(), 0);
    }
}

#[test]
fn what_a_dead_process_of_this_host_left_is_taken_at_once() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lock");
    for settings in [SETTINGS, QUICK, WITHOUT_SYSTEM] {
        leave(&path, this_host(), dead_process());
        held(&path, settings).expect("recovered");
    }
    // Nobody else has the system's lock, so whoever it was is gone, even if the number lives.
    for settings in [SETTINGS, QUICK] {
        leave(&path, this_host(), std::process::id());
        held(&path, settings).expect("recovered");
    }
    // On a disk of this machine there is nobody else, whatever is written there.
    leave(&path, "another", 1);
    held(&path, SETTINGS).expect("recovered");
}

#[test]
fn whoever_was_taken_over_leaves_the_new_record_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lock");
    let first = held(&path, WITHOUT_SYSTEM).expect("free");
    leave(&path, "another", 1);
    std::thread::sleep(4 * WITHOUT_SYSTEM.heartbeat);
    drop(first);
    let text = fs::read_to_string(&path).expect("reads");
    assert!(text.contains("another"), "{text}");
}

#[test]
fn a_look_takes_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lock");
    assert!(!is_locked(&path) && !path.exists());
    let lock = held(&path, SETTINGS).expect("free");
    assert!(is_locked(&path));
    drop(lock);
    assert!(!is_locked(&path));
}

#[test]
fn another_host_is_watched_and_taken_for_dead_only_when_it_stands_still() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lock");
    for settings in [QUICK, WITHOUT_SYSTEM] {
        leave(&path, "another", 1);
        assert!(held(&path, settings).is_none(), "it may be alive");
        let (_, took) = waited(&path, settings);
        assert!(took >= settings.stale_after, "{took:?}");
    }
}

#[test]
fn a_holder_that_counts_is_never_taken_for_dead() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lock");
    let _lock = held(&path, WITHOUT_SYSTEM).expect("free");
    let (started, mut other) = (Instant::now(), seeker(&path, WITHOUT_SYSTEM));
    // Several times as long as a record may stand still.
    while started.elapsed() < 4 * WITHOUT_SYSTEM.stale_after {
        assert!(matches!(other.attempt(), Ok(Attempt::Busy(_))));
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A lock that does not count up would be taken over by another machine while its holder works.
#[test]
fn without_a_heartbeat_a_shared_lock_is_refused_and_left_free() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lock");
    let no_threads: SpawnThread = |_| Err(io::Error::from_raw_os_error(11));
    for settings in [QUICK, WITHOUT_SYSTEM] {
        let starved = LockSettings {
            spawn: no_threads,
            ..settings
        };
        let error = seeker(&path, starved).attempt().expect_err("no heartbeat");
        let text = error.to_string();
        assert!(text.contains(&*path.to_string_lossy()), "{text}");
        assert!(text.contains("no thread could be started"), "{text}");
        assert_eq!(fs::metadata(&path).expect("it stays").len(), 0);
        held(&path, settings).expect("free for whoever has a thread");
    }
    // On a disk of this machine a lock needs no heartbeat.
    let own_disk = LockSettings {
        spawn: no_threads,
        shared: Some(false),
        ..QUICK
    };
    held(&path, own_disk).expect("held without a thread");
}

#[test]
fn of_many_who_take_over_one_gets_it() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lock");
    for round in 0..5 {
        leave(&path, this_host(), dead_process());
        let holders: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| held(&path, WITHOUT_SYSTEM)))
                .collect();
            threads
                .into_iter()
                .map(|t| t.join().expect("ends"))
                .collect()
        });
        assert_eq!(holders.iter().flatten().count(), 1, "round {round}");
    }
}

#[test]
fn garbage_is_no_owner() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lock");
    for garbage in [&b"{\"host\":"[..], &[0; 4096], b"x"] {
        fs::write(&path, garbage).expect("writes");
        assert!(
            held(&path, WITHOUT_SYSTEM).is_none(),
            "it may be half-written"
        );
        waited(&path, WITHOUT_SYSTEM);
        fs::write(&path, garbage).expect("writes");
        held(&path, SETTINGS).expect("nobody has the system's lock");
    }
}

#[test]
fn a_link_and_a_missing_folder_are_errors_that_name_the_file() {
    let folder = tempfile::tempdir().expect("folder");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("target"), &link).expect("links");
    for path in [link, folder.path().join("none/lock")] {
        let error = LockSeeker::new(&path).attempt().expect_err("impossible");
        assert!(
            error.to_string().contains(&*path.to_string_lossy()),
            "{error}"
        );
    }
    assert!(!folder.path().join("target").exists());
}
