//! SLURM's programs, and what they answer.

use super::job_exit::{JobExit, of_sacct, of_scontrol, preempted_since_start, state_of_scontrol};
use super::state::{FORMAT, JobState, QueuedJob, parse};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Why SLURM did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlurmError {
    /// A program is not there.
    #[error(
        "{program} is not on the PATH: log in to a machine of the cluster from which jobs are submitted, or load SLURM first (often `module load slurm`)"
    )]
    NotThere {
        /// Its name.
        program: &'static str,
    },
    /// It could not be started.
    #[error("{program} could not be started: {reason}")]
    NotStarted {
        /// Its name.
        program: &'static str,
        /// What the system says.
        reason: String,
    },
    /// It refused.
    #[error("{said}\n(that is what {program} says{})", about(script.as_deref()))]
    Refused {
        /// Its name.
        program: &'static str,
        /// What it said, as it said it.
        said: String,
        /// The script that it was given.
        script: Option<PathBuf>,
    },
    /// It handed the job to another cluster than the one that is asked about jobs.
    #[error(
        "the job went to the cluster {cluster:?}, which this machine asks about nothing else; submit from a machine of that cluster, or \
         leave --clusters (SBATCH_CLUSTERS) out{}",
        if *cancelled { String::new() } else { format!(". It could not be cancelled there: scancel --clusters={cluster} {job}") }
    )]
    Elsewhere {
        /// Its name.
        cluster: String,
        /// The job's number there.
        job: u64,
        /// Whether it was cancelled there.
        cancelled: bool,
    },
    /// It said something else than its manual says.
    #[error("{program} answered {said:?}, which is no job number{}", about(script.as_deref()))]
    Unexpected {
        /// Its name.
        program: &'static str,
        /// What it said.
        said: String,
        /// The script that it was given.
        script: Option<PathBuf>,
    },
}

fn about(script: Option<&Path>) -> String {
    script.map_or_else(String::new, |script| format!(" about {}", script.display()))
}

/// SLURM, asked through its programs on the PATH.
#[derive(Debug, Clone, Default)]
pub struct Slurm {
    /// Variables that its programs are not to see.
    hidden: Vec<OsString>,
}

impl Slurm {
    /// `hidden` are variables that its programs are not to see: in a job, what SLURM says of that job would be taken for
    /// wishes about the next one.
    pub fn new(hidden: Vec<OsString>) -> Self {
        Self { hidden }
    }

    /// Submits a script; with `after`, it waits until all of those jobs have ended, however. Answers with the job's number.
    ///
    /// # Errors
    /// What `sbatch` says.
    pub fn submit(&self, script: &Path, after: &[u64]) -> Result<u64, SlurmError> {
        const PROGRAM: &str = "sbatch";
        let mut command = self.program(PROGRAM);
        command.arg("--parsable");
        if !after.is_empty() {
            let jobs: Vec<String> = after.iter().map(u64::to_string).collect();
            command.arg(format!("--dependency=afterany:{}", jobs.join(":")));
        }
        let script = Some(script.to_owned());
        let said = run(PROGRAM, command.args(&script), script.as_deref())?;
        // A cluster's name may follow the number. Sites print greetings before it.
        let last = said.trim().lines().last().unwrap_or_default();
        let (number, cluster) = match last.split_once(';') {
            Some((number, cluster)) => (number, Some(cluster.trim())),
            None => (last, None),
        };
        let job = number.trim().parse().map_err(|_| SlurmError::Unexpected {
            program: PROGRAM,
            said: said.trim().to_owned(),
            script,
        })?;
        let Some(cluster) = cluster.filter(|cluster| !cluster.is_empty()) else {
            return Ok(job);
        };
        // Its number means another job here.
        let mut cancel = self.program("scancel");
        cancel
            .arg(format!("--clusters={cluster}"))
            .arg(number.trim());
        Err(SlurmError::Elsewhere {
            cluster: cluster.to_owned(),
            job,
            cancelled: run("scancel", &mut cancel, None).is_ok(),
        })
    }

    /// What SLURM knows of these jobs, array by array. Jobs that ended a while ago are forgotten.
    ///
    /// # Errors
    /// What `squeue` says; not that it has forgotten all of them.
    pub fn queue(&self, jobs: &[u64]) -> Result<Vec<QueuedJob>, SlurmError> {
        const PROGRAM: &str = "squeue";
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let numbers: Vec<String> = jobs.iter().map(u64::to_string).collect();
        let mut command = self.program(PROGRAM);
        command
            .args(["--noheader", "--array", "--states=all"])
            .arg(format!("--jobs={}", numbers.join(",")))
            .arg(format!("--format={FORMAT}"));
        match run(PROGRAM, &mut command, None) {
            Ok(listing) => Ok(parse(&listing)),
            Err(SlurmError::Refused { said, .. }) if said.contains("Invalid job id") => {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    /// Where a job is, as `12` or `12_3`; `None` where SLURM does not know it.
    ///
    /// # Errors
    /// What `scontrol` says.
    pub fn state(&self, job: &str) -> Result<Option<JobState>, SlurmError> {
        const PROGRAM: &str = "scontrol";
        let mut command = self.program(PROGRAM);
        command.args(["show", "job", "--oneliner", job]);
        match run(PROGRAM, &mut command, None) {
            Ok(said) => Ok(state_of_scontrol(&said).map(|state| JobState::of(&state, "", ""))),
            Err(SlurmError::Refused { said, .. }) if said.contains("Invalid job id") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a running job, as `12` or `12_3`, is being pushed out by others, as far as `scontrol` tells.
    pub fn is_being_preempted(&self, job: &str) -> bool {
        const PROGRAM: &str = "scontrol";
        let mut command = self.program(PROGRAM);
        command.args(["show", "job", "--oneliner", job]);
        run(PROGRAM, &mut command, None).is_ok_and(|said| preempted_since_start(&said))
    }

    /// Cancels jobs, as `12` or `12_3`. Those that have ended are no error.
    ///
    /// # Errors
    /// What `scancel` says.
    pub fn cancel(&self, jobs: &[String]) -> Result<(), SlurmError> {
        const PROGRAM: &str = "scancel";
        if jobs.is_empty() {
            return Ok(());
        }
        match run(PROGRAM, self.program(PROGRAM).args(jobs), None) {
            Err(SlurmError::Refused { said, .. })
                if said.lines().all(|line| {
                    line.contains("Invalid job id")
                        || line.contains("already completing or completed")
                }) =>
            {
                Ok(())
            }
            done => done.map(drop),
        }
    }

    /// Puts the running job, as `12` or `12_3`, back into the queue; SLURM ends it at once.
    ///
    /// # Errors
    /// What `scontrol` says: some sites do not allow it.
    pub fn requeue(&self, job: &str) -> Result<(), SlurmError> {
        const PROGRAM: &str = "scontrol";
        run(PROGRAM, self.program(PROGRAM).args(["requeue", job]), None).map(drop)
    }

    /// How the jobs of an array ended, by their numbers in it: by the controller, which forgets after some minutes, or by the
    /// accounting, which not every site has. Those that neither knows, or that have not ended, are not in it.
    pub fn exits(&self, array: u64) -> BTreeMap<usize, JobExit> {
        let array = array.to_string();
        let mut accounting = self.program("sacct");
        accounting
            .args(["--noheader", "--parsable2", "--allocations", "--array"])
            .args(["--jobs", &array, "--starttime=now-90days"])
            .arg("--format=JobID,State,ExitCode,ElapsedRaw");
        let mut controller = self.program("scontrol");
        controller.args(["show", "job", "--oneliner", &array]);
        // What fails is not there to tell anything.
        let kept =
            run("sacct", &mut accounting, None).map_or_else(|_| Vec::new(), |said| of_sacct(&said));
        let recent = run("scontrol", &mut controller, None)
            .map_or_else(|_| Vec::new(), |said| of_scontrol(&said));
        let ended = |(_, end): &(usize, JobExit)| {
            matches!(JobState::of(&end.state, "", ""), JobState::Ended { .. })
        };
        kept.into_iter().chain(recent).filter(ended).collect()
    }

    fn program(&self, name: &'static str) -> Command {
        let mut command = Command::new(name);
        command.stdin(Stdio::null());
        // Ctrl-C is for this program: a job half handed over would be nobody's.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        for variable in &self.hidden {
            command.env_remove(variable);
        }
        command
    }
}

/// Runs a program; what it prints on standard output, if it succeeds.
fn run(
    program: &'static str,
    command: &mut Command,
    script: Option<&Path>,
) -> Result<String, SlurmError> {
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => SlurmError::NotThere { program },
        _ => SlurmError::NotStarted {
            program,
            reason: error.to_string(),
        },
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(SlurmError::Refused {
        program,
        said: words(&output),
        script: script.map(Path::to_owned),
    })
}

fn words(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let said: Vec<&str> = [err.as_str(), out.as_str()]
        .into_iter()
        .filter(|said| !said.is_empty())
        .collect();
    match said.is_empty() {
        true => format!("no word, but {}", output.status),
        false => said.join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_as_it_was_said_with_the_script() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "echo 'sbatch: error: invalid partition specified: x' >&2; exit 1",
        ]);
        let error =
            run("sbatch", &mut command, Some(Path::new("/out/array-1.sh"))).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "sbatch: error: invalid partition specified: x\n(that is what sbatch says about /out/array-1.sh)"
        );
        let silent =
            run("scancel", Command::new("sh").args(["-c", "exit 4"]), None).expect_err("refused");
        assert!(silent.to_string().contains("exit status: 4"), "{silent}");
    }

    #[test]
    fn a_machine_without_slurm_is_told_so() {
        let error =
            run("sbatch", &mut Command::new("no-such-sbatch"), None).expect_err("not there");
        assert!(
            error.to_string().starts_with("sbatch is not on the PATH"),
            "{error}"
        );
    }
}
