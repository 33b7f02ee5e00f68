//! The only place with `unsafe` and raw system calls; knows nothing of Cassandra.
#![allow(unsafe_code, reason = "this module is where the kernel is spoken to")]
