//! Tasks that behave, and tasks that do not, told apart by their payload. The same code runs in the tests' process and in
//! the worker `misbehave`.
#![expect(
    clippy::exit,
    reason = "to end without a word is one of the things workers do"
)]
#![expect(clippy::zombie_processes, reason = "so is to leave a child behind")]

use e2m_schedule::{Reply, TaskContext};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, exit};
use std::time::{Duration, Instant};

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(600);

/// The handler. It first reports the process it runs in, which leads its group in a worker.
pub(crate) fn perform(payload: &Value, context: &mut dyn TaskContext) -> Reply {
    context.report(json!({"pid": std::process::id()}));
    let number = |key: &str| payload[key].as_u64().unwrap_or(0);
    match payload["do"].as_str().unwrap_or("") {
        "double" => Reply::done(json!(number("n") * 2)),
        "echo" => Reply::done(payload["value"].clone()),
        "threads" => Reply::done(json!(context.threads())),
        "count" => {
            for n in 0..number("n") {
                context.report(json!({"n": n}));
            }
            Reply::done(json!(number("n")))
        }
        "chatter" => {
            for n in 0..number("n") {
                context.progress(json!({"kind": "rows", "n": n}));
            }
            Reply::done(Value::Null)
        }
        "sleep" => {
            std::thread::sleep(Duration::from_millis(number("ms")));
            Reply::done(json!("slept"))
        }
        "nap" => nap(Duration::from_millis(number("ms")), context),
        "work" => {
            let begun = Instant::now();
            let mut x = 1u64;
            while begun.elapsed() < Duration::from_millis(number("ms")) {
                x = std::hint::black_box(x.wrapping_mul(0x9e37_79b9));
            }
            Reply::done(json!("worked"))
        }
        "wait_for_stop" => wait_for_stop(context),
        "panic" => panic!(
            "the {} is broken",
            payload["what"].as_str().unwrap_or("task")
        ),
        "print" => {
            let mut stdout = std::io::stdout();
            writeln!(stdout, "this is no protocol").expect("writes");
            stdout.flush().expect("flushes");
            Reply::done(json!("printed"))
        }
        "exit" => exit(payload["code"].as_i64().unwrap_or(3) as i32),
        "segfault" => segfault(),
        "sigkill" => {
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL).expect("kills");
            hang()
        }
        "allocate" => {
            let mut block = vec![0u8; number("bytes") as usize];
            block.iter_mut().step_by(1024).for_each(|byte| *byte = 1);
            std::hint::black_box(&block);
            std::thread::sleep(Duration::from_millis(number("ms")));
            Reply::done(json!("held"))
        }
        "hang" => hang(),
        "flood" => {
            flood();
            match payload["then"].as_str() {
                Some("exit") => exit(3),
                _ => Reply::done(json!("flooded")),
            }
        }
        "fork" => {
            let child = Command::new("sleep").arg("600").spawn().expect("sleeps");
            context.report(json!({"pid": child.id()}));
            match payload["then"].as_str() {
                Some("exit") => exit(3),
                _ => Reply::done(json!("forked")),
            }
        }
        "fork_away" => {
            let child = Command::new("setsid").args(["sleep", "600"]).spawn();
            context.report(json!({"escaped": child.expect("sleeps").id()}));
            std::thread::sleep(Duration::from_millis(300));
            exit(3)
        }
        other => Reply::done(json!(format!("unknown: {other}"))),
    }
}

/// Sleeps, but not so deeply that it would not hear the wish to stop.
fn nap(length: Duration, context: &dyn TaskContext) -> Reply {
    let begun = Instant::now();
    while begun.elapsed() < length {
        if let Some(reason) = context.stop_reason() {
            return Reply::stopped(json!(reason));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Reply::done(json!("rested"))
}

fn wait_for_stop(context: &mut dyn TaskContext) -> Reply {
    loop {
        if let Some(reason) = context.stop_reason() {
            return Reply::stopped(json!(reason));
        }
        context.progress(json!("waiting"));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ignores every wish; SIGTERM is one since `serve` made it so.
pub(crate) fn hang() -> ! {
    loop {
        std::thread::sleep(LONG);
    }
}

/// More than any pipe holds.
fn flood() {
    let mut stderr = std::io::stderr();
    for line in 0..20_000 {
        writeln!(
            stderr,
            "line {line:06} of a flood, with more words than anyone wants"
        )
        .expect("writes");
    }
}

fn segfault() -> ! {
    // A signal sent to oneself would only reach the handler that Rust installs for stack overflows.
    #[expect(unsafe_code, reason = "the point is to crash")]
    // SAFETY: there is none; nothing is mapped at address 8, so the kernel ends the process before anything else happens.
    unsafe {
        std::ptr::without_provenance_mut::<u8>(8).write_volatile(0);
    }
    hang()
}
