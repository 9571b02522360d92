//! The modules of one crate, and which uses which.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::file::{NamedPath, SourceFile};

/// A module by its names below the root: `["stages", "pad"]`.
pub(super) type ModulePath = Vec<String>;

/// The modules of a crate that are files of their own, without those for tests.
pub(super) struct Modules {
    modules: BTreeMap<ModulePath, Module>,
}

pub(super) struct Module {
    /// From the top of the repository.
    pub(super) path: PathBuf,
    file: SourceFile,
}

/// One module uses another one, for the first time at this line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    pub(super) from: ModulePath,
    pub(super) line: usize,
    pub(super) to: ModulePath,
}

/// Imports that lead to one another are followed so far.
const MOST_STEPS: usize = 32;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// To a module itself.
    Module(ModulePath),
    /// To something that this module defines.
    Item(ModulePath),
}

impl Modules {
    /// Reads the library of a crate, or its program where it has no library.
    pub(super) fn read(root: &Path, crate_folder: &Path) -> Result<Self> {
        let src = crate_folder.join("src");
        let mut modules = Self {
            modules: BTreeMap::new(),
        };
        for name in ["lib.rs", "main.rs"] {
            let path = src.join(name);
            if root.join(&path).is_file() {
                modules.add(root, &src, Vec::new(), path)?;
                break;
            }
        }
        Ok(modules)
    }

    fn add(&mut self, root: &Path, src: &Path, name: ModulePath, path: PathBuf) -> Result<()> {
        let text = fs::read_to_string(root.join(&path))
            .with_context(|| format!("{} could not be read", path.display()))?;
        let file = SourceFile::read(&text);
        let children: Vec<String> = file.children.iter().cloned().collect();
        self.modules.insert(name.clone(), Module { path, file });
        for child in children {
            let mut child_name = name.clone();
            child_name.push(child);
            let stem: PathBuf = child_name.iter().collect();
            let candidates = [
                src.join(&stem).join("mod.rs"),
                src.join(stem).with_extension("rs"),
            ];
            // One that is not there is made by the build, or has a path of its own.
            if let Some(path) = candidates
                .into_iter()
                .find(|path| root.join(path).is_file())
            {
                self.add(root, src, child_name, path)?;
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &[String]) -> Option<&Module> {
        self.modules.get(name)
    }

    /// The folder of a module: its own where it has modules below it, otherwise that of the one above.
    pub(super) fn folder<'a>(&self, name: &'a [String]) -> &'a [String] {
        match name.split_last() {
            Some((_, above)) if !self.has_children(name) => above,
            _ => name,
        }
    }

    /// Every use of one module by another, the first line of each.
    ///
    /// A name that is handed on (`pub use`) counts where it is used, and leads to the module that defines it: a `mod.rs`
    /// that only gathers names depends on nothing.
    pub(super) fn uses(&self) -> Vec<Use> {
        let mut first: BTreeMap<(ModulePath, ModulePath), usize> = BTreeMap::new();
        for (name, module) in &self.modules {
            let mut note = |target: Option<Target>, line: usize| {
                if let Some(Target::Item(to)) = target
                    && to != *name
                {
                    let known = first.entry((name.clone(), to)).or_insert(line);
                    *known = line.min(*known);
                }
            };
            for import in &module.file.imports {
                if import.is_handed_on {
                    continue;
                }
                let target = self.resolve(name, &import.path.words, MOST_STEPS);
                let target = match target {
                    Some(Target::Module(of)) if import.is_glob => Some(Target::Item(of)),
                    target => target,
                };
                note(target, import.path.line);
            }
            for NamedPath { words, line } in &module.file.paths {
                note(self.resolve(name, words, MOST_STEPS), *line);
            }
        }
        first
            .into_iter()
            .map(|((from, to), line)| Use { from, line, to })
            .collect()
    }

    /// Where a path leads that stands in `module`; `None` for what is outside the crate.
    fn resolve(&self, module: &[String], words: &[String], steps: usize) -> Option<Target> {
        let (first, rest) = words.split_first()?;
        match first.as_str() {
            "crate" => self.walk(Vec::new(), rest, steps),
            "self" => self.walk(module.to_vec(), rest, steps),
            "super" => {
                let (_, above) = module.split_last()?;
                match rest.first() {
                    Some(next) if next == "super" => self.resolve(above, rest, steps),
                    _ => self.walk(above.to_vec(), rest, steps),
                }
            }
            name => {
                let file = &self.get(module)?.file;
                let known = file.children.contains(name) || file.names.contains_key(name);
                if known {
                    self.walk(module.to_vec(), words, steps)
                } else {
                    None
                }
            }
        }
    }

    /// Follows `words` from inside a module.
    fn walk(&self, mut module: ModulePath, words: &[String], steps: usize) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let mut left = words;
        while let Some((word, rest)) = left.split_first() {
            let file = &self.get(&module)?.file;
            if file.children.contains(word) {
                module.push(word.clone());
                left = rest;
                continue;
            }
            if file.test_children.contains(word) {
                return None;
            }
            if file.items.contains(word) {
                return Some(Target::Item(module));
            }
            if let Some(import) = file.names.get(word).and_then(|&at| file.imports.get(at)) {
                // A path that begins with the import's own name names another crate: `use serde::{self}`.
                if import.path.words.first() == Some(word) && !file.children.contains(word) {
                    return None;
                }
                let onward: Vec<String> = import.path.words.iter().chain(rest).cloned().collect();
                return self.resolve(&module, &onward, steps);
            }
            return Some(
                self.by_glob(&module, word, rest, steps)
                    .unwrap_or(Target::Item(module)),
            );
        }
        Some(Target::Module(module))
    }

    /// Where a word leads that a module may have by `use …::*`.
    fn by_glob(
        &self,
        module: &[String],
        word: &str,
        rest: &[String],
        steps: usize,
    ) -> Option<Target> {
        let file = &self.get(module)?.file;
        for import in file.imports.iter().filter(|import| import.is_glob) {
            let Some(Target::Module(of)) = self.resolve(module, &import.path.words, steps) else {
                continue;
            };
            let there = &self.get(&of)?.file;
            let knows = there.items.contains(word)
                || there.names.contains_key(word)
                || there.children.contains(word);
            if knows && of != module {
                let onward: Vec<String> = std::iter::once(word.to_owned())
                    .chain(rest.iter().cloned())
                    .collect();
                return self.walk(of, &onward, steps);
            }
        }
        None
    }

    /// Whether a module has others below it.
    pub(super) fn has_children(&self, name: &[String]) -> bool {
        self.get(name)
            .is_some_and(|module| !module.file.children.is_empty())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A crate of these files, by their paths below `src`.
    pub(in crate::tidy::cycles) fn modules(files: &[(&str, &str)]) -> Modules {
        let root = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = root.path().join("x/src").join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, text).expect("a file");
        }
        Modules::read(root.path(), Path::new("x")).expect("readable")
    }

    fn uses(files: &[(&str, &str)]) -> Vec<String> {
        modules(files)
            .uses()
            .into_iter()
            .map(|edge| {
                format!(
                    "{}:{} {}",
                    edge.from.join("/"),
                    edge.line,
                    edge.to.join("/")
                )
            })
            .collect()
    }

    #[test]
    fn a_name_that_is_handed_on_leads_to_where_it_is_defined() {
        let found = uses(&[
            ("lib.rs", "mod a;\nmod b;\npub use a::Thing;\n"),
            ("a/mod.rs", "mod inner;\npub use inner::Thing;\n"),
            ("a/inner.rs", "pub struct Thing;\n"),
            ("b.rs", "use crate::Thing;\nfn f(_: super::a::Thing) {}\n"),
        ]);
        assert_eq!(found, ["b:1 a/inner"]);
    }

    #[test]
    fn modules_are_used_by_name_by_alias_and_by_glob() {
        let found = uses(&[
            ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n"),
            ("a.rs", "pub fn f() {}\n"),
            ("b.rs", "use crate::a;\nfn g() { a::f(); }\n"),
            ("c.rs", "use super::a as other;\n\nfn g() { other::f(); }\n"),
            ("d.rs", "use crate::a::*;\nfn g() { f(); }\n"),
        ]);
        assert_eq!(found, ["b:2 a", "c:3 a", "d:1 a"]);
    }

    #[test]
    fn the_root_is_used_only_for_what_it_defines() {
        let found = uses(&[
            (
                "lib.rs",
                "mod a;\nmod b;\nconst LIMIT: u8 = 1;\nfn run() { a::f(); }\n",
            ),
            (
                "a.rs",
                "use crate::LIMIT;\nuse std::fmt;\npub fn f() -> fmt::Result { super::b::g() }\n",
            ),
            ("b.rs", "pub fn g() {}\n"),
        ]);
        assert_eq!(found, [":4 a", "a:1 ", "a:3 b"]);
    }

    #[test]
    fn a_glob_that_is_handed_on_is_followed() {
        let found = uses(&[
            ("main.rs", "mod a;\nmod b;\n"),
            ("a.rs", "mod c;\npub use c::*;\n"),
            ("a/c.rs", "pub struct C;\n"),
            ("b.rs", "use crate::a::C;\n"),
        ]);
        assert_eq!(found, ["b:1 a/c"]);
    }

    #[test]
    fn tests_and_other_crates_are_not_followed() {
        let found = uses(&[
            (
                "lib.rs",
                "mod a;\n#[cfg(test)]\nmod tests;\nuse serde;\nfn f() { serde::x(); }\n",
            ),
            (
                "a.rs",
                "use std::a::B;\n#[cfg(test)]\nmod tests { use crate::f; }\n",
            ),
            ("tests.rs", "use crate::a::X;\n"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn imports_that_lead_in_circles_end() {
        let found = uses(&[
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "pub use crate::b::X;\n"),
            ("b.rs", "pub use crate::a::X;\nfn f() { X::y(); }\n"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn the_folder_of_a_module_with_modules_is_its_own() {
        let modules = modules(&[
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "mod c;\n"),
            ("a/c.rs", ""),
            ("b.rs", ""),
        ]);
        let name = |text: &str| {
            text.split_terminator('/')
                .map(str::to_owned)
                .collect::<ModulePath>()
        };
        assert_eq!(modules.folder(&name("a")), name("a"));
        assert_eq!(modules.folder(&name("a/c")), name("a"));
        assert_eq!(modules.folder(&name("b")), name(""));
        assert_eq!(modules.folder(&name("")), name(""));
    }
}
