//! Whether one value has the type that its key takes, as SnakeYAML and Cassandra's `DurationSpec` and its like read it.

use serde_yaml::{Mapping, Value};

use crate::cassandra::schema::{self, Ceiling, Forms, Kind, RATE_UNITS, SIZE_UNITS, TIME_UNITS};
use crate::config::validate::{Check, Problem, unknown};
use crate::config::yaml::YamlPath;
use crate::settings::suggest;

/// Adds what is wrong with a value that is not null.
pub(super) fn check(walk: &mut Check, kind: Kind, path: &YamlPath, value: &Value) {
    let hint = match (kind, value) {
        (Kind::List(item), Value::Sequence(items)) => {
            for (index, each) in items.iter().enumerate().filter(|(_, each)| !each.is_null()) {
                check(walk, *item, &path.item(index), each);
            }
            return;
        }
        (Kind::Map(kind), Value::Mapping(map)) => {
            for (key, each) in entries(map).filter(|(_, each)| !each.is_null()) {
                check(walk, *kind, &path.child(key), each);
            }
            return;
        }
        (Kind::Class(forms), Value::Sequence(items)) => return class_list(walk, forms, path, items),
        (Kind::Class(forms), Value::Mapping(map)) if forms.map => return class_map(walk, path, map, false),
        (Kind::Nested { class, .. }, Value::Mapping(map)) => return structure(walk, class, path, map),
        _ => match single(kind, value) {
            Ok(()) => return,
            Err(hint) => hint,
        },
    };
    let shown = if schema::is_secret(&path.to_string()) { "not valid".to_owned() } else { show(value) };
    let problem = Problem::error(path, format!("is {shown}, expected {}", kind.expected()));
    walk.add(Problem { hint, ..problem });
}

/// The keys of a map with their values; Cassandra's are all words.
fn entries(map: &Mapping) -> impl Iterator<Item = (&str, &Value)> {
    map.iter().filter_map(|(key, value)| Some((key.as_str()?, value)))
}

fn show(value: &Value) -> String {
    match value {
        Value::Sequence(_) => "a list".into(),
        Value::Mapping(_) => "a map".into(),
        other => format!("'{}'", text_of(other).escape_debug()),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => String::new(),
    }
}

/// Checks a value that is not looked into.
///
/// # Errors
/// As [`scalar_problem`].
fn single(kind: Kind, value: &Value) -> Result<(), Option<String>> {
    let is_structure = matches!(value, Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_));
    match kind {
        Kind::Any => Ok(()),
        _ if is_structure => Err(None),
        Kind::Class(Forms { string: true, .. }) if value.as_str().is_some_and(|name| !name.is_empty()) => Ok(()),
        Kind::Nested { scalar: true, .. } => Ok(()),
        Kind::List(_) | Kind::Map(_) | Kind::Class(_) | Kind::Nested { .. } => Err(None),
        kind => scalar_problem(kind, value),
    }
}

/// Checks a scalar.
///
/// # Errors
/// What to do about it, where there is more to say than what was expected.
fn scalar_problem(kind: Kind, value: &Value) -> Result<(), Option<String>> {
    let text = text_of(value);
    match kind {
        Kind::Integer(ceiling) => integer(&text, ceiling),
        Kind::Bare { unit, ceiling, negative } => match text.replace('_', "").parse::<f64>() {
            Ok(number) if number < 0.0 && !negative => Err(Some("there are no negative ones".into())),
            Ok(number) if ceiling.is_none() && number > f64::from(i32::MAX) => Err(Some("it must fit an int".into())),
            Ok(_) => ceiling.map_or(Ok(()), |ceiling| integer(&text, ceiling)),
            Err(_) => {
                Err(Some(format!("the name carries the unit: give {} alone, or use the newer name", unit.words())))
            }
        },
        Kind::Number => text.replace('_', "").parse::<f64>().map(drop).map_err(|_| None),
        // Quoted words count, too: SnakeYAML goes by the type that it wants.
        Kind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "false" | "yes" | "no" | "on" | "off" => Ok(()),
            _ => Err(None),
        },
        Kind::Choice(words) => choice(words, value, &text),
        Kind::Duration { bare: true, ceiling, .. } if !text.starts_with('-') && integer(&text, ceiling).is_ok() => {
            Ok(())
        }
        Kind::Duration { least, ceiling, .. } => measure(&text, &TIME_UNITS, least, ceiling),
        Kind::DataSize { least, ceiling } => measure(&text, &SIZE_UNITS, least, ceiling),
        Kind::DataRate => measure(&text, &RATE_UNITS, "B/s", Ceiling::Long),
        _ => Ok(()),
    }
}

fn integer(text: &str, ceiling: Ceiling) -> Result<(), Option<String>> {
    let digits = text.replace('_', "");
    let number: i128 = digits.parse().map_err(|_| None)?;
    if number.unsigned_abs() > ceiling.largest() {
        return Err(Some(format!("the largest that fits is {}", ceiling.largest())));
    }
    Ok(())
}

fn choice(words: &[&str], value: &Value, text: &str) -> Result<(), Option<String>> {
    // `off` without quotes is a truth value to YAML, and the word again to a key that takes words.
    let means = |word: &str, truth: bool| {
        if truth { matches!(word, "on" | "yes" | "true") } else { matches!(word, "off" | "no" | "false") }
    };
    let fits = |word: &&str| *word == text || value.as_bool().is_some_and(|truth| means(word, truth));
    if words.iter().any(fits) {
        return Ok(());
    }
    let near = suggest::nearest(text, words.iter().copied(), 1);
    let same = words.iter().find(|word| word.eq_ignore_ascii_case(text)).or(near.first());
    Err(same.map(|word| format!("did you mean {word}?")))
}

/// Checks a number with a unit.
fn measure(text: &str, units: &[(&str, u128)], least: &str, ceiling: Ceiling) -> Result<(), Option<String>> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = text.split_at(digits);
    let size = |name: &str| units.iter().find(|(unit, _)| *unit == name).map(|(_, size)| *size);
    let least_size = size(least).unwrap_or(1);
    let (Some(unit), false) = (size(suffix), number.is_empty()) else {
        return Err(mistake(text, number, suffix, units, least));
    };
    if unit < least_size {
        return Err(Some(format!("{suffix} is finer than {least}, which is the finest here")));
    }
    let amount: u128 = number.parse().map_err(|_| None)?;
    // Cassandra refuses the ceiling itself (DurationSpec.validateQuantity).
    match amount.checked_mul(unit) {
        Some(all) if all / least_size < ceiling.largest() => Ok(()),
        _ => Err(Some(format!("it must be less than {}{least}", ceiling.largest()))),
    }
}

/// What is likely meant by a number whose unit is wrong.
fn mistake(text: &str, number: &str, suffix: &str, units: &[(&str, u128)], least: &str) -> Option<String> {
    if text.starts_with('-') {
        return Some("there are no negative ones: remove the line for what -1 used to mean".into());
    }
    if number.is_empty() {
        return None;
    }
    if suffix.is_empty() {
        let usual = if least == "B/s" { "MiB/s" } else { least };
        return Some(format!("give the unit, such as {number}{usual}"));
    }
    let bare = suffix.trim();
    if bare.starts_with('.') {
        return Some("give a whole number, in a finer unit".into());
    }
    let (amount, per) = bare.strip_suffix("/s").map_or((bare, ""), |amount| (amount, "/s"));
    let decimal = ["KB", "MB", "GB", "K", "M", "G"].iter().find(|known| amount.eq_ignore_ascii_case(known));
    let binary = decimal.and_then(|unit| unit.get(..1)).map(|unit| format!("{}iB{per}", unit.to_ascii_uppercase()));
    let known = |wanted: &str| units.iter().map(|(unit, _)| *unit).find(|unit| unit.eq_ignore_ascii_case(wanted));
    if let Some(unit) = known(bare).or_else(|| known(binary.as_deref()?)) {
        return Some(format!("did you mean {number}{unit}?"));
    }
    (bare == "TiB").then(|| "GiB is the largest unit".to_owned())
}

/// The list form of a class: its constructor takes the one map in the list.
fn class_list(walk: &mut Check, forms: Forms, path: &YamlPath, items: &[Value]) {
    match items {
        [Value::Mapping(map)] if forms.list => class_map(walk, &path.item(0), map, true),
        _ => {
            let expected = Kind::Class(forms).expected();
            walk.add(Problem::error(path, format!("is a list of {} items, expected {expected}", items.len())));
        }
    }
}

fn class_map(walk: &mut Check, path: &YamlPath, map: &Mapping, in_list: bool) {
    match map.get("class_name") {
        Some(Value::String(name)) if !name.is_empty() => {}
        _ => walk.add(Problem::error(path, "lacks class_name, the name of a class")),
    }
    for (key, value) in entries(map) {
        let here = path.child(key);
        match (key, value) {
            ("class_name", _) | ("parameters", Value::Null) => {}
            ("parameters", Value::Sequence(items)) if in_list => {
                if !matches!(items.as_slice(), [Value::Mapping(_)]) {
                    walk.add(Problem::error(&here, "must be a list of one map, as its class is in a list"));
                }
            }
            ("parameters", Value::Mapping(_)) if !in_list => {}
            ("parameters", _) if in_list => {
                walk.add(Problem::error(&here, "must be a list of one map, as its class is in a list"));
            }
            ("parameters", _) => walk.add(Problem::error(&here, "must be a map, as its class is in a map")),
            _ => {
                let near = suggest::nearest(key, ["class_name", "parameters"], 1);
                let problem = Problem::error(&here, "is not known, expected class_name and parameters");
                walk.add(match near.first() {
                    Some(near) => problem.hint(format!("did you mean {near}?")),
                    None => problem,
                });
            }
        }
    }
}

/// A structure of Cassandra's, whose keys are known as those at the top are.
fn structure(walk: &mut Check, class: &str, path: &YamlPath, map: &Mapping) {
    for (key, value) in entries(map) {
        let here = path.child(key);
        let Some(row) = schema::class_row(class, key, walk.version) else {
            let problem = unknown::nested(key, class, walk.version);
            walk.add_unknown(&here, problem);
            continue;
        };
        if let Some(new) = row.alias_of.filter(|new| map.contains_key(*new)) {
            let message = format!("is the old name of {new}, which is set too");
            walk.add(Problem::error(&here, message).hint("remove it"));
        }
        walk.entry(row, &here, value);
    }
}
