//! Commands that are looked up and not run: whether the program knows the command and each of its options.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a program says of itself, asked for once.
#[derive(Debug)]
pub(crate) struct Known {
    e2m: PathBuf,
    root: PathBuf,
    helps: HashMap<String, Option<String>>,
}

impl Known {
    pub(crate) fn new(programs: &Path, root: &Path) -> Self {
        Self {
            e2m: programs.join("e2m"),
            root: root.to_owned(),
            helps: HashMap::new(),
        }
    }

    /// What is wrong with the commands of a line, if something is.
    pub(crate) fn wrong(&mut self, line: &str) -> Option<String> {
        let line = line.split(" #").next().unwrap_or_default();
        let commands = line.split(['|', ';', '&']);
        commands
            .filter_map(|command| self.wrong_command(command))
            .next()
    }

    fn wrong_command(&mut self, command: &str) -> Option<String> {
        let mut words = command.split_whitespace().map(unquoted);
        let words: Vec<&str> = words.by_ref().collect();
        let start = words.iter().position(|word| is_program(word))?;
        let (program, rest) = words.get(start..)?.split_first()?;
        if *program == "cargo" {
            return self.wrong_cargo(rest);
        }
        let name = rest.first().copied().unwrap_or_default();
        // A batch file, an option or a word that stands for one of them: a run.
        let is_command =
            name.starts_with(|first: char| first.is_ascii_lowercase()) && !name.contains('.');
        let (name, options) = if is_command {
            (name, rest.get(1..)?)
        } else {
            ("", rest)
        };
        let Some(help) = self.help(name) else {
            return Some(format!("there is no command `e2m {name}`"));
        };
        lacking(&help, options, &format!("e2m {name}"))
    }

    /// What the program says of a command of `e2m`, or this one of a verb: `cargo xtask NAME`.
    fn help(&mut self, name: &str) -> Option<String> {
        if let Some(help) = self.helps.get(name) {
            return help.clone();
        }
        let mut command;
        if let Some(verb) = name.strip_prefix("cargo xtask ") {
            command = Command::new(std::env::current_exe().ok()?);
            // "help" alone is the list of verbs.
            command.arg("help").args((verb != "help").then_some(verb));
        } else {
            command = Command::new(&self.e2m);
            command
                .args((!name.is_empty()).then_some(name))
                .arg("--help");
        }
        let output = command.output().ok();
        let output = output.filter(|output| output.status.success());
        let help = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        self.helps.insert(name.to_owned(), help.clone());
        help
    }

    fn wrong_cargo(&mut self, words: &[&str]) -> Option<String> {
        if let ["xtask", name, options @ ..] = words {
            let verb = format!("cargo xtask {name}");
            let Some(help) = self.help(&verb) else {
                return Some(format!("there is no verb `{verb}`"));
            };
            return lacking(&help, options, &verb);
        }
        let after = |option: &str| {
            let at = words.iter().position(|word| *word == option)?;
            words.get(at + 1).copied()
        };
        [
            ("--example", "examples"),
            ("--bench", "benches"),
            ("--test", "tests"),
        ]
        .into_iter()
        .filter_map(|(option, folder)| Some((after(option)?, folder)))
        .find(|(name, folder)| !self.has_target(folder, name))
        .map(|(name, folder)| format!("no crate has {folder}/{name}"))
    }

    /// Whether some crate has a target of this name.
    fn has_target(&self, folder: &str, name: &str) -> bool {
        let crates = std::fs::read_dir(self.root.join("crates"));
        crates.into_iter().flatten().flatten().any(|own| {
            let folder = own.path().join(folder);
            folder.join(format!("{name}.rs")).is_file()
                || folder.join(name).join("main.rs").is_file()
        })
    }
}

fn is_program(word: &str) -> bool {
    word == "e2m" || word == "cargo" || word.ends_with("/e2m")
}

fn unquoted(word: &str) -> &str {
    word.trim_matches(['\'', '"', '(', ')', ','])
}

/// Which of the long options a help does not know.
fn lacking(help: &str, words: &[&str], command: &str) -> Option<String> {
    let named = words
        .iter()
        .filter(|word| word.starts_with("--") && word.len() > 2);
    let names = named.filter_map(|word| word.split(['=', '\'', '[', ']']).next());
    let mut lacking = names.filter(|name| {
        let is_name = |word: &str| word == *name;
        !help
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .any(is_name)
    });
    let option = lacking.next()?;
    Some(format!("`{command}` has no option {option}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("a folder");
        let mut known = Known::new(Path::new("/nowhere"), root);
        let helps = [
            ("", "  --force  \n"),
            ("check", "[--json]"),
            ("serve", "--port <PORT>"),
            ("cargo xtask docs", "Usage: cargo xtask docs [--check]"),
        ];
        for (name, help) in helps {
            known.helps.insert(name.to_owned(), Some(help.to_owned()));
        }
        known.helps.insert("cargo xtask dosc".to_owned(), None);
        known
    }

    #[test]
    fn commands_and_options_that_are_there_pass() {
        for line in [
            "e2m batch.toml --force",
            "e2m check batch.toml --json   # --nothing",
            "cd x && e2m serve FOLDER --port 8000",
            "e2m --force BATCH",
            "./x/e2m check X",
            "cargo xtask docs --check",
            "cargo run --release --example accuracy -- hard",
            "cargo test",
        ] {
            assert_eq!(known().wrong(line), None, "{line}");
        }
    }

    #[test]
    fn those_that_are_not_are_named() {
        for (line, part) in [
            ("e2m batch.toml --jsn", "--jsn"),
            ("e2m chekc batch.toml", "e2m chekc"),
            ("ls | e2m check batch.toml --port=1", "--port"),
            ("cargo xtask dosc", "dosc"),
            ("cargo xtask docs --chekc", "--chekc"),
            ("cargo bench -p e2m-io --bench nothing", "benches/nothing"),
        ] {
            let wrong = known().wrong(line).expect(line);
            assert!(wrong.contains(part), "{line}: {wrong}");
        }
    }
}
