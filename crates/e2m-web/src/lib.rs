//! The web app of e2m: batches of a folder chosen, run, watched and looked at in a browser on this machine.
//!
//! [`Server::bind`] listens and makes a token; [`Server::run`] answers until it is told to end. The page is part of the program, and
//! asks nothing of any other server.
//!
//! ```
//! use e2m_batch::{Environment, Interrupt};
//! use e2m_web::{ServeOptions, Server};
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//!
//! let server = Server::bind(&ServeOptions::new(folder), Environment::default())?;
//! println!("open {}", server.address()); // http://127.0.0.1:40123/?token=…
//! let interrupt = Interrupt::default();
//! # interrupt.raise();
//! let was_running = server.run(&interrupt)?; // until somebody raises it
//! assert!(!was_running);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which part does what
//!
//! | module | what it does |
//! |---|---|
//! | `server`, `assets` | the addresses, and the page and its parts |
//! | `guard`, `session` | who may ask: host, origin, token |
//! | `folder` | which files may be read and written |
//! | `api` | what the page asks for, as JSON and images |
//! | `opening`, `tasks` | tasks that are looked at, opened by their records and kept open |
//! | `tiles` | squares of an image at every magnification; overviews; colours |
//! | `runs` | runs of batches, and what is seen of them |
//! | `machine` | memory and processors in use |
//! | `work` | where work is done that takes a while |
//!
//! # What is promised
//!
//! - Nothing outside the folders that were named is read or written, also not through a symbolic link.
//! - Nothing is answered to who does not know the token, or asks by another name or from a page of another site.
//! - What is asked for has a limit: bodies, tiles, cut-outs, waiting requests, overviews in memory.
//! - A browser that goes away stops nothing. What a run has finished stays, whatever becomes of the server.
//! - Whatever the page does, `e2m batch.toml` does as well: decisions are those of e2m-batch.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod api;
mod assets;
mod error;
mod folder;
mod guard;
mod machine;
mod opening;
mod runs;
mod server;
mod session;
mod state;
mod tasks;
mod tiles;
mod work;

pub use assets::VIEWER_LICENCE;
pub use server::{ServeError, ServeOptions, Server};

/// The example of the README, which has to compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
