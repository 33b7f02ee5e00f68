//! JMX over RMI (JRMP), as Cassandra's own server speaks it: attributes are read and operations called without a JVM.
//!
//! Source: the Java Remote Method Invocation Specification, chapter 10 (wire protocol), and the interfaces `RMIServer` and
//! `RMIConnection` of `javax.management.remote.rmi`, whose method hashes stand below. In clear or in TLS; not spoken: sockets of
//! anybody's own making.

mod arguments;
mod jrmp;
mod parameters;
mod stream;
#[cfg(test)]
mod tests;
mod values;

use std::net::SocketAddr;
use std::time::Duration;

use crate::client::timed::Limit;
use crate::client::tls::Tls;
use arguments::{object_name, put_text};
use jrmp::{Connection, ObjectId, remote};
use stream::tag;

pub use values::read_stream;

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

/// A user of the JMX server (`jmxremote.password`).
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// How we may speak with a JMX server that is not open to everybody.
#[derive(Default)]
pub struct Login {
    /// Who we are.
    pub credentials: Option<Credentials>,
    /// How TLS is spoken with it, where it wants that.
    pub tls: Option<Tls>,
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
    /// `java.lang.String`, the name of an enum's constant, or an address.
    Text(String),
    /// An array, a list or a set.
    List(Vec<Value>),
    /// A map, or open data with its names.
    Map(Vec<(Value, Value)>),
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
    /// The peer does not speak TLS, or not with us.
    #[error("{address}: no TLS: {error}")]
    Encryption {
        /// The server.
        address: SocketAddr,
        /// What is wrong.
        error: String,
    },
    /// The server wants a user and password, or others than these.
    #[error("{address}: refused: {message}")]
    Refused {
        /// The server.
        address: SocketAddr,
        /// Its words.
        message: String,
    },
    /// There is no such bean: before 5.0 no Cassandra, since 5.0 a node that is still starting (CASSANDRA-18816).
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

impl Jmx {
    /// Connects to the registry at `address`, and from there to the JMX server. Everything that is asked of the result must be
    /// answered within `limit` from now. Without a `login` nobody is named, and nothing but clear text is spoken.
    ///
    /// The JMX server is exported by the JVM that has the registry, so the entry's port counts and its host name does not. It
    /// says of itself that it wants TLS; of the registry that is only found out.
    pub fn connect(address: SocketAddr, login: Option<&Login>, limit: Duration) -> Result<Self, Trouble> {
        let (tls, credentials) = login.map_or((None, None), |login| (login.tls.as_ref(), login.credentials.as_ref()));
        let connected = Self::log_in(address, tls, credentials, Limit::from_now(limit));
        connected.map_err(|trouble| match trouble {
            Trouble::Connection { address, .. } | Trouble::Encryption { address, .. }
                if tls.is_some_and(Tls::was_asked_for_a_certificate) =>
            {
                let why = tls.and_then(Tls::why_no_certificate).unwrap_or("that of the node is not taken");
                Trouble::Refused { address, message: format!("a client certificate is asked for ({why})") }
            }
            other => other,
        })
    }

    fn log_in(
        address: SocketAddr,
        tls: Option<&Tls>,
        credentials: Option<&Credentials>,
        limit: Limit,
    ) -> Result<Self, Trouble> {
        let mut registry = match (Connection::open(address, None, limit), tls) {
            (Err(Trouble::Strange { .. } | Trouble::Connection { .. }), Some(_)) => {
                Connection::open(address, tls, limit)?
            }
            (other, _) => other?,
        };
        let mut name = Vec::new();
        put_text(&mut name, ENTRY);
        let entry = registry.call(&[0; 22], method::LOOKUP, &name)?;
        let server = remote(&entry).ok_or_else(|| registry.strange("an entry without an address"))?;
        if server.tls && tls.is_none() {
            return Err(registry.strange("the entry is reached over TLS"));
        }
        let address = SocketAddr::new(address.ip(), server.port);
        let mut connection = Connection::open(address, tls.filter(|_| server.tls), limit)?;
        let credentials =
            credentials.map_or_else(|| vec![tag::NULL], |known| parameters::texts(&[&known.user, &known.password]));
        let client = connection.call(&server.object, method::NEW_CLIENT, &credentials)?;
        let client = remote(&client).ok_or_else(|| connection.strange("a client without an address"))?;
        Ok(Self { connection, client: client.object })
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
        self.operate(bean, operation, &[tag::NULL; 2])
    }

    /// Calls an operation that takes texts, any of which may be null.
    pub fn invoke_with(&mut self, bean: &str, operation: &str, parameters: &[Option<&str>]) -> Result<Value, Trouble> {
        self.operate(bean, operation, &parameters::of_operation(parameters))
    }

    /// From now on answers may be as long as what is told of a large ring.
    pub fn expect_a_ring(&mut self) {
        self.connection.expect_a_ring();
    }

    fn operate(&mut self, bean: &str, operation: &str, parameters: &[u8]) -> Result<Value, Trouble> {
        let mut arguments = object_name(bean);
        put_text(&mut arguments, operation);
        arguments.extend(parameters);
        // In whose name: nobody's.
        arguments.push(tag::NULL);
        self.ask(bean, method::INVOKE, &arguments)
    }

    fn ask(&mut self, bean: &str, method: (i32, i64), arguments: &[u8]) -> Result<Value, Trouble> {
        let answer = self.connection.call(&self.client.clone(), method, arguments);
        match answer {
            Err(Trouble::Threw { address, class, .. }) if class.ends_with("InstanceNotFoundException") => {
                Err(Trouble::NoBean { address, bean: bean.to_owned() })
            }
            other => Ok(values::plain(&other?)),
        }
    }
}
