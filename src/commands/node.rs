//! A running Cassandra node: what is published for probes, the looks at it, and what the log says of its end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cassandra::stamp::{self, Stage, Stamp};
use crate::commands::{Assignment, launch};
use crate::config::plan::Endpoint;
use crate::host::atomic::{self, Attributes};
use crate::host::command::{Command, SpawnError, Stdio};
use crate::host::privileges::Identity;
use crate::host::process::Child;
use crate::host::{Error, memory, signals};
use crate::supervisor::{Owner, Phase, Published};

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
}

impl Node {
    /// Publishes how far the node is. That it cannot be done is told, and ends nothing: the child runs.
    pub(super) fn publish(&self, phase: Phase) {
        let endpoint = self.endpoint.as_ref().map(|endpoint| (endpoint.host.clone(), endpoint.port, endpoint.tls_only));
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

    /// Who sent the SIGKILL that was not ours.
    fn killer(&self) -> String {
        let root = std::path::Path::new("/");
        let limit = memory::limit(root).map_or_else(String::new, |bytes| {
            format!(", the container's limit is {} MiB and the heap is a part of what a JVM needs", bytes >> 20)
        });
        match (self.oom_kills, memory::oom_kills(root)) {
            (Some(before), Some(now)) if now > before => format!("by the kernel for want of memory{limit}"),
            (Some(_), Some(_)) => "by somebody: the kernel has killed nothing here for want of memory".to_owned(),
            _ => format!("by the kernel for want of memory or by somebody{limit}"),
        }
    }
}

/// Writes the stamp beside the data. It belongs to the owner of the folder, who could replace it anyway.
pub(super) fn write_stamp(
    data_root: &std::path::Path,
    stamp: &Stamp,
    identity: Option<&Identity>,
) -> Result<(), Error> {
    let owner = identity.map(|identity| (identity.uid, identity.gid));
    let attributes = Attributes { mode: Some(0o644), owner };
    atomic::write_atomic(&data_root.join(stamp::FILE_NAME), stamp.to_string().as_bytes(), attributes)
}

impl Owner for Node {
    fn started(&mut self) {
        tracing::info!("Cassandra {} started as process {}", self.stamp.version, self.child);
        self.publish(Phase::Starting);
    }

    fn observe(&mut self) -> Result<Child, SpawnError> {
        let mut environment = launch::environment(&self.environment, self.identity.as_ref());
        environment.push(("CASSANDRA_INIT_RUN_DIR".into(), self.run_dir.clone().into()));
        Command {
            argv0: Some(env!("CARGO_PKG_NAME").into()),
            arguments: vec!["observe".into()],
            environment,
            identity: self.identity.clone(),
            stdin: Stdio::Null,
            stdout: Stdio::Null,
            stderr: Stdio::Null,
            // Not by its path, which may lie below a folder that is closed to the user (proc_pid_exe(5)).
            ..Command::new("/proc/self/exe")
        }
        // The user that it becomes could stop it before it is executed.
        .spawn_unseen()
    }

    fn served(&mut self) {
        self.publish(Phase::Serving);
        self.stamp.stage = Stage::Normal;
        if let Err(error) = write_stamp(&self.data_root, &self.stamp, self.identity.as_ref()) {
            tracing::warn!("{error}");
        }
        let seconds = self.started.elapsed().as_secs_f64();
        if let Some(Endpoint { host, port, .. }) = &self.endpoint {
            tracing::info!("CQL is open on {host} port {port} after {seconds:.1} s, connect with: cqlsh {host} {port}");
        }
    }

    fn stopping(&mut self, signal: i32) {
        self.publish(Phase::Stopping);
        tracing::info!("{}: not ready any more, stopping Cassandra", signals::name(signal));
    }

    fn gone(&mut self, code: u8, asked: bool, drained_in: Option<Duration>) {
        self.publish(Phase::Stopping);
        match (asked, drained_in, code) {
            (true, Some(took), 143 | 0) if self.stamp.stage == Stage::Normal => {
                tracing::info!("Cassandra drained and ended in {:.1} s", took.as_secs_f64());
            }
            (true, Some(took), 143 | 0) => {
                tracing::info!("Cassandra ended in {:.1} s, it had not served yet", took.as_secs_f64());
            }
            (true, Some(took), 137) => {
                tracing::error!("Cassandra was killed after {:.1} s of stopping", took.as_secs_f64());
            }
            (_, _, 137) => {
                tracing::error!("Cassandra was killed (SIGKILL) {}", self.killer());
            }
            (_, _, code) if code > 128 => {
                tracing::error!("Cassandra was ended by {}", signals::name(i32::from(code) - 128));
            }
            (_, _, code) => tracing::error!("Cassandra ended by itself with exit code {code}"),
        }
    }
}
