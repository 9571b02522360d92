//! `e2m serve` as people use it: in a browser, by `web/app.py`.

mod common;

use common::Bench;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    let all = BROWSERS
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|path| path.is_file())
}

/// The Python of the tests, if it drives browsers.
fn driver() -> Option<PathBuf> {
    let python = e2m_testing::python()?;
    let import = "import playwright.sync_api, axe_playwright_python, tifffile";
    let there = Command::new(&python).args(["-c", import]).output();
    let there = there.is_ok_and(|output| output.status.success());
    e2m_testing::prerequisite(
        "a Python with playwright and axe-playwright-python",
        there.then_some(python),
    )
}

#[test]
fn the_page_does_what_people_want_of_it() {
    let (Some(browser), Some(python)) =
        (e2m_testing::prerequisite("a browser", browser()), driver())
    else {
        return;
    };
    let bench = Bench::with_pairs(&[("a", "DAPI"), ("b", "DAPI")]);
    let served = bench
        .command(&["serve", "--no-browser"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut served = served.expect("it serves");
    let mut address = String::new();
    let out = served.stdout.take().expect("standard output");
    BufReader::new(out)
        .read_line(&mut address)
        .expect("an address");
    let kept = std::env::var_os("E2M_TEST_SCREENSHOTS").map(PathBuf::from);
    let pictures = kept.unwrap_or_else(|| bench.path("pictures"));
    std::fs::create_dir_all(&pictures).expect("a folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web/app.py");
    let used = Command::new(&python)
        .arg(script)
        .args([
            Path::new(address.trim()),
            &bench.path(""),
            &browser,
            &pictures,
        ])
        .output()
        .expect("Python");
    let interrupted = Command::new("kill")
        .args(["-INT", &served.id().to_string()])
        .status();
    assert!(interrupted.expect("kill").success());
    let status = served.wait().expect("it ends");
    let mut said = String::new();
    let err = served.stderr.take().expect("standard error");
    BufReader::new(err).read_to_string(&mut said).expect("text");
    assert!(
        used.status.success(),
        "{}{}\nthe server said: {said}",
        String::from_utf8_lossy(&used.stdout),
        String::from_utf8_lossy(&used.stderr)
    );
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.contains("error"), "{said}");
}
