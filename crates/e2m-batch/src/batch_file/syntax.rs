//! Text that is not TOML, in words for people who have never heard of it.

use super::problem::{MAX_PROBLEMS, Problem};
use super::section::shortened;
use toml::de::Error;

const OPEN_QUOTE: &str = "not valid TOML: a closing quote is missing";
const OPEN_BRACKET: &str = "not valid TOML: a bracket that was opened before here is not closed";

/// What the parser's errors come down to: one per line, and none that only follow from a bracket left open.
pub(super) fn problems(text: &str, errors: &[Error]) -> Vec<Problem> {
    // A backslash at the end of a path takes the closing quote with it.
    if let Some(problem) = errors.first().and_then(|first| backslash(text, first)) {
        return vec![problem];
    }
    if errors.iter().any(is_unclosed) {
        let open_quote = errors.iter().find(|error| is_open_quote(error));
        let bracket = errors
            .first()
            .map(|first| placed(first, OPEN_BRACKET.to_owned()));
        let quote = open_quote.map(|error| placed(error, OPEN_QUOTE.to_owned()));
        return quote.or(bracket).into_iter().collect();
    }
    // Counted once: a line may hold any number of errors.
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    for error in errors {
        if problems.len() == MAX_PROBLEMS {
            break;
        }
        let line = error
            .span()
            .map(|span| ends.partition_point(|&end| end < span.start));
        if !lines.contains(&line) {
            lines.push(line);
            problems.push(placed(error, sentence(text, error)));
        }
    }
    problems
}

/// The problem that a backslash is in the line of the first error, where it is: a path of Windows in double quotes.
fn backslash(text: &str, error: &Error) -> Option<Problem> {
    let at = error.span()?.start;
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..)?.lines().next()?;
    let quote = line.find('"')?;
    let inside = line.get(quote + 1..)?;
    let inside = inside
        .rfind('"')
        .map_or(inside, |end| inside.get(..end).unwrap_or(inside));
    let inside = inside
        .split('"')
        .next()
        .filter(|path| path.contains('\\'))?;
    let from = start + quote;
    let text = format!("not valid TOML: {}", on_backslash(inside));
    Some(Problem::at(from..from + 1 + inside.len(), text))
}

/// What to do about a text in double quotes with backslashes; `written` is what stands between the quotes.
pub(super) fn on_backslash(written: &str) -> String {
    let plain = written.trim_end_matches('\\').replace("\\\\", "\\");
    format!(
        "in double quotes a backslash begins an escape, such as \\n for a new line; write the path in single quotes, \
         '{}', or with slashes, \"{}\"",
        shortened(&plain),
        shortened(&plain.replace('\\', "/"))
    )
}

fn placed(error: &Error, sentence: String) -> Problem {
    Problem {
        at: error.span(),
        text: sentence,
    }
}

fn is_unclosed(error: &Error) -> bool {
    error.message().contains("unclosed")
}

fn is_open_quote(error: &Error) -> bool {
    error.message().contains("basic string")
}

/// A word without quotes gets a hint of its own; it is the most frequent error by far.
fn sentence(text: &str, error: &Error) -> String {
    let found = error
        .span()
        .and_then(|span| text.get(span))
        .unwrap_or_default();
    let word = found.starts_with(|c: char| c.is_alphabetic());
    let unquoted = ["boolean", "quoted"]
        .iter()
        .any(|about| error.message().contains(about));
    match found.to_lowercase().as_str() {
        small @ ("true" | "false") if unquoted => {
            format!("{found} must be written {small}, in small letters")
        }
        _ if word && unquoted => format!("text needs quotes: \"{}\"", shortened(found)),
        _ if is_open_quote(error) => OPEN_QUOTE.to_owned(),
        _ => format!("not valid TOML: {}", error.message()),
    }
}
