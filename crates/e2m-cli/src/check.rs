//! `e2m check`: what a run would need, and whether this machine has it. Nothing is run.

use crate::admission;
use crate::exit::Exit;
use crate::table::Table;
use crate::terminal::Terminal;
use e2m_batch::{Admission, Environment, Plan, Preview, human, inspect, task_name};
use e2m_pipeline::{Stage, TaskPreview};
use e2m_resources::Need;
use serde_json::{Value, json};

/// Prints what each task needs and what the admission check says.
pub(crate) fn check(
    plan: &Plan,
    json: bool,
    environment: &Environment,
    terminal: &Terminal,
) -> Exit {
    let machine = environment.machine();
    let previews = inspect(plan);
    let admission = Admission::of(plan, &previews, &machine);
    if json {
        terminal.result(&document(plan, &previews, &admission).to_string());
    } else {
        terminal.result(&table(plan, &previews, &admission).to_string());
        terminal.summary(&format!("\n{}", totals(plan, &admission)));
    }
    admission::show(&admission, terminal);
    let mut is_readable = true;
    for (task, preview) in plan.tasks.iter().zip(&previews) {
        if let Err(error) = preview {
            terminal.error(&format!("{}: {error}", task_name(task)));
            is_readable = false;
        }
    }
    if admission.refuses() {
        Exit::Refused
    } else if is_readable {
        Exit::Complete
    } else {
        Exit::TaskFailed
    }
}

/// The same for other programs.
fn document(plan: &Plan, previews: &[Preview], admission: &Admission) -> Value {
    let tasks = plan.tasks.iter().zip(previews).zip(admission.needs());
    let tasks = tasks.map(|((task, preview), need)| match preview {
        Ok(preview) => json!({
            "sample": task.sample,
            "dye": task.dye,
            "post_px": preview.post,
            "pre_px": preview.pre,
            "pad": preview.memory.pad,
            "finished": preview.is_finished(),
            "to_do": preview.to_do(),
            "plan_bytes": need.plan_bytes,
            "rule_bytes": need.rule_bytes,
            "disk_bytes": need.disk_bytes,
        }),
        Err(error) => {
            json!({"sample": task.sample, "dye": task.dye, "error": error.to_string()})
        }
    });
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "batch": plan.batch_path,
        "output_dir": plan.output_dir,
        "tasks": tasks.collect::<Vec<_>>(),
        "workers": admission.workers(),
        "threads": admission.threads(),
        "memory_available_bytes": admission.memory().available_bytes,
        "memory_limit": admission.memory().to_string(),
        "disk_bytes": admission.disk_bytes(),
        "refused": admission.refuses(),
    })
}

fn table(plan: &Plan, previews: &[Preview], admission: &Admission) -> Table {
    let mut table = Table::new(&[
        "task",
        "images px",
        "canvas px",
        "stages",
        "memory",
        "6x rule",
        "disk",
    ]);
    for ((task, preview), need) in plan.tasks.iter().zip(previews).zip(admission.needs()) {
        match preview {
            Ok(preview) => table.row(row(need, preview)),
            Err(_) => table.row([task_name(task), "cannot be read, see below".to_owned()]),
        }
    }
    table
}

fn row(need: &Need, preview: &TaskPreview) -> [String; 7] {
    let images = if preview.post == preview.pre {
        preview.post.to_string()
    } else {
        format!("{}, {}", preview.post, preview.pre)
    };
    let pad = 2 * preview.memory.pad;
    let larger = preview.post.max(preview.pre);
    let canvas = e2m_image::Size::new(larger.width + pad, larger.height + pad);
    let to_do: Vec<String> = preview.to_do().iter().map(Stage::to_string).collect();
    let (stages, amounts) = if preview.is_finished() {
        ("all there".to_owned(), [0, 0, 0])
    } else {
        let amounts = [need.plan_bytes, need.rule_bytes, need.disk_bytes];
        let to_do = match to_do.len() {
            0 => "to compare".to_owned(),
            _ => to_do.join(", "),
        };
        (to_do, amounts)
    };
    let [memory, rule, disk] = amounts.map(|bytes| match bytes {
        0 => String::new(),
        bytes => human::bytes(bytes),
    });
    [
        need.name.clone(),
        images,
        canvas.to_string(),
        stages,
        memory,
        rule,
        disk,
    ]
}

/// What all need together, and what there is.
fn totals(plan: &Plan, admission: &Admission) -> String {
    if admission.needs().iter().all(|need| need.plan_bytes == 0) {
        return "Nothing to do: everything is there.\nDisk: 0 B to write.".to_owned();
    }
    let disk = admission.disk_bytes();
    let mut plans: Vec<u64> = admission
        .needs()
        .iter()
        .map(|need| need.plan_bytes)
        .collect();
    plans.sort_unstable_by(|a, b| b.cmp(a));
    let together: u64 = plans.iter().take(admission.workers()).sum();
    format!(
        "{}{}, {}.\nMemory: at most {} at a time; available is {} ({}).\nDisk: {} to write in {}.",
        human::count(plan.tasks.len(), "task"),
        admission.how(),
        human::count(admission.threads(), "compute thread"),
        human::bytes(together),
        human::bytes(admission.memory().available_bytes),
        admission.memory(),
        human::bytes(disk),
        plan.output_dir.display()
    )
}
