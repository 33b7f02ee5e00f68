//! The JDKs that Cassandra's lines run on, and programs on them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::real::{fetched, java_17};
use crate::support::{is_root, project};

/// A JDK, and the Cassandra line that is tested on it.
pub struct Jdk {
    pub major: u16,
    pub line: &'static str,
    /// Where its programs are: in this root tree, else here.
    tree: Option<PathBuf>,
    home: PathBuf,
}

/// All of them; without Java 8 where this is not root, whose tree it lies in.
pub fn all() -> Vec<Jdk> {
    let mut all = vec![
        Jdk { major: 17, line: "5.0", tree: None, home: java_17() },
        Jdk { major: 11, line: "4.1", tree: None, home: fetched(&["jdk11"]) },
    ];
    if is_root() {
        let (tree, home) = (fetched(&["jdk8-root"]), "/usr/lib/jvm/java-8-openjdk-amd64/jre".into());
        all.push(Jdk { major: 8, line: "3.11", tree: Some(tree), home });
    } else {
        eprintln!("skipped Java 8: needs root for its tree");
    }
    all
}

/// The one that a line is tested on.
pub fn of(line: &str) -> Jdk {
    all().into_iter().find(|jdk| jdk.line == line).expect("a JDK of the line")
}

impl Jdk {
    /// What its `keytool` makes unless told otherwise (JEP 229).
    pub fn keystore_kind(&self) -> &'static str {
        if self.major < 9 { "JKS" } else { "PKCS12" }
    }

    /// One of its programs, which sees the folders where they are here.
    pub fn program(&self, name: &str, folders: &[&Path]) -> Command {
        let program = self.home.join("bin").join(name);
        let Some(tree) = &self.tree else { return Command::new(program) };
        let mut command = Command::new(project().join("tests/support/rooted"));
        command.arg(tree);
        command.args(folders.iter().map(|folder| format!("{0}:{0}", folder.display())));
        command.arg("--").arg(program);
        command
    }
}
