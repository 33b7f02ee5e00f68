//! One behaviour a test: what is refused, and how each kind of edit looks in the text.

use super::*;

fn parse(text: &str) -> YamlDocument {
    YamlDocument::parse("cassandra.yaml", text).unwrap()
}

fn refused(text: &str) -> String {
    YamlDocument::parse("cassandra.yaml", text).unwrap_err().to_string()
}

fn set(text: &str, path: &str, node: impl Into<Node>) -> String {
    let mut doc = parse(text);
    let node = node.into();
    doc.set(&path.parse().unwrap(), node.clone()).unwrap();
    let once = doc.text().to_owned();
    doc.set(&path.parse().unwrap(), node).unwrap();
    assert_eq!(doc.text(), once, "the same edit again changes nothing");
    once
}

fn remove(text: &str, path: &str) -> String {
    let mut doc = parse(text);
    doc.remove(&path.parse().unwrap()).unwrap();
    doc.text().to_owned()
}

fn texts(items: &[&str]) -> Node {
    Node::from(items.to_vec())
}

#[test]
fn refusals_name_the_line() {
    assert_eq!(refused("a:\n\tb: 1\n"), "cassandra.yaml:2: tab in indentation; YAML allows only spaces");
    assert_eq!(refused("a: 1\nb: 2\na: 3\n"), "cassandra.yaml:3: key `a` is already on line 1; expected it once");
    assert_eq!(
        refused("a:\n  - x: 1\n    'x': 2\n"),
        "cassandra.yaml:3: key `x` is already on line 2; expected it once"
    );
    assert_eq!(refused("a: 1\n---\nb: 2\n"), "cassandra.yaml:2: second document (`---`); expected one");
    assert_eq!(refused("a: &x 1\n"), "cassandra.yaml:1: anchor `&x`; expected the value itself");
    assert_eq!(refused("a: [1, *x]\n"), "cassandra.yaml:1: alias `*x]`; expected the value itself");
    assert_eq!(refused("a: !!str 1\n"), "cassandra.yaml:1: tag `!!str`; expected the value itself");
    assert!(refused("- a\n- b\n").starts_with("cassandra.yaml:1: expected a map"));
    assert!(refused("just words\n").starts_with("cassandra.yaml:1: expected a map"));
    assert!(
        refused("a: 1\nb: [1, 2\nc: 3\n").starts_with("cassandra.yaml:3:"),
        "{}",
        refused("a: 1\nb: [1, 2\nc: 3\n")
    );
    assert!(refused("%YAML 1.1\n---\na: 1\n").contains("directive"));
    assert!(refused("<<: {a: 1}\n").contains("merge key"));
    assert!(refused("? a\n: b\n").contains("complex key"));
    assert_eq!(refused("a: {x: 1,\n  x: 2}\n"), "cassandra.yaml:2: key `x` is already on line 1; expected it once");
}

#[test]
fn every_refusal_is_told_at_once() {
    assert_eq!(refused("a: 1\na: 2\nb:\n\tc: 1\nd: &x 1\n").lines().count(), 3);
}

#[test]
fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
    assert!(!refused(&"- ".repeat(100_000)).is_empty());
    assert!(!refused(&("a: ".to_owned() + &"[".repeat(100_000))).is_empty());
}

#[test]
fn one_document_may_have_markers_and_a_byte_order_mark() {
    let doc = parse("\u{feff}# head\n---\na: 1\n...\n# tail\n");
    assert_eq!(doc.get(&"a".parse().unwrap()), Some(&Value::from(1)));
    assert_eq!(set(doc.text(), "b", 2), "# head\n---\na: 1\nb: 2\n...\n# tail\n");
}

#[test]
fn an_empty_file_is_an_empty_map() {
    assert_eq!(set("", "a", 1), "a: 1\n");
    assert_eq!(set("# only words", "a", 1), "# only words\na: 1\n");
    assert_eq!(set("# a: 7\n", "a", 1), "a: 1\n");
}

#[test]
fn a_scalar_is_replaced_in_place_with_its_comment_kept() {
    assert_eq!(set("a: 1   # one\nb: 2\n", "a", 3), "a: 3   # one\nb: 2\n");
    assert_eq!(set("a:\n  old words\n  go on\nb: 2\n", "a", "new"), "a:\n  new\nb: 2\n");
    assert_eq!(set("a: |  # text\n  one\n  two\n\nb: 2\n", "a", "new"), "a: new\n\nb: 2\n");
}

#[test]
fn the_quotes_of_the_file_stay() {
    assert_eq!(set("a: 'x'\nb: \"x\"\nc: x\n", "a", "y1"), "a: 'y1'\nb: \"x\"\nc: x\n");
    assert_eq!(set("b: \"x\"\n", "b", "10.0.0.1,10.0.0.2"), "b: \"10.0.0.1,10.0.0.2\"\n");
    assert_eq!(set("c: x\n", "c", "on"), "c: 'on'\n");
}

#[test]
fn an_equal_value_changes_no_byte() {
    for text in [
        "a: on1\n",
        "a: 'on'\n",
        "a: \"x\" # c\n",
        "a: Test Cluster\n",
        "a: [x, 'on']\n",
        "a:\n- x\n\n- w\n",
        "a: -Dx\n",
    ] {
        let doc = parse(text);
        let node = Node::from_value(&doc.tree()["a"]).unwrap();
        assert_eq!(set(text, "a", node), text);
    }
}

#[test]
fn values_are_what_a_yaml_1_1_reader_sees() {
    let doc = parse("a: on\nb: [017, 1_000, 'on', {c: ~}]\nd: 12:30:45\n1: =\non: |\n  on\n");
    let get = |path: &str| doc.get(&path.parse().unwrap()).cloned();
    assert_eq!(get("a"), Some(true.into()));
    assert_eq!(get("b[0]"), Some(15.into()));
    assert_eq!(get("b[2]"), Some("on".into()));
    assert_eq!(get("b[3].c"), Some(Value::Null));
    assert_eq!(get("d"), Some(45045.into()));
    assert_eq!(get("1"), Some("=".into()));
    assert_eq!(get("on"), Some("on\n".into()));
    assert_eq!(set("a: on\n", "a", "on"), "a: 'on'\n");
    assert_eq!(set("a: on\n", "a", true), "a: on\n");
    assert_eq!(set("a: 0o14\n", "a", 12), "a: 12\n");
    assert_eq!(set("a: 014\n", "a", 12), "a: 014\n");
    assert_eq!(set("a: '12'\n", "a", 12), "a: 12\n");
    assert_eq!(set("a:\n  - 012\n  - x\n", "a", texts(&["012", "x"])), "a:\n  - '012'\n  - x\n");
}

#[test]
fn a_missing_value_is_filled_in() {
    assert_eq!(set("a: # why\nb: 1\n", "a", 2), "a: 2 # why\nb: 1\n");
    assert_eq!(set("a:\nb: 1\n", "a.x[0].z", 2), "a:\n  x:\n    - z: 2\nb: 1\n");
    assert_eq!(set("a: ~ # c\n", "a.x", 2), "a: # c\n  x: 2\n");
}

#[test]
fn lists_are_changed_item_by_item() {
    let text = "d:\n    # disk\n    - /a\n    - /b # two\nz: 1\n";
    assert_eq!(set(text, "d", texts(&["/a", "/c"])), "d:\n    # disk\n    - /a\n    - /c # two\nz: 1\n");
    assert_eq!(
        set(text, "d", texts(&["/a", "/b", "/c"])),
        "d:\n    # disk\n    - /a\n    - /b # two\n    - /c\nz: 1\n"
    );
    assert_eq!(set(text, "d", texts(&["/a"])), "d:\n    # disk\n    - /a\nz: 1\n");
    assert_eq!(set(text, "d", texts(&[])), "d: []\nz: 1\n");
    assert_eq!(set(text, "d[2]", "/c"), "d:\n    # disk\n    - /a\n    - /b # two\n    - /c\nz: 1\n");
    assert_eq!(set("d: x # c\n", "d", texts(&["/a"])), "d: # c\n  - /a\n");
}

#[test]
fn a_list_shrinks_while_its_items_grow() {
    let text = "l:\n  - a: 1\n  - x\nz: 1\n";
    let item = Node::Map(vec![("a".into(), 1.into()), ("b".into(), 2.into())]);
    assert_eq!(set(text, "l", Node::List(vec![item])), "l:\n  - a: 1\n    b: 2\nz: 1\n");
}

#[test]
fn the_seeds_are_reached_in_the_list_and_in_the_map_form() {
    let list =
        "seed_provider:\n  - class_name: S\n    parameters:\n      # seeds\n      - seeds: \"127.0.0.1:7000\"\nx: 1\n";
    let doc = parse(list);
    let path = doc.class_parameter("seed_provider", "seeds").unwrap();
    assert_eq!(path.to_string(), "seed_provider[0].parameters[0].seeds");
    assert_eq!(set(list, &path.to_string(), "a,b"), list.replace("127.0.0.1:7000", "a,b"));
    let edits = doc.set_class("seed_provider", "K", &[("seeds".into(), "c".into())]);
    assert_eq!(
        doc.edit(&edits).unwrap().text(),
        list.replace("127.0.0.1:7000", "c").replace("class_name: S", "class_name: K")
    );

    let map = "seed_provider:\n  class_name: S\n  parameters: {seeds: x}\n";
    let doc = parse(map);
    let path = doc.class_parameter("seed_provider", "seeds").unwrap();
    assert_eq!(path.to_string(), "seed_provider.parameters.seeds");
    assert_eq!(set(map, &path.to_string(), "a,b"), map.replace("seeds: x", "seeds: 'a,b'"));
    let edits = doc.set_class("seed_provider", "K", &[]);
    assert_eq!(doc.edit(&edits).unwrap().text(), "seed_provider:\n  class_name: K\n");

    let none = parse("a: 1\n");
    let edits = none.set_class("h", "LZ4", &[]);
    assert_eq!(none.edit(&edits).unwrap().text(), "a: 1\nh:\n  - class_name: LZ4\n");
}

#[test]
fn a_commented_key_is_enabled_where_it_stands() {
    assert_eq!(set("a: 1\n\n# why\n#b: 2 # note\nc: 3\n", "b", 5), "a: 1\n\n# why\nb: 5 # note\nc: 3\n");
    assert_eq!(set("#b: 'x # y' # note\n", "b", 5), "b: 5 # note\n");
    // Neither a sentence nor the first line of more is a value.
    for text in ["# b: set this: it is good\n", "# b: [x,\n#   y]\n", "# b: \"x\n"] {
        assert_eq!(set(text, "b", 5), format!("{text}b: 5\n"));
    }
}

#[test]
fn a_commented_list_is_enabled_with_its_example_lines() {
    let text = "a: 1\n# d:\n#     - /x\nc: 3\n";
    assert_eq!(set(text, "d", texts(&["/y"])), "a: 1\nd:\n    - /y\nc: 3\n");
    assert_eq!(set(text, "d", texts(&["/x", "/y"])), "a: 1\nd:\n    - /x\n    - /y\nc: 3\n");
    assert_eq!(set(text, "d[0]", "/y"), "a: 1\nd:\n    - /y\nc: 3\n");
    let text = "#d: # why\n#- /x # first\n#- /z\n# words\n";
    assert_eq!(set(text, "d", texts(&["/y"])), "d: # why\n- /y # first\n# words\n");
    let text = "m:\r\n  # d:\r\n  #   # inside\r\n  #   - /x\r\n  e: 1\r\n";
    let enabled = "m:\r\n  d:\r\n    # inside\r\n    - /y\r\n  e: 1\r\n";
    assert_eq!(set(text, "m.d", texts(&["/y"])), enabled);
    let text = "# d:\n#   - /x\n#     Some words\n";
    assert_eq!(set(text, "d", texts(&["/y"])), text.replace("# d:", "d:\n  - /y"));
    let text = "#c:\n#   - class_name: LZ4\n#     parameters:\n#       - level: 1\n";
    let class = |entries| Node::List(vec![Node::Map(entries)]);
    let bare = class(vec![("class_name".into(), "Z".into())]);
    // The parameters would be lost with the example.
    assert_eq!(set(text, "c", bare), format!("c:\n   - class_name: Z\n{}", text.replacen("#c:\n", "", 1)));
    let level = class(vec![("level".into(), 3.into())]);
    let full = class(vec![("class_name".into(), "Z".into()), ("parameters".into(), level)]);
    assert_eq!(set(text, "c", full), "c:\n   - class_name: Z\n     parameters:\n       - level: 3\n");
}

#[test]
fn a_commented_map_is_enabled_entry_by_entry() {
    let text = "# s:\n#   enabled: true # on?\n#   deep:\n#     x: 1\n#     w: 2\n#   l:\n#     - a\nz: 1\n";
    assert_eq!(
        set(text, "s.enabled", false),
        text.replace("# s", "s").replace("#   enabled: true", "  enabled: false")
    );
    assert_eq!(
        set(text, "s.deep.w", 3),
        text.replace("# s", "s").replace("#   deep", "  deep").replace("#     w: 2", "    w: 3")
    );
    assert_eq!(
        set(text, "s.l[0]", "b"),
        text.replace("# s", "s").replace("#   l", "  l").replace("#     - a", "    - b")
    );
    assert_eq!(set(text, "s.deep.new", 3), text.replace("# s", "s").replace("#   deep:", "  deep:\n    new: 3"));
    let edits = ["s.enabled", "s.deep.x", "s.deep.w"].map(|path| Edit::Set(path.parse().unwrap(), 7.into()));
    let all = parse(text).edit(&edits).unwrap();
    assert_eq!(all.text(), "s:\n  enabled: 7 # on?\n  deep:\n    x: 7\n    w: 7\n#   l:\n#     - a\nz: 1\n");
    let prose = "#s:\n#  Some words about s\n#  and more\nz: 1\n";
    assert_eq!(set(prose, "s.x", 1), prose.replace("#s:", "s:\n  x: 1"));
    assert_eq!(set(prose, "s", texts(&["x"])), prose.replace("#s:", "s:\n  - x"));
    assert_eq!(set(prose, "s", 1), prose.replace("#s:", "s: 1"));
}

#[test]
fn two_candidates_or_a_candidate_inside_an_entry_are_left_alone() {
    assert_eq!(set("# b: 1\na: 1\n# b: 2\n", "b", 5), "# b: 1\na: 1\n# b: 2\nb: 5\n");
    assert_eq!(set("a:\n  x: 1\n# b: 1\n  y: 2\n", "b", 5), "a:\n  x: 1\n# b: 1\n  y: 2\nb: 5\n");
    assert_eq!(set("a: |\n  # b: 1\n", "b", 5), "a: |\n  # b: 1\nb: 5\n");
}

#[test]
fn a_commented_key_is_enabled_inside_its_parent() {
    let text = "s:\n  # optional: true\n  keystore: x\n  #password: p\n#  out: y\n\n# optional: z\nt:\n  # password: q\n  a: 1\n";
    assert_eq!(set(text, "s.optional", false), text.replace("  # optional: true", "  optional: false"));
    assert_eq!(set(text, "s.password", "w"), text.replace("  #password: p", "  password: w"));
    assert_eq!(set(text, "s.out", "w"), text.replace("#  out: y", "  out: w"));
    assert_eq!(set(text, "optional", "w"), text.replace("# optional: z", "optional: w"));
    assert_eq!(set(text, "t.password", "w"), text.replace("  # password: q", "  password: w"));
    assert_eq!(set(text, "t.out", "w"), format!("{text}  out: w\n"));
}

#[test]
fn entries_and_items_are_removed_with_their_own_comments() {
    assert_eq!(remove("# a\na: 1 # one\n# b\nb: 2\n", "a"), "# a\n# b\nb: 2\n");
    assert_eq!(remove("a:\n  x: 1\nb: 2\n", "a.x"), "a: {}\nb: 2\n");
    assert_eq!(remove("a:\n- x\n# y\n- y\n", "a[0]"), "a:\n# y\n- y\n");
    assert_eq!(remove("a:\n- x: 1\n  y: 2\n", "a[0].x"), "a:\n- y: 2\n");
    assert_eq!(remove("a:\n- x: 1\n  # y\n  y: 2\n", "a[0].x"), "a:\n-\n  # y\n  y: 2\n");
    assert_eq!(remove("a: {x: 1, z: 2} # c\n", "a.x"), "a: {z: 2} # c\n");
    assert_eq!(remove("a: 1\n", "b.c"), "a: 1\n");
    assert_eq!(remove("a: 1\n", "a"), "");
}

#[test]
fn line_ends_stay() {
    assert_eq!(set("a: 1\r\nb: 2\r\n", "c", texts(&["x"])), "a: 1\r\nb: 2\r\nc:\r\n  - x\r\n");
    assert_eq!(set("a: 1\r\nb: 2", "b", 3), "a: 1\r\nb: 3");
    assert_eq!(set("a: 1\nb: 2", "c", 3), "a: 1\nb: 2\nc: 3\n");
}

#[test]
fn the_text_of_a_scalar_is_what_a_field_of_strings_gets() {
    let doc = parse("a: 1_000 # c\nb: 'on'\nc: ~\nd: [on, x,\n  y: 2001-12-14]\ne: one\n  two\nf:\n");
    let text = |path: &str| doc.text_at(&path.parse().unwrap());
    assert_eq!(text("a"), Some("1_000"));
    assert_eq!(text("b"), Some("on"));
    assert_eq!(text("d[0]"), Some("on"));
    assert_eq!(text("d[2].y"), Some("2001-12-14"));
    assert_eq!(text("e"), Some("one two"));
    for nothing in ["c", "d", "f", "d[2]", "g"] {
        assert_eq!(text(nothing), None, "{nothing}");
    }
}

#[test]
fn a_value_means_the_same_in_another_document() {
    let from = parse("a: [on, 'on', 1_000, ~, word, 12:30]\nb:\n  c: 0x1f\n  d: \"=\"\n  e: {f: 017}\n");
    let mut into = parse("# head\n");
    for (key, node) in from.entries() {
        into.set(&YamlPath::key(&key), node).unwrap();
    }
    let text = "# head\na:\n  - on\n  - 'on'\n  - 1_000\n  - null\n  - word\n  - 12:30\nb:\n  c: 0x1f\n  d: '='\n  e:\n    f: 017\n";
    assert_eq!(into.text(), text);
    assert_eq!(into.tree(), from.tree());
    let node = from.node(&"b.c".parse().unwrap()).unwrap();
    assert_eq!(node, Node::Plain("0x1f".into()));
    assert_eq!(set("x: 31\n", "x", node.clone()), "x: 0x1f\n");
    assert_eq!(set("x: {y: 31}\n", "x.y", node), "x: {y: 0x1f}\n");
}

#[test]
fn a_plain_node_that_is_no_plain_scalar_is_quoted() {
    for (text, written) in [("a: b", "'a: b'"), ("", "null"), ("on", "on"), ("#", "'#'"), ("=", "'='"), ("x", "x")] {
        assert_eq!(set("k: 7\n", "k", Node::Plain(text.into())), format!("k: {written}\n"));
    }
}

#[test]
fn brackets_keep_their_lines() {
    let text = "a: [x, # first\n  y]\n";
    assert_eq!(set(text, "a[0]", "z"), "a: [z, # first\n  y]\n");
    assert_eq!(set(text, "a[2]", "z"), "a: [x, # first\n  y,\n  z]\n");
    assert_eq!(set(text, "a", texts(&["x", "w"])), "a: [x, # first\n  w]\n");
    assert_eq!(set(text, "a", texts(&["x"])), "a: [x]\n");
    assert_eq!(remove(text, "a[1]"), "a: [x, # first\n  ]\n");
    assert_eq!(remove(text, "a[0]"), "a: [ # first\n  y]\n");
    let text = "a: {\n  b: 1, # one\n  # two\n  c: [1, 2] # three\n} # end\nz: 1\n";
    assert_eq!(set(text, "a.c[1]", 3), text.replace("[1, 2]", "[1, 3]"));
    assert_eq!(set(text, "a.d", 3), text.replace("[1, 2] # three\n", "[1, 2], # three\n  d: 3\n"));
    assert_eq!(remove(text, "a.b"), text.replace("  b: 1, # one\n", ""));
    assert_eq!(remove(text, "a.c"), text.replace("  c: [1, 2] # three\n", ""));
    assert_eq!(set("a: [x, y,]\n", "a[2]", "z"), "a: [x, y, z]\n");
    assert_eq!(set("a: [\n  x,\n  y,\n]\n", "a[2]", "z"), "a: [\n  x,\n  y,\n  z,\n]\n");
    assert_eq!(set("a: [\r\n  x\r\n]\r\n", "a[1]", "z"), "a: [\r\n  x,\r\n  z\r\n]\r\n");
    assert_eq!(set("a: [ ]\n", "a[0]", "z"), "a: [z ]\n");
    assert_eq!(remove("a: [x,]\n", "a[0]"), "a: []\n");
    assert_eq!(remove("a: [x, y , z]\n", "a[1]"), "a: [x, z]\n");
}

#[test]
fn odd_shapes_in_brackets_are_understood() {
    let text = "a: [x: 1, \"k\":2, {c, d: }, [[]], it's, a b\n  c]\n";
    let doc = parse(text);
    assert_eq!(doc.get(&"a[0].x".parse().unwrap()), Some(&1.into()));
    assert_eq!(doc.get(&"a[5]".parse().unwrap()), Some(&"a b c".into()));
    assert_eq!(set(text, "a[0].x", 3), text.replace("x: 1", "x: 3"));
    assert_eq!(set(text, "a[0].y", 3), text.replace("x: 1", "{x: 1, 'y': 3}"));
    assert_eq!(set(text, "a[2].c", 3), text.replace("{c,", "{c: 3,"));
    assert_eq!(set(text, "a[2].d.e", 3), text.replace("d: }", "d: {e: 3} }"));
    assert_eq!(set(text, "a[3][0][0]", 3), text.replace("[[]]", "[[3]]"));
    assert_eq!(remove(text, "a[0].x"), text.replace("x: 1", "{}"));
    assert_eq!(remove(text, "a[1]"), text.replace("\"k\":2, ", ""));
}

#[test]
fn what_would_be_misread_is_refused_and_the_one_to_blame_is_named() {
    let mut doc = parse("a: [x]\n");
    let time = Node::Plain("12:30".into());
    let reason = "the result would not mean the old values and the new one";
    let error = doc.set(&"a[0]".parse().unwrap(), time.clone()).unwrap_err();
    assert_eq!(error.to_string(), format!("cassandra.yaml: cannot edit `a[0]` safely: {reason}"));
    assert_eq!(doc.text(), "a: [x]\n");
    let edits = [Edit::Set("b".parse().unwrap(), 1.into()), Edit::Set("a[0]".parse().unwrap(), time)];
    let error = doc.edit(&edits).unwrap_err();
    assert!(error.to_string().contains("`a[0]`"), "the one to blame is named: {error}");
}

#[test]
fn a_path_that_leads_nowhere_is_told() {
    let doc = parse("a: 1\nl:\n- x\n");
    let tell = |path: &str| doc.clone().set(&path.parse().unwrap(), 1).unwrap_err().to_string();
    assert_eq!(tell("a.b"), "cassandra.yaml: cannot reach `a.b`: expected a map that holds `b`");
    assert_eq!(tell("l[2]"), "cassandra.yaml: cannot reach `l[2]`: expected a list with at least 2 items");
    assert_eq!(tell("n[1]"), "cassandra.yaml: cannot reach `n[1]`: expected a list with at least 1 items");
}

#[test]
fn edits_of_one_batch_see_each_other() {
    let set = |path: &str, node: Node| Edit::Set(path.parse().unwrap(), node);
    let drop = |path: &str| Edit::Remove(path.parse().unwrap());
    let doc = parse("a:\n  x: 1\n  y: 2\n");
    let edits = [
        set("m.a", 1.into()),
        set("m.b", 2.into()),
        drop("a.x"),
        drop("a.y"),
        set("l[0]", 1.into()),
        set("l[1]", 2.into()),
        drop("m.a"),
        set("a.z", 3.into()),
    ];
    assert_eq!(doc.edit(&edits).unwrap().text(), "a: {z: 3}\nm:\n  b: 2\nl:\n  - 1\n  - 2\n");
}

/// Bytes looked at while a text is read and edited at both ends.
fn work(text: &str) -> usize {
    layout::WORK.set(0);
    let doc = parse(text);
    let edits: Vec<Edit> =
        ["first", "last", "new.x[0]", "new.y"].map(|path| Edit::Set(path.parse().unwrap(), 1.into())).into();
    doc.edit(&edits).unwrap();
    layout::WORK.get()
}

#[test]
fn the_cost_grows_with_the_length_of_the_text_and_not_faster() {
    let numbered = |n: usize| (0..n).map(|at| format!("k{at}: some value")).collect::<Vec<_>>().join("\n") + "\n";
    let shapes = |n: usize| {
        [
            ("entries", numbered(n)),
            ("comments", "# words: and more words\n".repeat(n)),
            ("items", format!("l:\n{}", "  - a: 1\n    b: 2\n".repeat(n))),
            ("one line in brackets", format!("l: [{}]\n", "{a: 'x', b: [y]}, ".repeat(n))),
            ("one long line", format!("l: {}\n", "some words ".repeat(n))),
            ("a long text", format!("l: |\n{}\n", "  some words\n".repeat(n))),
            ("many lines of one scalar", format!("l: x\n{}\n", "  some words\n\n".repeat(n))),
        ]
    };
    for ((name, small), (_, large)) in shapes(100).into_iter().zip(shapes(800)) {
        let text = |middle: &str| format!("first: 1\n{middle}last: 2\n");
        let (small, large) = (text(&small), text(&large));
        let (of_small, of_large) = (work(&small), work(&large));
        assert!(
            of_large < 9 * of_small,
            "{name}: {of_small} for {} bytes, {of_large} for {}",
            small.len(),
            large.len()
        );
        assert!(of_large < 40 * large.len(), "{name}: {of_large} for {} bytes", large.len());
    }
}

#[test]
fn a_file_of_a_megabyte_is_edited() {
    let line = "# é: words\nkey_AT:\n  - 'some value' # c\n";
    let text: String = (0..24_000).map(|at| line.replace("AT", &at.to_string())).collect();
    assert!(text.len() > 1_000_000);
    let doc = parse(&text);
    let edited = doc.edit(&[Edit::Set("key_23999[0]".parse().unwrap(), "x".into())]).unwrap();
    let (kept, _) = text.split_at(text.rfind("'some value'").unwrap());
    assert_eq!(edited.text(), format!("{kept}'x' # c\n"));
    let many = "a: &x 1\n".repeat(3_000);
    assert!(YamlDocument::parse("x", &many).unwrap_err().findings.len() >= 3_000);
}
