//! `cassandra-init`: PID 1 of an Apache Cassandra container. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let environment: Vec<_> = std::env::vars_os().collect();
    cassandra_init::run(&arguments, &environment)
}
