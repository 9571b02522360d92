//! Whether the machine has what a batch needs, and how many tasks it will run at a time.

use crate::batch::values::{AutoCount, MemoryGate, Parallel};
use crate::human;
use crate::plan::Plan;
use crate::task_name;
use crate::terminal::Terminal;
use e2m_image::Size;
use e2m_io::CheckpointWriter;
use e2m_pipeline::{CheckpointFormats, MemoryNeeds, Outlook, PipelineError, StageOutlook};
use e2m_resources::{
    Alternatives, Band, Disk, DiskError, GatePolicy, LimitSource, Machine, MemoryLimit, Need,
    Preflight, assess, process_memory, rule_bytes, threads_per_worker,
};
use serde_json::{Value, json};

/// Of the memory that is available, so much may be planned for; the rest is for everybody's surprises.
const COMFORTABLE: u64 = 80;

/// What the tasks of a plan need, and whether it is there.
#[derive(Debug)]
pub(crate) struct Gate {
    needs: Vec<Need>,
    workers: usize,
    /// Why so many, where e2m chose.
    because: Option<String>,
    threads: usize,
    memory: MemoryLimit,
    /// What memory and disk say.
    preflight: Preflight,
    /// What is odd about the machine or the settings.
    notes: Vec<String>,
    parallel: Parallel,
    min_available: u64,
    /// Said where that is less than the batch file asks for.
    lowered: Option<String>,
}

/// What is asked of the machine, by task.
struct Wanted<'a> {
    plan: &'a Plan,
    outlooks: &'a [Result<Outlook, PipelineError>],
    /// Compute threads in all.
    all_threads: usize,
    /// Compute threads of one worker.
    threads: usize,
}

impl Gate {
    /// Adds up what the tasks need that are not finished, and holds it against the machine.
    pub(crate) fn of(
        plan: &Plan,
        outlooks: &[Result<Outlook, PipelineError>],
        machine: &Machine,
    ) -> Self {
        let threads = match plan.execution.threads {
            AutoCount::Exactly(count) => count.get(),
            AutoCount::Auto => machine.cpus(),
        };
        let mut wanted = Wanted {
            plan,
            outlooks,
            all_threads: threads,
            threads,
        };
        let (workers, because) = wanted.workers(machine);
        wanted.threads = threads_per_worker(threads, workers, 0);
        let memory = with_own(machine.available_memory().clone(), plan, workers);
        let notes = machine.notes().iter().map(ToString::to_string).collect();
        Self::assembled(&wanted, (workers, because), memory, notes)
    }

    /// The same for jobs of a cluster, each with so many threads and so much memory; without a limit they will be given
    /// what they need. The disk is that of output_dir, which all of them share.
    pub(crate) fn of_jobs(
        plan: &Plan,
        outlooks: &[Result<Outlook, PipelineError>],
        threads: usize,
        memory_bytes: Option<u64>,
    ) -> Self {
        let wanted = Wanted {
            plan,
            outlooks,
            all_threads: threads,
            threads,
        };
        let bytes = memory_bytes.unwrap_or(u64::MAX);
        let memory = MemoryLimit {
            source: LimitSource::Slurm,
            total_bytes: bytes,
            available_bytes: bytes,
            origin: "slurm.memory".to_owned(),
        };
        Self::assembled(&wanted, (1, None), memory, Vec::new())
    }

    fn assembled(
        wanted: &Wanted<'_>,
        (workers, because): (usize, Option<String>),
        memory: MemoryLimit,
        mut notes: Vec<String>,
    ) -> Self {
        let (plan, threads) = (wanted.plan, wanted.all_threads);
        let needs = wanted.needs();
        let disk = Disk::of(&plan.output_dir).unwrap_or_else(|error| {
            notes.push(unknown_disk(&error));
            // What is not known stops nobody.
            Disk {
                total_bytes: u64::MAX,
                free_bytes: u64::MAX,
                existing: plan.output_dir.clone(),
            }
        });
        let policy = GatePolicy {
            gate: match plan.resources.memory_gate {
                MemoryGate::Plan => e2m_resources::Gate::Plan,
                MemoryGate::Rule => e2m_resources::Gate::Rule,
            },
            force: plan.execution.force_run,
            peak_factor: plan.resources.peak_factor.0,
        };
        let preflight = assess(&needs, workers, &memory, &disk, policy, wanted);
        notes.extend(beyond_limit(plan, &needs, workers));
        let planned = preflight.memory.plan_bytes;
        let spare = memory.available_bytes.saturating_sub(planned);
        let wanted_min = plan.resources.min_available.0;
        let min_available = wanted_min.min(spare / 2);
        // Where nothing is to be done, nothing is to be watched.
        let lowered = (min_available < wanted_min && planned > 0).then(|| {
            format!(
                "min_available is {} for this run instead of {}: the plan leaves {} of what is available",
                human::bytes(min_available),
                human::bytes(wanted_min),
                human::bytes(spare)
            )
        });
        Self {
            min_available,
            lowered,
            needs,
            workers,
            because,
            threads,
            memory,
            preflight,
            notes,
            parallel: plan.execution.parallel,
        }
    }

    /// Tasks at a time.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// Compute threads in all.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// What a task will take at most; nothing where that is unknown.
    pub(crate) fn plan_bytes(&self, task: usize) -> u64 {
        self.needs[task].plan_bytes
    }

    /// What each task needs.
    pub(crate) fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// What the running tasks may take together.
    pub(crate) fn budget_bytes(&self) -> u64 {
        // What the gate let pass at once has to be able to run at once.
        let comfortable = self.memory.available_bytes / 100 * COMFORTABLE;
        comfortable.max(self.preflight.memory.plan_bytes)
    }

    /// The memory that has to stay available while tasks run. Where the plan itself leaves less, it is half of what it
    /// leaves: the watchdog is there for what nobody planned.
    pub(crate) fn min_available_bytes(&self) -> u64 {
        self.min_available
    }

    /// What is available, and what limits it.
    pub(crate) fn memory(&self) -> &MemoryLimit {
        &self.memory
    }

    /// Whether nothing may start.
    pub(crate) fn refuses(&self) -> bool {
        self.preflight.refused()
    }

    /// What is to be said before a start, in lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let said = self.preflight.to_string();
        let said = said.lines().map(str::to_owned);
        let notes = self.notes.iter().chain(&self.lowered).cloned();
        notes.chain(said).collect()
    }

    /// Why nothing may start, and what would help.
    pub(crate) fn refusal(&self) -> String {
        self.preflight.to_string()
    }

    /// Says it.
    pub(crate) fn tell(&self, terminal: &Terminal) {
        if let Some(lowered) = &self.lowered {
            terminal.say(lowered);
        }
        self.tell_fit(terminal);
    }

    /// Says what is wrong, and nothing where it fits.
    pub(crate) fn tell_trouble(&self, terminal: &Terminal) {
        if !matches!(self.preflight.band(), Band::Fine | Band::PlanOnly) {
            self.tell_fit(terminal);
        }
    }

    /// Says it where no watchdog will run.
    pub(crate) fn tell_fit(&self, terminal: &Terminal) {
        for note in &self.notes {
            terminal.warn(note);
        }
        let text = self.preflight.to_string();
        match self.preflight.band() {
            _ if text.is_empty() => {}
            Band::Refused => terminal.error(&text),
            // It says itself that it is a warning.
            Band::Tight => terminal.problem(&text),
            Band::Fine | Band::PlanOnly => terminal.say(&text),
        }
    }

    /// `, 3 at a time (of 4 CPUs, one is left to everything else)`.
    pub(crate) fn how(&self) -> String {
        let because = self.because.as_ref();
        let because = because.map_or_else(String::new, |why| format!(" ({why})"));
        match (self.parallel, self.workers) {
            (Parallel::Pool, 1) => format!(", one at a time{because}"),
            (Parallel::Pool, workers) => format!(", {workers} at a time{because}"),
            (Parallel::Subprocess, _) => ", each in a process of its own".to_owned(),
            (Parallel::No | Parallel::Slurm, _) => String::new(),
        }
    }

    /// The same for other programs.
    pub(crate) fn facts(&self, plan: &Plan) -> Value {
        let largest = self.needs.iter().map(|need| need.plan_bytes).max();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "batch": plan.batch_path,
            "tasks": plan.tasks.len(),
            "workers": self.workers,
            "threads": self.threads,
            "available_bytes": self.memory.available_bytes,
            "largest_plan_bytes": largest,
            "disk_bytes": self.needs.iter().map(|need| need.disk_bytes).sum::<u64>(),
            "preflight": self.lines(),
        })
    }
}

/// What is available to the tasks: where they run in this process, what it holds already is part of their plans.
fn with_own(mut memory: MemoryLimit, plan: &Plan, workers: usize) -> MemoryLimit {
    let own = if in_processes(plan, workers) {
        0
    } else {
        process_memory().current
    };
    memory.available_bytes = memory
        .available_bytes
        .saturating_add(own)
        .min(memory.total_bytes);
    memory
}

fn unknown_disk(error: &DiskError) -> String {
    format!("how much room there is on the disk is not known: {error}")
}

/// Whether tasks run in processes of their own. A pool of one is none.
fn in_processes(plan: &Plan, workers: usize) -> bool {
    match plan.execution.parallel {
        Parallel::Pool => !plan.execution.use_threads && workers > 1,
        Parallel::Subprocess => true,
        Parallel::No | Parallel::Slurm => false,
    }
}

/// Tasks that a worker process cannot do, because it may not take as much as they need.
fn beyond_limit(plan: &Plan, needs: &[Need], workers: usize) -> Option<String> {
    let execution = &plan.execution;
    let in_processes = in_processes(plan, workers);
    let limit = execution.memory_limit.0;
    let largest = needs.iter().max_by_key(|need| need.plan_bytes)?;
    let beyond = needs.iter().filter(|need| need.plan_bytes > limit).count();
    (in_processes && beyond > 0).then(|| {
        format!(
            "memory_limit is {}, and {} may need more ({}: {} as planned), which would stop them; set memory_limit above that",
            human::bytes(limit),
            human::count(beyond, "task"),
            largest.name,
            human::bytes(largest.plan_bytes)
        )
    })
}

impl Wanted<'_> {
    /// How many tasks at a time, and why, where that was left to e2m.
    fn workers(&self, machine: &Machine) -> (usize, Option<String>) {
        let execution = &self.plan.execution;
        if execution.parallel != Parallel::Pool {
            return (1, None);
        }
        let needs = self.needs();
        // What the gate will ask about decides how many pass it.
        let gated = |need: &Need| match self.plan.resources.memory_gate {
            MemoryGate::Plan => need.plan_bytes,
            MemoryGate::Rule => need.rule_bytes,
        };
        let plans: Vec<u64> = needs.iter().map(gated).filter(|bytes| *bytes > 0).collect();
        match execution.n_workers {
            AutoCount::Exactly(count) => (count.get().min(plans.len()).max(1), None),
            AutoCount::Auto => {
                let workers = machine.workers(plans.len(), &plans);
                (workers.count.max(1), Some(workers.because.to_string()))
            }
        }
    }

    /// What each task needs; nothing where all is there, or its images cannot be read.
    fn needs(&self) -> Vec<Need> {
        let tasks = self.plan.tasks.iter().zip(self.outlooks);
        tasks
            .map(|(task, outlook)| {
                let need = outlook.as_ref().ok().filter(|o| !o.is_finished());
                need.map_or_else(
                    || Need {
                        name: task_name(task),
                        rule_bytes: 0,
                        plan_bytes: 0,
                        disk_bytes: 0,
                    },
                    |outlook| self.need(task_name(task), outlook, outlook.memory.pad, self.threads),
                )
            })
            .collect()
    }

    /// What a task needs with this pad. With another than its own, everything would be written anew.
    fn need(&self, name: String, outlook: &Outlook, pad: usize, threads: usize) -> Need {
        let memory = MemoryNeeds {
            pad,
            threads,
            ..outlook.memory
        };
        let larger = outlook.post.max(outlook.pre);
        let factor = self.plan.resources.peak_factor.0;
        let disk_bytes = if pad == outlook.memory.pad {
            outlook.disk_bytes
        } else {
            all_images(outlook, pad, outlook.memory.formats)
        };
        Need {
            name,
            rule_bytes: rule_bytes(larger.width, larger.height, pad, factor),
            plan_bytes: memory.expected().plan_bytes,
            disk_bytes,
        }
    }
}

/// Bytes of all images of a task.
fn all_images(outlook: &Outlook, pad: usize, formats: CheckpointFormats) -> u64 {
    let larger = outlook.post.max(outlook.pre);
    let canvas = Size::new(larger.width + 2 * pad, larger.height + 2 * pad);
    let bytes = |formats: CheckpointFormats| -> u64 {
        let each = formats.list().iter();
        each.map(|format| CheckpointWriter::file_bytes(canvas, *format))
            .sum()
    };
    // Padded post and pre, pre after stages 2 and 3.
    let checkpoints = 4 * bytes(formats);
    checkpoints + outlook.memory.differences as u64 * bytes(CheckpointFormats::Both)
}

impl Wanted<'_> {
    /// What is known of a task that is not finished.
    fn to_do(&self, task: usize) -> Option<&Outlook> {
        let outlook = self.outlooks[task].as_ref().ok()?;
        (!outlook.is_finished()).then_some(outlook)
    }
}

impl Alternatives for Wanted<'_> {
    fn pad(&self, task: usize) -> usize {
        self.plan.tasks[task].params.pad
    }

    fn with_pad(&self, task: usize, pad: usize) -> Option<Need> {
        let outlook = self.to_do(task)?;
        let name = task_name(&self.plan.tasks[task]);
        Some(self.need(name, outlook, pad, self.threads))
    }

    fn with_workers(&self, task: usize, workers: usize) -> Option<Need> {
        let outlook = self.to_do(task)?;
        let name = task_name(&self.plan.tasks[task]);
        let threads = threads_per_worker(self.all_threads, workers, 0);
        Some(self.need(name, outlook, outlook.memory.pad, threads))
    }

    fn other_formats(&self) -> Vec<(String, u64)> {
        let spec = self.plan.tasks.first();
        if spec.is_none_or(|spec| spec.checkpoint_format != CheckpointFormats::Both) {
            return Vec::new();
        }
        let bytes = |outlook: &Outlook| -> u64 {
            let to_do = outlook.stages.iter().take(3);
            let checkpoints = to_do.filter(|stage| **stage != StageOutlook::There).count();
            let canvas = |formats| all_images(outlook, outlook.memory.pad, formats);
            let saved = canvas(CheckpointFormats::Both) - canvas(CheckpointFormats::Tiff);
            // Of four images two are of stage 1.
            let images = checkpoints as u64
                + u64::from(outlook.stages.first() != Some(&StageOutlook::There));
            outlook.disk_bytes.saturating_sub(saved / 4 * images)
        };
        let to_do = self.outlooks.iter().flatten();
        let total = to_do
            .filter(|outlook| !outlook.is_finished())
            .map(bytes)
            .sum();
        vec![("checkpoint_format = \"tiff\"".to_owned(), total)]
    }
}
