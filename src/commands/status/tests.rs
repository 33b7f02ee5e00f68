//! The screen and the JSON of nodes in every state, as snapshots.

use std::time::Duration;

use super::facts::{Fact, Facts, Source, Value};
use super::{json, redrawn, screen};

const KIB: u64 = 1024;

fn with(facts: &mut Facts, texts: &[(Fact, &str)]) {
    for (fact, text) in texts {
        facts.text(*fact, Some(*text));
    }
}

fn times(facts: &mut Facts, times: &[(Fact, u64)]) {
    for (fact, millis) in times {
        facts.know(*fact, Value::Time(Duration::from_millis(*millis)));
    }
}

fn numbers(facts: &mut Facts, numbers: &[(Fact, u64)]) {
    for (fact, number) in numbers {
        facts.number(*fact, Some(*number));
    }
}

/// What PID 1 says of a node in a phase, and what does not apply to most of them.
fn node(phase: &str, since: u64) -> Facts {
    let mut facts = Facts::default();
    let applies = [("stopping", Fact::StopBy), ("stopping", Fact::StopSeconds), ("stopping", Fact::StopLeft)];
    let never = [Fact::Drained, Fact::Silent, Fact::DrainAnnounced];
    let of_probes = Fact::ALL.iter().filter(|fact| fact.name().0 == "probes");
    let other = applies.iter().filter(|(when, _)| *when != phase).map(|(_, fact)| fact);
    for fact in never.iter().chain(of_probes).chain(other) {
        facts.if_any(*fact, None);
    }
    with(&mut facts, &[(Fact::Phase, phase), (Fact::InitVersion, "0.1.0"), (Fact::Profile, "native")]);
    with(&mut facts, &[(Fact::NativeTransport, "10.0.0.1:9042"), (Fact::JmxAddress, "127.0.0.1:7199")]);
    with(&mut facts, &[(Fact::JvmState, "sleeps"), (Fact::Release, "5.0.9"), (Fact::DataRoot, "/cassandra_data")]);
    times(&mut facts, &[(Fact::PhaseSeconds, since), (Fact::InitUptime, since + 12_500)]);
    times(&mut facts, &[(Fact::JvmUptime, since + 11_000)]);
    let memory = [(Fact::MemoryUsed, 1_900_000 * KIB), (Fact::MemoryLimit, 4 << 30), (Fact::Resident, 1 << 30)];
    numbers(&mut facts, &memory);
    numbers(&mut facts, &[(Fact::JvmPid, 17), (Fact::Free, 80 << 30), (Fact::Size, 100 << 30)]);
    let boot = [("settings", 12), ("hook", 1_500), ("plan", 9), ("files", 21), ("ownership", 3), ("launch", 0)];
    let boot = boot.map(|(name, millis)| (name.to_owned(), Duration::from_millis(millis)));
    facts.know(Fact::Boot, Value::Times(boot.to_vec()));
    facts.know(Fact::Seeds, Value::List(vec!["cs-0.cs".into(), "cs-1.cs".into()]));
    facts
}

/// What Cassandra itself says.
fn of_cassandra(facts: &mut Facts, mode: &str) {
    with(facts, &[(Fact::Mode, mode), (Fact::Cluster, "k8s"), (Fact::Datacenter, "dc1"), (Fact::Rack, "r1")]);
    with(facts, &[(Fact::HostId, "cf2ced11-18d6-4021-b773-0486b19311b9"), (Fact::JvmVersion, "17.0.15+6")]);
    with(facts, &[(Fact::Listen, "10.0.0.1"), (Fact::Broadcast, "10.0.0.1"), (Fact::Rpc, "0.0.0.0")]);
    with(facts, &[(Fact::BroadcastRpc, "10.0.0.1")]);
    numbers(facts, &[(Fact::Tokens, 16), (Fact::NodesUp, 3), (Fact::NodesDown, 1), (Fact::Load, 117_453)]);
    numbers(facts, &[(Fact::HeapUsed, 217 << 20), (Fact::HeapMax, 512 << 20)]);
    numbers(facts, &[(Fact::Compactions, 1), (Fact::Hints, 0), (Fact::Streams, 0)]);
}

fn ready(facts: &mut Facts, yes: bool, reason: &str) {
    facts.know(Fact::Ready, Value::Truth(yes));
    facts.text(Fact::Reason, Some(reason));
}

fn normal() -> Facts {
    let mut facts = node("serving", 8_000_000);
    of_cassandra(&mut facts, "NORMAL");
    ready(&mut facts, true, "10.0.0.1:9042 serves CQL");
    times(&mut facts, &[(Fact::ServedAfter, 9_540)]);
    facts
}

const REFUSED: &str = "10.0.0.1:9042: cannot connect: connection refused";

fn states() -> Vec<(&'static str, Facts)> {
    let mut starting = node("starting", 3_200);
    with(&mut starting, &[(Fact::Mode, "STARTING")]);
    ready(&mut starting, false, &format!("the node is starting; {REFUSED}"));
    starting.trouble(Source::Cql, REFUSED);
    starting.trouble(Source::Jmx, "127.0.0.1:7199: no bean org.apache.cassandra.db:type=StorageService");
    starting.if_any(Fact::ServedAfter, None);

    let mut joining = node("starting", 5_400_000);
    of_cassandra(&mut joining, "JOINING");
    ready(&mut joining, false, &format!("the node is joining; {REFUSED}"));
    joining.if_any(Fact::ServedAfter, None);
    let mut probed = normal();
    probed.know(Fact::LivenessYes, Value::Truth(true));
    with(&mut probed, &[(Fact::LivenessReason, "Cassandra runs as process 17")]);
    times(&mut probed, &[(Fact::LivenessAgo, 1_250)]);

    let mut draining = node("serving", 900_000);
    of_cassandra(&mut draining, "DRAINING");
    ready(&mut draining, false, &format!("the node is draining; {REFUSED}"));
    times(&mut draining, &[(Fact::ServedAfter, 9_540), (Fact::DrainAnnounced, 2_000)]);

    let mut stopping = node("stopping", 12_000);
    of_cassandra(&mut stopping, "DRAINING");
    with(&mut stopping, &[(Fact::StopBy, "SIGTERM")]);
    times(&mut stopping, &[(Fact::StopSeconds, 12_000), (Fact::StopLeft, 108_000), (Fact::ServedAfter, 9_540)]);
    ready(&mut stopping, false, "the node is stopping");

    let mut drained = node("serving", 90_000_000);
    of_cassandra(&mut drained, "DRAINED");
    times(&mut drained, &[(Fact::ServedAfter, 9_540), (Fact::Drained, 61_000)]);
    ready(&mut drained, false, &format!("the node is drained, and serves again only after a restart; {REFUSED}"));

    let mut wedged = node("serving", 400_000);
    let late = |port: u16| format!("127.0.0.1:{port}: no answer within 2.7s");
    ready(&mut wedged, false, &late(9042));
    times(&mut wedged, &[(Fact::ServedAfter, 9_540), (Fact::Silent, 75_000)]);
    wedged.trouble(Source::Cql, late(9042));
    wedged.trouble(Source::Jmx, late(7199));

    let mut no_jmx = node("serving", 8_000_000);
    ready(&mut no_jmx, true, "10.0.0.1:9042 serves CQL (org.apache.cassandra.auth.PasswordAuthenticator)");
    no_jmx.trouble(Source::Cql, "the node tells it only to users who log in");
    no_jmx.trouble(Source::Jmx, "127.0.0.1:7199: refused: Authentication failed! Credentials required");
    with(&mut no_jmx, &[(Fact::Cluster, "k8s"), (Fact::Listen, "10.0.0.1")]);

    vec![
        ("starting", starting),
        ("joining", joining),
        ("normal", probed),
        ("draining", draining),
        ("stopping", stopping),
        ("drained", drained),
        ("wedged", wedged),
        ("no_jmx", no_jmx),
    ]
}

#[test]
fn every_state_has_its_screen_of_less_than_24_lines() {
    for (name, facts) in states() {
        let text = screen::screen(&facts, false);
        insta::assert_snapshot!(name, text);
        assert!(text.lines().count() < 24, "{name}");
        assert!(text.lines().all(|line| line.chars().count() <= 100 && line.trim_end() == line), "{name}:\n{text}");
        let line = screen::line(&facts, false);
        assert!(line.starts_with(text.lines().next().unwrap()) && line.lines().count() == 1, "{name}");
    }
}

#[test]
fn colours_change_nothing_but_the_headline() {
    for (name, facts) in states() {
        let (plain, painted) = (screen::screen(&facts, false), screen::screen(&facts, true));
        assert!(!plain.contains('\x1b'));
        assert!(painted.starts_with("\x1b[1;"), "{name}");
        assert!(plain.lines().skip(1).eq(painted.lines().skip(1)), "{name}");
    }
}

/// docs/status.md describes every field that there is, and no other.
#[test]
fn json_has_the_fields_that_its_document_describes() {
    let page = include_str!("../../../docs/status.md");
    let described: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .filter(|name| name.contains('.') || matches!(*name, "version"))
        .collect();
    let mut expected = vec!["version".to_owned()];
    expected.extend(Fact::ALL.iter().map(|fact| format!("{}.{}", fact.name().0, fact.name().1)));
    expected.extend(["unknown[].fact".to_owned(), "unknown[].reason".to_owned()]);
    assert_eq!(described, expected);
    for (name, facts) in states() {
        let text = json::write(&facts, false);
        // JSON is YAML.
        let tree: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(tree["version"].as_u64(), Some(1));
        let gaps: Vec<&str> = facts.gaps().map(|(_, reason)| reason).collect();
        let unknown = tree["unknown"].as_sequence().unwrap();
        assert_eq!(unknown.len(), gaps.len(), "{name}");
        for fact in Fact::ALL {
            let (group, field) = fact.name();
            let value = tree[group].get(field).unwrap_or_else(|| panic!("{group}.{field}"));
            assert_eq!(value.is_null(), facts.get(*fact).is_none(), "{name}: {group}.{field}");
        }
        let on_one_line = json::write(&facts, true);
        assert_eq!(on_one_line.matches('\n').count(), 1);
        assert_eq!(serde_yaml::from_str::<serde_yaml::Value>(&on_one_line).unwrap(), tree, "{name}");
    }
}

#[test]
fn a_normal_node_in_json() {
    insta::assert_snapshot!("normal_json", json::write(&normal(), false));
}

#[test]
fn a_watch_draws_over_its_last_screen_and_leaves_the_terminal_as_it_was() {
    assert_eq!(redrawn("one\ntwo\n", 0), "\x1b[?7lone\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[?7h");
    assert_eq!(redrawn("one\n", 2), "\x1b[?7l\x1b[2A\rone\x1b[K\n\x1b[J\x1b[?7h");
}
