//! `e2m worker`: the process in which a runner has its tasks done. Not for people; it speaks JSON on its standard streams.

use crate::args::WorkerArgs;
use crate::exit::Exit;
use crate::logging;

/// Does tasks until it is told to stop.
pub(crate) fn work(args: &WorkerArgs) -> Exit {
    let lines = logging::start_in_worker(args.talk);
    match e2m_batch::serve_tasks(&|| lines.take()) {
        Ok(()) => Exit::Complete,
        Err(error) => {
            crate::terminal::Terminal::new(args.talk).error(&format!(
                "{error}. e2m starts its workers itself; run e2m BATCH"
            ));
            Exit::BadInput
        }
    }
}
