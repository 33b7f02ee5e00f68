//! Which lines are not shown.

use crate::settings::secret::{HIDDEN, is_secret};

/// Whether a line, counted from 1, shows a secret: it names one, or it belongs to a key above it that does.
pub(super) fn in_line(text: &str, number: usize) -> bool {
    let lines: Vec<&str> = text.lines().take(number).collect();
    let Some(line) = lines.last() else { return false };
    let mut indent = indent_of(line);
    let mut shown = vec![*line];
    for above in lines.iter().rev().skip(1).filter(|above| !above.trim().is_empty()) {
        if indent_of(above) < indent {
            indent = indent_of(above);
            shown.push(above);
        }
    }
    shown.iter().any(|line| line.contains("-----BEGIN") || words(line).any(is_secret))
        // A whole map on one line: whose parameters they are is not asked.
        || line.contains("parameters")
        || is_below_secret(&shown)
        || is_value_of_secret(&lines)
}

/// A parameter of an authenticator, which only the keys above it make a secret: `lines` leads from it to the outermost key.
fn is_below_secret(lines: &[&str]) -> bool {
    let key = |line: &&str| {
        line.trim_start_matches([' ', '-']).split(':').next().unwrap_or_default().trim_matches(['"', '\'']).to_owned()
    };
    let mut keys: Vec<String> = lines.iter().map(key).collect();
    keys.reverse();
    // In a manifest the file's own keys begin somewhere below.
    (0..keys.len()).any(|from| keys.get(from..).is_some_and(|path| is_secret(&path.join("."))))
}

/// `value: x` below `- name: A_PASSWORD`, as in the environment of a manifest.
fn is_value_of_secret(lines: &[&str]) -> bool {
    let Some((line, above)) = lines.split_last() else { return false };
    let is_value = line.trim_start().trim_start_matches("- ").starts_with("value");
    let name = above.iter().rev().find(|above| above.trim_start().trim_start_matches("- ").starts_with("name:"));
    is_value && name.is_some_and(|name| words(name).any(is_secret))
}

/// A text without a secret's value. One that is an ordinary word, such as `cassandra`, goes only where it stands alone: it
/// would blot out names of files and keys that have nothing to do with it.
pub(super) fn without(text: &str, value: &str) -> String {
    let is_word = value.chars().all(|c| c.is_ascii_lowercase());
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(value).filter(|_| !value.is_empty()) {
        let is_part =
            before.ends_with(joins) || (before.is_empty() && out.ends_with(joins)) || after.starts_with(joins);
        out.push_str(before);
        out.push_str(if is_word && is_part { value } else { HIDDEN });
        rest = after;
    }
    out + rest
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'))
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_secret_by_its_own_key_or_by_one_above() {
        let text = "a: 1\noptions:\n  truststore_password: x\n  other: y\nsecret_block: |\n\n  line\nenv:\n- name: A_PASSWORD\n  value: x\n- name: B\n  value: y\n";
        let hidden =
            |text: &str| (1..=text.lines().count()).filter(|number| in_line(text, *number)).collect::<Vec<_>>();
        assert_eq!(hidden(text), [3, 5, 7, 9, 10]);
        let text = "data:\n  cassandra.yaml: |\n    authenticator:\n      class_name: A\n      parameters:\n        - users: x\nb: '{\"parameters\": 1}'\n";
        assert_eq!(hidden(text), [5, 6, 7]);
    }

    #[test]
    fn a_value_goes_from_a_text_and_an_ordinary_word_leaves_names_alone() {
        assert_eq!(without("'x Y' and x Yz", "x Y"), "'***' and ***z");
        assert_eq!(
            without("cassandra.yaml: 'cassandra' is no key of /etc/cassandra", "cassandra"),
            "cassandra.yaml: '***' is no key of /etc/cassandra"
        );
        assert_eq!(without("https://me:word@host", "word"), "https://me:***@host");
        assert_eq!(without("as it is", ""), "as it is");
    }
}
