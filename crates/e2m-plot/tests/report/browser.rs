//! A headless browser that opens a page, runs a test script at its end, and says what the script saw.

use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NAMES: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
const PATIENCE: Duration = Duration::from_secs(90);
/// The browser's own window is never narrower.
const NARROWEST_PX: u32 = 500;
/// So much time passes on the page, at once.
const VIRTUAL_MS: u32 = 8000;

/// An installed browser.
pub(crate) struct Browser(PathBuf);

/// What a run left behind.
pub(crate) struct Seen {
    /// What the script put into `seen`.
    pub(crate) values: Value,
    /// Messages of the console at any level.
    pub(crate) console: Vec<String>,
}

impl Browser {
    /// The browser, or `None` with the reason on standard output.
    pub(crate) fn find() -> Option<Self> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let found = NAMES
            .iter()
            .flat_map(|name| std::env::split_paths(&folders).map(move |folder| folder.join(name)))
            .find(|path| path.is_file());
        e2m_testing::prerequisite(&format!("a browser, one of {NAMES:?},"), found).map(Self)
    }

    /// Opens `html` in a window of the given size and runs `script`, which may wait and fills the object `seen`.
    pub(crate) fn run(&self, html: &str, size: (u32, u32), flags: &[&str], script: &str) -> Seen {
        let folder = TempDir::new().expect("a folder");
        let page = page(folder.path(), html, size, script);
        let (dom, log) = self.open(
            folder.path(),
            &page,
            size,
            &[&["--dump-dom"], flags].concat(),
        );
        let json = between(&dom, "<pre id=\"seen\">", "</pre>")
            .unwrap_or_else(|| panic!("the script did not end; the browser said:\n{log}"));
        let json = json
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&nbsp;", "\u{a0}")
            .replace("&amp;", "&");
        let values: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(values["error"], Value::Null, "the script failed");
        Seen {
            values,
            console: log
                .lines()
                .filter(|line| line.contains("CONSOLE"))
                .map(str::to_owned)
                .collect(),
        }
    }

    /// The same, but a picture of the window after the script has run: width, and red, green, blue by pixel.
    pub(crate) fn screenshot(
        &self,
        html: &str,
        size: (u32, u32),
        flags: &[&str],
        script: &str,
    ) -> (usize, Vec<[u8; 3]>) {
        let folder = TempDir::new().expect("a folder");
        let page = page(folder.path(), html, size, script);
        let shot = folder.path().join("shot.png");
        let flag = format!("--screenshot={}", shot.display());
        let flags = [&[flag.as_str(), "--hide-scrollbars"], flags].concat();
        let (_, log) = self.open(folder.path(), &page, size, &flags);
        let file = File::open(&shot).unwrap_or_else(|error| panic!("{error}: {log}"));
        let mut decoder = png::Decoder::new(std::io::BufReader::new(file));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().expect("a PNG");
        let mut bytes = vec![0; reader.output_buffer_size().expect("fits")];
        let frame = reader.next_frame(&mut bytes).expect("whole");
        let samples = frame.color_type.samples();
        let pixels = bytes.chunks_exact(samples).map(|p| [p[0], p[1], p[2]]);
        (frame.width as usize, pixels.collect())
    }

    fn open(
        &self,
        folder: &Path,
        page: &Path,
        (width, height): (u32, u32),
        flags: &[&str],
    ) -> (String, String) {
        let (out, err) = (folder.join("out"), folder.join("err"));
        let create = |path: &Path| Stdio::from(File::create(path).expect("creates"));
        let mut child = Command::new(&self.0)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args(["--disable-background-networking", "--disable-dev-shm-usage"])
            .args([
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--enable-logging=stderr",
            ])
            .arg(format!(
                "--user-data-dir={}",
                folder.join("profile").display()
            ))
            .arg(format!("--virtual-time-budget={VIRTUAL_MS}"))
            .arg(format!("--window-size={width},{height}"))
            .args(flags)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(create(&out))
            .stderr(create(&err))
            .spawn()
            .expect("the browser starts");
        let start = Instant::now();
        while child.try_wait().expect("waits").is_none() {
            if start.elapsed() > PATIENCE {
                child.kill().expect("ends");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let read =
            |path| String::from_utf8_lossy(&std::fs::read(path).expect("reads")).into_owned();
        (read(&out), read(&err))
    }
}

/// Writes the page with the script at its end, and for a narrow window a page that shows it in one.
fn page(folder: &Path, html: &str, (width, height): (u32, u32), script: &str) -> PathBuf {
    let script = include_str!("harness.js").replace("/* the test */", script);
    let (before, after) = html.rsplit_once("</body>").expect("a body");
    let report = format!("{before}<script>{script}</script></body>{after}");
    let path = folder.join("report.html");
    std::fs::write(&path, report).expect("writes");
    if width >= NARROWEST_PX {
        return path;
    }
    let window = include_str!("window.html")
        .replace("WIDTH", &width.to_string())
        .replace("HEIGHT", &height.to_string());
    let path = folder.join("window.html");
    std::fs::write(&path, window).expect("writes");
    path
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let start = text.find(from)? + from.len();
    let end = text[start..].find(to)?;
    Some(&text[start..start + end])
}
