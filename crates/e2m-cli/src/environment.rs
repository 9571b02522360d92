//! The environment of this process, for the library, which reads none.

use crate::args::TalkArgs;
use e2m_batch::{Environment, WorkerCommand};
use std::path::Path;

/// The variables, this program, and how it is started as a worker.
pub(crate) fn environment(talk: TalkArgs) -> Environment {
    let environment = Environment::new(std::env::vars_os());
    let program = std::env::current_exe().inspect_err(|error| {
        tracing::warn!(%error, "this program does not know where it is");
    });
    let environment = match &program {
        Ok(program) => environment.with_program(program),
        Err(_) => environment,
    };
    // The very file that runs here, even if another version has taken its name since.
    let own = Path::new("/proc/self/exe");
    let worker = if own.exists() {
        Some(own.to_owned())
    } else {
        program.ok()
    };
    let mut args = vec!["worker".into()];
    args.extend(talk.as_arguments());
    match worker {
        Some(program) => environment.with_worker(WorkerCommand {
            program,
            args,
            envs: Vec::new(),
        }),
        None => environment,
    }
}
