//! The texts of the preflight: lines for assessments and remedies.

use std::fmt;

use super::{Assessment, FitLevel, Preflight, Remedy, Subject};
use crate::bytes::compared;
use crate::variables::MEMORY_VARIABLE;
use crate::workers::{COMFORTABLE_PERCENT, fits};
use crate::{Bytes, LimitSource};

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewerWorkers { fit, needs } => {
                let need = if *fit == 1 { "needs" } else { "need" };
                write!(f, "n_workers = {fit} ({need} {})", Bytes(*needs))
            }
            Self::SmallerPad { pad: 0, needs } => {
                write!(f, "pad = 0 (needs {})", Bytes(*needs))
            }
            Self::SmallerPad { pad, needs } => {
                write!(f, "pad = {pad} or less (needs {})", Bytes(*needs))
            }
            Self::OtherFormat {
                setting,
                saves_bytes,
                fits,
            } => {
                write!(f, "{setting} (saves {}", Bytes(*saves_bytes))?;
                let alone = if *fits {
                    ")"
                } else {
                    ", not enough by itself)"
                };
                f.write_str(alone)
            }
            Self::CloseOtherPrograms { bytes } => {
                write!(
                    f,
                    "close other programs ({} more has to be available)",
                    Bytes(*bytes)
                )
            }
            Self::FreeDisk {
                missing: 0,
                comfortable,
            } => write!(
                f,
                "delete or move files ({} more leaves room to spare)",
                Bytes(*comfortable)
            ),
            Self::FreeDisk {
                missing,
                comfortable,
            } => write!(
                f,
                "delete or move files ({} are missing, {} more leave room to spare)",
                Bytes(*missing),
                Bytes(*comfortable)
            ),
            Self::GateByPlan { plan_bytes } => write!(
                f,
                "memory_gate = \"plan\" (the planned peak is {})",
                Bytes(*plan_bytes)
            ),
            Self::LargerMachine { bytes, source } => larger(f, *bytes, *source),
            Self::ForceRun => f.write_str("force_run = true (runs all the same, and may fail)"),
        }
    }
}

fn larger(f: &mut fmt::Formatter<'_>, bytes: u64, source: LimitSource) -> fmt::Result {
    match source {
        // SLURM counts in binary megabytes.
        LimitSource::Slurm => write!(f, "ask SLURM for more: --mem={}M", bytes.div_ceil(1 << 20)),
        LimitSource::Cgroup => write!(f, "raise the cgroup limit to {}", Bytes(bytes)),
        LimitSource::Override => {
            write!(
                f,
                "{MEMORY_VARIABLE}={}MB, if the machine has as much",
                bytes.div_ceil(1_000_000)
            )
        }
        LimitSource::Physical | LimitSource::Affinity | LimitSource::Unknown => {
            write!(f, "a machine with at least {} of memory", Bytes(bytes))
        }
    }
}

impl Assessment {
    /// The lines to show, remedies last; none where everything fits.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = match self.level {
            FitLevel::Fine => self.plan_above_rule().into_iter().collect(),
            FitLevel::PlanOnly => vec![self.plan_only()],
            FitLevel::Tight if self.forced => {
                vec![format!(
                    "warning: {}; it runs because force_run is set",
                    self.too_much()
                )]
            }
            FitLevel::Tight => vec![self.tight()],
            FitLevel::Refused => vec![format!("refused: {}", self.too_much())],
        };
        let remedies = self.remedies.iter();
        lines.extend(remedies.map(|remedy| format!("try: {remedy}")));
        lines
    }

    fn plan_only(&self) -> String {
        let (rule, available) = compared(self.rule_bytes, self.available_bytes);
        format!(
            "note: the {}x rule would not fit, as {rule} is more than {COMFORTABLE_PERCENT} % of the {available} available ({}); the planned peak of {} does",
            self.peak_factor,
            self.limit,
            Bytes(self.plan_bytes)
        )
    }

    /// A note where the rule fits and the plan does not: small images can be planned above the rule.
    fn plan_above_rule(&self) -> Option<String> {
        let memory = self.subject != Subject::Disk;
        let above = !fits(self.plan_bytes, self.available_bytes, COMFORTABLE_PERCENT);
        (memory && above).then(|| {
            let (plan, available) = compared(self.plan_bytes, self.available_bytes);
            format!(
                "note: the {}x rule fits, but the planned peak of {plan} leaves little or nothing of the {available} available ({})",
                self.peak_factor, self.limit
            )
        })
    }

    fn tight(&self) -> String {
        let (need, available) = compared(self.need_bytes, self.available_bytes);
        let percent = u128::from(self.need_bytes) * 100;
        let percent = percent.div_ceil(u128::from(self.available_bytes).max(1));
        format!(
            "warning: {} {need}{}, {percent} % of the {available} {} ({})",
            self.who(),
            self.measure(),
            self.left(),
            self.limit
        )
    }

    fn too_much(&self) -> String {
        let (need, available) = compared(self.need_bytes, self.available_bytes);
        format!(
            "{} {need}{}; {available} is {} ({})",
            self.who(),
            self.measure(),
            self.left(),
            self.limit
        )
    }

    /// `CD070/DAPI needs`, `A, B, C and 5 more together write`.
    fn who(&self) -> String {
        let (one, several) = match self.subject {
            Subject::Disk => ("writes", "write"),
            Subject::PlannedMemory | Subject::RuleMemory => ("needs", "need"),
        };
        let others = self.tasks.len().saturating_sub(self.names.len());
        match self.names.as_slice() {
            [] => format!("nothing {one}"),
            [name] if others == 0 => format!("{name} {one}"),
            [first @ .., last] if others == 0 => {
                format!("{} and {last} together {several}", first.join(", "))
            }
            names => format!("{} and {others} more together {several}", names.join(", ")),
        }
    }

    fn measure(&self) -> String {
        match self.subject {
            Subject::PlannedMemory => " as planned".to_owned(),
            Subject::RuleMemory => format!(" by the {}x rule", self.peak_factor),
            Subject::Disk => String::new(),
        }
    }

    fn left(&self) -> &'static str {
        match self.subject {
            Subject::Disk => "free",
            Subject::PlannedMemory | Subject::RuleMemory => "available",
        }
    }
}

impl fmt::Display for Assessment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl Preflight {
    /// The lines to show: memory, then disk. A remedy for both appears once.
    pub fn lines(&self) -> Vec<String> {
        let disk = self.disk.lines();
        let mut lines = self.memory.lines();
        lines.retain(|line| !disk.contains(line));
        lines.extend(disk);
        lines
    }
}

impl fmt::Display for Preflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}
