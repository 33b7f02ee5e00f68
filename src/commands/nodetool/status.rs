//! `nodetool status` without a JVM: what NodeTool asks for over JMX, asked by us.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Door;
use super::table::{self, Ring};
use super::words::Asked;
use crate::cassandra::{Line, Version};
use crate::client::jmx::{Jmx, STORAGE_SERVICE, Trouble, Value};
use crate::commands::Assignment;
use crate::host::addresses;

/// `EndpointSnitchInfo`, which knows where nodes are.
const SNITCH: &str = "org.apache.cassandra.db:type=EndpointSnitchInfo";

/// Who has not answered by then is left to NodeTool, which waits for ever.
const LIMIT: Duration = Duration::from_secs(10);

/// What is printed, and whether that is a success.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) success: bool,
}

/// Why the question is NodeTool's.
enum Odd {
    /// The node could not be asked.
    Trouble,
    /// It answered something that is not known here.
    Strange,
}

impl From<Trouble> for Odd {
    fn from(_: Trouble) -> Self {
        Self::Trouble
    }
}

/// The answer; none where NodeTool must be asked, which tells a trouble in its own words.
pub(super) fn status(asked: &Asked, door: &Door, environment: &[Assignment]) -> Option<Answer> {
    if !is_english(environment) {
        return None;
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, asked.port.unwrap_or(door.port)));
    let mut jmx = Jmx::connect(address, Some(&door.login), LIMIT).ok()?;
    jmx.expect_a_ring();
    match ring(&mut jmx, asked) {
        Ok(Ok(ring)) => Some(Answer { text: table::draw(&ring)?, success: true }),
        Ok(Err(words)) => Some(Answer { text: format!("\nError: {words}\n"), success: false }),
        Err(Odd::Trouble | Odd::Strange) => None,
    }
}

/// NodeTool writes numbers as the user's language does.
fn is_english(environment: &[Assignment]) -> bool {
    let value = |name: &str| environment.iter().find(|(known, value)| known == name && !value.is_empty());
    let language = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| value(name));
    language.and_then(|(_, value)| value.to_str()).is_none_or(|language| {
        let name = language.split(['.', '_', '@']).next().unwrap_or_default();
        matches!(name, "C" | "POSIX" | "en")
    })
}

/// Everything that NodeTool asks for, in its order; or the words with which the node refuses the keyspace.
fn ring(jmx: &mut Jmx, asked: &Asked) -> Result<Result<Ring, String>, Odd> {
    let version = text(jmx.attribute(STORAGE_SERVICE, "ReleaseVersion")?)?;
    let release = version.parse::<Version>().map_err(|_| Odd::Strange)?.line();
    // 6.0 has another NodeTool, and 3.11 no ports.
    if release > Line::V5_0 || (asked.ports && release == Line::V3_11) {
        return Err(Odd::Strange);
    }
    let suffix = if release == Line::V3_11 { "" } else { "WithPort" };
    let mut ask = |name: String| jmx.attribute(STORAGE_SERVICE, &name).map_err(Odd::from);
    let [joining, leaving, moving, live, unreachable] = ["Joining", "Leaving", "Moving", "Live", "Unreachable"]
        .map(|state| texts(ask(format!("{state}Nodes{suffix}"))?));
    let loads = ask(format!("LoadMap{suffix}")).and_then(pairs)?.into_iter().collect();
    let ids = if release == Line::V3_11 { "EndpointToHostId" } else { "EndpointWithPortToHostId" };
    let ids = ask(ids.to_owned()).and_then(pairs)?.into_iter().collect();
    let tokens = if release == Line::V3_11 { "TokenToEndpointMap" } else { "TokenToEndpointWithPortMap" };
    let tokens = ask(tokens.to_owned()).and_then(pairs)?;
    let nodes: Vec<&str> = tokens.iter().map(|(_, node)| node.as_str()).collect();
    let owns = match owns(jmx, &format!("effectiveOwnership{suffix}"), asked, &nodes)? {
        Ok(owns) => Ok(owns),
        Err((State::Meaningless, words)) => Err(words),
        Err((State::Unknown, words)) => return Ok(Err(words)),
    };
    let mut places = BTreeMap::new();
    let mut names = BTreeMap::new();
    for node in nodes {
        if places.contains_key(node) {
            continue;
        }
        let mut place = |operation| text(jmx.invoke_with(SNITCH, operation, &[Some(node)])?);
        places.insert(node.to_owned(), (place("getDatacenter")?, place("getRack")?));
        names.insert(node.to_owned(), name(node, asked).ok_or(Odd::Strange)?);
    }
    let (joining, leaving, moving) = (joining?, leaving?, moving?);
    let (live, unreachable) = (live?, unreachable?);
    Ok(Ok(Ring { line: release, tokens, live, unreachable, joining, leaving, moving, loads, ids, owns, places, names }))
}

/// What a refusal of ownership means.
enum State {
    /// It means nothing for this keyspace, or without one.
    Meaningless,
    /// There is no such keyspace.
    Unknown,
}

type Owns = Result<BTreeMap<String, f64>, (State, String)>;

fn owns(jmx: &mut Jmx, operation: &str, asked: &Asked, nodes: &[&str]) -> Result<Owns, Odd> {
    let parts = match jmx.invoke_with(STORAGE_SERVICE, operation, &[asked.keyspace.as_deref()]) {
        Ok(Value::Map(parts)) => parts,
        Ok(_) => return Err(Odd::Strange),
        Err(Trouble::Threw { class, message, .. }) => match class.as_str() {
            "java.lang.IllegalStateException" => return Ok(Err((State::Meaningless, message))),
            "java.lang.IllegalArgumentException" => return Ok(Err((State::Unknown, message))),
            _ => return Err(Odd::Trouble),
        },
        Err(_) => return Err(Odd::Trouble),
    };
    let mut owns = BTreeMap::new();
    for part in parts {
        let (Value::Text(owner), Value::Number(part)) = part else { return Err(Odd::Strange) };
        // In 3.11 the key is an address, whose text may be another than the node's name.
        let address = owner.parse::<IpAddr>().ok();
        let node = nodes.iter().find(|node| address.is_some() && node.parse::<IpAddr>().ok() == address);
        owns.insert(node.map_or(owner, |node| (*node).to_owned()), part);
    }
    Ok(Ok(owns))
}

/// What a node is shown as: its address, its name, and its port where that is asked for.
fn name(node: &str, asked: &Asked) -> Option<String> {
    let (host, port) = match node.parse::<IpAddr>() {
        Ok(_) => (node, None),
        Err(_) => node.rsplit_once(':').map(|(host, port)| (host, Some(port)))?,
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let named = asked.names.then(|| bare.parse().ok().and_then(addresses::name_of));
    Some(match (named, port) {
        (Some(name), port) => {
            let name = name.unwrap_or_else(|| bare.to_owned());
            port.filter(|_| asked.ports).map_or(name.clone(), |port| format!("{name}:{port}"))
        }
        (None, Some(_)) if asked.ports => node.to_owned(),
        (None, _) => bare.to_owned(),
    })
}

fn text(value: Value) -> Result<String, Odd> {
    if let Value::Text(text) = value { Ok(text) } else { Err(Odd::Strange) }
}

fn texts(value: Value) -> Result<Vec<String>, Odd> {
    let Value::List(items) = value else { return Err(Odd::Strange) };
    items.into_iter().map(text).collect()
}

fn pairs(value: Value) -> Result<Vec<(String, String)>, Odd> {
    let Value::Map(entries) = value else { return Err(Odd::Strange) };
    entries.into_iter().map(|(key, value)| Ok((text(key)?, text(value)?))).collect()
}
