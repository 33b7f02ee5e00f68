//! Random documents in the styles that people write, and random edits of them.
#![allow(clippy::format_push_string, reason = "a test reads better so")]

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;

use super::scalar::{Place, Style};
use super::*;

/// Words as they stand in configuration files, and those that YAML readers quarrel about.
const WORDS: [&str; 22] = [
    "x",
    "on",
    "SimpleSnitch",
    "10.0.0.1",
    "10ms",
    "a b",
    "it's",
    "a: b",
    "a #b",
    "",
    "~",
    "012",
    "1_000",
    "12:30:45",
    "-",
    "é",
    "two\nlines",
    "trailing ",
    "\\",
    "[x]",
    "\"",
    "null",
];

const KEYS: [&str; 8] = ["a", "b", "cluster_name", "d d", "on", "k1", "seeds", "7"];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned), 1 => "[ -~]{0,8}", 1 => "\\PC{0,4}"]
}

fn leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        6 => word().prop_map(Node::Text),
        1 => Just(Node::Null),
        1 => any::<bool>().prop_map(Node::Bool),
        1 => any::<i64>().prop_map(Node::Integer),
        1 => (-100_i32..100).prop_map(|n| Node::Float(f64::from(n) / 8.0)),
    ]
}

fn map_of(inner: impl Strategy<Value = Node>, size: std::ops::Range<usize>) -> impl Strategy<Value = Node> {
    prop::collection::btree_map(prop::sample::select(&KEYS[..]), inner, size)
        .prop_map(|map| map.into_iter().map(|(key, node)| (key.to_owned(), node)).collect())
        .prop_map(Node::Map)
}

fn node() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..4).prop_map(Node::List), map_of(inner, 0..4)]
    })
}

/// Writes a node as a person with whims would: `dice` decides on every freedom that YAML leaves.
struct Writer {
    dice: Vec<u8>,
    thrown: usize,
    out: String,
    comments: usize,
}

impl Writer {
    fn one_in(&mut self, n: u8) -> bool {
        self.thrown += 1;
        self.dice[self.thrown % self.dice.len()].wrapping_mul(31).wrapping_add(u8::try_from(self.thrown % 251).unwrap())
            % n
            == 0
    }

    fn comment(&mut self) -> String {
        self.comments += 1;
        format!("# c{}", self.comments)
    }

    fn between(&mut self, indent: usize) {
        if self.one_in(4) {
            self.out.push('\n');
        }
        if self.one_in(3) {
            let indent = if self.one_in(3) { 0 } else { indent };
            let comment =
                if self.one_in(3) { format!("# {}: {}", KEYS[self.thrown % 8], self.comments) } else { self.comment() };
            self.out.push_str(&format!("{}{comment}\n", " ".repeat(indent)));
        } else if self.one_in(6) {
            self.example(indent);
        }
    }

    /// A commented-out entry with a list or map below it, and comments inside.
    fn example(&mut self, indent: usize) {
        let text = |text: &str| Node::Text(text.to_owned());
        let inner = Node::Map(vec![("a".into(), text("x")), ("k1".into(), Node::List(vec![text("on")]))]);
        let value = match self.thrown % 4 {
            0 => Node::List(vec![text("x"), text("y")]),
            1 => Node::List(vec![inner]),
            2 => inner,
            _ => Node::Map(vec![("seeds".into(), inner), ("b".into(), Node::Null)]),
        };
        let mut live =
            Self { dice: self.dice.clone(), thrown: self.thrown, out: String::new(), comments: self.comments };
        live.entries(&Node::Map(vec![(KEYS[self.thrown % 8].to_owned(), value)]), 0, true);
        (self.thrown, self.comments) = (live.thrown, live.comments);
        let (pad, blank) = if self.one_in(2) { (indent, " ") } else { (0, "") };
        for line in live.out.lines() {
            self.out.push_str(&format!("{}#{blank}{}{line}\n", " ".repeat(pad), " ".repeat(indent - pad)));
        }
    }

    /// A collection in brackets over several lines, its closing bracket deeper than the key.
    fn brackets(&mut self, node: &Node, indent: usize) {
        let pad = format!("\n{}", " ".repeat(indent + 2));
        let (open, close) = if matches!(node, Node::Map(_)) { ("{", "}") } else { ("[", "]") };
        self.out.push_str(open);
        let entries: Vec<String> = match node {
            Node::Map(entries) => entries.iter().map(|(key, node)| emit::flow_entry(key, node)).collect(),
            Node::List(items) => items.iter().map(|node| emit::flow(node, Style::Plain)).collect(),
            _ => Vec::new(),
        };
        for (at, entry) in entries.iter().enumerate() {
            if self.one_in(2) {
                if self.one_in(3) {
                    let comment = self.comment();
                    self.out.push_str(&format!(" {comment}"));
                }
                self.out.push_str(&pad);
            }
            self.out.push_str(entry);
            if at + 1 < entries.len() || self.one_in(4) {
                self.out.push_str(", ");
            }
        }
        if self.one_in(2) {
            let comment = self.comment();
            self.out.push_str(&format!(" {comment}{pad}"));
        }
        self.out.push_str(close);
    }

    fn end_line(&mut self) {
        if self.one_in(4) {
            let comment = self.comment();
            self.out.push_str(&format!(" {comment}"));
        }
        self.out.push('\n');
    }

    fn entries(&mut self, node: &Node, indent: usize, mut compact: bool) {
        let count = match node {
            Node::Map(entries) => entries.len(),
            Node::List(items) => items.len(),
            _ => 0,
        };
        for at in 0..count {
            if !compact {
                self.between(indent);
                self.out.push_str(&" ".repeat(indent));
            }
            compact = false;
            match node {
                Node::Map(entries) => {
                    let key = scalar::text(&entries[at].0, Style::Plain, Place::Block);
                    self.out.push_str(&format!("{key}:"));
                    self.value(&entries[at].1, indent, true);
                }
                Node::List(items) => {
                    self.out.push('-');
                    self.value(&items[at], indent, false);
                }
                _ => {}
            }
        }
    }

    fn value(&mut self, node: &Node, indent: usize, in_map: bool) {
        let filled = match node {
            Node::Map(entries) => !entries.is_empty(),
            Node::List(items) => !items.is_empty(),
            _ => false,
        };
        if filled && !self.one_in(5) {
            if !in_map && !self.one_in(3) {
                self.out.push(' ');
                self.entries(node, indent + 2, true);
                return;
            }
            self.end_line();
            let flush = in_map && matches!(node, Node::List(_)) && self.one_in(3);
            let deeper = if flush {
                0
            } else if self.one_in(2) {
                2
            } else {
                4
            };
            self.entries(node, indent + deeper, false);
            return;
        }
        match node {
            Node::Null if self.one_in(2) => {}
            Node::Text(text) if text == "two\nlines" && self.one_in(2) => {
                self.out.push_str(&format!(" |-\n{0}  two\n{0}  lines\n", " ".repeat(indent)));
                return;
            }
            Node::List(_) | Node::Map(_) if self.one_in(2) => {
                self.out.push(' ');
                self.brackets(node, indent);
            }
            Node::List(_) | Node::Map(_) => self.out.push_str(&format!(" {}", emit::flow(node, Style::Plain))),
            _ => {
                let style = if self.one_in(3) {
                    Style::Double
                } else if self.one_in(2) {
                    Style::Single
                } else {
                    Style::Plain
                };
                let text = scalar::scalar(node, style, Place::Block).unwrap();
                let below = in_map && self.one_in(8);
                self.out.push_str(&if below {
                    format!("\n{}{text}", " ".repeat(indent + 3))
                } else {
                    format!(" {text}")
                });
            }
        }
        self.end_line();
    }
}

prop_compose! {
    fn document()(top in map_of(node(), 0..6), dice in prop::collection::vec(any::<u8>(), 8..40), crlf in any::<bool>(), cut in any::<bool>()) -> (Node, String) {
        let mut writer = Writer { dice, thrown: 0, out: String::new(), comments: 0 };
        writer.entries(&top, 0, false);
        writer.between(0);
        let mut text = writer.out;
        if cut {
            text.truncate(text.trim_end_matches('\n').len());
        }
        (top, if crlf { text.replace('\n', "\r\n") } else { text })
    }
}

/// A wish, not yet a path: the document decides where it leads.
#[derive(Debug, Clone)]
enum Wish {
    Set(Index, Node),
    Add(Index, &'static str, Node),
    Remove(Index),
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        3 => (any::<Index>(), node()).prop_map(|(at, node)| Wish::Set(at, node)),
        2 => (any::<Index>(), prop::sample::select(&KEYS[..]), node()).prop_map(|(at, key, node)| Wish::Add(at, key, node)),
        1 => any::<Index>().prop_map(Wish::Remove),
    ]
}

fn paths(value: &Value, under: Option<&YamlPath>, out: &mut Vec<(YamlPath, Value)>) {
    let children: Vec<(YamlPath, &Value)> = match value {
        Value::Mapping(map) => map
            .iter()
            .map(|(key, value)| {
                (
                    under
                        .map_or_else(|| YamlPath::key(key.as_str().unwrap()), |path| path.child(key.as_str().unwrap())),
                    value,
                )
            })
            .collect(),
        Value::Sequence(list) => list.iter().enumerate().map(|(at, value)| (under.unwrap().item(at), value)).collect(),
        _ => Vec::new(),
    };
    for (path, value) in children {
        out.push((path.clone(), value.clone()));
        paths(value, Some(&path), out);
    }
}

fn grant(wish: &Wish, tree: &Value) -> Edit {
    let mut all = Vec::new();
    paths(tree, None, &mut all);
    let pick = |at: &Index| {
        if all.is_empty() { (YamlPath::key("a"), Value::Null) } else { at.get(&all).clone() }
    };
    match wish {
        Wish::Set(at, node) => Edit::Set(pick(at).0, node.clone()),
        Wish::Remove(at) => Edit::Remove(pick(at).0),
        Wish::Add(at, key, node) => {
            let (path, value) = pick(at);
            let place = match value {
                Value::Mapping(_) | Value::Null => path.child(*key),
                Value::Sequence(list) => path.item(list.len()),
                _ => YamlPath::key(*key),
            };
            Edit::Set(place, node.clone())
        }
    }
}

fn comments(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| {
            Some(
                line.get(
                    line.match_indices("# c")
                        .find(|(at, _)| line[at + 3..].starts_with(|c: char| c.is_ascii_digit()))?
                        .0..,
                )?
                .trim(),
            )
        })
        .collect()
}

/// The values by another way than the guard's: the 1.2 reader's own, which writing keeps equal to those of 1.1.
fn read(text: &str) -> Value {
    let mut value = serde_yaml::from_str(text).unwrap();
    guard::normalise(&mut value);
    value
}

/// Makes the edits one after the other; each must mean what it says, lose no comment, and change nothing when repeated.
fn check_chain(text: &str, wishes: &[Wish]) -> Result<(), TestCaseError> {
    let mut doc = YamlDocument::parse("x.yaml", text).unwrap();
    for wish in wishes {
        let edit = grant(wish, doc.tree());
        let mut model = doc.tree().clone();
        edit.apply(&mut model).unwrap();
        let next = doc.edit(std::slice::from_ref(&edit)).unwrap();
        prop_assert_eq!(&read(next.text()), &model, "{:?}\n{}\n->\n{}", edit, doc.text(), next.text());
        let again = next.edit(std::slice::from_ref(&edit)).unwrap();
        if matches!(edit, Edit::Set(..)) {
            prop_assert_eq!(again.text(), next.text(), "{:?} twice", edit);
        }
        // Only an entry that is replaced or removed takes comments along.
        let added = matches!(&edit, Edit::Set(path, _) if doc.get(path).is_none_or(|value| !value.is_mapping() && !value.is_sequence()));
        if added {
            prop_assert_eq!(comments(next.text()), comments(doc.text()), "{:?}\n{}", edit, doc.text());
        }
        prop_assert_eq!(
            next.text().contains("\r\n") && next.text().replace("\r\n", "").contains('\n'),
            false,
            "mixed line ends"
        );
        doc = next;
    }
    Ok(())
}

/// Many more of the same; `PROPTEST_CASES` says how many chains.
#[test]
#[ignore = "takes minutes; make fuzz runs it"]
fn a_hundred_thousand_random_edits_mean_what_they_say() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(14_000);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let edits = Cell::new(0_usize);
    let begun = std::time::Instant::now();
    TestRunner::new(config)
        .run(&(document(), prop::collection::vec(wish(), 4..12)), |((_, text), wishes)| {
            edits.set(edits.get() + wishes.len());
            check_chain(&text, &wishes)
        })
        .unwrap();
    println!("{} chained edits of {cases} random documents in {:.0?}, all of them right", edits.get(), begun.elapsed());
    assert!(edits.get() >= 7 * cases as usize);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_written_document_is_understood((top, text) in document()) {
        let doc = YamlDocument::parse("x.yaml", &text).unwrap();
        prop_assert_eq!(doc.tree(), &top.to_value());
    }

    #[test]
    fn a_chain_of_edits_means_what_it_says((_, text) in document(), wishes in prop::collection::vec(wish(), 1..6)) {
        check_chain(&text, &wishes)?;
    }

    #[test]
    fn a_batch_means_what_its_chain_means((_, text) in document(), wishes in prop::collection::vec(wish(), 1..8)) {
        let doc = YamlDocument::parse("x.yaml", &text).unwrap();
        let mut chain = doc.clone();
        let mut edits = Vec::new();
        for wish in &wishes {
            let edit = grant(wish, chain.tree());
            chain = chain.edit(std::slice::from_ref(&edit)).unwrap();
            edits.push(edit);
        }
        let batch = doc.edit(&edits).unwrap();
        prop_assert_eq!(batch.tree(), chain.tree());
    }

    #[test]
    fn an_edit_of_one_scalar_leaves_all_other_lines((_, text) in document(), at in any::<Index>()) {
        let doc = YamlDocument::parse("x.yaml", &text).unwrap();
        let mut all = Vec::new();
        paths(doc.tree(), None, &mut all);
        all.retain(|(_, value)| value.is_bool() || value.is_number());
        if all.is_empty() {
            return Ok(());
        }
        let path = at.get(&all).0.clone();
        let next = doc.edit(&[Edit::Set(path, "new".into())]).unwrap();
        let pairs = doc.text().split('\n').zip(next.text().split('\n')).filter(|(a, b)| a != b).count();
        prop_assert_eq!(pairs, 1);
        prop_assert_eq!(doc.text().split('\n').count(), next.text().split('\n').count());
    }

    #[test]
    fn no_text_makes_the_scanner_panic(text in "([a-c]|: ?|- |\n|  |\t|#|'|\"|\\[|\\]|\\{|\\}|,|&|\\*|!|\\||>|---|\\.\\.\\.|\r|\\\\|é|\\?|%){0,40}") {
        let doc = YamlDocument::parse("x.yaml", &text).ok();
        if let Some(next) = doc.and_then(|doc| doc.edit(&[Edit::Set(YamlPath::key("new"), 1.into())]).ok()) {
            prop_assert_eq!(read(next.text())["new"].as_i64(), Some(1));
        }
    }
}
