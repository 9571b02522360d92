//! The kernel's count of processes it killed for want of memory.

use std::fs;
use std::path::Path;

use super::cgroup::{Version, hierarchies, keyed_number, under};

/// How many processes of this process's control group, and those below it, the kernel killed because memory ran out;
/// none where it does not count. A worker's death by SIGKILL is confirmed when this has grown.
pub fn oom_kills() -> Option<u64> {
    oom_kills_in(Path::new("/"))
}

/// The same, with `root` standing for `/`.
pub fn oom_kills_in(root: &Path) -> Option<u64> {
    hierarchies(root, "memory").into_iter().find_map(|found| {
        let name = match found.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        // A group without a memory controller of its own is counted by the next one above.
        found.groups.iter().find_map(|folder| {
            let text = fs::read_to_string(under(root, &folder.join(name))).ok()?;
            keyed_number(&text, "oom_kill")
        })
    })
}
