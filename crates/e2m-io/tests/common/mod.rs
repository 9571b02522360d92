//! The Python with tifffile, numpy, astropy and imagecodecs that some tests compare with.

use std::path::Path;
use std::process::Command;

/// Runs a script of this folder with the tests' Python; `None` when there is none.
///
/// Panics when the script fails.
pub(crate) fn python(script: &str, arguments: &[&Path]) -> Option<String> {
    let python = e2m_testing::python()?;
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
