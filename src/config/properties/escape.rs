//! The letters of a `.properties` file: where a logical line, its key and its value end, and what escapes mean.

use std::fmt::Write as _;
use std::ops::Range;

/// A line with all its continuations.
pub(super) struct LogicalLine {
    /// Behind the last line break.
    pub(super) end: usize,
    /// `None` for a blank line or a comment.
    pub(super) entry: Option<Split>,
}

/// Where key and value of a logical line are written; both may hold continued line breaks.
pub(super) struct Split {
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0c)
}

/// The length of a line break at this byte: `\n`, `\r\n`, or a lone `\r`, which Java takes too.
fn line_break(bytes: &[u8], at: usize) -> usize {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => 2,
        (Some(b'\n' | b'\r'), _) => 1,
        _ => 0,
    }
}

/// The length of a continuation at this byte: a backslash, a line break, and the blanks of the next line.
fn continuation(bytes: &[u8], at: usize) -> usize {
    let broken = line_break(bytes, at + 1);
    if bytes.get(at) != Some(&b'\\') || broken == 0 {
        return 0;
    }
    1 + broken + bytes.iter().skip(at + 1 + broken).take_while(|byte| is_blank(**byte)).count()
}

/// Reads the logical line that begins at this byte.
pub(super) fn logical_line(text: &str, start: usize) -> LogicalLine {
    let bytes = text.as_bytes();
    let mut at = start;
    while bytes.get(at).copied().is_some_and(is_blank) {
        at += 1;
    }
    if matches!(bytes.get(at), None | Some(b'#' | b'!' | b'\n' | b'\r')) {
        while at < bytes.len() && line_break(bytes, at) == 0 {
            at += 1;
        }
        return LogicalLine { end: at + line_break(bytes, at), entry: None };
    }
    let key_start = at;
    at = walk(bytes, at, |byte| is_blank(byte) || matches!(byte, b'=' | b':'));
    let key = key_start..at;
    at = walk(bytes, at, |byte| !is_blank(byte));
    if matches!(bytes.get(at), Some(b'=' | b':')) {
        at = walk(bytes, at + 1, |byte| !is_blank(byte));
    }
    let value_start = at;
    at = walk(bytes, at, |_| false);
    LogicalLine { end: at + line_break(bytes, at), entry: Some(Split { key, value: value_start..at }) }
}

/// Goes on to the first byte that `stops`, or to the end of the logical line; escapes and continuations are passed.
fn walk(bytes: &[u8], start: usize, stops: impl Fn(u8) -> bool) -> usize {
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        let continued = continuation(bytes, at);
        if continued > 0 {
            at += continued;
        } else if line_break(bytes, at) > 0 || stops(*byte) {
            break;
        } else {
            at += if *byte == b'\\' && at + 1 < bytes.len() { 2 } else { 1 };
        }
    }
    at
}

/// What Java reads in this range; `None` for a malformed `\u` escape.
pub(super) fn read(text: &str, range: Range<usize>) -> Option<String> {
    let bytes = text.as_bytes();
    // `\u` escapes are UTF-16 units: two of them can make one character.
    let mut units: Vec<u16> = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let continued = continuation(bytes, at);
        if continued > 0 {
            at += continued;
            continue;
        }
        let mut rest = text.get(at..range.end)?.chars();
        let first = rest.next()?;
        let escaped = if first == '\\' { rest.next() } else { None };
        at += first.len_utf8() + escaped.map_or(0, char::len_utf8);
        let read = match escaped {
            Some('u') => {
                let digits = text
                    .get(at..at + 4)
                    .filter(|digits| at + 4 <= range.end && digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
                units.push(u16::from_str_radix(digits, 16).ok()?);
                at += 4;
                continue;
            }
            Some('t') => '\t',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('f') => '\u{c}',
            Some(other) if other.is_ascii() => other,
            // A lone backslash at the very end stands for nothing.
            None if first == '\\' => continue,
            // One byte, one character: ISO-8859-1.
            None if first.is_ascii() => first,
            letter => {
                let letter = letter.unwrap_or(first);
                units.extend(letter.encode_utf8(&mut [0; 4]).bytes().map(u16::from));
                continue;
            }
        };
        units.extend_from_slice(read.encode_utf16(&mut [0; 2]));
    }
    Some(String::from_utf16_lossy(&units))
}

/// Writes a key.
pub(super) fn key(text: &str) -> String {
    let mut out = String::new();
    for (at, c) in text.chars().enumerate() {
        let special = matches!(c, ' ' | '=' | ':') || (at == 0 && matches!(c, '#' | '!'));
        if special {
            out.push('\\');
        }
        push(&mut out, c);
    }
    out
}

/// Writes a value: a leading blank or separator escaped, everything beyond ASCII as `\u`, as Java reads ISO-8859-1.
pub(super) fn value(text: &str) -> String {
    let mut out = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == 0 && matches!(c, ' ' | '=' | ':') {
            out.push('\\');
        }
        push(&mut out, c);
    }
    out
}

fn push(out: &mut String, c: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\u{c}' => out.push_str("\\f"),
        ' '..='~' => out.push(c),
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04X}");
            }
        }
    }
}
