//! The five stages, each: find or make its result at the [`Workbench`](crate::workbench::Workbench), or draw its pictures again.
//!
//! A stage takes what earlier stages found and returns what it found. Whether it is made at all is decided in
//! [`resume`](crate::resume), and what becomes of its result in [`run`](crate::run).

pub(crate) mod coarse;
pub(crate) mod detection;
pub(crate) mod difference;
pub(crate) mod fine;
pub(crate) mod pad;
pub(crate) mod restore;

/// Said where an alignment that is looked for again, for its pictures, comes out differently.
const FOUND_DIFFERENTLY: &str = "this version or this machine finds another alignment than that of the checkpoints: the stage is done again";
/// The same where only pictures were asked for.
const SHOWN_AS_RECORDED: &str = "this version or this machine finds another alignment than that of the checkpoints: the pictures show that of the checkpoints";
