//! Writes the docs pages that are made from the code, or with `--check` compares them with what is there.
//!
//! `cargo run -p e2m-cli --example generate_docs -- <docs-dir> [--check]`; `cargo xtask docs` calls it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let check = arguments.next().map(|flag| flag == "--check");
    let (Some(folder), true) = (folder, check != Some(false)) else {
        return fail("usage: generate_docs <docs-dir> [--check]");
    };
    let stale = |document: &e2m_cli::Document| {
        let there = std::fs::read_to_string(folder.join(document.name)).unwrap_or_default();
        there.replace("\r\n", "\n") != document.text
    };
    for document in e2m_cli::documents()
        .iter()
        .filter(|document| stale(document))
    {
        let path = folder.join(document.name);
        if check.is_some() {
            return fail(&format!(
                "{} is not what the code says; run `cargo xtask docs`",
                path.display()
            ));
        }
        if let Err(error) = std::fs::write(&path, &document.text) {
            return fail(&format!("{} cannot be written: {error}", path.display()));
        }
    }
    ExitCode::SUCCESS
}

fn fail(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::FAILURE
}
