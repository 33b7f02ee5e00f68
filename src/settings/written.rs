//! What a typed value is in cassandra.yaml.

use crate::cassandra::schema::Value;
use crate::settings::value::{
    AbsolutePath, Bounded, ClassName, ClusterName, DiskStrategy, Fraction, InterfaceName, InternodeCompression,
    InternodeEncryption, MemtableAllocation, Secret, SnapshotTtl,
};

impl<const MIN: u64, const MAX: u64> From<&Bounded<MIN, MAX>> for Value {
    fn from(number: &Bounded<MIN, MAX>) -> Self {
        Self::Integer(i64::try_from(number.get()).unwrap_or(i64::MAX))
    }
}

impl From<&bool> for Value {
    fn from(truth: &bool) -> Self {
        Self::Boolean(*truth)
    }
}

impl From<&Fraction> for Value {
    fn from(fraction: &Fraction) -> Self {
        Self::Number(fraction.get())
    }
}

macro_rules! text_values {
    ($($name:ident),*) => {$(
        impl From<&$name> for Value {
            fn from(text: &$name) -> Self {
                Self::Text(text.to_string())
            }
        }
    )*};
}
text_values!(
    ClassName,
    ClusterName,
    DiskStrategy,
    InterfaceName,
    InternodeCompression,
    InternodeEncryption,
    MemtableAllocation,
    SnapshotTtl
);

impl From<&AbsolutePath> for Value {
    fn from(path: &AbsolutePath) -> Self {
        Self::Text(path.as_path().display().to_string())
    }
}

impl From<&Secret> for Value {
    fn from(secret: &Secret) -> Self {
        Self::Text(secret.reveal().to_owned())
    }
}
