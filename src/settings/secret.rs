//! Which values are secrets, and what is shown in their place: one rule for logs, errors, diffs and `explain`.
//!
//! A name decides, not the value: passwords, secrets, tokens and key material, whether in a variable's name, a key of
//! cassandra.yaml, or a JVM property. What surrounds a name decides too: parameters of an authenticator are its own business,
//! and a URL can carry a password anywhere.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

use crate::cassandra::schema;
use crate::settings::generic::{self, Target};

/// What is shown in place of a secret.
pub const HIDDEN: &str = "***";

/// What makes a name a secret's, without case and signs.
const WORDS: &[&str] = &["password", "passwd", "passphrase", "secret", "token", "privatekey", "apikey"];

/// Cassandra's tokens are places in the ring, and no secrets.
const RING: &[&str] = &["numtokens", "initialtoken", "allocatetokens", "maxtokens", "tokenring"];

/// Variables that hold options or whole files, of which only parts may be secret.
const MIXED: &[&str] = &["JVM_OPTS", "JVM_EXTRA_OPTS", "CASSANDRA_JVM_OPTIONS", "JAVA_TOOL_OPTIONS"];

/// Variables that hold a file's worth of text.
const FRAGMENTS: &[&str] = &["CASSANDRA_YAML", "CASSANDRA_STARTUP_CQL"];

/// Whether what has this name is a secret: a variable, a path in cassandra.yaml such as
/// `client_encryption_options.keystore_password`, a property of the JVM.
pub fn is_secret(name: &str) -> bool {
    // A name that ends so tells where a secret is, not what it is.
    if name.to_ascii_lowercase().ends_with("file") {
        return false;
    }
    let of_yaml = match generic::target(name) {
        Some(Target::Yaml(steps)) => schema::is_secret(&steps.join(".").to_ascii_lowercase()),
        _ => false,
    };
    if of_yaml || schema::is_secret(name) {
        return true;
    }
    let mut plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    for ring in RING {
        plain = plain.replace(ring, "");
    }
    plain != "tokens" && WORDS.iter().any(|word| plain.contains(word))
}

/// The value of `name` as it may be shown.
pub fn shown<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if value.is_empty() {
        Cow::Borrowed(value)
    } else if name.starts_with('-') || MIXED.contains(&name) {
        hide_in_options(value)
    } else if is_secret(name) || FRAGMENTS.contains(&name) || has_secret_inside(value) {
        Cow::Borrowed(HIDDEN)
    } else {
        hide_user_info(value)
    }
}

/// Whether a text can name a secret at all. It finds more than the patterns below do and costs far less: most lines of most
/// files end here.
fn is_suspicious(text: &str) -> bool {
    // What only the schema knows: `credential…` and the parameters of some classes.
    const MORE: [&str; 2] = ["credential", "parameters"];
    let plain: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    text.contains("://") || WORDS.iter().chain(&MORE).any(|word| plain.contains(word))
}

/// Whether a map or list has parameters, as those of an authenticator are, or a name of a secret in it. It need not be valid:
/// what is wrong is told, too.
fn has_secret_inside(value: &str) -> bool {
    let mut words = value.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'));
    value.trim_start().starts_with(['{', '[']) && words.any(|word| word == "parameters" || is_secret(word))
}

/// JVM options with the values of their secret properties hidden, those in an agent's arguments too.
pub fn hide_in_options(text: &str) -> Cow<'_, str> {
    // -Djavax.net.ssl.keyStorePassword=…, -javaagent:/x.jar=port=1,password=…
    static ASSIGNMENT: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(^|[-,;:=?& \t\r\n])([A-Za-z][A-Za-z0-9_.]*)=([^ \t\r\n=][^ \t\r\n,;&]*)").ok());
    if !is_suspicious(text) {
        return Cow::Borrowed(text);
    }
    let whole = |word: &str| match word.split_once('=') {
        Some((name, value)) if word.starts_with('-') && is_secret(name) => {
            let blank = value.find(char::is_whitespace).and_then(|at| value.get(at..)).unwrap_or_default();
            format!("{name}={HIDDEN}{blank}")
        }
        _ => word.to_owned(),
    };
    let words: String = text.split_inclusive(char::is_whitespace).map(whole).collect();
    // A value can itself be an assignment, so what one pass leaves is looked at again.
    let mut text: Cow<'_, str> = Cow::Owned(hide_user_info(&words).into_owned());
    for _ in 0..2 {
        let Some(pattern) = ASSIGNMENT.as_ref() else { return Cow::Borrowed(HIDDEN) };
        let hidden = pattern.replace_all(&text, |found: &Captures| {
            let part = |at: usize| found.get(at).map_or("", |part| part.as_str());
            let secret = is_secret(part(2));
            format!("{}{}={}", part(1), part(2), if secret { HIDDEN } else { part(3) })
        });
        text = Cow::Owned(hidden.into_owned());
    }
    text
}

/// `https://user:password@host` as `https://***@host`.
fn hide_user_info(text: &str) -> Cow<'_, str> {
    static USER_INFO: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"://[^/@ \t\r\n]+@").ok());
    match USER_INFO.as_ref() {
        Some(pattern) => pattern.replace_all(text, "://***@"),
        None => Cow::Borrowed(HIDDEN),
    }
}

/// `key: value`, `key=value`, commented out or not, in a flow map or alone on its line.
static LINE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([A-Za-z_][A-Za-z0-9_.-]*)["']?[ \t]*[:=][ \t]*([^ \t\r\n][^\n\r]*)"#).ok());

/// A line with what follows a secret's name in it hidden.
pub fn hide_in_line(line: &str) -> Cow<'_, str> {
    if !is_suspicious(line) {
        return Cow::Borrowed(line);
    }
    let Some(pattern) = LINE.as_ref() else { return Cow::Borrowed(HIDDEN) };
    let mut from = 0;
    while let Some(found) = line.get(from..).and_then(|rest| pattern.captures(rest)) {
        let (Some(name), Some(value)) = (found.get(1), found.get(2)) else { break };
        if is_secret(name.as_str()) && !value.as_str().starts_with('#') {
            return Cow::Owned(format!("{}{HIDDEN}", line.get(..from + value.start()).unwrap_or_default()));
        }
        from += value.start();
    }
    hide_user_info(line)
}

/// Whether a file's text says a secret somewhere that is not commented out.
pub fn holds_secret(text: &str) -> bool {
    let live = |line: &&str| !line.trim_start().starts_with(['#', '!']);
    text.lines().filter(live).any(|line| hide_in_line(line) != line || hide_in_options(line) != line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_a_secret_and_the_tokens_of_the_ring_are_none() {
        for name in [
            "CASSANDRA_PASSWORD",
            "CASSANDRA_YAML_client_encryption_options__keystore_password",
            "server_encryption_options.truststore_password",
            "javax.net.ssl.keyStorePassword",
            "VAULT_TOKEN",
            "CASSANDRA_YAML_AUTHENTICATOR__PARAMETERS__USERS",
            "CASSANDRA_CFG_YAML_role_manager__parameters__x",
            "authenticator.parameters.users",
            "authenticator.parameters[0].x",
            "client_encryption_options.ssl_context_factory.parameters.private_key",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "num_tokens",
            "CASSANDRA_YAML_client_encryption_options__keystore_password_FILE",
            "com.sun.management.jmxremote.password.file",
            "credentials_validity",
            "CASSANDRA_NUM_TOKENS",
            "initial_token",
            "tokens",
            "allocate_tokens_for_local_replication_factor",
            "seed_provider[0].parameters[0].seeds",
            "cluster_name",
            "authenticator.class_name",
            "client_encryption_options.keystore",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn options_keep_all_but_their_secrets() {
        let text =
            "-Xmx1G -Djavax.net.ssl.keyStorePassword=a,b -javaagent:/j.jar=port=8778,user=me,password=geheim,x=y";
        let shown = hide_in_options(text);
        assert!(!shown.contains("geheim") && !shown.contains("a,b"), "{shown}");
        assert!(shown.starts_with("-Xmx1G -Djavax.net.ssl.keyStorePassword=*** -javaagent:"), "{shown}");
        assert!(shown.contains("-Xmx1G") && shown.contains("port=8778") && shown.contains("user=me"), "{shown}");
    }

    #[test]
    fn a_map_or_list_is_hidden_where_something_in_it_is_a_secret() {
        for value in ["{\"class_name\": \"A\", \"parameters\": {\"users\": \"geheim\"", "[{keystore_password: geheim}]"]
        {
            assert_eq!(shown("CASSANDRA_AUTHENTICATOR", value), HIDDEN);
        }
        for value in ["{\"class_name\": \"A\"}", "[\"/disk1/data\"]", "parameters"] {
            assert_eq!(shown("CASSANDRA_YAML_x", value), value);
        }
    }

    #[test]
    fn a_secret_goes_from_a_line_however_it_is_written() {
        for line in [
            "    keystore_password: geheim",
            "+    keystore_password: \"geheim\"",
            "-#  truststore_password: 'geheim'",
            "opts: {enabled: true, keystore_password: geheim, x: y}",
            "jolokia.password=geheim",
            "-Djavax.net.ssl.trustStorePassword=geheim",
            "url: https://me:geheim@vault/x",
        ] {
            let hidden = hide_in_line(line);
            assert!(!hidden.contains("geheim") && hidden.contains(HIDDEN), "{line}: {hidden}");
        }
        for line in ["num_tokens: 16", "# The passwords used in these options: see above", "+cluster_name: x", "a: b#c"]
        {
            let hidden = hide_in_line(line);
            assert!(hidden == line || line.starts_with("# The"), "{line}: {hidden}");
        }
    }

    #[test]
    fn a_file_with_a_password_that_counts_is_told_from_one_with_a_comment() {
        assert!(holds_secret("a: b\n  keystore_password: x\n"));
        assert!(holds_secret("-Dcom.example.password=x\n"));
        assert!(!holds_secret("# keystore_password: x\nnum_tokens: 4\nkeystore_password:\n"));
    }
}
