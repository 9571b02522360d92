//! What a program asks of the system that it is to run on: shared libraries, and versions of their symbols.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::elf::{DT_NEEDED, FileHeader64};
use object::endian::Endianness;
use object::read::elf::FileHeader as _;

use super::tools::GLIBC;

/// Parts of glibc, which every Linux has that is not made for containers or routers. Anything else would have to be installed.
const PERMITTED: [&str; 6] = [
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
];

/// How versions of glibc's symbols begin.
const PREFIX: &str = "GLIBC_";

/// What a program needs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Demands {
    /// Names of shared libraries.
    libraries: BTreeSet<String>,
    /// Versions of symbols, by the library they are of.
    versions: BTreeMap<String, BTreeSet<String>>,
}

impl Demands {
    /// Those of a program or library in the ELF format of 64 bit.
    pub(super) fn of_file(path: &Path) -> Result<Self> {
        let bytes =
            fs::read(path).with_context(|| format!("{} could not be read", path.display()))?;
        Self::of_bytes(&bytes)
            .with_context(|| format!("{} is no program or library for Linux", path.display()))
    }

    fn of_bytes(bytes: &[u8]) -> Result<Self> {
        let header = FileHeader64::<Endianness>::parse(bytes)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, bytes)?;
        let mut demands = Self::default();
        let table = sections.dynamic_table(endian, bytes)?;
        for entry in &table {
            if entry.tag == DT_NEEDED {
                demands.libraries.insert(text(table.string(entry)?));
            }
        }
        if let Some((needs, link)) = sections.gnu_verneed(endian, bytes)? {
            let strings = sections.strings(endian, bytes, link)?;
            for need in needs {
                let (need, versions) = need?;
                let library = text(need.file(endian, strings)?);
                let known = demands.versions.entry(library).or_default();
                for version in versions {
                    known.insert(text(version?.name(endian, strings)?));
                }
            }
        }
        Ok(demands)
    }

    /// Fails where the program needs more than an old glibc.
    pub(super) fn check(&self) -> Result<()> {
        self.check_against(GLIBC)
    }

    fn check_against(&self, oldest: [u32; 2]) -> Result<()> {
        let [major, minor] = oldest;
        let strange: Vec<&str> = self
            .libraries
            .iter()
            .map(String::as_str)
            .filter(|library| !PERMITTED.contains(library))
            .collect();
        ensure!(
            strange.is_empty(),
            "it needs {}, which is no part of glibc: link it statically",
            strange.join(", ")
        );
        for (library, versions) in &self.versions {
            for version in versions {
                let within = glibc(version).is_some_and(|version| version <= oldest);
                ensure!(
                    within,
                    "it needs {version} of {library}, but is to run with glibc {major}.{minor}"
                );
            }
        }
        Ok(())
    }

    /// The newest version of glibc that a symbol is of.
    fn newest(&self) -> Option<[u32; 2]> {
        self.versions
            .values()
            .flatten()
            .filter_map(|version| glibc(version))
            .max()
    }
}

impl fmt::Display for Demands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let libraries: Vec<&str> = self.libraries.iter().map(String::as_str).collect();
        write!(f, "{}", libraries.join(", "))?;
        if let Some([major, minor]) = self.newest() {
            write!(f, "; its newest symbol is of glibc {major}.{minor}")?;
        }
        Ok(())
    }
}

/// `GLIBC_2.28` or `GLIBC_2.2.5` as major and minor version; nothing for versions of other things, such as `GLIBC_PRIVATE`.
fn glibc(version: &str) -> Option<[u32; 2]> {
    let mut numbers = version.strip_prefix(PREFIX)?.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some([major, minor])
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of this machine's: these tests.
    #[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
    fn own() -> Demands {
        let program = std::env::current_exe().expect("a program");
        Demands::of_file(&program).expect("an ELF file")
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
    fn a_real_program_is_read() {
        let demands = own();
        assert!(demands.libraries.contains("libc.so.6"), "{demands}");
        let newest = demands.newest().expect("symbols with versions");
        assert!(newest >= [2, 14], "{newest:?}");
        assert!(!demands.versions["libc.so.6"].is_empty());
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
    fn a_real_program_for_a_newer_glibc_is_refused() {
        let mut demands = own();
        demands
            .libraries
            .retain(|name| PERMITTED.contains(&name.as_str()));
        let [major, minor] = demands.newest().expect("symbols with versions");
        let message = demands
            .check_against([major, minor - 1])
            .expect_err("a refusal")
            .to_string();
        assert!(
            message.contains(&format!("GLIBC_{major}.{minor}")),
            "{message}"
        );
        assert!(message.contains(".so"), "{message}");
    }

    #[test]
    fn libraries_beyond_glibc_and_private_symbols_are_refused() {
        let demands = |library: &str, version: &str| Demands {
            libraries: BTreeSet::from(["libc.so.6".to_owned(), library.to_owned()]),
            versions: BTreeMap::from([(
                "libc.so.6".to_owned(),
                BTreeSet::from([version.to_owned()]),
            )]),
        };
        let good = demands("libm.so.6", "GLIBC_2.2.5");
        assert!(good.check().is_ok());
        assert_eq!(
            good.to_string(),
            "libc.so.6, libm.so.6; its newest symbol is of glibc 2.2"
        );
        assert!(demands("libm.so.6", "GLIBC_2.28").check().is_ok());
        assert!(demands("libm.so.6", "GLIBC_2.29").check().is_err());
        assert!(demands("libm.so.6", "GLIBC_PRIVATE").check().is_err());
        let message = demands("libopencv_core.so.406", "GLIBC_2.4")
            .check()
            .expect_err("a refusal")
            .to_string();
        assert!(message.contains("libopencv_core.so.406"), "{message}");
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        assert!(Demands::of_bytes(b"#!/bin/sh\necho e2m\n").is_err());
        assert!(Demands::of_bytes(&[]).is_err());
    }
}
