//! `drain`: asks the node over JMX to drain and waits for the end of it, without a JVM of our own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use crate::cassandra::java::JMX_PORT;
use crate::cassandra::jmx::Purpose;
use crate::client::jmx::{Jmx, Login, STORAGE_SERVICE, Trouble, Value};
use crate::commands::ask::{self, Answer};
use crate::commands::{Assignment, nodetool, print, run_folder, secrets};
use crate::exit::{Exit, Failure};
use crate::report::Report;
use crate::settings::RawEnv;
use crate::settings::value::Span;
use crate::supervisor::Phase;
use crate::supervisor::control::{LONGEST_DRAIN, Request, Standing};

/// How long PID 1 may take to hear of it.
const TELLING: Duration = Duration::from_secs(1);

/// How an attempt to drain over JMX ended.
enum Drained {
    /// The node is drained, or was already.
    Yes,
    /// It cannot be reached this way, and NodeTool may know another.
    Unreachable(Trouble),
}

/// Drains the node and says how long it took: 0 when it is drained, or has nothing to drain; 75 when the time limit passed
/// first, while the drain goes on.
///
/// Where no PID 1 of ours runs, or its JMX cannot be spoken (TLS), it is NodeTool's. PID 1 is told of it over a connection
/// that whoever drains holds: it ends with them, also when they are killed.
pub(super) fn drain(limit: Option<Span>, environment: &[Assignment]) -> Result<Exit, Failure> {
    let env = RawEnv::from_process(environment, &mut Report::default());
    let Some(published) = run_folder::published(&env)? else {
        return Err(nodetool::run(&["drain".into()], environment, None));
    };
    // PID 1 knows at once what it publishes in a moment.
    let standing = match ask::pid1(&env, Request::Status, TELLING) {
        Answer::Said(said) => Standing::parse(&said),
        Answer::Late | Answer::Nobody => None,
    };
    match standing.map_or(published.phase, |standing| standing.phase) {
        // Its drain would wait for the end of the join, and nothing of value would be lost without it.
        Phase::Preparing | Phase::Starting => {
            print("the node has not served yet, there is nothing to drain\n")?;
            return Ok(Exit::Success);
        }
        Phase::Stopping => {
            print("the node is stopping, Cassandra drains by itself\n")?;
            return Ok(Exit::Success);
        }
        Phase::Serving => {}
    }
    // The kubelet sets the limit of a preStop hook; this one only keeps a forgotten call from waiting for ever.
    let limit = limit.map_or(LONGEST_DRAIN, Span::get);
    // Nobody shall be sent to the node any more. A PID 1 that cannot be told learns it from the SIGTERM.
    let announced = ask::pid1_and_stay(&env, Request::Drain(limit), TELLING);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, published.jmx.unwrap_or(JMX_PORT)));
    let started = Instant::now();
    let login = secrets::jmx_login(&published, Purpose::Control);
    match over_jmx(address, &login, limit) {
        Ok(Drained::Yes) => {
            print(&format!("drained in {:.1} s\n", started.elapsed().as_secs_f64()))?;
            Ok(Exit::Success)
        }
        Ok(Drained::Unreachable(trouble)) => {
            print(&format!("{trouble}; NodeTool is asked\n"))?;
            Err(nodetool::run(&["drain".into()], environment, announced))
        }
        Err(trouble) => Err(failure(trouble, limit)),
    }
}

/// The call blocks until the node is drained. One that is drained already refuses it ("did it already happen?"), so the mode is
/// asked first, and again when the call fails.
fn over_jmx(address: SocketAddr, login: &Login, limit: Duration) -> Result<Drained, Trouble> {
    let mut jmx = match Jmx::connect(address, Some(login), limit) {
        Ok(jmx) => jmx,
        Err(trouble @ (Trouble::Strange { .. } | Trouble::Connection { .. })) => {
            return Ok(Drained::Unreachable(trouble));
        }
        Err(trouble) => return Err(trouble),
    };
    if mode(&mut jmx)? == "DRAINED" {
        return Ok(Drained::Yes);
    }
    let called = jmx.invoke(STORAGE_SERVICE, "drain");
    match called {
        Ok(_) => Ok(Drained::Yes),
        Err(trouble @ Trouble::TimedOut { .. }) => Err(trouble),
        Err(trouble) => match mode(&mut jmx) {
            Ok(mode) if mode == "DRAINED" => Ok(Drained::Yes),
            _ => Err(trouble),
        },
    }
}

fn mode(jmx: &mut Jmx) -> Result<String, Trouble> {
    match jmx.attribute(STORAGE_SERVICE, "OperationMode")? {
        Value::Text(mode) => Ok(mode),
        _ => Ok(String::new()),
    }
}

fn failure(trouble: Trouble, limit: Duration) -> Failure {
    match trouble {
        Trouble::TimedOut { .. } => {
            Failure::message(Exit::TryAgain, format!("not drained within {limit:?}, the drain goes on"))
        }
        Trouble::Refused { .. } => Failure::new(Exit::NoPermission, trouble)
            .hint("nodetool -u USER -pwf FILE drain, or leave the drain to SIGTERM, which needs no password"),
        Trouble::Connection { .. } => Failure::new(Exit::InputOutput, trouble),
        _ => Failure::new(Exit::Unavailable, trouble),
    }
}
