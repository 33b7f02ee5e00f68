//! `cassandra-init`: PID 1 of an Apache Cassandra container. Everything is in the library.

use std::process::ExitCode;

/// Here and not in the library, whose tests want to be interrupted.
#[used]
#[unsafe(link_section = ".init_array")]
#[allow(unsafe_code, reason = "the section holds functions of this type, which the C library calls before main")]
static FIRST: extern "C" fn() = cassandra_init::host::signals::block_before_main;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let environment: Vec<_> = std::env::vars_os().collect();
    cassandra_init::run(&arguments, &environment)
}
