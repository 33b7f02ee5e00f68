//! The binary as an init: PID 1 of a namespace, a subreaper, under a terminal. Each test names the point of the
//! conformance list (init.md, section 3) that it shows; what tini, dumb-init and catatonit do there is told in that file.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails where it cannot go on, and tells why it is skipped"
)]

#[path = "../support/mod.rs"]
mod support;

mod ways;

mod exit_status;
mod idle;
mod inherited;
mod log;
mod panic;
mod races;
mod reaping;
mod signals;
mod stragglers;
mod terminal;
