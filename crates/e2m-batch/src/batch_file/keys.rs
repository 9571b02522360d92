//! The keys of the batch file as data: for the schema, the docs, and for guessing what a misspelt one was meant to be.

use super::blanks::Blanks;
use super::execution::Execution;
use super::files::Files;
use super::general::General;
use super::overrides;
use super::resources::Resources;
use super::section::shortened;
use super::slurm::Slurm;
use e2m_pipeline::REGISTRY;
use serde_json::Value;
use std::sync::LazyLock;

/// A misspelt key is taken for a valid one that is at least this similar, 0 to 1.
const MIN_SIMILARITY: f64 = 0.55;
/// The same for a key of another section, where a chance similarity would mislead.
const MIN_SIMILARITY_ELSEWHERE: f64 = 0.8;
/// The same for a key of this section beside one of another that is spelt right: `dye` and `dyes`.
const MIN_SIMILARITY_OF_BOTH: f64 = 0.75;

/// Longer words are no misspelt keys. Comparing takes memory and time by the product of both lengths.
const LONGEST_GUESSED: usize = 64;

/// One key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What values it takes, as the end of "it must be …".
    pub expected: String,
    /// What values it takes, for editors.
    pub schema: Value,
    /// Its default as TOML; none where it is required, empty where it may be left out.
    pub default: Option<String>,
    /// What it means.
    pub meaning: &'static str,
}

impl Key {
    /// A key that holds a table of its own.
    pub(crate) const fn table(name: &'static str, meaning: &'static str) -> Self {
        Self {
            name,
            expected: String::new(),
            schema: Value::Null,
            default: Some(String::new()),
            meaning,
        }
    }
}

/// The tables below the keys of [`General`].
pub(crate) const TABLES: [Key; 7] = [
    Key::table(Execution::NAME, "How tasks are run"),
    Key::table(Resources::NAME, "What tasks may use of the machine"),
    Key::table("params", "Parameters of the five stages; see parameters.md"),
    Key::table(overrides::NAME, "Parameters for some tasks only"),
    Key::table(Blanks::NAME, "Samples without microbes"),
    Key::table(
        Files::NAME,
        "Raw images whose names do not follow the convention",
    ),
    Key::table(Slurm::NAME, "Jobs on a SLURM cluster"),
];

/// Headings and their keys; an empty heading for the keys above all headings.
pub fn sections() -> Vec<(&'static str, Vec<Key>)> {
    let general = General::keys().into_iter().chain(TABLES).collect();
    vec![
        (General::NAME, general),
        (Execution::NAME, Execution::keys()),
        (Resources::NAME, Resources::keys()),
        (overrides::NAME, overrides::keys()),
        (Blanks::NAME, Blanks::keys()),
        (Files::NAME, Files::keys()),
        (Slurm::NAME, Slurm::keys()),
    ]
}

/// What is said about a key that does not exist.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) text: String,
    /// The key of the same section that was probably meant.
    pub(crate) meant: Option<&'static str>,
}

/// What to say about `key`, which is none of the `valid` keys of `section`.
pub(crate) fn unknown(section: &str, valid: &[&'static str], key: &str) -> Unknown {
    let below = heading(section);
    let start = format!("there is no key {:?}{below}", shortened(key));
    let say = |rest: String, meant| Unknown {
        text: format!("{start}{rest}"),
        meant,
    };
    if let Some((elsewhere, _)) = ALL_KEYS
        .iter()
        .find(|(other, name)| *other != section && *name == key)
    {
        // `sample` is a key of overrides, and above all headings `samples` misspelt.
        return match nearest(key, valid.iter().copied(), MIN_SIMILARITY_OF_BOTH) {
            Some(name) => say(
                format!(
                    "; did you mean {name:?}? ({key:?} belongs {})",
                    destination(elsewhere)
                ),
                Some(name),
            ),
            None => say(format!("; it belongs {}", destination(elsewhere)), None),
        };
    }
    if let Some(name) = nearest(key, valid.iter().copied(), MIN_SIMILARITY) {
        return say(format!("; did you mean {name:?}?"), Some(name));
    }
    let others: Vec<_> = ALL_KEYS
        .iter()
        .filter(|(other, _)| *other != section)
        .collect();
    let names = others.iter().map(|(_, name)| *name);
    if let Some(name) = nearest(key, names, MIN_SIMILARITY_ELSEWHERE)
        && let Some((elsewhere, _)) = others.iter().find(|(_, other)| *other == name)
    {
        return say(
            format!(
                "; did you mean {name:?}, which belongs {}?",
                destination(elsewhere)
            ),
            None,
        );
    }
    say(format!("; the keys here are {}", valid.join(", ")), None)
}

/// `execution.parallel`, or only the key where it stands above all headings.
pub(crate) fn qualified(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

/// Every key with the heading below which it belongs. Made once, as a file may hold any number of unknown keys.
static ALL_KEYS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let mut all: Vec<_> = sections()
        .into_iter()
        .flat_map(|(section, keys)| keys.into_iter().map(move |key| (section, key.name)))
        .collect();
    all.extend(REGISTRY.iter().map(|spec| ("params", spec.name)));
    all
});

fn heading(section: &str) -> String {
    match section {
        "" => String::new(),
        "override" => " in [[override]]".into(),
        name => format!(" in [{name}]"),
    }
}

fn destination(section: &str) -> String {
    if section.is_empty() {
        return "above all headings".into();
    }
    // An `if` instead of a `match` on three texts: with that, LLVM 22 (rustc 1.95.0) crashed in the release build.
    let (open, close) = if section == overrides::NAME {
        ("[[", "]]")
    } else {
        ("[", "]")
    };
    format!("below {open}{section}{close}")
}

/// The most similar name, case and dashes aside, if any is similar enough.
pub fn nearest<'n>(key: &str, names: impl Iterator<Item = &'n str>, least: f64) -> Option<&'n str> {
    if key.len() > LONGEST_GUESSED {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let key = plain(key);
    names
        .map(|name| {
            (
                strsim::normalized_damerau_levenshtein(&key, &plain(name)),
                name,
            )
        })
        .filter(|(similarity, _)| *similarity >= least)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(section: &str, key: &str) -> String {
        let keys = sections()
            .into_iter()
            .find(|(name, _)| *name == section)
            .expect("a section")
            .1;
        let valid: Vec<_> = keys.iter().map(|key| key.name).collect();
        unknown(section, &valid, key).text
    }

    #[test]
    fn misspelt_keys_are_recognised() {
        assert_eq!(
            said("", "raw_dri"),
            "there is no key \"raw_dri\"; did you mean \"raw_dir\"?"
        );
        assert_eq!(
            said("", "Output-Dir"),
            "there is no key \"Output-Dir\"; did you mean \"output_dir\"?"
        );
        assert_eq!(
            said("execution", "n_worker"),
            "there is no key \"n_worker\" in [execution]; did you mean \"n_workers\"?"
        );
    }

    #[test]
    fn misplaced_keys_are_sent_where_they_belong() {
        assert_eq!(
            said("", "pad"),
            "there is no key \"pad\"; it belongs below [params]"
        );
        assert_eq!(
            said("execution", "samples"),
            "there is no key \"samples\" in [execution]; it belongs above all headings"
        );
        assert_eq!(
            said("", "boundary_widht"),
            "there is no key \"boundary_widht\"; did you mean \"boundary_width\", which belongs below [params]?"
        );
    }

    #[test]
    fn a_key_of_another_section_that_is_nearly_one_of_this() {
        assert_eq!(
            said("", "sample"),
            "there is no key \"sample\"; did you mean \"samples\"? (\"sample\" belongs below [[override]])"
        );
        assert!(
            said("", "dye").contains("did you mean \"dyes\"?"),
            "{}",
            said("", "dye")
        );
    }

    #[test]
    fn for_anything_else_the_valid_keys_are_listed() {
        assert_eq!(
            said("slurm", "zzz"),
            "there is no key \"zzz\" in [slurm]; the keys here are partition, account, qos, constraint, time, cpus, memory, max_running, scratch, setup, extra"
        );
    }
}
