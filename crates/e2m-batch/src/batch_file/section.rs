//! Reads a table of the batch file key by key, and keeps everything that is wrong with it.

use super::keys::{self, Key};
use super::problem::{MAX_PROBLEMS, Problem};
use super::setting::Setting;
use super::syntax::on_backslash;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Longest piece of a value that a message repeats, in characters.
const MAX_SHOWN: usize = 48;

/// What is found out about a file while it is read.
#[derive(Debug)]
pub(crate) struct ProblemCollector<'a> {
    /// The file's text.
    pub(crate) text: &'a str,
    /// Everything that is wrong.
    pub(crate) problems: Vec<Problem>,
}

impl<'a> ProblemCollector<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            problems: Vec::new(),
        }
    }

    /// Keeps a problem, unless there are enough.
    pub(crate) fn note(&mut self, problem: Problem) {
        if !self.is_full() {
            self.problems.push(problem);
        }
    }

    /// Whether more problems would not be reported.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// A value as it stands in the file, shortened.
    pub(crate) fn shown(&self, span: Range<usize>) -> String {
        let text = self.text.get(span).unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        let mut shown = shortened(first);
        if shown.len() == first.len() && first.len() < text.len() {
            shown.push('…');
        }
        shown
    }
}

/// The beginning of a text that a message repeats.
pub(crate) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// One table of the file.
#[derive(Debug)]
pub(crate) struct Section<'s, 'f, 'i> {
    /// As in its heading; empty for the keys above all headings.
    name: &'static str,
    table: Option<&'s DeTable<'i>>,
    collector: &'s mut ProblemCollector<'f>,
    /// Valid keys that an unknown one was taken for.
    suggested: Vec<&'static str>,
}

impl<'s, 'f, 'i> Section<'s, 'f, 'i> {
    /// Opens a table, and refuses the keys that are not among `keys`.
    pub(crate) fn open(
        name: &'static str,
        table: Option<&'s DeTable<'i>>,
        keys: &[Key],
        collector: &'s mut ProblemCollector<'f>,
    ) -> Self {
        let mut section = Self {
            name,
            table,
            collector,
            suggested: Vec::new(),
        };
        let valid: Vec<&'static str> = keys.iter().map(|key| key.name).collect();
        let given: Vec<_> = table.into_iter().flat_map(|t| t.keys()).collect();
        for key in given
            .iter()
            .filter(|key| !valid.contains(&&**key.get_ref()))
        {
            if section.collector.is_full() {
                break;
            }
            let unknown = keys::unknown(name, &valid, key.get_ref());
            section
                .collector
                .note(Problem::at(key.span(), unknown.text));
            section.suggested.extend(unknown.meant);
        }
        section
    }

    /// The value of a key, or `default` where the file has none. `None` where there is neither or the value is wrong, which
    /// has then been noted.
    pub(crate) fn take<T: Setting>(&mut self, key: &'static str, default: Option<T>) -> Option<T> {
        let Some(value) = self.table.and_then(|table| table.get(key)) else {
            if default.is_none() && !self.suggested.contains(&key) {
                let name = keys::qualified(self.name, key);
                let text = format!(
                    "{name} is missing; add {key} = …, which must be {}",
                    T::expected()
                );
                self.collector.note(Problem::of_file(text));
            }
            return default;
        };
        let read = T::read(value.get_ref());
        if read.is_none() {
            let shown = self.collector.shown(value.span());
            let text = wrong_value::<T>(key, &shown, value.get_ref());
            self.collector.note(Problem::at(value.span(), text));
        }
        read
    }
}

fn wrong_value<T: Setting>(key: &str, shown: &str, value: &DeValue<'_>) -> String {
    let unquoted = value.as_str().and_then(|text| DeValue::parse(text).ok());
    let text = value.as_str().unwrap_or_default();
    if text.contains(char::is_control) && shown.contains('\\') {
        let written = shown.trim_matches('"');
        return format!(
            "{key} is {shown}, it must be {}; {}",
            T::expected(),
            on_backslash(written)
        );
    }
    let hint = match unquoted.and_then(|value| T::read(value.get_ref())) {
        Some(value) => format!(
            "; without the quotes it would be: {key} = {}",
            shortened(&value.written())
        ),
        None => String::new(),
    };
    format!("{key} is {shown}, it must be {}{hint}", T::expected())
}

/// Makes a section of the batch file from one table: its struct, how it is read, and the description of its keys.
///
/// A default of `None` makes a key required.
macro_rules! section {
    (
        $(#[$doc:meta])*
        $vis:vis struct $name:ident [$section:literal] {
            $($key:ident: $type:ty = $default:expr, $meaning:literal;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name {
            $(#[doc = $meaning] pub $key: $type,)*
        }

        impl $name {
            /// Its heading in the file; empty for the keys above all headings.
            pub const NAME: &'static str = $section;

            /// Its keys, in the order of the docs.
            pub fn keys() -> Vec<crate::batch_file::keys::Key> {
                use crate::batch_file::setting::Setting;
                vec![$(crate::batch_file::keys::Key {
                    name: stringify!($key),
                    expected: <$type as Setting>::expected(),
                    schema: <$type as Setting>::schema(),
                    default: { let default: Option<$type> = $default; default.map(|value| value.written()) },
                    meaning: $meaning,
                },)*]
            }

            /// Reads it. `None` where a key is missing or wrong, which has then been noted.
            pub(crate) fn read(section: &mut crate::batch_file::section::Section<'_, '_, '_>) -> Option<Self> {
                $(let $key = section.take::<$type>(stringify!($key), $default);)*
                Some(Self { $($key: $key?,)* })
            }
        }
    };
}
pub(crate) use section;
