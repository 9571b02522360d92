//! What shells and manuals want to know of the command line.

use crate::args::Cli;
use crate::exit::Exit;
use crate::terminal::Terminal;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io;
use std::path::Path;

/// The script by which a shell completes commands and options.
pub(crate) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "e2m", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes a manual page for the program and for each of its commands.
pub(crate) fn man(folder: &Path, terminal: &Terminal) -> Exit {
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    let shown = folder.display();
    match written {
        Ok(()) => {
            terminal.result(&format!(
                "Wrote the manual pages to {shown}; `man -l {}` shows the first.",
                folder.join("e2m.1").display()
            ));
            Exit::Complete
        }
        Err(error) => {
            terminal.error(&format!(
                "the manual pages cannot be written to {shown}: {error}"
            ));
            match error.kind() {
                io::ErrorKind::StorageFull => Exit::TaskFailed,
                _ => Exit::BadInput,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_every_command() {
        for shell in [
            Shell::Bash,
            Shell::Zsh,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Elvish,
        ] {
            let script = completions(shell);
            for command in ["survey", "check", "params", "completions"] {
                assert!(script.contains(command), "{shell}: {command}");
            }
        }
    }
}
