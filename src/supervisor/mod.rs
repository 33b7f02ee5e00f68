//! Supervision: a pure state machine and the loop that feeds it.
#![forbid(unsafe_code)]

pub mod driver;
pub mod published;
pub mod state;

pub use driver::{Owner, supervise};
pub use published::{Clients, Phase, Published};
pub use state::{Policy, Supervisor};
