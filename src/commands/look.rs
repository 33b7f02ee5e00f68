//! A look at the node, as a client and as a stranger: CQL first, and where that is not served, why. No JVM is started and nobody
//! logs in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::cassandra::jmx::Purpose;
use crate::cassandra::look::Look;
use crate::cassandra::modes::{Cql, Mode};
use crate::cli::LookKind;
use crate::client::cql::{self, Answer};
use crate::client::jmx::{Jmx, STORAGE_SERVICE, Trouble, Value};
use crate::commands::{Assignment, environment, print, run_folder, secrets};
use crate::exit::{Exit, Failure};
use crate::report::Report;
use crate::supervisor::{Clients, Published};

/// Asking over JMX why CQL is not served takes at most this much of the time that is left then.
const LONGEST_WHY: Duration = Duration::from_millis(500);

/// PID 1's own look, by a process that lives only for it: prints it; exit code 0 where clients are served, else 1.
pub(super) fn observe(_kind: LookKind, limit: Duration, environment: &[Assignment]) -> Result<Exit, Failure> {
    let env = environment::of_process(environment, &mut Report::default());
    let Some(published) = run_folder::published(&env)? else { return Ok(Exit::No) };
    let look = in_time(&published, limit);
    print(&look.to_string())?;
    Ok(if matches!(look.cql, Some(Cql::Serves(_))) { Exit::Success } else { Exit::No })
}

/// What readiness and startup need to be known, within a limit: CQL first, and if that fails, the mode.
pub(super) fn in_time(published: &Published, limit: Duration) -> Look {
    let deadline = Instant::now() + limit;
    let cql = serves(published, limit);
    let mode = if matches!(cql, Cql::Silent(_)) {
        mode(published, deadline.saturating_duration_since(Instant::now()).min(LONGEST_WHY))
    } else {
        None
    };
    Look { cql: Some(cql), mode, life: None }
}

/// The CQL handshake, as a client makes it who never logs in.
fn serves(published: &Published, limit: Duration) -> Cql {
    let Some(clients) = &published.endpoint else {
        return Cql::Silent("the native transport is switched off or its address unknown".to_owned());
    };
    let deadline = Instant::now() + limit;
    let Some(address) = resolve(clients, limit) else {
        return Cql::Silent(format!("{} does not resolve", clients.host));
    };
    let tls = match secrets::tls(published, clients) {
        Ok(tls) => tls,
        Err(why) => return Cql::Silent(format!("the node's certificate cannot be verified: {why}")),
    };
    let over = if tls.is_some() { " over TLS" } else { "" };
    match cql::handshake(address, tls.as_ref(), deadline.saturating_duration_since(Instant::now())) {
        Ok(Answer::Ready { bootstrapped: Some(far) }) if far == "DECOMMISSIONED" => {
            Cql::Left(format!("{address} serves CQL{over}, but the node is decommissioned"))
        }
        Ok(Answer::Ready { .. }) => Cql::Serves(format!("{address} serves CQL{over}")),
        Ok(Answer::Authenticate(class)) => Cql::Serves(format!("{address} serves CQL{over} ({class})")),
        Ok(Answer::OnlyOthers(why)) => Cql::Serves(format!("{address} speaks TLS, though not with us: {why}")),
        Err(trouble) => Cql::Silent(trouble.to_string()),
    }
}

/// The address to connect to. A name server that does not answer must not make the probe late; the thread that waits for it
/// ends with the process. Cassandra prefers IPv4 too, as Java does.
fn resolve(clients: &Clients, limit: Duration) -> Option<SocketAddr> {
    if let Ok(address) = clients.host.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, clients.port));
    }
    let (sender, receiver) = mpsc::channel();
    let name = (clients.host.clone(), clients.port);
    thread::spawn(move || {
        let found: Vec<SocketAddr> = name.to_socket_addrs().map(Iterator::collect).unwrap_or_default();
        // Nobody receives it if it comes too late.
        let _ = sender.send(found.iter().find(|address| address.is_ipv4()).or(found.first()).copied());
    });
    receiver.recv_timeout(limit).ok().flatten()
}

/// What the node says over JMX that it is doing; none where it does not say, which is no trouble: it only explains.
fn mode(published: &Published, limit: Duration) -> Option<Mode> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, published.jmx?));
    let login = secrets::jmx_login(published, Purpose::Look);
    let mut jmx = Jmx::connect(address, Some(&login), limit).ok()?;
    match jmx.attribute(STORAGE_SERVICE, "OperationMode") {
        Ok(Value::Text(mode)) => Mode::parse(&mode),
        Err(Trouble::NoBean { .. }) => Some(Mode::NotRegistered),
        _ => None,
    }
}
