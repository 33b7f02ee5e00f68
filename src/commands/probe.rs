//! `probe`: one answer in one line. No JVM is started and nobody logs in.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use crate::cli::ProbeKind;
use crate::client::cql::{self, Answer};
use crate::commands::{Assignment, environment, print, run_folder};
use crate::exit::{Exit, Failure};
use crate::report::Report;
use crate::supervisor::{Phase, Published};

/// An answer with its reason.
struct Verdict {
    yes: bool,
    reason: String,
}

impl Verdict {
    fn yes(reason: impl Into<String>) -> Self {
        Self { yes: true, reason: reason.into() }
    }

    fn no(reason: impl Into<String>) -> Self {
        Self { yes: false, reason: reason.into() }
    }
}

/// Answers a probe: exit code 0 for yes, 1 for no, the reason on standard output.
pub(super) fn probe(kind: ProbeKind, limit: Duration, environment: &[Assignment]) -> Result<Exit, Failure> {
    let Some(published) = published(environment)? else {
        let message = "no node runs under cassandra-init here (nobody holds the lock of the run folder)";
        return Err(Failure::message(Exit::Unavailable, message)
            .hint("CASSANDRA_INIT_RUN_DIR must be the same here and for the node"));
    };
    let verdict = match kind {
        ProbeKind::Startup => startup(&published, limit),
        ProbeKind::Liveness => liveness(&published),
        ProbeKind::Readiness => readiness(&published, limit),
    };
    print(&format!("{}\n", verdict.reason))?;
    Ok(if verdict.yes { Exit::Success } else { Exit::No })
}

/// PID 1's own look at a node that has not served yet.
pub(super) fn observe(environment: &[Assignment]) -> Result<Exit, Failure> {
    let serves = published(environment)?.is_some_and(|published| serves(&published, Duration::from_secs(2)).yes);
    Ok(if serves { Exit::Success } else { Exit::No })
}

fn published(environment: &[Assignment]) -> Result<Option<Published>, Failure> {
    run_folder::published(&environment::of_process(environment, &mut Report::default()))
}

/// Once the node has served, this never turns into no again: a restart by the kubelet helps nobody.
fn startup(published: &Published, limit: Duration) -> Verdict {
    match published.phase {
        Phase::Serving | Phase::Stopping => Verdict::yes("the node has served clients"),
        Phase::Preparing => Verdict::no("the node is being prepared"),
        Phase::Starting => serves(published, limit),
    }
}

/// PID 1 holds its lock, so it lives, and it ends with its child: nothing else needs to be asked.
fn liveness(published: &Published) -> Verdict {
    match (published.phase, published.child) {
        (Phase::Preparing, _) | (_, None) => Verdict::yes("the node is being prepared"),
        (Phase::Stopping, _) => Verdict::yes("the node is stopping"),
        (_, Some(child)) => Verdict::yes(format!("Cassandra runs as process {child}")),
    }
}

fn readiness(published: &Published, limit: Duration) -> Verdict {
    match published.phase {
        Phase::Preparing => Verdict::no("the node is being prepared"),
        Phase::Stopping => Verdict::no("the node is stopping"),
        Phase::Starting | Phase::Serving => serves(published, limit),
    }
}

/// The CQL handshake; a port that speaks only TLS counts by accepting connections.
fn serves(published: &Published, limit: Duration) -> Verdict {
    let Some((host, port, tls_only)) = &published.endpoint else {
        return Verdict::no("the native transport is switched off or its address unknown");
    };
    let address: Option<SocketAddr> = (host.as_str(), *port).to_socket_addrs().ok().and_then(|mut list| list.next());
    let Some(address) = address else {
        return Verdict::no(format!("{host} does not resolve"));
    };
    if *tls_only {
        return match cql::accepts(address, limit) {
            Ok(()) => Verdict::yes(format!("{address} accepts connections (TLS only, no handshake was made)")),
            Err(trouble) => Verdict::no(trouble.to_string()),
        };
    }
    match cql::handshake(address, limit) {
        Ok(Answer::Ready) => Verdict::yes(format!("{address} serves CQL")),
        Ok(Answer::Authenticate(class)) => Verdict::yes(format!("{address} serves CQL ({class})")),
        Err(trouble) => Verdict::no(trouble.to_string()),
    }
}
