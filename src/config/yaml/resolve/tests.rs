//! A table of scalars, and SnakeYAML itself where it is at hand.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;
use crate::config::yaml::{YamlDocument, YamlPath};

#[test]
fn words_are_what_snakeyaml_says() {
    for yes in ["yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"] {
        assert_eq!(resolve(yes), Value::Bool(true), "{yes}");
    }
    for no in ["no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"] {
        assert_eq!(resolve(no), Value::Bool(false), "{no}");
    }
    for null in ["", "~", "null", "Null", "NULL"] {
        assert_eq!(resolve(null), Value::Null, "{null}");
    }
    for text in ["y", "n", "Y", "N", "oN", "tRue", "nULL", "none", "=", "<<", "~x", "nan", "inf", "2001-12-14"] {
        assert_eq!(resolve(text), Value::from(text), "{text}");
    }
}

#[test]
fn whole_numbers_are_what_snakeyaml_says() {
    for (text, number) in [
        ("0", 0),
        ("-0", 0),
        ("+1", 1),
        ("1_000", 1000),
        ("1__0_", 10),
        ("017", 15),
        ("-017", -15),
        ("0_7", 7),
        ("0x1f", 31),
        ("-0x1F", -31),
        ("0x_1_f", 31),
        ("0b101", 5),
        ("0b1_0", 2),
        ("1:30", 90),
        ("12:30:45", 45045),
        ("190:20:30", 685_230),
        ("-1:0", -60),
        ("9223372036854775807", i64::MAX),
    ] {
        assert_eq!(resolve(text), Value::from(number), "{text}");
    }
    assert_eq!(resolve("18446744073709551615"), Value::from(u64::MAX));
    for text in
        ["08", "09", "0_", "0x", "0x_", "0b", "0b2", "0o14", "1:60", "1:5:", "0:30", "_1", "+", "-", "1k", "0X1f"]
    {
        assert_eq!(resolve(text), Value::from(text), "{text}");
    }
}

#[test]
fn numbers_with_a_fraction_are_what_snakeyaml_says() {
    for (text, number) in [
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("1.5", 1.5),
        ("685_230.15", 685_230.15),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("1.5e+3", 1500.0),
        ("08.5", 8.5),
        ("1_._", 1.0),
        ("190:20:30.5", 685_230.5),
        (".inf", f64::INFINITY),
        ("-.INF", f64::NEG_INFINITY),
        ("1e999", f64::INFINITY),
    ] {
        assert_eq!(resolve(text), Value::from(number), "{text}");
    }
    assert!(resolve(".nan").as_f64().is_some_and(f64::is_nan));
    for text in ["-.nan", ".", "._", "e3", "1e", "1e+", "1.2.3", "1.5e3.2", "10.0.0.1", "4.1-beta1", "_.5", ".iNf"] {
        assert_eq!(resolve(text), Value::from(text), "{text}");
    }
}

/// Some ten thousand scalars: all short ones of the letters that numbers are made of, and words with odd neighbours.
fn scalars() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut grown = vec![String::new()];
    for _ in 0..4 {
        grown = grown.iter().flat_map(|start| "017_.-:exb".chars().map(move |c| format!("{start}{c}"))).collect();
        all.extend(grown.iter().cloned());
    }
    let parts = [
        "0",
        "1",
        "8",
        "12",
        "59",
        "60",
        "99999999999999999999",
        "_",
        ".",
        ":",
        "e",
        "E+",
        "e-2",
        "0x",
        "0b",
        "0o",
        "f",
        "-",
        "+",
        "on",
        "Yes",
        "no",
        "true",
        "OFF",
        "null",
        "~",
        "y",
        ".inf",
        ".NaN",
        "2001-12-14",
        "T21:59:43",
        " ",
        "=",
        "<<",
        "ms",
    ];
    for a in parts {
        for b in parts {
            all.extend(parts.iter().map(|c| format!("{a}{b}{c}")));
            all.insert(format!("{a}{b}"));
        }
    }
    all.retain(|scalar| scalar.trim() == scalar);
    all
}

/// One line for a value, as `PlainScalars.java` prints it.
fn told(value: &Value) -> String {
    match value {
        Value::Null => "null\t".to_owned(),
        Value::Bool(flag) => format!("boolean\t{flag}"),
        Value::Number(number) if number.is_f64() => {
            let bits = number.as_f64().map(|float| if float.is_nan() { f64::NAN } else { float }.to_bits());
            format!("float\t{}", bits.unwrap())
        }
        Value::Number(number) => format!("integer\t{number}"),
        other => format!("text\t{}", other.as_str().unwrap()),
    }
}

#[test]
#[ignore = "needs a Java 17, and SnakeYAML 2 in CASSANDRA_INIT_SNAKEYAML, a jar of a Cassandra 5.0 or newer"]
fn snakeyaml_reads_every_scalar_as_we_do() {
    let jar = std::env::var("CASSANDRA_INIT_SNAKEYAML").expect("CASSANDRA_INIT_SNAKEYAML names snakeyaml-2.x.jar");
    // What is no plain scalar behind `k: ` is another question.
    let mut cases: Vec<(String, Value)> = Vec::new();
    for scalar in scalars() {
        let Ok(doc) = YamlDocument::parse("x", &format!("k: {scalar}\n")) else {
            continue;
        };
        if let Some(value) = doc.get(&YamlPath::key("k")).filter(|value| !value.is_mapping() && !value.is_sequence()) {
            cases.push((scalar, value.clone()));
        }
    }
    let mut java = Command::new("java")
        .args(["-cp", &jar, concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/PlainScalars.java")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input: String = cases.iter().flat_map(|(scalar, _)| [scalar.as_str(), "\n"]).collect();
    let mut stdin = java.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = java.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), cases.len());
    let mut wrong = Vec::new();
    for ((scalar, value), answer) in cases.iter().zip(&answers) {
        // Where SnakeYAML refuses, and beyond 64 bits, ours stays the text.
        let large = answer.starts_with("integer") && value.is_string() && scalar.len() > 19;
        let refused = answer.starts_with("refused") && value.is_string();
        if *answer != told(value) && !large && !refused {
            wrong.push(format!("{scalar}: {} against {answer}", told(value)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    println!("{} scalars, all read as SnakeYAML reads them", cases.len());
    assert!(cases.len() > 10_000);
}
