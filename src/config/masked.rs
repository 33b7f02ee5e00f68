//! A configuration file as it may be shown: the same lines, each secret hidden where it stands.
//!
//! A password can be an ordinary word, such as `cassandra`, so nothing is hidden for what it says, only for its place.

use std::ops::Range;

use crate::config::documents::{RACKDC, YAML};
use crate::config::properties::Properties;
use crate::config::yaml::YamlDocument;
use crate::settings::secret::{self, HIDDEN};

/// The lines of the file `name`, without their line feeds, with `***` for each secret, those in comments too. As many
/// lines as the text has: of a secret that runs over several, each is hidden. A file that cannot be read is hidden whole.
pub fn lines(name: &str, text: &str) -> Vec<String> {
    let Some(secrets) = secrets(name, text) else {
        return text.split_inclusive('\n').map(|_| HIDDEN.to_owned()).collect();
    };
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let shown = line.strip_suffix('\n').unwrap_or(line);
        lines.push(masked(name, shown, start, &secrets));
        start += line.len();
    }
    lines
}

/// Whether the file says a secret that counts: one in a comment does not.
pub fn holds_secret(name: &str, text: &str) -> bool {
    secret::holds_secret(text) || secrets(name, text).is_none_or(|secrets| !secrets.is_empty())
}

/// The bytes of the values that are secrets, in their order. None where the file cannot be read.
fn secrets(name: &str, text: &str) -> Option<Vec<Range<usize>>> {
    let mut secrets = match name {
        YAML => {
            let document = YamlDocument::parse(name, text).ok()?;
            // A byte order mark is no part of the document.
            let before = text.len() - document.text().len();
            let secret = document.leaves().into_iter().filter(|(path, _)| secret::is_secret(&path.to_string()));
            secret.map(|(_, span)| span.start + before..span.end + before).collect()
        }
        RACKDC => {
            let properties = Properties::parse(name, text).ok()?;
            properties.spans().filter(|(key, _)| secret::is_secret(key)).map(|(_, span)| span).collect()
        }
        // Options stand alone on their lines.
        _ => Vec::new(),
    };
    secrets.retain(|span: &Range<usize>| !span.is_empty());
    Some(secrets)
}

/// A line that begins at byte `start`: what is no secret's place is still searched for names of secrets, as in comments.
fn masked(name: &str, line: &str, start: usize, secrets: &[Range<usize>]) -> String {
    let is_live = !line.trim_start().starts_with(['#', '!']);
    if is_live && !matches!(name, YAML | RACKDC) {
        return secret::hide_in_options(line).into_owned();
    }
    let bare = line.strip_suffix('\r').unwrap_or(line);
    let here = start..start + bare.len();
    let mut out = String::new();
    let mut from = 0;
    for secret in secrets.iter().filter(|secret| secret.start < here.end && secret.end > here.start) {
        let (begin, end) = (secret.start.saturating_sub(start), (secret.end - start).min(bare.len()));
        out.push_str(&secret::hide_in_line(bare.get(from..begin).unwrap_or_default()));
        out.push_str(HIDDEN);
        from = end;
    }
    out + &secret::hide_in_line(bare.get(from..).unwrap_or_default()) + line.get(bare.len()..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, text: &str) -> String {
        lines(name, text).join("\n")
    }

    #[test]
    fn a_secret_is_hidden_where_it_stands_and_the_same_word_elsewhere_is_not() {
        let text = "cluster_name: cassandra\nclient_encryption_options:\n  keystore: /cassandra\n  \
                    keystore_password: cassandra # cassandra\n";
        let expected = text.replace("keystore_password: cassandra", "keystore_password: ***");
        assert_eq!(shown(YAML, text) + "\n", expected);
        let flow = "client_encryption_options: {keystore_password: 'a, b', enabled: true}\n";
        assert_eq!(shown(YAML, flow), "client_encryption_options: {keystore_password: ***, enabled: true}");
    }

    #[test]
    fn a_secret_is_known_by_what_surrounds_it() {
        let text = "authenticator:\n  class_name: A\n  parameters:\n    users: x\n    more: [y, {z: w}]\n";
        let expected = "authenticator:\n  class_name: A\n  parameters:\n    users: ***\n    more: [***, {z: ***}]";
        assert_eq!(shown(YAML, text), expected);
        assert!(holds_secret(YAML, text));
        assert!(!holds_secret(YAML, "authenticator:\n  class_name: A\n  # password: x\n"));
    }

    #[test]
    fn every_line_of_a_secret_is_hidden_and_the_same_line_elsewhere_is_not() {
        let text = "\u{feff}a:\r\n  b_password: |\r\n    x: y\r\n\r\n    z\r\n  x: y\r\n";
        assert_eq!(shown(YAML, text), "\u{feff}a:\r\n  b_password: ***\r\n***\r\n***\r\n***\r\n  x: y\r");
        assert_eq!(lines(YAML, text).len(), text.lines().count());
        assert_eq!(shown(RACKDC, "dc=x\nmy.password=a\\\n  b\ndc2=b\n"), "dc=x\nmy.password=***\n***\ndc2=b");
    }

    #[test]
    fn comments_and_options_show_no_secret_and_a_file_that_cannot_be_read_shows_nothing() {
        assert_eq!(shown(YAML, "# old_password: x\na: 1\n"), "# old_password: ***\na: 1");
        let option = "-javaagent:/j.jar=port=1,password=x,user=y\n";
        assert_eq!(shown("jvm-server.options", option), "-javaagent:/j.jar=port=1,password=***,user=y");
        assert_eq!(shown(YAML, "a: [\nb: x\n"), "***\n***");
    }
}
