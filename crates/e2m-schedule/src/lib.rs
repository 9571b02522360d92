//! Runs tasks, whatever they are.
//!
//! A task is anything that can be written as JSON and answers with something that can: that is what lets it be handed to
//! another process or another machine. [`run_serial`] runs tasks one after another in this process. Nothing here knows
//! about images.
//!
//! ```
//! use e2m_schedule::{Interrupt, run_serial};
//!
//! let squares = run_serial(&[1, 2, 3], &Interrupt::default(), |n: &i32| n * n, |_, _| {});
//! assert_eq!(squares, [Some(1), Some(4), Some(9)]);
//! ```

mod interrupt;
mod serial;

pub use interrupt::Interrupt;
pub use serial::run_serial;
