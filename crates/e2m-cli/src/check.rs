//! `e2m check`: what a run would need, and whether this machine has it. Nothing is run.

use crate::exit::Exit;
use crate::gate::Gate;
use crate::human;
use crate::look::look;
use crate::machine;
use crate::plan::Plan;
use crate::table::Table;
use crate::task_name;
use crate::terminal::Terminal;
use e2m_pipeline::{Stage, TaskPreview};
use e2m_resources::Need;

/// Prints what each task needs and what the gate says.
pub(crate) fn check(plan: &Plan, terminal: &Terminal) -> Exit {
    let machine = machine::detect();
    let outlooks = look(plan);
    let gate = Gate::of(plan, &outlooks, &machine);
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
    for ((task, outlook), need) in plan.tasks.iter().zip(&outlooks).zip(gate.needs()) {
        match outlook {
            Ok(outlook) => table.row(row(need, outlook)),
            Err(error) => {
                table.row([task_name(task), "cannot be read, see below".to_owned()]);
                unreadable.push(format!("{}: {error}", task_name(task)));
            }
        }
    }
    terminal.result(&table.to_string());
    terminal.summary(&format!("\n{}", totals(plan, &gate)));
    gate.tell(terminal);
    for error in &unreadable {
        terminal.error(error);
    }
    if gate.refuses() {
        Exit::Refused
    } else if unreadable.is_empty() {
        Exit::Complete
    } else {
        Exit::TaskFailed
    }
}

fn row(need: &Need, outlook: &TaskPreview) -> [String; 7] {
    let images = if outlook.post == outlook.pre {
        outlook.post.to_string()
    } else {
        format!("{}, {}", outlook.post, outlook.pre)
    };
    let pad = 2 * outlook.memory.pad;
    let larger = outlook.post.max(outlook.pre);
    let canvas = e2m_image::Size::new(larger.width + pad, larger.height + pad);
    let to_do: Vec<String> = outlook.to_do().iter().map(Stage::to_string).collect();
    let (stages, amounts) = if outlook.is_finished() {
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
fn totals(plan: &Plan, gate: &Gate) -> String {
    if gate.needs().iter().all(|need| need.plan_bytes == 0) {
        return "Nothing to do: everything is there.\nDisk: 0 B to write.".to_owned();
    }
    let disk: u64 = gate.needs().iter().map(|need| need.disk_bytes).sum();
    let mut plans: Vec<u64> = gate.needs().iter().map(|need| need.plan_bytes).collect();
    plans.sort_unstable_by(|a, b| b.cmp(a));
    let together: u64 = plans.iter().take(gate.workers()).sum();
    format!(
        "{}{}, {}.\nMemory: at most {} at a time; available is {} ({}).\nDisk: {} to write in {}.",
        human::count(plan.tasks.len(), "task"),
        gate.how(),
        human::count(gate.threads(), "compute thread"),
        human::bytes(together),
        human::bytes(gate.memory().available_bytes),
        gate.memory(),
        human::bytes(disk),
        plan.output_dir.display()
    )
}
