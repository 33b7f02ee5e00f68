//! JVM options: collectors, heap, the collector's log, agents, and what a JVM says to the result.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::{Node, is_root, project, skip_or_fail};

/// A jvm.options as images of 3.11 have it.
const OLD_FILE: &str = "-ea\n-Xss256k\n-XX:+UseThreadPriorities\n-XX:ThreadPriorityPolicy=42\n-XX:+UseParNewGC\n\
    -XX:+UseConcMarkSweepGC\n-XX:CMSInitiatingOccupancyFraction=75\n-XX:+UseCMSInitiatingOccupancyOnly\n\
    -XX:SurvivorRatio=8\n-XX:+PrintGCDetails\n-XX:+UseGCLogFileRotation\n-XX:GCLogFileSize=10M\n-Xmx2G\n-Dmine=1\n";

/// The option files as a start of this node leaves them, each live line in order.
fn options(node: &Node) -> Vec<String> {
    node.start_and_stop().code(0);
    written(node)
}

fn written(node: &Node) -> Vec<String> {
    let conf = node.conf();
    let files = ["jvm-server.options", "jvm11-server.options", "jvm17-server.options"].map(|name| conf[name].clone());
    let read = if fs::read_to_string(node.path("java/release")).unwrap().contains("\"11") { [0, 1] } else { [0, 2] };
    let lines = read.iter().flat_map(|at| files[*at].lines().map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|line| line.starts_with('-')).collect()
}

fn java(version: &str) -> Node {
    Node::new().file("java/release", &format!("JAVA_VERSION=\"{version}\"\n"))
}

fn refused(node: Node, finding: &str) {
    node.arguments(&["check"]).run().code(78).prints(finding);
}

#[test]
fn an_option_of_the_variable_replaces_the_same_one_where_it_stands() {
    let node = Node::new().env(
        "CASSANDRA_JVM_OPTIONS",
        "# pauses\n-XX:MaxGCPauseMillis=200\n-Xss512k -Da=b\n\n--add-opens java.base/java.io=ALL-UNNAMED\n-XX:-UseNUMA\n",
    );
    let before = node.conf();
    let after = options(&node);
    let has = |option: &str| after.iter().filter(|line| *line == option).count();
    for option in ["-XX:MaxGCPauseMillis=200", "-Xss512k", "-Da=b", "-XX:-UseNUMA"] {
        assert_eq!(has(option), 1, "{option}: {after:?}");
    }
    assert_eq!(has("--add-opens java.base/java.io=ALL-UNNAMED"), 1);
    for option in ["-XX:MaxGCPauseMillis=300", "-Xss256k", "-XX:+UseNUMA"] {
        assert!(before.values().any(|text| text.contains(option)) && has(option) == 0, "{option}");
    }
}

#[test]
fn a_variable_with_what_no_option_file_can_hold_is_refused() {
    let given = |text: &str| Node::new().env("CASSANDRA_JVM_OPTIONS", text);
    refused(given("-Dx=a b"), "CASSANDRA_JVM_OPTIONS: line 1: '-Dx=a b' holds a blank, which no option file can");
    refused(given("\nXmx1G"), "CASSANDRA_JVM_OPTIONS: line 2: 'Xmx1G' is no JVM option");
    refused(given("-Xss1m\n-Xss2m"), "CASSANDRA_JVM_OPTIONS: lines 1 and 2 disagree: '-Xss1m' and '-Xss2m'");
    refused(given("-Djavax.password=geheim nis"), "'-Djavax.password=***'");
    given("-Xss1m\n-Xss1m").arguments(&["check"]).run().code(0);
}

#[test]
fn two_variables_that_say_different_things_about_one_option_are_refused() {
    let table = [
        (
            "-Xmx2G",
            "CASSANDRA_MAX_HEAP",
            "1G",
            "CASSANDRA_MAX_HEAP: -Xmx1024M disagrees with -Xmx2G of CASSANDRA_JVM_OPTIONS",
        ),
        (
            "-Dcassandra.ring_delay_ms=1",
            "CASSANDRA_RING_DELAY",
            "2",
            "CASSANDRA_RING_DELAY: -Dcassandra.ring_delay_ms=2 disagrees with -Dcassandra.ring_delay_ms=1 of CASSANDRA_JVM_OPTIONS",
        ),
        ("-Xlog:gc=info:file=/x", "CASSANDRA_GC_STDOUT", "true", "CASSANDRA_GC_STDOUT: -Xlog:gc"),
        ("-XX:HeapDumpPath=/a", "CASSANDRA_HEAPDUMP_DIR", "/b", "disagrees with CASSANDRA_HEAPDUMP_DIR=/b"),
    ];
    for (option, name, value, finding) in table {
        refused(Node::new().env("CASSANDRA_JVM_OPTIONS", option).env(name, value), finding);
    }
    let node = Node::new().env("CASSANDRA_JVM_OPTIONS", "-Xmx1G").env("CASSANDRA_MAX_HEAP", "1024M");
    node.arguments(&["check"]).run().code(0);
}

#[test]
fn a_heap_of_the_variable_gets_its_twin_and_a_founding_option_of_it_stays() {
    let node = Node::new().env("CASSANDRA_JVM_OPTIONS", "-Xmx700M\n-Dcassandra.ring_delay_ms=7");
    node.start_and_stop().code(0);
    let after = written(&node);
    assert!(after.contains(&"-Xmx700M".to_owned()) && after.contains(&"-Xms700M".to_owned()), "{after:?}");
    let arguments = fs::read_to_string(node.path("standin/arguments")).unwrap();
    assert_eq!(arguments.matches("-Dcassandra.ring_delay_ms=").count(), 1);
    assert!(arguments.contains("-Dcassandra.skip_wait_for_gossip_to_settle=0"), "{arguments}");
}

#[test]
fn choosing_a_collector_puts_the_other_one_out_of_the_way() {
    for variable in ["CASSANDRA_JVM_OPTIONS", "JVM_OPTS", "JVM_EXTRA_OPTS"] {
        let node = Node::new().env(variable, "-XX:+UseZGC");
        node.start_and_stop().code(0);
        let file = &node.conf()["jvm17-server.options"];
        for gone in ["-XX:+UseG1GC", "-XX:G1HeapRegionSize=16m", "-XX:InitiatingHeapOccupancyPercent=70"] {
            assert!(file.contains(&format!("\n#{gone}\n")), "{variable}: {gone}\n{file}");
        }
        let after = written(&node);
        assert!(after.contains(&"-XX:MaxGCPauseMillis=300".to_owned()), "every collector may have it");
        assert!(after.contains(&"-XX:-UseCompressedOops".to_owned()), "{after:?}");
        let arguments = fs::read_to_string(node.path("standin/arguments")).unwrap();
        assert_eq!(arguments.matches("-XX:+UseZGC").count(), 1);
        assert!(!arguments.contains("row_overhead_size"), "its pointers are not compressed");
    }
}

#[test]
fn a_collector_of_a_mounted_file_wins_over_the_distributions() {
    let after = options(&Node::new().file("conf-overlay/jvm-server.options", "-XX:+UseShenandoahGC\n-Xmn100M\n"));
    assert!(!after.iter().any(|option| option == "-XX:+UseG1GC"), "{after:?}");
    assert!(after.iter().any(|option| option == "-XX:+UseShenandoahGC"), "{after:?}");
}

#[test]
fn a_collector_that_this_java_lacks_and_two_at_once_are_refused() {
    let with = |version: &str, options: &str| java(version).env("CASSANDRA_JVM_OPTIONS", options);
    refused(with("17.0.15", "-XX:+UseConcMarkSweepGC"), "Java 17 has no CMS\n = hint: it is in Java 8 to 13");
    refused(with("17.0.15", "-XX:+UseZGC\n-XX:+ZGenerational"), "Java 17 does not take -XX:+ZGenerational");
    refused(with("17.0.15", "-XX:+UseZGC\n-XX:+UseParallelGC"), "select two collectors");
    let both = with("17.0.15", "-XX:+UseZGC").env("JVM_EXTRA_OPTS", "-XX:+UseSerialGC");
    refused(both, "-XX:+UseZGC and -XX:+UseSerialGC of JVM_EXTRA_OPTS select two collectors");
    let in_one_layer = Node::new()
        .file("conf-overlay/jvm-server.options", "-XX:+UseZGC\n")
        .file("conf-overlay/jvm17-server.options", "-XX:+UseG1GC\n");
    refused(in_one_layer, "jvm-server.options: -XX:+UseZGC and -XX:+UseG1GC of jvm17-server.options select two");
}

#[test]
fn an_experimental_collector_is_unlocked_before_it_is_selected() {
    let after = options(&java("11.0.2").env("CASSANDRA_JVM_OPTIONS", "-XX:+UseZGC"));
    let at = |option: &str| after.iter().position(|line| line == option).unwrap();
    assert!(at("-XX:+UnlockExperimentalVMOptions") < at("-XX:+UseZGC"), "{after:?}");
}

#[test]
fn a_jvm_options_of_3_11_counts_on_5_0_but_for_what_java_17_lacks() {
    let node = Node::new().file("conf-overlay/jvm.options", OLD_FILE);
    let outcome = node.start_and_stop().code(0);
    let after = written(&node);
    for option in ["-Xmx2G", "-Xms2048M", "-Dmine=1", "-XX:SurvivorRatio=8", "-XX:+UseG1GC"] {
        assert!(after.iter().any(|line| line == option), "{option}: {after:?}");
    }
    outcome
        .says("jvm.options: Java 17 does not take -XX:+UseConcMarkSweepGC, -XX:CMSInitiatingOccupancyFraction=75, -XX:+UseCMSInitiatingOccupancyOnly, left out: Java 14 removed CMS")
        .says("-XX:ThreadPriorityPolicy=42, left out")
        .says("-XX:+PrintGCDetails, -XX:+UseGCLogFileRotation, -XX:GCLogFileSize=10M, left out: unified logging");
}

#[test]
fn a_jvm_options_of_3_11_brings_its_collector_where_java_has_it() {
    let after = options(&java("11.0.2").file("conf-overlay/jvm.options", OLD_FILE));
    for (option, there) in [
        ("-XX:+UseConcMarkSweepGC", true),
        ("-XX:CMSInitiatingOccupancyFraction=75", true),
        ("-XX:+UseG1GC", false),
        ("-XX:G1RSetUpdatingPauseTimePercent=5", false),
        ("-XX:+UseParNewGC", false),
    ] {
        assert_eq!(after.iter().any(|line| line == option), there, "{option}: {after:?}");
    }
    assert!(after.iter().any(|line| line.starts_with("-Xmn")), "CMS needs it: {after:?}");
}

#[test]
fn options_that_java_lacks_are_left_out_of_files_and_refused_in_variables() {
    let node = Node::new().file("conf/jvm-server.options", "-Xmx1G\n-Xms1G\n-XX:+AggressiveOpts\n# end\n");
    node.start_and_stop().code(0).says("jvm-server.options: Java 17 does not take -XX:+AggressiveOpts, left out");
    assert_eq!(node.conf()["jvm-server.options"], "-Xmx1G\n-Xms1G\n#-XX:+AggressiveOpts\n# end\n");
    for name in ["JVM_OPTS", "JVM_EXTRA_OPTS", "CASSANDRA_JVM_OPTIONS"] {
        let finding = format!("{name}: Java 17 does not take -XX:+PrintHeapAtGC: unified logging");
        refused(Node::new().env(name, "-XX:+PrintHeapAtGC"), &finding);
    }
}

#[test]
fn a_young_size_beside_g1_is_told_instead_of_a_start_that_dies() {
    let finding = "-Xmn200M does not go with G1";
    refused(Node::new().file("conf-overlay/jvm-server.options", "-Xmx1G\n-Xms1G\n-Xmn200M\n"), finding);
    refused(Node::new().env("CASSANDRA_JVM_OPTIONS", "-Xmn200M"), finding);
    Node::new()
        .env("MAX_HEAP_SIZE", "1G")
        .env("HEAP_NEWSIZE", "100M")
        .arguments(&["check"])
        .run()
        .code(0)
        .prints("note: HEAP_NEWSIZE: 100M has no effect, G1 sizes the new generation itself");
}

#[test]
fn a_share_of_the_memory_is_a_heap_and_becomes_a_pair_where_the_script_would_set_its_own() {
    let direct = options(&Node::new().env("CASSANDRA_JVM_OPTIONS", "-XX:MaxRAMPercentage=25"));
    assert!(!direct.iter().any(|option| option.starts_with("-Xm")), "{direct:?}");
    let script = Node::new().env("JVM_OPTS", "-XX:MaxRAMPercentage=25").env("CASSANDRA_LAUNCH", "script");
    let script = script.file("home/bin/cassandra", "#!/bin/sh\nexec \"$JAVA_HOME/bin/java\" \"$@\"\n");
    let after = options(&script.mode("home/bin/cassandra", 0o755));
    let size = |flag: &str| after.iter().find_map(|option| option.strip_prefix(flag)?.strip_suffix('M'));
    let pair: Vec<u64> = ["-Xms", "-Xmx"].iter().filter_map(|flag| size(flag)?.parse().ok()).collect();
    assert!(pair.len() == 2 && pair[0] == pair[1] && pair[0] > 64, "{after:?}");
}

#[test]
fn cassandra_6_gets_its_own_limits() {
    let rendered = Node::new().arguments(&["render", "--cassandra-version", "6.0.0"]).run().code(0).stdout;
    assert!(rendered.contains("\n+-XX:MaxDirectMemorySize="), "{rendered}");
    let rendered = Node::new()
        .env("CASSANDRA_JVM_OPTIONS", "-XX:MaxDirectMemorySize=1G\n-XX:+UseG1GC")
        .arguments(&["render", "--cassandra-version", "6.0.0"])
        .run()
        .code(0)
        .stdout;
    assert_eq!(rendered.matches("\n+-XX:MaxDirectMemorySize=").count(), 1, "{rendered}");
    assert!(rendered.contains("\n+-XX:ParallelGCThreads=") && rendered.contains("\n+-XX:ConcGCThreads="), "{rendered}");
}

#[test]
fn the_collectors_log_follows_java() {
    let log = |version: &str, pairs: &[(&str, &str)]| {
        let node = pairs.iter().fold(java(version), |node, (name, value)| node.env(name, value));
        options(&node).into_iter().filter(|option| option.starts_with("-Xlog")).collect::<Vec<_>>()
    };
    let stdout = log("17.0.15", &[("CASSANDRA_GC_STDOUT", "true")]);
    assert!(stdout.len() == 1 && stdout[0].contains(":stdout:"), "{stdout:?}");
    let verbose = log("17.0.15", &[("CASSANDRA_GC_VERBOSE", "true")]);
    assert!(verbose.len() == 1 && verbose[0].contains("freelist*=trace:file="), "{verbose:?}");
    assert_eq!(log("11.0.2", &[]), [""; 0], "the launch adds the default");
    let conf = project().join("config-defaults/3.11").display().to_string();
    let rendered = Node::new()
        .env("CASSANDRA_GC_STDOUT", "true")
        .env("CASSANDRA_GC_VERBOSE", "true")
        .arguments(&["render", "--cassandra-version", "3.11.19", "--conf", &conf])
        .run()
        .code(0)
        .stdout;
    for option in ["\n+-Xloggc:/dev/stdout", "\n+-XX:PrintFLSStatistics=1"] {
        assert!(rendered.contains(option), "{option}: {rendered}");
    }
}

/// A node with the jars of the agents where a variable names them.
fn with_agents() -> Node {
    let node = Node::new().file("lib/jolokia-agent.jar", "").file("lib/cassandra-exporter-agent-0.9.8.jar", "");
    let path = |name: &str| node.path(name).display().to_string();
    let (jolokia, exporter) = (path("lib/jolokia-agent.jar"), path("lib/cassandra-exporter-agent-0.9.8.jar"));
    node.env("CASSANDRA_JOLOKIA_JAR", &jolokia).env("CASSANDRA_EXPORTER_JAR", &exporter)
}

fn agents(options: &[String]) -> Vec<&String> {
    options.iter().filter(|option| option.starts_with("-javaagent:")).collect()
}

#[test]
fn agents_are_added_once_over_any_number_of_starts() {
    let node = with_agents()
        .env("CASSANDRA_ENABLE_JOLOKIA", "true")
        .env("CASSANDRA_EXPORTER_AGENT", "true")
        .file("conf/exporter.conf", "--listen=9500\n");
    for _ in 0..3 {
        node.start_and_stop().code(0);
        let after = written(&node);
        assert_eq!(agents(&after).len(), 2, "{after:?}");
        assert!(after.iter().any(|line| line.ends_with("/jolokia-agent.jar=host=0.0.0.0,executor=fixed")), "{after:?}");
        assert!(after.iter().any(|line| line.ends_with("/conf/exporter.conf")), "{after:?}");
    }
}

#[test]
fn an_agent_that_a_file_or_a_variable_names_already_is_left_alone() {
    let own = "-Xmx1G\n-Xms1G\n-javaagent:/opt/jolokia-jvm-1.7.2.jar=port=7777\n";
    let node = with_agents().env("CASSANDRA_ENABLE_JOLOKIA", "true").file("conf/jvm-server.options", own);
    assert_eq!(agents(&options(&node)), ["-javaagent:/opt/jolokia-jvm-1.7.2.jar=port=7777"]);
    let node = with_agents().env("CASSANDRA_ENABLE_JOLOKIA", "true").env("JVM_EXTRA_OPTS", "-javaagent:/o/jolokia.jar");
    assert_eq!(agents(&options(&node)).len(), 0);
}

#[test]
fn jolokias_password_is_in_a_file_that_only_cassandra_reads_and_nowhere_else() {
    let secret = "a=b #geheim\\: é";
    let node = with_agents()
        .env("CASSANDRA_ENABLE_JOLOKIA", "true")
        .env("CASSANDRA_AUTH_JOLOKIA", "true")
        .env("JOLOKIA_USER", "admin")
        .env("JOLOKIA_PASSWORD", secret)
        .file("conf/jolokia.properties", "mine\n")
        .mode("conf/jolokia.properties", 0o644);
    let outcome = node.start_and_stop().code(0);
    let file = node.path("conf/jolokia.properties");
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, if is_root() { 0o640 } else { 0o600 });
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("user=admin\n") && text.contains("geheim"), "{text}");
    let arguments = fs::read_to_string(node.path("standin/arguments")).unwrap();
    assert!(arguments.contains(&format!("=config={}", file.display())), "{arguments}");
    for (what, text) in [("arguments", &arguments), ("log", &outcome.stderr), ("log", &outcome.stdout)] {
        assert!(!text.contains("geheim"), "{what}: {text}");
    }
    for (name, text) in node.conf().iter().filter(|(name, _)| *name != "jolokia.properties") {
        assert!(!text.contains("geheim"), "{name}");
    }
    let node = node.without("CASSANDRA_AUTH_JOLOKIA").without("CASSANDRA_ENABLE_JOLOKIA");
    let diff = node.arguments(&["render"]).run().code(0);
    assert!(!diff.stdout.contains("geheim") && !diff.stderr.contains("geheim"));
}

#[test]
fn an_agent_whose_jar_is_missing_is_an_error_where_somebody_asked_for_it() {
    refused(
        Node::new().env("CASSANDRA_ENABLE_JOLOKIA", "true"),
        "CASSANDRA_ENABLE_JOLOKIA: Jolokia is to run in the JVM",
    );
    let named = Node::new().env("CASSANDRA_EXPORTER_AGENT", "true").env("CASSANDRA_EXPORTER_JAR", "/no/such.jar");
    refused(named, "there is no /no/such.jar");
    let auth = with_agents().env("CASSANDRA_ENABLE_JOLOKIA", "true").env("CASSANDRA_AUTH_JOLOKIA", "true");
    refused(auth, "JOLOKIA_USER and JOLOKIA_PASSWORD are not both set");
}

/// Java 17's own word on a dozen sets of options: `java @file -version` comes to its end, or the JVM says why not.
#[test]
fn a_real_jvm_takes_what_is_written() {
    let version = Command::new("java").arg("-version").output();
    if !version.is_ok_and(|output| String::from_utf8_lossy(&output.stderr).contains("version \"17.")) {
        return skip_or_fail("needs a Java 17");
    }
    let sets: &[&[(&str, &str)]] = &[
        &[],
        &[("MAX_HEAP_SIZE", "300M")],
        &[("CASSANDRA_JVM_OPTIONS", "-XX:+UseZGC")],
        &[("CASSANDRA_JVM_OPTIONS", "-XX:+UseParallelGC\n-Xmn100M\n-Xmx400M")],
        &[("CASSANDRA_JVM_OPTIONS", "-XX:+UseSerialGC")],
        &[("CASSANDRA_JVM_OPTIONS", "-XX:MaxRAMPercentage=10")],
        &[("CASSANDRA_JVM_OPTIONS", "-Xms200M")],
        &[("JVM_EXTRA_OPTS", "-Xmx256M -XX:+UseSerialGC")],
        &[("JVM_OPTS", "-Xms256M -XX:+UseZGC")],
        &[("CASSANDRA_GC_STDOUT", "true"), ("CASSANDRA_GC_VERBOSE", "true")],
        &[("CASSANDRA_GC_VERBOSE", "true")],
        &[("OLD_FILE", OLD_FILE)],
    ];
    for set in sets {
        let mut node = Node::new();
        for (name, value) in *set {
            node = match *name {
                "OLD_FILE" => node.file("conf-overlay/jvm.options", value),
                _ => node.env(name, value),
            };
        }
        node.start_and_stop().code(0);
        let arguments = fs::read_to_string(node.path("standin/arguments")).unwrap();
        let options: Vec<&str> = arguments.lines().take_while(|word| *word != "-cp").collect();
        // The agent's jar is not there, and touching the whole heap takes the memory of this machine.
        let options: Vec<&str> = options
            .into_iter()
            .filter(|word| !word.starts_with("-javaagent") && !word.contains("AlwaysPreTouch"))
            .collect();
        let mut command = Command::new("timeout");
        let output = command.arg("30").arg("java").args(&options).arg("-version").output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{set:?}: {told}\n{options:?}");
        for complaint in ["Unrecognized", "support was removed", "Multiple garbage", "Ignoring option"] {
            assert!(!told.contains(complaint), "{set:?}: {told}");
        }
    }
}
