//! Typed values of variables: each can only hold what is valid.

/// The text of a type that holds nothing but checked text.
macro_rules! text_newtype {
    ($($name:ident),*) => {$(
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

mod choices;
mod names;
mod numbers;
mod texts;
mod times;

pub use choices::{
    Chown, DiskStrategy, InternodeCompression, InternodeEncryption, LaunchMode, LogFormat, MemtableAllocation,
};
pub use names::{ClassName, ClusterName, InterfaceName, Label};
pub use numbers::{Bounded, Fraction, Port};
pub use texts::{AbsolutePath, AnyText, Lines, Secret, Words};
pub use times::{SnapshotTtl, Span};

/// The seed provider of the Kubernetes examples' image, which we emulate.
pub const KUBERNETES_PROVIDER: &str = "io.k8s.cassandra.KubernetesSeedProvider";

/// A type that a variable's text is read into.
pub trait FromText: Sized {
    /// What is expected, to complete "expected …".
    const EXPECTED: &'static str;

    /// Reads the text, which is not empty. `Err` adds a reason to "expected …", or nothing.
    fn from_text(text: &str) -> Result<Self, Option<String>>;
}

/// Only spaces around it are forgiven.
fn parse<T: std::str::FromStr>(text: &str) -> Result<T, Option<String>> {
    text.trim().parse().map_err(|_| None)
}

#[cfg(test)]
mod tests {
    use super::FromText;

    /// The value of a text that is valid.
    pub(super) fn ok<T: FromText>(text: &str) -> T {
        T::from_text(text).unwrap_or_else(|why| panic!("{text}: {why:?}"))
    }
}
