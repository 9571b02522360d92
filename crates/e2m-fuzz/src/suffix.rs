//! Suffixes of file names.

use crate::ReadOutcome;
use e2m_pipeline::{parse_suffix, suffix};

pub(crate) fn read(bytes: &[u8]) -> ReadOutcome {
    let text = String::from_utf8_lossy(bytes);
    let params = match parse_suffix(&text) {
        Ok(params) => params,
        Err(error) => return ReadOutcome::Refused(error.to_string()),
    };
    // A name keeps six digits of a float: from the second time on nothing may change.
    let name = suffix(&params, 4);
    match parse_suffix(&name) {
        Ok(kept) => assert_eq!(suffix(&kept, 4), name, "of {text:?}"),
        Err(error) => panic!("{text:?} becomes {name:?}, which is no suffix: {error}"),
    }
    for stage in 1..4 {
        assert!(name.starts_with(&suffix(&params, stage)), "{name:?}");
    }
    ReadOutcome::Read
}
