//! Streams to disks that work, refuse, run full, panic or take their time.

use super::blocks::{ALIGNMENT, BlockStream};
use super::disk::Disk;
use proptest::prelude::*;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is the matter with a disk.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Flaw {
    None,
    /// It does not know the flag.
    NoFlag,
    /// It takes the flag, but no such writes from this one on.
    RefusesDirect(usize),
    /// This write is cut short, within a sector.
    CutsShort(usize),
    /// There is no room behind so many bytes.
    Full(u64),
    Panics,
    Slow,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    direct: bool,
    writes: usize,
    direct_bytes: usize,
    written_bytes: usize,
    misaligned: bool,
}

struct FakeDisk {
    flaw: Flaw,
    content: Mutex<Content>,
}

impl FakeDisk {
    fn new(flaw: Flaw) -> Arc<Self> {
        let content = Mutex::default();
        Arc::new(Self { flaw, content })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Content) -> T) -> T {
        look(&mut self.content.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Disk for FakeDisk {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if self.flaw == Flaw::Slow {
            std::thread::sleep(Duration::from_millis(200));
        }
        self.with(|content| {
            let number = content.writes;
            content.writes += 1;
            let address = bytes.as_ptr().addr();
            let aligned = [address, bytes.len(), offset as usize].map(|n| n % ALIGNMENT) == [0; 3];
            content.misaligned |= content.direct && !aligned;
            let mut length = bytes.len();
            match self.flaw {
                Flaw::RefusesDirect(from) if content.direct && number >= from => {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
                Flaw::CutsShort(which) if which == number => length = length.min(1000),
                Flaw::Full(room) if offset + length as u64 > room => {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                Flaw::Panics => panic!("a disk that panics"),
                _ => {}
            }
            let end = offset as usize + length;
            let known = content.bytes.len().max(end);
            content.bytes.resize(known, 0);
            content.bytes[offset as usize..end].copy_from_slice(&bytes[..length]);
            content.written_bytes += length;
            content.direct_bytes += if content.direct { length } else { 0 };
            Ok(length)
        })
    }

    fn set_direct(&self, direct: bool) -> io::Result<()> {
        if direct && self.flaw == Flaw::NoFlag {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.with(|content| content.direct = direct);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.with(|content| content.bytes.resize(bytes as usize, 0));
        Ok(())
    }
}

/// A stream with blocks of 256 KiB.
fn stream(disk: &Arc<FakeDisk>) -> BlockStream {
    BlockStream::new(Arc::<FakeDisk>::clone(disk), 256 << 10)
}

fn write(stream: &mut BlockStream, mut bytes: &[u8], piece: usize) -> io::Result<()> {
    while !bytes.is_empty() {
        let room = stream.room()?;
        let now = piece.min(room.len()).min(bytes.len());
        room[..now].copy_from_slice(&bytes[..now]);
        stream.advance(now);
        bytes = &bytes[now..];
    }
    Ok(())
}

/// Noise with zeros in between, at whatever places.
fn bytes(length: usize, zeros: std::ops::Range<usize>) -> Vec<u8> {
    let byte = |i: usize| {
        if zeros.contains(&i) {
            0
        } else {
            (i.wrapping_mul(0x9E37_79B9) >> 13) as u8 | 1
        }
    };
    (0..length).map(byte).collect()
}

/// Nobody holds the disk any more, so that no thread is left.
fn is_released(disk: &Arc<FakeDisk>) -> bool {
    Arc::strong_count(disk) == 1
}

fn flaw() -> impl Strategy<Value = Flaw> {
    prop_oneof![
        Just(Flaw::None),
        Just(Flaw::NoFlag),
        (0..4usize).prop_map(Flaw::RefusesDirect),
        (0..6usize).prop_map(Flaw::CutsShort),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn what_arrives_is_what_was_sent(
        flaw in flaw(),
        length in prop_oneof![0..2_000_000usize, (0..8usize).prop_map(|blocks| blocks << 18)],
        zeros in (0..2_000_000usize, 0..1_500_000usize).prop_map(|(start, n)| start..start + n),
        piece in prop_oneof![1000..10_000usize, 100_000..1_000_000usize],
    ) {
        let wanted = bytes(length, zeros);
        let disk = FakeDisk::new(flaw);
        let mut stream = stream(&disk);
        write(&mut stream, &wanted, piece).expect("writes");
        prop_assert_eq!(stream.finish().expect("finishes"), length as u64);
        prop_assert!(is_released(&disk));
        disk.with(|content| {
            prop_assert!(content.bytes == wanted);
            prop_assert!(!content.direct && !content.misaligned);
            Ok(())
        })?;
    }
}

#[test]
fn blocks_go_past_the_page_cache_and_zeros_nowhere() {
    let disk = FakeDisk::new(Flaw::None);
    let mut stream = stream(&disk);
    // Two blocks, the second one zero from its middle on; six blocks of zeros; a few bytes.
    let length = (8 << 18) + 5;
    let wanted = bytes(length, 3 << 17..8 << 18);
    write(&mut stream, &wanted, 10_000).expect("writes");
    stream.finish().expect("finishes");
    disk.with(|content| {
        assert!(content.bytes == wanted);
        assert_eq!(content.direct_bytes, 3 << 17);
        assert_eq!(content.written_bytes, (3 << 17) + 5);
        assert_eq!(content.writes, 3);
    });
}

#[test]
fn less_than_a_block_is_written_in_the_ordinary_way() {
    let disk = FakeDisk::new(Flaw::None);
    let mut stream = stream(&disk);
    let wanted = bytes(200_000, 0..0);
    write(&mut stream, &wanted, 1000).expect("writes");
    stream.finish().expect("finishes");
    disk.with(|content| {
        assert!(content.bytes == wanted);
        assert_eq!(content.direct_bytes, 0);
    });
}

#[test]
fn a_full_disk_is_told_early_and_for_good() {
    for room in [0, 300_000, 1_000_000] {
        let disk = FakeDisk::new(Flaw::Full(room));
        let mut stream = stream(&disk);
        let error = write(&mut stream, &bytes(4_000_000, 0..0), 10_000).expect_err("it is full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(Arc::strong_count(&disk), 2, "the thread has ended");
        for _ in 0..3 {
            stream.room().expect_err("it is lost");
            stream.advance(10);
        }
        stream.finish().expect_err("it is lost");
    }
}

#[test]
fn a_disk_that_is_full_at_the_end_is_told_at_the_end() {
    for (room, length) in [(0, 1000), (300_000, 400_000), (1 << 19, (1 << 19) + 1)] {
        let disk = FakeDisk::new(Flaw::Full(room));
        let mut stream = stream(&disk);
        write(&mut stream, &bytes(length, 0..0), 10_000).expect("not written yet");
        let error = stream.finish().expect_err("it is full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(is_released(&disk));
    }
}

#[test]
fn a_panic_of_the_thread_is_an_error() {
    let disk = FakeDisk::new(Flaw::Panics);
    let mut stream = stream(&disk);
    let error = write(&mut stream, &bytes(4_000_000, 0..0), 10_000).expect_err("it panicked");
    assert!(error.to_string().contains("panicked"), "{error}");
    drop(stream);
    assert!(is_released(&disk));
}

#[test]
fn what_is_given_up_is_not_waited_for() {
    let disk = FakeDisk::new(Flaw::Slow);
    let mut stream = stream(&disk);
    write(&mut stream, &bytes(4 << 18, 0..0), 10_000).expect("writes");
    let started = Instant::now();
    drop(stream);
    assert!(is_released(&disk));
    // At most the block that is being written.
    assert!(
        started.elapsed() < Duration::from_millis(390),
        "{:?}",
        started.elapsed()
    );
    disk.with(|content| assert!(content.writes < 4, "{}", content.writes));
}

#[test]
fn a_panic_of_the_caller_ends_the_thread() {
    let disk = FakeDisk::new(Flaw::Slow);
    let mut stream = stream(&disk);
    let caller = std::thread::spawn(move || {
        write(&mut stream, &bytes(3 << 18, 0..0), 10_000).expect("writes");
        panic!("a caller that panics");
    });
    caller.join().expect_err("it panicked");
    assert!(is_released(&disk));
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_always_full_says_so() {
    let device = std::fs::File::options().write(true).open("/dev/full");
    let mut stream = BlockStream::new(Arc::new(device.expect("opens")), 1 << 18);
    let error = write(&mut stream, &bytes(4_000_000, 0..0), 10_000).expect_err("it is full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}
