//! The Python package on this build of the module: everything in `python/tests` by pytest, in one test.
//!
//! Nothing is built here: the library that cargo has made for this test run is copied into a folder together with the package, and
//! the program of the same build does what needs processes. So the module is tested with the features that everything else has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files of `python/tests`, and how many a sample has: all of them take some four minutes of processor time.
const FILES: [&str; 4] = [
    "test_arrays.py",
    "test_package.py",
    "test_runs.py",
    "test_shim.py",
];
const SAMPLE: usize = 1;

/// The folder of cargo's outputs of this build, `target/debug` as a rule.
fn outputs() -> PathBuf {
    let test = std::env::current_exe().expect("this test");
    let deps = test.parent().expect("a folder");
    deps.parent().expect("a folder").to_owned()
}

/// The library of the module, wherever this build has it.
fn library() -> PathBuf {
    let name = format!(
        "{}e2m_python{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let found = [outputs().join("deps").join(&name), outputs().join(&name)];
    let newest = found
        .iter()
        .filter_map(|path| Some((fs::metadata(path).ok()?.modified().ok()?, path)))
        .max_by_key(|(modified, _)| *modified);
    let (_, path) = newest.expect("the library of the module: build with --workspace");
    path.clone()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = entry.path();
        if path.is_file() {
            fs::copy(&path, to.join(entry.file_name())).expect("a copy");
        }
    }
}

#[test]
fn the_package_does_what_its_tests_say() {
    let Some(python) = e2m_testing::python() else {
        return;
    };
    let program = outputs().join(format!("e2m{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.is_file(),
        "{} is not there: build with --workspace",
        program.display()
    );
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = e2m_testing::sample("tests in Python", FILES, SAMPLE);
    let there = fs::read_dir(here.join("python/tests")).expect("a folder");
    let tests = there
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name.to_string_lossy().starts_with("test_"));
    assert_eq!(tests.count(), FILES.len(), "a file is missing in FILES");
    let folder = tempfile::tempdir().expect("a folder");
    let package = folder.path().join("lib/e2m");
    copy_folder(&here.join("python/e2m"), &package);
    let suffix = if cfg!(windows) {
        "_e2m.pyd"
    } else {
        "_e2m.abi3.so"
    };
    fs::copy(library(), package.join(suffix)).expect("the library");
    let output = Command::new(python)
        .args([
            "-m",
            "pytest",
            "-q",
            "-x",
            "--color=no",
            "-p",
            "no:cacheprovider",
        ])
        .arg("--basetemp")
        .arg(folder.path().join("tmp"))
        .args(
            files
                .iter()
                .map(|file| here.join("python/tests").join(file)),
        )
        .env("PYTHONPATH", folder.path().join("lib"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("E2M_PROGRAM", &program)
        .env("E2M_REPOSITORY", here.join("../.."))
        // Python's own memory beside e2m's.
        .current_dir(folder.path())
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains(" passed"), "{said}");
    assert!(!said.contains("skipped"), "{said}");
}
