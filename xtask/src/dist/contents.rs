//! What lies in the archive: the program, how to install it, licences, and what it was made from.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::elf::Demands;
use super::sources::SOURCES;
use super::tools::WHEELS;
use crate::process::captured;
use crate::workspace::Workspace;

/// The version of e2m, which is that of the whole workspace.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One file of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// Below the archive's one folder.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// Whether it is a program.
    pub(super) executable: bool,
}

impl File {
    fn text(name: &str, text: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            bytes: text.into().into_bytes(),
            executable: false,
        }
    }
}

/// Gathers all files.
pub(super) fn gather(workspace: &Workspace, program: &Path) -> Result<Vec<File>> {
    let said = captured(Command::new(program).arg("--version"))?;
    ensure!(
        said.trim() == format!("e2m {VERSION}"),
        "the program says it is {said:?} instead of e2m {VERSION}"
    );
    let licences = captured(Command::new(program).arg("licences"))?;
    let demands = Demands::of_file(program)?;
    let compiler = captured(
        Command::new("rustc")
            .current_dir(workspace.root())
            .arg("--version"),
    )?;
    let own = |name: &str| -> Result<File> {
        let text = fs::read_to_string(workspace.root().join(name))
            .with_context(|| format!("{name} could not be read"))?;
        Ok(File::text(name, text))
    };
    Ok(vec![
        File {
            name: "e2m".to_owned(),
            bytes: fs::read(program)?,
            executable: true,
        },
        File::text(
            "README.txt",
            include_str!("README.txt").replace("{version}", VERSION),
        ),
        own("LICENSE-MIT")?,
        own("LICENSE-APACHE")?,
        File::text("LICENCES.txt", licences),
        File::text("MADE-FROM.txt", made_from(&demands, compiler.trim())),
    ])
}

/// What the program was made from, so that somebody else can make it again or tell whether it has a fault that was found in a part.
fn made_from(demands: &Demands, compiler: &str) -> String {
    let mut text = format!(
        "e2m {VERSION} for Linux x86-64.\n\nIt needs {demands}.\n\nLinked into it, from Debian's source packages (SHA-256 of the archive):\n"
    );
    for source in &SOURCES {
        let _ = writeln!(
            text,
            "  {} {}: {} {}",
            source.package, source.version, source.file, source.checksum
        );
    }
    let _ = writeln!(text, "\nMade by {compiler}, and by these wheels from PyPI:");
    for [package, version, checksum] in WHEELS {
        let _ = writeln!(text, "  {package} {version} {checksum}");
    }
    text.push_str(
        "\nThe crates are those of Cargo.lock; LICENCES.txt lists them with their versions.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_was_made_from_names_every_part_and_tool() {
        let text = made_from(&Demands::default(), "rustc 1.2.3");
        for part in [
            "opencv 4.",
            "cfitsio 4.",
            "zlib 1.",
            "ziglang ",
            "rustc 1.2.3",
        ] {
            assert!(text.contains(part), "{part}");
        }
        for source in &SOURCES {
            assert!(text.contains(source.checksum), "{}", source.package);
        }
    }
}
