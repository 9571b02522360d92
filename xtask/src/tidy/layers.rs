//! The layering: which crate may depend on which, from the Cargo.toml files.

use std::path::Path;

use anyhow::{Context, Result};

use super::crates::Crate;
use super::finding::Finding;

/// What a crate may depend on among the others of the workspace. Arrows point down only; development dependencies are
/// free, except for xtask.
const ALLOWED: &[(&str, &[&str])] = &[
    ("e2m-image", &[]),
    ("e2m-io", &["e2m-image"]),
    ("e2m-align", &["e2m-image"]),
    ("e2m-scale", &[]),
    ("e2m-detect", &["e2m-image"]),
    ("e2m-plot", &["e2m-image"]),
    ("e2m-export", &["e2m-image", "e2m-io"]),
    ("e2m-resources", &[]),
    ("e2m-schedule", &["e2m-resources"]),
    (
        "e2m-pipeline",
        &[
            "e2m-image",
            "e2m-io",
            "e2m-align",
            "e2m-scale",
            "e2m-detect",
            "e2m-plot",
            "e2m-resources",
        ],
    ),
    (
        "e2m-batch",
        &[
            "e2m-export",
            "e2m-image",
            "e2m-io",
            "e2m-pipeline",
            "e2m-plot",
            "e2m-resources",
            "e2m-schedule",
        ],
    ),
    (
        "e2m-web",
        &[
            "e2m-batch",
            "e2m-image",
            "e2m-io",
            "e2m-pipeline",
            "e2m-plot",
            "e2m-resources",
        ],
    ),
    (
        "e2m-cli",
        &[
            "e2m-batch",
            "e2m-fixtures",
            "e2m-image",
            "e2m-io",
            "e2m-pipeline",
            "e2m-plot",
            "e2m-resources",
            "e2m-schedule",
            "e2m-web",
        ],
    ),
    (
        "e2m-python",
        &[
            "e2m-align",
            "e2m-batch",
            "e2m-detect",
            "e2m-image",
            "e2m-pipeline",
            "e2m-plot",
            "e2m-scale",
        ],
    ),
    ("e2m-fixtures", &["e2m-image"]),
    (
        "e2m-fuzz",
        &[
            "e2m-batch",
            "e2m-image",
            "e2m-io",
            "e2m-pipeline",
            "e2m-batch",
            "e2m-schedule",
        ],
    ),
    ("e2m-testing", &[]),
    ("xtask", &[]),
];

/// Libraries that only some crates may use, so that what they stand for stays in one place.
const EXCLUSIVE: &[(&str, &[&str], &str)] = &[
    ("opencv", &["e2m-align"], "OpenCV stays behind e2m-align"),
    (
        "tiff",
        &["e2m-io", "e2m-export", "e2m-fixtures"],
        "TIFF is read and written by e2m-io, and written by e2m-export",
    ),
    ("fitsio", &["e2m-io"], "FITS is read and written by e2m-io"),
    (
        "clap",
        &["e2m-cli", "e2m-fixtures"],
        "only binaries have arguments",
    ),
    (
        "lexopt",
        &["e2m-cli", "e2m-fixtures", "xtask"],
        "only binaries have arguments",
    ),
    ("pyo3", &["e2m-python"], "only e2m-python knows Python"),
    ("numpy", &["e2m-python"], "only e2m-python knows Python"),
    ("axum", &["e2m-web"], "only e2m-web talks to browsers"),
    (
        "tokio",
        &["e2m-web"],
        "nothing but the web app is asynchronous",
    ),
    (
        "indicatif",
        &["e2m-cli"],
        "only e2m-cli talks to the terminal",
    ),
];

const TABLE: &str = "ALLOWED in xtask/src/tidy/layers.rs";

/// Checks the dependencies and lint settings of every crate.
pub(super) fn check(root: &Path, crates: &[Crate]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for krate in crates {
        let path = krate.manifest_path();
        let text = std::fs::read_to_string(root.join(&path))
            .with_context(|| format!("{} could not be read", path.display()))?;
        let found = manifest_findings(krate)
            .into_iter()
            .map(
                |(dependency, message)| match dependency.and_then(|name| line_of(&text, &name)) {
                    Some(line) => Finding::at_line(&path, line, message),
                    None => Finding::in_file(&path, message),
                },
            );
        findings.extend(found);
    }
    Ok(findings)
}

/// Each broken rule with the dependency it is about, if it is about one.
fn manifest_findings(krate: &Crate) -> Vec<(Option<String>, String)> {
    let mut findings = Vec::new();
    let inherits = krate
        .manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"));
    if inherits.and_then(toml::Value::as_bool) != Some(true) {
        findings.push((
            None,
            "does not inherit the lints; add `[lints]` with `workspace = true`".into(),
        ));
    }
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == krate.name) else {
        let message = format!("{} has no layer yet; give it one in {TABLE}", krate.name);
        findings.push((None, message));
        return findings;
    };
    let name = &krate.name;
    for dependency in dependencies(krate) {
        if dependency.starts_with("e2m-") && !allowed.contains(&dependency.as_str()) {
            let message = format!(
                "{name} must not depend on {dependency}: arrows point down only; move the code, or justify a change of {TABLE}"
            );
            findings.push((Some(dependency.clone()), message));
        }
        let exclusive = EXCLUSIVE
            .iter()
            .find(|(library, ..)| *library == dependency);
        if let Some((library, users, why)) = exclusive
            && !users.contains(&name.as_str())
        {
            let message = format!(
                "{name} must not depend on {library}: {why}; go through {}",
                users.join(" or ")
            );
            findings.push((Some(dependency), message));
        }
    }
    findings
}

/// The packages a crate depends on by its normal and build dependencies, on any target.
fn dependencies(krate: &Crate) -> Vec<String> {
    let manifest = &krate.manifest;
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let places = std::iter::once(manifest).chain(
        targets
            .into_iter()
            .flat_map(|table| table.values().filter_map(toml::Value::as_table)),
    );
    let mut kinds = vec!["dependencies", "build-dependencies"];
    if krate.name == "xtask" {
        kinds.push("dev-dependencies"); // it must build without system libraries, tests included
    }
    places
        .flat_map(|place| kinds.iter().filter_map(|kind| place.get(*kind)?.as_table()))
        .flatten()
        .map(|(name, details)| {
            let package = details.get("package").and_then(toml::Value::as_str);
            package.unwrap_or(name).to_owned()
        })
        .collect()
}

fn line_of(manifest: &str, dependency: &str) -> Option<usize> {
    let is_key = |line: &str| {
        line.strip_prefix(dependency)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    manifest
        .lines()
        .position(|line| is_key(line.trim_start()))
        .map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(name: &str, manifest: &str) -> Vec<String> {
        let manifest = format!("{manifest}\n[lints]\nworkspace = true\n");
        let krate = Crate {
            name: name.into(),
            folder: "crates/x".into(),
            manifest: manifest.parse().expect("valid TOML"),
        };
        manifest_findings(&krate)
            .into_iter()
            .map(|(_, message)| message)
            .collect()
    }

    #[test]
    fn an_arrow_down_is_fine_and_an_arrow_up_is_not() {
        assert_eq!(
            messages("e2m-io", "[dependencies]\ne2m-image.workspace = true").len(),
            0
        );
        let found = messages("e2m-image", "[dependencies]\ne2m-io.workspace = true");
        assert!(
            found[0].contains("e2m-image must not depend on e2m-io"),
            "{found:?}"
        );
    }

    #[test]
    fn schedule_knows_no_image_crate_and_pipeline_not_schedule() {
        assert_eq!(
            messages("e2m-schedule", "[dependencies]\ne2m-image = \"1\"").len(),
            1
        );
        assert_eq!(
            messages("e2m-resources", "[dependencies]\ne2m-io = \"1\"").len(),
            1
        );
        assert_eq!(
            messages("e2m-pipeline", "[dependencies]\ne2m-schedule = \"1\"").len(),
            1
        );
    }

    #[test]
    fn scale_is_alone_and_batch_knows_no_terminal() {
        let found = messages("e2m-scale", "[dependencies]\ne2m-resources = \"1\"");
        assert!(
            found
                .iter()
                .any(|message| message.contains("arrows point down only"))
        );
        let down = "[dependencies]\ne2m-pipeline = \"1\"\ne2m-schedule = \"1\"";
        assert_eq!(messages("e2m-batch", down).len(), 0);
        let up = "[dependencies]\ne2m-cli = \"1\"\nindicatif = \"1\"";
        assert_eq!(messages("e2m-batch", up).len(), 2);
        assert_eq!(
            messages("e2m-pipeline", "[dependencies]\ne2m-batch = \"1\"").len(),
            1
        );
    }

    #[test]
    fn opencv_is_found_under_another_name_on_one_target_and_in_build_dependencies() {
        for manifest in [
            "[dependencies]\ncv = { package = \"opencv\", version = \"1\" }",
            "[target.'cfg(unix)'.dependencies]\nopencv = \"1\"",
            "[build-dependencies]\nopencv = \"1\"",
        ] {
            let found = messages("e2m-plot", manifest);
            assert!(
                found[0].contains("OpenCV stays behind e2m-align"),
                "{manifest}: {found:?}"
            );
        }
    }

    #[test]
    fn development_dependencies_are_free_except_for_xtask() {
        let manifest = "[dev-dependencies]\ne2m-fixtures.workspace = true\nopencv = \"1\"";
        assert_eq!(messages("e2m-align", manifest).len(), 0);
        assert_eq!(messages("xtask", manifest).len(), 2);
    }

    #[test]
    fn only_binaries_may_have_arguments_or_progress_bars() {
        let manifest = "[dependencies]\nclap = \"1\"\nindicatif = \"1\"";
        assert_eq!(messages("e2m-cli", manifest).len(), 0);
        assert_eq!(messages("e2m-pipeline", manifest).len(), 2);
    }

    #[test]
    fn an_unknown_crate_and_missing_lints_are_found() {
        assert!(messages("e2m-new", "")[0].contains("has no layer yet"));
        let bare = Crate {
            name: "e2m-io".into(),
            folder: "x".into(),
            manifest: toml::Table::new(),
        };
        assert!(
            manifest_findings(&bare)[0]
                .1
                .contains("does not inherit the lints")
        );
    }

    #[test]
    fn a_finding_names_the_line_of_the_dependency() {
        let manifest = "[dependencies]\ntiff-tags = \"1\"\ntiff.workspace = true\n";
        assert_eq!(line_of(manifest, "tiff"), Some(3));
    }
}
