//! What is read again and again while tasks run.

use std::fs;
use std::time::{Duration, Instant};

use e2m_resources::{LimitSource, Machine, Variables, oom_kills_in, process_memory};

use crate::fake::{Fake, GIB, MIB};

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
