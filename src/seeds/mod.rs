//! seeds
#![forbid(unsafe_code)]
