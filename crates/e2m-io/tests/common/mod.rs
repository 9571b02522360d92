//! The Python with tifffile, numpy, astropy and imagecodecs that some tests compare with.

use std::path::Path;
use std::process::Command;

/// Runs a script of this folder with the Python that `E2M_TEST_PYTHON` names; `None` when there is none.
///
/// Panics when the script fails, and when there is no Python although `CI` is `true`.
#[expect(clippy::print_stdout, reason = "a test that did not run should say so")]
pub(crate) fn python(script: &str, arguments: &[&Path]) -> Option<String> {
    let Some(python) = std::env::var_os("E2M_TEST_PYTHON") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "E2M_TEST_PYTHON has to be set in CI"
        );
        println!(
            "skipped: E2M_TEST_PYTHON does not name a Python with tifffile, astropy and imagecodecs"
        );
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(script);
    let output = Command::new(&python)
        .arg(&script)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", python.display()));
    assert!(
        output.status.success(),
        "{} failed: {}",
        script.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
