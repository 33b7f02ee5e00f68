//! What keys say of each other: the rules of Cassandra's `DatabaseDescriptor` and of its loader for several keys at once.

use serde_yaml::Value;

use crate::cassandra::{Line, Version, schema};
use crate::config::validate::Problem;
use crate::config::yaml::{YamlDocument, YamlPath};

/// A document with the values that a rule asks for.
struct Rules<'a> {
    document: &'a YamlDocument,
    version: Version,
    problems: &'a mut Vec<Problem>,
}

/// Adds what the release would refuse in keys that are each valid.
pub(super) fn check(document: &YamlDocument, version: Version, problems: &mut Vec<Problem>) {
    let mut rules = Rules { document, version, problems };
    rules.mandatory();
    rules.one_name_each();
    rules.addresses();
    rules.commit_log();
    rules.seeds();
    rules.sstables();
    rules.second_port();
    rules.own_tables();
    rules.port_numbers();
}

impl Rules<'_> {
    /// A value that is there and not null.
    fn get(&self, path: &str) -> Option<&Value> {
        self.document.get(&path.parse().ok()?).filter(|value| !value.is_null())
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The first of some names of a setting that the file has.
    fn present<'k>(&self, names: &[&'k str]) -> Option<&'k str> {
        names.iter().copied().find(|name| self.get(name).is_some())
    }

    fn add(&mut self, key: &str, message: impl std::fmt::Display, hint: impl Into<String>) {
        self.problems.push(Problem::error(&YamlPath::key(key), message).hint(hint));
    }

    /// What has no usable default.
    fn mandatory(&mut self) {
        let keys = [
            ("partitioner", "partitioner: org.apache.cassandra.dht.Murmur3Partitioner"),
            ("commitlog_sync", "commitlog_sync: periodic with its period"),
        ];
        for (key, example) in keys {
            if self.get(key).is_none() {
                self.add(key, "is missing, and Cassandra has no default for it", format!("set {example}"));
            }
        }
        let located = self.version.line() >= Line::V6_0 && self.get("initial_location_provider").is_some();
        if self.get("endpoint_snitch").is_none() && !located {
            let message = "is missing, and Cassandra has no default for it";
            self.add("endpoint_snitch", message, "set endpoint_snitch: GossipingPropertyFileSnitch");
        }
    }

    /// Old and new name together are refused since 4.0 (YamlConfigurationLoader.verifyReplacements).
    fn one_name_each(&mut self) {
        let Some(map) = self.document.tree().as_mapping() else { return };
        let rows = map.keys().filter_map(|key| schema::row(key.as_str()?, self.version));
        for row in rows.filter(|row| row.alias_of.is_some_and(|new| map.contains_key(new))) {
            let new = row.alias_of.unwrap_or_default();
            let message = format!("is the old name of {new}, which is set too, and Cassandra refuses both together");
            self.problems.push(Problem::error(&YamlPath::key(row.key), message).hint("remove one of them"));
        }
    }

    /// `DatabaseDescriptor.applyAddressConfig`.
    fn addresses(&mut self) {
        for (address, interface) in [("listen_address", "listen_interface"), ("rpc_address", "rpc_interface")] {
            if self.text(address).is_some() && self.text(interface).is_some() {
                let message = format!("is set beside {address}, and Cassandra takes only one of them");
                self.add(interface, message, format!("remove {address} or {interface}"));
            }
        }
        for key in ["listen_address", "broadcast_address", "broadcast_rpc_address"] {
            if self.text(key).is_some_and(is_wildcard) {
                let message = "stands for every address, and Cassandra needs one here that others can reach";
                self.add(key, message, "give the node's own address");
            }
        }
        if self.text("rpc_address").is_some_and(is_wildcard) && self.text("broadcast_rpc_address").is_none() {
            let message = "stands for every address, and so needs broadcast_rpc_address";
            self.add("rpc_address", message, "set broadcast_rpc_address to the address that clients are told");
        }
    }

    /// `DatabaseDescriptor.applySimpleConfig`: each mode has its own period, and refuses that of another.
    fn commit_log(&mut self) {
        const PERIOD: [&str; 2] = ["commitlog_sync_period", "commitlog_sync_period_in_ms"];
        const GROUP: [&str; 2] = ["commitlog_sync_group_window", "commitlog_sync_group_window_in_ms"];
        const BATCH: [&str; 1] = ["commitlog_sync_batch_window_in_ms"];
        let period = self.present(&PERIOD).filter(|key| !self.is_zero(key));
        let new = self.version.line() >= Line::V4_1;
        let needed = |names: [&'static str; 2]| if new { names[0] } else { names[1] };
        let old = self.version.line() == Line::V3_11;
        match self.text("commitlog_sync") {
            Some("periodic") => {
                if period.is_none() {
                    let hint = format!("set {}, for example to 10000 ms", needed(PERIOD));
                    self.add(needed(PERIOD), "is missing, and commitlog_sync: periodic needs it", hint);
                }
                if old && let Some(batch) = self.present(&BATCH) {
                    self.add(batch, "belongs to commitlog_sync: batch, and the file says periodic", "remove it");
                }
            }
            Some(mode @ ("batch" | "group")) => {
                let mode = mode.to_owned();
                if let Some(period) = period {
                    let message = format!("belongs to commitlog_sync: periodic, and the file says {mode}");
                    self.add(period, message, "remove it");
                }
                if mode == "group" && self.present(&GROUP).is_none_or(|key| self.is_zero(key)) {
                    let hint = format!("set {}, for example to 1000 ms", needed(GROUP));
                    self.add(needed(GROUP), "is missing, and commitlog_sync: group needs it", hint);
                }
                if mode == "batch" && old && self.present(&BATCH).is_none() {
                    self.add(BATCH[0], "is missing, and commitlog_sync: batch needs it", "set it, for example to 2");
                }
            }
            _ => {}
        }
    }

    fn is_zero(&self, key: &str) -> bool {
        match self.get(key) {
            Some(Value::Number(number)) => number.as_f64() == Some(0.0),
            Some(Value::String(text)) => text.trim_end_matches(|c: char| c.is_alphabetic()).parse() == Ok(0_u64),
            _ => false,
        }
    }

    /// `DatabaseDescriptor.applySeedProvider`, and what `SimpleSeedProvider` needs.
    fn seeds(&mut self) {
        let (class, parameter) = match self.get("seed_provider") {
            None => {
                let hint = "set seed_provider with class_name and the parameter seeds";
                self.add("seed_provider", "is missing, and a node needs at least one seed", hint);
                return;
            }
            Some(Value::Sequence(_)) => ("seed_provider[0].class_name", "seed_provider[0].parameters[0].seeds"),
            Some(_) => ("seed_provider.class_name", "seed_provider.parameters.seeds"),
        };
        if self.text(class).is_some_and(|class| class.ends_with("SimpleSeedProvider")) {
            let listed = self.text(parameter).is_some_and(|seeds| seeds.split(',').any(|seed| !seed.trim().is_empty()));
            if !listed {
                self.add("seed_provider", "lists no seeds, and a node needs at least one", "set CASSANDRA_SEEDS");
            }
        }
    }

    /// Java's sockets take 16 bits; Cassandra finds out when it binds them.
    fn port_numbers(&mut self) {
        const PORTS: [&str; 5] =
            ["storage_port", "ssl_storage_port", "native_transport_port", "native_transport_port_ssl", "rpc_port"];
        for key in PORTS {
            let port = self.get(key).and_then(Value::as_i64);
            if let Some(port) = port.filter(|port| *port > 65_535) {
                self.add(key, format!("is '{port}', expected a port"), "ports go from 1 to 65535");
            }
        }
    }

    /// To take its own tables off, the converter of this old name needs what is only there once the file is read, and dies of it.
    fn own_tables(&mut self) {
        const OLD: &str = "table_count_warn_threshold";
        let Some(new) = schema::row(OLD, self.version).and_then(|row| row.alias_of) else { return };
        let Some(number) = self.get(OLD).and_then(Value::as_i64) else { return };
        let spelled = schema::spell(OLD, &schema::Value::Integer(number), self.version);
        let count = match spelled {
            schema::Spelling::Key { value: schema::Value::Integer(count), .. } => count,
            _ => number,
        };
        let message = format!("is an old name that Cassandra {} cannot read: it fails while it starts", self.version);
        self.add(OLD, message, format!("set {new}: {count}, which does not count Cassandra's own tables"));
    }

    /// `DatabaseDescriptor.applySSTableFormats`: older releases read no trie index.
    fn sstables(&mut self) {
        const MODE: &str = "storage_compatibility_mode";
        let Some(row) = schema::row(MODE, self.version) else { return };
        let mode = self.text(MODE).unwrap_or(row.default).to_owned();
        if mode == "CASSANDRA_4" && self.text("sstable.selected_format") == Some("bti") {
            let message = "selected_format bti cannot be read by Cassandra 4, which storage_compatibility_mode CASSANDRA_4 asks for";
            self.problems.push(
                Problem::error(&YamlPath::key("sstable").child("selected_format"), message)
                    .hint(format!("set {MODE}: NONE, or selected_format: big")),
            );
        }
    }

    /// A second native port speaks TLS, so there must be a certificate for it (`DatabaseDescriptor.applyAddressConfig`).
    fn second_port(&mut self) {
        const PORT: &str = "native_transport_port_ssl";
        if schema::row(PORT, self.version).is_none() {
            return;
        }
        let (Some(second), first) = (self.get(PORT), self.get("native_transport_port")) else { return };
        let same = first.and_then(Value::as_u64).unwrap_or(9042) == second.as_u64().unwrap_or_default();
        let enabled = self.get("client_encryption_options.enabled").and_then(Value::as_bool) == Some(true);
        if !same && !enabled {
            let hint = "set client_encryption_options.enabled: true with a keystore, or remove the second port";
            self.add(PORT, "needs client_encryption_options.enabled", hint);
        }
    }
}

fn is_wildcard(address: &str) -> bool {
    address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_unspecified())
}
