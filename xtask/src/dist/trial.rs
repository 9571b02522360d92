//! The archive tried in bare systems: Debian of another age, nothing installed, no network, the archive unpacked, the demo run.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::archive;
use super::folders::Folders;
use super::measure::Watch;
use super::sources::{KEYRING, mirror_or_usual};
use super::step::{Log, Step};

/// The oldest release of Debian that its mirrors still have, the present one, and the one to come.
const RELEASES: [&str; 3] = ["bullseye", "trixie", "forky"];

/// By what debootstrap makes a release that it does not know yet.
const SCRIPT_OF_NEW_RELEASES: &str = "/usr/share/debootstrap/scripts/sid";

/// Unpacking and the demo take no longer on a machine that has nothing else to do.
const LIMIT: Duration = Duration::from_secs(60);

/// How many tasks the demo has.
const TASKS: usize = 3;

/// What is done in the bare system. That nothing is there which the program would have to bring is looked at first.
const SCRIPT: &str = r#"
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
for name in cc gcc c++ clang rustc cargo; do
    if command -v $name; then echo "there is a compiler: $name"; exit 1; fi
done
if ls -R /usr/lib | grep -E 'opencv|cfitsio'; then exit 1; fi
grep PRETTY_NAME /etc/os-release
ldd --version | head -n 1
cd /root
tar -xzf "$1.tar.gz"
"$1/e2m" --version
"$1/e2m" demo --width 640 --no-open
"#;

/// Tries the archive in each release, and removes the systems again.
pub(super) fn run(
    folders: &Folders,
    archive: &Path,
    releases: &[String],
    mirror: Option<&str>,
) -> Result<()> {
    let mirror = mirror_or_usual(mirror)?;
    let usual = RELEASES.map(str::to_owned);
    let releases = if releases.is_empty() {
        &usual[..]
    } else {
        releases
    };
    let mut failed = Vec::new();
    for release in releases {
        let root = folders.bare_system(release);
        let mut tried = Ok(());
        Step::new(folders, &format!("try-{release}")).always(|log| {
            remove(&root)?;
            tried = try_in(&root, release, &mirror, archive, log);
            remove(&root)
        })?;
        if let Err(error) = tried {
            failed.push(format!("Debian {release}: {error:#}"));
        }
    }
    ensure!(
        failed.is_empty(),
        "the archive does not do everywhere: {}",
        failed.join("; ")
    );
    println!("dist: the archive runs in Debian {}", releases.join(", "));
    Ok(())
}

fn try_in(root: &Path, release: &str, mirror: &str, archive: &Path, log: &Log) -> Result<()> {
    log.run(&mut debootstrap(root, release, mirror)?)?;
    let name = archive.file_name().context("the archive has no name")?;
    fs::copy(archive, root.join("root").join(name))?;
    let watch = Watch::begin()?;
    log.run(&mut inside(root))?;
    let taken = watch.end()?;
    let table = root.join("root/e2m-demo/processed/e2m_batch.csv");
    let table = fs::read_to_string(&table)
        .with_context(|| format!("the demo left no {}", table.display()))?;
    passed(&table)?;
    println!(
        "dist: Debian {release}: unpacked and {TASKS} tasks complete, verdict pass, in {taken}"
    );
    taken.within(LIMIT)
}

fn debootstrap(root: &Path, release: &str, mirror: &str) -> Result<Command> {
    let parent = root.parent().context("the system has no folder")?;
    fs::create_dir_all(parent)?;
    let mut command = Command::new("debootstrap");
    command
        .args(["--variant=minbase", &format!("--keyring={KEYRING}")])
        .arg(release)
        .arg(root)
        .arg(mirror);
    if !Path::new(SCRIPT_OF_NEW_RELEASES)
        .with_file_name(release)
        .exists()
    {
        command.arg(SCRIPT_OF_NEW_RELEASES);
    }
    Ok(command)
}

/// The script in that system, with processes, mounts and network of its own: what is mounted goes with it, and there is no network.
fn inside(root: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--net",
            "--mount-proc=/proc",
        ])
        .arg(format!("--root={}", root.display()))
        .args(["/bin/sh", "-c", SCRIPT, "sh", &archive::stem()])
        .env_clear();
    command
}

/// Fails unless every task of the demo is complete and its alignment passed.
fn passed(table: &str) -> Result<()> {
    let mut lines = table.lines();
    let titles: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |title: &str| {
        titles
            .iter()
            .position(|other| *other == title)
            .with_context(|| format!("the table of the demo has no column {title:?}"))
    };
    let (status, verdict) = (column("status")?, column("verdict")?);
    let mut tasks = 0;
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        if fields.get(status) != Some(&"complete") || fields.get(verdict) != Some(&"pass") {
            bail!("a task of the demo is not complete with the verdict pass: {line}");
        }
        tasks += 1;
    }
    ensure!(
        tasks == TASKS,
        "the demo did {tasks} tasks instead of {TASKS}"
    );
    Ok(())
}

fn remove(root: &Path) -> Result<()> {
    if root.exists() {
        fs::remove_dir_all(root)
            .with_context(|| format!("{} could not be removed", root.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_complete_tasks_that_passed_will_do() {
        let table = |rows: &[&str]| {
            let rows: String = rows
                .iter()
                .map(|row| format!("a,DAPI,{row},0.5\n"))
                .collect();
            format!("sample,dye,status,verdict,scale\n{rows}")
        };
        let good = "complete,pass";
        assert!(passed(&table(&[good; 3])).is_ok());
        assert!(passed(&table(&[good; 2])).is_err());
        assert!(passed(&table(&[good, good, "suspect,suspect"])).is_err());
        assert!(passed(&table(&[good, good, "complete,fail"])).is_err());
        assert!(passed("sample,dye\n").is_err());
        assert!(passed("").is_err());
    }
}
