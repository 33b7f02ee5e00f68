//! The only place with `unsafe` and raw system calls: what this program asks of the kernel and of the files of its host.
//!
//! Everything here is synchronous, allocates nothing between fork and exec, and knows nothing of the program it serves.
//! Names are the kernel's own. Whatever can fail returns [`Error`]: operation, path, and the kernel's errno.
#![allow(unsafe_code, reason = "this module is where the kernel is spoken to")]

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("the raw calls here use the layout of 64-bit Linux (8-byte signal sets, 32-bit ids)");

pub mod addresses;
pub mod atomic;
mod capabilities;
pub mod command;
mod descriptors;
mod error;
pub mod events;
pub mod files;
pub mod folders;
mod groups;
pub mod kernel;
pub mod last_resort;
pub mod limits;
pub mod memory;
pub mod mounts;
pub mod own_thread;
pub mod ownership;
mod permissions;
pub mod pipe;
pub mod privileges;
pub mod process;
pub mod processors;
pub mod program;
pub mod signals;
pub mod sockets;
mod spawn;
pub mod standard_error;
mod step_down;
pub mod tail;
pub mod tasks;
pub mod threads;
pub mod users;

pub use descriptors::close_inherited;
pub use error::{Error, Result};
