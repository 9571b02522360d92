//! The server, over real connections.

mod choose;
mod common;
mod doors;
mod draws;
mod edit;
mod look;
mod watch;
