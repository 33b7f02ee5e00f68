//! A connection on which one request at a time is asked, in clear or in TLS, each answer due at one deadline.

use std::net::SocketAddr;

use crate::client::channel::{Broken, Channel};
use crate::client::cql::Trouble;
use crate::client::cql::envelope::{self, Envelope, Version, opcode};
use crate::client::cql::frame;
use crate::client::timed::Limit;
use crate::client::tls::Tls;

pub(super) struct Connection {
    address: SocketAddr,
    channel: Channel,
    version: Version,
    /// What frames brought and nobody has read yet; none as long as envelopes travel without frames.
    unframed: Option<Vec<u8>>,
    limit: Limit,
}

impl Connection {
    pub(super) fn open(
        address: SocketAddr,
        tls: Option<&Tls>,
        version: Version,
        limit: Limit,
    ) -> Result<Self, Trouble> {
        let channel = Channel::open(address, tls, limit).map_err(|broken| trouble(address, limit, broken))?;
        Ok(Self { address, channel, version, unframed: None, limit })
    }

    /// From here on envelopes travel in frames, where the version has them.
    pub(super) fn begin_frames(&mut self) {
        self.unframed = (self.version == Version::V5).then(Vec::new);
    }

    /// Sends a request and waits for its answer.
    pub(super) fn ask(&mut self, opcode: u8, body: &[u8]) -> Result<Envelope, Trouble> {
        let mut request = envelope::encode(self.version, opcode, body);
        if self.unframed.is_some() {
            request = frame::encode(&request).unwrap_or_default();
        }
        self.send(&request)?;
        let begin = self.take::<{ envelope::HEADER }>()?;
        let Some(header) = envelope::decode_header(begin) else {
            return Err(self.strange(format!("an answer that begins with {}", hex(&begin))));
        };
        let mut body = vec![0; header.length];
        self.fill(&mut body)?;
        envelope::decode(&header, body).ok_or_else(|| self.strange("an answer with odd warnings".to_owned()))
    }

    /// What it means that an answer is none of those that were hoped for.
    pub(super) fn unexpected(&self, request: &str, answer: &Envelope) -> Trouble {
        match (answer.opcode, envelope::read_error(&answer.body)) {
            (opcode::ERROR, Some((code, message))) => Trouble::Refused { address: self.address, code, message },
            (opcode, _) => self.strange(format!("opcode 0x{opcode:02x} in answer to {request}")),
        }
    }

    pub(super) fn strange(&self, what: String) -> Trouble {
        Trouble::Strange { address: self.address, what }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Bytes of envelopes, out of frames where there are any.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Trouble> {
        let Some(mut unframed) = self.unframed.take() else { return self.receive(buffer) };
        while unframed.len() < buffer.len() {
            unframed.extend(self.receive_frame()?);
        }
        let rest = unframed.split_off(buffer.len());
        buffer.copy_from_slice(&unframed);
        self.unframed = Some(rest);
        Ok(())
    }

    fn receive_frame(&mut self) -> Result<Vec<u8>, Trouble> {
        let mut header = [0; frame::HEADER];
        self.receive(&mut header)?;
        let Some(length) = frame::decode_header(header) else {
            return Err(self.strange(format!("a frame that begins with {}", hex(&header))));
        };
        let mut payload = vec![0; length];
        self.receive(&mut payload)?;
        let mut trailer = [0; frame::TRAILER];
        self.receive(&mut trailer)?;
        if !frame::is_whole(&payload, trailer) {
            return Err(self.strange("a frame with a wrong checksum".to_owned()));
        }
        Ok(payload)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.channel.send(bytes).map_err(|broken| trouble(self.address, self.limit, broken))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Trouble> {
        self.channel.receive(buffer).map_err(|broken| trouble(self.address, self.limit, broken))
    }
}

fn trouble(address: SocketAddr, limit: Limit, broken: Broken) -> Trouble {
    match broken {
        Broken::Late => Trouble::TimedOut { address, limit: limit.whole },
        Broken::Encryption(source @ rustls::Error::InvalidCertificate(_)) => Trouble::Certificate { address, source },
        Broken::Encryption(source) => Trouble::Encryption { address, source },
        Broken::System(what, source) => Trouble::Connection { address, what, source },
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
