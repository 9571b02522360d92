//! `cargo xtask dist`: the program as an archive that runs on any Linux x86-64 of the last years, with nothing installed.
//!
//! [`tools`] are a compiler and linker for an old glibc, as wheels. [`sources`] are those of OpenCV, CFITSIO and zlib, of which
//! [`libraries`] makes static ones. [`program`] links e2m with them, [`elf`] looks at what it then asks of a system, [`archive`]
//! packs it, and [`trial`] runs what was packed in bare Debian systems. Each step is a [`step::Step`]: it is done again only
//! where its recipe has changed.

mod archive;
mod contents;
mod elf;
mod folders;
mod libraries;
mod measure;
mod program;
mod sources;
mod step;
mod tools;
mod trial;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::setup;
use crate::verb::Verb;
use crate::workspace::Workspace;
use folders::Folders;
use tools::{GLIBC, Tools};

pub(crate) const VERB: Verb = Verb {
    name: "dist",
    summary: "make an archive of e2m that runs with nothing installed (Linux x86-64)",
    help: "Usage: cargo xtask dist [--try] [--release NAME]... [--mirror URL]

Makes target/dist/e2m-VERSION-x86_64-linux.tar.gz: the program with OpenCV and CFITSIO inside, for every Linux x86-64 with
glibc 2.28 or newer. Compiler and linker come as wheels, OpenCV, CFITSIO and zlib as Debian's source packages, of a version and
with a checksum that are written down in xtask/src/dist. What is there is not made again. All of it lies below target/dist (3 GB);
each step writes a log to target/dist/logs. The first time takes half an hour on two cores.

--try            afterwards run the demo from the archive in bare systems (debootstrap, as root), the oldest Debian and the
                 newest that still have packages, and remove them again
--release NAME   try in this release of Debian instead; may be given several times
--mirror URL     have Debian's packages from there, instead of from where apt-get of this machine has them",
    run: |workspace, args| dist(workspace, &Wish::from_args(args)?),
};

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    trial: bool,
    releases: Vec<String>,
    mirror: Option<String>,
}

impl Wish {
    fn from_args(args: Vec<OsString>) -> Result<Self> {
        use lexopt::prelude::*;
        let mut wish = Self::default();
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("try") => wish.trial = true,
                Long("release") => wish.releases.push(parser.value()?.string()?),
                Long("mirror") => wish.mirror = Some(parser.value()?.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        ensure!(
            wish.trial || wish.releases.is_empty(),
            "--release says where to try the archive; give --try as well"
        );
        Ok(wish)
    }
}

fn dist(workspace: &Workspace, wish: &Wish) -> Result<()> {
    let portable = Portable::build(workspace, wish.mirror.as_deref())?;
    let folders = &portable.folders;
    let archive = archive::make(workspace, folders, &portable.program)?;
    if wish.trial {
        setup::trial()?;
        trial::run(folders, &archive, &wish.releases, wish.mirror.as_deref())?;
    }
    Ok(())
}

/// The program with OpenCV and CFITSIO inside, and what it was built with.
pub(crate) struct Portable {
    folders: Folders,
    tools: Tools,
    /// The program, of which it is known that it needs nothing but an old glibc.
    pub(crate) program: PathBuf,
}

impl Portable {
    /// Builds what is not there.
    pub(crate) fn build(workspace: &Workspace, mirror: Option<&str>) -> Result<Self> {
        ensure!(
            cfg!(all(target_os = "linux", target_arch = "x86_64")),
            "this is made on Linux x86-64, for Linux x86-64; docs/install.md says what other systems build"
        );
        setup::dist()?;
        let folders = Folders::of(workspace)?;
        let tools = Tools::ensure(&folders)?;
        sources::ensure(&folders, mirror)?;
        libraries::ensure(&folders, &tools)?;
        let program = program::build(workspace, &folders, &tools)?;
        let portable = Self {
            folders,
            tools,
            program,
        };
        portable.check("program", &portable.program)?;
        Ok(portable)
    }

    /// Lets maturin build the module with the same compiler and libraries.
    pub(crate) fn prepare_maturin(
        &self,
        workspace: &Workspace,
        command: &mut Command,
    ) -> Result<()> {
        let [major, minor] = GLIBC;
        command
            .args(["--zig", "--locked", "--target", program::TARGET])
            .args(["--compatibility", &format!("manylinux_{major}_{minor}")]);
        self.tools.prepare(command);
        program::prepare(workspace, &self.folders, command)
    }

    /// Fails where the module that maturin has built, before it is in a wheel, needs more than an old glibc.
    pub(crate) fn check_module(&self) -> Result<()> {
        let built = self.folders.cargo().join(program::TARGET);
        self.check("module", &built.join("release/libe2m_python.so"))
    }

    fn check(&self, what: &str, path: &Path) -> Result<()> {
        let demands = elf::Demands::of_file(path)?;
        demands
            .check()
            .with_context(|| format!("the {what} cannot be passed on"))?;
        println!("dist: the {what} needs {demands}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_for_trying() {
        let wish =
            |args: &[&str]| Wish::from_args(args.iter().map(|arg| OsString::from(*arg)).collect());
        assert_eq!(wish(&[]).expect("nothing"), Wish::default());
        let tried = wish(&["--try", "--release", "trixie", "--release", "sid"]).expect("a wish");
        assert_eq!(tried.releases, ["trixie", "sid"]);
        assert!(wish(&["--release", "trixie"]).is_err());
        assert!(wish(&["--tri"]).is_err());
    }
}
