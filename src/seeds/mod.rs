//! Which seeds this node starts with, and whether it founds a cluster.
#![forbid(unsafe_code)]

pub mod decide;

pub use decide::{Decision, Provider, Question, decide};
