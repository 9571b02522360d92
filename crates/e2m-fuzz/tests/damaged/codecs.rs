//! Small files of the compressions and sample types for which nothing here can write one of 1 MB: those of the folder `files`, which
//! tifffile has written, cut and flipped.

use crate::damage::Random;
use crate::limits::within_limits;
use e2m_fuzz::{ReadOutcome, target};
use e2m_io::RawImage;
use e2m_testing::sample;
use std::path::Path;

/// Places at which each file is cut, and bytes that are flipped, one to three at a time.
const CUTS: usize = 40;
const FLIPS: usize = 60;
/// So many of each are in a sample.
const SAMPLED: usize = 10;

fn tells_of_others(bytes: &[u8]) -> bool {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("it can be written");
    let image = RawImage::open(file.path()).expect("it was read before");
    !image.info().others.is_empty()
}

#[test]
fn files_of_every_codec_endure() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/damaged/files");
    let mut kinds: Vec<_> = std::fs::read_dir(folder)
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    kinds.sort();
    assert!(kinds.len() > 20, "{} files", kinds.len());
    let tiff = target("tiff").expect("a target");
    for path in kinds {
        let whole = std::fs::read(&path).expect("a file");
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let outcome = within_limits(&name, || (tiff.run)(&whole));
        assert_eq!(outcome, ReadOutcome::Read, "{name} as it was written");
        for cut in sample(&format!("cuts of {name}"), 0..CUTS, SAMPLED) {
            let cut = &whole[..cut * whole.len() / CUTS];
            let outcome = within_limits(&name, || (tiff.run)(cut));
            // Of several pages the one that is read may be whole. What else the file should hold makes its task suspect.
            assert!(
                outcome != ReadOutcome::Read || tells_of_others(cut),
                "{name} cut to {} bytes",
                cut.len()
            );
        }
        for flip in sample(&format!("flips of {name}"), 0..FLIPS, SAMPLED) {
            let mut random = Random::new(flip as u64);
            let mut bytes = whole.clone();
            for _ in 0..1 + flip % 3 {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 + random.below(255) as u8;
            }
            within_limits(&format!("{name}, flip {flip}"), || (tiff.run)(&bytes));
        }
    }
}
