//! Files of microscopes' makers and OME-Zarr, cut and flipped: those that the corpora hold as `whole-...`, which
//! `crates/e2m-io/tests/write_vendor.py FOLDER CORPORA` has written.

use crate::damage::Random;
use crate::limits::within_limits;
use e2m_fuzz::{ReadOutcome, target};
use e2m_testing::sample;
use std::path::Path;

/// Places at which each file is cut, and bytes that are flipped, one to three at a time.
const CUTS: usize = 40;
const FLIPS: usize = 400;
/// So many of each are in a sample.
const SAMPLED: usize = 40;

fn endure(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.retain(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("whole-"))
    });
    files.sort();
    assert!(files.len() > 3, "{name}: {} files", files.len());
    let target = target(name).expect("a target");
    let mut refused = 0;
    for path in files {
        let whole = std::fs::read(&path).expect("a file");
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let outcome = within_limits(&name, || (target.run)(&whole));
        assert_eq!(outcome, ReadOutcome::Read, "{name} as it was written");
        // Cut, some can be read: chunks of a Zarr that are not there hold nothing.
        for cut in sample(&format!("cuts of {name}"), 0..CUTS, SAMPLED) {
            let cut = &whole[..cut * whole.len() / CUTS];
            within_limits(&format!("{name} cut to {}", cut.len()), || {
                (target.run)(cut)
            });
        }
        for flip in sample(&format!("flips of {name}"), 0..FLIPS, SAMPLED) {
            let mut random = Random::new(flip as u64);
            let mut bytes = whole.clone();
            for _ in 0..1 + flip % 3 {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 + random.below(255) as u8;
            }
            let outcome = within_limits(&format!("{name}, flip {flip}"), || (target.run)(&bytes));
            refused += usize::from(outcome != ReadOutcome::Read);
        }
    }
    // Of all files together: most flips of one that is nearly all pixels change a pixel.
    assert!(refused > 0, "no flip was noticed");
}

#[test]
fn czi_endure() {
    endure("czi");
}

#[test]
fn nd2_endure() {
    endure("nd2");
}

#[test]
fn lif_endure() {
    endure("lif");
}

#[test]
fn ome_zarr_endure() {
    endure("zarr");
}
