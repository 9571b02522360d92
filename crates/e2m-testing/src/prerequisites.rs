//! What a machine may lack: other programs, rights, reference material beside the project.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::notes::note;

/// Set to anything but `0`, it makes everything that is missing a failure; `CI=true` does the same.
pub const REQUIRE_ALL: &str = "E2M_TEST_REQUIRE_ALL";

/// Names the Python with the packages that tests compare with.
const PYTHON: &str = "E2M_TEST_PYTHON";

/// What was found of what a test needs. Where it is `None` the test has to end, and why is printed: "skipped: … is missing".
///
/// # Panics
///
/// Where something is missing and everything is required ([`REQUIRE_ALL`]).
#[track_caller]
pub fn prerequisite<T>(what: &str, found: Option<T>) -> Option<T> {
    let variable = |name| std::env::var_os(name);
    let required = is_required(variable(REQUIRE_ALL).as_deref(), variable("CI").as_deref());
    found_or_skipped(what, found, required)
}

/// The Python with tifffile, numpy, astropy, imagecodecs, zarr, ome_zarr_models, pylibCZIrw, nd2, readlif, snakemake, pytest, mypy, nbclient and ipykernel, as a
/// [`prerequisite`].
///
/// # Panics
///
/// As [`prerequisite`].
#[track_caller]
pub fn python() -> Option<PathBuf> {
    prerequisite(
        "the tests' Python, which `cargo xtask test` makes and E2M_TEST_PYTHON names,",
        std::env::var_os(PYTHON).map(PathBuf::from),
    )
}

/// A file or folder of reference material beside the project, such as `golden`, as a [`prerequisite`].
///
/// # Panics
///
/// As [`prerequisite`].
#[track_caller]
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(name);
    let what = format!("{}, reference material beside the project,", path.display());
    prerequisite(&what, path.exists().then_some(path))
}

fn is_required(require_all: Option<&OsStr>, ci: Option<&OsStr>) -> bool {
    require_all.is_some_and(|value| !value.is_empty() && value != "0")
        || ci.is_some_and(|value| value == "true")
}

#[track_caller]
fn found_or_skipped<T>(what: &str, found: Option<T>, required: bool) -> Option<T> {
    // ASSERT: a test that has to run and cannot has failed.
    assert!(
        found.is_some() || !required,
        "{what} is missing, and {REQUIRE_ALL} or CI asks for every test to run; \
         `cargo xtask test --allow-missing` leaves such tests out"
    );
    if found.is_none() {
        let test = std::thread::current();
        let test = test.name().unwrap_or("a test");
        note(&format!("skipped: {test}: {what} is missing"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_handed_on() {
        assert_eq!(found_or_skipped("a number", Some(3), true), Some(3));
        assert_eq!(found_or_skipped("a number", Some(3), false), Some(3));
    }

    #[test]
    fn what_is_missing_ends_the_test() {
        assert_eq!(found_or_skipped::<u8>("a number", None, false), None);
    }

    #[test]
    #[should_panic(
        expected = "a browser is missing, and E2M_TEST_REQUIRE_ALL or CI asks for every test to run"
    )]
    fn what_is_missing_is_a_failure_where_everything_is_required() {
        found_or_skipped::<u8>("a browser", None, true);
    }

    #[test]
    fn either_variable_requires_everything() {
        let required = |all: Option<&str>, ci: Option<&str>| {
            is_required(all.map(OsStr::new), ci.map(OsStr::new))
        };
        assert!(required(Some("1"), None));
        assert!(required(None, Some("true")));
        assert!(required(Some("0"), Some("true")));
        for (all, ci) in [(None, None), (Some("0"), None), (Some(""), Some("false"))] {
            assert!(!required(all, ci), "{all:?} {ci:?}");
        }
    }

    #[test]
    fn reference_material_is_looked_for_beside_the_project() {
        // Whether it is there or not, the same place is meant.
        let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        if expected.is_dir() {
            let found = shared(".").expect("the folder is there");
            assert!(found.starts_with(&expected));
        }
    }
}
