//! The texts that `sbatch` takes.

use super::group::Group;
use std::fmt;

/// Set for the command where the warning came while the lines of [`Site::setup`] ran.
pub const WARNED_VARIABLE: &str = "E2M_WARNED";

/// What is particular to a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Site {
    /// `--partition`.
    pub partition: Option<String>,
    /// `--account`.
    pub account: Option<String>,
    /// `--qos`.
    pub qos: Option<String>,
    /// `--constraint`.
    pub constraint: Option<String>,
    /// Further options, one a line, with or without `#SBATCH` in front.
    pub extra: Vec<String>,
    /// Shell lines before the command.
    pub setup: Vec<String>,
}

/// A job array: one job for each of a [`Group`].
///
/// The command takes the place of the shell (`exec`), so that signals reach it, and finds its number in
/// `SLURM_ARRAY_TASK_ID`. It is sent SIGUSR1 before its time is up, and what it prints is appended to its log when it is started
/// again.
#[derive(Debug, Clone, Copy)]
pub struct ArrayScript<'a> {
    /// Name of the job.
    pub name: &'a str,
    /// Its jobs and what they are given.
    pub group: &'a Group,
    /// Processors of each.
    pub cpus: usize,
    /// The cluster.
    pub site: &'a Site,
    /// File for what a job prints, with SLURM's `%A` and `%a` in it; see [`escaped`](ArrayScript::escaped).
    pub log: &'a str,
    /// So long before its time is up a job is warned, seconds.
    pub warn_seconds: u64,
    /// What each job runs.
    pub command: &'a [&'a str],
    /// One line on what this is, for people.
    pub about: &'a str,
}

/// A job that follows others.
#[derive(Debug, Clone, Copy)]
pub struct DependentScript<'a> {
    /// Name of the job.
    pub name: &'a str,
    /// Its memory, bytes.
    pub memory_bytes: u64,
    /// Its time, seconds.
    pub seconds: u64,
    /// The cluster.
    pub site: &'a Site,
    /// File for what it prints.
    pub log: &'a str,
    /// What it runs.
    pub command: &'a [&'a str],
    /// One line on what this is, for people.
    pub about: &'a str,
}

impl ArrayScript<'_> {
    /// A path as a part of `log`, in which `%` means itself.
    pub fn escaped(path: &str) -> String {
        path.replace('%', "%%")
    }
}

impl fmt::Display for ArrayScript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.group.jobs.len().saturating_sub(1);
        let at_a_time = self.group.at_a_time;
        let at_a_time = at_a_time.map_or_else(String::new, |count| format!("%{count}"));
        head(f, self.about, self.name)?;
        option(f, &format!("--array=0-{last}{at_a_time}"))?;
        option(f, &format!("--cpus-per-task={}", self.cpus))?;
        amounts(f, self.group.memory_bytes, self.group.seconds)?;
        log(f, self.log)?;
        option(f, "--requeue")?;
        option(f, &format!("--signal=B:USR1@{}", self.warn_seconds))?;
        site_options(f, self.site)?;
        if !self.site.setup.is_empty() {
            // The shell would die of it; the command has to know.
            writeln!(f, "trap 'export {WARNED_VARIABLE}=1' USR1")?;
        }
        commands(f, self.site, self.command)
    }
}

impl fmt::Display for DependentScript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.about, self.name)?;
        option(f, "--cpus-per-task=1")?;
        amounts(f, self.memory_bytes, self.seconds)?;
        log(f, self.log)?;
        option(f, "--requeue")?;
        site_options(f, self.site)?;
        commands(f, self.site, self.command)
    }
}

fn head(f: &mut fmt::Formatter<'_>, about: &str, name: &str) -> fmt::Result {
    writeln!(f, "#!/bin/bash\n# {}", one_line(about))?;
    option(f, &format!("--job-name={}", plain(name)))?;
    option(f, "--nodes=1")?;
    option(f, "--ntasks=1")
}

fn amounts(f: &mut fmt::Formatter<'_>, memory_bytes: u64, seconds: u64) -> fmt::Result {
    option(f, &format!("--mem={}M", memory_bytes.div_ceil(1 << 20)))?;
    option(f, &format!("--time={}", time(seconds)))
}

fn log(f: &mut fmt::Formatter<'_>, path: &str) -> fmt::Result {
    option(f, &format!("--output={}", quoted(path)))?;
    option(f, "--open-mode=append")
}

/// Options, and the blank line behind them.
fn site_options(f: &mut fmt::Formatter<'_>, site: &Site) -> fmt::Result {
    let named = [
        ("partition", &site.partition),
        ("account", &site.account),
        ("qos", &site.qos),
        ("constraint", &site.constraint),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            option(f, &format!("--{name}={}", quoted(value)))?;
        }
    }
    for line in &site.extra {
        let line = one_line(line.trim());
        let line = line.strip_prefix("#SBATCH").unwrap_or(&line);
        option(f, line.trim())?;
    }
    writeln!(f)
}

fn commands(f: &mut fmt::Formatter<'_>, site: &Site, command: &[&str]) -> fmt::Result {
    for line in &site.setup {
        writeln!(f, "{line}")?;
    }
    let words: Vec<String> = command.iter().map(|word| shell_word(word)).collect();
    writeln!(f, "exec {}", words.join(" "))
}

fn option(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    writeln!(f, "#SBATCH {text}")
}

/// `1-02:03:04` in SLURM's notation; it counts whole minutes, so seconds are rounded up to one.
fn time(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60).max(1);
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match days {
        0 => format!("{hours:02}:{minutes:02}:00"),
        days => format!("{days}-{hours:02}:{minutes:02}:00"),
    }
}

/// A value of an option in a script: SLURM splits at spaces outside quotes.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-%+=:@,&|".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        value.to_owned()
    } else {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// A word of a command for the shell.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A text that cannot leave its line.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// A job's name: what is not a letter, a digit or one of a few signs becomes a line.
fn plain(name: &str) -> String {
    let plain = |c: char| {
        let kept = c.is_ascii_alphanumeric() || "._-".contains(c);
        if kept { c } else { '-' }
    };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_has_all_that_was_asked_for_and_runs_the_command_in_place_of_the_shell() {
        let group = Group {
            jobs: vec![2, 5, 7],
            memory_bytes: 1_500_000_000,
            seconds: 95_000,
            at_a_time: Some(2),
            after: None,
        };
        let site = Site {
            partition: Some("short".into()),
            account: Some("rock group".into()),
            qos: Some("low".into()),
            constraint: Some("avx2&ssd".into()),
            extra: vec!["--gres=scratch:20".into(), "#SBATCH --nice".into()],
            setup: vec!["module load opencv".into(), "echo \"$HOME\"".into()],
        };
        let script = ArrayScript {
            name: "e2m my batch",
            group: &group,
            cpus: 4,
            site: &site,
            log: "/my data/logs/%A_%a.log",
            warn_seconds: 120,
            command: &["/opt/it's e2m", "work", "/my data/array.json"],
            about: "three\ntasks",
        };
        let expected = r#"#!/bin/bash
# three tasks
#SBATCH --job-name=e2m-my-batch
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --array=0-2%2
#SBATCH --cpus-per-task=4
#SBATCH --mem=1431M
#SBATCH --time=1-02:24:00
#SBATCH --output="/my data/logs/%A_%a.log"
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
#SBATCH --partition=short
#SBATCH --account="rock group"
#SBATCH --qos=low
#SBATCH --constraint=avx2&ssd
#SBATCH --gres=scratch:20
#SBATCH --nice

trap 'export E2M_WARNED=1' USR1
module load opencv
echo "$HOME"
exec '/opt/it'\''s e2m' work '/my data/array.json'
"#;
        assert_eq!(script.to_string(), expected);
    }

    #[test]
    fn times_are_whole_minutes() {
        assert_eq!(time(1), "00:01:00");
        assert_eq!(time(3661), "01:02:00");
        assert_eq!(time(86_400), "1-00:00:00");
    }

    #[test]
    fn percent_signs_of_a_path_mean_themselves() {
        assert_eq!(ArrayScript::escaped("/50% more/x"), "/50%% more/x");
    }
}
