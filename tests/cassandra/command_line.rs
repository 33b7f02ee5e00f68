//! What `java-command` says a start will execute, beside what the running JVM of a real 5.0 says it was given.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;

use crate::attach::{flags, properties};
use crate::real::{RealNode, alone, signal};
use crate::support::binary;

/// What HotSpot leaves off on a host with one memory node, whatever it was told.
const OF_THE_HOST: [&str; 1] = ["UseNUMA"];

/// The number of a size such as `16m`.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok().map(|number| number << shift)
}

/// The flag that an option of the launcher stands for, and its value.
fn launcher_flag(option: &str) -> Option<(&'static str, String)> {
    let bytes = |size: &str| bytes(size).expect("a size");
    if let Some(size) = option.strip_prefix("-Xmx") {
        return Some(("MaxHeapSize", bytes(size).to_string()));
    }
    if let Some(size) = option.strip_prefix("-Xms") {
        return Some(("InitialHeapSize", bytes(size).to_string()));
    }
    option.strip_prefix("-Xss").map(|size| ("ThreadStackSize", (bytes(size) / 1024).to_string()))
}

/// What a command line asks for: flags and system properties, of two the later.
fn asked(words: &[&str]) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let (mut flags, mut properties) = (BTreeMap::new(), BTreeMap::new());
    for word in words {
        if let Some((name, value)) = launcher_flag(word) {
            flags.insert(name.to_owned(), value);
        } else if let Some(flag) = word.strip_prefix("-XX:") {
            let (name, value) = match (flag.strip_prefix('+'), flag.strip_prefix('-'), flag.split_once('=')) {
                (Some(name), ..) => (name, "true"),
                (_, Some(name), _) => (name, "false"),
                (.., Some(pair)) => pair,
                _ => panic!("{word}"),
            };
            flags.insert(name.to_owned(), value.to_owned());
        } else if let Some(property) = word.strip_prefix("-D") {
            let (name, value) = property.split_once('=').unwrap_or((property, ""));
            properties.insert(name.to_owned(), value.to_owned());
        }
    }
    (flags, properties)
}

#[test]
fn the_running_5_0_has_the_flags_and_properties_that_java_command_tells() {
    let _alone = alone();
    let node = RealNode::new()
        .with("JVM_OPTS", "-Dfirst=1 -Dboth=files")
        .with("JVM_EXTRA_OPTS", "-XX:TieredStopAtLevel=1 -Dboth=extra -XX:MaxGCPauseMillis=333")
        .with("CASSANDRA_JVM_OPTIONS", "-XX:ParallelGCThreads=2\n-Dcassandra.available_processors=2")
        .with("CASSANDRA_GC_STDOUT", "true");
    // Before the start: its data is empty then, as it is for the start.
    let told = node.command(&binary(), &["java-command"]).code(0).stdout;
    // numactl stands before it where this machine has one.
    let words: Vec<&str> = told.lines().skip_while(|word| !word.ends_with("/bin/java")).skip(1).collect();
    let (asked_flags, asked_properties) = asked(&words);
    assert!(asked_flags.len() > 10 && asked_properties.len() > 10, "{told}");
    assert_eq!((asked_flags["MaxGCPauseMillis"].as_str(), asked_properties["both"].as_str()), ("333", "extra"));
    let mut start = node.start("command-line.log");
    node.wait_ready(&mut start);
    let pid = start.jvm();
    // The process itself was started by these words.
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    assert_eq!(line.trim_end_matches('\0').split('\0').skip(1).collect::<Vec<_>>(), words);
    let jcmd = |command: &[&str]| node.inside(&start, &[&["jcmd"], command].concat()).code(0).stdout;
    let real_flags = flags(&jcmd(&["VM.flags", "-all"]));
    let real_properties = properties(&jcmd(&["VM.system_properties"]));
    assert!(real_flags.len() > 300, "{real_flags:?}");
    let mut wrong = Vec::new();
    for (name, value) in &asked_flags {
        let real = real_flags.get(name);
        let same =
            real == Some(value) || real.is_some_and(|real| bytes(value).is_some() && bytes(real) == bytes(value));
        if !same && !OF_THE_HOST.contains(&name.as_str()) {
            wrong.push(format!("-XX {name}: told {value}, is {real:?}"));
        }
    }
    for (name, value) in &asked_properties {
        if real_properties.get(name) != Some(value) {
            wrong.push(format!("-D{name}: told {value}, is {:?}", real_properties.get(name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let class_path = words[words.iter().position(|word| *word == "-cp").unwrap() + 1];
    assert_eq!(real_properties["java.class.path"], class_path);
    signal(start.init(), Signal::SIGTERM);
    assert_eq!(start.wait(), 0);
}
