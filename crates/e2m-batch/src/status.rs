//! `e2m status`: what is there of each task, and what a run would do.

use crate::cluster::{self, Queue, Whereabouts};
use crate::exit::Exit;
use crate::human;
use crate::look::look;
use crate::plan::{Plan, missing_reason};
use crate::report::results::last_errors;
use crate::table::Table;
use crate::task_name;
use crate::terminal::Terminal;
use e2m_pipeline::{MemoryNeeds, Outlook, PipelineError, StageOutlook, Status, TaskSpec};
use e2m_schedule::slurm::JobState;
use serde_json::{Value, json};

/// The layout of the JSON document.
const SCHEMA: u32 = 1;

/// Prints a row per task, and below it why stages would be done that were done before.
pub(crate) fn show(plan: &Plan, json: bool, terminal: &Terminal) -> Exit {
    let mut outlooks = look(plan);
    let errors = last_errors(&plan.output_dir);
    for (task, outlook) in plan.tasks.iter().zip(&mut outlooks) {
        let name = (task.sample.clone(), task.dye.clone());
        if let (Ok(outlook), Some(why)) = (outlook, errors.get(&name)) {
            add_error(outlook, why);
        }
    }
    let queue = Queue::look(plan);
    for note in &queue.notes {
        terminal.warn(note);
    }
    if json {
        terminal.result(&document(plan, &outlooks, &queue).to_string());
        return exit(outlooks.iter().filter(|outlook| outlook.is_err()).count());
    }
    let on_cluster = plan
        .tasks
        .iter()
        .any(|task| queue.whereabouts(task, false).is_some());
    let mut columns = vec!["task", "status", "1", "2", "3", "4", "a run would"];
    if on_cluster {
        columns.push("on the cluster");
    }
    let mut table = Table::new(&columns);
    let mut reasons = Vec::new();
    let mut bytes = 0;
    let mut counts = Counts::default();
    for (task, outlook) in plan.tasks.iter().zip(&outlooks) {
        let name = task_name(task);
        match outlook {
            Ok(outlook) => {
                bytes += outlook.disk_bytes;
                let there = queue.whereabouts(task, outlook.is_finished());
                counts.add(outlook, there.map(|there| &there.state));
                // A job that goes on makes good what the last run left.
                reasons.extend(reason(&name, outlook).filter(|_| there.is_none()));
                let place = on_cluster.then(|| there.map(Whereabouts::cell).unwrap_or_default());
                table.row(row(name, outlook).into_iter().chain(place));
            }
            Err(error) => {
                counts.unreadable += 1;
                reasons.push(format!("{name}: {error}"));
                let there = queue.whereabouts(task, false);
                let mut cells = vec![name, "cannot be read, see below".to_owned()];
                if let Some(there) = there {
                    cells.resize(columns.len() - 1, String::new());
                    cells.push(there.cell());
                }
                table.row(cells);
            }
        }
    }
    for missing in &plan.missing {
        let dye = missing.dye.as_deref().unwrap_or("*");
        table.row([format!("{}/{dye}", missing.sample), "images missing".into()]);
    }
    terminal.result(&table.to_string());
    if !reasons.is_empty() {
        terminal.result(&format!("\n{}", reasons.join("\n")));
    }
    let to_write = match bytes {
        0 => String::new(),
        bytes => format!("; a run would write {}", human::bytes(bytes)),
    };
    terminal.summary(&format!("\n{}{to_write}", counts.text()));
    if let Some(line) = queue.who_reports() {
        terminal.summary(&line);
    }
    exit(counts.unreadable)
}

/// A task may have failed before it had a record of its own, or its job have died before it could say so there.
fn add_error(outlook: &mut Outlook, why: &str) {
    if !outlook.is_finished() && matches!(outlook.earlier, None | Some(Status::Incomplete(_))) {
        outlook.earlier = Some(Status::Error(why.to_owned()));
    }
}

fn exit(unreadable: usize) -> Exit {
    if unreadable > 0 {
        Exit::TaskFailed
    } else {
        Exit::Complete
    }
}

/// The same for other programs, and what an engine that runs task by task has to know of each.
fn document(plan: &Plan, outlooks: &[Result<Outlook, PipelineError>], queue: &Queue) -> Value {
    let cpus = cluster::cpus(plan);
    let task = |(task, outlook): (&TaskSpec, &Result<Outlook, PipelineError>)| {
        let mut facts = json!({
            "sample": task.sample,
            "dye": task.dye,
            "post": task.post,
            "pre": task.pre,
        });
        let more = match outlook {
            Ok(outlook) => {
                let memory = MemoryNeeds {
                    threads: cpus,
                    ..outlook.memory
                };
                let stages: Vec<Value> = outlook.stages.iter().map(stage_facts).collect();
                json!({
                    "status": outlook.finished.as_ref().or(outlook.earlier.as_ref()),
                    "finished": outlook.is_finished(),
                    "stages": stages,
                    "to_do": outlook.to_do(),
                    "disk_bytes": outlook.disk_bytes,
                    "memory_bytes": memory.expected().plan_bytes,
                    "cpus": cpus,
                })
            }
            Err(error) => json!({"status": format!("error: {error}"), "finished": false}),
        };
        let finished = outlook.as_ref().is_ok_and(Outlook::is_finished);
        let job = queue.whereabouts(task, finished).map(|there| {
            let (state, node) = there.state_and_node();
            json!({"job": there.job, "state": state, "node": node})
        });
        if let (Value::Object(facts), Value::Object(more)) = (&mut facts, more) {
            facts.extend(more);
            facts.insert("cluster".to_owned(), json!(job));
        }
        facts
    };
    let missing = plan.missing.iter().map(|missing| {
        json!({"sample": missing.sample, "dye": missing.dye, "why": missing_reason(missing)})
    });
    json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "batch": plan.batch_path,
        "output_dir": plan.output_dir,
        "tasks": plan.tasks.iter().zip(outlooks).map(task).collect::<Vec<_>>(),
        "missing": missing.collect::<Vec<_>>(),
        "notes": queue.notes,
    })
}

fn stage_facts(stage: &StageOutlook) -> Value {
    match stage {
        StageOutlook::There => json!("there"),
        StageOutlook::New => json!("to do"),
        StageOutlook::Again(why) => json!(format!("again: {why}")),
    }
}

/// Tasks by what is there of them.
#[derive(Debug, Default)]
struct Counts {
    queued: usize,
    running: usize,
    finished: usize,
    failed: usize,
    begun: usize,
    new: usize,
    unreadable: usize,
}

impl Counts {
    fn add(&mut self, outlook: &Outlook, on_cluster: Option<&JobState>) {
        let there = outlook.stages.contains(&StageOutlook::There);
        let failed = matches!(outlook.earlier, Some(Status::Error(_)));
        *match (on_cluster, outlook.is_finished()) {
            (Some(JobState::Running { .. } | JobState::Ending { .. }), _) => &mut self.running,
            (Some(JobState::Ended { .. }), _) => &mut self.failed,
            (Some(_), _) => &mut self.queued,
            (None, true) => &mut self.finished,
            (None, false) if failed => &mut self.failed,
            (None, false) if there => &mut self.begun,
            (None, false) => &mut self.new,
        } += 1;
    }

    fn text(&self) -> String {
        let all = [
            (self.queued, "queued"),
            (self.running, "running"),
            (self.finished, "finished"),
            (self.failed, "failed"),
            (self.begun, "begun"),
            (self.new, "to do"),
            (self.unreadable, "not readable"),
        ];
        let told: Vec<String> = all
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        told.join(", ")
    }
}

fn row(name: String, outlook: &Outlook) -> [String; 7] {
    let stage = |index: usize| match outlook.stages.get(index) {
        Some(StageOutlook::There) => "there",
        Some(StageOutlook::New) => "to do",
        Some(StageOutlook::Again(_)) => "again",
        None => "",
    };
    let status = match (&outlook.finished, &outlook.earlier) {
        (Some(status), _) => short(status),
        // What that run was asked for was there once.
        (None, Some(Status::Complete | Status::Suspect(_))) => "in part",
        (None, Some(status)) => short(status),
        (None, None) => "",
    };
    let to_do: Vec<String> = outlook.to_do().iter().map(u8::to_string).collect();
    let would = match (&outlook.finished, to_do.len()) {
        (Some(_), _) if outlook.touched => "compare what was touched".to_owned(),
        (Some(_), _) => "do nothing".to_owned(),
        (None, 0) => "draw missing pictures or finish the record".to_owned(),
        (None, 1) => format!("do stage {}", to_do[0]),
        (None, _) => format!("do stages {}", to_do.join(", ")),
    };
    [
        name,
        status.to_owned(),
        stage(0).into(),
        stage(1).into(),
        stage(2).into(),
        stage(3).into(),
        would,
    ]
}

fn short(status: &Status) -> &'static str {
    match status {
        Status::Complete => "complete",
        Status::Suspect(_) => "suspect",
        Status::Error(_) => "failed",
        Status::Incomplete(_) => "incomplete",
    }
}

/// Why stages of a task would be done that were done before.
fn reason(name: &str, outlook: &Outlook) -> Option<String> {
    let again = (1..)
        .zip(&outlook.stages)
        .find_map(|(number, stage)| match stage {
            StageOutlook::Again(why) => Some(format!("{name}: stage {number}: {why}")),
            _ => None,
        });
    let failed = match &outlook.earlier {
        Some(Status::Error(why)) => Some(format!("{name}: the last run ended in an error: {why}")),
        _ => None,
    };
    let touched = outlook.touched.then(|| {
        format!("{name}: a raw file or a checkpoint was touched since: a run reads it, and if its content is another, redoes what rests on it")
    });
    let told: Vec<String> = again.into_iter().chain(touched).chain(failed).collect();
    (!told.is_empty()).then(|| told.join("\n"))
}
