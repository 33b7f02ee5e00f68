//! Knowledge of Cassandra: versions, configuration keys, layout of a distribution, heap rules, the java command line,
//! the stamp beside the data, what a look at a node means for probes. Pure: no clock, disk, network or environment of its own.
#![forbid(unsafe_code)]

pub mod collector;
pub mod distribution;
pub mod heap;
pub mod java;
pub mod java_flags;
pub mod jmx;
pub mod look;
pub mod modes;
pub mod overrides;
pub mod patience;
pub mod schema;
pub mod stamp;
pub mod version;

pub use collector::Collector;
pub use distribution::Distribution;
pub use version::{Line, Version};
