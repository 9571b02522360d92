//! The SLURM runner: jobs as arrays on a cluster, whose own scheduler decides when and where.
//!
//! Other runners live as long as their batch. This runner hands its batch over and ends. Each part is for a moment of its
//! own:
//!
//! | moment | what is for it |
//! |---|---|
//! | before the submission | [`groups`] puts jobs of like sizes together, [`ArrayScript`] and [`DependentScript`] are the texts for `sbatch` |
//! | the submission | [`Slurm::submit`] |
//! | while jobs wait and run | [`Slurm::queue`], [`Slurm::cancel`] |
//! | in a job | [`Slurm::requeue`], when it was warned that its time is up |
//! | afterwards | [`Slurm::exits`] and [`why_it_ended`] say why a job left no answer, in the words of other runners ([`WorkerError`](crate::WorkerError)) |
//!
//! Nothing here touches the disk or reads the environment. Scripts are texts; the caller knows where to write them. SLURM's own
//! programs answer every question and have to be on the PATH. [`SlurmError`] holds what they said when they refused, word for
//! word. The runner works with SLURM 20.02 and later.
//!
//! ```
//! use e2m_schedule::slurm::{ArrayScript, Demand, Site, groups};
//!
//! let demands = [900_000_000, 4_000_000_000, 950_000_000].map(|memory_bytes| Demand { memory_bytes, seconds: 600 });
//! let groups = groups(&demands, Some(4));
//! assert_eq!(groups[0].jobs, [1]); // the large one
//! assert_eq!(groups[1].jobs, [0, 2]);
//! assert_eq!(groups[1].at_a_time, Some(2)); // of four, one is for the large one
//!
//! let script = ArrayScript {
//!     name: "squares",
//!     group: &groups[1],
//!     cpus: 2,
//!     site: &Site { partition: Some("short".into()), ..Site::default() },
//!     log: "/data/logs/%A_%a.log",
//!     warn_seconds: 120,
//!     command: &["/opt/squares", "--of", "/data/numbers.json"],
//!     about: "2 numbers",
//! };
//! let text = script.to_string();
//! assert!(text.contains("#SBATCH --array=0-1%2\n#SBATCH --cpus-per-task=2\n#SBATCH --mem=906M\n"));
//! assert!(text.ends_with("exec /opt/squares --of /data/numbers.json\n"));
//! ```

mod client;
mod group;
mod job_exit;
mod script;
mod state;

pub use client::{Slurm, SlurmError};
pub use group::{Demand, Group, MAX_ARRAY_JOBS, groups};
pub use job_exit::{JobExit, why_it_ended};
pub use script::{ArrayScript, DependentScript, Site, WARNED_VARIABLE};
pub use state::{JobState, QueuedJob};
