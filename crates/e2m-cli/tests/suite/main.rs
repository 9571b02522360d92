//! The program, run as people run it.

mod admission;
mod apply;
mod bad_folders;
mod bad_images;
mod command_line;
#[path = "../common/mod.rs"]
mod common;
mod compare;
mod convert;
mod demo;
#[cfg(target_os = "linux")]
mod disks;
mod export;
mod file_names;
mod given_values;
mod good_batch;
#[cfg(unix)]
mod interrupted;
mod kept_checkpoints;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(unix)]
mod lost_samples;
mod memory_plan;
mod microbes;
mod mixed_up;
#[cfg(unix)]
mod odd_names;
mod partial_runs;
mod raw_files;
mod report;
#[cfg(unix)]
mod runners;
mod single_task;
mod status;
#[cfg(unix)]
mod taken_back;
#[cfg(target_os = "linux")]
mod two_runs;
mod unwritten;
mod verify;
mod web_app;
mod zoom;
