//! What SLURM calls the states of a job, and what they mean to someone who waits for it.

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// It waits; with SLURM's reason, such as `Priority` or `Resources`.
    Queued {
        /// SLURM's word for it; empty where there is none.
        reason: String,
    },
    /// It runs.
    Running {
        /// Where.
        node: String,
    },
    /// It is about to end, or to be put back into the queue: its node clears up.
    Ending {
        /// Where.
        node: String,
    },
    /// It has ended.
    Ended {
        /// SLURM's word: `COMPLETED`, `FAILED`, `OUT_OF_MEMORY`, …
        state: String,
    },
}

impl JobState {
    /// From SLURM's words.
    pub(super) fn of(state: &str, node: &str, reason: &str) -> Self {
        // Something may follow, as in `CANCELLED by 0`.
        let word = state.split([' ', '+']).next().unwrap_or_default();
        match word {
            "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD"
            | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => Self::Queued {
                reason: reason.to_owned(),
            },
            "RUNNING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "STAGE_OUT" | "RESIZING" => {
                Self::Running {
                    node: node.to_owned(),
                }
            }
            "COMPLETING" => Self::Ending {
                node: node.to_owned(),
            },
            other => Self::Ended {
                state: other.to_owned(),
            },
        }
    }

    /// Whether it has not ended.
    pub fn is_live(&self) -> bool {
        !matches!(self, Self::Ended { .. })
    }
}

/// A job that SLURM knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedJob {
    /// Its number, or that of its array.
    pub job: u64,
    /// Its number in the array.
    pub array_task: Option<usize>,
    /// Where it is.
    pub state: JobState,
}

/// The format in which `squeue` is asked to answer.
pub(super) const FORMAT: &str = "%i|%T|%N|%r";

/// What `squeue` answers; lines that are not in the format are left out.
pub(super) fn parse(listing: &str) -> Vec<QueuedJob> {
    listing.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<QueuedJob> {
    let mut fields = line.trim().split('|');
    let (id, state, node, reason) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    let (job, array_task) = match id.split_once('_') {
        Some((job, task)) => (job, Some(task.parse().ok()?)),
        None => (id, None),
    };
    Some(QueuedJob {
        job: job.parse().ok()?,
        array_task,
        state: JobState::of(state, node, reason),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_squeue_prints() {
        let listing = "12_0|RUNNING|n1|None\n12_7|PENDING||Resources\n14|PENDING||Dependency\n12_3|OUT_OF_MEMORY|n2|OutOfMemory\nslurm_load_jobs: hm\n";
        let found = parse(listing);
        assert_eq!(found.len(), 4);
        assert_eq!(
            found[0],
            QueuedJob {
                job: 12,
                array_task: Some(0),
                state: JobState::Running { node: "n1".into() }
            }
        );
        assert_eq!(
            found[2],
            QueuedJob {
                job: 14,
                array_task: None,
                state: JobState::Queued {
                    reason: "Dependency".into()
                }
            }
        );
        let live: Vec<bool> = found.iter().map(|job| job.state.is_live()).collect();
        assert_eq!(live, [true, true, true, false]);
    }

    #[test]
    fn words_behind_a_state_do_not_matter() {
        let ended = JobState::of("CANCELLED by 1000", "", "");
        assert_eq!(
            ended,
            JobState::Ended {
                state: "CANCELLED".into()
            }
        );
        // It may be on its way back into the queue.
        assert!(JobState::of("COMPLETING", "n1", "None").is_live());
    }
}
