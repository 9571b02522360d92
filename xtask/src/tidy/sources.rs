//! What the Rust files must not contain.
//!
//! The rules work on lines, not on syntax: comments are cut off, and a `#[cfg(test)]` module is recognised by its
//! indentation, which rustfmt guarantees. That is exact enough for code that is formatted and keeps false alarms rare.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::crates::Crate;
use super::finding::Finding;

const MAX_LINES: usize = 600;

/// Words that a library crate must not use.
struct LibraryRule {
    words: &'static [&'static str],
    /// The crates it holds for; empty means every library.
    crates: &'static [&'static str],
    message: &'static str,
}

const LIBRARY_RULES: &[LibraryRule] = &[
    LibraryRule {
        words: &["println!", "eprintln!", "print!", "eprint!", "dbg!"],
        crates: &[],
        message: "a library crate never prints; return the value or emit a tracing event",
    },
    LibraryRule {
        words: &["env::var", "env::args", "env::temp_dir", "env::{"],
        crates: &[],
        message: "a library crate never reads the environment; take the value as a parameter and read it in e2m-cli",
    },
    LibraryRule {
        words: &["process::exit", "process::abort"],
        crates: &[],
        message: "a library crate never exits; return an error",
    },
    LibraryRule {
        words: &["std::fs", "fs::File", "File::open", "File::create"],
        crates: &[
            "e2m-image",
            "e2m-align",
            "e2m-scale",
            "e2m-detect",
            "e2m-plot",
        ],
        message: "this crate takes planes, bands and writers; open files in e2m-io or e2m-pipeline",
    },
    LibraryRule {
        words: &[
            "fs::write(",
            "fs::rename(",
            "fs::create_dir",
            "File::create",
            "OpenOptions",
        ],
        crates: &["e2m-pipeline"],
        message: "results get to the disk through e2m-io only, whose every change to a disk is tested by killing runs at it",
    },
];

/// Signs of unfinished work, wrong anywhere. Put together so that this file does not contain them.
const UNFINISHED: &[&str] = &[
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("#[ig", "nore"),
];

const UNFINISHED_MESSAGE: &str =
    "unfinished work is left here; finish it, or open an issue and remove the mark";

/// Crates that are programs altogether, or parts of tests.
const PROGRAMS: [&str; 3] = ["e2m-cli", "e2m-testing", "xtask"];

/// Checks every Rust file of every crate.
pub(super) fn check(root: &Path, crates: &[Crate]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for krate in crates {
        for path in rust_files(&root.join(&krate.folder))? {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} could not be read", path.display()))?;
            let path = path.strip_prefix(root).unwrap_or(&path);
            findings.extend(file_findings(krate, path, &text));
        }
    }
    Ok(findings)
}

/// Every Rust file below a folder.
pub(super) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} could not be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

fn file_findings(krate: &Crate, path: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let inside = path.strip_prefix(&krate.folder).unwrap_or(path);
    let is_root = inside == Path::new("src/lib.rs") || inside == Path::new("src/main.rs");
    if is_root && !text.starts_with("//!") {
        findings.push(Finding::at_line(
            path,
            1,
            "a crate's root starts with `//!` docs: what lives here and who calls it",
        ));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        let message = format!("{lines} lines; split it below {MAX_LINES}, one idea per file");
        findings.push(Finding::in_file(path, message));
    }
    findings.extend(unfinished(path, text));
    if is_library(&krate.name, inside) {
        findings.extend(library_findings(&krate.name, path, text));
    }
    findings
}

/// Whether a file of a crate is no part of its library and programs, but of tests, examples or benches.
pub(super) fn is_test_code(folder: &Path, inside: &Path) -> Result<bool> {
    if !inside.starts_with("src") || in_tests(inside) {
        return Ok(true);
    }
    // A module in a file of its own that is declared for tests only.
    let (Some(above), Some(name)) = (inside.parent(), inside.file_stem()) else {
        return Ok(false);
    };
    for parent in ["lib.rs", "main.rs", "mod.rs"] {
        let path = folder.join(above).join(parent);
        if path.is_file() {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} could not be read", path.display()))?;
            let declared = format!("#[cfg(test)]\nmod {};", name.to_string_lossy());
            if text.contains(&declared) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn in_tests(inside: &Path) -> bool {
    inside.components().any(|part| part.as_os_str() == "tests")
        || inside.file_name().is_some_and(|name| name == "tests.rs")
}

/// Whether the file is compiled into a library that others link, judged by where it lies in its crate.
fn is_library(krate: &str, inside: &Path) -> bool {
    inside.starts_with("src")
        && inside != Path::new("src/main.rs")
        && !inside.starts_with("src/bin")
        && !in_tests(inside)
        && !PROGRAMS.contains(&krate)
}

fn unfinished(path: &Path, text: &str) -> Vec<Finding> {
    numbered(text)
        .filter(|(_, line)| UNFINISHED.iter().any(|word| has_word(line, word)))
        .map(|(number, _)| Finding::at_line(path, number, UNFINISHED_MESSAGE))
        .collect()
}

fn library_findings(krate: &str, path: &Path, text: &str) -> Vec<Finding> {
    let rules: Vec<&LibraryRule> = LIBRARY_RULES
        .iter()
        .filter(|rule| rule.crates.is_empty() || rule.crates.contains(&krate))
        .collect();
    let tests = test_module_lines(text);
    let mut findings = Vec::new();
    for (number, line) in numbered(text).filter(|(number, _)| !tests.contains(number)) {
        let code = without_comment(line);
        for rule in &rules {
            if rule.words.iter().any(|word| has_word(code, word)) {
                findings.push(Finding::at_line(path, number, rule.message));
            }
        }
    }
    findings
}

/// Lines with their numbers, from 1.
pub(super) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

/// The numbers of the lines in modules below `#[cfg(test)]`: up to the brace at the module's own indentation.
pub(super) fn test_module_lines(text: &str) -> Vec<usize> {
    let mut inside = Vec::new();
    let mut lines = numbered(text);
    while let Some((_, line)) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            continue;
        }
        let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
        let end = format!("{indent}}}");
        for (number, line) in lines.by_ref() {
            inside.push(number);
            if line == end || line.ends_with(';') && inside.len() == 1 {
                break;
            }
        }
    }
    inside
}

/// A line up to its comment.
pub(super) fn without_comment(line: &str) -> &str {
    let before = line
        .match_indices("//")
        .filter_map(|(at, _)| line.get(..at));
    let mut before = before.filter(|code| code.is_empty() || code.ends_with(' '));
    before.next().unwrap_or(line)
}

/// Whether `word` occurs in `line` other than as the end of a longer name, or, for a plain name, as its beginning.
fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let plain = word.chars().all(is_name);
    line.match_indices(word).any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        let before = before.chars().next_back().is_some_and(is_name);
        let after = rest
            .strip_prefix(word)
            .and_then(|after| after.chars().next());
        let after = after.is_some_and(is_name);
        !(before || plain && after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings for one file of a crate, as `line: message`.
    fn findings(name: &str, inside: &str, text: &str) -> Vec<(Option<usize>, String)> {
        let folder = PathBuf::from("crates").join(name);
        let path = folder.join(inside);
        let krate = Crate {
            name: name.into(),
            folder,
            manifest: toml::Table::new(),
        };
        file_findings(&krate, &path, text)
            .into_iter()
            .map(|finding| (finding.line, finding.message))
            .collect()
    }

    #[test]
    fn a_library_that_prints_reads_the_environment_or_exits_is_found() {
        let text = "fn f() {\n    println!(\"x\");\n    let a = std::env::var(\"A\");\n    std::process::exit(1);\n}\n";
        let found = findings("e2m-io", "src/a.rs", text);
        let lines: Vec<Option<usize>> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [Some(2), Some(3), Some(4)]);
    }

    #[test]
    fn programs_tests_and_examples_may_print() {
        let text = "fn f() {\n    println!(\"x\");\n}\n";
        for (name, inside) in [
            ("e2m-cli", "src/a.rs"),
            ("e2m-fixtures", "src/bin/a.rs"),
            ("e2m-io", "tests/a.rs"),
            ("e2m-io", "src/reader/tests.rs"),
            ("e2m-io", "examples/a.rs"),
        ] {
            assert_eq!(findings(name, inside, text), [], "{name} {inside}");
        }
    }

    #[test]
    fn comments_doc_examples_and_test_modules_may_print() {
        let text = "/// println!(\"x\");\nfn f() {} // println!()\n#[cfg(test)]\nmod tests {\n    fn g() {\n        println!();\n    }\n}\n";
        assert_eq!(findings("e2m-io", "src/a.rs", text), []);
        let after = format!("{text}fn h() {{\n    println!();\n}}\n");
        assert_eq!(findings("e2m-io", "src/a.rs", &after).len(), 1);
    }

    #[test]
    fn a_test_module_in_its_own_file_ends_at_its_semicolon() {
        let text = "#[cfg(test)]\nmod tests;\nfn f() {\n    dbg!(1);\n}\n";
        assert_eq!(findings("e2m-io", "src/a.rs", text)[0].0, Some(4));
    }

    #[test]
    fn a_link_is_no_comment() {
        assert_eq!(
            without_comment("let a = \"http://x\"; // why"),
            "let a = \"http://x\"; "
        );
    }

    #[test]
    fn only_io_and_pipeline_open_files() {
        let text = "use std::fs::File;\n";
        assert_eq!(findings("e2m-align", "src/a.rs", text).len(), 1);
        assert_eq!(findings("e2m-io", "src/a.rs", text).len(), 0);
    }

    #[test]
    fn unfinished_work_is_found_everywhere_even_in_comments() {
        for word in UNFINISHED {
            let text = format!("fn f() {{}}\n// {word} later\n");
            let found = findings("e2m-cli", "tests/a.rs", &text);
            assert_eq!(found.len(), 1, "{word}");
            assert_eq!(found[0].0, Some(2));
        }
    }

    #[test]
    fn a_word_inside_a_longer_name_is_not_that_word() {
        assert!(!has_word("blueprint!()", "print!"));
        assert!(!has_word(concat!("PREFIX", "ME"), UNFINISHED[2]));
        assert!(has_word("std::env::var_os(\"A\")", "env::var"));
    }

    #[test]
    fn a_long_file_and_a_root_without_docs_are_found() {
        let text = "fn f() {}\n".repeat(MAX_LINES + 1);
        let found = findings("e2m-io", "src/lib.rs", &text);
        assert!(found[0].1.contains("starts with `//!`"), "{found:?}");
        assert!(found[1].1.contains("601 lines"), "{found:?}");
        assert_eq!(
            findings("e2m-io", "src/a.rs", &"//\n".repeat(MAX_LINES)),
            []
        );
    }
}
