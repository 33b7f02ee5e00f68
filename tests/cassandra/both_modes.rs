//! The two launch modes beside each other: what the java of 3.11.4 is started with by the release's own `bin/cassandra` and
//! `cassandra-env.sh`, and by us, in the same environment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::real::{fetched, link_or_copy};
use crate::support::Node;

/// A java that answers `-version` as Java 8 does, and writes down all else that it is started with.
const JAVA: &str = r#"#!/bin/sh
if [ "$1" = -version ]; then
    echo 'openjdk version "1.8.0_402"' >&2
    echo 'OpenJDK Runtime Environment (build 1.8.0_402-b06)' >&2
    echo 'OpenJDK 64-Bit Server VM (build 25.402-b06, mixed mode)' >&2
    exit 0
fi
printf '%s\n' "$@" > "$STANDIN/arguments"
env > "$STANDIN/environment"
trap 'exit 143' TERM
echo running > "$STANDIN/running"
while :; do sleep 0.01; done
"#;

/// A numactl that tells the program that it runs of its policy.
const NUMACTL: &str = "#!/bin/sh\nexport POLICY=\"$1\"\nshift\nexec \"$@\"\n";

/// A library that exists everywhere and does nothing when it is preloaded.
const LIBRARY: &str = "/lib/x86_64-linux-gnu/libm.so.6";

/// The environments that are compared, each with a name.
const TABLE: &[(&str, &[(&str, &str)])] = &[
    ("nothing", &[]),
    ("a pair of sizes", &[("MAX_HEAP_SIZE", "700M"), ("HEAP_NEWSIZE", "150M")]),
    ("one size", &[("MAX_HEAP_SIZE", "700M")]),
    ("options before the files", &[("JVM_OPTS", "-Dbefore=1 -XX:SurvivorRatio=3 -Xss300k")]),
    ("options after the files", &[("JVM_EXTRA_OPTS", "-Dafter=1 -XX:SurvivorRatio=3 -XX:-AlwaysPreTouch -ea:org.x")]),
    ("both", &[("JVM_OPTS", "-Dx=1 -Xms600M -Xmx600M"), ("JVM_EXTRA_OPTS", "-Dx=2")]),
    ("options in the files", &[("CASSANDRA_JVM_OPTIONS", "-XX:SurvivorRatio=3\n-Dcassandra.available_processors=2")]),
    ("G1", &[("CASSANDRA_JVM_OPTIONS", "-XX:+UseG1GC"), ("MAX_HEAP_SIZE", "700M")]),
    ("no card marks", &[("JVM_EXTRA_OPTS", "-XX:-UseCondCardMark")]),
    ("remote JMX", &[("LOCAL_JMX", "no")]),
    ("remote JMX with a name", &[("LOCAL_JMX", "no"), ("JVM_EXTRA_OPTS", "-Djava.rmi.server.hostname=10.244.0.10")]),
    ("open JMX", &[("CASSANDRA_OPEN_JMX", "true")]),
    ("open JMX on a port", &[("CASSANDRA_OPEN_JMX", "true"), ("CASSANDRA_JMX_PORT_NUMBER", "7299")]),
    ("local JMX on a port", &[("CASSANDRA_JMX_PORT_NUMBER", "7299")]),
    ("heap dumps", &[("CASSANDRA_HEAPDUMP_DIR", "{dumps}")]),
    ("heap dumps by an option", &[("JVM_EXTRA_OPTS", "-XX:HeapDumpPath={dumps}/by-option")]),
    ("no jemalloc", &[("CASSANDRA_LIBJEMALLOC", "-")]),
    ("a jemalloc", &[("CASSANDRA_LIBJEMALLOC", LIBRARY)]),
    ("arenas", &[("MALLOC_ARENA_MAX", "2")]),
    ("no arenas", &[("MALLOC_ARENA_MAX", "")]),
    ("the GC log on standard output", &[("CASSANDRA_GC_STDOUT", "true")]),
    ("a verbose GC log", &[("CASSANDRA_GC_VERBOSE", "true")]),
    ("a GC log of one's own", &[("JVM_EXTRA_OPTS", "-Xloggc:/tmp/other.log")]),
    ("exit by an option", &[("JVM_EXTRA_OPTS", "-XX:+CrashOnOutOfMemoryError")]),
    ("a replaced node", &[("CASSANDRA_REPLACE_NODE", "10.0.0.9"), ("CASSANDRA_SEEDS", "10.0.0.7")]),
    ("another cassandra.yaml", &[("JVM_OPTS", "-Dcassandra.config=file:///elsewhere.yaml")]),
    ("numactl", &[("PATH", "{bin}:{path}")]),
    ("numactl with a policy", &[("PATH", "{bin}:{path}"), ("NUMACTL_ARGS", "--membind=0")]),
    ("more classes", &[("EXTRA_CLASSPATH", "/extra/a.jar")]),
];

/// A difference that is meant: the option, what it is by the script and by us (`None`: not there), and why.
struct Meant {
    option: &'static str,
    script: Option<&'static str>,
    direct: Option<&'static str>,
    why: &'static str,
}

const fn meant(
    option: &'static str,
    script: Option<&'static str>,
    direct: Option<&'static str>,
    why: &'static str,
) -> Meant {
    Meant { option, script, direct, why }
}

const NOT_ON_CLASS_PATH: &str =
    "the conf folder does not lead the class path, where it would disable class data sharing";
const NO_SHELL: &str = "kill(1) is not needed, nor a shell to run it; by an option of the user neither is given";

/// All of them. `{x}` stands for the node's folder of that name, `*` any text.
const MEANT: &[Meant] = &[
    meant("-XX:OnOutOfMemoryError", Some("=kill -9 %p"), None, NO_SHELL),
    meant("-XX:ExitOnOutOfMemoryError", None, Some("+"), NO_SHELL),
    meant(
        "-XX:HeapDumpPath",
        None,
        Some("={log}"),
        "the working folder is CASSANDRA_HOME, where the user may not write",
    ),
    meant("-XX:HeapDumpPath", Some("={dumps}/cassandra-*.hprof"), Some("={dumps}"), "the JVM names the file by itself"),
    meant("-XX:ErrorFile", None, Some("={log}/hs_err_%p.log"), "the working folder is CASSANDRA_HOME, as above"),
    meant("-Dcassandra.config", None, Some("=file://{conf}/cassandra.yaml"), NOT_ON_CLASS_PATH),
    meant("-Dcassandra-rackdc.properties", None, Some("=file://{conf}/cassandra-rackdc.properties"), NOT_ON_CLASS_PATH),
    meant("-Dcassandra.triggers_dir", None, Some("={conf}/triggers"), NOT_ON_CLASS_PATH),
    meant("-Dlogback.configurationFile", Some("=logback.xml"), Some("={conf}/logback.xml"), NOT_ON_CLASS_PATH),
    meant(
        "-Dcassandra.storagedir",
        Some("={home}/data"),
        Some("={data}"),
        "where a directory of cassandra.yaml is not set, it lies on the volume",
    ),
    meant(
        "-Dcom.sun.management.jmxremote.password.file",
        Some("=/etc/cassandra/jmxremote.password"),
        None,
        "nobody is asked for a password",
    ),
    meant(
        "-Djava.rmi.server.hostname",
        None,
        Some("=10.244.0.10"),
        "a client that is not on this host cannot use the loopback address that the JVM may choose",
    ),
    meant(
        "class path: {home}/lib/jsr223/*/*.jar",
        Some(""),
        None,
        "a pattern that the shell leaves as it is where no scripting engine is installed, and no file",
    ),
    meant("class path: /extra/a.jar", None, Some(""), "3.11.4 does not know EXTRA_CLASSPATH, which all later lines do"),
];

/// Cassandra 3.11.4 in folders of its own.
struct Release {
    home: tempfile::TempDir,
}

/// What java was started with: options in effect, and the variables that the script sets for it.
struct Started {
    options: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
}

impl Release {
    fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        link_or_copy(&fetched(&["cassandra", "3.11.4"]), &home.path().join("home"));
        Self { home }
    }

    fn home(&self) -> PathBuf {
        self.home.path().join("home")
    }

    /// One start in one mode.
    fn start(&self, mode: &str, environment: &[(&str, &str)]) -> Started {
        let node = Node::new().java(JAVA).file("java/release", "JAVA_VERSION=\"1.8.0_402\"\n");
        fs::remove_dir_all(node.path("conf")).unwrap();
        let conf = self.home().join("conf");
        assert!(Command::new("cp").arg("-r").args([&conf, &node.path("conf")]).status().unwrap().success());
        fs::create_dir(node.path("dumps")).unwrap();
        let node = node.file("bin/numactl", NUMACTL).mode("bin/numactl", 0o755);
        let mut places =
            ["conf", "data", "log", "dumps", "bin"].map(|name| (name, node.path(name).display().to_string())).to_vec();
        places.push(("home", self.home().display().to_string()));
        let node = node.env("CASSANDRA_HOME", &self.home().display().to_string()).env("CASSANDRA_LAUNCH", mode);
        let node = environment.iter().fold(node, |node, (name, value)| {
            let filled = |text: String, (name, place): &(&str, String)| text.replace(&format!("{{{name}}}"), place);
            let value = value.replace("{path}", &std::env::var("PATH").unwrap());
            node.env(name, &places.iter().fold(value, filled))
        });
        node.start_and_stop().code(0);
        let read = |name: &str| {
            let text = fs::read_to_string(node.path("standin").join(name)).unwrap();
            places.iter().fold(text, |text, (name, place)| text.replace(place, &format!("{{{name}}}")))
        };
        Started::read(&read("arguments"), &read("environment"))
    }
}

impl Started {
    fn read(arguments: &str, environment: &str) -> Self {
        let words: Vec<&str> = arguments.lines().collect();
        let end = words.iter().position(|word| *word == "org.apache.cassandra.service.CassandraDaemon").unwrap();
        assert_eq!(end + 1, words.len(), "{arguments}");
        let mut options = BTreeMap::new();
        let mut words = words[..end].iter();
        while let Some(word) = words.next() {
            if *word == "-cp" {
                for element in words.next().unwrap().split(':').filter(|element| !element.contains("/build/classes/")) {
                    options.insert(format!("class path: {element}"), String::new());
                }
                continue;
            }
            let (key, value) = parts(word);
            options.insert(key, value);
        }
        let of_interest =
            |line: &&str| ["MALLOC_ARENA_MAX=", "LD_PRELOAD=", "POLICY="].iter().any(|name| line.starts_with(name));
        let variables = environment.lines().filter(of_interest).filter_map(|line| line.split_once('='));
        Self { options, variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }
}

/// What an option is about, and what it says of it. Of two about the same thing HotSpot takes the later, so the order counts
/// no further than that.
fn parts(word: &str) -> (String, String) {
    if let Some(flag) = word.strip_prefix("-XX:") {
        let (sign, name) = flag.split_at(usize::from(flag.starts_with(['+', '-'])));
        let end = name.find('=').unwrap_or(name.len());
        return (format!("-XX:{}", &name[..end]), format!("{sign}{}", &name[end..]));
    }
    for glued in ["-Xmx", "-Xms", "-Xmn", "-Xss", "-Xloggc:"] {
        if let Some(value) = word.strip_prefix(glued) {
            return (glued.to_owned(), value.to_owned());
        }
    }
    let end = if word.starts_with("-D") { word.find('=').unwrap_or(word.len()) } else { word.len() };
    (word[..end].to_owned(), word[end..].to_owned())
}

/// Whether a pattern with at most one `*` is a text.
fn is(pattern: Option<&str>, text: Option<&String>) -> bool {
    let (Some(pattern), Some(text)) = (pattern, text) else { return pattern.is_none() && text.is_none() };
    match pattern.split_once('*') {
        Some((head, tail)) => text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail),
        None => text == pattern,
    }
}

#[test]
fn both_modes_start_the_3_11_4_java_with_the_same_options_but_for_the_differences_that_are_meant() {
    let release = Release::new();
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for (name, environment) in TABLE {
        let (script, direct) = (release.start("script", environment), release.start("direct", environment));
        // An empty line beside an empty line would be the same, too.
        assert!(script.options.len() > 60, "{name}: {:?}", script.options);
        let options: BTreeSet<&String> = script.options.keys().chain(direct.options.keys()).collect();
        for option in options {
            let (by_script, by_us) = (script.options.get(option), direct.options.get(option));
            if by_script == by_us {
                continue;
            }
            let fits = |meant: &Meant| meant.option == option && is(meant.script, by_script) && is(meant.direct, by_us);
            match MEANT.iter().position(fits) {
                Some(at) => _ = seen.insert(at),
                None => wrong.push(format!("{name}: {option}: by the script {by_script:?}, by us {by_us:?}")),
            }
        }
        if script.variables != direct.variables {
            wrong.push(format!("{name}: by the script {:?}, by us {:?}", script.variables, direct.variables));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let stale = MEANT.iter().enumerate().filter(|(at, _)| !seen.contains(at));
    let stale: Vec<String> = stale.map(|(_, meant)| format!("{} ({})", meant.option, meant.why)).collect();
    assert!(stale.is_empty(), "differences that are not there any more: {}", stale.join(", "));
}
