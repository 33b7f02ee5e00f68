//! Small synchronous clients for what a node speaks.
#![forbid(unsafe_code)]

pub mod attach;
mod channel;
pub mod cql;
pub mod jmx;
pub mod keystore;
mod timed;
pub mod tls;
