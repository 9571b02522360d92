//! `--dry-run`: what would run.

use crate::exit::Exit;
use crate::human::count;
use crate::plan::Plan;
use crate::terminal::Terminal;
use e2m_pipeline::{TaskSpec, suffix};
use std::path::Path;

/// Lists what would run and what is left out, and runs nothing.
pub(crate) fn list(plan: &Plan, terminal: &Terminal) -> Exit {
    let mut text = format!("{} would run:", count(plan.tasks.len(), "task"));
    for task in &plan.tasks {
        text.push_str(&entry(task, plan));
    }
    if !plan.missing.is_empty() {
        text.push_str(&format!(
            "\n\n{} would be left out, because images are missing:",
            count(plan.missing.len(), "task")
        ));
        for missing in &plan.missing {
            text.push_str(&format!("\n  {missing}"));
        }
    }
    text.push_str(&format!(
        "\n\nResults would go to {}",
        plan.output_dir.display()
    ));
    terminal.result(&text);
    Exit::Complete
}

fn entry(task: &TaskSpec, plan: &Plan) -> String {
    let raw = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let folder = task.post.parent().unwrap_or(Path::new(""));
    let mut text = format!("\n  {}/{}  {}: ", task.sample, task.dye, folder.display());
    text.push_str(&format!(
        "{} after, {} before staining",
        raw(&task.post),
        raw(&task.pre)
    ));
    let names = suffix(&task.params, 4);
    if !names.is_empty() {
        text.push_str(&format!(
            "\n    parameters that differ from the default, as in file names: {names}"
        ));
    }
    let manifest = task_manifest(task, plan, &names);
    if let Some(status) = manifest {
        text.push_str(&format!(
            "\n    an earlier run with these parameters ended: {status}"
        ));
    }
    text
}

/// How an earlier run with the same parameters ended, if there was one.
fn task_manifest(task: &TaskSpec, plan: &Plan, suffix: &str) -> Option<String> {
    let paths = e2m_io::TaskPaths::new(&plan.output_dir, &task.sample, &task.dye).ok()?;
    let path = paths.manifest_path(suffix);
    let manifest = path
        .is_file()
        .then(|| e2m_pipeline::Manifest::read(&path))
        .flatten()?;
    Some(manifest.status.to_string())
}
