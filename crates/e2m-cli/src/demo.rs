//! `e2m demo`: three synthetic tasks on which somebody sees what e2m does, before there are images of their own.
//!
//! [`make`] writes raw images and a batch file, which is then run like any other; [`finish`] says where to look. Nothing is removed:
//! a folder that holds something else is refused, and a demo that is run again goes on from its results.

use crate::demo_args::DemoArgs;
use crate::terminal::Terminal;
use e2m_batch::batch_file::USUAL_NAME;
use e2m_batch::report::PAGE_NAME;
use e2m_fixtures::{DEMO, DemoTask, FixtureError, Recipe, write_pair};
use std::fmt;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The first line of the demo's batch file, by which a later demo knows the folder for its own.
const MARK: &str = "# The demo batch of e2m; `e2m demo` here runs it again, as it stands.";

/// The rest of it. A small pad keeps the demo quick: its sections are shifted by far less than the default of 2000 px allows for.
const BATCH: &str = r#"
# Every key is explained by `e2m docs batch-file`, every parameter by `e2m params`.
raw_dir = "raw"
output_dir = "processed"
samples = "all"
dyes = "all"

[params]
pad = 200
"#;

/// Why there is no demo.
#[derive(Debug)]
pub(crate) enum DemoError {
    /// The folder holds what no demo has left.
    Occupied(PathBuf),
    /// The folder or the batch file cannot be read or written.
    Io(PathBuf, io::Error),
    /// A pair cannot be made.
    Pair(FixtureError),
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(folder) => write!(
                f,
                "{} holds something else than an earlier demo, and was left as it is; name another folder: e2m demo FOLDER",
                folder.display()
            ),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Pair(error) => error.fmt(f),
        }
    }
}

/// Writes raw images and batch file into the folder; answers with the batch file.
pub(crate) fn make(args: &DemoArgs, terminal: &Terminal) -> Result<PathBuf, DemoError> {
    let folder = &args.dir;
    let batch = folder.join(USUAL_NAME);
    if !is_demo(&batch) {
        settle(folder, &batch)?;
    }
    terminal.say(&format!(
        "Making {} pairs of synthetic images in {}",
        DEMO.len(),
        folder.join("raw").display()
    ));
    for task in DEMO {
        let DemoTask {
            recipe,
            sample,
            dye,
        } = task;
        let recipe = Recipe::shipped(recipe).map_err(DemoError::Pair)?;
        let recipe = match args.width {
            Some(width) => recipe.resized_to_width(width as usize),
            None => recipe,
        };
        write_pair(&recipe, &folder.join("raw"), sample, dye).map_err(DemoError::Pair)?;
    }
    Ok(batch)
}

/// Whether the batch file is that of a demo, changed or not.
fn is_demo(batch: &Path) -> bool {
    fs::read_to_string(batch).is_ok_and(|text| text.starts_with(MARK))
}

/// Writes the batch file into a folder that is new or empty.
fn settle(folder: &Path, batch: &Path) -> Result<(), DemoError> {
    let failed = |error| DemoError::Io(folder.to_owned(), error);
    fs::create_dir_all(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(DemoError::Occupied(folder.to_owned()));
    }
    fs::File::create_new(batch)
        .and_then(|mut file| file.write_all(format!("{MARK}\n{BATCH}").as_bytes()))
        .map_err(|error| DemoError::Io(batch.to_owned(), error))
}

/// Says where to look, and opens the report where somebody sits before a screen.
pub(crate) fn finish(args: &DemoArgs, output_dir: &Path, terminal: &Terminal) {
    let report = &output_dir.join(PAGE_NAME);
    if !report.is_file() {
        return;
    }
    let opened = !args.no_open && !args.talk.quiet && has_screen() && open(report);
    let below = |name: &str| args.dir.join(name).display().to_string();
    terminal.summary(&format!(
        "{} {}\nIn each difference image the microbes are what is bright. The truth that the images were made from lies in {}, \
         everything else in {}.\nChange {} and run `e2m` on it to try things.",
        if opened { "The report is opened:" } else { "Open this in a browser:" },
        report.display(),
        below("raw"),
        below("processed"),
        below(USUAL_NAME)
    ));
}

/// Whether a browser would be seen by whoever reads this terminal.
fn has_screen() -> bool {
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    io::stderr().is_terminal() && (desktop || cfg!(target_os = "macos"))
}

/// Hands the report to the desktop; false where there is none.
fn open(report: &Path) -> bool {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    Command::new(opener)
        .arg(report)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
