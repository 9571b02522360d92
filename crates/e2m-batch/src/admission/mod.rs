//! The admission check: whether the machine has what a batch needs, and how many tasks it will run at a time.
//!
//! [`needs`] says what the tasks need, e2m-resources whether that fits.

mod needs;

use crate::batch_file::values::{AutoCount, MemoryGate, Parallel};
use crate::human;
use crate::inspect::Preview;
use crate::plan::Plan;
use e2m_resources::{
    Disk, DiskError, LimitSource, Machine, MemoryLimit, Need, Preflight, PreflightPolicy, assess,
    process_memory, threads_per_worker,
};
use needs::PlannedNeeds;

/// Of the memory that is available, so much may be planned for; the rest is for everybody's surprises.
const COMFORTABLE: u64 = 80;

/// What the tasks of a plan need, and whether it is there.
#[derive(Debug)]
pub struct Admission {
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

impl Admission {
    /// Adds up what the tasks need that are not finished, and holds it against the machine.
    pub fn of(plan: &Plan, previews: &[Preview], machine: &Machine) -> Self {
        let threads = match plan.execution.threads {
            AutoCount::Exactly(count) => count.get(),
            AutoCount::Auto => machine.cpus(),
        };
        let mut wanted = PlannedNeeds {
            plan,
            previews,
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
        previews: &[Preview],
        threads: usize,
        memory_bytes: Option<u64>,
    ) -> Self {
        let wanted = PlannedNeeds {
            plan,
            previews,
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
        wanted: &PlannedNeeds<'_>,
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
        let policy = PreflightPolicy {
            basis: match plan.resources.memory_gate {
                MemoryGate::Plan => e2m_resources::MemoryBasis::Plan,
                MemoryGate::Rule => e2m_resources::MemoryBasis::Rule,
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
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Compute threads in all.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// What a task will take at most; nothing where that is unknown.
    pub fn plan_bytes(&self, task: usize) -> u64 {
        self.needs[task].plan_bytes
    }

    /// What each task needs.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// What the running tasks may take together.
    pub fn budget_bytes(&self) -> u64 {
        // What was admitted at once has to be able to run at once.
        let comfortable = self.memory.available_bytes / 100 * COMFORTABLE;
        comfortable.max(self.preflight.memory.plan_bytes)
    }

    /// The memory that has to stay available while tasks run. Where the plan itself leaves less, it is half of what it
    /// leaves: the watchdog is there for what nobody planned.
    pub fn min_available_bytes(&self) -> u64 {
        self.min_available
    }

    /// What is available, and what limits it.
    pub fn memory(&self) -> &MemoryLimit {
        &self.memory
    }

    /// Whether nothing may start.
    pub fn refuses(&self) -> bool {
        self.preflight.refused()
    }

    /// What is to be said before a start, in lines.
    pub fn lines(&self) -> Vec<String> {
        let said = self.preflight.to_string();
        let said = said.lines().map(str::to_owned);
        let notes = self.notes.iter().chain(&self.lowered).cloned();
        notes.chain(said).collect()
    }

    /// Why nothing may start, and what would help.
    pub fn refusal(&self) -> String {
        self.preflight.to_string()
    }

    /// What is odd about the machine or the settings, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// A sentence where less memory stays available than the batch file asks for.
    pub fn lowered(&self) -> Option<&str> {
        self.lowered.as_deref()
    }

    /// What memory and disk say.
    pub fn preflight(&self) -> &Preflight {
        &self.preflight
    }

    /// Bytes that the tasks will write.
    pub fn disk_bytes(&self) -> u64 {
        self.needs.iter().map(|need| need.disk_bytes).sum()
    }

    /// `, 3 at a time (of 4 CPUs, one is left to everything else)`.
    pub fn how(&self) -> String {
        let because = self.because.as_ref();
        let because = because.map_or_else(String::new, |why| format!(" ({why})"));
        match (self.parallel, self.workers) {
            (Parallel::Pool, 1) => format!(", one at a time{because}"),
            (Parallel::Pool, workers) => format!(", {workers} at a time{because}"),
            (Parallel::Subprocess, _) => ", each in a process of its own".to_owned(),
            (Parallel::No | Parallel::Slurm, _) => String::new(),
        }
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
