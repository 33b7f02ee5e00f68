//! The environment contract: one table of variables, typed values, profiles, suggestions.
//!
//! [`RawEnv`] is what was typed and where; [`Settings`] is what it means. Nothing below sees a string from the
//! environment.
#![forbid(unsafe_code)]

pub mod address;
pub mod contract;
pub mod file;
pub mod generic;
mod given;
pub mod profile;
pub mod raw;
pub mod secret;
pub mod suggest;
mod unknown;
pub mod unsupported;
pub mod value;
mod written;

pub use contract::{CONTRACT, Settings};
pub use profile::Profile;
pub use raw::{RawEnv, Source};
