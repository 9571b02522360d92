//! A C and C++ compiler and a linker for an old glibc, CMake and Ninja: each a wheel of a version that is written down here.
//!
//! Zig's compiler is clang with the headers, start-up files and stubs of every glibc, and with LLVM's C++ library as source,
//! which ends up in the program. So what it makes does not depend on the machine it is made on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::folders::Folders;
use super::step::{Step, write};
use crate::process::captured;

/// The wheels: package, version, checksum of the one for Linux x86-64.
pub(super) const WHEELS: [[&str; 3]; 4] = [
    [
        "ziglang",
        "0.17.1",
        "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
    ],
    [
        "cargo-zigbuild",
        "0.24.1",
        "238a1ab54a95053a4eadc34775c81f795a8ad75f80bfed63f3f445f518102375",
    ],
    [
        "cmake",
        "4.4.5",
        "85625a9b6d5e88ff99c7eb79123d85570844e77ac076366cf75c609cc0b1b579",
    ],
    [
        "ninja",
        "1.13.2",
        "65a24341b5ac09fcadcc37082660be40a94174e51a937fabf6e2cae26225fa2c",
    ],
];

/// The oldest glibc that the program runs with: that of Debian 10, Ubuntu 18.10 and Red Hat Enterprise Linux 8, all of 2018 and 2019.
pub(super) const GLIBC: [u32; 2] = [2, 28];

/// The tools, installed.
pub(super) struct Tools {
    venv: PathBuf,
    zig: PathBuf,
    wrappers: PathBuf,
    cache: PathBuf,
    root: PathBuf,
}

impl Tools {
    /// Installs what is missing.
    pub(super) fn ensure(folders: &Folders) -> Result<Self> {
        let venv = folders.venv();
        let python = venv.join("bin/python");
        Step::new(folders, "tools").unless_done(&requirements(), |log| {
            log.run(
                Command::new("python3")
                    .args(["-m", "venv", "--clear"])
                    .arg(&venv),
            )?;
            let list = folders.root().join("requirements.txt");
            write(&list, requirements().as_bytes())?;
            let pip = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--only-binary=:all:",
                "--require-hashes",
                "--requirement",
            ];
            log.run(Command::new(&python).args(pip).arg(&list))
        })?;
        let place = "import os, ziglang; print(os.path.dirname(ziglang.__file__))";
        let folder = captured(Command::new(&python).args(["-c", place]))?;
        let tools = Self {
            zig: Path::new(folder.trim()).join("zig"),
            venv,
            wrappers: folders.wrappers(),
            cache: folders.cache(),
            root: folders.root().to_owned(),
        };
        tools.write_wrappers()?;
        Ok(tools)
    }

    /// CMake and others ask for compilers that are one program without arguments.
    fn write_wrappers(&self) -> Result<()> {
        for (name, script) in wrappers(&self.zig, &self.root) {
            let path = self.wrappers.join(name);
            if fs::read_to_string(&path).is_ok_and(|there| there == script) {
                continue;
            }
            write(&path, script.as_bytes())?;
            executable(&path)?;
        }
        Ok(())
    }

    /// A compiler or a tool for libraries: `cc`, `c++`, `ar`, `ranlib`.
    pub(super) fn wrapper(&self, name: &str) -> PathBuf {
        self.wrappers.join(format!("zig-{name}"))
    }

    /// A program of one of the wheels, with everything it has to know.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.venv.join("bin").join(program));
        self.prepare(&mut command);
        command
    }

    /// Lets a command find the wheels' programs, and keeps what the compiler keeps below target.
    pub(super) fn prepare(&self, command: &mut Command) {
        let mut path = vec![self.venv.join("bin")];
        if let Some(usual) = std::env::var_os("PATH") {
            path.extend(std::env::split_paths(&usual));
        }
        if let Ok(path) = std::env::join_paths(path) {
            command.env("PATH", path);
        }
        command
            .env("ZIG_GLOBAL_CACHE_DIR", &self.cache)
            .env("ZIG_LOCAL_CACHE_DIR", &self.cache)
            .env("CARGO_ZIGBUILD_CACHE_DIR", &self.cache)
            .env("CARGO_ZIGBUILD_ZIG_PATH", &self.zig)
            .env("SOURCE_DATE_EPOCH", "1");
    }
}

/// The wheels as pip wants to hear of them.
fn requirements() -> String {
    WHEELS
        .iter()
        .map(|[package, version, checksum]| {
            format!("{package}=={version} --hash=sha256:{checksum}\n")
        })
        .collect()
}

/// Names and texts of the wrappers.
///
/// The compiler's own default would add checks for undefined behaviour and notes for debuggers; and paths in messages of
/// OpenCV would be those of this machine.
fn wrappers(zig: &Path, root: &Path) -> Vec<(String, String)> {
    let zig = zig.display();
    let [major, minor] = GLIBC;
    let options = format!(
        "-target x86_64-linux-gnu.{major}.{minor} -g0 -fno-sanitize=undefined -ffile-prefix-map={}=.",
        root.display()
    );
    let compilers = ["cc", "c++"].map(|name| {
        let script = format!("#!/bin/sh\nexec {zig} {name} {options} \"$@\"\n");
        (format!("zig-{name}"), script)
    });
    let others = ["ar", "ranlib"].map(|name| {
        let script = format!("#!/bin/sh\nexec {zig} {name} \"$@\"\n");
        (format!("zig-{name}"), script)
    });
    compilers.into_iter().chain(others).collect()
}

#[cfg(unix)]
fn executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("{} could not be made executable", path.display()))
}

#[cfg(not(unix))]
fn executable(_path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_is_of_one_version_and_has_a_checksum() {
        let list = requirements();
        assert_eq!(list.lines().count(), WHEELS.len());
        for line in list.lines() {
            let (package, checksum) = line.split_once(" --hash=sha256:").expect("a checksum");
            assert_eq!(package.split("==").count(), 2, "{line}");
            assert_eq!(checksum.len(), 64, "{line}");
        }
    }

    #[test]
    fn compilers_are_told_the_old_glibc() {
        let scripts = wrappers(Path::new("/v/zig"), Path::new("/t/dist"));
        let (name, script) = &scripts[1];
        assert_eq!(name, "zig-c++");
        assert!(
            script.contains("exec /v/zig c++ -target x86_64-linux-gnu.2.28 "),
            "{script}"
        );
        assert!(script.contains("-ffile-prefix-map=/t/dist=."), "{script}");
    }
}
