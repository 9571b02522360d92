//! A raw file that changes, is replaced or goes away while a task reads it fails the task by name, and leaves nothing that a
//! later run would trust.

use crate::common::{files_below, task};
use e2m_fixtures::{Recipe, write_pair};
use e2m_pipeline::{Observer, Params, Stage, Status, TaskEvent, TaskSpec, Unobserved, run_task};
use e2m_testing::sample;
use std::fs;
use std::path::Path;

/// Does something to a raw file when a stage begins.
struct Meddler<F> {
    at: Stage,
    deed: Option<F>,
}

impl<F: FnOnce()> Observer for Meddler<F> {
    fn on_event(&mut self, event: &TaskEvent) {
        if *event == (TaskEvent::StageStarted { stage: self.at })
            && let Some(deed) = self.deed.take()
        {
            deed();
        }
    }
}

fn pair(work: &Path, seed: u64) -> TaskSpec {
    let recipe = Recipe {
        width: 560,
        height: 480,
        seed,
        gain: 1.4,
        rotation_deg: 4.0,
        ..Recipe::default()
    };
    let pair = write_pair(&recipe, &work.join("raw"), "S1", "DAPI").expect("a pair");
    let params = Params {
        pad: 60,
        ..Params::default()
    };
    task(
        &work.join("out"),
        "S1",
        "DAPI",
        &pair.post,
        &pair.pre,
        params,
    )
}

/// What is done to the file at a path.
type Deed = fn(&Path);

const DEEDS: [(&str, Deed, &str); 6] = [
    (
        "grows",
        |path| write(path, |bytes| bytes.extend([0; 100])),
        "was changed while it was read",
    ),
    (
        "is cut",
        |path| write(path, |bytes| bytes.truncate(bytes.len() / 3)),
        "was changed while it was read",
    ),
    (
        "is overwritten",
        |path| write(path, |bytes| bytes.reverse()),
        "was changed while it was read",
    ),
    (
        "is overwritten and looks the same",
        |path| {
            let before = fs::metadata(path)
                .and_then(|about| about.modified())
                .expect("a time");
            write(path, |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0xff;
            });
            let file = fs::File::options().write(true).open(path).expect("opens");
            file.set_modified(before).expect("a time");
        },
        "was changed while it was read",
    ),
    (
        "is replaced",
        |path| {
            let copy = path.with_extension("copy");
            fs::copy(path, &copy).expect("copies");
            fs::rename(copy, path).expect("renames");
        },
        "was replaced by another file while it was read",
    ),
    (
        "is removed",
        |path| fs::remove_file(path).expect("removes"),
        "was removed, or its disk taken away, while it was read",
    ),
];

/// Writes into the file that is there.
fn write(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("reads");
    change(&mut bytes);
    fs::write(path, bytes).expect("writes");
}

#[test]
fn a_raw_file_that_changes_is_named_and_nothing_of_it_is_kept() {
    for (name, deed, said) in DEEDS {
        let moments = [
            (true, Stage::Pad),
            (false, Stage::Fine),
            (true, Stage::Difference),
            (false, Stage::Detection),
        ];
        let sweep = format!("moments at which a raw file {name}");
        for (post, at) in sample(&sweep, moments, 1) {
            let work = tempfile::tempdir().expect("a folder");
            let spec = pair(work.path(), 1);
            let victim = if post { &spec.post } else { &spec.pre };
            let content = fs::read(victim).expect("reads");
            let mut meddler = Meddler {
                at,
                deed: Some(|| deed(victim)),
            };
            let outcome = run_task(&spec, &mut meddler);
            let status = outcome.status.to_string();
            let expected = format!("error: {} {said}", victim.display());
            assert!(
                status.starts_with(&expected),
                "{name}, stage {at}: {status}"
            );
            let names = files_below(&spec.output_dir);
            let left = names.iter().find(|name| name.contains("04_difference"));
            assert_eq!(left, None, "{name}, stage {at}");
            // The next run of what is there by then trusts nothing of it.
            fs::write(victim, content).expect("writes");
            let outcome = run_task(&spec, &mut Unobserved);
            assert_eq!(outcome.status, Status::Complete, "{name}, stage {at}");
            assert_eq!(outcome.stages_done, Stage::ALL, "{name}, stage {at}");
        }
    }
}

#[test]
fn a_file_that_is_only_touched_in_other_ways_is_the_same() {
    let work = tempfile::tempdir().expect("a folder");
    let spec = pair(work.path(), 1);
    let mut meddler = Meddler {
        at: Stage::Coarse,
        deed: Some(|| fs::hard_link(&spec.pre, work.path().join("link")).expect("links")),
    };
    assert_eq!(run_task(&spec, &mut meddler).status, Status::Complete);
}
