//! A worker for the tests of this crate. Its first argument says how it behaves towards the scheduler, and the payload of
//! each task (`tests/common/tasks.rs`, and [`blunder`]) how it behaves as a task.
#![expect(
    clippy::exit,
    reason = "to end without a word is one of the things workers do"
)]

#[path = "../tests/common/tasks.rs"]
mod tasks;

use rustix::stdio::{dup2_stdin, dup2_stdout};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, Write};
use std::process::{Command, ExitCode, exit};
use std::time::Duration;

const VERSION: &str = "1.0";

fn main() -> ExitCode {
    let manner = std::env::args().nth(1).unwrap_or_default();
    match manner.as_str() {
        "serve" => match e2m_schedule::serve(&tasks::perform, VERSION) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "{error}");
                ExitCode::from(9)
            }
        },
        "raw" => raw(),
        "other-version" => {
            let _ = e2m_schedule::serve(&tasks::perform, "0.9");
            ExitCode::from(9)
        }
        "other-protocol" => {
            let _ = read_line();
            say(&json!({"hello": {"protocol": 99, "version": VERSION, "news": true}}));
            tasks::hang()
        }
        "silent" => tasks::hang(),
        "rude" => {
            let _ = writeln!(std::io::stdout(), "Usage: rude [OPTIONS]");
            tasks::hang()
        }
        "die" => {
            let _ = writeln!(std::io::stderr(), "error while loading shared libraries");
            exit(127)
        }
        "batch" => batch(),
        _ => ExitCode::from(2),
    }
}

/// Speaks the protocol by itself, and breaks it when told to.
fn raw() -> ExitCode {
    let _ = read_line();
    say(&json!({"hello": {"protocol": 1, "version": VERSION}}));
    while let Some(line) = read_line() {
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(task) = message.get("task") {
            say(&json!({"progress": {"id": task["id"], "event": {"pid": std::process::id()}}}));
            blunder(&task["id"], &task["payload"]);
        } else if message.get("exit").is_some() {
            break;
        }
    }
    ExitCode::SUCCESS
}

fn blunder(id: &Value, payload: &Value) {
    let reply = |id: &Value| json!({"reply": {"id": id, "value": "raw", "stopped": false}});
    match payload["do"].as_str().unwrap_or("") {
        "double" => {
            let doubled = payload["n"].as_u64().unwrap_or(0) * 2;
            say(&json!({"reply": {"id": id, "value": doubled, "stopped": false}}));
        }
        "close_pipes" => {
            let nothing = || File::open("/dev/null").expect("opens");
            dup2_stdin(nothing()).expect("closes");
            dup2_stdout(nothing()).expect("closes");
            tasks::hang()
        }
        "garbage" => write(b"Traceback (most recent call last):\n"),
        "binary" => loop {
            write(&[0xff, 0, b'{', b'\n']);
        },
        "half_line" => {
            write(b"{\"reply\":{\"id\":");
            exit(0)
        }
        "huge_line" => {
            let block = vec![b'x'; 1_000_000];
            for _ in 0..100 {
                write(&block);
            }
            tasks::hang()
        }
        "wrong_id" => say(&reply(&json!(4711))),
        "twice" => {
            say(&reply(id));
            say(&reply(id));
        }
        // What it starts inherits the pipes of the protocol.
        "fork" => {
            let child = Command::new("sleep").arg("600").spawn().expect("sleeps");
            say(&json!({"progress": {"id": id, "event": {"pid": child.id()}}}));
            exit(3)
        }
        _ => say(&reply(id)),
    }
}

/// A whole batch in a process of its own, that the tests can kill: a pool of two workers that never end.
fn batch() -> ExitCode {
    use e2m_schedule::{Job, Options, Runner, RunnerEvent, Schedule, WorkerCommand};
    let jobs = vec![
        Job {
            name: "endless".to_owned(),
            payload: json!({"do": "hang"}),
            plan_bytes: 0,
        };
        2
    ];
    let options = Options {
        runner: Runner::Pool { workers: 2 },
        command: Some(WorkerCommand {
            program: std::env::current_exe().expect("this program"),
            args: vec!["serve".into()],
            envs: Vec::new(),
        }),
        version: VERSION.to_owned(),
        ..Options::default()
    };
    let mut listener = |event: &RunnerEvent<'_>| {
        if let RunnerEvent::Progress { event, .. } = event {
            say(event);
        }
    };
    let _ = Schedule::new(&jobs, &tasks::perform)
        .options(options)
        .listener(&mut listener)
        .run();
    ExitCode::SUCCESS
}

fn read_line() -> Option<String> {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(read) if read > 0 => Some(line),
        _ => None,
    }
}

fn say(message: &Value) {
    write(format!("{message}\n").as_bytes());
}

fn write(bytes: &[u8]) {
    let mut stdout = std::io::stdout();
    if stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .is_err()
    {
        std::thread::sleep(Duration::from_millis(100));
    }
}
