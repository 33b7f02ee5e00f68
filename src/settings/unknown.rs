//! Variables that look like ours and are not understood: told with what was likely meant, unless they are somebody else's.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::report::{Finding, Report};
use crate::settings::contract::{is_known, known_names};
use crate::settings::raw::RawEnv;
use crate::settings::{file, suggest, unsupported};

/// Variables of Cassandra's own scripts and of images, which are not ours to judge.
const FOREIGN: &[&str] = &[
    "CASSANDRA_ALLOW_CONFIG_ENVIRONMENT_VARIABLES",
    "CASSANDRA_DOWNLOAD",
    "CASSANDRA_HEAPDUMP_KEEP_NEWEST_N_FILES",
    "CASSANDRA_INCLUDE",
    "CASSANDRA_INIT_ENV",
    "CASSANDRA_JDK_UNSUPPORTED",
    "CASSANDRA_LOGS",
    "CASSANDRA_NAME",
    "CASSANDRA_SERVICE",
    "CASSANDRA_SERVICE_NUM_SEEDS",
    "CASSANDRA_SHA512",
    "CASSANDRA_USE_ALL_JDK",
    "CASSANDRA_VERSION",
];

/// Whether a name of the form `CASSANDRA_…` is somebody else's: a Kubernetes service link, Cassandra's own, an image's.
fn is_foreign(name: &str) -> bool {
    // 6.0 reads CASSANDRA_SETTINGS_<KEY> itself (CASSANDRA-20749).
    FOREIGN.contains(&name) || name.starts_with("CASSANDRA_SETTINGS_") || is_service_link(name)
}

/// The variables that Kubernetes service links and Docker links set for a service whose name begins with "cassandra".
static SERVICE_LINK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_.*)?)$").ok());

fn is_service_link(name: &str) -> bool {
    SERVICE_LINK.as_ref().is_some_and(|link| link.is_match(name))
}

/// Adds a finding for each variable of the form `CASSANDRA_…` that nobody knows or that has no effect.
pub(super) fn find(env: &RawEnv, report: &mut Report) {
    for name in env.names() {
        if !name.starts_with("CASSANDRA_") || is_foreign(name) || is_known(name) {
            continue;
        }
        if unsupported::knows(name) {
            if let Some(finding) = unsupported::finding(name, env) {
                report.add(finding);
            }
            continue;
        }
        let finding = Finding::warning(name, "unknown variable, it has no effect");
        // The value of what may be meant is in a file, and so must be that of the suggestion.
        let (asked, suffix) = name.strip_suffix(file::SUFFIX).map_or((name, ""), |stem| (stem, file::SUFFIX));
        let hint = suggest::variable(asked, suffix, known_names());
        report.add(
            finding
                .hint(hint.unwrap_or_else(|| "`cassandra-init variables` lists those that are understood".to_owned())),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_service_link_sets_counts_as_one() {
        assert!(is_service_link("CASSANDRA_PORT_9042_TCP_ADDR") && is_service_link("CASSANDRA_SERVICE_PORT_CQL"));
        assert!(!is_service_link("CASSANDRA_PORT_X_TCP") && !is_service_link("CASSANDRA_PORTS"));
    }
}
