//! Giving memory back that was freed.
//!
//! An allocator keeps what a program frees, for the next time; a stage that is through would go on counting against the
//! machine while the next one allocates pieces of other sizes.

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
    use crate::process_memory;

    #[test]
    fn what_was_freed_between_what_is_kept_goes_back() {
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
