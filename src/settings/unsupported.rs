//! Variables of the images that we replace which we know and do not do: told as that, never as unknown.

use crate::report::Finding;
use crate::settings::raw::RawEnv;
use crate::settings::value::FromText as _;

/// A variable, or a family of them.
struct Unsupported {
    /// The name; a trailing `*` stands for any end of it.
    name: &'static str,
    /// What it would have done.
    purpose: &'static str,
    /// Whether it does nothing by design rather than not yet.
    never: bool,
    /// What to do instead.
    instead: &'static str,
}

const fn not_yet(name: &'static str, purpose: &'static str, instead: &'static str) -> Unsupported {
    Unsupported { name, purpose, never: false, instead }
}

const fn never(name: &'static str, purpose: &'static str, instead: &'static str) -> Unsupported {
    Unsupported { name, purpose, never: true, instead }
}

const ROLES: &str =
    "log in as cassandra with the password cassandra and change it by ALTER ROLE before clients can reach the node";
const CQL: &str = "run the statements with cqlsh once the node is ready";
const SEEDER: &str = "belongs to the password seeder, which is not here yet; leave it out";
const POLLING: &str = "leave it out: nothing is waited for by polling here";
const CQLSH: &str = "set SSL_CERTFILE, SSL_VALIDATE and the like for cqlsh itself, or write its cqlshrc";

/// The table. Where a variable is switched off (`no`), it asks for nothing and is no finding.
static TABLE: &[Unsupported] = &[
    not_yet("CASSANDRA_PASSWORD_SEEDER", "the first role is not set up by this node", ROLES),
    not_yet("CASSANDRA_USER", "no role is made", ROLES),
    not_yet("CASSANDRA_PASSWORD", "the role cassandra keeps its well-known password", ROLES),
    not_yet("CASSANDRA_STARTUP_CQL", "no CQL is run at the first start", CQL),
    not_yet("CASSANDRA_PEERS", "no other node is waited for before the first role is set up", SEEDER),
    not_yet("CASSANDRA_NODES", "the nodes that are up are not counted at the first start", SEEDER),
    never("CASSANDRA_IGNORE_INITDB_SCRIPTS", "/docker-entrypoint-initdb.d is never read", CQL),
    never("CASSANDRA_CQL_MAX_RETRIES", "no CQL is run at the first start", POLLING),
    never("CASSANDRA_CQL_SLEEP_TIME", "no CQL is run at the first start", POLLING),
    never("CASSANDRA_INIT_MAX_RETRIES", "the node is not started twice", POLLING),
    never("CASSANDRA_INIT_SLEEP_TIME", "the node is not started twice", POLLING),
    never("CASSANDRA_PEER_CQL_MAX_RETRIES", "no other node is waited for", POLLING),
    never("CASSANDRA_PEER_CQL_SLEEP_TIME", "no other node is waited for", POLLING),
    never("CASSANDRA_DELAY_START_TIME", "a start is not delayed", "leave it out"),
    never("CASSANDRA_TMP_P12_FILE", "no certificate is exported for cqlsh", CQLSH),
    never("CASSANDRA_SSL_CERT_FILE", "no certificate is exported for cqlsh", CQLSH),
    never("CASSANDRA_SSL_KEY_FILE", "cqlsh is not configured", CQLSH),
    never("CASSANDRA_SSL_CA_FILE", "cqlsh is not configured", CQLSH),
    never("CASSANDRA_SSL_VALIDATE", "cqlsh is not configured", CQLSH),
    never(
        "CASSANDRA_CFG_ENV_*",
        "cassandra-env.sh is not edited",
        "set MAX_HEAP_SIZE, HEAP_NEWSIZE, JVM_OPTS or JVM_EXTRA_OPTS themselves, or mount a cassandra-env.sh",
    ),
    never(
        "CASSANDRA_CFG_COMMITLOG_*",
        "commitlog_archiving.properties is not edited",
        "mount a commitlog_archiving.properties in the overlay",
    ),
];

impl Unsupported {
    fn is(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == self.name,
        }
    }
}

/// The row of a variable; `<NAME>_FILE` counts as the variable.
fn row(name: &str) -> Option<&'static Unsupported> {
    let find = |name: &str| TABLE.iter().find(|row| row.is(name));
    find(name).or_else(|| find(name.strip_suffix("_FILE")?))
}

/// Whether a variable is one of these.
pub fn knows(name: &str) -> bool {
    row(name).is_some()
}

/// What to tell of a variable, if it is one of these and asks for something; its value is never told.
pub fn finding(name: &str, env: &RawEnv) -> Option<Finding> {
    let row = row(name)?;
    let switched_off = env.text(name).is_some_and(|text| bool::from_text(text) == Ok(false));
    let when = if row.never { "has no effect" } else { "is not supported yet" };
    (!switched_off).then(|| Finding::warning(name, format!("{when}: {}", row.purpose)).hint(row.instead))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::contract::known_names;

    fn told(name: &str, text: &str) -> Option<String> {
        let env: RawEnv = [(name, text)].into_iter().collect();
        finding(name, &env).map(|finding| finding.to_string())
    }

    #[test]
    fn a_password_is_told_as_not_supported_and_never_shown() {
        for name in ["CASSANDRA_PASSWORD", "CASSANDRA_PASSWORD_FILE"] {
            let text = told(name, "hunter2").unwrap();
            assert!(text.starts_with(&format!("{name}: is not supported yet: the role cassandra keeps")), "{text}");
            assert!(text.contains("ALTER ROLE") && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_switch_that_is_off_asks_for_nothing() {
        assert!(knows("CASSANDRA_PASSWORD_SEEDER"));
        assert_eq!(told("CASSANDRA_PASSWORD_SEEDER", "no"), None);
        assert!(told("CASSANDRA_PASSWORD_SEEDER", "yes").is_some());
    }

    #[test]
    fn a_family_is_known_by_its_beginning_and_a_file_by_its_end() {
        assert!(told("CASSANDRA_CFG_ENV_MAX_HEAP_SIZE", "1G").is_some());
        assert!(told("CASSANDRA_SSL_CERT_FILE", "/x").is_some());
        assert!(!knows("CASSANDRA_PASSWORDS"));
    }

    #[test]
    fn what_is_not_supported_is_not_in_the_contract() {
        for row in TABLE {
            assert!(!known_names().any(|name| row.is(name)), "{}", row.name);
        }
    }
}
