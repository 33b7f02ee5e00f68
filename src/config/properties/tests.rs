//! The rules of `java.util.Properties`, one a test, and random files against a plain reader of those rules.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Properties {
    Properties::parse("x.properties", text).unwrap()
}

fn set(text: &str, key: &str, value: &str) -> String {
    let mut file = parse(text);
    file.set(key, value);
    assert_eq!(file.get(key), Some(value));
    let once = file.text().to_owned();
    file.set(key, value);
    assert_eq!(file.text(), once);
    once
}

#[test]
fn separators_comments_and_escapes_are_javas() {
    let file =
        parse("# c\n! c\n  a = 1 \nb:2\nc 3\nd\ne\\ f\\=g = h\\u00e9\\t\\q\nlong = x\\\n    y\\\\\nz\n= empty key\n");
    let read: Vec<_> = file.iter().collect();
    let expected = [
        ("a", "1 "),
        ("b", "2"),
        ("c", "3"),
        ("d", ""),
        ("e f=g", "hé\tq"),
        ("long", "xy\\"),
        ("z", ""),
        ("", "empty key"),
    ];
    assert_eq!(read, expected);
}

#[test]
fn a_value_changes_in_place_with_its_separator() {
    assert_eq!(set("dc=dc1\nrack : r\n", "rack", "r 2"), "dc=dc1\nrack : r 2\n");
    assert_eq!(set("dc   dc1\n", "dc", "x"), "dc   x\n");
    assert_eq!(set("dc\n", "dc", "x"), "dc=x\n");
    assert_eq!(set("dc \n", "dc", "x"), "dc x\n");
    assert_eq!(set("dc=a\\\n  b\nx=1\n", "dc", "x"), "dc=x\nx=1\n");
    assert_eq!(set("dc=dc1", "dc", "x"), "dc=x");
    assert_eq!(set("a\\\\=\n", "a\\", "x"), "a\\\\=x\n");
    assert_eq!(set("a\\=\n", "a=", "x"), "a\\==x\n");
}

#[test]
fn the_last_duplicate_is_changed_and_the_others_go() {
    assert_eq!(set("a=1\nb=1\na=2\n", "a", "2"), "b=1\na=2\n");
    assert_eq!(set("a=1\nb=1\na=2\n", "a", "3"), "b=1\na=3\n");
}

#[test]
fn the_only_commented_line_is_enabled() {
    assert_eq!(
        set("# words\n# prefer_local=true\na=1\n", "prefer_local", "false"),
        "# words\nprefer_local=false\na=1\n"
    );
    assert_eq!(set("#a=1\r\n#a=2\r\n", "a", "3"), "#a=1\r\n#a=2\r\na=3\r\n");
    assert_eq!(set("x=1\\\n#a=1\n", "a", "3"), "x=1\\\n#a=1\na=3\n");
}

#[test]
fn a_commented_line_is_enabled_with_its_value() {
    let enable = |text: &str, key: &str| {
        let mut file = parse(text);
        (file.enable(key), file.text().to_owned())
    };
    assert_eq!(enable("a=1\n#prefer_local=true\n", "prefer_local"), (true, "a=1\nprefer_local=true\n".into()));
    assert_eq!(enable("! a\\ b : \\u00e9", "a b"), (true, "a\\ b=\\u00E9".into()));
    for nothing in ["#a=1\n#a=2\n", "#a=1\na=2\n", "# a\n", "", "#a=\\u12\n"] {
        assert_eq!(enable(nothing, "a"), (false, nothing.to_owned()));
    }
}

#[test]
fn letters_beyond_ascii_are_bytes_to_java() {
    assert_eq!(parse("dc=é\n").get("dc"), Some("\u{c3}\u{a9}"));
    assert_eq!(set("dc=é\n", "dc", "é"), "dc=\\u00E9\n");
    assert_eq!(parse("dc=\\é\\u00e9\n").get("dc"), Some("\u{c3}\u{a9}é"));
    assert_eq!(set("# é\ndc=\\u00e9\n", "dc", "é"), "# é\ndc=\\u00e9\n");
}

#[test]
fn a_new_key_is_appended() {
    assert_eq!(set("", "a", "1"), "a=1\n");
    assert_eq!(set("b=1", "a", " é\u{1f980}\\"), "b=1\na=\\ \\u00E9\\uD83E\\uDD80\\\\\n");
    assert_eq!(set("b=1\\", "a", "1"), "b=1\\\n\na=1\n");
    assert_eq!(set("b=1\\\r", "a", "1"), "b=1\\\r\r\n\r\na=1\r\n", "a carriage return alone breaks a line, too");
}

#[test]
fn a_backslash_at_the_very_end_escapes_no_separator() {
    for (text, expected) in
        [("b\\", "b=1"), ("\\", "=1"), ("b\\\\\\", "b\\\\=1"), ("b=2\\", "b=1"), ("b\\\n", "b\\\n=1")]
    {
        let key = parse(text).iter().next().map(|(key, _)| key.to_owned()).unwrap();
        let mut file = parse(text);
        file.set(&key, "1");
        assert_eq!((file.text(), file.get(&key)), (expected, Some("1")), "{text:?}");
    }
}

#[test]
fn removal_takes_all_lines_of_a_key() {
    let mut file = parse("a=1\n# c\na=2\\\n 3\nb=1\n");
    file.remove("a");
    assert_eq!(file.text(), "# c\nb=1\n");
}

#[test]
fn a_malformed_escape_is_refused_with_its_line() {
    let error = Properties::parse("x.properties", "a=1\nb=\\u12x4\n").unwrap_err();
    assert_eq!(error.to_string(), "x.properties:2: malformed \\u escape; expected four hexadecimal digits");
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[#!] ?[a-d][=: ][a-z ]{0,5}",
        "[ \t]{0,2}[a-d]{1,2}[ \t]{0,2}[=:]?[ \t]{0,2}([a-z =:#é]|\\\\[tnrf =:#\\\\]|\\\\u00[eE]9){0,6}",
        "[a-d]=x\\\\\n {0,3}[a-z=#]{0,4}",
    ]
}

fn file() -> impl Strategy<Value = String> {
    (prop::collection::vec(line(), 0..12), any::<bool>(), any::<bool>()).prop_map(|(lines, crlf, finished)| {
        let text = lines.join("\n") + if finished { "\n" } else { "" };
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_changes_its_key_and_nothing_else(text in file(), key in "[a-d]{1,2}|é =", value in "\\PC{0,6}|[ \t\n\\\\]{0,3}") {
        let before = parse(&text);
        let mut after = before.clone();
        after.set(&key, &value);
        prop_assert_eq!(after.get(&key), Some(value.as_str()));
        let others = |file: &Properties| file.iter().filter(|(k, _)| *k != key).map(|(k, v)| (k.to_owned(), v.to_owned())).collect::<Vec<_>>();
        prop_assert_eq!(others(&after), others(&before));
        prop_assert!(after.iter().filter(|(k, _)| *k == key).count() == 1);
        let again = parse(after.text());
        prop_assert_eq!(again.iter().collect::<Vec<_>>(), after.iter().collect::<Vec<_>>());
        let once = after.text().to_owned();
        after.set(&key, &value);
        prop_assert_eq!(after.text(), once);
        after.remove(&key);
        prop_assert_eq!(others(&after), others(&before));
        prop_assert_eq!(after.get(&key), None);
    }
}
