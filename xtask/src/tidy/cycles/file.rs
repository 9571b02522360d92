//! One file of a crate: what it declares, imports and names.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{Kind, Token, tokens};

/// What a file says of modules. What is for tests only is left out.
#[derive(Debug, Default)]
pub(super) struct SourceFile {
    /// Modules declared here that are part of the program, `mod name;`.
    pub(super) children: BTreeSet<String>,
    /// Modules declared for tests only.
    pub(super) test_children: BTreeSet<String>,
    /// Items defined at the top of the file.
    pub(super) items: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    /// What can be named here by an import: the index into `imports`.
    pub(super) names: BTreeMap<String, usize>,
    /// Paths of two and more words outside imports.
    pub(super) paths: Vec<NamedPath>,
}

/// A path with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedPath {
    pub(super) words: Vec<String>,
    pub(super) line: usize,
}

/// One name that a `use` brings in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) path: NamedPath,
    /// `use a::*`
    pub(super) is_glob: bool,
    /// `pub use` of any visibility: the file hands the name on, and need not use it.
    pub(super) is_handed_on: bool,
}

impl SourceFile {
    pub(super) fn read(text: &str) -> Self {
        let tokens = tokens(text);
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
            depth: 0,
            file: Self::default(),
        };
        while reader.at < tokens.len() {
            reader.step();
        }
        reader.file
    }
}

const DEFINES: [&str; 8] = [
    "fn", "struct", "enum", "trait", "type", "const", "static", "union",
];

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    depth: usize,
    file: SourceFile,
}

impl<'a> Reader<'a> {
    fn token(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn word(&self, ahead: usize) -> Option<&'a str> {
        match self.token(ahead)?.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is_sign(&self, ahead: usize, sign: char) -> bool {
        self.token(ahead).is_some_and(|token| token.is_sign(sign))
    }

    fn step(&mut self) {
        let Some(token) = self.token(0) else { return };
        match token.kind {
            Kind::Sign('#') => self.attribute(),
            Kind::Word("use") => {
                let handed_on = self.is_handed_on();
                self.at += 1;
                self.use_tree(&[], handed_on);
            }
            Kind::Word("mod") if self.word(1).is_some() && self.is_sign(2, ';') => {
                let name = self.word(1).unwrap_or_default().to_owned();
                self.file.children.insert(name);
                self.at += 3;
            }
            Kind::Word(word) => self.other_word(word),
            Kind::Sign(sign) => {
                match sign {
                    '{' => self.depth += 1,
                    '}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                self.at += 1;
            }
            Kind::PathSeparator => {
                // What follows is no beginning of a path: `<T as A>::B::c`, `::std::fmt`.
                self.at += 1;
                while self.word(0).is_some() {
                    self.at += 1;
                    if self.token(0).map(|token| token.kind) == Some(Kind::PathSeparator) {
                        self.at += 1;
                    }
                }
            }
        }
    }

    /// Whether `pub` of any kind stands before the word at hand.
    fn is_handed_on(&self) -> bool {
        let mut before = self.at;
        let is = |at: usize, sign: char| self.tokens.get(at).is_some_and(|t| t.is_sign(sign));
        if before > 0 && is(before - 1, ')') {
            while before > 0 && !is(before, '(') {
                before -= 1;
            }
        }
        before > 0
            && self
                .tokens
                .get(before - 1)
                .is_some_and(|t| t.is_word("pub"))
    }

    fn other_word(&mut self, word: &'a str) {
        if self.depth == 0 {
            let name = match word {
                "macro_rules" if self.is_sign(1, '!') => self.word(2),
                word if DEFINES.contains(&word) => {
                    self.word(1).filter(|name| !DEFINES.contains(name))
                }
                _ => None,
            };
            if let Some(name) = name.filter(|name| *name != "mut") {
                self.file.items.insert(name.to_owned());
            }
        }
        let line = self.token(0).map_or(0, |token| token.line);
        let mut words = vec![word.to_owned()];
        self.at += 1;
        while self.token(0).map(|token| token.kind) == Some(Kind::PathSeparator) {
            let Some(next) = self.word(1) else { break };
            words.push(next.to_owned());
            self.at += 2;
        }
        if words.len() > 1 {
            self.file.paths.push(NamedPath { words, line });
        }
    }

    /// Passes an attribute, and with one for tests only what it stands before.
    fn attribute(&mut self) {
        self.at += 1;
        if self.is_sign(0, '!') {
            self.at += 1;
        }
        if !self.is_sign(0, '[') {
            return;
        }
        let start = self.at;
        self.pass_brackets();
        let inside = self.tokens.get(start..self.at).unwrap_or_default();
        let has = |word: &str| inside.iter().any(|token| token.is_word(word));
        let for_tests = inside.get(1).is_some_and(|token| token.is_word("cfg"))
            && has("test")
            && !has("not")
            && !has("any");
        if for_tests {
            self.pass_item();
        }
    }

    /// Passes what a bracket of any kind holds.
    fn pass_brackets(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.token(0) {
            self.at += 1;
            match token.kind {
                Kind::Sign('(' | '[' | '{') => depth += 1,
                Kind::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Passes an item, to its `;` or the end of its body.
    fn pass_item(&mut self) {
        while let Some(token) = self.token(0) {
            match token.kind {
                Kind::Word("mod") if self.is_sign(2, ';') => {
                    let name = self.word(1).unwrap_or_default().to_owned();
                    self.file.test_children.insert(name);
                    self.at += 3;
                    return;
                }
                Kind::Sign('(' | '[') => self.pass_brackets(),
                Kind::Sign('{') => return self.pass_brackets(),
                Kind::Sign(';') => {
                    self.at += 1;
                    return;
                }
                Kind::Sign('}') => return,
                _ => self.at += 1,
            }
        }
    }

    /// Reads a tree of imports behind `use` or inside its braces, up to the sign that ends it.
    fn use_tree(&mut self, before: &[String], handed_on: bool) {
        let mut words = before.to_vec();
        let line = self.token(0).map_or(0, |token| token.line);
        loop {
            match self.token(0).map(|token| token.kind) {
                Some(Kind::Word("as")) => {
                    let name = self.word(1).unwrap_or("_").to_owned();
                    self.at += 2;
                    return self.import(words, Some(name), line, handed_on);
                }
                Some(Kind::Word(word)) => {
                    words.push(word.to_owned());
                    self.at += 1;
                }
                Some(Kind::PathSeparator) => self.at += 1,
                Some(Kind::Sign('*')) => {
                    self.at += 1;
                    self.file.imports.push(Import {
                        path: NamedPath { words, line },
                        is_glob: true,
                        is_handed_on: handed_on,
                    });
                    return;
                }
                Some(Kind::Sign('{')) => {
                    self.at += 1;
                    while let Some(token) = self.token(0) {
                        if token.is_sign('}') {
                            self.at += 1;
                            return;
                        }
                        if token.is_sign(',') {
                            self.at += 1;
                        } else {
                            let here = self.at;
                            self.use_tree(&words, handed_on);
                            self.at = self.at.max(here + 1);
                        }
                    }
                    return;
                }
                _ => return self.import(words, None, line, handed_on),
            }
        }
    }

    fn import(&mut self, mut words: Vec<String>, alias: Option<String>, line: usize, handed: bool) {
        // `a::{self}` is `a`.
        if words.len() > 1 && words.last().is_some_and(|word| word == "self") {
            words.pop();
        }
        let Some(last) = words.last().cloned() else {
            return;
        };
        let name = alias.unwrap_or(last);
        self.file.names.insert(name, self.file.imports.len());
        self.file.imports.push(Import {
            path: NamedPath { words, line },
            is_glob: false,
            is_handed_on: handed,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(text: &str) -> Vec<String> {
        let file = SourceFile::read(text);
        let shown = file.imports.iter().map(|import| {
            let star = if import.is_glob { "::*" } else { "" };
            let handed = if import.is_handed_on { "pub " } else { "" };
            format!(
                "{handed}{}{star} {}",
                import.path.words.join("::"),
                import.path.line
            )
        });
        shown.collect()
    }

    #[test]
    fn trees_of_imports_are_taken_apart() {
        let text = "use crate::{\n    a::{self, B as C},\n    d::*,\n};\npub(crate) use super::e::F;\npub use g::H;\nuse std::fmt as _;\n";
        assert_eq!(
            imports(text),
            [
                "crate::a 2",
                "crate::a::B 2",
                "crate::d::* 3",
                "pub super::e::F 5",
                "pub g::H 6",
                "std::fmt 7",
            ]
        );
        let file = SourceFile::read(text);
        let names: Vec<&str> = file.names.keys().map(String::as_str).collect();
        assert_eq!(names, ["C", "F", "H", "_", "a"]);
    }

    #[test]
    fn modules_and_items_are_found_but_not_what_is_inside_items() {
        let file = SourceFile::read(
            "mod a;\npub(crate) mod b;\n#[cfg(test)]\nmod tests;\nconst fn f() { const G: u8 = 1; }\nstruct S;\nimpl S { fn method() {} }\nstatic mut T: u8 = 0;\nmacro_rules! m { () => {} }\n",
        );
        assert_eq!(file.children, ["a".into(), "b".into()].into());
        assert_eq!(file.test_children, ["tests".into()].into());
        assert_eq!(
            file.items,
            ["S".into(), "f".into(), "m".into()].into(),
            "{:?}",
            file.items
        );
    }

    #[test]
    fn paths_are_collected_with_their_lines() {
        let file = SourceFile::read(
            "fn f() -> crate::a::B {\n    super::c::d(x.y);\n    Vec::<u8>::new();\n    <T as e::F>::g::h();\n    ::std::fmt::x()\n}\n",
        );
        let shown: Vec<String> = file
            .paths
            .iter()
            .map(|path| format!("{} {}", path.words.join("::"), path.line))
            .collect();
        assert_eq!(shown, ["crate::a::B 1", "super::c::d 2", "e::F 4"]);
    }

    #[test]
    fn what_is_for_tests_only_is_left_out() {
        let file = SourceFile::read(
            "#[cfg(test)]\nuse crate::x::{Y, Z};\n#[cfg(all(test, unix))]\nmod tests {\n    use crate::a;\n    fn t() { crate::b::c(); }\n}\n#[cfg(not(test))]\nuse crate::d::E;\n#[test]\nfn f(x: [u8; 2]) {}\n",
        );
        assert_eq!(file.imports.len(), 1);
        assert_eq!(file.paths.len(), 0);
    }
}
