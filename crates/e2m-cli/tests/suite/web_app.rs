//! The web app in a real browser: chosen, mistyped, run, aborted, resumed, looked at and judged, and compared with the files.

use crate::common::{Bench, quick};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Debian's browser, and what others call it.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Where pictures of the pages are wanted; those of docs/web.md are among them.
const PICTURES: &str = "E2M_WEB_PICTURES";

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = BROWSERS
        .iter()
        .flat_map(|name| std::env::split_paths(&folders).map(move |folder| folder.join(name)))
        .find(|path| path.is_file());
    e2m_testing::prerequisite("a browser", found)
}

/// Serves a folder, and answers with the address that it prints.
fn serve(folder: &Path) -> (Server, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_e2m"))
        .args(["serve", ".", "--no-browser"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a server");
    let out = child.stdout.take().expect("its output");
    let server = Server(child);
    let mut lines = BufReader::new(out).lines().map_while(Result::ok);
    let address = lines.find_map(|line| {
        let at = line.find("http://")?;
        Some(line[at..].split_whitespace().next()?.to_owned())
    });
    (server, address.expect("an address"))
}

#[test]
fn the_app_does_in_a_browser_what_it_says() {
    let (Some(browser), Some(python)) = (browser(), e2m_testing::python()) else {
        return;
    };
    let bench = Bench::new();
    for (seed, sample) in [(1, "a"), (2, "b")] {
        bench.pair(&quick(seed), sample, "DAPI");
    }
    let folder = bench.path("");
    let (_server, address) = serve(&folder);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web/app.py");
    let output = Command::new(python)
        .args([script.as_os_str(), browser.as_os_str()])
        .arg(address)
        .arg(&folder)
        .arg(env!("CARGO_BIN_EXE_e2m"))
        .args(std::env::var_os(PICTURES))
        .output()
        .expect("Python");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert_eq!(said.trim(), "the app does what it says");
}
