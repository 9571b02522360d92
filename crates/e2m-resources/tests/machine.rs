//! Limits of machines laid out as folders: `/proc` and `/sys/fs/cgroup` as kernels, containers and batch systems show them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use e2m_resources::{LimitSource, Machine, Variables, oom_kills_in, process_memory};
use tempfile::TempDir;

/// A made-up machine: 16 GiB of which 12 GiB are available, and 8 processors.
struct Fake(TempDir);

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

impl Fake {
    fn new() -> Self {
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

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("writes");
    }

    fn v2(&self, group: &str, from: &str) {
        self.write("/proc/self/cgroup", &format!("0::{group}\n"));
        let mount = format!(
            "22 27 0:21 / /proc rw - proc proc rw\n\
             35 24 0:30 {from} /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
        );
        self.write("/proc/self/mountinfo", &mount);
    }

    fn v1(&self, group: &str, from: &str) {
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
    fn v2_group(&self, folder: &str, max: &str, current: u64, inactive: u64) {
        self.write(&format!("{folder}/memory.max"), &format!("{max}\n"));
        self.write(&format!("{folder}/memory.high"), "max\n");
        self.write(&format!("{folder}/memory.current"), &format!("{current}\n"));
        let stat = format!("anon 5\nfile 77\ninactive_file {inactive}\nactive_file 3\n");
        self.write(&format!("{folder}/memory.stat"), &stat);
    }

    fn v1_group(&self, folder: &str, limit: u64, usage: u64, inactive: u64) {
        self.write(
            &format!("{folder}/memory.limit_in_bytes"),
            &limit.to_string(),
        );
        self.write(
            &format!("{folder}/memory.usage_in_bytes"),
            &usage.to_string(),
        );
        let stat = format!("inactive_file 1\ntotal_inactive_file {inactive}\n");
        self.write(&format!("{folder}/memory.stat"), &stat);
    }

    fn machine(&self) -> Machine {
        self.machine_with(&[])
    }

    fn machine_with(&self, variables: &[(&str, &str)]) -> Machine {
        Machine::detect_in(self.root(), &Variables::new(variables.iter().copied()))
    }
}

#[test]
fn without_limits_the_machine_itself_counts() {
    let machine = Fake::new().machine();
    let memory = machine.available_memory();
    assert_eq!(memory.source, LimitSource::Physical);
    assert_eq!(
        (memory.total_bytes, memory.available_bytes),
        (16 * GIB, 12 * GIB)
    );
    assert_eq!(
        memory.to_string(),
        "physical memory of 17.18 GB (/proc/meminfo)"
    );
    assert_eq!(machine.memory_limits().len(), 1);
    assert_eq!(machine.cpus(), 8);
    assert_eq!(
        machine.binding_cpus().to_string(),
        "8 CPUs of the machine (/sys/devices/system/cpu/online)"
    );
    assert_eq!(machine.notes(), []);
    assert_eq!(machine.cluster(), None);
}

#[test]
fn version_2_counts_every_group_up_to_the_root() {
    let fake = Fake::new();
    fake.v2("/user.slice/job", "/");
    fake.v2_group("/sys/fs/cgroup/user.slice/job", "max", 3 * GIB, 0);
    fake.v2_group("/sys/fs/cgroup/user.slice", "4294967296", 3 * GIB, GIB);
    let machine = fake.machine();
    let memory = machine.available_memory();
    // 4 GiB less 3 in use, of which one is file cache.
    assert_eq!(
        (memory.total_bytes, memory.available_bytes),
        (4 * GIB, 2 * GIB)
    );
    assert_eq!(
        memory.to_string(),
        "cgroup limit of 4.29 GB (/sys/fs/cgroup/user.slice/memory.max)"
    );
    assert_eq!(machine.memory_limits().len(), 2, "no limit is no limit");
    // A high mark of the inner group is lower.
    fake.write("/sys/fs/cgroup/user.slice/job/memory.high", "3758096384\n");
    let memory = fake.machine().available_memory().clone();
    assert_eq!(memory.available_bytes, GIB / 2);
    assert!(
        memory.origin.ends_with("user.slice/job/memory.high"),
        "{memory}"
    );
}

#[test]
fn version_1_knows_unlimited_and_idle_cache() {
    let fake = Fake::new();
    fake.v1("/e2m/a", "/");
    let folder = "/sys/fs/cgroup/memory";
    fake.v1_group(folder, 9_223_372_036_854_771_712, 9 * GIB, 0);
    fake.v1_group(&format!("{folder}/e2m"), 1_500_000_000, GIB, GIB / 2);
    fake.v1_group(
        &format!("{folder}/e2m/a"),
        9_223_372_036_854_710_272,
        GIB,
        0,
    );
    let machine = fake.machine();
    let memory = machine.available_memory();
    assert_eq!(memory.available_bytes, 1_500_000_000 - GIB / 2);
    assert_eq!(
        memory.to_string(),
        "cgroup limit of 1.50 GB (/sys/fs/cgroup/memory/e2m/memory.limit_in_bytes)"
    );
    assert_eq!(machine.memory_limits().len(), 2);
    assert_eq!(machine.total_memory(), 1_500_000_000);
    // A parent that does not account for its children does not bind them.
    fake.write(&format!("{folder}/e2m/memory.use_hierarchy"), "0\n");
    assert_eq!(
        fake.machine().available_memory().source,
        LimitSource::Physical
    );
}

#[test]
fn a_container_sees_its_own_group_as_the_root_of_the_mount() {
    // With the host's path in /proc/self/cgroup (version 1, no namespace) …
    let fake = Fake::new();
    fake.v1("/docker/ab/inner", "/docker/ab");
    fake.v1_group("/sys/fs/cgroup/memory", 2 * GIB, GIB, 0);
    fake.v1_group("/sys/fs/cgroup/memory/inner", 3 * GIB, GIB / 2, 0);
    let machine = fake.machine();
    assert_eq!(machine.available_memory().available_bytes, GIB);
    assert_eq!(machine.memory_limits().len(), 3);
    // … with a namespace, where both are `/` …
    let fake = Fake::new();
    fake.v2("/", "/");
    fake.v2_group("/sys/fs/cgroup", "2147483648", GIB, 0);
    assert_eq!(fake.machine().total_memory(), 2 * GIB);
    // … with the mount's root hidden, …
    let fake = Fake::new();
    fake.v2("/", "/../../docker/ab");
    fake.v2_group("/sys/fs/cgroup", "2147483648", GIB, 0);
    assert_eq!(fake.machine().total_memory(), 2 * GIB);
    // … with a group outside of the namespace, and with one that is not mounted here.
    for group in ["/../other", "/docker/ab"] {
        let fake = Fake::new();
        fake.v2(group, "/");
        fake.v2_group("/sys/fs/cgroup", "2147483648", GIB, 0);
        assert_eq!(fake.machine().total_memory(), 2 * GIB, "{group}");
    }
}

#[test]
fn hybrid_takes_the_limit_from_where_the_controller_is() {
    let fake = Fake::new();
    fake.v1("/job", "/");
    fake.write(
        "/proc/self/cgroup",
        "4:memory:/job\n1:name=systemd:/s\n0::/s/job\n",
    );
    fake.v1_group("/sys/fs/cgroup/memory/job", GIB, 0, 0);
    fake.write("/sys/fs/cgroup/unified/s/job/cgroup.procs", "1\n");
    assert_eq!(fake.machine().total_memory(), GIB);
    assert_eq!(fake.machine().memory_limits().len(), 2);
}

#[test]
fn a_group_that_does_not_tell_its_use_holds_at_least_this_process() {
    let fake = Fake::new();
    fake.v2("/", "/");
    fake.write("/sys/fs/cgroup/memory.max", "1073741824\n");
    assert_eq!(
        fake.machine().available_memory().available_bytes,
        GIB - 100 * MIB
    );
}

#[test]
fn quotas_of_every_group_are_rounded_up() {
    let fake = Fake::new();
    fake.v2("/a/b", "/");
    fake.write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    fake.write("/sys/fs/cgroup/a/cpu.max", "250000 100000\n");
    let machine = fake.machine();
    assert_eq!(machine.cpus(), 3);
    assert_eq!(
        machine.binding_cpus().to_string(),
        "cgroup quota of 3 CPUs (/sys/fs/cgroup/a/cpu.max)"
    );
    fake.write("/sys/fs/cgroup/a/b/cpu.max", "10000 100000\n");
    assert_eq!(fake.machine().cpus(), 1);

    let fake = Fake::new();
    fake.v1("/job", "/");
    fake.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    fake.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    fake.write(
        "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us",
        "400000\n",
    );
    fake.write(
        "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us",
        "100000\n",
    );
    assert_eq!(fake.machine().cpus(), 4);
}

#[test]
fn affinity_binds() {
    let fake = Fake::new();
    fake.write(
        "/proc/self/status",
        "VmRSS:\t1 kB\nCpus_allowed_list:\t2,4-5\n",
    );
    let machine = fake.machine();
    assert_eq!(
        machine.binding_cpus().to_string(),
        "affinity to 3 CPUs (/proc/self/status)"
    );
    // A list of all that could ever be plugged in is no limit.
    fake.write(
        "/proc/self/status",
        "VmRSS:\t1 kB\nCpus_allowed_list:\t0-127\n",
    );
    assert_eq!(fake.machine().binding_cpus().source, LimitSource::Physical);
}

#[test]
fn slurm_limits_less_what_this_process_holds() {
    let machine = Fake::new().machine_with(&[
        ("SLURM_JOB_ID", "4711"),
        ("SLURM_ARRAY_TASK_ID", "3"),
        ("SLURM_MEM_PER_CPU", "1024"),
        ("SLURM_CPUS_ON_NODE", "4"),
        ("SLURM_CPUS_PER_TASK", "2"),
    ]);
    let memory = machine.available_memory();
    assert_eq!(memory.available_bytes, 4 * GIB - 100 * MIB);
    assert_eq!(
        memory.to_string(),
        "SLURM limit of 4.29 GB (SLURM_MEM_PER_CPU x SLURM_CPUS_ON_NODE)"
    );
    assert_eq!(
        machine.binding_cpus().to_string(),
        "SLURM limit of 2 CPUs (SLURM_CPUS_PER_TASK)"
    );
    let job = machine.cluster().expect("a job");
    assert_eq!(
        (job.job.as_str(), job.array_task.as_deref()),
        ("4711", Some("3"))
    );
}

#[test]
fn own_variables_take_the_place_of_slurms_but_not_of_the_kernels() {
    let fake = Fake::new();
    let variables = [
        ("SLURM_MEM_PER_NODE", "1024"),
        ("SLURM_CPUS_PER_TASK", "1"),
        ("E2M_MEMORY", "8GB"),
        ("E2M_CPUS", "6"),
        ("E2M_MAX_WORKERS", "2"),
    ];
    let machine = fake.machine_with(&variables);
    assert_eq!(
        machine.available_memory().to_string(),
        "limit of 8.00 GB (E2M_MEMORY)"
    );
    assert_eq!(
        machine.binding_cpus().to_string(),
        "limit of 6 CPUs (E2M_CPUS)"
    );
    assert_eq!(
        machine.workers(9, &[]).to_string(),
        "2 workers: E2M_MAX_WORKERS is 2"
    );
    let machine = fake.machine_with(&[("E2M_MEMORY", "500GB"), ("E2M_CPUS", "64")]);
    assert_eq!(machine.available_memory().source, LimitSource::Physical);
    assert_eq!(machine.cpus(), 8);
}

#[test]
fn malformed_variables_are_named_and_ignored() {
    let machine = Fake::new().machine_with(&[
        ("E2M_MEMORY", "lots"),
        ("E2M_CPUS", "0"),
        ("E2M_MAX_WORKERS", "-1"),
        ("SLURM_MEM_PER_NODE", "1024X"),
        ("SLURM_CPUS_PER_TASK", ""),
    ]);
    assert_eq!(machine.available_memory().source, LimitSource::Physical);
    assert_eq!((machine.cpus(), machine.max_workers()), (8, None));
    let notes: Vec<String> = machine.notes().iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "E2M_MEMORY is ignored: it holds \"lots\", and a size such as 8GB, or a number of bytes, was expected",
            "SLURM_MEM_PER_NODE is ignored: it holds \"1024X\", and a size in megabytes, or one with K, M, G or T, was expected",
            "E2M_CPUS is ignored: it holds \"0\", and a whole number of at least 1 was expected",
            "E2M_MAX_WORKERS is ignored: it holds \"-1\", and a whole number of at least 1 was expected",
        ]
    );
}

#[test]
fn damaged_files_are_no_limits() {
    let fake = Fake::new();
    fake.write("/proc/self/cgroup", "nonsense\n4:memory\n0::/\n");
    fake.write("/proc/self/mountinfo", "a b c\n35 24 0:30 / - cgroup2\n");
    fake.write("/proc/self/status", "Cpus_allowed_list:\tall\n");
    fake.write("/sys/devices/system/cpu/online", "\n");
    fake.write(
        "/proc/cpuinfo",
        "processor\t: 0\nmodel\t: x\nprocessor\t: 1\n",
    );
    let machine = fake.machine();
    assert_eq!(machine.total_memory(), 16 * GIB);
    assert_eq!(
        machine.binding_cpus().to_string(),
        "2 CPUs of the machine (/proc/cpuinfo)"
    );
}

#[test]
fn the_watchdogs_reader_sees_what_changes() {
    let fake = Fake::new();
    fake.v2("/job", "/");
    let group = "/sys/fs/cgroup/job";
    fake.v2_group(group, "max", GIB, 0);
    let reader = fake.machine_with(&[("E2M_MEMORY", "12GiB")]).watch();
    assert_eq!(reader.read(), Some(12 * GIB - 100 * MIB));
    fake.write(
        "/proc/meminfo",
        "MemTotal: 16777216 kB\nMemAvailable: 6291456 kB\n",
    );
    assert_eq!(reader.read(), Some(6 * GIB));
    // A limit that is set while e2m runs counts as well.
    fake.v2_group(group, "4294967296", GIB, 0);
    assert_eq!(reader.read(), Some(3 * GIB));
    fake.v2_group(group, "4294967296", 4 * GIB, 0);
    let binding = reader.binding().expect("a limit");
    assert_eq!(
        (binding.source, binding.available_bytes),
        (LimitSource::Cgroup, 0)
    );
}

#[test]
fn this_machine_has_limits_and_is_read_quickly() {
    let machine = Machine::detect(&Variables::default());
    let memory = machine.available_memory();
    assert!(memory.available_bytes <= memory.total_bytes);
    assert!(machine.total_memory() > process_memory().current);
    assert!(machine.cpus() >= 1);
    let reader = machine.watch();
    // The best of many looks, so that a busy machine does not matter.
    let quickest = (0..200)
        .map(|_| {
            let started = Instant::now();
            assert!(reader.read().is_some());
            started.elapsed()
        })
        .min();

    assert!(quickest < Some(Duration::from_millis(5)), "{quickest:?}");
}

#[test]
fn kills_are_counted_where_the_kernel_counts_them() {
    let fake = Fake::new();
    assert_eq!(oom_kills_in(fake.root()), None);
    fake.v2("/job/leaf", "/");
    fs::create_dir_all(fake.root().join("sys/fs/cgroup/job/leaf")).expect("a folder");
    let events = "low 0\nhigh 4\nmax 9\noom 3\noom_kill 2\noom_group_kill 1\n";
    fake.write("/sys/fs/cgroup/job/memory.events", events);
    assert_eq!(oom_kills_in(fake.root()), Some(2));
    fake.write(
        "/sys/fs/cgroup/job/leaf/memory.events",
        "oom 1\noom_kill 1\n",
    );
    assert_eq!(oom_kills_in(fake.root()), Some(1));

    let fake = Fake::new();
    fake.v1("/job", "/");
    fake.write(
        "/sys/fs/cgroup/memory/job/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
    );
    assert_eq!(oom_kills_in(fake.root()), Some(5));
}
