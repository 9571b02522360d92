//! Limits of processors.

use e2m_resources::LimitSource;

use crate::fake::Fake;

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
