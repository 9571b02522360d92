//! Words that the code no longer uses, each with the one that takes its place: what a reader would search for.
//!
//! Names of files, identifiers and comments are taken apart into words, at underscores and capital letters.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::crates::Crate;
use super::finding::Finding;
use super::sources::{numbered, rust_files};

/// This file, which has to name them.
const OWN: &str = "xtask/src/tidy/words.rs";

/// The words, taken apart, and what to say instead.
const GONE: &[(&[&str], &str)] = &[
    (&["aftermath"], "recovery"),
    (&["attendant"], "worker supervisor"),
    (&["bury"], "reap"),
    (&["by", "way", "of"], "in scratch"),
    (&["condemned"], "kill reason"),
    (&["crew"], "worker pool"),
    (&["disown"], "revoke"),
    (&["follower"], "batch reporter"),
    (&["hush"], "drain"),
    (&["keep", "company"], "run"),
    (&["letterbox"], "command channel"),
    (&["likeness"], "similarity"),
    (&["mailbox"], "command channel"),
    (&["outlook"], "preview"),
    (&["overhear"], "fuzz API"),
    (&["overheard"], "fuzz API"),
    (&["performer"], "task handler"),
];

/// Checks every Rust file of every crate.
pub(super) fn check(root: &Path, crates: &[Crate]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for krate in crates {
        for path in rust_files(&root.join(&krate.folder))? {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} could not be read", path.display()))?;
            let path = path.strip_prefix(root).unwrap_or(&path);
            if path != Path::new(OWN) {
                findings.extend(file_findings(path, &text));
            }
        }
    }
    Ok(findings)
}

fn file_findings(path: &Path, text: &str) -> Vec<Finding> {
    let in_name = words_gone(&path.to_string_lossy()).map(|said| Finding::in_file(path, said));
    let in_text = numbered(text).flat_map(|(number, line)| {
        words_gone(line).map(move |message| Finding::at_line(path, number, message))
    });
    in_name.chain(in_text).collect()
}

/// What to say instead of each word that is gone.
fn words_gone(line: &str) -> impl Iterator<Item = String> + use<> {
    let words = words(line);
    let found = GONE.iter().filter(move |(gone, _)| {
        words.windows(gone.len()).any(|words| {
            words
                .iter()
                .zip(*gone)
                .all(|(word, gone)| is_same(word, gone))
        })
    });
    found.map(|(gone, instead)| {
        let gone = gone.join("_");
        format!("`{gone}` is no word of this project any more; say {instead}, which a reader would search for")
    })
}

/// In the singular or the plural.
fn is_same(word: &str, gone: &str) -> bool {
    word.strip_prefix(gone)
        .is_some_and(|rest| rest.is_empty() || rest == "s" || rest == "es")
}

/// The words of a line in small letters: `LetterBox` and `letter_box` are two. Words on both sides of a mark such as `=` do not
/// belong together; the mark stands between them.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in line.chars() {
        let begins = c.is_uppercase() && before.is_lowercase();
        if (begins || !c.is_alphabetic()) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            if c.is_alphabetic() {
                word.extend(c.to_lowercase());
            } else if !matches!(c, ' ' | '_' | '-') {
                word.push(c);
                words.push(String::new());
            }
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<Option<usize>> {
        let findings = file_findings(Path::new(path), text).into_iter();
        findings.map(|finding| finding.line).collect()
    }

    #[test]
    fn a_word_that_is_gone_is_found_in_names_comments_and_file_names() {
        let text = "// The crew works.\nfn f(letterbox: u8) {}\nstruct WorkerCrews;\nfn run_task_by_way_of() {}\n";
        let all = [Some(1), Some(2), Some(3), Some(4)];
        assert_eq!(lines("crates/e2m-io/src/a.rs", text), all);
        assert_eq!(
            lines("crates/e2m-io/src/crew/mod.rs", "fn f() {}\n"),
            [None]
        );
        let said = words_gone("let outlook = 1;").collect::<Vec<_>>();
        assert!(said[0].contains("`outlook`") && said[0].contains("say preview"));
    }

    #[test]
    fn a_longer_word_is_another_word() {
        let text = "fn screw_hushed() {} // by the way, a company\nlet keep = company;\n";
        assert_eq!(lines("crates/e2m-io/src/a.rs", text), []);
    }
}
