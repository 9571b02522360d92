//! Where the control groups of this process lie, of version 1, 2 and both side by side (hybrid).
//!
//! `/proc/self/cgroup` names the group within each hierarchy. `/proc/self/mountinfo` says where the hierarchy is mounted and
//! from which group on. In a container the mount often begins at the container's own group.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Version of a hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// The groups that bind this process in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) version: Version,
    /// Folders from the process's own group up to the root of the mount, as they are named on the system (`/sys/fs/…`).
    pub(super) groups: Vec<PathBuf>,
}

/// The file as it lies under `root`, which stands for `/`.
pub(super) fn under(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The hierarchies that carry `controller` (`memory`, `cpu`): version 1 first, then version 2 if it is mounted.
pub(super) fn hierarchies(root: &Path, controller: &str) -> Vec<Hierarchy> {
    let read = |path: &str| fs::read_to_string(under(root, Path::new(path))).unwrap_or_default();
    let memberships = read("/proc/self/cgroup");
    let mounts: Vec<Mount> = read("/proc/self/mountinfo")
        .lines()
        .filter_map(Mount::parse)
        .collect();
    [Version::V1, Version::V2]
        .into_iter()
        .filter_map(|version| {
            let own = own_group(&memberships, version, controller)?;
            let mount = best_mount(&mounts, version, controller, &own)?;
            let groups = mount.groups(root, &own);
            Some(Hierarchy { version, groups })
        })
        .collect()
}

/// The path in `/proc/self/cgroup`, whose lines are `id:controllers:path`.
fn own_group(memberships: &str, version: Version, controller: &str) -> Option<PathBuf> {
    memberships.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let fits = match version {
            Version::V1 => controllers.split(',').any(|name| name == controller),
            Version::V2 => id == "0" && controllers.is_empty(),
        };
        fits.then(|| PathBuf::from(path))
    })
}

/// A line of `/proc/self/mountinfo` about a control group.
struct Mount {
    version: Version,
    /// The group the mount begins at.
    from: PathBuf,
    /// Where it is mounted.
    at: PathBuf,
    /// Controllers, among other options.
    options: String,
}

impl Mount {
    /// `id parent major:minor root mountpoint options [more…] - type source superoptions`
    fn parse(line: &str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut system = system.split(' ');
        let version = match system.next()? {
            "cgroup" => Version::V1,
            "cgroup2" => Version::V2,
            _ => return None,
        };
        let mut fields = mount.split(' ').skip(3);
        Some(Self {
            version,
            from: unescaped(fields.next()?),
            at: unescaped(fields.next()?),
            options: system.nth(1).unwrap_or_default().to_owned(),
        })
    }

    fn carries(&self, version: Version, controller: &str) -> bool {
        self.version == version
            && (version == Version::V2 || self.options.split(',').any(|name| name == controller))
    }

    /// The folders from `own` up to the mount point. Where `own` is not to be seen from here (a namespace that hides
    /// it, or a mount of another container), what is mounted is the best that is known.
    fn groups(&self, root: &Path, own: &Path) -> Vec<PathBuf> {
        let inside = own
            .strip_prefix(&self.from)
            .ok()
            .filter(|rest| rest.components().all(|c| matches!(c, Component::Normal(_))))
            .map(|rest| self.at.join(rest))
            .filter(|folder| under(root, folder).is_dir());
        let own = match inside {
            // Joining nothing leaves a slash at the end.
            Some(folder) => folder.components().collect(),
            None => self.at.clone(),
        };
        own.ancestors()
            .take_while(|folder| folder.starts_with(&self.at))
            .map(Path::to_path_buf)
            .collect()
    }
}

/// The mount that shows most of the way from `own` to the root.
fn best_mount<'a>(
    mounts: &'a [Mount],
    version: Version,
    controller: &str,
    own: &Path,
) -> Option<&'a Mount> {
    let depth = |mount: &Mount| mount.from.components().count();
    mounts
        .iter()
        .filter(|mount| mount.carries(version, controller))
        .min_by_key(|mount| (!own.starts_with(&mount.from), depth(mount)))
}

/// Undoes the kernel's escapes of space, tab, line feed and backslash (`\040`).
fn unescaped(field: &str) -> PathBuf {
    let mut text = String::with_capacity(field.len());
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let code = after
            .get(..3)
            .and_then(|code| u8::from_str_radix(code, 8).ok());
        rest = match code {
            Some(code) => {
                text.push(char::from(code));
                after.get(3..).unwrap_or_default()
            }
            None => {
                text.push('\\');
                after
            }
        };
    }
    text.push_str(rest);
    PathBuf::from(text)
}

/// The number that follows `key` in a file of `key number` lines.
pub(super) fn keyed_number(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, number) = line.split_once(' ')?;
        (name == key).then(|| number.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_spaces_are_unescaped() {
        assert_eq!(unescaped(r"/a\040b\134c"), PathBuf::from(r"/a b\c"));
        assert_eq!(unescaped(r"/odd\9"), PathBuf::from(r"/odd\9"));
    }

    #[test]
    fn a_mount_of_something_else_is_none() {
        assert!(Mount::parse("22 27 0:21 / /proc rw,relatime - proc proc rw").is_none());
        let mount = Mount::parse(
            "35 31 0:32 /docker/ab /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory",
        )
        .expect("a mount");
        assert!(mount.carries(Version::V1, "memory"));
        assert!(!mount.carries(Version::V1, "mem"));
        assert!(!mount.carries(Version::V2, "memory"));
    }
}
