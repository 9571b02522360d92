//! Limits that variables declare.

use e2m_resources::LimitSource;

use crate::fake::{Fake, GIB, MIB};

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
