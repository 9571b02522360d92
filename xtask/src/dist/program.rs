//! The program `e2m`, linked with the static libraries, for the old glibc.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::folders::Folders;
use super::libraries::{self, MODULES};
use super::step::Step;
use super::tools::{GLIBC, Tools};
use crate::workspace::Workspace;

/// What it is built for.
pub(super) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What separates options in `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: &str = "\u{1f}";

/// Builds it; answers with the program.
pub(super) fn build(workspace: &Workspace, folders: &Folders, tools: &Tools) -> Result<PathBuf> {
    // Cargo does not see when a static library is another one under the same name.
    Step::new(folders, "libraries").unless_done(&libraries::recipes(), |_| {
        if folders.cargo().exists() {
            fs::remove_dir_all(folders.cargo())?;
        }
        Ok(())
    })?;
    Step::new(folders, "program").always(|log| log.run(&mut cargo(workspace, folders, tools)?))?;
    let program = folders.cargo().join(TARGET).join("release/e2m");
    ensure!(program.is_file(), "the build left no {}", program.display());
    Ok(program)
}

fn cargo(workspace: &Workspace, folders: &Folders, tools: &Tools) -> Result<Command> {
    let [major, minor] = GLIBC;
    let mut command = tools.command("cargo-zigbuild");
    command
        .current_dir(workspace.root())
        .args(["zigbuild", "--release", "--locked", "--package", "e2m-cli"])
        .arg(format!("--target={TARGET}.{major}.{minor}"));
    prepare(workspace, folders, &mut command)?;
    Ok(command)
}

/// Tells a command that builds crates where the static libraries are, and keeps what is of this machine out of what it makes.
pub(super) fn prepare(
    workspace: &Workspace,
    folders: &Folders,
    command: &mut Command,
) -> Result<()> {
    let stage = folders.stage();
    command
        .env("CARGO_TARGET_DIR", folders.cargo())
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .env("OPENCV_INCLUDE_PATHS", stage.join("include/opencv4"))
        .env("OPENCV_LINK_PATHS", stage.join("lib"))
        .env("OPENCV_LINK_LIBS", link_libraries())
        // Instead of the folders of the system, so that nothing of it gets in.
        .env("PKG_CONFIG_LIBDIR", stage.join("lib/pkgconfig"))
        .env("PKG_CONFIG_ALL_STATIC", "1")
        .env_remove("PKG_CONFIG_PATH")
        .env_remove("RUSTFLAGS");
    let places = places(workspace, folders)?;
    let rust: Vec<String> = places
        .iter()
        .map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display()))
        .collect();
    command.env("CARGO_ENCODED_RUSTFLAGS", rust.join(SEPARATOR));
    let mut c = vec!["-g0".to_owned(), "-fno-sanitize=undefined".to_owned()];
    c.extend(
        places
            .iter()
            .map(|(path, name)| format!("-ffile-prefix-map={}={name}", path.display())),
    );
    let c = c.join(" ");
    for name in ["CFLAGS", "CXXFLAGS"] {
        command.env(format!("{name}_{}", TARGET.replace('-', "_")), &c);
    }
    Ok(())
}

/// Folders of this machine that would be seen in messages, and what is there instead. Of several that match the last counts.
fn places(workspace: &Workspace, folders: &Folders) -> Result<Vec<(PathBuf, &'static str)>> {
    let cargo_home = match std::env::var_os("CARGO_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()
            .context("there is neither CARGO_HOME nor a home")?
            .join(".cargo"),
    };
    Ok(vec![
        (cargo_home, "cargo"),
        (workspace.root().to_owned(), "e2m"),
        (folders.root().to_owned(), "dist"),
    ])
}

/// OpenCV's modules and what they use, as the OpenCV binding wants to hear of them.
fn link_libraries() -> String {
    let mut names: Vec<String> = MODULES
        .iter()
        .map(|module| format!("static=opencv_{module}"))
        .collect();
    names.push("static=z".to_owned());
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_linked_before_those_they_use() {
        let list = link_libraries();
        assert!(list.starts_with("static=opencv_calib3d,"), "{list}");
        assert!(list.ends_with("static=opencv_core,static=z"), "{list}");
    }
}
