//! `status --json`: the facts as one JSON object, which docs/status.md describes.

use std::time::Duration;

use super::facts::{Fact, Facts, Value};
use crate::commands::json::{object, string};

/// The version of the object's form: a reader that knows it may rely on every field of it.
const VERSION: u32 = 1;

/// The object: an inner one a line, or all of it on one line.
pub(super) fn write(facts: &Facts, on_one_line: bool) -> String {
    let mut members = vec![("version", VERSION.to_string())];
    let mut rest = Fact::ALL;
    while let Some((group, _)) = rest.first().map(|fact| fact.name()) {
        let count = rest.iter().take_while(|fact| fact.name().0 == group).count();
        let (inner, after) = rest.split_at(count);
        let inner: Vec<_> = inner.iter().map(|fact| (fact.name().1, value(facts.get(*fact)))).collect();
        members.push((group, object(&inner)));
        rest = after;
    }
    let gaps: Vec<String> = facts
        .gaps()
        .map(|(fact, reason)| {
            let (group, field) = fact.name();
            object(&[("fact", string(&format!("{group}.{field}"))), ("reason", string(reason))])
        })
        .collect();
    members.push(("unknown", format!("[{}]", gaps.join(if on_one_line { ", " } else { ",\n    " }))));
    if on_one_line {
        return format!("{}\n", object(&members));
    }
    let members: Vec<String> = members.iter().map(|(name, value)| format!("  {}: {value}", string(name))).collect();
    format!("{{\n{}\n}}\n", members.join(",\n"))
}

fn value(value: Option<&Value>) -> String {
    match value {
        None => "null".to_owned(),
        Some(Value::Text(text)) => string(text),
        Some(Value::Truth(truth)) => truth.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Time(time)) => seconds(*time),
        Some(Value::Times(times)) => {
            let times: Vec<_> = times.iter().map(|(name, time)| (name.as_str(), seconds(*time))).collect();
            object(&times)
        }
        Some(Value::List(items)) => {
            format!("[{}]", items.iter().map(|item| string(item)).collect::<Vec<_>>().join(", "))
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}
