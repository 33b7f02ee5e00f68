//! How one side of the node's TLS is set up in cassandra.yaml: where its key lies and whom it trusts, and what opens them.
//!
//! Source: `EncryptionOptions`, `FileBasedSslContextFactory` and `PEMBasedSslContextFactory` of Cassandra.

use std::path::PathBuf;

use serde_yaml::Value as Yaml;

use crate::config::yaml::{YamlDocument, YamlPath};

/// What opens a keystore where nobody says another password (`EncryptionOptions`, up to 4.1).
const DEFAULT_PASSWORD: &str = "cassandra";

/// Where a node's key and the certificates that it trusts are; none where only a class of the user's knows.
#[derive(PartialEq, Eq, Default)]
pub struct Encryption {
    /// The key with its certificate.
    pub keystore: Option<Store>,
    /// The certificates.
    pub truststore: Option<Store>,
}

/// A keystore and its password.
#[derive(PartialEq, Eq)]
pub struct Store {
    /// The keystore.
    pub place: Place,
    /// Its password.
    pub password: Password,
}

/// Where a keystore is.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// In this file; a relative path counts from Cassandra's working directory.
    File(PathBuf),
    /// In the yaml itself, as PEM.
    Text(String),
}

/// Where a password is.
#[derive(PartialEq, Eq)]
pub enum Password {
    /// In the yaml.
    Text(String),
    /// In this file (6.0).
    File(PathBuf),
}

impl Encryption {
    /// Reads the options of this name, `client_encryption_options` or the path of a map like it.
    pub fn of(yaml: &YamlDocument, options: &str) -> Self {
        let at = |name: &str| format!("{options}.{name}").parse::<YamlPath>().ok();
        let text = |name: &str| at(name).and_then(|path| yaml.text_at(&path)).map(str::to_owned);
        let factory = ["ssl_context_factory.class_name", "ssl_context_factory[0].class_name", "ssl_context_factory"];
        let factory = factory.into_iter().find_map(text).unwrap_or_default();
        let is_pem = factory.ends_with("PEMBasedSslContextFactory");
        if !is_pem && !["", "DefaultSslContextFactory", "FileBasedSslContextFactory"].contains(&last_word(&factory)) {
            return Self::default();
        }
        let inline = |name: &str| {
            let place =
                [format!("ssl_context_factory.parameters.{name}"), format!("ssl_context_factory[0].parameters.{name}")];
            place.iter().find_map(|place| text(place)).filter(|_| is_pem)
        };
        let store = |name: &str, inlined: &str, password: Option<String>| {
            let file = || text(name).map(PathBuf::from).map(Place::File);
            let password = password.or_else(|| text(&format!("{name}_password"))).map(Password::Text);
            let password =
                password.or_else(|| text(&format!("{name}_password_file")).map(|file| Password::File(file.into())));
            Some(Store {
                place: inline(inlined).map(Place::Text).or_else(file)?,
                password: password.unwrap_or_else(|| Password::Text(DEFAULT_PASSWORD.to_owned())),
            })
        };
        Self {
            keystore: store("keystore", "private_key", inline("private_key_password")),
            truststore: store("truststore", "trusted_certificates", None),
        }
    }
}

/// Whether clients must speak TLS on a port that has both to itself: not where they may choose (`optional`).
pub fn demands_tls(yaml: &YamlDocument, options: &str) -> bool {
    let is = |name: &str| {
        let path = format!("{options}.{name}").parse::<YamlPath>().ok();
        path.and_then(|path| yaml.get(&path)).and_then(Yaml::as_bool) == Some(true)
    };
    is("enabled") && !is("optional")
}

fn last_word(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &str) -> Encryption {
        let yaml = YamlDocument::parse("cassandra.yaml", &format!("client_encryption_options:\n{options}")).unwrap();
        Encryption::of(&yaml, "client_encryption_options")
    }

    fn file(path: &str, password: &str) -> Store {
        Store { place: Place::File(path.into()), password: Password::Text(password.to_owned()) }
    }

    #[test]
    fn keystores_have_their_passwords_beside_them() {
        let read_both = read("  keystore: /a\n  keystore_password: 017\n  truststore: conf/.truststore\n");
        assert!(
            read_both
                == Encryption {
                    keystore: Some(file("/a", "017")),
                    truststore: Some(file("conf/.truststore", "cassandra"))
                }
        );
        let in_file = read("  keystore: /a\n  keystore_password_file: /run/secrets/a\n").keystore.unwrap();
        assert!(in_file.password == Password::File("/run/secrets/a".into()));
        assert!(read("  enabled: true\n") == Encryption::default());
    }

    #[test]
    fn pem_lies_in_a_file_or_in_the_yaml_itself() {
        let class = "org.apache.cassandra.security.PEMBasedSslContextFactory";
        let files = read(&format!("  keystore: /a.pem\n  ssl_context_factory:\n    class_name: {class}\n"));
        assert!(files.keystore == Some(file("/a.pem", "cassandra")));
        let inline =
            "private_key: |\n        KEY\n      private_key_password: p\n      trusted_certificates: |\n        CERT";
        for (before, indent) in [("    class_name: ", "    "), ("  - class_name: ", "    ")] {
            let text = format!("  ssl_context_factory:\n{before}{class}\n{indent}parameters:\n      {inline}\n");
            let read = read(&text);
            let keystore = read.keystore.unwrap();
            assert_eq!(keystore.place, Place::Text("KEY\n".into()));
            assert!(keystore.password == Password::Text("p".into()));
            assert_eq!(read.truststore.unwrap().place, Place::Text("CERT\n".into()));
        }
    }

    #[test]
    fn a_class_of_the_users_keeps_its_keys_to_itself() {
        assert!(read("  keystore: /a\n  ssl_context_factory: com.example.VaultFactory\n") == Encryption::default());
        let default = "org.apache.cassandra.security.DefaultSslContextFactory";
        assert!(
            read(&format!("  keystore: /a\n  ssl_context_factory: {default}\n")).keystore
                == Some(file("/a", "cassandra"))
        );
    }
}
