//! `probe`: one answer in one line. No JVM is started and nobody logs in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::cassandra::modes::{self, Cql, Mode, Observation, Question};
use crate::cli::ProbeKind;
use crate::client::cql::{self, Answer};
use crate::client::jmx::{Jmx, STORAGE_SERVICE, Trouble, Value};
use crate::client::tls::Tls;
use crate::commands::{Assignment, environment, print, run_folder};
use crate::exit::{Exit, Failure};
use crate::host::files;
use crate::report::Report;
use crate::supervisor::{Clients, Published};

/// Asking over JMX why CQL is not served takes at most this much of the time that is left then.
const LONGEST_WHY: Duration = Duration::from_millis(500);

/// PID 1's own look has no orchestrator that sets it a limit.
const LOOK: Duration = Duration::from_secs(2);

/// Answers a probe: exit code 0 for yes, 1 for no, the reason on standard output.
pub(super) fn probe(kind: ProbeKind, limit: Duration, environment: &[Assignment]) -> Result<Exit, Failure> {
    let Some(published) = published(environment)? else {
        let message = "no node runs under cassandra-init here (nobody holds the lock of the run folder)";
        return Err(Failure::message(Exit::Unavailable, message)
            .hint("CASSANDRA_INIT_RUN_DIR must be the same here and for the node"));
    };
    let question = match kind {
        ProbeKind::Startup => Question::Startup,
        ProbeKind::Liveness => Question::Liveness,
        ProbeKind::Readiness => Question::Readiness,
    };
    let verdict = modes::answer(question, &observation(&published, question, limit));
    print(&format!("{}\n", verdict.reason))?;
    Ok(if verdict.yes { Exit::Success } else { Exit::No })
}

/// PID 1's own look at a node that has not served yet.
pub(super) fn observe(environment: &[Assignment]) -> Result<Exit, Failure> {
    let serves = published(environment)?.is_some_and(|published| matches!(serves(&published, LOOK), Cql::Serves(_)));
    Ok(if serves { Exit::Success } else { Exit::No })
}

fn published(environment: &[Assignment]) -> Result<Option<Published>, Failure> {
    run_folder::published(&environment::of_process(environment, &mut Report::default()))
}

/// What the question needs to be known: CQL first, and if that fails, the mode.
fn observation(published: &Published, question: Question, limit: Duration) -> Observation {
    let Published { phase, child, .. } = *published;
    let mut observation = Observation { phase, child, cql: None, mode: None };
    if modes::needs_cql(question, phase) {
        let deadline = Instant::now() + limit;
        let cql = serves(published, limit);
        if matches!(cql, Cql::Silent(_)) {
            observation.mode = mode(published, deadline.saturating_duration_since(Instant::now()).min(LONGEST_WHY));
        }
        observation.cql = Some(cql);
    }
    observation
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
    let tls = match tls(clients) {
        Ok(tls) => tls,
        Err(error) => return Cql::Silent(format!("TLS cannot be spoken: {error}")),
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

/// TLS as it is spoken with the node, where it is. Without the certificate, which not everybody may read, less is seen.
fn tls(clients: &Clients) -> Result<Option<Tls>, rustls::Error> {
    if !clients.tls {
        return Ok(None);
    }
    let certificate = clients.certificate.as_ref().and_then(|path| files::read_trusted(path).ok());
    Tls::new(certificate.as_deref()).map(Some)
}

/// What the node says over JMX that it is doing; none where it does not say, which is no trouble: it only explains.
fn mode(published: &Published, limit: Duration) -> Option<Mode> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, published.jmx?));
    let mut jmx = Jmx::connect(address, None, limit).ok()?;
    match jmx.attribute(STORAGE_SERVICE, "OperationMode") {
        Ok(Value::Text(mode)) => Mode::parse(&mode),
        Err(Trouble::NoBean { .. }) => Some(Mode::NotRegistered),
        _ => None,
    }
}
