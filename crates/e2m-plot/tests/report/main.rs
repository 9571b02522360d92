//! The report: what is in its file, and what it does in a browser.

mod behaviour;
mod browser;
mod file;
mod looks;
mod page;
