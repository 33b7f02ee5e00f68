//! cassandra
#![forbid(unsafe_code)]
