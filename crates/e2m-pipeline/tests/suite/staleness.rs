//! Files that look the same and are not, and files that look different and are the same: what a later run makes of them.

use crate::common::task;
use e2m_fixtures::{Recipe, write_pair};
use e2m_io::{CheckpointFormat, CheckpointReader, PixelKind, TaskPaths};
use e2m_pipeline::{Observer, Params, Stage, Status, TaskEvent, TaskSpec, run_task};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Keeps what is said.
#[derive(Default)]
struct Listener(Vec<String>);

impl Observer for Listener {
    fn on_event(&mut self, event: &TaskEvent) {
        if let TaskEvent::Note { text } = event {
            self.0.push(text.clone());
        }
    }
}

/// A finished task.
struct Finished {
    _work: TempDir,
    spec: TaskSpec,
    paths: TaskPaths,
}

impl Finished {
    fn new() -> Self {
        let work = tempfile::tempdir().expect("a folder");
        let recipe = Recipe {
            width: 560,
            height: 480,
            gain: 1.4,
            rotation_deg: 4.0,
            ..Recipe::default()
        };
        let pair = write_pair(&recipe, &work.path().join("raw"), "S1", "DAPI").expect("a pair");
        let params = Params {
            pad: 60,
            ..Params::default()
        };
        let out = work.path().join("out");
        let spec = task(&out, "S1", "DAPI", &pair.post, &pair.pre, params);
        let paths = TaskPaths::new(&out, "S1", "DAPI").expect("names");
        let this = Self {
            _work: work,
            spec,
            paths,
        };
        let (status, _, _) = this.run();
        assert_eq!(status, Status::Complete);
        this
    }

    /// How a run ends, which stages it does, and what it says.
    fn run(&self) -> (Status, Vec<Stage>, Vec<String>) {
        let mut listener = Listener::default();
        let outcome = run_task(&self.spec, &mut listener);
        (outcome.status, outcome.stages_done, listener.0)
    }

    fn checkpoint(&self, stem: &str) -> PathBuf {
        self.paths
            .checkpoint_path(CheckpointFormat::Tiff, stem, "_pad60")
    }

    /// Every image that is there.
    fn images(&self) -> Vec<PathBuf> {
        let dirs = self.paths.all_dirs();
        let entries = dirs
            .iter()
            .flat_map(|dir| fs::read_dir(dir).into_iter().flatten());
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let is_image = |path: &PathBuf| {
            path.extension()
                .is_some_and(|ending| ending == "tiff" || ending == "fits")
        };
        paths.filter(is_image).collect()
    }

    fn hashes(&self) -> Vec<String> {
        let mut images = self.images();
        images.sort();
        let hash = |path: &PathBuf| {
            let is_mask = path.to_string_lossy().contains("04_mask");
            let pixels = if is_mask {
                PixelKind::Flags
            } else {
                PixelKind::Float
            };
            let mut reader = CheckpointReader::open_as(path, pixels).expect("opens");
            reader.verify().expect("whole").to_string()
        };
        images.iter().map(hash).collect()
    }

    /// Runs after something was done behind its back: these stages are done, this is said, the results are as before.
    fn assert_redone(&self, stages: &[Stage], said: &str) {
        let before = Self::new().hashes();
        let (status, done, notes) = self.run();
        assert_eq!(
            (status, done.as_slice()),
            (Status::Complete, stages),
            "{notes:?}"
        );
        assert!(
            notes.iter().any(|note| note.contains(said)),
            "{said}: {notes:?}"
        );
        assert_eq!(self.hashes(), before);
        let (status, done, _) = self.run();
        assert_eq!(
            (status, done.as_slice()),
            (Status::Complete, &[][..]),
            "again"
        );
    }
}

fn time_of(path: &Path) -> SystemTime {
    fs::metadata(path)
        .and_then(|about| about.modified())
        .expect("a time")
}

fn set_time(path: &Path, time: SystemTime) {
    let file = File::options().write(true).open(path).expect("opens");
    file.set_modified(time).expect("a time");
}

/// Changes a file so that its length and time are what they were.
fn change_unseen(path: &Path, change: impl FnOnce(&mut [u8])) {
    let time = time_of(path);
    let mut bytes = fs::read(path).expect("reads");
    change(&mut bytes);
    fs::write(path, bytes).expect("writes");
    set_time(path, time);
}

fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
}

#[test]
fn a_raw_file_replaced_by_another_of_the_same_length_and_time_is_noticed() {
    for rewritten in [true, false] {
        let finished = Finished::new();
        let pre = &finished.spec.pre;
        if rewritten {
            change_unseen(pre, flip);
        } else {
            // Another file under the name, with the time of the first.
            let (time, mut bytes) = (time_of(pre), fs::read(pre).expect("reads"));
            flip(&mut bytes);
            let other = pre.with_extension("other");
            fs::write(&other, bytes).expect("writes");
            set_time(&other, time);
            fs::rename(other, pre).expect("renames");
        }
        let (status, done, notes) = finished.run();
        assert_eq!(
            (status, done.as_slice()),
            (
                Status::Complete,
                &[
                    Stage::Pad,
                    Stage::Coarse,
                    Stage::Fine,
                    Stage::Difference,
                    Stage::Detection
                ][..]
            )
        );
        assert!(
            notes.iter().any(|note| note.contains("other raw files")),
            "{notes:?}"
        );
    }
}

#[test]
fn a_byte_changed_behind_length_and_time_is_noticed() {
    let finished = Finished::new();
    change_unseen(&finished.checkpoint("03_interior_aligned_pre"), flip);
    finished.assert_redone(
        &[Stage::Fine, Stage::Difference, Stage::Detection],
        "its pixels are not those that were written",
    );
}

#[test]
fn checkpoints_swapped_with_equal_times_are_noticed() {
    let finished = Finished::new();
    let [post, pre] = ["01_padded_post", "01_padded_pre"].map(|stem| finished.checkpoint(stem));
    let time = time_of(&post);
    let aside = post.with_extension("aside");
    fs::rename(&post, &aside).expect("renames");
    fs::rename(&pre, &post).expect("renames");
    fs::rename(&aside, &pre).expect("renames");
    set_time(&post, time);
    set_time(&pre, time);
    finished.assert_redone(&[Stage::Pad], "its pixels are not those that were written");
}

#[test]
fn a_checkpoint_of_another_task_under_the_right_name_is_noticed() {
    let (finished, mut other) = (Finished::new(), Finished::new());
    other.spec.params.manual_scale = Some(2.0);
    assert_eq!(other.run().0, Status::Complete);
    let manual = other.paths.checkpoint_path(
        CheckpointFormat::Tiff,
        "04_difference_difference_manual",
        "_pad60_msc2",
    );
    fs::copy(manual, finished.checkpoint("04_difference_difference")).expect("copies");
    finished.assert_redone(
        &[Stage::Difference, Stage::Detection],
        "its pixels are not those that were written",
    );
}

/// A clock that was wrong when files were written, or is wrong now, changes what is read, not what is made.
#[test]
fn a_clock_that_is_set_back_or_forward_costs_a_look() {
    let now = SystemTime::now();
    let ten_years = Duration::from_secs(10 * 365 * 24 * 3600);
    for time in [now + ten_years, now - ten_years, SystemTime::UNIX_EPOCH] {
        let finished = Finished::new();
        let before = finished.hashes();
        let raw = [&finished.spec.post, &finished.spec.pre].map(Clone::clone);
        for path in finished.images().iter().chain(&raw) {
            set_time(path, time);
        }
        for _ in 0..2 {
            let (status, done, notes) = finished.run();
            assert_eq!(
                (status, done.as_slice()),
                (Status::Complete, &[][..]),
                "{notes:?}"
            );
            assert_eq!(finished.hashes(), before);
        }
        // Something new on top of files from the future.
        let mut spec = finished.spec.clone();
        spec.params.manual_scale = Some(2.0);
        let outcome = run_task(&spec, &mut Listener::default());
        assert_eq!(
            (outcome.status, outcome.stages_done),
            (Status::Complete, vec![Stage::Difference, Stage::Detection])
        );
    }
}

#[test]
fn a_tree_that_was_copied_elsewhere_is_trusted_by_its_content() {
    let finished = Finished::new();
    for path in finished.images() {
        let copy = path.with_extension("copy");
        fs::copy(&path, &copy).expect("copies");
        fs::rename(copy, path).expect("renames");
    }
    let (status, done, notes) = finished.run();
    assert_eq!(
        (status, done.as_slice()),
        (Status::Complete, &[][..]),
        "{notes:?}"
    );
}
