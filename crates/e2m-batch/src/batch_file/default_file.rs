//! The batch file that `e2m init` writes, which is also the one in the docs.

/// The commented batch file. A `#` directly before a key holds that key's default; a `#` before a space is prose.
pub const DEFAULT_FILE: &str = include_str!("default.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::BatchFile;
    use crate::batch_file::keys::sections;
    use std::path::Path;

    /// The file with every commented default made live.
    fn uncommented() -> String {
        let live = |line: &str| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest.to_owned(),
            _ => line.to_owned(),
        };
        DEFAULT_FILE
            .lines()
            .map(live)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The file with examples made live too.
    fn with_examples() -> String {
        let example = |line: &str| match line.strip_prefix("# ") {
            Some(rest)
                if rest.starts_with('[')
                    || rest
                        .split_once(" = ")
                        .is_some_and(|(key, _)| !key.contains(' ')) =>
            {
                rest.to_owned()
            }
            _ => line.to_owned(),
        };
        uncommented()
            .lines()
            .map(example)
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn parsed(text: &str) -> BatchFile {
        BatchFile::parse(Path::new("/b/batch.toml"), text).expect("a valid batch file")
    }

    #[test]
    fn the_commented_values_are_the_defaults() {
        let as_written = parsed(DEFAULT_FILE);
        let live = parsed(&uncommented());
        let bare = parsed("raw_dir = \"raw\"\noutput_dir = \"processed\"");
        for other in [&live, &bare] {
            assert_eq!(as_written.general, other.general);
            assert_eq!(as_written.execution, other.execution);
            assert_eq!(as_written.resources, other.resources);
            assert_eq!(as_written.params, other.params);
        }
    }

    #[test]
    fn every_key_is_shown() {
        let text = with_examples();
        parsed(&text);
        let table: toml::Table = text.parse().expect("TOML");
        for (section, keys) in sections() {
            let section_table = match section {
                "" => Some(&table),
                "override" => table["override"][0].as_table(),
                name => table[name].as_table(),
            };
            for key in keys {
                assert!(
                    section_table.is_some_and(|t| t.contains_key(key.name)),
                    "{section}: {}",
                    key.name
                );
            }
        }
    }
}
