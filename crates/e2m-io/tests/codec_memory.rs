//! Reading bands of any codec takes no more than `RawInfo::decoding_bytes` says, and a little.

#![expect(
    clippy::print_stdout,
    reason = "figures for whoever runs it with --nocapture"
)]

mod common;

use e2m_image::BandSource;
use e2m_io::RawImage;
use ndarray::Array2;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts bytes in use and the most there ever were.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "a global allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator unchanged; only counters are kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(used, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`, and `alloc` asked the same allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What headers, rows and the band of the caller take.
const LITTLE: usize = 1 << 20;

// One test, so that nothing else allocates meanwhile.
#[test]
fn decoders_hold_what_is_planned() {
    let folder = tempfile::tempdir().expect("folder");
    if common::python("write_large.py", &[folder.path()]).is_none() {
        return;
    }
    let mut broken = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(folder.path())
        .expect("files")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 24, "{paths:?}");
    for path in paths {
        let mut image = RawImage::open(&path).unwrap_or_else(|error| panic!("{error}"));
        let (size, planned) = (image.info().size, image.info().decoding_bytes() as usize);
        let choice = image.choose_alone().expect("channels");
        let before = IN_USE.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let mut bands = image.bands(&choice).expect("bands");
        let mut band = Array2::zeros((16, size.width));
        for first in (0..size.height).step_by(16) {
            bands.read_band(first, band.view_mut()).expect("reads");
        }
        let peak = PEAK.load(Ordering::Relaxed).saturating_sub(before);
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        println!("{name}: {} KB of {} KB", peak / 1024, planned / 1024);
        if peak > planned + LITTLE {
            broken.push(format!("{name}: {peak} > {planned}"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
