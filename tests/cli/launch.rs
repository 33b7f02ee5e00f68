//! The direct launch: which variables of Cassandra's scripts reach java, and which are told to be without effect.

use crate::support::{Node, has, skip_or_fail};

/// What a direct launch would execute, a word a line.
fn command(node: Node) -> Vec<String> {
    let outcome = node.arguments(&["java-command"]).run().code(0);
    outcome.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn an_include_that_no_shell_reads_is_refused_with_a_hint() {
    let node = Node::new().env("CASSANDRA_INCLUDE", "/opt/own.in.sh");
    node.run().code(78).says("CASSANDRA_INCLUDE: has no effect: this start runs java directly").says("JVM_EXTRA_OPTS");
    assert!(!node.java_was_started());
    // The scripts take an empty one for none.
    Node::new().env("CASSANDRA_INCLUDE", "").start_and_stop().code(0);
}

#[test]
fn mx4j_is_told_to_be_without_effect() {
    let node = Node::new().env("MX4J_ADDRESS", "10.0.0.1").env("MX4J_PORT", "8081");
    node.start_and_stop().code(0).says("MX4J_ADDRESS: has no effect").says("MX4J_PORT: has no effect");
}

#[test]
fn what_happens_on_an_out_of_memory_error_is_one_option_blanks_and_all() {
    let policy = "-XX:OnOutOfMemoryError=kill -9 %p";
    let words = command(Node::new().env("JVM_ON_OUT_OF_MEMORY_ERROR_OPT", policy));
    assert_eq!(
        words.iter().filter(|word| word.contains("OutOfMemoryError")).collect::<Vec<_>>(),
        ["-XX:+HeapDumpOnOutOfMemoryError", policy]
    );
    let chosen = "-XX:+CrashOnOutOfMemoryError";
    let words = command(Node::new().env("JVM_ON_OUT_OF_MEMORY_ERROR_OPT", policy).env("JVM_EXTRA_OPTS", chosen));
    assert!(words.contains(&chosen.to_owned()) && !words.contains(&policy.to_owned()), "{words:?}");
}

#[test]
fn a_configuration_of_ones_own_is_the_one_that_counts_and_that_is_told() {
    let own = "-Dcassandra.config=file:///elsewhere.yaml";
    let node = Node::new().env("JVM_OPTS", own);
    node.start_and_stop().code(0).says("Cassandra reads /elsewhere.yaml, and what the variables say goes to");
    let words = std::fs::read_to_string(node.path("standin/arguments")).unwrap();
    let named: Vec<&str> = words.lines().filter(|word| word.starts_with("-Dcassandra.config=")).collect();
    assert_eq!(named, [own]);
}

#[test]
fn numactl_places_the_memory_where_a_policy_is_given() {
    let node = Node::new().file("bin/numactl", "#!/bin/sh\n").mode("bin/numactl", 0o755);
    let (bin, java) = (node.path("bin").display().to_string(), node.path("java/bin/java").display().to_string());
    let path = format!("{bin}:{}", node.variables()["PATH"]);
    let words = command(node.env("PATH", &path).env("NUMACTL_ARGS", "--cpunodebind=0  --membind=0"));
    assert_eq!(words[..4], [format!("{bin}/numactl"), "--cpunodebind=0".into(), "--membind=0".into(), java]);
    let absent = Node::new().env("PATH", "/nonexistent").env("NUMACTL_ARGS", "--interleave=all");
    absent.run().code(78).says("NUMACTL_ARGS: ").says("install numactl, or leave the variable out");
}

#[test]
fn memory_is_interleaved_unasked_where_numactl_is_installed_and_allowed() {
    let node = || {
        let node = Node::new().file("bin/numactl", "#!/bin/sh\n").mode("bin/numactl", 0o755);
        let path = format!("{}:{}", node.path("bin").display(), node.variables()["PATH"]);
        node.env("PATH", &path)
    };
    let words = command(node());
    assert!(words[0].ends_with("/bin/numactl") && words[1] == "--interleave=all", "{words:?}");
    assert!(words[2].ends_with("/java/bin/java"), "{words:?}");
    assert!(command(Node::new().env("PATH", "/nonexistent"))[0].ends_with("/java/bin/java"));
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    // As below Docker's seccomp profile.
    let refused = |node: Node| {
        let inject = ["-e", "trace=get_mempolicy", "-e", "inject=get_mempolicy:error=EPERM"];
        node.wrapped(&[&["strace", "-D", "-o", "/dev/null"][..], &inject].concat())
    };
    assert!(command(refused(node()))[0].ends_with("/java/bin/java"));
    let outcome = refused(node().env("NUMACTL_ARGS", "--membind=0")).run().code(78);
    outcome.says("NUMACTL_ARGS: memory cannot be placed here").says("--cap-add SYS_NICE");
}

#[test]
fn remote_jmx_without_its_password_file_is_told_unless_passwords_come_from_elsewhere() {
    let node = || Node::new().env("LOCAL_JMX", "no");
    node()
        .start_and_stop()
        .code(0)
        .says("LOCAL_JMX: JMX asks for a password, and /etc/cassandra/jmxremote.password cannot");
    let other = "-Dcassandra.jmx.remote.login.config=CassandraLogin";
    let outcome = node().env("JVM_EXTRA_OPTS", other).start_and_stop().code(0);
    assert!(!outcome.stderr.contains("jmxremote.password"), "{}", outcome.stderr);
}

#[test]
fn classes_of_ones_own_come_behind_everything_else() {
    let node = Node::new().env("EXTRA_CLASSPATH", "/extra/a.jar:/extra");
    let conf = node.path("conf").display().to_string();
    let words = command(node);
    let path = &words[words.iter().position(|word| word == "-cp").unwrap() + 1];
    assert!(path.ends_with(&format!(":{conf}:/extra/a.jar:/extra")), "{path}");
}

#[test]
fn jemalloc_that_is_switched_off_is_told_to_cassandra_and_not_preloaded() {
    let node = Node::new().env("CASSANDRA_LIBJEMALLOC", "-");
    node.start_and_stop().code(0);
    let read = |name: &str| std::fs::read_to_string(node.path("standin").join(name)).unwrap();
    assert!(read("arguments").contains("\n-Dcassandra.libjemalloc=-\n"), "{}", read("arguments"));
    assert!(!read("environment").contains("LD_PRELOAD"), "{}", read("environment"));
}

#[test]
fn a_java_that_cassandra_is_not_made_for_is_refused_unless_asked_for() {
    let node = || Node::new().file("java/release", "JAVA_VERSION=\"24.0.1\"\n");
    node().run().code(78).says("is Java 24").says("CASSANDRA_JDK_UNSUPPORTED=true tries it all the same");
    node().env("CASSANDRA_JDK_UNSUPPORTED", "").run().code(78);
    for name in ["CASSANDRA_JDK_UNSUPPORTED", "CASSANDRA_USE_ALL_JDK"] {
        node().env(name, "true").start_and_stop().code(0);
    }
}

#[test]
fn what_a_release_brings_beside_its_jars_is_named_where_it_is_there() {
    let node = Node::new().file("home/lib/sigar-bin/libsigar.so", "").file("conf/hotspot_compiler", "exclude a b\n");
    let node = node.file("home/lib/jsr223/jython/jython.jar", "");
    let (home, conf) = (node.path("home").display().to_string(), node.path("conf").display().to_string());
    let words = command(node);
    for word in
        [format!("-Djava.library.path={home}/lib/sigar-bin"), format!("-XX:CompileCommandFile={conf}/hotspot_compiler")]
    {
        assert!(words.contains(&word), "{word} is not in {words:?}");
    }
    assert!(words.iter().any(|word| word.contains("/lib/jsr223/jython/jython.jar:")), "{words:?}");
    let plain = command(Node::new());
    assert!(!plain.iter().any(|word| word.contains("sigar-bin") || word.contains("hotspot_compiler")), "{plain:?}");
}
