//! The preflight of a batch: its whole table with injected limits, its boundaries, and the remedies.

use std::cell::Cell;
use std::fmt::Write as _;
use std::path::PathBuf;

use e2m_resources::{
    Alternatives, AsPlanned, Disk, FitLevel, LimitSource, MemoryBasis, MemoryLimit, Need,
    PEAK_FACTOR_PER_TASK, Preflight, PreflightPolicy, Remedy, Subject, assess, rule_bytes,
};

const GB: u64 = 1_000_000_000;

fn need(name: &str, rule_bytes: u64, plan_bytes: u64, disk_bytes: u64) -> Need {
    Need {
        name: name.into(),
        rule_bytes,
        plan_bytes,
        disk_bytes,
    }
}

/// A group's limit, half a gigabyte of which is used.
fn cgroup(available_bytes: u64) -> MemoryLimit {
    MemoryLimit {
        source: LimitSource::Cgroup,
        total_bytes: available_bytes + GB / 2,
        available_bytes,
        origin: "/sys/fs/cgroup/job/memory.max".into(),
    }
}

fn disk(free_bytes: u64) -> Disk {
    Disk {
        total_bytes: 500 * GB,
        free_bytes,
        existing: PathBuf::from("/data/processed"),
    }
}

fn policy(basis: MemoryBasis, force: bool) -> PreflightPolicy {
    PreflightPolicy {
        basis,
        force,
        ..PreflightPolicy::default()
    }
}

fn memory_preflight(
    needs: &[Need],
    workers: usize,
    available: u64,
    policy: PreflightPolicy,
) -> Preflight {
    let limit = cgroup(available);
    assess(needs, workers, &limit, &disk(100 * GB), policy, &AsPlanned)
}

#[test]
fn the_whole_table() {
    // Against 1 GB: well below, 80 %, a byte more, 100 %, a byte more.
    let sizes = [300_000_000, 800_000_000, 800_000_001, GB, GB + 1];
    let mut table = String::new();
    for basis in [MemoryBasis::Plan, MemoryBasis::Rule] {
        for force in [false, true] {
            writeln!(table, "# {basis:?}, force_run = {force}").expect("a string");
            for rule in sizes {
                for plan in sizes {
                    let needs = [need("CD070/DAPI", rule, plan, 0)];
                    let outcome = memory_preflight(&needs, 1, GB, policy(basis, force));
                    let level = outcome.level();
                    writeln!(table, "rule {rule:>10}  plan {plan:>10}  {level:?}")
                        .expect("a string");
                    assert_eq!(outcome.memory.remedies.is_empty(), level < FitLevel::Tight);
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_words_of_every_level() {
    let mut text = String::new();
    let one = |rule, plan| vec![need("CD070/DAPI", rule, plan, 0)];
    let cases = [
        ("rule fits", one(GB / 2, GB / 4), PreflightPolicy::default()),
        (
            "rule fits, plan is larger",
            one(GB / 2, 2 * GB),
            PreflightPolicy::default(),
        ),
        (
            "plan fits",
            one(23_664_000_000, 620_000_000),
            PreflightPolicy::default(),
        ),
        (
            "plan is tight",
            one(23_664_000_000, 850_000_000),
            PreflightPolicy::default(),
        ),
        (
            "plan is too much",
            one(23_664_000_000, 1_180_000_000),
            PreflightPolicy::default(),
        ),
        (
            "forced",
            one(23_664_000_000, 1_180_000_000),
            policy(MemoryBasis::Plan, true),
        ),
        (
            "a byte too much",
            one(23_664_000_000, 900_000_001),
            PreflightPolicy::default(),
        ),
        (
            "by rule, tight",
            one(850_000_000, 300_000_000),
            policy(MemoryBasis::Rule, false),
        ),
        (
            "by rule, too much",
            one(23_664_000_000, 620_000_000),
            policy(MemoryBasis::Rule, false),
        ),
        (
            "by rule, forced",
            one(23_664_000_000, 620_000_000),
            policy(MemoryBasis::Rule, true),
        ),
        (
            "another factor",
            one(9 * GB, 620_000_000),
            PreflightPolicy {
                peak_factor: 2.5,
                ..PreflightPolicy::default()
            },
        ),
    ];
    for (case, needs, policy) in cases {
        let outcome = memory_preflight(&needs, 1, 900_000_000, policy);
        writeln!(text, "## {case}: {:?}\n{outcome}", outcome.level()).expect("a string");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn several_workers_need_the_largest_tasks_together() {
    let mut needs: Vec<Need> = (0..9)
        .map(|i| need(&format!("S{i}/DAPI"), 20 * GB, GB / 10, 0))
        .collect();
    needs[3].plan_bytes = 2 * GB;
    needs[7].plan_bytes = GB;
    let mut text = String::new();
    for workers in [1, 2, 3, 6, 20] {
        let outcome =
            memory_preflight(&needs, workers, 2 * GB + GB / 2, PreflightPolicy::default());
        writeln!(
            text,
            "## {workers} workers: {:?}\n{outcome}",
            outcome.level()
        )
        .expect("a string");
        assert_eq!(outcome.workers, workers.min(9));
        assert_eq!(outcome.memory.tasks[..1], [3]);
    }
    insta::assert_snapshot!(text);
    let outcome = memory_preflight(&needs, 3, 2 * GB + GB / 2, PreflightPolicy::default());
    assert_eq!(outcome.memory.tasks, [3, 7, 0]);
    assert_eq!(outcome.memory.need_bytes, 3 * GB + GB / 10);
    assert_eq!(
        outcome.memory.remedies[0],
        Remedy::FewerWorkers {
            fit: 1,
            needs: 2 * GB
        }
    );
}

#[test]
fn the_disk_holds_what_all_tasks_write() {
    let mut text = String::new();
    let needs: Vec<Need> = (0..5)
        .map(|i| need(&format!("S{i}/DAPI"), 0, 0, 16 * GB))
        .collect();
    for free in [100 * GB, 100 * GB - 1, 80 * GB, 80 * GB - 1] {
        for force in [false, true] {
            let policy = policy(MemoryBasis::Plan, force);
            let outcome = assess(&needs, 2, &cgroup(GB), &disk(free), policy, &AsPlanned);
            assert_eq!(outcome.memory.level, FitLevel::Fine);
            writeln!(
                text,
                "## {free} free, force_run = {force}: {:?}\n{outcome}",
                outcome.level()
            )
            .expect("a string");
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_to_do_needs_nothing() {
    let outcome = assess(
        &[],
        4,
        &cgroup(0),
        &disk(0),
        PreflightPolicy::default(),
        &AsPlanned,
    );
    assert_eq!(outcome.level(), FitLevel::Fine);
    assert_eq!(outcome.to_string(), "");
}

#[test]
fn sums_beyond_64_bits_are_refused() {
    let needs = vec![need("a", u64::MAX, u64::MAX, u64::MAX); 3];
    let outcome = assess(
        &needs,
        3,
        &cgroup(1 << 60),
        &disk(1 << 60),
        PreflightPolicy::default(),
        &AsPlanned,
    );
    assert!(outcome.refused());
    assert_eq!(outcome.disk.subject, Subject::Disk);
}

/// Square images of some sizes, whose needs follow from their pads.
struct Images {
    sides: Vec<usize>,
    pads: Vec<usize>,
    asked: Cell<usize>,
}

impl Images {
    fn new(sides: Vec<usize>, pads: Vec<usize>) -> Self {
        Self {
            sides,
            pads,
            asked: Cell::new(0),
        }
    }

    fn need(&self, task: usize, pad: usize) -> Need {
        let side = self.sides[task];
        let canvas = ((side + 2 * pad) * (side + 2 * pad)) as u64;
        need(
            &format!("S{task}/DAPI"),
            rule_bytes(side, side, pad, PEAK_FACTOR_PER_TASK),
            GB / 5 + canvas / 2,
            canvas * 4 * 6,
        )
    }

    fn needs(&self) -> Vec<Need> {
        let tasks = 0..self.sides.len();
        tasks.map(|task| self.need(task, self.pads[task])).collect()
    }

    fn disk_bytes(&self) -> u64 {
        self.needs().iter().map(|need| need.disk_bytes).sum()
    }
}

impl Alternatives for Images {
    fn pad(&self, task: usize) -> usize {
        self.pads[task]
    }

    fn with_pad(&self, task: usize, pad: usize) -> Option<Need> {
        self.asked.set(self.asked.get() + 1);
        Some(self.need(task, pad))
    }

    fn other_formats(&self) -> Vec<(String, u64)> {
        let all = self.disk_bytes();
        vec![
            ("checkpoint_compression = \"deflate\"".into(), all / 10 * 9),
            ("checkpoint_format = \"both\"".into(), all * 2),
            ("checkpoint_format = \"tiff\"".into(), all / 2),
        ]
    }
}

#[test]
fn remedies_carry_the_users_numbers() {
    let images = Images::new(vec![20_000, 20_000, 12_000], vec![2_000, 1_000, 500]);
    let needs = images.needs();
    let mut text = String::new();
    let tight = 580_000_000;
    let cases = [
        (
            LimitSource::Physical,
            "/proc/meminfo",
            8 * GB,
            tight,
            22 * GB,
        ),
        (
            LimitSource::Physical,
            "/proc/meminfo",
            GB,
            880_000_000,
            28 * GB,
        ),
        (
            LimitSource::Physical,
            "/proc/meminfo",
            590_000_000,
            tight,
            100 * GB,
        ),
        (
            LimitSource::Slurm,
            "SLURM_MEM_PER_NODE",
            GB,
            tight,
            100 * GB,
        ),
        (LimitSource::Override, "E2M_MEMORY", GB, tight, 100 * GB),
    ];
    for (source, origin, total_bytes, available_bytes, free) in cases {
        let limit = MemoryLimit {
            source,
            total_bytes,
            available_bytes,
            origin: origin.into(),
        };
        let policy = PreflightPolicy::default();
        let outcome = assess(&needs, 2, &limit, &disk(free), policy, &images);
        writeln!(text, "## {limit}\n{outcome}").expect("a string");
    }
    insta::assert_snapshot!(text);
}

/// The largest pad below the present ones with which `workers` tasks take at most `percent` of `available`, looked for
/// by trying all.
fn largest_pad(images: &Images, workers: usize, available: u64, percent: u64) -> Option<usize> {
    let most = *images.pads.iter().max()?;
    let fitting = |pad: &usize| {
        let mut plans: Vec<u64> = (0..images.sides.len())
            .map(|task| images.need(task, images.pads[task].min(*pad)).plan_bytes)
            .collect();
        plans.sort_unstable();
        let sum: u64 = plans.iter().rev().take(workers).sum();
        sum * 100 <= available * percent
    };
    (0..most).step_by(50).filter(fitting).last()
}

#[test]
fn the_pad_offered_is_the_largest_that_fits() {
    let images = Images::new(
        vec![20_000, 26_000, 12_000, 30_000],
        vec![2_000, 990, 500, 1_250],
    );
    let needs = images.needs();
    let (mut offered, mut not_offered) = (0, 0);
    for available in (400_000_000..2_000_000_000).step_by(7_654_321) {
        for workers in [1, 2, 4] {
            let limit = cgroup(available);
            let policy = PreflightPolicy::default();
            let outcome = assess(&needs, workers, &limit, &disk(500 * GB), policy, &images);
            let found = outcome.memory.remedies.iter().find_map(|r| match r {
                Remedy::SmallerPad { pad, .. } => Some(*pad),
                _ => None,
            });
            let searched = match outcome.memory.level {
                FitLevel::Refused => largest_pad(&images, workers, available, 80)
                    .or_else(|| largest_pad(&images, workers, available, 100)),
                FitLevel::Tight => largest_pad(&images, workers, available, 80),
                FitLevel::Fine | FitLevel::PlanOnly => None,
            };
            assert_eq!(found, searched, "{workers} workers, {available} bytes");
            match found {
                Some(_) => offered += 1,
                None => not_offered += 1,
            }
        }
    }
    assert!(offered > 20 && not_offered > 20, "{offered} {not_offered}");
}

#[test]
fn ten_thousand_tasks_are_asked_for_a_few_pads_each() {
    let sides = (0..10_000).map(|i| 20_000 + i % 977).collect();
    let images = Images::new(sides, vec![2_000; 10_000]);
    let needs = images.needs();
    let started = std::time::Instant::now();
    let limit = cgroup(900_000_000);
    let outcome = assess(
        &needs,
        3,
        &limit,
        &disk(GB),
        PreflightPolicy::default(),
        &images,
    );
    assert!(outcome.refused());
    assert!(started.elapsed().as_secs() < 5);
    // Memory and disk, two limits each, bisection of 40 steps and its lower end.
    let asked = images.asked.get();
    assert!(asked <= 10_000 * 4 * 8, "{asked}");
}
