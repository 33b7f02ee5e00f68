//! The sockets at which PID 1 is asked, opened before anything else of a start is done.

use std::io;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::cassandra::patience::Patience;
use crate::commands::situation::Situation;
use crate::exit::{self, Exit, Failure};
use crate::host::memory;
use crate::host::sockets::{LONGEST_PATH, Listener};
use crate::settings::contract::Given;
use crate::settings::value::Span;
use crate::supervisor::connections::Door;
use crate::supervisor::{Desk, Early, Facts, Reception, control};

use super::stopwatch::Stopwatch;

/// Opens them and answers from now on. Without a control socket probes look for themselves; without the HTTP port, which
/// somebody's probes depend on, there is no start.
pub(super) fn open(situation: &Situation, boot: &Stopwatch) -> Result<Early, Failure> {
    let settings = &situation.settings;
    let span = |given: &Option<Given<Span>>| given.as_ref().map(|given| given.value.get());
    let patience = Patience::new(span(&settings.wedged_after), span(&settings.drained_after));
    let mut reception = Reception::new(Desk::new(patience, facts(situation, boot.started())), boot.started());
    control_socket(situation, &mut reception);
    if let Some(given) = &settings.http {
        let (address, port) = (given.value.address(), given.value.port());
        let listener = Listener::tcp(address, port).map_err(|error| {
            let exit = match error.kind() {
                io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable => Exit::Configuration,
                _ => Exit::of_file_error(&error),
            };
            Failure::message(exit, format!("CASSANDRA_INIT_HTTP: {error}"))
                .hint("the port must be free in this network namespace, and the address one of this container")
        })?;
        reception.listen(Door::Web, listener, &[]);
        tracing::info!("HTTP probes and metrics are answered on {}", given.value);
    }
    Ok(Early::begin(reception))
}

/// What those who ask are told of a start from its beginning on.
pub(super) fn facts(situation: &Situation, started: Instant) -> Facts {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Facts {
        version: situation.distribution.version.to_string(),
        profile: situation.profile.name.clone(),
        memory: memory::limit(Path::new("/")),
        started_at: since_epoch.saturating_sub(started.elapsed()).as_secs_f64(),
        ..Facts::default()
    }
}

/// For root, for us and for the node's user; the run folder belongs to us, and its lock is ours.
fn control_socket(situation: &Situation, reception: &mut Reception) {
    let path = control::path(&situation.run_dir);
    let length = path.as_os_str().len();
    if length > LONGEST_PATH {
        tracing::warn!(
            "{} has {length} bytes and a socket's path at most {LONGEST_PATH}: probes look at the node themselves \
             (hint: a shorter CASSANDRA_INIT_RUN_DIR)",
            path.display()
        );
        return;
    }
    let own = nix::unistd::geteuid().as_raw();
    let identity = situation.identity.as_ref();
    let owner = identity.map(|identity| (own, identity.gid));
    match Listener::unix(&path, owner, 0o660) {
        Ok(listener) => {
            let users = [0, own, identity.map_or(own, |identity| identity.uid)];
            reception.listen(Door::Control, listener, &users);
        }
        Err(error) => {
            let hint = exit::hint_of_refusal(error.errno());
            tracing::warn!("{error}: probes look at the node themselves{hint}");
        }
    }
}
