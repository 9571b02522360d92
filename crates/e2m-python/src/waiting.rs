//! Work on another thread, while the calling one listens to Ctrl-C and passes on what is reported.
//!
//! Python notes a signal and acts on it only when its main thread comes back to it. So the work goes to a thread of its own, and the
//! one that called looks for signals a few times a second.

use crate::errors::{Failure, Kind};
use e2m_batch::Interrupt;
use pyo3::prelude::*;
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// A signal waits no longer than this.
const PATIENCE: Duration = Duration::from_millis(50);

/// Stops runs from another thread: hand it to a call as `cancel`, and call `cancel()`.
///
/// The call ends after the rows at hand and raises `Cancelled`. Once cancelled it stays so.
#[pyclass(module = "e2m._e2m", frozen)]
#[derive(Debug, Default)]
pub(crate) struct CancelToken {
    pub(crate) interrupt: Interrupt,
}

#[pymethods]
impl CancelToken {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Asks all calls that hold it to stop.
    fn cancel(&self) {
        self.interrupt.raise();
    }

    /// Whether `cancel()` was called.
    #[getter]
    fn cancelled(&self) -> bool {
        self.interrupt.is_raised()
    }
}

/// The interrupt of a call: that of its token, or one of its own.
///
/// A call interrupted by Ctrl-C raises it too, so that what shares the token stops with it.
pub(crate) fn interrupt_of(cancel: Option<&CancelToken>) -> Interrupt {
    cancel.map_or_else(Interrupt::default, |token| token.interrupt.clone())
}

/// Does `work` on another thread without the interpreter, and calls `hear` on this one with what it tells.
///
/// # Errors
/// The exception of a signal handler, such as `KeyboardInterrupt`, or of `hear`. Either raises the interrupt; `work` has ended then.
pub(crate) fn watched<T: Send, E: Send>(
    py: Python<'_>,
    interrupt: &Interrupt,
    work: impl FnOnce(&Sender<E>) -> T + Send,
    mut hear: impl FnMut(Python<'_>, E) -> PyResult<()> + Send,
) -> PyResult<T> {
    let (ended, failure) = py.detach(|| {
        thread::scope(|scope| {
            let (tell, told) = channel();
            let worker = scope.spawn(move || work(&tell));
            let mut failure: Option<PyErr> = None;
            let mut note = |result: PyResult<()>| {
                if let Err(error) = result {
                    interrupt.raise();
                    failure.get_or_insert(error);
                }
            };
            loop {
                match told.recv_timeout(PATIENCE) {
                    Ok(event) => note(Python::attach(|py| {
                        signals_noted(py)?;
                        hear(py, event)
                    })),
                    Err(RecvTimeoutError::Timeout) => {
                        note(Python::attach(signals_noted));
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            let ended = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            (ended, failure)
        })
    });
    failure.map_or(Ok(ended), Err)
}

/// Lets Python act on the signals that it has noted.
fn signals_noted(py: Python<'_>) -> PyResult<()> {
    py.check_signals()
}

/// [`watched`] for work that reports nothing. Where only the token stopped it, `Cancelled` is raised.
///
/// # Errors
/// As [`watched`], and what the work failed of.
pub(crate) fn quietly<T: Send>(
    py: Python<'_>,
    interrupt: &Interrupt,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> PyResult<T> {
    let done = watched(py, interrupt, |_: &Sender<()>| work(), |_, ()| Ok(()))?;
    done.map_err(|failure| {
        if interrupt.is_raised() {
            cancelled().raised(py)
        } else {
            failure.raised(py)
        }
    })
}

/// What a call ends with that was stopped.
pub(crate) fn cancelled() -> Failure {
    Failure::new(Kind::Cancelled, "stopped before it was done")
}
