//! What wrong arguments were meant to be, where the parser of arguments does not see it.

use crate::command::meant_command;
use std::ffi::OsString;
use std::path::Path;

/// A sentence where the first word was meant to be a command: `e2m chek batch.toml` is a batch file `chek` and one argument too
/// many to the parser.
pub(crate) fn on_arguments(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let words: Vec<String> = arguments
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let (first, others) = words.split_first()?;
    let several = others.iter().any(|word| !word.starts_with('-'));
    if first.starts_with('-') || !several {
        return None;
    }
    let command = meant_command(Path::new(first))?;
    // A command that was spelt right has other arguments that are wrong.
    (command != *first).then(|| {
        format!(
            "there is no command {first}; did you mean `e2m {command} {}`?",
            others.join(" ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> Option<String> {
        on_arguments(words.iter().map(OsString::from))
    }

    #[test]
    fn misspelt_commands_are_recognised() {
        assert_eq!(
            said(&["chek", "b.toml"]).as_deref(),
            Some("there is no command chek; did you mean `e2m check b.toml`?")
        );
        assert_eq!(
            said(&["Status", "b.toml", "--json"]).as_deref(),
            Some("there is no command Status; did you mean `e2m status b.toml --json`?")
        );
    }

    #[test]
    fn everything_else_is_left_to_the_parser() {
        for words in [
            &["check", "b.toml", "c.toml"][..],
            &["b.toml", "c.toml"],
            &["--chek", "b.toml"],
            &["xyzzy", "b.toml"],
            &["chek"],
            &["chek", "--json"],
            &[],
        ] {
            assert_eq!(said(words), None, "{words:?}");
        }
    }
}
