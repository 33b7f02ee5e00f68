//! Supervision: a pure state machine and the loop that feeds it.
//!
//! ```text
//!             child ended                          (nobody asked)
//!  Running ───────────────────────────────────────────────┐
//!     │ stop asked                                        ▼
//!     ├──► Delaying ──► Draining ── child ended ──► Sweeping ──► Finished(code)
//!     │    not ready,   TERM sent;   dump, then KILL   others get TERM,
//!     └───────────────► at the deadlines               then KILL
//! ```
#![forbid(unsafe_code)]

pub mod driver;
pub mod published;
pub mod state;

pub use driver::{Owner, supervise};
pub use published::{Phase, Published};
pub use state::{Policy, Supervisor};
