//! What must hold for any bytes: the bodies of the fuzz targets, which `cargo test --test fuzz` drives too.

use cassandra_init::config::jvm_options::{JvmOptions, OptionKey, options_of};
use cassandra_init::config::masked;
use cassandra_init::config::properties::Properties;
use cassandra_init::config::yaml::{Edit, Node, Step, YamlDocument, YamlPath};
use cassandra_init::report::Report;
use cassandra_init::settings::raw::Source;
use cassandra_init::settings::{Profile, RawEnv, Settings};

/// The line between a document and the edits of it.
const SPLIT: &str = "\n====\n";

/// What is done with any bytes; it panics if something does not hold.
pub type Target = fn(&[u8]);

/// A target by its name, which is that of its corpus folder.
pub const TARGETS: [(&str, Target); 5] =
    [("yaml", yaml), ("properties", properties), ("jvm_options", jvm_options), ("env", env), ("yaml_path", yaml_path)];

fn parts(text: &str) -> (&str, std::str::Lines<'_>) {
    let (document, edits) = text.split_once(SPLIT).unwrap_or((text, ""));
    (document, edits.lines())
}

/// A document and edits of it, one a line: `path: value` sets, `path` removes.
pub fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (document, edits) = parts(text);
    let shown = masked::lines("cassandra.yaml", document);
    assert_eq!(shown.len(), document.split_inclusive('\n').count(), "a line for each");
    let Ok(mut doc) = YamlDocument::parse("fuzz.yaml", document) else { return };
    assert_eq!(doc.edit(&[]).expect("no edit is made").text(), doc.text());
    for line in edits {
        let (path, value) = line.split_once(": ").map_or((line, None), |(path, value)| (path, Some(value)));
        let Ok(path) = path.parse::<YamlPath>() else { continue };
        let Some(edit) = edit(&path, value) else { continue };
        let Ok(next) = doc.edit(std::slice::from_ref(&edit)) else { continue };
        let read = YamlDocument::parse("fuzz.yaml", next.text()).expect("what is written can be read");
        assert_eq!(read.tree(), next.tree(), "{edit:?}");
        match &edit {
            Edit::Set(_, node) => {
                assert_eq!(next.get(&path), Some(&node.to_value()), "{edit:?}");
                let again = next.edit(std::slice::from_ref(&edit)).expect("the same edit again is made");
                assert_eq!(again.text(), next.text(), "{edit:?} twice");
            }
            Edit::Remove(_) => {
                let is_key = matches!(path.steps().last(), Some(Step::Key(_)));
                assert!(!is_key || next.get(&path).is_none(), "{edit:?}");
            }
        }
        if doc.get(&path).is_none() {
            assert!(sentences(doc.text()).eq(sentences(next.text())), "{edit:?} takes a comment along");
        }
        doc = next;
    }
    let entries = doc.entries().into_iter().map(|(key, node)| Edit::Set(YamlPath::key(key), node)).collect::<Vec<_>>();
    let empty = YamlDocument::parse("copy.yaml", "").expect("an empty file is a document");
    if let Ok(copy) = empty.edit(&entries) {
        assert_eq!(copy.tree(), doc.tree(), "a copy means the same");
    }
}

/// Comment lines that nobody can take for an entry.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let is_sentence = |body: &&str| body.len() > 2 && body.chars().all(|c| c.is_ascii_alphabetic() || c == ' ');
    text.lines().filter_map(|line| line.trim().strip_prefix("# ")).filter(is_sentence)
}

fn edit(path: &YamlPath, value: Option<&str>) -> Option<Edit> {
    let Some(value) = value else { return Some(Edit::Remove(path.clone())) };
    let node = match YamlDocument::parse("value", &format!("v: {value}")) {
        Ok(doc) => doc.node(&YamlPath::key("v"))?,
        Err(_) => Node::from(value),
    };
    Some(Edit::Set(path.clone(), node))
}

/// A file and edits of it, one a line: `key=value` sets, `key` enables and removes.
pub fn properties(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (document, edits) = parts(text);
    let Ok(mut file) = Properties::parse("fuzz.properties", document) else { return };
    for line in edits {
        let (key, value) = line.split_once('=').map_or((line, None), |(key, value)| (key, Some(value)));
        let others = |file: &Properties| {
            let other = file.iter().filter(|(name, _)| *name != key);
            other.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        let before = others(&file);
        if let Some(value) = value {
            file.set(key, value);
            assert_eq!(file.get(key), Some(value));
        } else {
            assert!(!file.enable(key) || file.get(key).is_some());
            file.remove(key);
            assert_eq!(file.get(key), None);
        }
        assert_eq!(others(&file), before, "an edit of `{key}` changes nothing else");
        let read = Properties::parse("fuzz.properties", file.text()).expect("what is written can be read");
        assert!(read.iter().eq(file.iter()));
    }
}

/// A file and options to set, one a line; `!option` removes its key.
pub fn jvm_options(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (document, edits) = parts(text);
    let mut file = JvmOptions::parse("fuzz.options", document);
    for line in edits {
        let others = |file: &JvmOptions, key: &OptionKey| {
            file.options().flat_map(options_of).filter(|option| OptionKey::of(option) != *key).collect::<Vec<_>>()
        };
        let option = line.strip_prefix('!').unwrap_or(line);
        let key = OptionKey::of(option);
        let before = others(&file, &key);
        if option == line {
            if file.set(option).is_err() {
                continue;
            }
            assert_eq!(file.get(&key), Some(option));
            assert_eq!(file.options().filter(|line| OptionKey::of(line) == key).count(), 1, "{option}");
        } else {
            file.remove(&key);
            assert_eq!(file.get(&key), None);
        }
        assert_eq!(others(&file, &key), before, "an edit of `{option}` changes nothing else");
        assert!(JvmOptions::parse("fuzz.options", &file.text()).options().eq(file.options()));
    }
}

/// An environment, one `NAME=value` a line: it is read or told about, and no secret is in what is told.
pub fn env(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut env = RawEnv::default();
    let (mut secrets, mut others) = (Vec::new(), String::new());
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        env.insert(name, value, Source::Environment(name.to_owned()));
        let is_secret = ["PASSWORD", "SECRET"].iter().any(|word| name.contains(word));
        if is_secret { secrets.push(value.to_owned()) } else { others.extend([name, "=", value, "\n"]) }
    }
    // A short one, or one that stands elsewhere too, proves nothing.
    secrets.retain(|secret| secret.len() >= 12 && !others.contains(secret.as_str()));
    let profile = Profile::named("kubernetes-examples").unwrap_or_else(|error| panic!("{error}"));
    let mut report = Report::default();
    let settings = Settings::read(&env, &profile, &mut report);
    drop(settings.yaml_settings());
    for finding in report.iter() {
        let told = finding.to_string();
        assert!(!secrets.iter().any(|secret| told.contains(secret)), "{told}");
    }
}

/// The text of a path: what is read is written as it was.
pub fn yaml_path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(path) = text.parse::<YamlPath>() {
        let again = path.to_string().parse::<YamlPath>().expect("what is written can be read");
        assert_eq!(again, path);
        assert!(!path.steps().is_empty() && !path.root().is_empty());
    }
}
