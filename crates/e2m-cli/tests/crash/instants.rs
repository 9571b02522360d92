//! A run is killed at random instants, 200 in all, and so are workers of a pool.

use crate::way::Way;
use e2m_testing::sample;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A pair of several times as many pixels, so that most instants fall into the computing.
const WIDTH: usize = 600;

/// So many instants are in a sample of those of one way.
const SAMPLE: usize = 2;

/// Numbers between 0 and 1 that are the same in every run of the test.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Kills so many runs, each at a random instant of the time that a whole run takes here and now.
fn kill_at_instants(formats: &'static str, pool: bool, kills: usize) {
    let way = Way::new(formats, pool, WIDTH);
    let started = Instant::now();
    let (whole, _) = way.uninterrupted();
    let takes = started.elapsed();
    let mut dice = Dice(formats.len() as u64 + u64::from(pool) * 100);
    let instants = (0..kills).map(|kill| (kill, dice.roll()));
    let drawn = sample(&format!("instants, {}", way.name()), instants, SAMPLE);
    for &(kill, share) in &drawn {
        // A worker alone every other time: then the run goes on without it.
        let worker_only = pool && kill % 2 == 1;
        let mut instant = takes.mul_f64(share);
        // A run that had ended by then was quicker than the first one.
        while !is_killed(&way, instant, worker_only) {
            instant = instant.mul_f64(0.8);
        }
        way.assert_completes(&whole, &format!("a death after {instant:?} of {takes:?}"));
    }
    println!("{}: {} runs killed", way.name(), drawn.len());
}

/// Starts from nothing and kills after this time; `false` where the run had ended.
fn is_killed(way: &Way, instant: Duration, worker_only: bool) -> bool {
    way.clear();
    let mut command = way.command(None);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("the program");
    std::thread::sleep(instant);
    end(&mut child, worker_only)
}

/// Kills the process or one of its workers, and answers whether there was something to kill.
fn end(child: &mut Child, worker_only: bool) -> bool {
    let alive = child.try_wait().expect("a state").is_none();
    let worker = worker_only.then(|| worker_of(child.id())).flatten();
    match worker {
        Some(worker) => {
            let _ = std::process::Command::new("kill")
                .args(["-KILL", &worker.to_string()])
                .status();
            let started = Instant::now();
            while child.try_wait().expect("a state").is_none() {
                assert!(
                    started.elapsed() < Duration::from_secs(120),
                    "it waits for a dead worker"
                );
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        None => {
            let _ = child.kill();
            child.wait().expect("an end");
        }
    }
    alive
}

/// A child of a process.
fn worker_of(process: u32) -> Option<u32> {
    let children =
        std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).ok()?;
    children.split_whitespace().find_map(|id| id.parse().ok())
}

#[test]
fn tiff_serial() {
    kill_at_instants("tiff", false, 34);
}

#[test]
fn fits_serial() {
    kill_at_instants("fits", false, 34);
}

#[test]
fn both_serial() {
    kill_at_instants("both", false, 34);
}

#[test]
fn tiff_pool() {
    kill_at_instants("tiff", true, 34);
}

#[test]
fn fits_pool() {
    kill_at_instants("fits", true, 32);
}

#[test]
fn both_pool() {
    kill_at_instants("both", true, 32);
}
