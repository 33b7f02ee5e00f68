//! The command line, from variables to files: with a stand-in for the JVM, so that each case takes milliseconds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test that cannot go on says so by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod boot;
mod check;
mod command_line;
mod conf_folder;
mod ending;
mod environment;
mod explain;
mod generic;
mod hook;
mod house;
mod jvm;
mod launch;
mod layers;
mod matrix;
mod overrides;
mod ownership;
mod peers;
mod preflight;
mod privileges;
mod profiles;
mod render;
mod restarts;
mod static_binary;
mod status;
mod stop_while_booting;
mod walk;
mod wiring;
