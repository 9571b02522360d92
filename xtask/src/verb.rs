//! What a developer command is.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// One developer command.
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    /// One line for the list of verbs.
    pub(crate) summary: &'static str,
    /// What `cargo xtask help NAME` prints.
    pub(crate) help: &'static str,
    pub(crate) run: fn(&Workspace, Vec<OsString>) -> Result<()>,
}

/// For verbs without arguments: refuses any, instead of ignoring a wish.
pub(crate) fn no_arguments(verb: &str, args: &[OsString]) -> Result<()> {
    if let Some(arg) = args.first() {
        bail!("`{verb}` takes no arguments, but was given {arg:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_without_arguments_refuse_them() {
        assert!(no_arguments("tidy", &[]).is_ok());
        assert!(no_arguments("tidy", &["--fix".into()]).is_err());
    }
}
