//! What is said of raw files that hold more than one image, or are stored otherwise than upright.

use crate::common::task;
use e2m_fixtures::{Recipe, write_pair};
use e2m_io::PageRequest;
use e2m_pipeline::{Doubt, Manifest, Params, Status, TaskOutcome, Unobserved, run_task};
use std::path::Path;

/// Rewrites a little-endian classic TIFF: its directory with one tag more, and so many further pages of the same strips.
fn change(path: &Path, tag: Option<(u16, u32)>, further: usize) {
    let mut bytes = std::fs::read(path).expect("a file");
    assert_eq!(&bytes[..4], b"II\x2a\0");
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let start = number(4) as usize;
    let count: usize = u16::from_le_bytes([bytes[start], bytes[start + 1]]).into();
    let entries = &bytes[start + 2..][..12 * count];
    let mut entries: Vec<[u8; 12]> = entries.as_chunks().0.to_vec();
    if let Some((tag, value)) = tag {
        let mut entry = [0; 12];
        entry[..2].copy_from_slice(&tag.to_le_bytes());
        entry[2..4].copy_from_slice(&4_u16.to_le_bytes());
        entry[4..8].copy_from_slice(&1_u32.to_le_bytes());
        entry[8..].copy_from_slice(&value.to_le_bytes());
        entries.retain(|entry| entry[..2] != tag.to_le_bytes());
        entries.push(entry);
        entries.sort_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
    }
    let directory = [
        (entries.len() as u16).to_le_bytes().as_slice(),
        &entries.concat(),
    ]
    .concat();
    let mut link = 4;
    for _ in 0..=further {
        let at = bytes.len() as u32;
        bytes[link..link + 4].copy_from_slice(&at.to_le_bytes());
        bytes.extend(&directory);
        link = bytes.len();
        bytes.extend([0; 4]);
    }
    std::fs::write(path, bytes).expect("it can be written");
}

fn manifest(outcome: &TaskOutcome) -> &Manifest {
    outcome.manifest.as_deref().expect("a record")
}

fn recipe() -> Recipe {
    Recipe {
        width: 520,
        height: 440,
        gain: 1.35,
        noise_counts: 1.5,
        seed: 7,
        ..Recipe::default()
    }
}

#[test]
fn a_file_of_several_images_is_suspect_until_somebody_chooses() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = write_pair(&recipe(), folder.path(), "S1", "DAPI").expect("a pair");
    change(&pair.post, None, 2);
    let run = |page: PageRequest| {
        let params = Params {
            pad: 20,
            post_page: Some(page),
            ..Params::default()
        };
        let out = folder.path().join("out");
        let spec = task(&out, "S1", "DAPI", &pair.post, &pair.pre, params);
        run_task(&spec, &mut Unobserved)
    };
    let outcome = run(PageRequest::Auto);
    let status = outcome.status.to_string();
    assert!(
        status.contains("the post file holds several images, of which page 1 was read; there is also page 2, page 3: give"),
        "{status}"
    );
    let kinds: Vec<_> = manifest(&outcome).doubts.iter().map(Doubt::kind).collect();
    assert_eq!(kinds, ["several_images"]);
    // Again, from what is on record.
    assert_eq!(run(PageRequest::Auto).status.to_string(), status);
    let chosen = run(PageRequest::Number(1));
    assert_eq!(chosen.status, Status::Complete);
    assert_eq!(manifest(&chosen).doubts, []);
}

#[test]
fn what_had_to_be_decided_to_read_a_file_is_on_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = write_pair(&recipe(), folder.path(), "S1", "DAPI").expect("a pair");
    for path in [&pair.post, &pair.pre] {
        change(path, Some((274, 3)), 0);
    }
    let params = Params {
        pad: 20,
        ..Params::default()
    };
    let out = folder.path().join("out");
    let spec = task(&out, "S1", "DAPI", &pair.post, &pair.pre, params);
    for _ in 0..2 {
        let outcome = run_task(&spec, &mut Unobserved);
        assert_eq!(outcome.status, Status::Complete);
        let notes = manifest(&outcome).all_notes();
        for side in ["post", "pre"] {
            let said = format!("the {side} file: stored turned by 180 degrees");
            assert!(
                notes.iter().any(|note| note.starts_with(&said)),
                "{notes:?}"
            );
        }
    }
}
