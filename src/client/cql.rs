//! The CQL native protocol, as far as a probe needs it: OPTIONS and STARTUP of protocol v4, never a login.
//!
//! Source: `doc/native_protocol_v4.spec` of Cassandra. Version 4 is spoken by every line from 3.11 on.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::client::timed::{self, Timed};

const REQUEST_V4: u8 = 0x04;
const RESPONSE: u8 = 0x80;
const HEADER: usize = 9;
/// No answer to OPTIONS or STARTUP comes near this; a peer that announces more is not a CQL server.
const LONGEST_BODY: usize = 256 * 1024;

/// Message types (section 2.4 of the specification).
mod opcode {
    pub(super) const ERROR: u8 = 0x00;
    pub(super) const STARTUP: u8 = 0x01;
    pub(super) const READY: u8 = 0x02;
    pub(super) const AUTHENTICATE: u8 = 0x03;
    pub(super) const OPTIONS: u8 = 0x05;
    pub(super) const SUPPORTED: u8 = 0x06;
}

/// How a node answered the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It serves anybody.
    Ready,
    /// It serves whom this authenticator lets in; it accepts clients all the same.
    Authenticate(String),
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

/// Connects and goes as far as a client that never logs in: OPTIONS, then STARTUP.
///
/// The answer or the trouble comes within `limit`, whatever the peer does.
pub fn handshake(address: SocketAddr, limit: Duration) -> Result<Answer, Trouble> {
    let mut connection = Connection::open(address, limit)?;
    let supported = connection.ask(opcode::OPTIONS, &[])?;
    if supported.opcode != opcode::SUPPORTED {
        return Err(connection.unexpected("OPTIONS", &supported));
    }
    let answer = connection.ask(opcode::STARTUP, &startup_body())?;
    match answer.opcode {
        opcode::READY => Ok(Answer::Ready),
        opcode::AUTHENTICATE => Ok(Answer::Authenticate(read_string(&answer.body).unwrap_or_default())),
        _ => Err(connection.unexpected("STARTUP", &answer)),
    }
}

/// Whether something accepts connections there: all that can be said of a port that speaks only TLS.
pub fn accepts(address: SocketAddr, limit: Duration) -> Result<(), Trouble> {
    Connection::open(address, limit).map(drop)
}

struct Frame {
    opcode: u8,
    body: Vec<u8>,
}

struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    deadline: Instant,
    limit: Duration,
}

impl Connection {
    fn open(address: SocketAddr, limit: Duration) -> Result<Self, Trouble> {
        let deadline = Instant::now() + limit;
        let stream = TcpStream::connect_timeout(&address, limit.max(Duration::from_millis(1)))
            .map_err(|source| trouble(address, limit, "cannot connect", source))?;
        Ok(Self { address, stream, deadline, limit })
    }

    fn ask(&mut self, opcode: u8, body: &[u8]) -> Result<Frame, Trouble> {
        let failed = |what, source| trouble(self.address, self.limit, what, source);
        let mut stream = Timed { stream: &self.stream, deadline: self.deadline };
        stream.write_all(&encode(opcode, body)).map_err(|source| failed("cannot send", source))?;
        let mut header = [0; HEADER];
        stream.read_exact(&mut header).map_err(|source| failed("cannot read the answer", source))?;
        let [version, _flags, _, _, opcode, length @ ..] = header;
        let length = u32::from_be_bytes(length) as usize;
        if version & RESPONSE == 0 || length > LONGEST_BODY {
            let what = format!("an answer that begins with {}", hex(&header));
            return Err(Trouble::Strange { address: self.address, what });
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).map_err(|source| failed("cannot read the answer", source))?;
        Ok(Frame { opcode, body })
    }

    fn unexpected(&self, request: &str, frame: &Frame) -> Trouble {
        let address = self.address;
        match (frame.opcode, frame.body.first_chunk::<4>()) {
            (opcode::ERROR, Some(code)) => Trouble::Refused {
                address,
                code: u32::from_be_bytes(*code),
                message: read_string(frame.body.get(4..).unwrap_or_default()).unwrap_or_default(),
            },
            (opcode, _) => Trouble::Strange { address, what: format!("opcode 0x{opcode:02x} in answer to {request}") },
        }
    }
}

fn trouble(address: SocketAddr, limit: Duration, what: &'static str, source: io::Error) -> Trouble {
    if timed::is_late(&source) {
        Trouble::TimedOut { address, limit }
    } else {
        Trouble::Connection { address, what, source }
    }
}

/// A request frame on stream 0.
fn encode(opcode: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut frame = vec![REQUEST_V4, 0, 0, 0, opcode];
    frame.extend(length.to_be_bytes());
    frame.extend(body);
    frame
}

/// `{CQL_VERSION: 3.0.0, DRIVER_NAME: cassandra-init}`, a `[string map]`.
fn startup_body() -> Vec<u8> {
    let pairs = [
        ("CQL_VERSION", "3.0.0"),
        ("DRIVER_NAME", env!("CARGO_PKG_NAME")),
        ("DRIVER_VERSION", env!("CARGO_PKG_VERSION")),
    ];
    let mut body = vec![0, 3];
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        body.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        body.extend(text.as_bytes());
    }
    body
}

/// A `[string]`: its length in two bytes, then UTF-8; control characters are dropped, for it ends in a log.
fn read_string(body: &[u8]) -> Option<String> {
    let (length, rest) = body.split_first_chunk::<2>()?;
    let bytes = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    Some(String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(200).collect())
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// Runs `serve` on one connection of a listener and the handshake against it.
    fn against(limit: Duration, serve: impl FnOnce(TcpStream) + Send + 'static) -> Result<Answer, Trouble> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || serve(listener.accept().unwrap().0));
        let answer = handshake(address, limit);
        server.join().unwrap();
        answer
    }

    fn read_request(stream: &mut TcpStream) -> Vec<u8> {
        let mut header = [0; HEADER];
        stream.read_exact(&mut header).unwrap();
        let mut body = vec![0; u32::from_be_bytes(*header.last_chunk::<4>().unwrap()) as usize];
        stream.read_exact(&mut body).unwrap();
        [header.to_vec(), body].concat()
    }

    fn respond(stream: &mut TcpStream, opcode: u8, body: &[u8]) {
        let mut frame = encode(opcode, body);
        frame[0] |= RESPONSE;
        stream.write_all(&frame).unwrap();
    }

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_node_without_authentication_is_ready() {
        let answer = against(LONG, |mut stream| {
            assert_eq!(read_request(&mut stream), [4, 0, 0, 0, 5, 0, 0, 0, 0]);
            respond(&mut stream, opcode::SUPPORTED, &[0, 0]);
            let startup = read_request(&mut stream);
            assert!(startup.starts_with(&[4, 0, 0, 0, 1]));
            assert!(startup.windows(11).any(|window| window == b"CQL_VERSION"));
            respond(&mut stream, opcode::READY, &[]);
        });
        assert_eq!(answer.unwrap(), Answer::Ready);
    }

    #[test]
    fn a_node_that_asks_for_a_password_accepts_clients() {
        let answer = against(LONG, |mut stream| {
            read_request(&mut stream);
            respond(&mut stream, opcode::SUPPORTED, &[0, 0]);
            read_request(&mut stream);
            respond(&mut stream, opcode::AUTHENTICATE, b"\x00\x15PasswordAuthenticator");
        });
        assert_eq!(answer.unwrap(), Answer::Authenticate("PasswordAuthenticator".into()));
    }

    #[test]
    fn an_error_frame_is_told_in_words_without_control_characters() {
        let trouble = against(LONG, |mut stream| {
            read_request(&mut stream);
            respond(&mut stream, opcode::ERROR, b"\x00\x00\x10\x01\x00\x08busy\x1b[0m");
        })
        .unwrap_err();
        assert!(trouble.to_string().ends_with("refused with error 0x1001: busy[0m"), "{trouble}");
    }

    #[test]
    fn a_silent_a_dripping_and_a_closing_peer_end_within_the_limit() {
        let limit = Duration::from_millis(200);
        let silent = against(limit, |mut stream| {
            let _ = stream.read_to_end(&mut Vec::new());
        });
        assert!(matches!(silent, Err(Trouble::TimedOut { .. })), "{silent:?}");
        let dripping = against(limit, |mut stream| {
            while stream.write_all(&[RESPONSE | 4]).is_ok() {
                thread::yield_now();
                if stream.peek(&mut [0; 1]).is_ok_and(|read| read == 0) {
                    break;
                }
            }
        });
        assert!(dripping.is_err(), "{dripping:?}");
        let closing = against(LONG, drop);
        assert!(matches!(closing, Err(Trouble::Connection { .. })), "{closing:?}");
    }

    #[test]
    fn an_http_server_is_not_a_cql_server() {
        let trouble = against(LONG, |mut stream| {
            read_request(&mut stream);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        });
        assert!(matches!(trouble, Err(Trouble::Strange { .. })), "{trouble:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_for_an_answer_end_in_a_clear_result(bytes: Vec<u8>) {
            let result = against(Duration::from_secs(5), move |mut stream| {
                read_request(&mut stream);
                let _ = stream.write_all(&bytes);
            });
            proptest::prop_assert!(result.is_err());
        }
    }
}
