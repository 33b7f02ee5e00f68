//! A look at the node from outside: CQL first, and where that is not served, what the node says over JMX, and at last whether the
//! JVM lives at all. No JVM is started, and nobody logs in over CQL.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::cassandra::jmx::Purpose;
use crate::cassandra::look::{Door, Held, Knocked, Life, Look, Sign};
use crate::cassandra::modes::{Cql, Mode};
use crate::cassandra::patience::Knock;
use crate::cli::LookKind;
use crate::client::attach::{self, Jvm};
use crate::client::cql::{self, Answer};
use crate::client::jmx::{Jmx, STORAGE_SERVICE, Trouble, Value};
use crate::commands::{Assignment, environment, print, run_folder, secrets};
use crate::exit::{Exit, Failure};
use crate::host::threads::Threads;
use crate::report::Report;
use crate::supervisor::{Clients, Published};

/// Asking over JMX why CQL is not served takes at most this much of the time that is left then.
const LONGEST_WHY: Duration = Duration::from_millis(500);

/// How long PID 1's own look waits for CQL, and for the attach listener, which a busy JVM may have to start first. They and JMX
/// get a third of its time at most.
const LONGEST_CQL: Duration = Duration::from_secs(2);
const LONGEST_ATTACH: Duration = Duration::from_secs(1);

/// PID 1's own look, by a process that lives only for it: prints it; exit code 0 where clients are served, else 1.
pub(super) fn observe(
    kind: LookKind,
    limit: Duration,
    knock: Knock,
    environment: &[Assignment],
) -> Result<Exit, Failure> {
    let env = environment::of_process(environment, &mut Report::default());
    let Some(published) = run_folder::published(&env)? else { return Ok(Exit::No) };
    let look = match kind {
        LookKind::Clients => in_time(&published, limit),
        LookKind::Life => life(&published, limit, knock),
    };
    print(&look.to_string())?;
    Ok(if matches!(look.cql, Some(Cql::Serves(_))) { Exit::Success } else { Exit::No })
}

/// What readiness and startup need to be known, within a limit: CQL first, and if that fails, the mode.
pub(super) fn in_time(published: &Published, limit: Duration) -> Look {
    let deadline = Instant::now() + limit;
    let cql = serves(published, limit);
    let mode = if matches!(cql, Cql::Silent(_)) {
        jmx(published, deadline.saturating_duration_since(Instant::now()).min(LONGEST_WHY)).1
    } else {
        None
    };
    Look { cql: Some(cql), mode, ..Look::default() }
}

/// Whether the JVM gives a sign of life, within a limit. One that is stopped answers at no door, and is not waited for.
fn life(published: &Published, limit: Duration, knock: Knock) -> Look {
    let (deadline, share) = (Instant::now() + limit, limit / 3);
    let (held, threads) = kernel(published.child);
    if held == Some(Held::Stopped) {
        let shut = Door::Shut(String::new());
        let cql = Some(Cql::Silent("Cassandra is stopped by a signal".to_owned()));
        return Look { cql, life: Some(Life::judge(&shut, &shut, held, &threads)), ..Look::default() };
    }
    let cql = Some(serves(published, share.min(LONGEST_CQL)));
    if !matches!(cql, Some(Cql::Silent(_))) {
        return Look { cql, life: Some(Life::Answers(Sign::Cql)), ..Look::default() };
    }
    let (jmx, mode) = jmx(published, share.min(LONGEST_WHY));
    if jmx == Door::Answered {
        return Look { cql, mode, life: Some(Life::Answers(Sign::Jmx)), ..Look::default() };
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let (attach, knock) = attach(published.child, knock, left.min(LONGEST_ATTACH));
    // What the kernel says now: it was asked to act.
    let (held, threads) = kernel(published.child);
    Look { cql, mode, life: Some(Life::judge(&jmx, &attach, held, &threads)), knock }
}

/// What the kernel says of the JVM's threads.
fn kernel(child: Option<i32>) -> (Option<Held>, String) {
    let Some(threads) = child.and_then(Threads::of) else { return (None, "no process".to_owned()) };
    let held = match threads.tracer() {
        Some(tracer) => Some(Held::Traced(tracer)),
        None if threads.are_stopped() => Some(Held::Stopped),
        None if threads.are_stuck() => Some(Held::Stuck),
        None => None,
    };
    (held, threads.to_string())
}

/// What somebody is told in time, or what that makes of a door. They are asked by a thread that ends with this process: who reads
/// the memory of a process may have to wait for it (`mmap_lock`), its /tmp may hang, and so may a name server.
fn within<T: Send + 'static>(limit: Duration, ask: impl FnOnce() -> T + Send + 'static) -> Result<T, Door> {
    let (sender, receiver) = mpsc::channel();
    // Nobody receives it if it comes too late.
    let asker = thread::Builder::new().spawn(move || drop(sender.send(ask())));
    // No fault of who was to be asked.
    asker.map_err(|error| Door::Shut(format!("no thread can be had: {error}")))?;
    receiver.recv_timeout(limit).map_err(|_| Door::Silent("asking takes too long".to_owned()))
}

/// What is found at the attach listener's, and what came of waking it.
fn attach(child: Option<i32>, knock: Knock, limit: Duration) -> (Door, Option<Knocked>) {
    use attach::Trouble;
    let Some(child) = child else { return (Door::Shut("no process".to_owned()), None) };
    let may_knock = knock == Knock::Now;
    let in_vain = may_knock.then_some(Knocked::InVain);
    match within(limit, move || Jvm::new(child).jcmd("VM.uptime", may_knock, limit / 10 * 9)) {
        // That it hangs up or refuses takes a JVM that runs.
        Ok(Ok(_) | Err(Trouble::Refused { .. } | Trouble::Broken(_))) => (Door::Answered, None),
        Ok(Err(trouble @ Trouble::NotListening)) if knock == Knock::NotYet => {
            (Door::Shut(trouble.to_string()), Some(Knocked::NotYet))
        }
        Ok(Err(trouble @ (Trouble::Silent(_) | Trouble::NotListening))) => (Door::Silent(trouble.to_string()), in_vain),
        Ok(Err(trouble)) => (Door::Shut(trouble.to_string()), None),
        Err(door @ Door::Silent(_)) => (door, in_vain),
        Err(door) => (door, None),
    }
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

/// What the node's own row says, in JSON, where it tells strangers; else why not, in words.
pub(super) fn own_row(published: &Published, limit: Duration) -> Result<Option<String>, String> {
    let deadline = Instant::now() + limit;
    let clients = published.endpoint.as_ref().ok_or("the node's address for clients is not known")?;
    let address = resolve(clients, limit).ok_or_else(|| format!("{} does not resolve", clients.host))?;
    let tls = secrets::tls(published, clients)?;
    let left = deadline.saturating_duration_since(Instant::now());
    cql::own_row(address, tls.as_ref(), left).map_err(|trouble| trouble.to_string())
}

/// The address to connect to. Cassandra prefers IPv4 too, as Java does.
fn resolve(clients: &Clients, limit: Duration) -> Option<SocketAddr> {
    if let Ok(address) = clients.host.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, clients.port));
    }
    let name = (clients.host.clone(), clients.port);
    let resolved = within(limit, move || {
        let found: Vec<SocketAddr> = name.to_socket_addrs().map(Iterator::collect).unwrap_or_default();
        found.iter().find(|address| address.is_ipv4()).or(found.first()).copied()
    });
    resolved.ok().flatten()
}

/// What is found at the JMX server's door, and what the node says there that it is doing.
fn jmx(published: &Published, limit: Duration) -> (Door, Option<Mode>) {
    let Some(port) = published.jmx else { return (Door::Shut("there is none".to_owned()), None) };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let node = published.clone();
    let asked = within(limit, move || {
        // Who may ask is read from the JVM's own memory.
        let login = secrets::jmx_login(&node, Purpose::Look);
        let mut jmx = Jmx::connect(address, Some(&login), limit / 10 * 9)?;
        jmx.attribute(STORAGE_SERVICE, "OperationMode")
    });
    let asked = match asked {
        Ok(asked) => asked,
        Err(door) => return (door, None),
    };
    match asked {
        Ok(Value::Text(mode)) => (Door::Answered, Mode::parse(&mode)),
        Err(Trouble::NoBean { .. }) => (Door::Answered, Some(Mode::NotRegistered)),
        Err(trouble @ Trouble::TimedOut { .. }) => (Door::Silent(trouble.to_string()), None),
        // Refused by the kernel, or cut off by the JVM: the attach listener tells.
        Err(trouble @ Trouble::Connection { .. }) => (Door::Shut(trouble.to_string()), None),
        Ok(_) | Err(_) => (Door::Answered, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_in_time_is_not_waited_for_and_silent() {
        let (sender, receiver) = mpsc::channel::<()>();
        let late = within(Duration::from_millis(1), move || receiver.recv());
        assert!(matches!(late, Err(Door::Silent(_))), "it still waits");
        drop(sender);
        assert_eq!(within(Duration::from_mins(1), || 7), Ok(7));
    }
}
