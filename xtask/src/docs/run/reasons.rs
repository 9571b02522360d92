//! Why some blocks of the documentation are not run: the one list of it. A mark in a page names a line of this table.

use anyhow::{Context, Result};

/// Why a block is not run.
#[derive(Debug)]
pub(crate) struct Reason {
    /// What a mark calls it.
    pub(crate) name: &'static str,
    /// What is said of it.
    pub(crate) text: &'static str,
}

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        name: "build",
        text: "it builds or tests the whole project, or installs system packages; CI does it on its own",
    },
    Reason {
        name: "bench",
        text: "it measures for minutes to hours, with gigabytes of images",
    },
    Reason {
        name: "root",
        text: "it limits memory by a cgroup, as root",
    },
    Reason {
        name: "archive",
        text: "it needs the archive; `cargo xtask dist --try` runs it in bare systems",
    },
    Reason {
        name: "slurm",
        text: "it needs a SLURM cluster; the tests of crates/e2m-cli/tests/slurm run these commands on one",
    },
    Reason {
        name: "snakemake",
        text: "it installs packages; crates/e2m-cli/tests/suite/single_task.rs runs this workflow",
    },
    Reason {
        name: "nextflow",
        text: "no package registry has Nextflow; a test runs the scripts of its processes",
    },
    Reason {
        name: "ssh",
        text: "it takes two machines",
    },
];

/// The one of this name.
pub(crate) fn named(name: &str) -> Result<&'static Reason> {
    let found = REASONS.iter().find(|reason| reason.name == name);
    found.with_context(|| {
        let names: Vec<&str> = REASONS.iter().map(|reason| reason.name).collect();
        format!(
            "there is no reason {name:?} in xtask/src/docs/run/reasons.rs: {}",
            names.join(", ")
        )
    })
}
