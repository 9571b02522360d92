//! Submitting to a cluster when nothing can be written any more. SLURM's programs are scripts that say what they would say.

use crate::common::{Bench, Run};
use std::os::unix::fs::PermissionsExt as _;

/// Takes the folder of the submission away as it takes the job, which is what a disk does that is full or gone.
const SBATCH: &str = r#"#!/bin/sh
for script in "$@"; do :; done
folder=$(dirname "$script")
rm -r "$folder" && : > "$folder"
echo 41
"#;
const SQUEUE: &str = "#!/bin/sh\nexit 0\n";

fn submit(scancel: &str) -> (Bench, Run) {
    let bench = Bench::with_pairs(&[("CD070", "DAPI")]);
    for (name, text) in [("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", scancel)] {
        let name = format!("slurm/{name}");
        bench.write(&name, text);
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(bench.path(&name), executable).expect("permissions");
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", bench.path("slurm").display());
    let output = bench
        .command(&["submit", "batch.toml"])
        .env("PATH", path)
        .output();
    let run = bench.ended(output.expect("the program"));
    (bench, run)
}

#[test]
fn what_was_submitted_is_taken_back_though_nothing_can_be_written() {
    let (bench, run) = submit("#!/bin/sh\necho \"$@\" > \"$(dirname \"$0\")/cancelled\"\n");
    assert_eq!(run.code, 2, "{}{}", run.err, run.out);
    assert!(run.err.contains("error: "), "{}", run.err);
    assert_eq!(bench.read("slurm/cancelled"), "41\n");
}

#[test]
fn jobs_that_cannot_be_taken_back_are_named() {
    let (_bench, run) = submit("#!/bin/sh\necho 'scancel: error: no contact' >&2; exit 1\n");
    assert_eq!(run.code, 2, "{}{}", run.err, run.out);
    assert!(
        run.err.contains("could not be taken back") && run.err.contains("`scancel 41`"),
        "{}",
        run.err
    );
    assert!(run.err.contains("no contact"), "{}", run.err);
}
