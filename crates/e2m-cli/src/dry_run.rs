//! `--dry-run`: what would run.

use crate::exit::Exit;
use crate::terminal::Terminal;
use e2m_batch::Plan;
use e2m_batch::human::count;
use e2m_pipeline::{Stage, TaskSpec, suffix};
use serde_json::{Value, json};
use std::path::Path;

/// Lists what would run and what is left out, and runs nothing.
pub(crate) fn list(plan: &Plan, json: bool, terminal: &Terminal) -> Exit {
    if json {
        terminal.result(&document(plan).to_string());
        return Exit::Complete;
    }
    let suffixes: Vec<String> = plan
        .tasks
        .iter()
        .map(|task| suffix(&task.params, Stage::LAST))
        .collect();
    let alike = suffixes.windows(2).all(|pair| pair[0] == pair[1]);
    let mut text = format!("{} would run:", count(plan.tasks.len(), "task"));
    for (task, suffix) in plan.tasks.iter().zip(&suffixes) {
        text.push_str(&entry(task, suffix, alike, plan));
    }
    if !plan.missing.is_empty() {
        let left_out = count(plan.missing.len(), "task");
        text.push_str(&format!(
            "\n\n{left_out} would be left out, because images are missing:"
        ));
        for missing in &plan.missing {
            text.push_str(&format!("\n  {missing}"));
        }
    }
    text.push_str(&format!(
        "\n\nResults would go to {}",
        plan.output_dir.display()
    ));
    if let (true, Some(suffix)) = (alike, suffixes.first().filter(|suffix| !suffix.is_empty())) {
        text.push_str(&format!(
            "\nTheir names would end in {suffix}, for the parameters that differ from their defaults"
        ));
    }
    terminal.result(&text);
    Exit::Complete
}

/// The same for other programs.
fn document(plan: &Plan) -> Value {
    let task = |task: &TaskSpec| {
        let suffix = suffix(&task.params, Stage::LAST);
        json!({
            "sample": task.sample,
            "dye": task.dye,
            "post": task.post,
            "pre": task.pre,
            "params": task.params,
            "suffix": suffix,
            "earlier_status": earlier_status(task, plan, &suffix),
        })
    };
    let missing = plan.missing.iter().map(ToString::to_string);
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "batch": plan.batch_path,
        "output_dir": plan.output_dir,
        "tasks": plan.tasks.iter().map(task).collect::<Vec<_>>(),
        "missing": missing.collect::<Vec<_>>(),
    })
}

fn entry(task: &TaskSpec, suffix: &str, alike: bool, plan: &Plan) -> String {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let folder = task.post.parent().unwrap_or(Path::new(""));
    let (post, pre) = (name(&task.post), name(&task.pre));
    let mut text = format!(
        "\n  {}/{}  in {}: post {post}, pre {pre}",
        task.sample,
        task.dye,
        folder.display()
    );
    if !alike {
        let shown = if suffix.is_empty() {
            "no suffix"
        } else {
            suffix
        };
        text.push_str(&format!(
            "\n    parameters that differ from their defaults, as in file names: {shown}"
        ));
    }
    if let Some(status) = earlier_status(task, plan, suffix) {
        text.push_str(&format!(
            "\n    an earlier run with these parameters ended: {status}"
        ));
    }
    text
}

/// How an earlier run with the same parameters ended, if there was one.
fn earlier_status(task: &TaskSpec, plan: &Plan, suffix: &str) -> Option<String> {
    let paths = e2m_io::TaskPaths::new(&plan.output_dir, &task.sample, &task.dye).ok()?;
    let path = paths.manifest_path(suffix);
    let manifest = path
        .is_file()
        .then(|| e2m_pipeline::Manifest::read(&path))
        .flatten()?;
    Some(manifest.status.to_string())
}
