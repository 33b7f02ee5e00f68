//! What a path into cassandra.yaml leads to: the shape of nested values.

use crate::cassandra::schema::{Forms, Kind, ROWS, Row, TOP, class_row};
use crate::cassandra::version::Version;

/// What a path leads to.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The type of the value there.
    pub kind: Kind,
    /// The key, if the path ends at one that Cassandra's classes name.
    pub row: Option<&'static Row>,
    /// Whether the value must not be shown.
    pub secret: bool,
}

/// What the path `client_encryption_options.enabled` or `seed_provider[0].parameters[0].seeds` leads to in a release;
/// none where Cassandra would refuse the path.
pub fn field(path: &str, version: Version) -> Option<Field> {
    let mut steps = path.split('.').flat_map(|part| {
        let (key, indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        std::iter::once(key).chain(indexes.split('[').skip(1).map(|_| "["))
    });
    let mut row = Some(class_row(TOP, steps.next()?, version)?);
    let mut at = At::Value(row?.kind);
    for step in steps {
        (at, row) = at.step(step, version)?;
    }
    Some(Field { kind: at.kind(), row, secret: is_secret(path) })
}

/// A place in a value: structures of a class have places that are no key of a class of Cassandra's.
#[derive(Clone, Copy)]
enum At {
    Value(Kind),
    /// The map that holds class_name and parameters; whether it is an item of a list.
    Class {
        in_list: bool,
    },
    /// The list form of parameters, before its item.
    ParameterList,
}

impl At {
    fn kind(self) -> Kind {
        match self {
            Self::Value(kind) => kind,
            Self::Class { .. } => Kind::Class(Forms { list: false, map: true, string: false }),
            Self::ParameterList => Kind::List(&Kind::Map(&Kind::Any)),
        }
    }

    /// One step down, into an item where the step is `[`.
    fn step(self, step: &str, version: Version) -> Option<(Self, Option<&'static Row>)> {
        let value = |kind| Some((Self::Value(kind), None));
        match (self, step) {
            (Self::Value(Kind::Any), _) => value(Kind::Any),
            (Self::Value(Kind::List(item)), "[") => value(*item),
            (Self::Value(Kind::Class(forms)), "[") => forms.list.then_some((Self::Class { in_list: true }, None)),
            (Self::ParameterList, "[") | (Self::Class { in_list: false }, "parameters") => value(Kind::Map(&Kind::Any)),
            (_, "[") => None,
            (Self::Value(Kind::Map(kind)), _) => value(*kind),
            (Self::Value(Kind::Class(forms)), key) => {
                if forms.map {
                    Self::Class { in_list: false }.step(key, version)
                } else {
                    None
                }
            }
            (Self::Class { .. }, "class_name") => value(Kind::Text),
            (Self::Class { in_list: true }, "parameters") => Some((Self::ParameterList, None)),
            (Self::Value(Kind::Nested { class, .. }), key) => {
                let row = class_row(class, key, version)?;
                Some((Self::Value(row.kind), Some(row)))
            }
            _ => None,
        }
    }
}

/// The keys of a class of Cassandra's that `version` knows, in alphabetical order.
pub fn class_keys(class: &str, version: Version) -> impl Iterator<Item = &'static Row> + use<> {
    let start = ROWS.partition_point(|row| row.class < class);
    let end = ROWS.partition_point(|row| row.class <= class);
    ROWS.get(start..end).unwrap_or_default().iter().filter(move |row| row.covers(version))
}

/// Whether the value at a path must not be shown: passwords and keys by their name, and every parameter of the classes that
/// know who may do what.
pub fn is_secret(path: &str) -> bool {
    const WORDS: [&str; 4] = ["password", "secret", "private_key", "credential"];
    const CLASSES: [&str; 7] = [
        "authenticator",
        "authorizer",
        "role_manager",
        "internode_authenticator",
        "network_authorizer",
        "cidr_authorizer",
        "crypto_provider",
    ];
    let last = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    // keystore_password_file names a file, credentials_validity a time.
    let by_name = WORDS.iter().any(|word| last.contains(word))
        && !["_file", "_validity", "_interval", "_entries", "_update", "_policy"].iter().any(|end| last.contains(end));
    let root = path.split(['.', '[']).next().unwrap_or(path);
    let parameters = path.contains(".parameters");
    by_name
        || parameters
            && (CLASSES.contains(&root) || path.contains("ssl_context_factory") || path.contains("key_provider"))
}
