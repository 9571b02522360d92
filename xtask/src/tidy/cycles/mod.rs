//! No cycle of modules crosses a folder.
//!
//! Modules of one folder are one idea and may know each other. Where modules of different folders do, neither can be
//! understood, tested or moved without the other. [`tokens`] takes a file apart, [`mod@file`] finds what it declares, imports
//! and names, [`krate`] resolves that to modules; here cycles are looked for, among files, and among the folders and files
//! that lie beside each other.

mod file;
mod krate;
mod tokens;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use anyhow::Result;

use super::crates::Crate;
use super::finding::Finding;
use krate::{ModulePath, Modules, Use};

/// Checks every crate.
pub(super) fn check(root: &Path, crates: &[Crate]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for krate in crates {
        let modules = Modules::read(root, &krate.folder)?;
        findings.extend(cycles(&modules, &modules.uses()));
    }
    Ok(findings)
}

/// A module as `stages/pad`; the root is `crate`.
fn shown(module: &[String]) -> String {
    if module.is_empty() {
        "crate".to_owned()
    } else {
        module.join("/")
    }
}

/// A finding for each cycle that crosses a folder, the shortest first; one that shares a use with a shorter one is not reported,
/// as it may end with that.
fn cycles(modules: &Modules, uses: &[Use]) -> Vec<Finding> {
    let mut all: Vec<Vec<Use>> = Vec::new();
    for cycle in [cycle_of_files, cycle_of_folders] {
        let mut of_kind: Vec<Vec<Use>> = uses
            .iter()
            .filter_map(|edge| cycle(modules, uses, edge))
            .collect();
        of_kind.sort_by_key(Vec::len);
        all.extend(of_kind);
    }
    let mut reported: BTreeSet<Use> = BTreeSet::new();
    let mut findings = Vec::new();
    for chain in all {
        if !chain.iter().any(|edge| reported.contains(edge)) {
            findings.push(finding(modules, &chain));
            reported.extend(chain);
        }
    }
    findings
}

/// The shortest cycle of files through a use that crosses a folder.
fn cycle_of_files(modules: &Modules, uses: &[Use], edge: &Use) -> Option<Vec<Use>> {
    if modules.folder(&edge.from) == modules.folder(&edge.to) {
        return None;
    }
    shortest(uses, edge, ModulePath::clone)
}

/// The shortest cycle through a use among what lies beside each other in one folder, where a folder is one with all that is
/// in it, and at least one is a folder.
fn cycle_of_folders(modules: &Modules, uses: &[Use], edge: &Use) -> Option<Vec<Use>> {
    let common = common_length(&edge.from, &edge.to);
    let is_below = |module: &ModulePath| {
        module.len() > common
            && module
                .iter()
                .zip(&edge.from)
                .take(common)
                .all(|(a, b)| a == b)
    };
    let beside =
        |module: &ModulePath| -> ModulePath { module.iter().take(common + 1).cloned().collect() };
    if !is_below(&edge.from) || !is_below(&edge.to) {
        return None;
    }
    let inside: Vec<Use> = uses
        .iter()
        .filter(|edge| is_below(&edge.from) && is_below(&edge.to))
        .filter(|edge| beside(&edge.from) != beside(&edge.to))
        .cloned()
        .collect();
    let chain = shortest(&inside, edge, beside)?;
    let crosses = chain
        .iter()
        .any(|edge| modules.has_children(&beside(&edge.from)));
    crosses.then_some(chain)
}

fn common_length(one: &[String], other: &[String]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

/// The shortest way from the end of a use back to its beginning, with that use in front. Modules that `node` makes the
/// same are one.
fn shortest(
    uses: &[Use],
    edge: &Use,
    node: impl Fn(&ModulePath) -> ModulePath,
) -> Option<Vec<Use>> {
    let mut next: BTreeMap<ModulePath, Vec<&Use>> = BTreeMap::new();
    for edge in uses {
        next.entry(node(&edge.from)).or_default().push(edge);
    }
    let goal = node(&edge.from);
    let start = node(&edge.to);
    let mut came_by: BTreeMap<ModulePath, &Use> = BTreeMap::new();
    let mut queue = VecDeque::from([start.clone()]);
    while let Some(module) = queue.pop_front() {
        if module == goal {
            let mut chain = Vec::new();
            let mut at = module;
            while at != start {
                let edge = came_by.get(&at)?;
                chain.push((*edge).clone());
                at = node(&edge.from);
            }
            chain.push(edge.clone());
            chain.reverse();
            return Some(chain);
        }
        for edge in next.get(&module).into_iter().flatten() {
            let to = node(&edge.to);
            if to != start && !came_by.contains_key(&to) {
                came_by.insert(to.clone(), edge);
                queue.push_back(to);
            }
        }
    }
    None
}

fn finding(modules: &Modules, chain: &[Use]) -> Finding {
    let place = |module: &[String]| modules.get(module).map(|module| module.path.clone());
    let steps: Vec<String> = chain
        .iter()
        .map(|edge| {
            let file = place(&edge.from).unwrap_or_default();
            format!("{}:{} uses {}", file.display(), edge.line, shown(&edge.to))
        })
        .collect();
    let message = format!(
        "a cycle of modules crosses a folder: {}; move what both need to where neither is",
        steps.join(", ")
    );
    match chain.first() {
        Some(first) => {
            Finding::at_line(place(&first.from).unwrap_or_default(), first.line, message)
        }
        None => Finding::in_file("", message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use krate::tests::modules;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let modules = modules(files);
        let findings = cycles(&modules, &modules.uses());
        findings.iter().map(Finding::to_string).collect()
    }

    const ROOT: (&str, &str) = ("lib.rs", "mod a;\nmod b;\n");

    #[test]
    fn files_of_one_folder_may_know_each_other() {
        let beside = [
            ROOT,
            ("a.rs", "use crate::b::B;\npub struct A;\n"),
            ("b.rs", "use crate::a::A;\npub struct B;\n"),
        ];
        assert_eq!(found(&beside), [""; 0]);
        let below = [
            ("lib.rs", "mod a;\n"),
            ("a/mod.rs", "mod c;\npub struct A;\nfn f() { c::g(); }\n"),
            ("a/c.rs", "use super::A;\npub fn g() {}\n"),
        ];
        assert_eq!(found(&below), [""; 0]);
    }

    #[test]
    fn files_of_two_folders_may_not_and_the_chain_is_told() {
        let cycle = [
            ROOT,
            ("a/mod.rs", "mod c;\npub use c::C;\n"),
            ("a/c.rs", "\nuse crate::b::B;\npub struct C;\n"),
            ("b.rs", "pub struct B;\n\nfn f(_: crate::a::C) {}\n"),
        ];
        let found = found(&cycle);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with(
                "x/src/a/c.rs:2: a cycle of modules crosses a folder: x/src/a/c.rs:2 uses b, x/src/b.rs:3 uses a/c; "
            ),
            "{}",
            found[0]
        );
    }

    #[test]
    fn a_cycle_of_three_is_found() {
        let cycle = [
            ("lib.rs", "mod a;\nmod b;\nmod c;\n"),
            ("a.rs", "mod x;\n"),
            ("a/x.rs", "fn f() { crate::b::g() }\n"),
            ("b.rs", "pub fn g() { crate::c::h() }\n"),
            ("c.rs", "use crate::a;\npub fn h() { a::x::f() }\n"),
        ];
        let found = found(&cycle);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("x/src/c.rs:2 uses a/x"), "{}", found[0]);
    }

    #[test]
    fn folders_may_not_know_each_other_by_different_files() {
        let cycle = [
            ROOT,
            ("a/mod.rs", "pub mod one;\npub mod two;\n"),
            ("a/one.rs", "pub struct One;\n"),
            ("a/two.rs", "use crate::b::B;\n"),
            ("b.rs", "pub struct B;\nuse crate::a::one::One;\n"),
        ];
        let found = found(&cycle);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("x/src/a/two.rs:1 uses b"), "{}", found[0]);
        assert!(found[0].contains("x/src/b.rs:2 uses a/one"), "{}", found[0]);
    }

    #[test]
    fn a_root_that_a_folder_needs_and_that_needs_the_folder_is_found() {
        let cycle = [
            (
                "lib.rs",
                "mod a;\npub const LIMIT: u8 = 1;\npub fn run() { a::c::f() }\n",
            ),
            ("a/mod.rs", "pub mod c;\n"),
            ("a/c.rs", "pub fn f() { crate::LIMIT; }\n"),
        ];
        let found = found(&cycle);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("uses crate"), "{}", found[0]);
    }
}
