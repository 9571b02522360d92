//! Running other programs, loudly: a failure names the command and how it ended.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Everything that is no release is built with it, so that the tests of crash safety share the build with all others. Unless a run is told to
/// count its changes to a disk, it changes nothing; the demo runs a build without it.
pub(crate) const TEST_FEATURES: [&str; 2] = ["--features", "e2m-cli/fault-injection"];

/// `cargo`, the one that runs xtask, at the top of the workspace.
pub(crate) fn cargo<'a>(workspace: &Workspace, args: impl IntoIterator<Item = &'a str>) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace.root()).args(args);
    command
}

/// Builds an example in release mode; answers with the program.
///
/// It is built as part of the whole workspace, as everything is: on its own its dependencies would have other features, and
/// OpenCV's binding would be built once more.
pub(crate) fn built_example(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let build = [
        "build",
        "--quiet",
        "--release",
        "--workspace",
        "--example",
        name,
    ];
    run(&mut cargo(workspace, build))?;
    Ok(workspace.target().join("release/examples").join(name))
}

/// Runs with this terminal's input and output; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs with this terminal's input and output and tells how it ended.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command
        .status()
        .with_context(|| format!("`{}` could not be started", shown(command)))
}

/// What a command prints on standard output, whether or not it succeeds; its standard error is dropped.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::null())
        .output()
        .with_context(|| format!("`{}` could not be started", shown(command)))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a command prints on standard output, with this terminal's standard error; anything but success is an error.
pub(crate) fn captured(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("`{}` could not be started", shown(command)))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", shown(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed what is no text", shown(command)))
}

/// Whether a command starts and succeeds, without a word on the terminal.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether a program of this name is on the PATH.
pub(crate) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = String::new();
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            let _ = write!(text, "{}={} ", key.to_string_lossy(), quoted(value));
        }
    }
    text.push_str(&quoted(command.get_program()));
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&quoted(arg));
    }
    text
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.is_empty() || word.contains([' ', '\'', '"', '$']) {
        format!("'{}'", word.replace('\'', r"'\''"))
    } else {
        word.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_its_exit_code() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).expect_err("a failure");
        let message = error.to_string();
        assert!(message.contains("`sh -c 'exit 3'`"), "{message}");
        assert!(message.contains('3'), "{message}");
    }

    #[test]
    fn output_is_captured_only_from_what_succeeds() {
        let text = captured(Command::new("sh").args(["-c", "echo figures"])).expect("output");
        assert_eq!(text, "figures\n");
        let error = captured(Command::new("sh").args(["-c", "echo half; exit 4"]));
        let message = error.expect_err("a failure").to_string();
        assert!(message.contains('4'), "{message}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program-e2m")).expect_err("a failure");
        assert!(error.to_string().contains("no-such-program-e2m"));
        assert!(!on_path("no-such-program-e2m"));
        assert!(on_path("sh"));
    }

    #[test]
    fn commands_are_shown_with_their_variables() {
        let mut command = Command::new("cargo");
        command.env("RUSTDOCFLAGS", "-D warnings").arg("doc");
        assert_eq!(shown(&command), "RUSTDOCFLAGS='-D warnings' cargo doc");
    }
}
