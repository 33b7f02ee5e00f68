//! A real Cassandra under the binary: start, probes, privileges, drain, restart, kill; `make run` under a terminal; 3.11 by its
//! own scripts.
//!
//! `tests/run cassandra` prepares what the suite needs (image/fetch) and names it in the environment. Nodes use fixed
//! ports, so one runs at a time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test that cannot go on says so by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod attach;
mod both_modes;
mod command_line;
mod deaths;
mod driver;
mod encrypted;
mod every_state;
mod hangs;
mod jdk;
mod jmx_servers;
mod jmx_users;
mod keystores;
mod lines;
mod make_run;
mod many_probes;
mod node;
mod nodetool;
mod pair;
mod real;
mod script_mode;
mod status;
