//! The wire protocol of RMI (JRMP): a connection on which one call at a time is made.

use std::net::SocketAddr;

use super::Trouble;
use super::arguments::put_utf;
use super::stream::{self, Broken as BrokenStream, Object, Reader, Source, Value, tag};
use super::values;
use crate::client::channel::{Broken, Channel};
use crate::client::timed::{self, Limit};
use crate::client::tls::Tls;

/// How many things an answer may hold.
pub(super) const MOST: usize = 20_000;
/// How many where it tells of a whole ring: 150,000 tokens with their nodes.
const MOST_OF_A_RING: usize = 400_000;

/// What `Call`, `ReturnData` and the rest of the protocol begin with.
pub(super) mod message {
    pub(in super::super) const STREAM_PROTOCOL: [u8; 7] = *b"JRMI\x00\x02\x4B";
    pub(in super::super) const ACKNOWLEDGED: u8 = 0x4E;
    pub(in super::super) const CALL: u8 = 0x50;
    pub(in super::super) const RETURN: u8 = 0x51;
    pub(in super::super) const NORMAL_RETURN: u8 = 0x01;
}

/// The name of an object in a server, as it stands on the wire.
pub(super) type ObjectId = [u8; 22];

/// An object in a server, and how it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) port: u16,
    pub(super) object: ObjectId,
    /// Whether its server wants TLS (`SslRMIClientSocketFactory`).
    pub(super) tls: bool,
}

#[derive(Debug)]
pub(super) struct Connection {
    address: SocketAddr,
    channel: Channel,
    limit: Limit,
    /// How many things an answer may hold.
    most: usize,
}

impl Connection {
    pub(super) fn open(address: SocketAddr, tls: Option<&Tls>, limit: Limit) -> Result<Self, Trouble> {
        let channel = Channel::open(address, tls, limit).map_err(|broken| trouble(address, limit, broken))?;
        let mut connection = Self { address, channel, limit, most: MOST };
        connection.send(&message::STREAM_PROTOCOL)?;
        let [answer] = connection.read()?;
        if answer != message::ACKNOWLEDGED {
            return Err(connection.strange(&format!("an answer that begins with 0x{answer:02x}")));
        }
        // How the server sees us: a name and a port, of no interest.
        let length = usize::from(u16::from_be_bytes(connection.read()?));
        connection.skip(length + 4)?;
        let mut own = Vec::new();
        put_utf(&mut own, &address.ip().to_string());
        own.extend([0; 4]);
        connection.send(&own)?;
        Ok(connection)
    }

    /// Calls a method of an object; the answer is the value that it gave.
    pub(super) fn call(
        &mut self,
        object: &ObjectId,
        (number, hash): (i32, i64),
        arguments: &[u8],
    ) -> Result<Value, Trouble> {
        let mut request = vec![message::CALL];
        request.extend(stream::HEADER);
        // One block of primitive data: the object's name, the method's number and hash.
        request.extend([tag::BLOCK, 34]);
        request.extend(object);
        request.extend(number.to_be_bytes());
        request.extend(hash.to_be_bytes());
        request.extend(arguments);
        self.send(&request)?;
        let [answer] = self.read()?;
        let header: [u8; 4] = self.read()?;
        if answer != message::RETURN || header != stream::HEADER {
            return Err(self.strange(&format!("0x{answer:02x} in answer to a call")));
        }
        // Again one block: how the call ended, and a number for the distributed garbage collector.
        let [block, length, kind] = self.read()?;
        if block != tag::BLOCK || length != 15 {
            return Err(self.strange("an answer of another form"));
        }
        self.skip(14)?;
        let most = self.most;
        let value = Reader::new(&mut *self, most).value().map_err(|failed| failed.into_trouble(self.address))?;
        if kind == message::NORMAL_RETURN { Ok(value) } else { Err(self.exception(&value)) }
    }

    pub(super) fn expect_a_ring(&mut self) {
        self.most = MOST_OF_A_RING;
    }

    fn exception(&self, value: &Value) -> Trouble {
        let address = self.address;
        let Value::Object(object) = value else { return self.strange("an exception that is no object") };
        let object = values::thrown(object);
        // Cassandra wraps what its authenticator throws, too.
        if let Some(refusal) = causes(object).find(|cause| cause.class == "java.lang.SecurityException") {
            return Trouble::Refused { address, message: text_of(refusal) };
        }
        Trouble::Threw { address, class: harmless(&object.class), message: text_of(object) }
    }

    pub(super) fn strange(&self, what: &str) -> Trouble {
        Trouble::Strange { address: self.address, what: what.to_owned() }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.channel.send(bytes).map_err(|broken| trouble(self.address, self.limit, broken))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Failed> {
        self.channel.receive(buffer).map_err(|broken| Failed::Trouble(trouble(self.address, self.limit, broken)))
    }

    fn read<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        let mut bytes = [0; N];
        self.receive(&mut bytes).map_err(|failed| failed.into_trouble(self.address))?;
        Ok(bytes)
    }

    fn skip(&mut self, length: usize) -> Result<(), Trouble> {
        self.receive(&mut vec![0; length]).map_err(|failed| failed.into_trouble(self.address))
    }
}

/// Why bytes could not be read, or not be understood.
pub(super) enum Failed {
    Trouble(Trouble),
    Broken(BrokenStream),
}

impl From<BrokenStream> for Failed {
    fn from(broken: BrokenStream) -> Self {
        Self::Broken(broken)
    }
}

impl Failed {
    fn into_trouble(self, address: SocketAddr) -> Trouble {
        match self {
            Self::Trouble(trouble) => trouble,
            Self::Broken(broken) => {
                Trouble::Strange { address, what: format!("an answer that cannot be read: {broken}") }
            }
        }
    }
}

impl Source for &mut Connection {
    type Error = Failed;

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Failed> {
        self.receive(buffer)
    }
}

fn trouble(address: SocketAddr, limit: Limit, broken: Broken) -> Trouble {
    match broken {
        Broken::Late => Trouble::TimedOut { address, limit: limit.whole },
        Broken::Encryption(error) => Trouble::Encryption { address, error: error.to_string() },
        Broken::System(what, error) => Trouble::Connection { address, what, error: timed::plain(&error) },
    }
}

/// The remote object that a stub stands for: `UnicastRef`, or `UnicastRef2`, which may bring the factory of its sockets.
pub(super) fn remote(value: &Value) -> Option<Remote> {
    match value {
        Value::Array(values) => values.iter().find_map(remote),
        Value::Object(object) => {
            own_remote(object).or_else(|| object.fields.iter().map(|(_, value)| value).find_map(remote))
        }
        _ => None,
    }
}

/// What the object wrote beside its fields: a reference, in one block or around the factory.
fn own_remote(object: &Object) -> Option<Remote> {
    let blocks: Vec<u8> = object.annotations.iter().filter_map(Value::block).flatten().copied().collect();
    let mut factories = object.annotations.iter().filter_map(Value::object).map(|factory| factory.class.as_str());
    let (kind, rest) = take_utf(&blocks)?;
    let (tls, rest) = match (kind, factories.next()) {
        (b"UnicastRef", _) => (false, rest),
        (b"UnicastRef2", None) => (false, rest.strip_prefix(&[0])?),
        (b"UnicastRef2", Some("javax.rmi.ssl.SslRMIClientSocketFactory")) => (true, rest.strip_prefix(&[1])?),
        _ => return object.annotations.iter().find_map(remote),
    };
    let (_host, rest) = take_utf(rest)?;
    let (port, rest) = rest.split_first_chunk::<4>()?;
    let object = rest.first_chunk::<22>()?;
    Some(Remote { port: u16::try_from(u32::from_be_bytes(*port)).ok()?, object: *object, tls })
}

fn take_utf(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Without control characters and not long, for it ends in a log.
fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// An exception's message, or that of what caused it.
fn text_of(exception: &Object) -> String {
    let told = causes(exception).find_map(|cause| match cause.field("detailMessage") {
        Some(Value::Text(text)) => Some(harmless(text)),
        _ => None,
    });
    told.unwrap_or_else(|| String::from("no message"))
}

/// An exception, what caused it, and so on.
fn causes(exception: &Object) -> impl Iterator<Item = &Object> {
    std::iter::successors(Some(exception), |exception| cause(exception)).take(8)
}

fn cause(exception: &Object) -> Option<&Object> {
    ["cause", "detail", "exception"].iter().find_map(|name| exception.field(name)?.object())
}
