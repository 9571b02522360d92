//! Feeds the target `nd2` of e2m-fuzz.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| e2m_fuzz_runner::feed("nd2", bytes));
