//! What is wrong with a batch file, with the line it is about.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// No more problems of a file are reported: nobody reads them, and a file of 1 MB may hold a hundred thousand.
pub(crate) const MAX_PROBLEMS: usize = 50;
/// Longest piece of a line that is shown, in characters; the location in question is within.
const LONGEST_EXCERPT: usize = 160;
/// What of it lies before the location in question, at most.
const LONGEST_BEFORE: usize = 80;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the file it is about, if it is about any.
    pub at: Option<Range<usize>>,
    /// The sentence for the user.
    pub text: String,
}

impl Problem {
    /// A problem of these bytes of the file.
    pub(crate) fn at(span: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            at: Some(span),
            text: text.into(),
        }
    }

    /// A problem of the file as a whole.
    pub(crate) fn of_file(text: impl Into<String>) -> Self {
        Self {
            at: None,
            text: text.into(),
        }
    }
}

/// A batch file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BatchFileError {
    /// There is no such file.
    #[error("there is no batch file {}{}", path.display(), hint.as_deref().unwrap_or_default())]
    NotThere {
        /// The file.
        path: PathBuf,
        /// The end of the sentence: what to do instead.
        hint: Option<String>,
    },
    /// It is a folder.
    #[error("{} is a folder, not a batch file{}", path.display(), hint.as_deref().unwrap_or_default())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The end of the sentence: what to do instead.
        hint: Option<String>,
    },
    /// It cannot be read.
    #[error("the batch file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is far too long to be one.
    #[error("{} is not a batch file: it is longer than {limit_bytes} bytes; a batch file is TOML, see `e2m init`", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The length up to which files are read.
        limit_bytes: u64,
    },
    /// It is not text.
    #[error("{} is not a batch file: it is not UTF-8 text (byte {offset}); a batch file is TOML, see `e2m init`", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where the text ends.
        offset: usize,
    },
    /// Its content is wrong.
    #[error("{0}")]
    Content(Problems),
    /// The file is as it should be, but not with the values that were given beside it.
    #[error("--set {} cannot be used:\n\n  {}", given.join(" --set "), problems.join("\n\n  "))]
    Assigned {
        /// What was given, each `KEY=VALUE`.
        given: Vec<String>,
        /// A sentence for each thing that is wrong.
        problems: Vec<String>,
    },
}

/// Everything that is wrong with the content of a batch file.
#[derive(Debug)]
pub struct Problems {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The problems, at least one.
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.list.len() {
            1 => write!(f, "{} has a problem:", self.path.display())?,
            n if n >= MAX_PROBLEMS => {
                write!(f, "{} has {n} problems or more:", self.path.display())?;
            }
            n => write!(f, "{} has {n} problems:", self.path.display())?,
        }
        let mut sorted: Vec<&Problem> = self.list.iter().collect();
        sorted.sort_by_key(|problem| problem.at.as_ref().map_or(usize::MAX, |at| at.start));
        for problem in sorted {
            match &problem.at {
                Some(span) => write_excerpt(f, &self.text, span, &problem.text)?,
                None => write!(f, "\n\n  {}", problem.text)?,
            }
        }
        Ok(())
    }
}

/// The sentence, the line it is about, and a mark below the bytes in question.
fn write_excerpt(
    f: &mut fmt::Formatter<'_>,
    text: &str,
    span: &Range<usize>,
    sentence: &str,
) -> fmt::Result {
    let location = SourceLocation::of(text, span);
    let number = location.line.to_string();
    let gutter = " ".repeat(number.len());
    let (before, marks) = (" ".repeat(location.indent), "^".repeat(location.marked));
    write!(
        f,
        "\n\n  line {number}, column {}: {sentence}",
        location.column
    )?;
    write!(
        f,
        "\n    {number} | {}\n    {gutter} | {before}{marks}",
        location.text
    )
}

/// A location in a text, for people.
#[derive(Debug, PartialEq, Eq)]
struct SourceLocation {
    /// Counted from 1.
    line: usize,
    /// In characters, counted from 1.
    column: usize,
    /// Characters of the text before the marked ones.
    indent: usize,
    /// Characters to mark, at least one.
    marked: usize,
    /// The line or a part of it, with tabs as single spaces so that the mark stands right.
    text: String,
}

impl SourceLocation {
    fn of(text: &str, span: &Range<usize>) -> Self {
        let start = floor_boundary(text, span.start);
        let part = |range: Range<usize>| text.get(range).unwrap_or_default();
        let line_start = part(0..start).rfind('\n').map_or(0, |i| i + 1);
        let line = part(line_start..text.len())
            .split(['\n', '\r'])
            .next()
            .unwrap_or_default();
        let end = floor_boundary(text, span.end).clamp(start, (line_start + line.len()).max(start));
        let before = part(line_start..start).chars().count();
        let marked = part(start..end).chars().count().max(1);
        let left_out = if before + marked > LONGEST_EXCERPT {
            before.saturating_sub(LONGEST_BEFORE)
        } else {
            0
        };
        let mut shown: String = line
            .chars()
            .skip(left_out)
            .take(LONGEST_EXCERPT)
            .map(|c| if c == '\t' { ' ' } else { c })
            .collect();
        let mut indent = before - left_out;
        if left_out > 0 {
            shown.insert(0, '…');
            indent += 1;
        }
        if line.chars().nth(left_out + LONGEST_EXCERPT).is_some() {
            shown.push('…');
        }
        Self {
            line: line_number(text, start),
            column: before + 1,
            indent,
            marked: marked
                .min((LONGEST_EXCERPT + left_out).saturating_sub(before))
                .max(1),
            text: shown,
        }
    }
}

/// The line, counted from 1, in which the byte `at` lies.
pub(crate) fn line_number(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|&&b| b == b'\n')
        .count()
        + 1
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|&i| text.is_char_boundary(i))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        let text = "a = 1\nß = \"süß\"\n\tx = 2";
        let location = SourceLocation::of(text, &(11..18));
        assert_eq!((location.line, location.column, location.marked), (2, 5, 5));
        let location = SourceLocation::of(text, &(text.len() - 1..text.len() + 9));
        assert_eq!((location.line, location.column, location.marked), (3, 6, 1));
        assert_eq!(location.text, " x = 2");
    }

    #[test]
    fn a_span_over_several_lines_marks_the_first() {
        let location = SourceLocation::of("a = [\n1,\n2]", &(4..11));
        assert_eq!((location.line, location.column, location.marked), (1, 5, 1));
    }
}
