//! How one scalar is written so that every reader gets the same value.
//!
//! Cassandra reads with SnakeYAML, a YAML 1.1 reader; our own guard reads YAML 1.2. The two disagree on words
//! (`on`, `yes`, `y`), numbers (`1_000`, `0o14`, `012`, `1e3`) and times (`12:30:45`), so a string stays plain only when it
//! is beyond doubt a string for both. <https://yaml.org/type/>

use std::fmt::Write as _;

use serde_yaml::Value;

use super::node::Node;
use super::resolve::resolve;

/// How a scalar stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    /// `|` or `>`: lines of text below the key.
    Block,
}

/// Where a scalar is written: inside `[…]` and `{…}` more characters are special.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Block,
    Flow,
}

/// Words that some YAML 1.1 reader takes for a boolean, a null or a number, in lower case.
/// <https://yaml.org/type/bool.html>, `null.html`, `float.html`.
const WORDS: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"];

/// Units of a Cassandra duration, data size or rate (`DurationSpec`, `DataStorageSpec`, `DataRateSpec`).
const UNITS: [&str; 15] =
    ["ns", "us", "ms", "s", "m", "h", "d", "B", "KiB", "MiB", "GiB", "TiB", "B/s", "KiB/s", "MiB/s"];

/// Writes a string, in the style that the file used for the value before where that can hold it.
pub(super) fn text(text: &str, before: Style, place: Place) -> String {
    if !text.chars().all(is_printable) {
        return double_quoted(text);
    }
    match before {
        Style::Double => double_quoted(text),
        Style::Plain | Style::Block if is_plain(text, place) => text.to_owned(),
        Style::Plain | Style::Block | Style::Single => format!("'{}'", text.replace('\'', "''")),
    }
}

/// Writes a scalar, or `None` for a list or map.
pub(super) fn scalar(node: &Node, before: Style, place: Place) -> Option<String> {
    match node {
        Node::Null => Some("null".to_owned()),
        Node::Bool(flag) => Some(flag.to_string()),
        Node::Integer(number) => Some(number.to_string()),
        Node::Float(number) => Some(float(*number)),
        Node::Text(string) => Some(text(string, before, place)),
        Node::Plain(raw) => Some(match resolve(raw) {
            Value::Null => "null".to_owned(),
            Value::String(string) => text(&string, before, place),
            // SnakeYAML 1.11 stumbles over `[12:30]`; in quotes it is no number any more, and the guard says so.
            _ if place == Place::Flow && raw.contains(':') => text(raw, Style::Single, place),
            _ => raw.clone(),
        }),
        Node::List(_) | Node::Map(_) => None,
    }
}

/// Both YAML versions want a dot in a float; an exponent would need a sign in 1.1, so there is none.
fn float(number: f64) -> String {
    if number.is_nan() {
        ".nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        // `Display` never writes an exponent.
        let digits = number.to_string();
        if digits.contains('.') { digits } else { digits + ".0" }
    }
}

/// True when the text, written without quotes, is a string for YAML 1.1 and 1.2 and has nothing special in it.
pub(super) fn is_plain(text: &str, place: Place) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"_-./+@$:".contains(&b);
    let colon = text.contains(':');
    text.bytes().all(inner) && !text.ends_with(':') && !(place == Place::Flow && colon) && is_string_everywhere(text)
}

/// True when no YAML 1.1 or 1.2 reader makes anything but a string of this plain scalar.
pub(super) fn is_string_everywhere(text: &str) -> bool {
    match text.bytes().next() {
        Some(first) if first.is_ascii_alphabetic() || first == b'/' => {
            !WORDS.contains(&text.to_ascii_lowercase().as_str())
        }
        Some(first) if first.is_ascii_digit() => is_quantity(text) || is_ipv4(text),
        _ => false,
    }
}

/// True when some YAML 1.1 reader makes something else than a string of this plain scalar, if only an error (`=`).
pub(super) fn is_doubtful(text: &str) -> bool {
    let number = |c: char| c.is_ascii_hexdigit() || "xXoO_+-.: tTzZ".contains(c);
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.chars().all(number)
        && text.contains(|c: char| c.is_ascii_digit());
    let word = text.trim_start_matches(['+', '-', '.']).to_ascii_lowercase();
    let special = matches!(text, "" | "~" | "=" | "<<") || WORDS.contains(&word.as_str());
    (special || numeric) && !is_string_everywhere(text)
}

/// `10s`, `256KiB`: digits and a unit. `0x1f`, `1e3`, `1_000` and `12:30` are none.
fn is_quantity(text: &str) -> bool {
    UNITS.contains(&text.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// `10.244.0.10`, perhaps with a port: three dots make it no number for any reader in use.
fn is_ipv4(text: &str) -> bool {
    let (address, port) = text.split_once(':').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    address.split('.').count() == 4 && address.split('.').all(digits) && digits(port)
}

/// What may stand in quotes as it is: SnakeYAML's `StreamReader.isPrintable` without its line breaks. The SnakeYAML of 3.11
/// refuses a character beyond the first plane wherever it stands, and reads its escape.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            // Writing to a string cannot fail.
            c if c > '\u{ffff}' => drop(write!(out, "\\U{:08X}", u32::from(c))),
            c => drop(write!(out, "\\u{:04X}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_only_when_no_reader_can_doubt() {
        for plain in [
            "GossipingPropertyFileSnitch",
            "10.244.0.10",
            "127.0.0.1:7000",
            "10s",
            "256KiB",
            "64MiB/s",
            "/var/lib/cassandra/data",
            "org.apache.cassandra.auth.CassandraRoleManager",
            "node-0.cassandra.svc",
            "heap_buffers",
            "e3",
            "x1f",
            "a:b",
        ] {
            assert_eq!(text(plain, Style::Plain, Place::Block), plain);
        }
        for quoted in [
            "on",
            "Off",
            "YES",
            "no",
            "y",
            "N",
            "null",
            "Null",
            "~",
            "true",
            "1",
            "-1",
            "+1",
            "1_000",
            "0x1f",
            "0b1",
            "0o14",
            "012",
            "12:30:45",
            "1e3",
            "1E3",
            "12e03",
            ".5",
            "1.",
            "1.5",
            ".inf",
            ".NaN",
            "inf",
            "=",
            "<<",
            "2001-01-01",
            "2001-12-14t21:59:43.10-05:00",
            " a",
            "a ",
            "a: b",
            "a #b",
            "a:",
            "-",
            "- a",
            "?",
            "? a",
            "",
            "[a",
            "{a",
            "a,b",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "#a",
            "\"a",
            "é",
            "a b",
            "---",
            "...",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.4:7:8",
            "10S",
            "1:2",
        ] {
            assert_eq!(text(quoted, Style::Plain, Place::Block), format!("'{quoted}'"));
        }
    }

    #[test]
    fn quotes_in_quotes() {
        assert_eq!(text("it's", Style::Plain, Place::Block), "'it''s'");
        assert_eq!(text("it's \"x\" \\", Style::Double, Place::Block), r#""it's \"x\" \\""#);
        assert_eq!(text("abc", Style::Single, Place::Block), "'abc'");
    }

    #[test]
    fn control_characters_and_line_breaks_are_escaped() {
        assert_eq!(
            text("a\nb\r\t\0\u{7f}\u{85}\u{2028}\u{feff}", Style::Single, Place::Block),
            r#""a\nb\r\t\u0000\u007F\u0085\u2028\uFEFF""#
        );
    }

    #[test]
    fn a_colon_is_special_inside_a_flow_collection() {
        assert_eq!(text("127.0.0.1:7000", Style::Plain, Place::Flow), "'127.0.0.1:7000'");
    }

    #[test]
    fn every_tricky_string_reads_back() {
        let ascii = (0..=127u8).map(|b| char::from(b).to_string());
        let pairs = (0..=127u8).map(|b| format!("a{} b", char::from(b)));
        for string in ascii.chain(pairs).chain(["é".into(), "日本 語".into(), "🦀".into(), "\u{ffff}".into()]) {
            for style in [Style::Plain, Style::Single, Style::Double, Style::Block] {
                for (place, form) in [(Place::Block, "k: X\n"), (Place::Flow, "k: [X, b]\n")] {
                    let written = form.replace('X', &text(&string, style, place));
                    let value: serde_yaml::Value = serde_yaml::from_str(&written).unwrap();
                    let read = if place == Place::Flow { value["k"][0].clone() } else { value["k"].clone() };
                    assert_eq!(read, string.as_str(), "{written}");
                }
            }
        }
    }

    #[test]
    fn floats_keep_a_dot_and_no_exponent() {
        assert_eq!(float(1.0), "1.0");
        assert_eq!(float(0.1), "0.1");
        assert!(!float(1e30).contains('e'));
    }
}
