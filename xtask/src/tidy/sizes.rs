//! How large the crates are, as a table in Markdown.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::crates::Crate;
use super::sources::{is_test_code, rust_files, test_module_lines};

/// Lines of a crate.
#[derive(Debug, Default, PartialEq, Eq)]
struct Size {
    files: usize,
    /// In libraries and programs.
    code: usize,
    /// In tests, wherever they are, examples and benches.
    tests: usize,
    /// The longest file of libraries and programs.
    longest: (usize, String),
}

/// The table.
pub(super) fn table(root: &Path, crates: &[Crate]) -> Result<String> {
    let mut text = String::from(
        "| crate | files | lines | of tests, examples and benches | longest file |\n|---|---|---|---|---|\n",
    );
    let (mut code, mut tests, mut files) = (0, 0, 0);
    for krate in crates {
        let size = size(&root.join(&krate.folder))?;
        let (lines, longest) = &size.longest;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {longest}, {lines} |",
            krate.name, size.files, size.code, size.tests
        );
        (code, tests, files) = (code + size.code, tests + size.tests, files + size.files);
    }
    let _ = writeln!(text, "| in all | {files} | {code} | {tests} | |");
    Ok(text)
}

fn size(folder: &Path) -> Result<Size> {
    let mut size = Size::default();
    for path in rust_files(folder)? {
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} could not be read", path.display()))?;
        let inside = path.strip_prefix(folder).unwrap_or(&path);
        let lines = text.lines().count();
        size.files += 1;
        if is_test_code(folder, inside)? {
            size.tests += lines;
            continue;
        }
        let tests = test_module_lines(&text).len();
        size.code += lines - tests;
        size.tests += tests;
        if lines > size.longest.0 {
            size.longest = (lines, inside.display().to_string().replace('\\', "/"));
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_apart_wherever_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, text).expect("a file");
        };
        put("src/lib.rs", "mod a;\n\n#[cfg(test)]\nmod tests {\n}\n");
        put("src/a.rs", "fn f() {}\n");
        put("tests/b.rs", "fn g() {}\nfn h() {}\n");
        let found = size(folder.path()).expect("readable");
        assert_eq!(
            found,
            Size {
                files: 3,
                code: 4,
                tests: 4,
                longest: (5, "src/lib.rs".into()),
            }
        );
    }
}
