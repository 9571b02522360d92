//! Suffixes of file names.

use crate::ReadOutcome;
use e2m_pipeline::{Stage, parse_suffix, suffix};

pub(crate) fn read(bytes: &[u8]) -> ReadOutcome {
    let text = String::from_utf8_lossy(bytes);
    let params = match parse_suffix(&text) {
        Ok(params) => params,
        Err(error) => return ReadOutcome::Refused(error.to_string()),
    };
    // A name keeps six digits of a float: from the second time on nothing may change.
    let name = suffix(&params, Stage::LAST);
    match parse_suffix(&name) {
        Ok(kept) => assert_eq!(suffix(&kept, Stage::LAST), name, "of {text:?}"),
        Err(error) => panic!("{text:?} becomes {name:?}, which is no suffix: {error}"),
    }
    for &stage in Stage::up_to(Stage::Fine) {
        assert!(name.starts_with(&suffix(&params, stage)), "{name:?}");
    }
    ReadOutcome::Read
}
