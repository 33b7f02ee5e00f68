//! What a start changes in the files of each line, under each profile: snapshots of changed lines only, and each said once.

use std::fmt::Write as _;

use crate::support::{Node, project};

const VERSIONS: [&str; 5] = ["3.11.19", "4.0.19", "4.1.10", "5.0.9", "6.0-alpha2"];
const PROFILES: [&str; 5] = ["native", "kubernetes-examples", "casskop", "official", "bitnami"];

/// The lines that a start would change in our own files of a release, without the node's own folders.
pub fn changes(node: Node, version: &str) -> Vec<String> {
    let line: String = version.split_inclusive(['.', '-']).take(2).collect();
    let conf = project().join("config-defaults").join(line.trim_end_matches(['.', '-'])).display().to_string();
    let arguments = ["render", "--diff", "--cassandra-version", version, "--conf", &conf];
    let node = node.env("MAX_HEAP_SIZE", "1G").arguments(&arguments);
    let folder = node.path("").display().to_string();
    let outcome = node.run().code(0);
    assert_eq!(outcome.stderr, "", "nothing here is a mistake");
    // How stores and passwords are hidden is another suite's; the new generation and direct memory depend on the machine.
    let other = |line: &str| {
        line.contains(&folder)
            || line.contains("_password:")
            || line.starts_with("-  keystore:")
            || line.contains("-Xmn")
            || line.contains("MaxDirectMemorySize")
    };
    let changed = |line: &&str| (line.starts_with('+') || line.starts_with('-')) && !other(line);
    outcome.stdout.lines().filter(changed).map(str::to_owned).collect()
}

/// A node under a profile, with variables.
pub fn profile(name: &str, variables: &[(&str, &str)]) -> Node {
    let node = Node::new().env("CASSANDRA_INIT_PROFILE", name);
    variables.iter().fold(node, |node, (name, value)| node.env(name, value))
}

/// Lines that stand under a heading only once, however many releases and profiles they are about.
#[derive(Default)]
struct Page(Vec<(String, Vec<(&'static str, &'static str)>)>);

impl Page {
    fn add(&mut self, profile: &'static str, version: &'static str, lines: &[String]) {
        let text = lines.join("\n");
        match self.0.iter_mut().find(|(known, _)| *known == text) {
            Some((_, of)) => of.push((profile, version)),
            None => self.0.push((text, vec![(profile, version)])),
        }
    }

    fn write(&self) -> String {
        let mut page = String::new();
        for (text, of) in &self.0 {
            let versions = |profile: &str| {
                let own = of.iter().filter(|(known, _)| *known == profile).map(|(_, version)| *version);
                own.collect::<Vec<_>>()
            };
            let mut heads: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
            for (profile, versions) in PROFILES.map(|profile| (profile, versions(profile))) {
                match heads.iter_mut().find(|(_, known)| *known == versions) {
                    Some((profiles, _)) => profiles.push(profile),
                    None => heads.push((vec![profile], versions)),
                }
            }
            for (profiles, versions) in heads.iter().filter(|(_, versions)| !versions.is_empty()) {
                let all = versions.len() == VERSIONS.len();
                let versions = if all { "every release".to_owned() } else { versions.join(", ") };
                let _ = writeln!(page, "# {}: {versions}", profiles.join(", "));
            }
            let _ = writeln!(page, "{}\n", if text.is_empty() { "(nothing)" } else { text });
        }
        page
    }
}

fn without(lines: Vec<String>, known: &[String]) -> Vec<String> {
    lines.into_iter().filter(|line| !known.contains(line)).collect()
}

/// What variables do, beside what the profile does without them.
fn page(variables: &[(&str, &str)]) -> String {
    let mut page = Page::default();
    for profile_name in PROFILES {
        for version in VERSIONS {
            let plain = changes(profile(profile_name, &[]), version);
            page.add(profile_name, version, &without(changes(profile(profile_name, variables), version), &plain));
        }
    }
    page.write()
}

/// Our own defaults as they are, and of every other profile what it does beside them.
#[test]
fn the_defaults_of_each_profile_on_each_line() {
    let mut page = Page::default();
    for version in VERSIONS {
        let native = changes(profile("native", &[]), version);
        page.add("native", version, &native);
        for name in PROFILES.into_iter().skip(1) {
            let own = changes(profile(name, &[]), version);
            assert!(native.iter().all(|line| own.contains(line)), "{name} lacks what every container needs");
            page.add(name, version, &without(own, &native));
        }
    }
    insta::assert_snapshot!(page.write());
}

#[test]
fn the_variables_of_a_stateful_set_under_each_profile_on_each_line() {
    insta::assert_snapshot!(page(&[
        ("CASSANDRA_CLUSTER_NAME", "prod"),
        ("CASSANDRA_SEEDS", "10.0.0.8,10.0.0.9"),
        ("CASSANDRA_DC", "dc7"),
        ("CASSANDRA_RACK", "r7"),
        ("CASSANDRA_NUM_TOKENS", "8"),
        ("POD_IP", "10.0.0.7"),
    ]));
}

#[test]
fn renamed_nested_and_listed_keys_under_each_profile_on_each_line() {
    insta::assert_snapshot!(page(&[
        ("CASSANDRA_KEY_CACHE_SIZE_IN_MB", "64"),
        ("CASSANDRA_COMPACTION_THROUGHPUT_MB_PER_SEC", "32"),
        ("CASSANDRA_YAML_read_request_timeout_in_ms", "7000"),
        ("CASSANDRA_YAML_server_encryption_options__internode_encryption", "dc"),
        ("CASSANDRA_YAML_hinted_handoff_disabled_datacenters", "[\"dc1\", \"dc2\"]"),
        ("CASSANDRA_RACKDC_prefer_local", "true"),
        ("CASSANDRA_JVM_OPTIONS", "-Xss512k\n-Dcassandra.ring_delay_ms=5000"),
    ]));
}
