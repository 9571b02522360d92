//! Feeds the target `batch_file` of e2m-fuzz.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| e2m_fuzz_runner::feed("batch_file", bytes));
