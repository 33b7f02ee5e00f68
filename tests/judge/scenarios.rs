//! Whole starts, as people configure them, rendered for every release over our own files and the stock ones: Cassandra
//! reads each result and gets what it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;
use tempfile::TempDir;

use crate::compare::{differences, explained_otherwise};
use crate::defaults::{shipped, stock};
use crate::java::{self, Release};
use crate::loader::load;
use crate::support::{binary, project};

type Environment = Vec<(String, String)>;

/// One start: its variables, and what Cassandra must get in every line.
pub struct Scenario {
    name: String,
    environment: Environment,
    expected: Vec<(String, String)>,
}

impl Scenario {
    /// A start by its variables; an empty one is left unset.
    pub fn new(name: &str, environment: &[(&str, &str)], expected: &[(&str, &str)]) -> Self {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Self { name: name.to_owned(), environment: owned(environment), expected: owned(expected) }
    }
}

const SEEDS: &str = "seed_provider.parameters.seeds";

fn scenarios() -> Vec<Scenario> {
    let mut all = vec![
        Scenario::new("nothing set", &[], &[("cluster_name", "Test Cluster"), ("listen_address", "10.244.0.10")]),
        Scenario::new(
            "names and places",
            &[
                ("CASSANDRA_CLUSTER_NAME", "it's: a #1 cluster"),
                ("CASSANDRA_SEEDS", "10.0.0.1,10.0.0.2"),
                ("CASSANDRA_DC", "Zürich"),
                ("CASSANDRA_RACK", "r1"),
                ("CASSANDRA_NUM_TOKENS", "8"),
            ],
            &[
                ("cluster_name", "it's: a #1 cluster"),
                (SEEDS, "10.0.0.1,10.0.0.2"),
                ("endpoint_snitch", "GossipingPropertyFileSnitch"),
                ("num_tokens", "8"),
            ],
        ),
        Scenario::new(
            "addresses",
            &[
                ("CASSANDRA_LISTEN_ADDRESS", "10.0.0.3"),
                ("CASSANDRA_BROADCAST_ADDRESS", "10.0.0.4"),
                ("CASSANDRA_RPC_ADDRESS", "0.0.0.0"),
                ("CASSANDRA_BROADCAST_RPC_ADDRESS", "10.0.0.5"),
            ],
            &[
                ("listen_address", "10.0.0.3"),
                ("broadcast_address", "10.0.0.4"),
                ("rpc_address", "0.0.0.0"),
                ("broadcast_rpc_address", "10.0.0.5"),
            ],
        ),
        Scenario::new(
            "interfaces",
            &[("POD_IP", ""), ("CASSANDRA_LISTEN_INTERFACE", "lo"), ("CASSANDRA_RPC_INTERFACE", "lo")],
            &[("listen_interface", "lo"), ("listen_address", ""), ("rpc_interface", "lo"), ("rpc_address", "")],
        ),
        Scenario::new(
            "keys under the names of 3.11",
            &[
                ("CASSANDRA_DISK_OPTIMIZATION_STRATEGY", "spinning"),
                ("CASSANDRA_KEY_CACHE_SIZE_IN_MB", "100"),
                ("CASSANDRA_COUNTER_CACHE_SIZE_IN_MB", "50"),
                ("CASSANDRA_CONCURRENT_READS", "64"),
                ("CASSANDRA_CONCURRENT_WRITES", "65"),
                ("CASSANDRA_MEMTABLE_CLEANUP_THRESHOLD", "0.2"),
                ("CASSANDRA_MEMTABLE_ALLOCATION_TYPE", "offheap_objects"),
                ("CASSANDRA_MEMTABLE_FLUSH_WRITERS", "3"),
                ("CASSANDRA_CONCURRENT_COMPACTORS", "4"),
                ("CASSANDRA_COMPACTION_THROUGHPUT_MB_PER_SEC", "128"),
                ("CASSANDRA_INTERNODE_COMPRESSION", "all"),
                ("CASSANDRA_GC_WARN_THRESHOLD_IN_MS", "2000"),
                ("CASSANDRA_AUTO_BOOTSTRAP", "false"),
            ],
            &[
                ("disk_optimization_strategy", "spinning"),
                ("concurrent_reads", "64"),
                ("memtable_allocation_type", "offheap_objects"),
                ("memtable_cleanup_threshold", "0.2"),
                ("internode_compression", "all"),
                ("auto_bootstrap", "false"),
            ],
        ),
    ];
    all.extend(profiles().into_iter().map(|profile| {
        Scenario::new(
            &format!("profile {profile}"),
            &[("CASSANDRA_INIT_PROFILE", &profile), ("CASSANDRA_CLUSTER_NAME", "p"), ("CASSANDRA_SEEDS", "10.9.8.7")],
            &[("cluster_name", "p"), (SEEDS, "10.9.8.7")],
        )
    }));
    all.extend(manifests());
    all
}

/// The names of the profiles that are there.
fn profiles() -> Vec<String> {
    let files = fs::read_dir(project().join("config-defaults/profiles")).unwrap().flatten();
    let mut names: Vec<String> =
        files.map(|file| file.path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert!(names.len() >= 3, "{names:?}");
    names
}

/// The seeds' manifests, with the variables of their container.
fn manifests() -> Vec<Scenario> {
    let mut found = Vec::new();
    for entry in fs::read_dir(project().join("tests/seeds")).unwrap().flatten() {
        for document in fs::read_to_string(entry.path()).unwrap().split("\n---\n") {
            let object: Value = serde_yaml::from_str(document).unwrap();
            let Some(list) = object["spec"]["template"]["spec"]["containers"][0]["env"].as_sequence() else {
                continue;
            };
            let environment: Environment = list.iter().filter_map(variable).collect();
            let named = environment.iter().find(|(name, _)| name == "CASSANDRA_CLUSTER_NAME");
            let expected = named.map(|(_, value)| ("cluster_name".to_owned(), value.clone())).into_iter().collect();
            let name = entry.file_name().into_string().unwrap();
            found.push(Scenario { name, environment, expected });
        }
    }
    assert!(found.len() >= 5, "the seeds' manifests are read");
    found
}

/// A variable of a manifest's container; what the kubelet fills in is filled in.
fn variable(entry: &Value) -> Option<(String, String)> {
    let name = entry["name"].as_str()?.to_owned();
    let value = match entry["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
        Some("status.podIP") => "10.244.0.10",
        Some("metadata.namespace") => "default",
        Some("metadata.name") => "cassandra-0",
        Some(other) => panic!("{name}: the kubelet's field {other}"),
        None => entry["value"].as_str()?,
    };
    Some((name, value.to_owned()))
}

/// A conf folder with the stock files of a release's line: as shipped where they are at hand, else the values alone.
fn stock_conf(release: &Release, folder: &Path) -> PathBuf {
    shipped(release.version.line()).unwrap_or_else(|| {
        eprintln!("Cassandra {}: the shipped files are not here, their values stand for them", release.name);
        fs::write(folder.join("cassandra.yaml"), stock(release)).unwrap();
        folder.to_owned()
    })
}

/// Runs a subcommand for a scenario, with nothing of this machine but the binary; what it printed.
pub fn run(release: &Release, scenario: &Scenario, conf: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(binary());
    command.args(arguments).args(["--cassandra-version", &release.name, "--conf"]).arg(conf);
    let nothing = TempDir::new().unwrap();
    command.env_clear().env("POD_IP", "10.244.0.10").env("MAX_HEAP_SIZE", "1G").env("HEAP_NEWSIZE", "200M");
    command.env("CASSANDRA_DATA", "/var/lib/cassandra").env("CASSANDRA_CONFIG_OVERLAY", nothing.path());
    for (name, value) in &scenario.environment {
        if value.is_empty() {
            command.env_remove(name)
        } else {
            command.env(name, value)
        };
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} for {}: {said}", scenario.name, release.name);
    String::from_utf8(output.stdout).unwrap()
}

/// Renders all scenarios over `conf` for one release, has them loaded, and returns how many.
fn judge(release: &Release, scenarios: &[Scenario], conf: &Path) -> usize {
    let results = TempDir::new().unwrap();
    let render = |(at, scenario): (usize, &Scenario)| {
        let folder = results.path().join(at.to_string());
        run(release, scenario, conf, &["render", "--output", folder.to_str().unwrap()]);
        folder.join("cassandra.yaml")
    };
    let files: Vec<PathBuf> = scenarios.iter().enumerate().map(render).collect();
    for ((scenario, file), loaded) in scenarios.iter().zip(&files).zip(load(release, &files)) {
        let place = format!("{} for {} over {}", scenario.name, release.name, conf.display());
        let loaded = loaded.unwrap_or_else(|message| panic!("{place}: {message}"));
        let document: Value = serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let mut differences = differences(release.version, &document, &loaded);
        // JSON is YAML, too.
        let explained = run(release, scenario, conf, &["explain", "--format", "json"]);
        let explained: Value = serde_yaml::from_str(&explained).unwrap();
        differences.extend(explained_otherwise(release.version, &explained, &loaded));
        assert!(differences.is_empty(), "{place}\n{}", differences.join("\n"));
        for (path, value) in &scenario.expected {
            assert_eq!(&loaded[path].value, value, "{path} of {place}");
        }
    }
    files.len()
}

#[test]
fn every_release_reads_every_start_over_our_files() {
    let (scenarios, nothing) = (scenarios(), TempDir::new().unwrap());
    for release in java::releases() {
        let count = judge(release, &scenarios, nothing.path());
        assert_eq!(count, scenarios.len());
        eprintln!("Cassandra {}: {count} starts over our files", release.name);
    }
}

#[test]
fn every_release_reads_every_start_over_the_stock_files() {
    let scenarios = scenarios();
    for release in java::releases() {
        let folder = TempDir::new().unwrap();
        let count = judge(release, &scenarios, &stock_conf(release, folder.path()));
        assert_eq!(count, scenarios.len());
        eprintln!("Cassandra {}: {count} starts over the stock files", release.name);
    }
}
