//! `cassandra-init`: PID 1 of an Apache Cassandra container. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    cassandra_init::run(std::env::args_os().collect(), std::env::vars_os().collect())
}
