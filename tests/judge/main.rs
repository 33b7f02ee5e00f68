//! Cassandra itself is the judge: its own loader of every line reads what we rendered, and must have got what we say.
//!
//! The jars come from Maven (`image/fetch cassandra LINE`); nothing of them is started but the class that reads
//! cassandra.yaml.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test that cannot go on says so by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod compare;
mod defaults;
mod java;
mod keys;
mod loader;
mod scenarios;
mod schema;
mod strings;
mod verdicts;
