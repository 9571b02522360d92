//! The licences of every crate that is part of the program or of the module for Python, gathered from their packages into one
//! text, which the program has in itself: `e2m licences`.
//!
//! Where a crate may be taken under several licences and MIT is one of them, that text is enough. Equal texts stand once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::process::{captured, cargo};
use crate::workspace::Workspace;

/// Where the text is kept.
pub(crate) const FILE: &str = "crates/e2m-cli/licences/crates.txt";

/// What the program is built for where it is passed on as a program.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// How files begin whose content is asked to be passed on, in lower case.
const NAMES: [&str; 6] = [
    "licence",
    "license",
    "copying",
    "copyright",
    "notice",
    "unlicense",
];

/// Packages without the text of their licence, and one of the same repository and authors that has it.
const TEXTS_OF: [(&str, &str); 1] = [("alloc-stdlib", "alloc-no-stdlib")];

/// One crate of others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    name: String,
    version: String,
    licence: String,
}

/// Writes the file.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let path = workspace.root().join(FILE);
    fs::write(&path, document(workspace)?)
        .with_context(|| format!("{} could not be written", path.display()))
}

/// Fails where the file is not what the packages say.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let there = fs::read_to_string(workspace.root().join(FILE)).unwrap_or_default();
    if there.replace("\r\n", "\n") != document(workspace)? {
        bail!("{FILE} does not have the crates of Cargo.lock; run `cargo xtask docs` and commit");
    }
    Ok(())
}

fn document(workspace: &Workspace) -> Result<String> {
    let parts = parts(workspace)?;
    ensure!(!parts.is_empty(), "cargo lists no crates");
    let folders = folders(workspace)?;
    let own = fs::read_to_string(workspace.root().join("LICENSE-MIT"))?;
    let mut texts: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for part in &parts {
        let label = format!("{} {}", part.name, part.version);
        let folder = folders
            .get(&(part.name.clone(), part.version.clone()))
            .with_context(|| format!("the package of {label} is not on this machine"))?;
        let mut found = licence_texts(folder, &part.licence)?;
        if let Some((_, sister)) = TEXTS_OF.iter().find(|(name, _)| *name == part.name)
            && let Some((_, folder)) = folders.iter().find(|((name, _), _)| name == sister)
        {
            found.extend(licence_texts(folder, &part.licence)?);
        }
        if found.is_empty() {
            found.push(written_out(folder, &part.licence, &own).with_context(|| label.clone())?);
        }
        for text in found {
            let (_, users) = texts
                .entry(squeezed(&text))
                .or_insert_with(|| (text, Vec::new()));
            if !users.contains(&label) {
                users.push(label.clone());
            }
        }
    }
    let mut document = String::from(
        "Crates that are part of the program for Linux x86-64, or of the module for Python beside it:\n\n",
    );
    for part in &parts {
        let _ = writeln!(
            document,
            "  {} {}: {}",
            part.name, part.version, part.licence
        );
    }
    let mut texts: Vec<(String, Vec<String>)> = texts.into_values().collect();
    texts.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    for (text, users) in texts {
        let _ = write!(
            document,
            "\n{}\n{}:\n\n{}\n",
            "-".repeat(80),
            users.join(", "),
            text.trim_end()
        );
    }
    Ok(document)
}

/// Crates that are linked into the program, or into the module for Python: both are in the wheel.
fn parts(workspace: &Workspace) -> Result<BTreeSet<Part>> {
    let listing = captured(&mut cargo(
        workspace,
        [
            "tree",
            "--locked",
            "--package",
            "e2m-cli",
            "--package",
            "e2m-python",
            "--edges",
            "normal,no-proc-macro",
            "--target",
            TARGET,
            "--prefix",
            "none",
            "--format",
            "{p}|{l}|",
        ],
    ))?;
    Ok(parse_parts(&listing))
}

/// `name v1.2.3|MIT|`, of ours with a path behind the version.
fn parse_parts(listing: &str) -> BTreeSet<Part> {
    listing
        .lines()
        .filter_map(|line| {
            let (package, rest) = line.split_once('|')?;
            let (licence, _) = rest.split_once('|')?;
            let mut words = package.split_whitespace();
            let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
            let ours = words.any(|word| word.starts_with("(/"));
            (!ours).then(|| Part {
                name: name.to_owned(),
                version: version.to_owned(),
                licence: licence.to_owned(),
            })
        })
        .collect()
}

/// Where each package lies. Of the JSON only the paths of manifests are read, so that xtask needs no reader of JSON.
fn folders(workspace: &Workspace) -> Result<BTreeMap<(String, String), PathBuf>> {
    let filter = format!("--filter-platform={TARGET}");
    let metadata = captured(&mut cargo(
        workspace,
        [
            "metadata",
            "--locked",
            "--format-version=1",
            filter.as_str(),
        ],
    ))?;
    let mut folders = BTreeMap::new();
    for path in manifests(&metadata) {
        let folder = path.parent().unwrap_or(&path).to_owned();
        // The folder of a package is called after name and version; a version begins with a digit behind a hyphen.
        let called = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let split = called.match_indices('-').map(|(at, _)| at).find(|at| {
            called
                .as_bytes()
                .get(at + 1)
                .is_some_and(u8::is_ascii_digit)
                && called.get(at + 1..).is_some_and(|rest| rest.contains('.'))
        });
        if let Some((name, version)) =
            split.and_then(|at| Some((called.get(..at)?, called.get(at + 1..)?)))
        {
            folders.insert((name.to_owned(), version.to_owned()), folder);
        }
    }
    Ok(folders)
}

fn manifests(metadata: &str) -> impl Iterator<Item = PathBuf> + '_ {
    metadata
        .split("\"manifest_path\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(PathBuf::from)
}

/// The texts in a package that are enough for this licence.
fn licence_texts(folder: &Path, licence: &str) -> Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .with_context(|| format!("{} could not be read", folder.display()))?
        .filter_map(std::result::Result::ok)
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| {
            NAMES
                .iter()
                .any(|begin| name.to_lowercase().starts_with(begin))
        })
        .collect();
    names.sort();
    enough(&mut names, licence);
    names
        .iter()
        .map(|name| {
            let path = folder.join(name);
            let bytes =
                fs::read(&path).with_context(|| format!("{} could not be read", path.display()))?;
            Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
        })
        .collect()
}

/// Leaves the file of MIT alone where that is one of several to choose from.
fn enough(names: &mut Vec<String>, licence: &str) {
    let choice = !licence.contains("AND") && (licence.contains(" OR ") || licence.contains('/'));
    let is_mit = |name: &String| name.to_lowercase().contains("mit");
    if choice && licence.contains("MIT") && names.iter().any(is_mit) {
        names.retain(is_mit);
    }
}

/// The text of MIT with the authors of a package that has none.
fn written_out(folder: &Path, licence: &str, own: &str) -> Result<String> {
    ensure!(
        licence.contains("MIT") && !licence.contains("AND"),
        "the package has no text of its licence, {licence}"
    );
    let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml"))?.parse()?;
    let authors = manifest["package"]
        .get("authors")
        .and_then(toml::Value::as_array)
        .map_or_else(
            || "its authors".to_owned(),
            |authors| {
                let names: Vec<&str> = authors.iter().filter_map(toml::Value::as_str).collect();
                names.join(", ")
            },
        );
    let mut lines = Vec::new();
    for line in own.lines() {
        if line.starts_with("Copyright") {
            lines.push(format!("Copyright (c) {authors}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    Ok(lines.join("\n"))
}

/// A text by its words, whatever lines it is broken into.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_others_are_listed_once() {
        let listing = "e2m-cli v0.1.0 (/somewhere/crates/e2m-cli)|MIT OR Apache-2.0|\n\
                       a-b v1.2.3|MIT| (*)\na-b v1.2.3|MIT|\nc v0.1.0|Zlib|\n";
        let parts = parse_parts(listing);
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["a-b", "c"]);
    }

    #[test]
    fn one_of_several_licences_is_enough_and_both_of_two_are_needed() {
        let all = || vec!["LICENSE-APACHE".to_owned(), "LICENSE-MIT".to_owned()];
        let mut names = all();
        enough(&mut names, "MIT OR Apache-2.0");
        assert_eq!(names, ["LICENSE-MIT"]);
        let mut names = all();
        enough(&mut names, "(MIT OR Apache-2.0) AND Unicode-3.0");
        assert_eq!(names, all());
        let mut names = vec!["LICENSE".to_owned()];
        enough(&mut names, "MIT OR Apache-2.0");
        assert_eq!(names, ["LICENSE"]);
    }

    #[test]
    fn manifests_are_found_in_the_description_of_the_workspace() {
        let json = r#"{"packages":[{"name":"a","manifest_path":"/r/a-1.0.0/Cargo.toml"},{"manifest_path":"/r/b/Cargo.toml","x":1}]}"#;
        let found: Vec<PathBuf> = manifests(json).collect();
        assert_eq!(
            found,
            [
                Path::new("/r/a-1.0.0/Cargo.toml"),
                Path::new("/r/b/Cargo.toml")
            ]
        );
    }
}
