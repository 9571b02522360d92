//! `cargo xtask bench`: what e2m takes on pairs of growing size.
//!
//! An example of e2m-cli measures; xtask cannot call it directly without needing OpenCV to build.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::process::{built_example, cargo, run};
use crate::slurm;
use crate::verb::Verb;
use crate::workspace::Workspace;

pub(crate) const VERB: Verb = Verb {
    name: "bench",
    summary: "measure time and memory on pairs of growing size",
    help: "Usage: cargo xtask bench [--full] [--compression none|deflate] [SIZE...]
       cargo xtask bench --batches
       cargo xtask bench --cluster
       cargo xtask bench --web [SIZE...]

Generates a pair of each size (default: 2000, 4000 and 8000 px; --full adds 30000x25000), runs e2m on it in release mode
with default parameters, and prints what it took as tables in Markdown: wall and processor time per stage, bytes read and
written, peak memory against the plan and the 6x rule, the time that the disk takes for as many bytes in one
sequential write right before and afterwards, and the registration error. The same goes to target/bench/bench.json. A size is
8000 or 30000x25000. --full needs 30 GB of disk, which it frees again.

--batches runs batches of many small tasks instead: the same twelve pairs by every runner, a hundred finished tasks once more,
and a look at ten thousand.

--web runs each pair, with its checkpoints and without, and looks at it in the web app as a browser does: the time until all of an image is
seen, tiles per second at full resolution, and the memory of the server.

--cluster starts a SLURM cluster as `cargo xtask slurm up` does, runs the same twelve pairs here and on it, and ends it.",
    run: |workspace, args| measure(workspace, &args),
};

fn measure(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    let program = built_example(workspace, "bench")?;
    let build = ["build", "--quiet", "--release", "--workspace", "--bins"];
    run(&mut cargo(workspace, build))?;
    let mut command = Command::new(program);
    command
        .current_dir(workspace.root())
        .arg("--e2m")
        .arg(workspace.target().join("release/e2m"))
        .arg("--out")
        .arg(workspace.target().join("bench"))
        .args(args);
    if args.iter().any(|arg| arg == "--cluster") {
        let folder = workspace.target().join("slurm-bench");
        return slurm::during(&folder, |conf| run(command.env("SLURM_CONF", conf)));
    }
    run(&mut command)
}
