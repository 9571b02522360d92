//! A folder with raw images and a batch file, and the program run in it.

#![allow(dead_code, reason = "each test binary uses its part of this")]

use e2m_fixtures::{Recipe, write_pair};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;
use tempfile::TempDir;

/// A folder with raw images and a batch file.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What the program said and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    /// Standard output, with the folder's name shortened.
    pub(crate) out: String,
    /// Standard error, likewise.
    pub(crate) err: String,
}

/// A recipe for pairs that take a second.
pub(crate) fn quick(seed: u64) -> Recipe {
    Recipe {
        width: 560,
        height: 480,
        seed,
        rotation_deg: 4.0,
        gain: 1.4,
        ..Recipe::default()
    }
}

impl Bench {
    /// An empty folder with a batch file for all that lies in `raw`.
    pub(crate) fn new() -> Self {
        let bench = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        bench.batch("");
        bench
    }

    /// The same with a pair for each of these tasks, all of the same recipe but for the seed.
    pub(crate) fn with_pairs(tasks: &[(&str, &str)]) -> Self {
        let bench = Self::new();
        for (index, (sample, dye)) in tasks.iter().enumerate() {
            bench.pair(&quick(index as u64 + 1), sample, dye);
        }
        bench
    }

    /// Adds a pair.
    pub(crate) fn pair(&self, recipe: &Recipe, sample: &str, dye: &str) {
        let key = format!("{recipe:?} {sample} {dye}");
        let made = e2m_testing::made_once(&key, &self.path("raw"), |folder| {
            write_pair(recipe, folder, sample, dye)
                .map(|_| ())
                .map_err(std::io::Error::other)
        });
        made.expect("a pair");
    }

    /// Writes the batch file: the usual one with these lines behind its folders.
    pub(crate) fn batch(&self, rest: &str) {
        let params = if rest.contains("[params]") {
            ""
        } else {
            "\n[params]\npad = 60\n"
        };
        self.write(
            "batch.toml",
            format!("raw_dir = \"raw\"\noutput_dir = \"out\"\n{rest}{params}"),
        );
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, content).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The program with these arguments, in the folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_e2m"));
        command
            .current_dir(self.folder.path())
            .args(arguments)
            .env_remove("E2M_LOG");
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.ended(self.command(arguments).output().expect("the program"))
    }

    /// Runs `e2m batch.toml`.
    pub(crate) fn run_batch(&self) -> Run {
        self.run(&["batch.toml"])
    }

    /// What a process that has ended said.
    pub(crate) fn ended(&self, output: Output) -> Run {
        let folder = self.folder.path().display().to_string();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&folder, "FOLDER");
        Run {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Every file below a folder of the bench, by its path, with its bytes and its time.
    pub(crate) fn files(&self, below: &str) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
        let mut found = BTreeMap::new();
        let root = self.path(below);
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let modified = path.metadata().and_then(|m| m.modified()).expect("a time");
                    let name = path
                        .strip_prefix(&root)
                        .expect("below")
                        .to_string_lossy()
                        .into_owned();
                    found.insert(name, (std::fs::read(&path).expect("read"), modified));
                }
            }
        }
        found
    }

    /// Names of the files below a folder.
    pub(crate) fn names(&self, below: &str) -> Vec<String> {
        self.files(below).into_keys().collect()
    }

    /// The images that tasks left, as bytes; those of FITS without the time at which they were written.
    pub(crate) fn images(&self, below: &str) -> BTreeMap<String, Vec<u8>> {
        let images = self.files(below).into_iter();
        images
            .filter(|(name, _)| is_image(name))
            .map(|(name, (bytes, _))| (name, without_time(bytes)))
            .collect()
    }

    /// The status of every task in `e2m_batch.json`.
    pub(crate) fn statuses(&self) -> BTreeMap<String, String> {
        let all: serde_json::Value =
            serde_json::from_str(&self.read("out/e2m_batch.json")).expect("JSON");
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let tasks = all["tasks"].as_array().expect("a list").iter();
        let folder = self.folder.path().display().to_string();
        tasks
            .map(|task| {
                let name = format!("{}/{}", text(&task["sample"]), text(&task["dye"]));
                (name, text(&task["status"]).replace(&folder, "FOLDER"))
            })
            .collect()
    }

    /// Asserts that nothing temporary and nothing half-written is left.
    pub(crate) fn assert_tidy(&self) {
        for name in self.names("out") {
            assert!(!name.contains("tmp"), "left over: {name}");
        }
    }
}

fn is_image(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|e| e.to_str());
    matches!(extension, Some("tiff" | "fits"))
}

/// Bytes of a card in a FITS header.
const CARD: usize = 80;

/// Blanks the cards of a FITS file that depend on the time: CREATED, and the CHECKSUM over it.
fn without_time(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.starts_with(b"SIMPLE  =") {
        for card in bytes
            .chunks_mut(CARD)
            .take_while(|card| !card.starts_with(b"END "))
        {
            if card.starts_with(b"CREATED ") || card.starts_with(b"CHECKSUM") {
                card.fill(b' ');
            }
        }
    }
    bytes
}
