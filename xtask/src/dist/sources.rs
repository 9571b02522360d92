//! OpenCV, CFITSIO and zlib as Debian has them: its source packages, fetched by apt-get, which checks who signed them.
//!
//! What is taken of a package is the archive of its authors, which stays the same when Debian packages it again. Debian's patches
//! are left out: for what is built here they change nothing but how CMake looks for LAPACK, Qt and the like.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::folders::Folders;
use super::step::{Log, Step, write};
use crate::process::captured;

/// One source package.
pub(super) struct Source {
    /// Its name in Debian.
    pub(super) package: &'static str,
    /// The version of its authors.
    pub(super) version: &'static str,
    /// The archive.
    pub(super) file: &'static str,
    /// SHA-256 of the archive, as in Debian's list of sources.
    pub(super) checksum: &'static str,
    /// The folder in the archive.
    folder: &'static str,
}

pub(super) const ZLIB: Source = Source {
    package: "zlib",
    version: "1.2.13",
    file: "zlib_1.2.13.dfsg.orig.tar.bz2",
    checksum: "71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1",
    folder: "zlib-1.2.13.dfsg",
};

pub(super) const CFITSIO: Source = Source {
    package: "cfitsio",
    version: "4.2.0",
    file: "cfitsio_4.2.0.orig.tar.gz",
    checksum: "eba53d1b3f6e345632bb09a7b752ec7ced3d63ec5153a848380f3880c5d61889",
    folder: "cfitsio-4.2.0",
};

pub(super) const OPENCV: Source = Source {
    package: "opencv",
    version: "4.6.0",
    file: "opencv_4.6.0+dfsg.orig.tar.xz",
    checksum: "40a59ba7e5c18a43652de0a08733c9843a39bba619b1f3e26a5fac4a6f041423",
    folder: "opencv-4.6.0",
};

/// All of them.
pub(super) const SOURCES: [Source; 3] = [ZLIB, CFITSIO, OPENCV];

/// The release of Debian they are of: the one whose packages the tests use.
const RELEASE: &str = "bookworm";

/// Who signs Debian's archive.
pub(super) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

impl Source {
    /// Where it is unpacked.
    pub(super) fn unpacked(&self, folders: &Folders) -> PathBuf {
        folders.sources().join(self.folder)
    }
}

/// Fetches and unpacks what is missing.
pub(super) fn ensure(folders: &Folders, mirror: Option<&str>) -> Result<()> {
    Step::new(folders, "sources").unless_done(&recipe(), |log| {
        fetch(folders, mirror, log)?;
        fs::create_dir_all(folders.sources())?;
        for source in &SOURCES {
            let archive = folders.packages().join(source.file);
            let found = checksum(&archive)?;
            ensure!(
                found == source.checksum,
                "{} has the SHA-256 {found} instead of {}; remove it to fetch it again",
                archive.display(),
                source.checksum
            );
            let unpacked = source.unpacked(folders);
            if unpacked.exists() {
                fs::remove_dir_all(&unpacked)?;
            }
            log.run(
                Command::new("tar")
                    .arg("-C")
                    .arg(folders.sources())
                    .arg("-xf")
                    .arg(archive),
            )?;
        }
        Ok(())
    })
}

fn recipe() -> String {
    SOURCES
        .iter()
        .map(|source| format!("{} {}\n", source.checksum, source.file))
        .collect()
}

/// Fetches the archives that are not there, by package lists of our own: those of the system stay as they are.
fn fetch(folders: &Folders, mirror: Option<&str>, log: &Log) -> Result<()> {
    let packages = folders.packages();
    let missing: Vec<&str> = SOURCES
        .iter()
        .filter(|source| !packages.join(source.file).is_file())
        .map(|source| source.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(&packages)?;
    let mirror = mirror_or_usual(mirror)?;
    let options = apt_options(folders, &mirror)?;
    let apt_get = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .current_dir(&packages)
            .arg("-q")
            .args(&options)
            .args(args);
        command
    };
    log.run(&mut apt_get(&["update"]))?;
    log.run(apt_get(&["source", "--download-only", "--tar-only"]).args(&missing))?;
    // A package may come in several archives, of which one is used.
    let wanted: BTreeSet<&str> = SOURCES.iter().map(|source| source.file).collect();
    for entry in fs::read_dir(&packages)? {
        let entry = entry?;
        if !wanted.contains(&*entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    for source in &SOURCES {
        ensure!(
            packages.join(source.file).is_file(),
            "Debian's {RELEASE} has another {} than {}; its version and checksum stand in xtask/src/dist/sources.rs",
            source.package,
            source.file
        );
    }
    Ok(())
}

/// A sources.list and folders for lists and packages below target, as options of apt-get.
fn apt_options(folders: &Folders, mirror: &str) -> Result<Vec<String>> {
    let apt = folders.apt();
    for folder in ["lists/partial", "archives/partial"] {
        fs::create_dir_all(apt.join(folder))?;
    }
    let list = apt.join("sources.list");
    let line = format!("deb-src [signed-by={KEYRING}] {mirror} {RELEASE} main\n");
    write(&list, line.as_bytes())?;
    Ok([
        format!("Dir::Etc::SourceList={}", list.display()),
        "Dir::Etc::SourceParts=/dev/null".to_owned(),
        format!("Dir::State::Lists={}", apt.join("lists").display()),
        format!("Dir::Cache={}", apt.display()),
        // Its usual user may not write below a home.
        "APT::Sandbox::User=root".to_owned(),
    ]
    .into_iter()
    .flat_map(|option| ["-o".to_owned(), option])
    .collect())
}

/// The mirror that was named, or the one that this system has its packages from.
pub(super) fn mirror_or_usual(named: Option<&str>) -> Result<String> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let format = "$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)";
    let listing = captured(Command::new("apt-get").args([
        "indextargets",
        "--format",
        format,
        "Created-By: Packages",
    ]))?;
    match debian_mirror(&listing) {
        Some(mirror) => Ok(mirror.to_owned()),
        None => bail!(
            "apt-get has no packages of Debian itself here: run `apt-get update` if this is Debian, or name a mirror with --mirror"
        ),
    }
}

/// The address of Debian's main archive, not of its updates, in a listing of what apt-get knows.
fn debian_mirror(listing: &str) -> Option<&str> {
    listing.lines().find_map(|line| {
        let mut fields = line.split('|');
        let (origin, release, component) = (fields.next()?, fields.next()?, fields.next()?);
        let address = fields.next()?.trim_end_matches('/');
        (origin == "Debian" && component == "main" && !release.contains('-')).then_some(address)
    })
}

/// SHA-256 of a file.
pub(super) fn checksum(path: &Path) -> Result<String> {
    let said = captured(Command::new("sha256sum").arg(path))?;
    // A name with odd characters is marked by a backslash before the sum.
    let sum = said.trim_start_matches('\\').split_whitespace().next();
    sum.map(str::to_owned)
        .with_context(|| format!("sha256sum said nothing about {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_that_of_the_release_and_not_of_its_updates() {
        let listing = "Other|n|main|http://a.example\nDebian|bookworm-security|main|http://s.example/security/\n\
            Debian|bookworm|contrib|http://c.example/\nDebian|bookworm|main|http://d.example/debian/\n";
        assert_eq!(debian_mirror(listing), Some("http://d.example/debian"));
        assert_eq!(debian_mirror("Ubuntu|noble|main|http://u.example/\n"), None);
    }

    #[test]
    fn a_checksum_is_that_of_the_content() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a b");
        fs::write(&path, "abc").expect("a file");
        assert_eq!(
            checksum(&path).expect("a checksum"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn what_is_not_the_pinned_archive_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = Folders::below(folder.path());
        for source in &SOURCES {
            write(&folders.packages().join(source.file), b"something else").expect("a file");
        }
        let message = ensure(&folders, None).expect_err("a refusal").to_string();
        assert!(message.contains(ZLIB.checksum), "{message}");
        assert!(!ZLIB.unpacked(&folders).exists());
    }
}
