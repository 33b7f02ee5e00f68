//! The binary as an init: PID 1 of a namespace, a subreaper, under a terminal. The numbers in a test's name are
//! the points of the list in docs/pid1.md that it shows.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails where it cannot go on, and tells why it is skipped"
)]

#[path = "../support/mod.rs"]
mod support;

mod ways;

mod asked;
mod containers;
mod exit_status;
mod idle;
mod inherited;
mod log;
mod panic;
mod races;
mod reaping;
mod signals;
mod stragglers;
mod table;
mod terminal;
mod want;
