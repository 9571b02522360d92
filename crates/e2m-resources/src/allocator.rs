//! Giving memory back that was freed.
//!
//! An allocator keeps what a program frees, for the next time; a stage that is through would go on counting against the
//! machine while the next one allocates pieces of other sizes.

/// Heaps that an allocator keeps apart, so that threads need not wait for each other.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: i32 = 4;

/// From this size on, bytes, an allocation is a mapping of its own, and the system has it back as soon as it is freed. Bands and
/// strips are larger; in heaps they leave holes that nothing else fits, some 100 MB for a pair. glibc raises its own limit to
/// the largest that was freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_FROM: i32 = 4 << 20;
/// What the end of a heap keeps for the next time, bytes, so that pieces of tiles need not be asked for again and again.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: i32 = 16 << 20;

/// Keeps the system's allocator from opening a heap for every thread, of which each keeps what was freed in it: glibc has up
/// to eight per processor. Large allocations are kept out of the heaps. To be called once, early in a program; a library has no
/// business to.
pub fn bound_heaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    few_heaps();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "an allocator's own function")]
fn few_heaps() {
    // SAFETY: each sets a number that is looked at when a thread allocates or frees.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

/// Gives freed memory back to the system, where its allocator can be told to (glibc); elsewhere nothing happens.
///
/// Takes milliseconds, and what is used again has to be asked for again: for the end of a stage or a task, not for every
/// band. It concerns the whole process, C and C++ libraries included.
pub fn return_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    trim();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "an allocator's own function")]
fn trim() {
    // SAFETY: it may be called at any time from any thread, and changes nothing that is in use.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;
    use crate::process::MEASURING;
    use crate::process_memory;

    #[test]
    fn what_was_freed_between_what_is_kept_goes_back() {
        let _alone = MEASURING.lock().expect("no test failed before");
        // Pieces small enough to come from the heap; the kept ones hold the heap's end where it is.
        let mut pieces: Vec<Option<Vec<u8>>> =
            (0..4000).map(|i| Some(vec![i as u8; 32 << 10])).collect();
        for (i, piece) in pieces.iter_mut().enumerate() {
            if i % 100 != 99 {
                *piece = None;
            }
        }
        let before = process_memory().current;
        return_memory();
        let after = process_memory().current;
        assert!(after + (80 << 20) < before, "{before} {after}");
        assert_eq!(pieces.iter().flatten().count(), 40);
    }
}
