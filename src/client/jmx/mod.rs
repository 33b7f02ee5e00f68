//! JMX over RMI (JRMP), as Cassandra's own server speaks it: attributes are read and operations called without a JVM.
//!
//! Source: the Java Remote Method Invocation Specification, chapter 10 (wire protocol), and the interfaces `RMIServer` and
//! `RMIConnection` of `javax.management.remote.rmi`, whose method hashes stand below. Not spoken: TLS and custom sockets.

mod stream;
#[cfg(test)]
mod tests;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::client::timed::{self, Timed};
use stream::{Broken, Object, Reader, Source, Value as Wire, tag};

/// `StorageService`, which knows what the node is doing.
pub const STORAGE_SERVICE: &str = "org.apache.cassandra.db:type=StorageService";

/// The registry's entry for the JMX server.
const ENTRY: &str = "jmxrmi";

/// Method numbers and hashes (`sun.rmi.registry.RegistryImpl_Stub`; the others by the hash rule of the RMI specification 8.3).
mod method {
    pub(super) const LOOKUP: (i32, i64) = (2, 4_905_912_898_345_647_071);
    pub(super) const NEW_CLIENT: (i32, i64) = (-1, -1_089_742_558_549_201_240);
    pub(super) const GET_ATTRIBUTE: (i32, i64) = (-1, -1_089_783_104_982_388_203);
    pub(super) const INVOKE: (i32, i64) = (-1, 1_434_350_937_885_235_744);
}

/// What `Call`, `ReturnData` and the rest of the protocol begin with.
mod message {
    pub(super) const STREAM_PROTOCOL: [u8; 7] = *b"JRMI\x00\x02\x4B";
    pub(super) const ACKNOWLEDGED: u8 = 0x4E;
    pub(super) const CALL: u8 = 0x50;
    pub(super) const RETURN: u8 = 0x51;
    pub(super) const NORMAL_RETURN: u8 = 0x01;
}

/// A user of the JMX server (`jmxremote.password`).
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// A value that an attribute has or an operation gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, or something that is none of the others.
    Other,
    /// `java.lang.Boolean`.
    Boolean(bool),
    /// `java.lang.Integer` and its kin.
    Integer(i64),
    /// `java.lang.Double` and `Float`.
    Number(f64),
    /// `java.lang.String`.
    Text(String),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nothing listens, or the connection broke.
    #[error("{address}: {what}: {error}")]
    Connection {
        /// The server.
        address: SocketAddr,
        /// What was being done.
        what: &'static str,
        /// The system's error.
        error: String,
    },
    /// The time limit passed.
    #[error("{address}: no answer within {limit:?}")]
    TimedOut {
        /// The server.
        address: SocketAddr,
        /// The limit.
        limit: Duration,
    },
    /// The server wants a user and password, or others than these.
    #[error("{address}: refused: {message}")]
    Refused {
        /// The server.
        address: SocketAddr,
        /// Its words.
        message: String,
    },
    /// There is no such bean: before 5.0 no Cassandra, since 5.0 a node that has not joined yet (CASSANDRA-18816).
    #[error("{address}: no bean {bean}")]
    NoBean {
        /// The server.
        address: SocketAddr,
        /// The bean's name.
        bean: String,
    },
    /// The server answered with another exception.
    #[error("{address}: {class}: {message}")]
    Threw {
        /// The server.
        address: SocketAddr,
        /// The exception's class.
        class: String,
        /// Its message.
        message: String,
    },
    /// The peer does not speak JMX over RMI, or only over TLS.
    #[error("{address}: not a JMX server without TLS: {what}")]
    Strange {
        /// The server.
        address: SocketAddr,
        /// What it did.
        what: String,
    },
}

/// A connection to a JMX server.
#[derive(Debug)]
pub struct Jmx {
    connection: Connection,
    /// The server's object for this client.
    client: ObjectId,
}

/// The name of an object in a server, as it stands on the wire.
type ObjectId = [u8; 22];

impl Jmx {
    /// Connects to the registry at `address`, and from there to the JMX server. Everything that is asked of the result must be
    /// answered within `limit` from now.
    ///
    /// The JMX server is exported by the JVM that has the registry, so the entry's port counts and its host name does not.
    pub fn connect(address: SocketAddr, credentials: Option<&Credentials>, limit: Duration) -> Result<Self, Trouble> {
        let deadline = Instant::now() + limit;
        let mut registry = Connection::open(address, deadline, limit)?;
        let mut name = Vec::new();
        put_text(&mut name, ENTRY);
        let entry = registry.call(&[0; 22], method::LOOKUP, &name)?;
        let (port, server) = remote(&entry).ok_or_else(|| registry.strange("an entry without an address"))?;
        let mut connection = Connection::open(SocketAddr::new(address.ip(), port), deadline, limit)?;
        let client = connection.call(&server, method::NEW_CLIENT, &credentials.map_or(vec![tag::NULL], encode))?;
        let (_, client) = remote(&client).ok_or_else(|| connection.strange("a client without an address"))?;
        Ok(Self { connection, client })
    }

    /// The value of an attribute.
    pub fn attribute(&mut self, bean: &str, name: &str) -> Result<Value, Trouble> {
        let mut arguments = object_name(bean);
        put_text(&mut arguments, name);
        arguments.push(tag::NULL);
        self.ask(bean, method::GET_ATTRIBUTE, &arguments)
    }

    /// Calls an operation without parameters and waits for its end.
    pub fn invoke(&mut self, bean: &str, operation: &str) -> Result<Value, Trouble> {
        let mut arguments = object_name(bean);
        put_text(&mut arguments, operation);
        arguments.extend([tag::NULL; 3]);
        self.ask(bean, method::INVOKE, &arguments)
    }

    fn ask(&mut self, bean: &str, method: (i32, i64), arguments: &[u8]) -> Result<Value, Trouble> {
        let answer = self.connection.call(&self.client.clone(), method, arguments);
        match answer {
            Err(Trouble::Threw { address, class, .. }) if class.ends_with("InstanceNotFoundException") => {
                Err(Trouble::NoBean { address, bean: bean.to_owned() })
            }
            other => Ok(plain(&other?)),
        }
    }
}

/// A Java value as one of ours: boxes are opened.
fn plain(value: &Wire) -> Value {
    match value {
        Wire::Text(text) | Wire::Constant(text) => Value::Text(text.clone()),
        Wire::Boolean(truth) => Value::Boolean(*truth),
        Wire::Integer(number) => Value::Integer(*number),
        Wire::Number(number) => Value::Number(*number),
        Wire::Object(object) if object.class.starts_with("java.lang.") => {
            object.field("value").map_or(Value::Other, plain)
        }
        _ => Value::Other,
    }
}

#[derive(Debug)]
struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    deadline: Instant,
    limit: Duration,
}

impl Connection {
    fn open(address: SocketAddr, deadline: Instant, limit: Duration) -> Result<Self, Trouble> {
        let remaining = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let stream = TcpStream::connect_timeout(&address, remaining)
            .map_err(|error| trouble(address, limit, "cannot connect", &error))?;
        let mut connection = Self { address, stream, deadline, limit };
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
    fn call(&mut self, object: &ObjectId, (number, hash): (i32, i64), arguments: &[u8]) -> Result<Wire, Trouble> {
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
        let value = Reader::new(&mut *self).value().map_err(|failed| failed.into_trouble(self.address))?;
        if kind == message::NORMAL_RETURN { Ok(value) } else { Err(self.exception(&value)) }
    }

    fn exception(&self, value: &Wire) -> Trouble {
        let address = self.address;
        let Wire::Object(object) = value else { return self.strange("an exception that is no object") };
        let message = text_of(object);
        if object.class == "java.lang.SecurityException" {
            return Trouble::Refused { address, message };
        }
        Trouble::Threw { address, class: object.class.clone(), message }
    }

    fn strange(&self, what: &str) -> Trouble {
        Trouble::Strange { address: self.address, what: what.to_owned() }
    }

    fn timed(&self) -> Timed<'_> {
        Timed { stream: &self.stream, deadline: self.deadline }
    }

    fn send(&self, bytes: &[u8]) -> Result<(), Trouble> {
        self.timed().write_all(bytes).map_err(|error| trouble(self.address, self.limit, "cannot send", &error))
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<(), Failed> {
        let failed = |error| Failed::Trouble(trouble(self.address, self.limit, "cannot read the answer", &error));
        self.timed().read_exact(buffer).map_err(failed)
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
enum Failed {
    Trouble(Trouble),
    Broken(Broken),
}

impl From<Broken> for Failed {
    fn from(broken: Broken) -> Self {
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

fn trouble(address: SocketAddr, limit: Duration, what: &'static str, error: &std::io::Error) -> Trouble {
    if timed::is_late(error) {
        Trouble::TimedOut { address, limit }
    } else {
        Trouble::Connection { address, what, error: timed::plain(error) }
    }
}

/// The port and name of the remote object that a stub stands for (`UnicastRef`; `UnicastRef2` without a socket factory of its
/// own).
fn remote(value: &Wire) -> Option<(u16, ObjectId)> {
    match value {
        Wire::Block(block) => reference(block),
        Wire::Array(values) => values.iter().find_map(remote),
        Wire::Object(object) => {
            object.annotations.iter().chain(object.fields.iter().map(|(_, value)| value)).find_map(remote)
        }
        _ => None,
    }
}

fn reference(block: &[u8]) -> Option<(u16, ObjectId)> {
    let (kind, rest) = take_utf(block)?;
    let rest = match kind {
        b"UnicastRef" => rest,
        b"UnicastRef2" => rest.strip_prefix(&[0])?,
        _ => return None,
    };
    let (_host, rest) = take_utf(rest)?;
    let (port, rest) = rest.split_first_chunk::<4>()?;
    let object = rest.first_chunk::<22>()?;
    Some((u16::try_from(u32::from_be_bytes(*port)).ok()?, *object))
}

fn take_utf(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// An exception's message, or that of what caused it; without control characters, for it ends in a log.
fn text_of(exception: &Object) -> String {
    let mut next = Some(exception);
    for _ in 0..8 {
        let Some(exception) = next else { break };
        if let Some(Wire::Text(text)) = exception.field("detailMessage") {
            return text.chars().filter(|c| !c.is_control()).take(200).collect();
        }
        let cause = ["cause", "detail", "exception"].iter().find_map(|name| exception.field(name));
        next = if let Some(Wire::Object(cause)) = cause { Some(cause) } else { None };
    }
    String::from("no message")
}

/// `java.lang.String` values: the user and the password.
fn encode(credentials: &Credentials) -> Vec<u8> {
    let mut array = vec![tag::ARRAY, tag::CLASS_DESCRIPTION];
    put_utf(&mut array, "[Ljava.lang.String;");
    array.extend(0xADD2_56E7_E91D_7B47_u64.to_be_bytes());
    // Serializable, no fields, no codebase, no parent.
    array.extend([0x02, 0, 0, tag::NULL, tag::END, tag::NULL]);
    array.extend(2_u32.to_be_bytes());
    put_text(&mut array, &credentials.user);
    put_text(&mut array, &credentials.password);
    array
}

/// A `javax.management.ObjectName`, which writes its canonical name itself.
fn object_name(name: &str) -> Vec<u8> {
    let mut object = vec![tag::OBJECT, tag::CLASS_DESCRIPTION];
    put_utf(&mut object, "javax.management.ObjectName");
    object.extend(1_081_892_073_854_801_359_i64.to_be_bytes());
    // Serializable with a method of its own, no fields, no codebase, no parent.
    object.extend([0x03, 0, 0, tag::NULL, tag::END, tag::NULL]);
    put_text(&mut object, name);
    object.push(tag::END);
    object
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(tag::STRING);
    put_utf(bytes, text);
}

/// A text with its length in two bytes; what is longer is cut, as nothing that we send comes near.
fn put_utf(bytes: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes().get(..usize::from(u16::MAX)).unwrap_or(text.as_bytes());
    bytes.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(text);
}
