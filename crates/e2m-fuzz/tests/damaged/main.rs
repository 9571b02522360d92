//! A valid file of about 1 MB of each kind that e2m reads, cut at 100 places and with each of 2,000 bytes flipped: never a
//! panic, never more than 2 s of processor time or 256 MB of memory, always an error that names the file.

mod bombs;
mod codecs;
mod damage;
mod kinds;
mod limits;
mod makers;
mod tiff;

use damage::{cuts, flips};
use e2m_fuzz::{ReadOutcome, Target, target};
use e2m_testing::{is_sampled, sample};
use kinds::{KINDS, Kind};
use limits::within_limits;

/// Places at which each file is cut.
const CUTS: usize = 100;
/// Bytes of each file that are flipped, one at a time.
const FLIPS: usize = 2000;
/// So many of each are in a sample.
const SAMPLED_CUTS: usize = 15;
const SAMPLED_FLIPS: usize = 150;

fn reader(kind: &Kind) -> Target {
    target(kind.target).expect("a target")
}

/// The kind of this name.
fn kind(name: &str) -> Kind {
    let found = KINDS.into_iter().find(|(known, _)| *known == name);
    let (name, make) = found.unwrap_or_else(|| panic!("no kind {name}"));
    make(name)
}

/// Whole, cut and flipped.
fn endure(kind: &Kind) {
    let whole = within_limits(kind.name, || (reader(kind).run)(&kind.bytes));
    assert_eq!(whole, ReadOutcome::Read, "{} as it was written", kind.name);
    let all = cuts(&kind.bytes, CUTS);
    for cut in sample(&format!("cuts of {}", kind.name), all, SAMPLED_CUTS) {
        let name = format!("{} cut to {} bytes", kind.name, cut.len());
        let outcome = within_limits(&name, || (reader(kind).run)(cut));
        assert!(
            !kind.is_binary || outcome != ReadOutcome::Read,
            "{name}: it was read"
        );
    }
    let mut refused = 0;
    let drawn = sample(&format!("flips of {}", kind.name), 0..FLIPS, SAMPLED_FLIPS);
    let all = flips(kind, FLIPS).enumerate();
    for (number, flipped) in all.filter(|(number, _)| drawn.binary_search(number).is_ok()) {
        let name = format!("{}, flip {number}", kind.name);
        // A byte of the pixels is noticed only where they are read.
        let whole_every = if damage::is_in_structure(number) {
            kind.whole_every
        } else {
            kind.whole_every.div_ceil(3)
        };
        let run = if (number / 3).is_multiple_of(whole_every) {
            reader(kind).run
        } else {
            kind.quick
        };
        refused += u64::from(within_limits(&name, || run(&flipped)) != ReadOutcome::Read);
    }
    let enough = if is_sampled() { 0 } else { 50 };
    assert!(
        refused > enough,
        "{}: only {refused} flips were noticed",
        kind.name
    );
}

macro_rules! endured {
    ($($test:ident: $($name:literal),+;)*) => {
        $(#[test]
        fn $test() {
            $(endure(&kind($name));)+
        })*

        /// Of every kind there is a test.
        #[test]
        fn no_kind_is_left_out() {
            let tested = [$($($name),+),*];
            let there: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
            assert_eq!(there, tested);
        }
    };
}

endured! {
    plain_tiffs_endure: "tiff plain", "tiff big", "tiff tiled", "tiff planar";
    compressed_tiffs_endure: "tiff lzw", "tiff deflate", "tiff packbits", "tiff jpeg";
    checkpoints_endure: "checkpoint plain", "checkpoint deflate", "fits";
    texts_endure: "batch file", "manifest", "suffix", "worker protocol";
}
