//! Only in builds for tests of crash safety: arms the fault that the environment asks for.
//!
//! `E2M_FAULT_LOG` is the journal in which every change to a disk is counted, by all processes of a run together, and
//! `E2M_FAULT` what is to happen at one of them, such as `kill@12` or `fail@12:ENOSPC`.

use crate::args::{Cli, Sub};
use e2m_io::fault::Fault;

/// Arms it, in whichever process of a run.
pub(crate) fn arm(cli: &Cli) -> Result<(), String> {
    let variable = |name: &str| std::env::var(name).ok();
    let Some(journal) = variable("E2M_FAULT_LOG") else {
        return Ok(());
    };
    let fault = variable("E2M_FAULT").map(|text| text.parse::<Fault>());
    let fault = fault.transpose().map_err(|error| error.to_string())?;
    let is_worker = matches!(cli.command, Some(Sub::Worker(_)));
    e2m_io::fault::arm(journal.as_ref(), fault, is_worker)
        .map_err(|error| format!("{journal}: {error}"))
}
