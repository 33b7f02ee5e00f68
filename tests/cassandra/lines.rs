//! What a direct launch starts the java of each line with, beside what the line's scripts do: the scripts of 4.0 and later are in
//! no package registry, so their rules stand here as the changes that a variable makes, and each Java has the last word on the
//! options themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::real::{fetched, link_or_copy};
use crate::support::{Node, Outcome, project};

/// The lines and the Javas that their scripts know.
const LINES: &[(&str, &[u16])] = &[("4.0", &[8, 11]), ("4.1", &[8, 11]), ("5.0", &[11, 17]), ("6.0", &[17, 21, 25])];

/// Where a rule holds.
type Where = fn(&Kind) -> bool;

/// A line on a Java.
struct Kind {
    line: &'static str,
    java: u16,
}

impl Kind {
    /// The lines whose default collector is CMS.
    fn has_cms(&self) -> bool {
        matches!(self.line, "4.0" | "4.1")
    }
}

/// Options of a unified log that the scripts give, behind the place that it goes to.
const GC_EVENTS: &str = "-Xlog:gc=info,heap*=trace,age*=debug,safepoint=info,promotion*=trace";

/// A variable, and what it changes: words that are gone and words that come, `{log}` being the log folder.
struct Rule {
    name: &'static str,
    environment: &'static [(&'static str, &'static str)],
    applies: Where,
    gone: &'static [&'static str],
    come: &'static [&'static str],
}

const fn rule(
    name: &'static str,
    environment: &'static [(&'static str, &'static str)],
    applies: Where,
    gone: &'static [&'static str],
    come: &'static [&'static str],
) -> Rule {
    Rule { name, environment, applies, gone, come }
}

const LOCAL: [&str; 2] = ["-Dcassandra.jmx.local.port=7199", "-Dcom.sun.management.jmxremote.authenticate=false"];

/// `cassandra-env.sh`, `cassandra.in.sh` and `bin/cassandra` of 4.0 to 6.0, variable by variable. A heap is always given here:
/// what the scripts compute without one is another suite's.
const RULES: &[Rule] = &[
    rule(
        "another heap",
        &[("MAX_HEAP_SIZE", "700M"), ("HEAP_NEWSIZE", "150M")],
        Kind::has_cms,
        &["-Xms512M", "-Xmx512M", "-Xmn128M"],
        &["-Xms700M", "-Xmx700M", "-Xmn150M"],
    ),
    // The young generation is the collector's own where it is not CMS.
    rule(
        "another heap",
        &[("MAX_HEAP_SIZE", "700M"), ("HEAP_NEWSIZE", "150M")],
        |kind| !kind.has_cms(),
        &["-Xms512M", "-Xmx512M"],
        &["-Xms700M", "-Xmx700M"],
    ),
    rule(
        "options before and after",
        &[("JVM_OPTS", "-Dx=1 -Da=1"), ("JVM_EXTRA_OPTS", "-Dx=2")],
        |_| true,
        &[],
        &["-Dx=1", "-Da=1", "-Dx=2"],
    ),
    rule(
        "remote JMX",
        &[("LOCAL_JMX", "no")],
        |_| true,
        &LOCAL,
        &[
            "-Dcassandra.jmx.remote.port=7199",
            "-Dcom.sun.management.jmxremote.rmi.port=7199",
            "-Dcom.sun.management.jmxremote.authenticate=true",
            "-Dcom.sun.management.jmxremote.password.file=/etc/cassandra/jmxremote.password",
            "-Djava.rmi.server.hostname=10.244.0.10",
        ],
    ),
    rule(
        "a GC log of one's own",
        &[("JVM_EXTRA_OPTS", "-Xloggc:/tmp/o.log")],
        |kind| kind.java == 8,
        &["-Xloggc:{log}/gc.log"],
        &["-Xloggc:/tmp/o.log"],
    ),
    rule(
        "a GC log of one's own",
        &[("JVM_EXTRA_OPTS", "-Xlog:gc:file=/tmp/o.log")],
        |kind| kind.java > 8,
        &["{unified}"],
        &["-Xlog:gc:file=/tmp/o.log"],
    ),
    rule(
        "heap dumps",
        &[("CASSANDRA_HEAPDUMP_DIR", "/dumps")],
        |_| true,
        &["-XX:HeapDumpPath={log}"],
        &["-XX:HeapDumpPath=/dumps"],
    ),
    rule(
        "an end by kill",
        &[("JVM_ON_OUT_OF_MEMORY_ERROR_OPT", "-XX:OnOutOfMemoryError=kill -9 %p")],
        |_| true,
        &["-XX:+ExitOnOutOfMemoryError"],
        &["-XX:OnOutOfMemoryError=kill -9 %p"],
    ),
    rule("no jemalloc", &[("CASSANDRA_LIBJEMALLOC", "-")], |_| true, &[], &["-Dcassandra.libjemalloc=-"]),
    rule(
        "a jemalloc",
        &[("CASSANDRA_LIBJEMALLOC", "/lib/j.so")],
        |_| true,
        &[],
        &["-Dcassandra.libjemalloc=/lib/j.so"],
    ),
    rule("more classes", &[("EXTRA_CLASSPATH", "/extra/a.jar")], |_| true, &[], &["class path: /extra/a.jar"]),
];

/// A node of this line on a Java of this version, which need not be there.
fn node(kind: &Kind, home: &Path) -> Node {
    let version = if kind.java == 8 { "1.8.0_402".to_owned() } else { format!("{}.0.2", kind.java) };
    let node = Node::new().file("java/release", &format!("JAVA_VERSION=\"{version}\"\n"));
    fs::remove_dir_all(node.path("conf")).unwrap();
    let conf = project().join("config-defaults").join(kind.line);
    assert!(Command::new("cp").arg("-r").args([&conf, &node.path("conf")]).status().unwrap().success());
    let node = node.env("CASSANDRA_HOME", &home.display().to_string()).env("MAX_HEAP_SIZE", "512M");
    // 6.0 is not made for Java 25, and takes it with the options for 21 where it is told to.
    let node = if kind.java == 25 { node.env("CASSANDRA_JDK_UNSUPPORTED", "true") } else { node };
    node.env("HEAP_NEWSIZE", "128M")
}

/// The words after `java`; the class path is taken apart, places are named.
fn words(node: &Node, environment: &[(&str, &str)]) -> Vec<String> {
    let words = node.variables().clone();
    let mut command = Command::new(crate::support::binary());
    command.arg("java-command").env_clear().envs(&words).envs(environment.iter().copied());
    let outcome: Outcome = command.output().unwrap().into();
    let told = outcome.code(0).stdout.replace(&node.path("log").display().to_string(), "{log}");
    let mut words = Vec::new();
    // numactl stands before it where this machine has one.
    let mut lines = told.lines().skip_while(|word| !word.ends_with("/bin/java")).skip(1);
    while let Some(word) = lines.next() {
        match word {
            "-cp" => words.extend(lines.next().unwrap().split(':').map(|element| format!("class path: {element}"))),
            // Of the machine, where nobody says otherwise.
            word if word.starts_with("-Dcassandra.libjemalloc=/usr/") => {}
            word => words.push(word.to_owned()),
        }
    }
    words
}

/// The home of a line where anybody can read it.
fn home(folder: &Path, line: &str) -> PathBuf {
    let home = folder.join(line);
    link_or_copy(&fetched(&["cassandra", line]), &home);
    home
}

fn each(mut what: impl FnMut(&Kind, &Path)) {
    let folder = tempfile::tempdir().unwrap();
    for (line, javas) in LINES {
        let home = home(folder.path(), line);
        for java in *javas {
            what(&Kind { line, java: *java }, &home);
        }
    }
}

#[test]
fn each_variable_changes_on_each_line_and_java_what_the_scripts_change() {
    let mut compared = 0;
    each(|kind, home| {
        let node = node(kind, home);
        let base = words(&node, &[]);
        let unified =
            format!("{GC_EVENTS}:file={{log}}/gc.log:time,uptime,pid,tid,level:filecount=10,filesize=10485760");
        let log = if kind.java == 8 { "-Xloggc:{log}/gc.log" } else { &unified };
        let jamm = format!("-javaagent:{}/lib/jamm-", home.display());
        for wanted in ["-Xms512M", "-Xmx512M", log, LOCAL[0], LOCAL[1], "-Dcassandra-foreground=yes"] {
            assert!(base.iter().any(|word| word == wanted), "{} on {}: {wanted} in {base:?}", kind.line, kind.java);
        }
        assert!(base.iter().any(|word| word.starts_with(&jamm)), "{} on {}: {base:?}", kind.line, kind.java);
        assert_eq!(
            base.iter().any(|word| word == "-XX:+UseCondCardMark"),
            kind.has_cms(),
            "{} on {}",
            kind.line,
            kind.java
        );
        assert_eq!(base.last().unwrap(), "org.apache.cassandra.service.CassandraDaemon");
        for rule in RULES.iter().filter(|rule| (rule.applies)(kind)) {
            let changed = words(&node, rule.environment);
            let (before, after): (BTreeSet<&String>, BTreeSet<&String>) =
                (base.iter().collect(), changed.iter().collect());
            let filled =
                |words: &[&str]| words.iter().map(|word| word.replace("{unified}", &unified)).collect::<BTreeSet<_>>();
            let gone: BTreeSet<String> = before.difference(&after).map(ToString::to_string).collect();
            let come: BTreeSet<String> = after.difference(&before).map(ToString::to_string).collect();
            let name = format!("{} on {}: {}", kind.line, kind.java, rule.name);
            assert_eq!((gone, come), (filled(rule.gone), filled(rule.come)), "{name}");
            compared += 1;
        }
    });
    assert_eq!(compared, 9 * 9, "every rule on every line and Java");
}

#[test]
fn what_comes_later_wins_in_the_order_of_the_scripts() {
    let given = [
        ("JVM_OPTS", "-XX:MaxGCPauseMillis=1"),
        ("JVM_EXTRA_OPTS", "-XX:MaxGCPauseMillis=3"),
        ("CASSANDRA_JVM_OPTIONS", "-XX:MaxGCPauseMillis=2"),
    ];
    each(|kind, home| {
        let words = words(&node(kind, home), &given);
        let at =
            |word: &str| words.iter().position(|known| known == word).unwrap_or_else(|| panic!("{word}: {words:?}"));
        let name = format!("{} on {}", kind.line, kind.java);
        // The environment, the files, what cassandra-env.sh adds, its last word, and bin/cassandra's.
        let order = [
            "-XX:MaxGCPauseMillis=1",
            "-XX:MaxGCPauseMillis=2",
            LOCAL[0],
            "-XX:MaxGCPauseMillis=3",
            "-Dcassandra-foreground=yes",
        ];
        assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{name}: {words:?}");
    });
}

/// A real Java's word on the options of its line: it comes up with them, jamm and all, and does not complain.
#[test]
fn the_javas_that_are_here_take_the_options_of_their_lines() {
    let system = crate::real::java_17();
    let eleven = fetched(&["jdk11"]);
    let mut taken = 0;
    each(|kind, home| {
        let java = match kind.java {
            11 => &eleven,
            17 => &system,
            _ => return,
        };
        for environment in [&[][..], &[("LOCAL_JMX", "no")], &[("CASSANDRA_GC_STDOUT", "true")]] {
            let node = node(kind, home);
            let words = words(&node, environment);
            let options = words.iter().take_while(|word| !word.starts_with("class path: "));
            let log = node.path("log").display().to_string();
            let options: Vec<String> = options.map(|word| word.replace("{log}", &log)).collect();
            let output =
                Command::new("timeout").arg("60").arg(java.join("bin/java")).args(&options).arg("-version").output();
            let outcome: Outcome = output.unwrap().into();
            let told = format!("{} on {}: {}{}", kind.line, kind.java, outcome.stderr, outcome.stdout);
            assert_eq!(outcome.code, 0, "{told}\n{options:?}");
            for complaint in ["Unrecognized", "support was removed", "Ignoring option"] {
                assert!(!told.contains(complaint), "{told}");
            }
            taken += 1;
        }
    });
    assert_eq!(taken, 15);
}
