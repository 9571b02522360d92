//! How long something took, told so that a machine on which others work does not decide it: by the clock, by the time that processors spent on it,
//! and by what they did besides.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Of the processors' time, what must have been left idle for the clock to be believed.
const IDLE: f64 = 0.1;

/// And what others must have taken of it for the clock not to be.
const OTHERS: f64 = 0.1;

/// The length of a tick in `/proc`: Linux tells programs of hundredths of a second, whatever it counts itself.
const TICK: f64 = 0.01;

/// Begun when something begins.
pub(super) struct Watch {
    begin: Instant,
    machine: Ticks,
    children: u64,
}

/// What processors have done since the machine was started, ticks of all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    busy: u64,
    idle: u64,
}

/// What something took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Taken {
    /// By the clock.
    wall: Duration,
    /// Of processors, by what was done itself.
    own: Duration,
    /// The parts of all processors' time that others took and nobody did.
    others: f64,
    idle: f64,
}

impl Watch {
    pub(super) fn begin() -> Result<Self> {
        Ok(Self {
            machine: machine()?,
            children: children()?,
            begin: Instant::now(),
        })
    }

    /// What was taken by the children that were started and waited for since, and by theirs.
    pub(super) fn end(&self) -> Result<Taken> {
        let wall = self.begin.elapsed();
        let own = children()?.saturating_sub(self.children);
        Ok(Taken::of(wall, own, self.machine, machine()?))
    }
}

impl Taken {
    fn of(wall: Duration, own: u64, before: Ticks, after: Ticks) -> Self {
        let busy = after.busy.saturating_sub(before.busy);
        let idle = after.idle.saturating_sub(before.idle);
        let all = (busy + idle).max(1) as f64;
        Self {
            wall,
            own: Duration::from_secs_f64(own as f64 * TICK),
            others: busy.saturating_sub(own) as f64 / all,
            idle: idle as f64 / all,
        }
    }

    /// Fails where it would have taken longer than `limit` on a machine of its own.
    ///
    /// The clock decides, unless others took a part of the processors and left none idle. Then the processors' time decides: on one
    /// processor that is free it takes no longer than that, and on several less.
    pub(super) fn within(&self, limit: Duration) -> Result<()> {
        let limited = limit.as_secs_f64();
        if self.machine_was_busy() {
            ensure!(
                self.own <= limit,
                "it took {self}: beside others, and still more than {limited:.0} s of processors"
            );
        } else {
            ensure!(
                self.wall <= limit,
                "it took {self}: more than {limited:.0} s, and others did not keep it from processors"
            );
        }
        Ok(())
    }

    fn machine_was_busy(&self) -> bool {
        self.idle < IDLE && self.others > OTHERS
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} s by the clock, {:.1} s of processors (others had {:.0} % of them, {:.0} % were idle)",
            self.wall.as_secs_f64(),
            self.own.as_secs_f64(),
            self.others * 100.0,
            self.idle * 100.0
        )
    }
}

fn machine() -> Result<Ticks> {
    let text = fs::read_to_string("/proc/stat").context("/proc/stat could not be read")?;
    machine_in(&text).context("/proc/stat does not begin with the processors' time")
}

/// The first line: user, nice, system, idle, waiting for disks, interrupts of two kinds, taken by other virtual machines. What follows is part of
/// the first two.
fn machine_in(text: &str) -> Option<Ticks> {
    let mut fields = text.lines().next()?.split_whitespace();
    (fields.next()? == "cpu").then_some(())?;
    let ticks: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
    let [user, nice, system, idle, waiting, hard, soft, stolen] = *ticks.first_chunk()?;
    Some(Ticks {
        busy: user + nice + system + hard + soft + stolen,
        idle: idle + waiting,
    })
}

fn children() -> Result<u64> {
    let text =
        fs::read_to_string("/proc/self/stat").context("/proc/self/stat could not be read")?;
    children_in(&text).context("/proc/self/stat does not tell the time of children")
}

/// Fields 16 and 17: ticks of children that were waited for, in programs and in the kernel. The name of the program, in
/// brackets, may have anything in it.
fn children_in(text: &str) -> Option<u64> {
    let (_, behind) = text.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(13);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// On two processors: seconds by the clock, of its own and of others.
    fn taken(wall: f64, own: f64, others: f64) -> Taken {
        let ticks = |seconds: f64| (seconds * 100.0).round() as u64;
        let before = Ticks {
            busy: 1000,
            idle: 7000,
        };
        let after = Ticks {
            busy: before.busy + ticks(own + others),
            idle: before.idle + ticks(2.0 * wall - own - others),
        };
        Taken::of(Duration::from_secs_f64(wall), ticks(own), before, after)
    }

    #[test]
    fn the_clock_decides_where_processors_were_free() {
        assert!(taken(20.0, 30.0, 1.0).within(LIMIT).is_ok());
        // Slow by itself, on one of two processors.
        let message = taken(70.0, 50.0, 10.0).within(LIMIT).expect_err("too long");
        assert_eq!(
            message.to_string(),
            "it took 70.0 s by the clock, 50.0 s of processors (others had 7 % of them, 57 % were idle): more than 60 s, and \
             others did not keep it from processors"
        );
        // Slow by itself, on both.
        assert!(taken(70.0, 139.0, 1.0).within(LIMIT).is_err());
    }

    #[test]
    fn beside_others_that_leave_nothing_the_processors_time_decides() {
        assert!(taken(199.0, 32.0, 365.0).within(LIMIT).is_ok());
        let message = taken(199.0, 61.0, 336.0)
            .within(LIMIT)
            .expect_err("too long");
        assert!(message.to_string().contains("beside others"), "{message}");
        // Others that left a processor half idle are no excuse.
        assert!(taken(199.0, 32.0, 265.0).within(LIMIT).is_err());
    }

    #[test]
    fn what_linux_writes_is_read() {
        let text = "cpu  100 20 30 4000 50 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n";
        let read = machine_in(text).expect("ticks");
        assert_eq!((read.busy, read.idle), (171, 4050));
        assert_eq!(machine_in("intr 1 2 3\n"), None);
        let text = "7 (a) b) S 1 7 7 0 -1 4194304 100 200 0 0 11 12 130 14 20 0 1 0 5 6 7\n";
        assert_eq!(children_in(text), Some(144));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn time_of_a_child_that_has_ended_is_seen() {
        let watch = Watch::begin().expect("a watch");
        let work = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let ended = std::process::Command::new("sh").args(["-c", work]).status();
        assert!(ended.expect("a shell").success());
        let taken = watch.end().expect("what was taken");
        assert!(taken.own >= Duration::from_millis(20), "{taken}");
    }
}
