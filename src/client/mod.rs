//! Small synchronous clients for what a node speaks.
#![forbid(unsafe_code)]

pub mod cql;
pub mod jmx;
mod timed;
pub mod tls;
