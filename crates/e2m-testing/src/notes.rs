//! Lines for whoever started the tests, who does not see what a test prints that passes.

use std::fs::OpenOptions;
use std::io::Write as _;

/// Names the file that takes a line for every test that ended early and every sweep that was done in part.
pub const NOTES: &str = "E2M_TEST_NOTES";

/// Prints a line, and adds it to the file of [`NOTES`] where there is one.
#[expect(clippy::print_stdout, reason = "a test that does less says so")]
pub(crate) fn note(line: &str) {
    println!("{line}");
    if let Some(path) = std::env::var_os(NOTES) {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        // The line is printed in any case.
        let _ = opened.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    }
}
