//! Cassandra's own jars of every line, and the small Java programs of this folder run over them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use cassandra_init::cassandra::Version;
use tempfile::TempDir;

use crate::support::project;

/// One release whose jars are here.
#[derive(Debug)]
pub struct Release {
    /// The release's own name, such as `6.0-alpha2`.
    pub name: String,
    /// How this project reads that name.
    pub version: Version,
    /// The folder of its jars.
    pub lib: PathBuf,
}

/// What is asked of `image/fetch`: the newest release of each line that Maven has, and the oldest that we start.
const FETCHED: [&str; 6] = ["3.11.4", "3.11", "4.0", "4.1", "5.0", "6.0"];

static RELEASES: LazyLock<Vec<Release>> = LazyLock::new(|| FETCHED.iter().map(|line| fetch(line)).collect());

/// All releases, oldest first.
pub fn releases() -> &'static [Release] {
    &RELEASES
}

fn fetch(line: &str) -> Release {
    let mut command = Command::new(project().join("image/fetch"));
    let output = command.args(["cassandra", line]).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "image/fetch cassandra {line}");
    let lib = Path::new(String::from_utf8(output.stdout).unwrap().trim()).join("lib");
    let jar = |name: &str| {
        let name = name.strip_prefix("apache-cassandra-")?.strip_suffix(".jar")?;
        name.starts_with(|first: char| first.is_ascii_digit()).then(|| name.to_owned())
    };
    let name = jars(&lib).iter().find_map(|path| jar(path.file_name()?.to_str()?)).expect("the server's jar");
    Release { version: name.parse().unwrap(), name, lib }
}

fn jars(lib: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(lib).unwrap_or_else(|error| panic!("{}: {error}", lib.display()));
    entries.flatten().map(|entry| entry.path()).collect()
}

/// The classes of this folder's programs. A JRE has no compiler, but Cassandra brings one for its user functions.
static CLASSES: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap();
    let lib = &releases().iter().rfind(|release| release.name.starts_with("5.")).expect("a 5.x").lib;
    let jar = |start: &str| {
        let named = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(start);
        jars(lib).into_iter().find(named).unwrap_or_else(|| panic!("no {start}*.jar"))
    };
    let sources =
        jars(&project().join("tests/judge")).into_iter().filter(|path| path.extension() == Some("java".as_ref()));
    let mut command = Command::new("java");
    command.arg("-cp").arg(jar("ecj-")).arg("org.eclipse.jdt.internal.compiler.batch.Main");
    command.args(["-source", "11", "-target", "11", "-nowarn", "-cp"]).arg(jar("snakeyaml-"));
    let output = command.arg("-d").arg(folder.path()).args(sources).output().expect("a Java on the PATH");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
});

/// Runs a program of this folder with the jars of a release on its class path, and returns what it printed.
///
/// A JVM takes over a second of one core: give it all its work at once, through `input`.
pub fn run(program: &str, release: &Release, arguments: &[&str], input: &str) -> String {
    let class_path = format!("{}:{}/*", CLASSES.path().display(), release.lib.display());
    let quiet = format!("-Dlogback.configurationFile={}/tests/judge/logback.xml", project().display());
    let mut command = Command::new("java");
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", &quiet, "-cp", &class_path, program]).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a Java on the PATH");
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    assert!(output.status.success(), "{program} over Cassandra {}: {}", release.name, output.status);
    String::from_utf8(output.stdout).unwrap()
}
