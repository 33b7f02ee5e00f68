//! What PID 1 tells the probes: a small file in the run folder, written by it alone.

use std::fmt;
use std::path::{Path, PathBuf};

pub use crate::cassandra::modes::Phase;
use crate::host::Error;
use crate::host::atomic::{self, Attributes};
use crate::host::files;

/// The file's name in the run folder.
const FILE_NAME: &str = "node";

/// What is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// How far the node is.
    pub phase: Phase,
    /// The child's process id, as PID 1 sees it.
    pub child: Option<i32>,
    /// Where clients reach the node.
    pub endpoint: Option<Clients>,
    /// The conf folder that the child reads.
    pub conf: Option<PathBuf>,
    /// The port of the child's JMX server, which is reached on loopback whoever else may use it.
    pub jmx: Option<u16>,
}

/// Where clients reach the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    /// Address or name.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether TLS is spoken there.
    pub tls: bool,
    /// The file with the certificates of whom the node's is to be signed by, where it is to be verified.
    pub authorities: Option<PathBuf>,
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "phase={}", self.phase)?;
        if let Some(child) = self.child {
            writeln!(f, "child={child}")?;
        }
        if let Some(Clients { host, port, tls, authorities }) = &self.endpoint {
            writeln!(f, "host={host}\nport={port}\ntls={tls}")?;
            if let Some(authorities) = authorities {
                writeln!(f, "authorities={}", authorities.display())?;
            }
        }
        if let Some(conf) = &self.conf {
            writeln!(f, "conf={}", conf.display())?;
        }
        match self.jmx {
            Some(port) => writeln!(f, "jmx={port}"),
            None => Ok(()),
        }
    }
}

impl Published {
    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let value = |name: &str| {
            text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let phase = Phase::parse(value("phase")?)?;
        let endpoint = match (value("host"), value("port").and_then(|port| port.parse().ok())) {
            (Some(host), Some(port)) => Some(Clients {
                host: host.to_owned(),
                port,
                tls: value("tls") == Some("true"),
                authorities: value("authorities").map(PathBuf::from),
            }),
            _ => None,
        };
        let conf = value("conf").map(PathBuf::from);
        let child = value("child").and_then(|pid| pid.parse().ok());
        let jmx = value("jmx").and_then(|port| port.parse().ok());
        Some(Self { phase, child, endpoint, conf, jmx })
    }

    /// Where it is in a run folder.
    pub fn path(run_dir: &Path) -> PathBuf {
        run_dir.join(FILE_NAME)
    }

    /// Writes it, readable for everybody: it holds no secret.
    pub fn write(&self, run_dir: &Path) -> Result<(), Error> {
        let attributes = Attributes { mode: Some(0o644), owner: None };
        atomic::write_atomic(&Self::path(run_dir), self.to_string().as_bytes(), attributes)
    }

    /// Reads what PID 1 wrote; none where no PID 1 of ours runs or ran.
    pub fn read(run_dir: &Path) -> Result<Option<Self>, Error> {
        match files::read_trusted(&Self::path(run_dir)) {
            Ok(bytes) => Ok(Self::parse(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let published = Published {
            phase: Phase::Serving,
            child: Some(17),
            endpoint: Some(Clients {
                host: "fd00::1".into(),
                port: 9042,
                tls: true,
                authorities: Some("/run/secrets/ca.pem".into()),
            }),
            conf: Some("/etc/cassandra".into()),
            jmx: Some(7199),
        };
        assert_eq!(Published::parse(&published.to_string()), Some(published));
        let early = Published { phase: Phase::Preparing, child: None, endpoint: None, conf: None, jmx: None };
        assert_eq!(Published::parse(&early.to_string()), Some(early));
        assert_eq!(Published::parse("phase=\n"), None);
    }
}
