//! The fuzz targets over their kept corpus and over mutations of it: always the same ones, so that a failure stays.
//!
//! `FUZZ_MUTATIONS` says how many for each target. cargo-fuzz drives the same targets with coverage, see fuzz/Cargo.toml.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test that cannot go on says so by panicking"
)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

#[path = "../../fuzz/targets.rs"]
mod targets;

/// What the formats are made of.
const TOKENS: [&str; 40] = [
    "\n",
    "\r\n",
    ": ",
    "- ",
    " #",
    "# ",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "|\n",
    ">-\n",
    "  ",
    "\t",
    "\\",
    "\\u00e9",
    "\\\n",
    "=",
    "on",
    "017",
    "1_000",
    "12:30",
    "~",
    "é",
    "&a",
    "*a",
    "!!str",
    "<<",
    "---\n",
    "...\n",
    "[0]",
    ".",
    "-Xmx1g",
    "-XX:+",
    "CASSANDRA_",
    "_PASSWORD=",
    "a: 1\n",
];

/// Numbers by xorshift, the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides.max(1)).unwrap()).unwrap()
    }

    /// One to eight small changes of the bytes; `other` is a text to take a piece of.
    fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.throw(8) {
            let at = self.throw(bytes.len() + 1);
            let end = (at + self.throw(12)).min(bytes.len());
            match self.throw(6) {
                0 => drop(bytes.drain(at..end)),
                1 => {
                    let token = TOKENS[self.throw(TOKENS.len())];
                    drop(bytes.splice(at..at, token.bytes()));
                }
                2 => {
                    let token = TOKENS[self.throw(TOKENS.len())];
                    drop(bytes.splice(at..end, token.bytes()));
                }
                3 => {
                    let piece = bytes[at..end].to_vec();
                    let to = self.throw(bytes.len() + 1);
                    drop(bytes.splice(to..to, piece));
                }
                4 => {
                    let from = self.throw(other.len() + 1);
                    let until = (from + self.throw(40)).min(other.len());
                    drop(bytes.splice(at..at, other[from..until].iter().copied()));
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = u8::try_from(32 + self.throw(95)).unwrap();
                    }
                }
            }
        }
    }
}

fn drive(name: &str) {
    let target = targets::TARGETS.iter().find(|(known, _)| *known == name).unwrap().1;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let corpus: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!corpus.is_empty(), "{} is empty", folder.display());
    let check = |bytes: &[u8]| {
        let held = catch_unwind(AssertUnwindSafe(|| target(bytes))).is_ok();
        assert!(held, "{name} fails on these bytes:\n{}", String::from_utf8_lossy(bytes));
    };
    for bytes in &corpus {
        check(bytes);
    }
    let mutations = std::env::var("FUZZ_MUTATIONS").map_or(2000, |count| count.parse().unwrap());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..mutations {
        let mut bytes = corpus[dice.throw(corpus.len())].clone();
        let other = dice.throw(corpus.len());
        dice.mutate(&mut bytes, &corpus[other]);
        check(&bytes);
    }
    println!("{name}: {} files and {mutations} mutations of them", corpus.len());
}

#[test]
fn yaml_documents_are_edited_right_or_not_at_all() {
    drive("yaml");
}

#[test]
fn properties_are_edited_right() {
    drive("properties");
}

#[test]
fn jvm_options_are_edited_right() {
    drive("jvm_options");
}

#[test]
fn an_environment_is_read_or_told_about_without_its_secrets() {
    drive("env");
}

#[test]
fn a_path_is_written_as_it_was_read() {
    drive("yaml_path");
}

#[test]
fn a_keystore_is_read_or_refused() {
    drive("keystore");
}

#[test]
fn any_cql_server_ends_in_a_clear_answer() {
    drive("cql");
}

#[test]
fn any_jmx_server_ends_in_a_clear_answer() {
    drive("jmx");
}

#[test]
fn values_that_java_wrote_are_read_or_refused() {
    drive("java_values");
}

#[test]
fn what_is_said_to_pid_1_is_answered_once_and_whole() {
    drive("asked");
}

#[test]
fn the_kept_servers_are_understood() {
    let kept = |name: &str| fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name)).unwrap();
    let cql = |name: &str| format!("{:?}", targets::cql_answer(&kept(name)));
    for name in ["cql/ready", "cql/framed", "cql/frames"] {
        assert_eq!(cql(name), "Ok(Ready { bootstrapped: Some(\"COMPLETED\") })", "{name}");
    }
    assert_eq!(cql("cql/overloaded"), "Ok(Ready { bootstrapped: None })");
    assert_eq!(cql("cql/authenticate"), "Ok(Authenticate(\"org.apache.cassandra.auth.PasswordAuthenticator\"))");
    let jmx =
        |name: &str| targets::jmx_answer(&kept(name)).map_or_else(|error| error.to_string(), |it| format!("{it:?}"));
    assert_eq!(jmx("jmx/text"), "Text(\"NORMAL\")");
    assert_eq!(jmx("jmx/boolean"), "Boolean(true)");
    assert_eq!(jmx("jmx/array"), "List([Text(\"10.0.0.1\"), Text(\"10.0.0.2\")])");
    for (name, end) in [
        ("jmx/refused", ": refused: Authentication failed!"),
        ("jmx/missing", ": no bean org.apache.cassandra.db:type=StorageService"),
        ("jmx/tls", ": not a JMX server without TLS: the entry is reached over TLS"),
    ] {
        assert!(jmx(name).ends_with(end), "{}", jmx(name));
    }
}
