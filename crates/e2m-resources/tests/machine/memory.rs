//! Limits of memory from the machine and its control groups.

use e2m_resources::LimitSource;

use crate::fake::{Fake, GIB, MIB};

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
