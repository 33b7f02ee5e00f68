//! The files that Cassandra ships: every live and every commented key is set once, and only its own lines may differ.

use std::path::PathBuf;

use super::*;

/// The shipped `cassandra.yaml` files at hand, by line of Cassandra; none, said aloud, where the folder is absent.
fn shipped() -> Vec<(String, String)> {
    let folder = std::env::var_os("CASSANDRA_INIT_UPSTREAM_CONF")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/upstream-conf"), PathBuf::from);
    let mut files = Vec::new();
    for file in ["4.0/cassandra.yaml", "4.1/cassandra.yaml", "5.0/cassandra.yaml", "5.0/cassandra_latest.yaml"] {
        match std::fs::read_to_string(folder.join(file)) {
            Ok(text) => files.push((file.to_owned(), text)),
            Err(error) => println!("skipped: {file}: {error}"),
        }
    }
    files
}

/// Keys of commented-out top-level entries, each once and not live.
fn commented_keys(doc: &YamlDocument) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for line in doc.text().lines() {
        let Some(body) = line.strip_prefix('#') else {
            continue;
        };
        let body = body.strip_prefix(' ').unwrap_or(body);
        let Some((key, rest)) = body.split_once(':') else {
            continue;
        };
        let word = !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if word && (rest.is_empty() || rest.starts_with(' ')) && doc.get(&YamlPath::key(key)).is_none() {
            keys.push(key.to_owned());
        }
    }
    let all = keys.clone();
    keys.retain(|key| all.iter().filter(|other| *other == key).count() == 1);
    keys
}

/// The lines of both texts where they differ: one stretch from the first to the last difference.
fn changed<'a>(before: &'a str, after: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut old, mut new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    old.drain(..head);
    new.drain(..head);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    old.truncate(old.len() - tail);
    new.truncate(new.len() - tail);
    (old, new)
}

#[test]
fn no_edit_changes_no_byte() {
    for (file, text) in shipped() {
        let doc = YamlDocument::parse(&file, &text).unwrap();
        let same: Vec<Edit> = doc
            .tree()
            .as_mapping()
            .unwrap()
            .iter()
            .map(|(key, value)| Edit::Set(YamlPath::key(key.as_str().unwrap()), Node::from_value(value).unwrap()))
            .collect();
        assert_eq!(doc.edit(&same).unwrap().text(), text, "{file}");
    }
}

#[test]
fn each_live_scalar_changes_its_own_line() {
    for (file, text) in shipped() {
        let doc = YamlDocument::parse(&file, &text).unwrap();
        let mut chain = doc.clone();
        let mut edits = Vec::new();
        for (key, value) in doc.tree().as_mapping().unwrap() {
            if value.is_mapping() || value.is_sequence() {
                continue;
            }
            let key = key.as_str().unwrap();
            let edit = Edit::Set(YamlPath::key(key), Node::from("new value"));
            let after = doc.edit(std::slice::from_ref(&edit)).unwrap();
            let (old, new) = changed(&text, after.text());
            assert_eq!((old.len(), new.len()), (1, 1), "{file}: {key}");
            assert!(old[0].starts_with(key) && new[0].starts_with(&format!("{key}: ")), "{file}: {old:?} {new:?}");
            chain = chain.edit(std::slice::from_ref(&edit)).unwrap();
            edits.push(edit);
        }
        assert_eq!(doc.edit(&edits).unwrap().text(), chain.text(), "{file}: a batch equals its chain");
    }
}

#[test]
fn each_commented_key_is_enabled_on_its_own_line() {
    for (file, text) in shipped() {
        let doc = YamlDocument::parse(&file, &text).unwrap();
        let keys = commented_keys(&doc);
        assert!(keys.len() > 50, "{file}: {}", keys.len());
        let edit = |key: &String| Edit::Set(YamlPath::key(key), Node::Integer(7));
        for key in &keys {
            let after = doc.edit(&[edit(key)]).unwrap();
            let (old, new) = changed(&text, after.text());
            assert_eq!(old.len(), 1, "{file}: {key}");
            assert!(old[0].starts_with('#'), "{file}: {old:?}");
            assert!(new[0].starts_with(&format!("{key}: 7")) && new.len() == 1, "{file}: {new:?}");
        }
        let all = doc.edit(&keys.iter().map(edit).collect::<Vec<_>>()).unwrap();
        assert_eq!(all.text().lines().count(), text.lines().count(), "{file}");
        let (same, _) = all.text().lines().zip(text.lines()).partition::<Vec<_>, _>(|(a, b)| a == b);
        assert_eq!(same.len(), text.lines().count() - keys.len(), "{file}");
    }
}

#[test]
fn nested_keys_are_edited_and_enabled_in_their_parent() {
    for (file, text) in shipped() {
        let doc = YamlDocument::parse(&file, &text).unwrap();
        let seeds = doc.class_parameter("seed_provider", "seeds").unwrap();
        for (path, marker) in [
            (seeds, "- seeds: "),
            ("client_encryption_options.enabled".parse().unwrap(), "  enabled: "),
            ("client_encryption_options.optional".parse().unwrap(), "  # optional: "),
            ("server_encryption_options.truststore_password".parse().unwrap(), "truststore_password: "),
        ] {
            let after = doc.edit(&[Edit::Set(path.clone(), "new,value".into())]).unwrap();
            let (old, new) = changed(&text, after.text());
            assert_eq!((old.len(), new.len()), (1, 1), "{file}: {path}");
            assert!(old[0].contains(marker), "{file}: {path}: {old:?}");
        }
    }
}

/// The cost of a whole start; run in release mode with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn measure() {
    for (file, text) in shipped() {
        let doc = YamlDocument::parse(&file, &text).unwrap();
        let live =
            doc.tree().as_mapping().unwrap().iter().filter(|(_, value)| !value.is_mapping() && !value.is_sequence());
        let mut paths: Vec<YamlPath> = live.map(|(key, _)| YamlPath::key(key.as_str().unwrap())).collect();
        paths.extend(commented_keys(&doc).into_iter().map(YamlPath::key));
        paths.extend((0..10).map(|at| YamlPath::key("client_encryption_options").child(format!("new_key_{at}"))));
        for count in [0, 1, 25, 200] {
            let edits: Vec<Edit> =
                paths.iter().rev().take(count).map(|path| Edit::Set(path.clone(), "a b".into())).collect();
            let mut times: Vec<_> = (0..30)
                .map(|_| {
                    let start = std::time::Instant::now();
                    let doc = YamlDocument::parse(&file, &text).unwrap().edit(&edits).unwrap();
                    std::hint::black_box(doc.text());
                    start.elapsed()
                })
                .collect();
            times.sort();
            println!("{file}: parse and {} edits: median {:?}, best {:?}", edits.len(), times[15], times[0]);
        }
    }
}
