//! What the node tells an operator over JMX.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::facts::{Fact, Facts, Source, Value as Told};
use super::gather::{self, Node};
use crate::cassandra::jmx::Purpose;
use crate::cassandra::look::Look;
use crate::cassandra::modes::Mode;
use crate::client::jmx::{Jmx, STORAGE_SERVICE, Trouble, Value};
use crate::commands::secrets;

const SNITCH: &str = "org.apache.cassandra.db:type=EndpointSnitchInfo";
const RUNTIME: &str = "java.lang:type=Runtime";
const MEMORY: &str = "java.lang:type=Memory";
const LOAD: &str = "org.apache.cassandra.metrics:type=Storage,name=Load";
const HINTS: &str = "org.apache.cassandra.metrics:type=Storage,name=TotalHintsInProgress";
const COMPACTIONS: &str = "org.apache.cassandra.metrics:type=Compaction,name=PendingTasks";
const STREAMS: &str = "org.apache.cassandra.net:type=StreamManager";

/// How an answer is told.
#[derive(Clone, Copy)]
enum As {
    Text,
    Number,
    Milliseconds,
    /// How many there are.
    Count,
}

/// What is asked, the JVM's own first: Cassandra's beans come later.
const ATTRIBUTES: [(Fact, &str, &str, As); 14] = [
    (Fact::JvmUptime, RUNTIME, "Uptime", As::Milliseconds),
    (Fact::JvmVersion, RUNTIME, "VmVersion", As::Text),
    (Fact::Release, STORAGE_SERVICE, "ReleaseVersion", As::Text),
    (Fact::Cluster, STORAGE_SERVICE, "ClusterName", As::Text),
    (Fact::HostId, STORAGE_SERVICE, "LocalHostId", As::Text),
    (Fact::Tokens, STORAGE_SERVICE, "Tokens", As::Count),
    (Fact::NodesUp, STORAGE_SERVICE, "LiveNodes", As::Count),
    (Fact::NodesDown, STORAGE_SERVICE, "UnreachableNodes", As::Count),
    (Fact::Datacenter, SNITCH, "Datacenter", As::Text),
    (Fact::Rack, SNITCH, "Rack", As::Text),
    (Fact::Load, LOAD, "Count", As::Number),
    (Fact::Hints, HINTS, "Count", As::Number),
    (Fact::Compactions, COMPACTIONS, "Value", As::Number),
    (Fact::Streams, STREAMS, "CurrentStreams", As::Count),
];

/// Asks over JMX.
pub(super) fn ask(node: &Node) -> gather::Told {
    let mut facts = Facts::default();
    let Some(port) = node.published.jmx else {
        facts.trouble(Source::Jmx, "PID 1 has not said where the node's JMX server is");
        return gather::Told { facts, ..gather::Told::default() };
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let login = secrets::jmx_login(&node.published, Purpose::Look);
    let mode = match Jmx::connect(address, Some(&login), node.left()) {
        Ok(mut jmx) => {
            jmx.expect_a_ring();
            let mode = mode(&mut jmx);
            if let Err(trouble) = tell(&mut jmx, &mut facts) {
                facts.trouble(Source::Jmx, trouble.to_string());
            }
            mode
        }
        Err(trouble) => {
            facts.trouble(Source::Jmx, trouble.to_string());
            None
        }
    };
    gather::Told { facts, look: Look { mode, ..Look::default() } }
}

fn mode(jmx: &mut Jmx) -> Option<Mode> {
    match jmx.attribute(STORAGE_SERVICE, "OperationMode") {
        Ok(Value::Text(mode)) => Mode::parse(&mode),
        Err(Trouble::NoBean { .. }) => Some(Mode::NotRegistered),
        _ => None,
    }
}

/// One after the other, until the connection breaks. A bean that is not there, or says something odd, is a gap of its own.
fn tell(jmx: &mut Jmx, facts: &mut Facts) -> Result<(), Trouble> {
    if let Value::Map(usage) = jmx.attribute(MEMORY, "HeapMemoryUsage")? {
        let of = |name: &str| usage.iter().find(|(key, _)| *key == Value::Text(name.into())).map(|(_, value)| value);
        facts.number(Fact::HeapUsed, of("used").and_then(number));
        facts.number(Fact::HeapMax, of("max").and_then(number));
    }
    for (fact, bean, name, form) in ATTRIBUTES {
        match jmx.attribute(bean, name) {
            Ok(value) => match told(&value, form) {
                Some(value) => facts.know(fact, value),
                None => facts.miss(fact, format!("{name} of {bean} is of another form")),
            },
            Err(trouble @ (Trouble::NoBean { .. } | Trouble::Threw { .. })) => facts.miss(fact, trouble.to_string()),
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(())
}

fn told(value: &Value, form: As) -> Option<Told> {
    match (form, value) {
        (As::Text, Value::Text(text)) => Some(Told::Text(text.chars().filter(|c| !c.is_control()).collect())),
        (As::Number, value) => number(value).map(Told::Number),
        (As::Milliseconds, value) => number(value).map(|millis| Told::Time(Duration::from_millis(millis))),
        (As::Count, Value::List(items)) => u64::try_from(items.len()).ok().map(Told::Number),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    if let Value::Integer(number) = value { u64::try_from(*number).ok() } else { None }
}
