//! The CQL native protocol, as far as a probe needs it: OPTIONS, STARTUP and one query, never a login.
//!
//! Source: `doc/native_protocol_v4.spec` and `doc/native_protocol_v5.spec` of Cassandra.

mod connection;
#[cfg(test)]
mod encrypted_tests;
mod envelope;
mod frame;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::client::timed::{self, Limit};
use crate::client::tls::{self, Tls};
use connection::Connection;
use envelope::{Version, opcode};

/// The node's own row: read by the stage that serves clients, from its own disk, without other nodes.
const QUERY: &str = "SELECT bootstrapped FROM system.local WHERE key='local'";

/// What it says of the node itself, as one text, which spares us the types of its columns.
const OWN_ROW: &str = "SELECT JSON cluster_name, data_center, rack, host_id, release_version, listen_address, \
                       broadcast_address, rpc_address FROM system.local WHERE key='local'";

/// Codes of ERROR (section 9 of the specifications).
mod code {
    pub(super) const PROTOCOL: u32 = 0x000A;
    pub(super) const OVERLOADED: u32 = 0x1001;
    pub(super) const UNAUTHORIZED: u32 = 0x2100;
}

/// How a node answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It serves anybody.
    Ready {
        /// How far it has joined, by its own `system.local`: `COMPLETED`, `DECOMMISSIONED`…; none where it would not be asked
        /// (too busy, or clients are known by their certificates).
        bootstrapped: Option<String>,
    },
    /// It serves whom this authenticator lets in; it accepts clients all the same.
    Authenticate(String),
    /// It speaks TLS, but not with us.
    OnlyOthers(String),
}

/// Why there was no handshake.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Nothing listens, or the connection broke.
    #[error("{address}: {what}: {error}", error = timed::plain(.source))]
    Connection {
        /// The node.
        address: SocketAddr,
        /// What was being done.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The time limit passed.
    #[error("{address}: no answer within {limit:?}")]
    TimedOut {
        /// The node.
        address: SocketAddr,
        /// The limit.
        limit: Duration,
    },
    /// The peer does not speak TLS, or it broke.
    #[error("{address}: no TLS: {source}")]
    Encryption {
        /// The node.
        address: SocketAddr,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The peer's certificate is none that we are to take.
    #[error("{address}: clients that verify its certificate refuse it: {why}", why = tls::refusal(.source))]
    Certificate {
        /// The node.
        address: SocketAddr,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The peer answered with an error of the protocol.
    #[error("{address}: refused with error 0x{code:04x}: {message}")]
    Refused {
        /// The node.
        address: SocketAddr,
        /// The error's code (section 9 of the specification).
        code: u32,
        /// The error's text, shortened.
        message: String,
    },
    /// The peer does not speak CQL.
    #[error("{address}: not a CQL server: {what}")]
    Strange {
        /// The node.
        address: SocketAddr,
        /// What it did.
        what: String,
    },
}

/// Connects and goes as far as a client that never logs in: OPTIONS, STARTUP, and where nobody need log in, the node's row.
///
/// Protocol v4 first, and v5 where v4 is not allowed. The answer or the trouble comes within `limit`, whatever the peer does.
pub fn handshake(address: SocketAddr, tls: Option<&Tls>, limit: Duration) -> Result<Answer, Trouble> {
    ask(address, tls, QUERY, limit)
}

/// What the node says of itself, in JSON: `cluster_name`, `data_center`, `rack`, `host_id`, `release_version` and its addresses.
/// None where a stranger is not told.
pub fn own_row(address: SocketAddr, tls: Option<&Tls>, limit: Duration) -> Result<Option<String>, Trouble> {
    match ask(address, tls, OWN_ROW, limit)? {
        Answer::Ready { bootstrapped } => Ok(bootstrapped),
        Answer::Authenticate(_) | Answer::OnlyOthers(_) => Ok(None),
    }
}

/// A handshake that ends with a query for one text.
fn ask(address: SocketAddr, tls: Option<&Tls>, query: &'static str, limit: Duration) -> Result<Answer, Trouble> {
    let limit = Limit::from_now(limit);
    let speak =
        |version| Connection::open(address, tls, version, limit).and_then(|open| converse(open, version, query));
    let answer = match speak(Version::V4) {
        Err(Trouble::Refused { code: code::PROTOCOL, .. }) => speak(Version::V5),
        answer => answer,
    };
    answer.or_else(|trouble| tls.and_then(|tls| only_others(tls, &trouble)).ok_or(trouble))
}

fn converse(mut connection: Connection, version: Version, query: &str) -> Result<Answer, Trouble> {
    let supported = connection.ask(opcode::OPTIONS, &[])?;
    if supported.opcode != opcode::SUPPORTED {
        return Err(connection.unexpected("OPTIONS", &supported));
    }
    let answer = connection.ask(opcode::STARTUP, &envelope::startup_body())?;
    match answer.opcode {
        opcode::READY => {}
        opcode::AUTHENTICATE => {
            return Ok(Answer::Authenticate(envelope::read_string(&answer.body).unwrap_or_default()));
        }
        _ => return Err(connection.unexpected("STARTUP", &answer)),
    }
    connection.begin_frames();
    let answer = connection.ask(opcode::QUERY, &envelope::query_body(version, query))?;
    if answer.opcode == opcode::RESULT {
        let bootstrapped = envelope::read_only_text(&answer.body);
        let strange = || connection.strange("a result that is not the row that was asked for".to_owned());
        return Ok(Answer::Ready { bootstrapped: Some(bootstrapped.ok_or_else(strange)?) });
    }
    match connection.unexpected("QUERY", &answer) {
        Trouble::Refused { code: code::OVERLOADED | code::UNAUTHORIZED, .. } => {
            Ok(Answer::Ready { bootstrapped: None })
        }
        trouble => Err(trouble),
    }
}

/// The server's side of TLS was there, which is all that can be said without a certificate that it trusts or a cipher that it
/// likes.
fn only_others(tls: &Tls, trouble: &Trouble) -> Option<Answer> {
    match trouble {
        Trouble::Encryption { source, .. } if tls::is_disagreement(source) && !tls.was_asked_for_a_certificate() => {
            Some(Answer::OnlyOthers("no version or cipher in common".to_owned()))
        }
        Trouble::Encryption { .. } | Trouble::Connection { .. } if tls.was_asked_for_a_certificate() => {
            Some(Answer::OnlyOthers(match tls.why_no_certificate() {
                Some(why) => format!("a client certificate is asked for ({why})"),
                None => "the node's own certificate is not taken for a client's".to_owned(),
            }))
        }
        _ => None,
    }
}
