//! A running Cassandra node: what is published for probes, the looks at it, and what the log says of its end.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cassandra::modes::{Question, Verdict};
use crate::cassandra::patience::Knock;
use crate::cassandra::stamp::{self, Stage, Stamp};
use crate::commands::ending::Ending;
use crate::commands::evidence::Evidence;
use crate::commands::{Assignment, launch};
use crate::config::plan::Endpoint;
use crate::host::atomic::{self, Attributes};
use crate::host::command::{Command, SpawnError, Stdio};
use crate::host::privileges::Identity;
use crate::host::process::Child;
use crate::host::{Error, memory, signals, tasks};
use crate::supervisor::{Aim, Clients, Facts, Owner, Phase, Published, StopTimes, seconds};

/// How long a status page takes at most, as `status` does: whoever asked for it waits longer, and gets what is known by then.
const LONGEST_PAGE: Duration = Duration::from_secs(3);

/// The node under supervision.
pub(super) struct Node {
    pub(super) run_dir: PathBuf,
    pub(super) data_root: PathBuf,
    pub(super) identity: Option<Identity>,
    pub(super) environment: Vec<Assignment>,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) conf: PathBuf,
    pub(super) jmx_port: u16,
    pub(super) stamp: Stamp,
    pub(super) child: i32,
    pub(super) started: Instant,
    /// How often the kernel had killed for want of memory when the child was started, where it counts that.
    pub(super) oom_kills: Option<u64>,
    /// How often it had refused a thread by then.
    pub(super) tasks_refused: Option<u64>,
    /// What lay in its folders when it was started.
    pub(super) evidence: Evidence,
    /// Whether it has been seen to serve since then.
    pub(super) served: bool,
    /// What is told of it once it is started.
    pub(super) facts: Facts,
}

impl Node {
    /// Publishes how far the node is. That it cannot be done is told, and ends nothing: the child runs.
    pub(super) fn publish(&self, phase: Phase) {
        let endpoint = self.endpoint.as_ref().map(|Endpoint { host, port, tls, authorities }| Clients {
            host: host.clone(),
            port: *port,
            tls: *tls,
            authorities: authorities.clone(),
        });
        let published = Published {
            phase,
            child: Some(self.child),
            endpoint,
            conf: Some(self.conf.clone()),
            jmx: Some(self.jmx_port),
        };
        if let Err(error) = published.write(&self.run_dir) {
            tracing::error!("probes cannot be told that the node is {phase}: {error}");
        }
    }

    /// What is known of its end.
    fn ending(&self, code: u8, stopped_in: Option<Duration>) -> Ending {
        let root = Path::new("/");
        let kills = self.oom_kills.zip(memory::oom_kills(root));
        let refusals = self.tasks_refused.zip(tasks::refused(root));
        Ending {
            code,
            stopped_in,
            has_served: self.stamp.stage == Stage::Normal,
            served: self.served,
            killed_for_memory: kills.map(|(before, now)| now > before),
            lacked_threads: refusals.map(|(before, now)| now > before),
            memory_limit: memory::limit(root),
            log: self.evidence.log(),
            dumps: self.evidence.dumps(),
        }
    }
}

/// Writes the stamp beside the data. It belongs to the owner of the folder, who could replace it anyway.
pub(super) fn write_stamp(data_root: &Path, stamp: &Stamp, identity: Option<&Identity>) -> Result<(), Error> {
    let owner = identity.map(|identity| (identity.uid, identity.gid));
    let attributes = Attributes { mode: Some(0o644), owner };
    atomic::write_atomic(&data_root.join(stamp::FILE_NAME), stamp.to_string().as_bytes(), attributes)
}

impl Owner for Node {
    fn started(&mut self) -> Facts {
        tracing::info!("Cassandra {} started as process {}", self.stamp.version, self.child);
        self.publish(Phase::Starting);
        std::mem::take(&mut self.facts)
    }

    fn look(&mut self, aim: Aim, limit: Duration, knock: Knock, answer: OwnedFd) -> Result<Child, SpawnError> {
        let arguments: Vec<OsString> = match aim {
            Aim::Clients | Aim::Life => {
                vec![
                    "observe".into(),
                    aim.word().into(),
                    limit.as_millis().to_string().into(),
                    knock.to_string().into(),
                ]
            }
            Aim::Page => {
                let limit = format!("{}ms", limit.min(LONGEST_PAGE).as_millis());
                vec!["status".into(), "--json".into(), "--timeout".into(), limit.into()]
            }
        };
        let mut environment = launch::environment(&self.environment, self.identity.as_ref());
        environment.push(("CASSANDRA_INIT_RUN_DIR".into(), self.run_dir.clone().into()));
        Command {
            argv0: Some(env!("CARGO_PKG_NAME").into()),
            arguments,
            environment,
            identity: self.identity.clone(),
            // The JVM has it, and who has less is shown less of it (ptrace(2), access mode checks).
            keep_ipc_lock: true,
            stdin: Stdio::Null,
            stdout: Stdio::Fd(answer),
            stderr: Stdio::Null,
            // Not by its path, which may lie below a folder that is closed to the user (proc_pid_exe(5)).
            ..Command::new("/proc/self/exe")
        }
        // The user that it becomes could stop it before it is executed.
        .spawn_unseen()
    }

    fn served(&mut self) {
        self.publish(Phase::Serving);
        self.served = true;
        self.stamp.stage = Stage::Normal;
        if let Err(error) = write_stamp(&self.data_root, &self.stamp, self.identity.as_ref()) {
            tracing::warn!("{error}");
        }
        let seconds = self.started.elapsed().as_secs_f64();
        if let Some(Endpoint { host, port, .. }) = &self.endpoint {
            tracing::info!("CQL is open on {host} port {port} after {seconds:.1} s, connect with: cqlsh {host} {port}");
        }
    }

    fn drain(&mut self, over: bool) {
        let begins = "a drain begins: not ready any more";
        tracing::info!("{}", if over { "whoever drained is done or gone: as ready as it looks" } else { begins });
    }

    fn changed(&mut self, question: Question, verdict: &Verdict) {
        let Verdict { yes, reason } = verdict;
        match (question, yes) {
            (Question::Liveness, false) => tracing::error!("liveness fails: {reason}"),
            (Question::Liveness, true) => tracing::info!("alive again: {reason}"),
            (_, false) => tracing::warn!("not ready: {reason}"),
            (_, true) => tracing::info!("ready again: {reason}"),
        }
    }

    fn stopping(&mut self, signal: i32, delay: Duration, limit: Option<Duration>) {
        self.publish(Phase::Stopping);
        let begin = if delay.is_zero() { String::new() } else { format!(" in {}", seconds(delay)) };
        let end = limit.map_or_else(String::new, |limit| format!(", which is killed after {}", seconds(limit)));
        tracing::info!("{}: not ready any more, stopping Cassandra{begin}{end}", signals::name(signal));
    }

    fn gone(&mut self, code: u8, _: bool, drained_in: Option<Duration>) {
        self.publish(Phase::Stopping);
        let ending = self.ending(code, drained_in);
        if ending.is_clean() {
            tracing::info!("{}", ending.line());
        } else {
            tracing::error!("{}", ending.line());
        }
    }

    fn stopped(&mut self, StopTimes { delay, drain, sweep }: StopTimes) {
        let whole = delay.saturating_add(drain).saturating_add(sweep);
        let [whole, delay, drain, sweep] = [whole, delay, drain, sweep].map(seconds);
        tracing::info!(
            "stopped in {whole}: {delay} for clients to go, {drain} for Cassandra, {sweep} for what it left"
        );
    }
}
