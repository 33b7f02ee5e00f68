//! Configuration files: lossless documents, the plan that edits them, and writing them.
#![forbid(unsafe_code)]

pub mod apply;
pub mod defaults;
pub mod diff;
pub mod documents;
pub mod encryption;
pub mod fragment;
pub mod generic;
pub mod jvm_options;
pub mod masked;
pub mod overlay;
pub mod plan;
pub mod pristine;
pub mod properties;
pub mod provenance;
pub mod trace;
pub mod validate;
pub mod yaml;
