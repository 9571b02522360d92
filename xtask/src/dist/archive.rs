//! The archive: the same bytes whenever and wherever it is packed from the same files.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::contents::{self, File, VERSION};
use super::folders::Folders;
use super::sources::checksum;
use super::step::write;
use crate::process::output;
use crate::workspace::Workspace;

/// The largest archive that is passed on, bytes.
const LARGEST: u64 = 40_000_000;

/// When every file was changed, where git does not say when the commit was made: a day in 2001, as tar warns of 1970.
const SOME_DAY: u64 = 1_000_000_000;

/// The name of the archive's one folder, and of the archive without its ending.
pub(super) fn stem() -> String {
    format!("e2m-{VERSION}-x86_64-linux")
}

/// Packs the program; answers with the archive, beside which its checksum lies.
pub(super) fn make(workspace: &Workspace, folders: &Folders, program: &Path) -> Result<PathBuf> {
    let files = contents::gather(workspace, program)?;
    let stem = stem();
    let bytes = pack(&stem, &files, changed(workspace)?)?;
    let path = folders.root().join(format!("{stem}.tar.gz"));
    write(&path, &bytes)?;
    let size = fs::metadata(&path)?.len();
    ensure!(
        size <= LARGEST,
        "{} has {size} bytes, more than {LARGEST}",
        path.display()
    );
    let checksum = checksum(&path)?;
    write(
        &folders.root().join(format!("{stem}.tar.gz.sha256")),
        format!("{checksum}  {stem}.tar.gz\n").as_bytes(),
    )?;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "dist: {} has {:.1} MB, unpacked {:.1} MB\ndist: SHA-256 {checksum}",
        path.display(),
        megabytes(size),
        megabytes(files.iter().map(|file| file.bytes.len() as u64).sum()),
    );
    Ok(path)
}

/// When the commit was made, seconds since 1970.
fn changed(workspace: &Workspace) -> Result<u64> {
    let said = output(Command::new("git").current_dir(workspace.root()).args([
        "log",
        "-1",
        "--format=%ct",
    ]));
    Ok(said
        .ok()
        .and_then(|time| time.trim().parse().ok())
        .unwrap_or(SOME_DAY))
}

/// The files in one folder, sorted, owned by nobody, of one time, compressed without name or time.
fn pack(folder: &str, files: &[File], changed: u64) -> Result<Vec<u8>> {
    let mut files: Vec<&File> = files.iter().collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    let mut tar = Builder::new(gzip);
    let mut put = |path: String, kind: EntryType, mode: u32, bytes: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(changed);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, &path, bytes)
            .with_context(|| format!("{path} could not be packed"))
    };
    put(format!("{folder}/"), EntryType::Directory, 0o755, &[])?;
    for file in files {
        let mode = if file.executable { 0o755 } else { 0o644 };
        put(
            format!("{folder}/{}", file.name),
            EntryType::Regular,
            mode,
            &file.bytes,
        )?;
    }
    let mut gzip = tar.into_inner()?;
    gzip.flush()?;
    Ok(gzip.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn file(name: &str, bytes: &[u8], executable: bool) -> File {
        File {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
            executable,
        }
    }

    #[test]
    fn the_same_files_are_packed_to_the_same_bytes_in_any_order() {
        let (program, text) = (
            file("e2m", &[7; 100_000], true),
            file("README.txt", b"Unpack it.\n", false),
        );
        let one = pack("e2m-1", &[program.clone(), text.clone()], 5).expect("an archive");
        let other = pack("e2m-1", &[text, program], 5).expect("an archive");
        assert_eq!(one, other);
        let changed = pack("e2m-1", &[file("e2m", &[8; 100_000], true)], 5).expect("an archive");
        assert_ne!(one, changed);
    }

    #[test]
    fn everything_lies_in_one_folder_and_only_the_program_can_be_run() {
        let files = [file("e2m", b"\x7fELF", true), file("A.txt", b"text", false)];
        let bytes = pack("e2m-1", &files, SOME_DAY).expect("an archive");
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let mut found = Vec::new();
        for entry in archive.entries().expect("entries") {
            let mut entry = entry.expect("an entry");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("content");
            let header = entry.header();
            assert_eq!(header.mtime().expect("a time"), SOME_DAY);
            assert_eq!(header.uid().expect("an owner"), 0);
            found.push((
                entry.path().expect("a path").display().to_string(),
                header.mode().expect("a mode"),
                content.len(),
            ));
        }
        let found: Vec<(&str, u32, usize)> = found
            .iter()
            .map(|(path, mode, length)| (path.as_str(), *mode, *length))
            .collect();
        assert_eq!(
            found,
            [
                ("e2m-1/", 0o755, 0),
                ("e2m-1/A.txt", 0o644, 4),
                ("e2m-1/e2m", 0o755, 4)
            ]
        );
    }

    #[test]
    #[cfg(unix)]
    fn the_usual_tar_unpacks_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.tar.gz");
        let files = [file("e2m", b"#!/bin/sh\necho it runs\n", true)];
        fs::write(&path, pack("e2m-1", &files, SOME_DAY).expect("an archive")).expect("a file");
        crate::process::run(
            Command::new("tar")
                .current_dir(folder.path())
                .args(["-xzf", "a.tar.gz"]),
        )
        .expect("unpacked");
        let said = crate::process::captured(&mut Command::new(folder.path().join("e2m-1/e2m")));
        assert_eq!(said.expect("output"), "it runs\n");
    }

    /// The program of the same build, which `cargo test --workspace` has made; none where only these tests were built.
    #[cfg(target_os = "linux")]
    fn built_program() -> Option<PathBuf> {
        let tests = std::env::current_exe().expect("these tests");
        let program = tests.parent()?.parent()?.join("e2m");
        program.is_file().then_some(program)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_program_is_packed_with_its_licences_and_runs_once_unpacked() {
        let Some(program) = built_program() else {
            return;
        };
        let workspace = Workspace::here().expect("a workspace");
        let files = contents::gather(&workspace, &program).expect("files");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.tar.gz");
        fs::write(&path, pack("e2m-1", &files, SOME_DAY).expect("an archive")).expect("a file");
        crate::process::run(
            Command::new("tar")
                .current_dir(folder.path())
                .args(["-xzf", "a.tar.gz"]),
        )
        .expect("unpacked");
        let inside = folder.path().join("e2m-1");
        let said = crate::process::captured(Command::new(inside.join("e2m")).arg("--version"));
        assert_eq!(said.expect("output").trim(), format!("e2m {VERSION}"));
        let text = |name: &str| fs::read_to_string(inside.join(name)).expect("a text");
        for part in ["OpenCV", "CFITSIO", "zlib", "ndarray"] {
            assert!(text("LICENCES.txt").contains(part), "no licence of {part}");
        }
        assert!(text("README.txt").contains(VERSION));
        // It is linked with this system's OpenCV, which an archive must not need.
        let demands = super::super::elf::Demands::of_file(&inside.join("e2m"));
        let refusal = demands.expect("demands").check().expect_err("a refusal");
        assert!(refusal.to_string().contains("libopencv_core"), "{refusal}");
    }
}
