//! One connection to a server, in clear or in TLS, each step of which counts against one time limit.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::client::timed::{self, Limit, Timed};
use crate::client::tls::{Session, Tls};

/// The connection.
#[derive(Debug)]
pub(super) struct Channel {
    stream: TcpStream,
    session: Option<Session>,
    limit: Limit,
}

/// Why there is no connection any more.
#[derive(Debug)]
pub(super) enum Broken {
    /// The time limit passed.
    Late,
    /// The peer does not speak TLS, or not with us.
    Encryption(rustls::Error),
    /// The system's error, and what was being done.
    System(&'static str, io::Error),
}

impl Broken {
    fn new(what: &'static str, error: io::Error) -> Self {
        if timed::is_late(&error) {
            return Self::Late;
        }
        match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
            Some(error) => Self::Encryption(error.clone()),
            None => Self::System(what, error),
        }
    }
}

impl Channel {
    /// Connects; the TLS handshake is made when something is first sent.
    pub(super) fn open(address: SocketAddr, tls: Option<&Tls>, limit: Limit) -> Result<Self, Broken> {
        let stream = timed::connect(address, limit).map_err(|error| Broken::new("cannot connect", error))?;
        let session = tls.map(|tls| tls.session(address.ip())).transpose().map_err(Broken::Encryption)?;
        Ok(Self { stream, session, limit })
    }

    /// Sends all of the bytes.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let mut stream = Timed { stream: &self.stream, limit: self.limit };
        let sent = match &mut self.session {
            Some(session) => session.over(&mut stream).write_all(bytes),
            None => stream.write_all(bytes),
        };
        sent.map_err(|error| Broken::new("cannot send", error))
    }

    /// Fills the whole buffer.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Broken> {
        let mut stream = Timed { stream: &self.stream, limit: self.limit };
        let received = match &mut self.session {
            Some(session) => session.over(&mut stream).read_exact(buffer),
            None => stream.read_exact(buffer),
        };
        received.map_err(|error| Broken::new("cannot read the answer", error))
    }
}
