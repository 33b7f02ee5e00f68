//! Kubernetes manifests as a container would see them: its environment, its command, its memory and its mounted files.
//!
//! Pure: files come in as texts, and no cluster is asked. What the files alone do not tell is a note.
#![forbid(unsafe_code)]

mod base64;
pub mod document;
mod downward;
pub mod environment;
pub mod expand;
pub mod mounts;
pub mod objects;
pub mod quantity;
pub mod wiring;

pub use document::{ManifestFile, Spot};
pub use downward::POD_ADDRESS;
pub use environment::{Assignment, Environment};
pub use mounts::MountedFile;
pub use objects::{Container, Objects};
