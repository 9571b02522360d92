//! The server, over real connections.

mod common;
mod doors;
mod edit;
mod look;
mod watch;
