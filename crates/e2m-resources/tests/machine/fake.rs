//! Made-up machines: `/proc` and `/sys/fs/cgroup` as kernels, containers and batch systems show them, in a folder.

use std::fs;
use std::path::Path;

use e2m_resources::{Machine, Variables};
use tempfile::TempDir;

/// A made-up machine: 16 GiB of which 12 GiB are available, and 8 processors.
pub(crate) struct Fake(TempDir);

pub(crate) const GIB: u64 = 1 << 30;
pub(crate) const MIB: u64 = 1 << 20;

impl Fake {
    pub(crate) fn new() -> Self {
        let fake = Self(tempfile::tempdir().expect("a folder"));
        fake.write(
            "/proc/meminfo",
            "MemTotal:       16777216 kB\nMemFree:         1000000 kB\nMemAvailable:   12582912 kB\n",
        );
        fake.write(
            "/proc/self/status",
            "Name:\te2m\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nCpus_allowed_list:\t0-7\n",
        );
        fake.write("/sys/devices/system/cpu/online", "0-7\n");
        fake
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("writes");
    }

    pub(crate) fn v2(&self, group: &str, from: &str) {
        self.write("/proc/self/cgroup", &format!("0::{group}\n"));
        let mount = format!(
            "22 27 0:21 / /proc rw - proc proc rw\n\
             35 24 0:30 {from} /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
        );
        self.write("/proc/self/mountinfo", &mount);
    }

    pub(crate) fn v1(&self, group: &str, from: &str) {
        let groups = format!("9:name=systemd:/x\n4:memory:{group}\n3:cpu,cpuacct:{group}\n0::/\n");
        self.write("/proc/self/cgroup", &groups);
        let mounts = format!(
            "35 31 0:32 {from} /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
             32 31 0:29 {from} /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
        );
        self.write("/proc/self/mountinfo", &mounts);
        fs::create_dir_all(self.root().join("sys/fs/cgroup/unified")).expect("a folder");
    }

    /// A group of version 2: limit, what is used and how much of that is idle file cache.
    pub(crate) fn v2_group(&self, folder: &str, max: &str, current: u64, cache: u64) {
        self.write(&format!("{folder}/memory.max"), &format!("{max}\n"));
        self.write(&format!("{folder}/memory.high"), "max\n");
        self.write(&format!("{folder}/memory.current"), &format!("{current}\n"));
        let (once, twice) = (cache / 2, cache - cache / 2);
        let stat = format!("anon 5\nfile 77\ninactive_file {once}\nactive_file {twice}\n");
        self.write(&format!("{folder}/memory.stat"), &stat);
    }

    pub(crate) fn v1_group(&self, folder: &str, limit: u64, usage: u64, cache: u64) {
        self.write(
            &format!("{folder}/memory.limit_in_bytes"),
            &limit.to_string(),
        );
        self.write(
            &format!("{folder}/memory.usage_in_bytes"),
            &usage.to_string(),
        );
        let (once, twice) = (cache / 2, cache - cache / 2);
        let stat = format!(
            "inactive_file 1\nactive_file 1\ntotal_inactive_file {once}\ntotal_active_file {twice}\n"
        );
        self.write(&format!("{folder}/memory.stat"), &stat);
    }

    pub(crate) fn machine(&self) -> Machine {
        self.machine_with(&[])
    }

    pub(crate) fn machine_with(&self, variables: &[(&str, &str)]) -> Machine {
        Machine::detect_in(self.root(), &Variables::new(variables.iter().copied()))
    }
}
