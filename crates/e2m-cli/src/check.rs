//! `e2m check`: what a run would need, and whether this machine has it. Nothing is run.

use crate::admission;
use crate::exit::Exit;
use crate::table::Table;
use crate::terminal::Terminal;
use e2m_batch::{Admission, Environment, Plan, human, inspect, task_name};
use e2m_pipeline::{Stage, TaskPreview};
use e2m_resources::Need;

/// Prints what each task needs and what the admission check says.
pub(crate) fn check(plan: &Plan, environment: &Environment, terminal: &Terminal) -> Exit {
    let machine = environment.machine();
    let previews = inspect(plan);
    let admission = Admission::of(plan, &previews, &machine);
    let mut table = Table::new(&[
        "task",
        "images px",
        "canvas px",
        "stages",
        "memory",
        "6x rule",
        "disk",
    ]);
    let mut unreadable = Vec::new();
    for ((task, preview), need) in plan.tasks.iter().zip(&previews).zip(admission.needs()) {
        match preview {
            Ok(preview) => table.row(row(need, preview)),
            Err(error) => {
                table.row([task_name(task), "cannot be read, see below".to_owned()]);
                unreadable.push(format!("{}: {error}", task_name(task)));
            }
        }
    }
    terminal.result(&table.to_string());
    terminal.summary(&format!("\n{}", totals(plan, &admission)));
    admission::show(&admission, terminal);
    for error in &unreadable {
        terminal.error(error);
    }
    if admission.refuses() {
        Exit::Refused
    } else if unreadable.is_empty() {
        Exit::Complete
    } else {
        Exit::TaskFailed
    }
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
