//! Reading takes the plane and a little more, however large the file.

#![expect(
    clippy::print_stdout,
    reason = "figures for whoever runs it with --nocapture"
)]

use e2m_image::{BandSink, BandSource, Size};
use e2m_io::{
    CheckpointCompression, CheckpointFormat, CheckpointReader, CheckpointWriter, Facts, RawImage,
    survey,
};
use ndarray::Array2;
use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
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

/// The most bytes that were in use during `work`, beyond those before it.
fn peak_of<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = IN_USE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = work();
    (PEAK.load(Ordering::Relaxed).saturating_sub(before), result)
}

const WIDTH: usize = 6000;
const HEIGHT: usize = 5000;
const MB: usize = 1 << 20;
const PLANE_BYTES: usize = WIDTH * HEIGHT;

/// An RGB file of 90 MB in a single strip, as tifffile writes them.
fn write_rgb(path: &Path) {
    let mut file = BufWriter::new(File::create(path).expect("creates"));
    let data = (3 * PLANE_BYTES) as u32;
    let directory = 8 + data;
    let tags: [(u16, u16, u32, u32); 9] = [
        (256, 4, 1, WIDTH as u32),
        (257, 4, 1, HEIGHT as u32),
        (258, 3, 3, directory + 2 + 9 * 12 + 4),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, 3),
        (278, 4, 1, HEIGHT as u32),
        (279, 4, 1, data),
    ];
    file.write_all(b"II\x2a\0").expect("writes");
    file.write_all(&directory.to_le_bytes()).expect("writes");
    for y in 0..HEIGHT {
        let row: Vec<u8> = (0..WIDTH)
            .flat_map(|x| [0, ((x + y) % 200) as u8, 0])
            .collect();
        file.write_all(&row).expect("writes");
    }
    file.write_all(&9_u16.to_le_bytes()).expect("writes");
    for (tag, kind, count, value) in tags {
        file.write_all(&tag.to_le_bytes()).expect("writes");
        file.write_all(&kind.to_le_bytes()).expect("writes");
        file.write_all(&count.to_le_bytes()).expect("writes");
        file.write_all(&value.to_le_bytes()).expect("writes");
    }
    file.write_all(&[0, 0, 0, 0, 8, 0, 8, 0, 8, 0])
        .expect("writes");
    file.flush().expect("writes");
}

// One test, so that nothing else allocates meanwhile.
#[test]
fn reading_takes_the_plane_and_a_little_more() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("S1_post_DAPI.tif");
    write_rgb(&path);

    let (peak, (plane, choice)) = peak_of(|| {
        RawImage::open(&path)
            .and_then(|image| {
                let choice = image.choose_alone()?;
                Ok((image.load_plane(&choice)?, choice))
            })
            .expect("loads")
    });
    println!(
        "load_plane: {} MB for a plane of {} MB",
        peak / MB,
        PLANE_BYTES / MB
    );
    assert_eq!(
        (plane.bytes() as usize, choice.to_string().as_str()),
        (PLANE_BYTES, "G")
    );
    assert!(peak < PLANE_BYTES + MB, "{peak}");
    drop(plane);

    let (peak, ()) = peak_of(|| {
        let mut image = RawImage::open(&path).expect("opens");
        let mut bands = image.bands(&choice).expect("bands");
        let mut band = Array2::zeros((10, WIDTH));
        for first in (0..HEIGHT).step_by(10) {
            bands.read_band(first, band.view_mut()).expect("reads");
        }
    });
    println!("bands: {} KB", peak / 1024);
    assert!(peak < MB, "{peak}");

    let (peak, found) = peak_of(|| survey(&path, 512).expect("surveys"));
    println!("survey: {} KB", peak / 1024);
    assert!(peak < MB && found.channels[1].max == 199.0, "{peak}");

    for (format, compression) in [
        (CheckpointFormat::Tiff, CheckpointCompression::None),
        (CheckpointFormat::Tiff, CheckpointCompression::Deflate),
        (CheckpointFormat::Fits, CheckpointCompression::None),
    ] {
        for (size, threads) in [
            (Size::new(WIDTH, 2000), 1),
            (Size::new(WIDTH, 2000), 3),
            (Size::new(300_000, 30), 2),
            (Size::new(100, 90), 2),
        ] {
            check_writer(folder.path(), size, format, compression, threads);
        }
    }
}

/// Whether a writer takes what it says, and a reader of what it wrote little.
fn check_writer(
    folder: &Path,
    size: Size,
    format: CheckpointFormat,
    compression: CheckpointCompression,
    threads: usize,
) {
    let path = folder.join("checkpoint");
    let planned = CheckpointWriter::memory_bytes(size, format, compression, threads) as usize;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool");
    // Noise, which compresses worst, in bands that do and do not lie in one piece.
    let noise = |(y, x): (usize, usize)| {
        f32::from_bits(((y * size.width + x) as u32).wrapping_mul(0x9E37_79B9))
    };
    let band = Array2::from_shape_fn((10, size.width), noise);
    let scattered = Array2::from_shape_fn((size.width, 10), |(x, y)| noise((y, x)));
    let (peak, ()) = peak_of(|| {
        pool.install(|| {
            let facts = Facts::new();
            let mut writer = CheckpointWriter::create(&path, size, &facts, format, compression)
                .expect("creates");
            for _ in 0..size.height / 20 {
                writer.write_band(band.view()).expect("writes");
                writer.write_band(scattered.t()).expect("writes");
            }
            for _ in 0..size.height % 20 / 10 {
                writer.write_band(band.view()).expect("writes");
            }
            writer.finish().expect("finishes");
        });
    });
    println!(
        "{format} {compression:?} {size} by {threads}: {} KB of {} KB",
        peak / 1024,
        planned / 1024
    );
    assert!(peak <= planned, "{peak} > {planned}");
    // A disk that is faster than deflate leaves the third block unused, perhaps the second.
    assert!(planned < 3 * peak + MB, "{planned} is far more than {peak}");

    let (peak, ()) = peak_of(|| {
        CheckpointReader::open(&path)
            .and_then(|mut reader| reader.verify())
            .expect("verifies");
    });
    assert!(peak < 6 * MB, "{peak}");
}
