//! A page of Markdown, read: its fenced blocks, the marks that say how they run, and the commands within its lines.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::reasons;

/// What a page says of the commands and snippets on it.
#[derive(Debug)]
pub(crate) struct Page {
    /// From the top of the checkout, with `/`.
    pub(crate) name: String,
    pub(crate) blocks: Vec<Block>,
    /// Code within lines that is a command, and its line.
    pub(crate) spans: Vec<(usize, String)>,
}

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// Of the page; its fence is the line before.
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    /// Its lines, with words replaced as its mark asks for.
    pub(crate) text: String,
    /// Where it begins anew, a fresh folder of this kind.
    pub(crate) ground: Option<Ground>,
    /// Why it is not run.
    pub(crate) not_run: Option<&'static str>,
    /// Whether each line is a text of its own.
    pub(crate) each: bool,
}

/// What a fence says of its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Shell,
    Toml,
    Python,
    Json,
    /// Tests of documentation run it.
    Rust,
    /// What a program says, a formula, a tree of folders: nothing to be run.
    Text,
}

impl Kind {
    fn of(fence: &str) -> Option<Self> {
        Some(match fence.split(',').next().unwrap_or_default() {
            "sh" | "bash" | "console" => Self::Shell,
            "toml" => Self::Toml,
            "python" => Self::Python,
            "json" => Self::Json,
            "rust" => Self::Rust,
            "text" => Self::Text,
            _ => return None,
        })
    }
}

/// What lies in the folder in which a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ground {
    /// Nothing.
    Nothing,
    /// A folder `raw` with a pair, and what people bring along.
    Raw,
    /// That, a batch file, and its results.
    Batch,
    /// What `e2m demo` leaves.
    Demo,
}

impl Ground {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "nothing" => Self::Nothing,
            "raw" => Self::Raw,
            "batch" => Self::Batch,
            "demo" => Self::Demo,
            _ => return None,
        })
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Raw => "raw",
            Self::Batch => "batch",
            Self::Demo => "demo",
        })
    }
}

impl Block {
    /// Whether a program has to be there for it, and a folder.
    pub(crate) fn is_run(&self) -> bool {
        self.not_run.is_none() && matches!(self.kind, Kind::Shell | Kind::Toml | Kind::Python)
    }
}

/// What marks have said since the last block.
#[derive(Default)]
struct Marks {
    ground: Option<Ground>,
    not_run: Option<&'static str>,
    each: bool,
    words: Vec<(String, String)>,
}

impl Marks {
    /// Takes `in GROUND`, `not REASON`, `each` and `with A=B`, with semicolons between them; a `+` of words stands for a space.
    fn take(&mut self, text: &str) -> Result<()> {
        for part in text.split(';') {
            let mut words = part.split_whitespace();
            let verb = words.next().unwrap_or_default();
            let rest: Vec<&str> = words.collect();
            match (verb, rest.as_slice()) {
                ("in", [name]) => {
                    let ground = Ground::named(name);
                    self.ground = Some(ground.with_context(|| {
                        format!(
                            "there is no folder {name:?} to begin in: nothing, raw, batch or demo"
                        )
                    })?);
                }
                ("not", [name]) => self.not_run = Some(reasons::named(name)?.name),
                ("each", []) => self.each = true,
                ("with", [_, ..]) => {
                    for word in rest {
                        let (from, to) = word
                            .split_once('=')
                            .with_context(|| format!("{word:?} is not WORD=OTHER"))?;
                        let [from, to] = [from, to].map(|text| text.replace('+', " "));
                        self.words.push((from, to));
                    }
                }
                _ => bail!(
                    "{part:?} is no mark: `in FOLDER`, `not REASON`, `each` or `with WORD=OTHER`"
                ),
            }
        }
        Ok(())
    }

    fn is_of_a_block(&self) -> bool {
        self.not_run.is_some() || self.each || !self.words.is_empty()
    }
}

impl Page {
    /// Reads a page of the checkout.
    pub(crate) fn read(root: &Path, path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(path);
        Self::parse(&name.to_string_lossy().replace('\\', "/"), &text)
    }

    fn parse(name: &str, text: &str) -> Result<Self> {
        let mut page = Self {
            name: name.to_owned(),
            blocks: Vec::new(),
            spans: Vec::new(),
        };
        // A page that says nothing begins beside a finished batch.
        let mut marks = Marks {
            ground: Some(Ground::Batch),
            ..Marks::default()
        };
        let mut open: Option<Open> = None;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let at = || format!("{name}, line {number}");
            let start = line.trim_start();
            if let Some(block) = &mut open {
                if start.starts_with("```") {
                    page.blocks.extend(open.take().map(Open::closed));
                } else {
                    block.add(line);
                }
            } else if let Some(fence) = start.strip_prefix("```") {
                let kind = Kind::of(fence.trim()).with_context(|| {
                    format!(
                        "{}: a block of {fence:?} is no kind that is run or known to be none: sh, toml, python, json, rust, text",
                        at()
                    )
                })?;
                let indent = line.len() - start.len();
                open = Some(Open::new(
                    kind,
                    number + 1,
                    indent,
                    std::mem::take(&mut marks),
                ));
            } else if let Some(mark) = start.strip_prefix("<!-- run:") {
                let mark = mark.trim_end().strip_suffix("-->");
                let mark = mark.with_context(|| format!("{}: a mark ends in -->", at()))?;
                marks.take(mark).with_context(at)?;
            } else {
                page.spans.extend(spans(line).map(|span| (number, span)));
            }
        }
        if let Some(open) = open {
            bail!("{name}: the block at line {} has no end", open.block.line);
        }
        if marks.is_of_a_block() {
            bail!("{name}: the last mark is about a block, and none follows");
        }
        Ok(page)
    }
}

/// A block whose end was not read yet.
struct Open {
    block: Block,
    indent: usize,
    words: Vec<(String, String)>,
}

impl Open {
    fn new(kind: Kind, line: usize, indent: usize, marks: Marks) -> Self {
        let block = Block {
            line,
            kind,
            text: String::new(),
            ground: marks.ground,
            not_run: marks.not_run,
            each: marks.each,
        };
        Self {
            block,
            indent,
            words: marks.words,
        }
    }

    fn add(&mut self, line: &str) {
        let indent = line.len() - line.trim_start().len();
        let own: String = line.chars().skip(indent.min(self.indent)).collect();
        self.block.text += &own;
        self.block.text.push('\n');
    }

    fn closed(mut self) -> Block {
        for (from, to) in &self.words {
            self.block.text = self.block.text.replace(from, to);
        }
        self.block
    }
}

/// What stands between backticks and begins as a command of this project does.
fn spans(line: &str) -> impl Iterator<Item = String> {
    let within = line.split('`').skip(1).step_by(2);
    within
        .filter(|span| span.starts_with("e2m ") || span.starts_with("cargo "))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_with_their_marks_and_lines() {
        let text = "# A page\n<!-- run: in raw; with init=init+-f -->\n```sh\ne2m init\n```\nSay `e2m check X` or `no`.\n\n\
                    <!-- run: with FOLDER=. X=Y -->\n- a list\n  ```toml\n  a = \"FOLDER\"\n    b = 1\n  ```\n\
                    <!-- run: not slurm -->\n```sh\nsbatch x\n```\n";
        let page = Page::parse("docs/a.md", text).expect("a page");
        let [first, second, third] = &page.blocks[..] else {
            panic!("{page:?}");
        };
        assert_eq!((first.line, first.kind), (4, Kind::Shell));
        assert_eq!(first.text, "e2m init -f\n");
        assert_eq!(
            (first.ground, second.ground),
            (Some(Ground::Raw), None),
            "the second goes on where the first was"
        );
        assert_eq!(second.text, "a = \".\"\n  b = 1\n");
        assert!(first.is_run() && second.is_run() && !third.is_run());
        assert_eq!(third.not_run, Some("slurm"));
        assert_eq!(page.spans, [(6, "e2m check X".to_owned())]);
    }

    #[test]
    fn what_would_be_skipped_in_silence_is_an_error() {
        for (text, part) in [
            ("```\ne2m x\n```\n", "no kind"),
            ("```fish\ne2m x\n```\n", "fish"),
            ("<!-- run: not today -->\n```sh\n```\n", "today"),
            ("<!-- run: skip -->\n```sh\n```\n", "no mark"),
            ("<!-- run: in there -->\n```sh\n```\n", "there"),
            ("<!-- run: with FOLDER -->\n```sh\n```\n", "WORD=OTHER"),
            ("<!-- run: not slurm\n```sh\n```\n", "ends in"),
            ("<!-- run: not slurm -->\n", "none follows"),
            ("```sh\nls\n", "no end"),
        ] {
            let error = Page::parse("a.md", text).expect_err(text);
            let said = format!("{error:#}");
            assert!(
                said.contains(part) && said.contains("a.md"),
                "{text}: {said}"
            );
        }
    }
}
