//! JSON, as far as our outputs need it.

use std::fmt::Write as _;

/// A text in quotes (RFC 8259, section 7).
pub(super) fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An object on one line; the values are JSON already.
pub(super) fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{}: {value}", string(name))).collect();
    format!("{{{}}}", fields.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_an_escape_gets_one() {
        assert_eq!(string("a\"b\\c\n\t\u{7f}ä"), "\"a\\\"b\\\\c\\n\\u0009\\u007fä\"");
        assert_eq!(object(&[("a", "1".into()), ("b", string("x"))]), "{\"a\": 1, \"b\": \"x\"}");
    }
}
