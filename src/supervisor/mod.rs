//! Supervision: a pure state machine and the loop that feeds it.
#![forbid(unsafe_code)]

pub mod control;
pub mod driver;
pub mod published;
pub mod state;

pub use control::Standing;
pub use driver::{Owner, seconds, supervise};
pub use published::{Clients, Phase, Published};
pub use state::{Policy, StopTimes, Supervisor};
