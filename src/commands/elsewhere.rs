//! What takes the place of this host where the start of another container is looked at.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use crate::config::plan::{DATA_ROOTS, HostFacts};
use crate::settings::Settings;

/// The memory of a node of which we know nothing.
const MEMORY: u64 = 16 << 30;
/// Its processors.
const CORES: usize = 4;

/// The container that is not here.
#[derive(Debug, Clone)]
pub(super) struct Elsewhere {
    /// Its address.
    pub(super) address: IpAddr,
    /// The names that mean it.
    pub(super) names: Vec<String>,
    /// Its memory limit in bytes.
    pub(super) memory_limit: Option<u64>,
    /// Its limit of processors.
    pub(super) cores: Option<usize>,
    /// The JVM options among its arguments.
    pub(super) options: Vec<String>,
    /// The paths of its volumes.
    pub(super) volumes: Vec<PathBuf>,
}

impl Elsewhere {
    /// What a plan has to know of its host. An interface that a variable names is taken to be there.
    pub(super) fn facts(&self, settings: &Settings) -> HostFacts {
        let interfaces = [&settings.listen_interface, &settings.rpc_interface];
        let named = interfaces.into_iter().flatten().map(|given| given.value.as_str().to_owned());
        let mut addresses = vec![("lo".to_owned(), IpAddr::V4(Ipv4Addr::LOCALHOST)), ("eth0".to_owned(), self.address)];
        addresses.extend(named.filter(|name| name != "lo" && name != "eth0").map(|name| (name, self.address)));
        HostFacts {
            addresses,
            preferred_address: Some(self.address),
            memory_limit: self.memory_limit,
            memory: MEMORY.max(self.memory_limit.unwrap_or(0)),
            cores: self.cores.unwrap_or(CORES),
        }
    }

    /// CASSANDRA_DATA, else the known root on which a volume is mounted, else the usual one.
    pub(super) fn data_root(&self, settings: &Settings) -> PathBuf {
        if let Some(given) = &settings.data {
            return given.value.as_path().to_owned();
        }
        let is_volume = |root: &&&str| self.volumes.iter().any(|volume| Path::new(root).starts_with(volume));
        DATA_ROOTS.iter().find(is_volume).map_or_else(|| PathBuf::from("/var/lib/cassandra"), PathBuf::from)
    }

    /// The log folder, of which nothing here tells whether it can be written.
    pub(super) fn logs(settings: &Settings) -> PathBuf {
        settings
            .log_dir
            .as_ref()
            .map_or_else(|| PathBuf::from("/var/log/cassandra"), |given| given.value.as_path().to_owned())
    }
}
