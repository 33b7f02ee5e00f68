//! Supervision: a pure state machine, the desk that answers questions, and the loop that feeds both.
#![forbid(unsafe_code)]

pub mod connections;
pub mod control;
pub mod desk;
pub mod driver;
pub mod early;
pub mod http;
pub mod looks;
pub mod metrics;
pub mod published;
pub mod reception;
pub mod state;

pub use control::Standing;
pub use desk::Desk;
pub use driver::{Owner, seconds, supervise};
pub use early::Early;
pub use looks::Aim;
pub use metrics::Facts;
pub use published::{Clients, Phase, Published};
pub use reception::Reception;
pub use state::{Policy, StopTimes, Supervisor};
