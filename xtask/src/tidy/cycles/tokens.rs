//! Rust source as words and signs, without comments, texts and numbers: all that the names of modules need.

/// A word or a sign, with its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    /// Counted from 1.
    pub(super) line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// An identifier or a keyword; of `r#type` the `type`.
    Word(&'a str),
    /// `::`
    PathSeparator,
    /// Any other sign.
    Sign(char),
}

impl Token<'_> {
    pub(super) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word(word)
    }
}

/// The tokens of a file that compiles. Of another one it gives some tokens, and does not fail.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
    };
    let mut found = Vec::new();
    while let Some(token) = lexer.next_token() {
        found.push(token);
    }
    found
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn advance(&mut self, bytes: usize) {
        let passed = self.rest().get(..bytes).unwrap_or(self.rest());
        self.line += passed.matches('\n').count();
        self.at += passed.len();
    }

    /// Goes behind the next occurrence of `end`, or to the end of the file.
    fn pass(&mut self, end: &str) {
        let rest = self.rest();
        self.advance(rest.find(end).map_or(rest.len(), |at| at + end.len()));
    }

    fn next_token(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.rest();
            let first = self.peek()?;
            if first.is_whitespace() {
                self.advance(first.len_utf8());
            } else if rest.starts_with("//") {
                self.pass("\n");
            } else if rest.starts_with("/*") {
                self.pass_block_comment();
            } else if let Some(length) = raw_text_length(rest) {
                self.advance(length);
            } else if first == '"' || rest.starts_with("b\"") || rest.starts_with("c\"") {
                self.pass("\"");
                self.pass_text('"');
            } else if first == '\'' || rest.starts_with("b'") {
                self.pass("'");
                self.pass_character_or_lifetime();
            } else if first.is_ascii_digit() {
                let length = word_length(rest);
                self.advance(length);
            } else {
                return Some(self.word_or_sign(first));
            }
        }
    }

    fn word_or_sign(&mut self, first: char) -> Token<'a> {
        let line = self.line;
        if self.rest().starts_with("r#") {
            self.advance(2);
        }
        let length = word_length(self.rest());
        let kind = if length > 0 {
            let word = self.rest().get(..length).unwrap_or_default();
            self.advance(length);
            Kind::Word(word)
        } else if self.rest().starts_with("::") {
            self.advance(2);
            Kind::PathSeparator
        } else {
            self.advance(first.len_utf8());
            Kind::Sign(first)
        };
        Token { kind, line }
    }

    fn pass_block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            let rest = self.rest();
            if rest.starts_with("/*") {
                depth += 1;
                self.advance(2);
            } else if rest.starts_with("*/") {
                depth = depth.saturating_sub(1);
                self.advance(2);
                if depth == 0 {
                    return;
                }
            } else {
                let Some(next) = self.peek() else { return };
                self.advance(next.len_utf8());
            }
        }
    }

    /// Behind an opening quote, to behind the closing one.
    fn pass_text(&mut self, quote: char) {
        while let Some(next) = self.peek() {
            self.advance(next.len_utf8());
            if next == '\\' {
                let escaped = self.peek().map_or(0, char::len_utf8);
                self.advance(escaped);
            } else if next == quote {
                return;
            }
        }
    }

    /// Behind a single quote: a character has another one behind it, a lifetime has none.
    fn pass_character_or_lifetime(&mut self) {
        let mut ahead = self.rest().chars();
        let (first, second) = (ahead.next(), ahead.next());
        if first == Some('\\') || second == Some('\'') {
            self.pass_text('\'');
        } else {
            let length = word_length(self.rest());
            self.advance(length);
        }
    }
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

/// The length of the raw text that `text` begins with, if it begins with one.
fn raw_text_length(text: &str) -> Option<usize> {
    let start = ["r", "br", "cr"]
        .into_iter()
        .find(|start| text.strip_prefix(start).is_some_and(is_raw_text))?;
    let behind = text.get(start.len()..)?;
    let hashes = behind.find('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let content = behind.get(hashes + 1..)?;
    let length = content
        .find(&end)
        .map_or(content.len(), |at| at + end.len());
    Some(start.len() + hashes + 1 + length)
}

fn is_raw_text(behind_r: &str) -> bool {
    behind_r.trim_start_matches('#').starts_with('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokens(text)
            .into_iter()
            .filter_map(|token| match token.kind {
                Kind::Word(word) => Some(word),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn comments_texts_and_numbers_are_no_words() {
        let text = "a // b\n/* c /* d */ e */ f \"g \\\" h\" r#\"i \" j\"# b\"k\" 12usize 0x_ff l";
        assert_eq!(words(text), ["a", "f", "l"]);
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        assert_eq!(
            words(r"a 'b' '\'' '\u{41}' b'c' d<'static> '&' e"),
            ["a", "d", "e"]
        );
    }

    #[test]
    fn raw_names_are_names() {
        assert_eq!(words("r#type::of r\"x\" right"), ["type", "of", "right"]);
    }

    #[test]
    fn lines_are_counted_through_comments_and_texts() {
        let found = tokens("/*\n*/ \"\n\" a\n::\nb");
        let lines: Vec<usize> = found.iter().map(|token| token.line).collect();
        assert_eq!(lines, [3, 4, 5]);
        assert_eq!(found[1].kind, Kind::PathSeparator);
    }

    #[test]
    fn an_unfinished_text_ends_with_the_file() {
        for text in ["a \"b", "a r#\"b\"", "a /* b", "a '\\"] {
            assert_eq!(words(text), ["a"], "{text}");
        }
    }
}
