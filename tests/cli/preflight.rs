//! What is told of the machine before Cassandra starts, and when that stops the start.

use std::fs;

use crate::support::{Node, has, is_root, skip_or_fail};

/// A node whose temporary folder is a file system of its own, mounted with `options`.
fn with_temporary_folder(options: &str) -> Node {
    let node = Node::new().file("tmp/.keep", "");
    let tmp = node.path("tmp").display().to_string();
    let mount = format!("mount -t tmpfs -o {options} none {tmp} && chmod 1777 {tmp} 2>/dev/null; exec \"$@\"");
    node.env("JVM_EXTRA_OPTS", &format!("-Djava.io.tmpdir={tmp}"))
        .wrapped(&["unshare", "--mount", "sh", "-c", &mount, "sh"])
}

#[test]
fn a_temporary_folder_from_which_nothing_can_be_loaded_is_an_error_before_java_runs() {
    if !is_root() {
        skip_or_fail("needs root to mount");
        return;
    }
    for (options, says) in [("mode=1777,noexec", "is mounted noexec"), ("ro", "is read-only")] {
        let node = with_temporary_folder(options);
        let before = node.conf();
        let outcome = node.run().code(78).says("native library (JNA)").says(says).says("-Djna.tmpdir=/folder");
        assert!(outcome.stderr.contains("Cassandra does not start without it"), "{}", outcome.stderr);
        assert!(!node.java_was_started());
        assert_eq!(node.conf(), before, "nothing was written");
    }
    with_temporary_folder("mode=1777").start_and_stop().code(0);
    // The way out that the hint names.
    let node = with_temporary_folder("mode=1777,noexec");
    let options = format!("-Djna.tmpdir={}", node.path("standin").display());
    node.env("JVM_EXTRA_OPTS", &options).start_and_stop().code(0);
}

#[test]
fn a_cache_folder_that_jna_would_choose_is_looked_at_before_the_temporary_one() {
    if !is_root() {
        skip_or_fail("needs root to mount");
        return;
    }
    let cache = |options: &str| {
        let node = Node::new();
        let data = node.path("data").display().to_string();
        let mount = format!("mount -t tmpfs -o mode=755,{options} none {data}; exec \"$@\"");
        // As in an image whose user has the data volume as his home: root's until this start gives it.
        node.env("XDG_CACHE_HOME", &data).wrapped(&["unshare", "--mount", "sh", "-c", &mount, "sh"])
    };
    cache("exec").start_and_stop().code(0);
    cache("noexec").run().code(78).says("JNA/temp is mounted noexec");
    let without_owner = cache("noexec").env("CASSANDRA_INIT_CHOWN", "off");
    without_owner.start_and_stop().code(0);
}

#[test]
fn a_limit_that_cannot_be_raised_is_told_with_the_option_that_raises_it() {
    if !is_root() || !has("setpriv") || !has("prlimit") {
        skip_or_fail("needs root, setpriv and prlimit");
        return;
    }
    let limited = "exec setpriv --bounding-set -sys_resource prlimit --nofile=300:500 \"$@\"";
    let outcome = Node::new().wrapped(&["sh", "-c", limited, "sh"]).start_and_stop().code(0);
    let outcome = outcome.says("limit nofile raised from 300 to 500").says("limit nofile: 500 is less than 100000");
    assert!(outcome.stderr.contains("--ulimit nofile=100000"), "{}", outcome.stderr);
}

#[test]
fn a_warning_about_the_machine_stops_no_start_even_a_strict_one() {
    if !has("prlimit") {
        skip_or_fail("needs prlimit");
        return;
    }
    let limited = "exec prlimit --as=1099511627776:1099511627776 \"$@\"";
    let node = Node::new().wrapped(&["sh", "-c", limited, "sh"]).env("CASSANDRA_INIT_STRICT", "true");
    node.start_and_stop().code(0);
}

/// A control group of version 1 below ours in which so many processes and threads may be, gone at the end.
struct Tasks(std::path::PathBuf);

impl Tasks {
    fn new(most: u32) -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap();
        let own = own.lines().find_map(|line| line.split_once(":pids:"))?.1.trim_start_matches('/').to_owned();
        let group =
            std::path::Path::new("/sys/fs/cgroup/pids").join(own).join(format!("test-{}-{most}", std::process::id()));
        fs::create_dir(&group).ok()?;
        let group = Self(group);
        fs::write(group.0.join("pids.max"), most.to_string()).ok()?;
        Some(group)
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_limit_of_processes_that_a_jvm_ran_into_is_named_when_it_ends() {
    let Some(group) = Tasks::new(60) else {
        skip_or_fail("needs root and control groups of version 1");
        return;
    };
    let enter = format!("echo $$ > {}/cgroup.procs; exec \"$@\"", group.0.display());
    // A shell that asks for more processes than it may have, and ends as a JVM that gets no thread.
    let forks = "#!/bin/dash\n(i=0; while [ $i -lt 80 ]; do sleep 60 & i=$((i + 1)); done) 2>/dev/null\nexit 3\n";
    let node = Node::new().java(forks).wrapped(&["sh", "-c", &enter, "sh"]);
    node.run().code(3).says("exit code 3: it got no more threads (pids.max of the container)");
}

#[test]
fn a_limit_of_processes_is_told_with_the_option_that_raises_it_and_one_that_is_too_low_for_any_node_stops_the_start() {
    for (most, code) in [(300, 0), (30, 78)] {
        let Some(group) = Tasks::new(most) else {
            skip_or_fail("needs root and control groups of version 1");
            return;
        };
        let enter = format!("echo $$ > {}/cgroup.procs; exec \"$@\"", group.0.display());
        let node = Node::new().wrapped(&["sh", "-c", &enter, "sh"]);
        let outcome = if code == 0 { node.start_and_stop() } else { node.run() }.code(code);
        // The start itself has a thread or two.
        let leaves = |own| format!("limit of processes (pids.max): leaves {} processes", most - own);
        assert!((1..4).any(|own| outcome.stderr.contains(&leaves(own))), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("docker run --pids-limit 4096"), "{}", outcome.stderr);
        assert_eq!(node.java_was_started(), code == 0);
    }
}

#[test]
fn a_jvm_that_we_could_not_stop_is_told() {
    if !is_root() || !has("setpriv") {
        skip_or_fail("needs root and setpriv");
        return;
    }
    let node = Node::new().java("#!/bin/true\n");
    assert!(!node.run().stderr.contains("CAP_KILL"));
    node.wrapped(&["setpriv", "--bounding-set", "-kill"]).run().says("CAP_KILL: is missing").says("capability KILL");
}

#[test]
fn a_root_that_lacks_a_capability_is_told_which_and_how_to_get_it() {
    if !is_root() || !has("setpriv") {
        skip_or_fail("needs root and setpriv");
        return;
    }
    let table = [
        (
            "-chown",
            77,
            "CHOWN",
            "the capability CHOWN (Kubernetes: capabilities: add: [CHOWN], docker run --cap-add CHOWN)",
        ),
        ("-fowner", 77, "FOWNER", "the capability FOWNER ("),
        (
            "-chown,-fowner",
            77,
            "CHOWN",
            "the capabilities CHOWN and FOWNER (Kubernetes: capabilities: add: [CHOWN, FOWNER]",
        ),
        ("-dac_override,-dac_read_search", 77, "DAC_OVERRIDE", "the capability DAC_OVERRIDE ("),
        ("-setuid", 78, "SETUID", "--cap-add SETUID), or start it as the user of Cassandra"),
        ("-setgid", 78, "SETGID", "--cap-add SETGID), or start it as the user of Cassandra"),
    ];
    for (without, code, name, hint) in table {
        let node = Node::new().wrapped(&["setpriv", "--bounding-set", without]);
        let outcome = node.run().code(code).says(&format!("CAP_{name}: is missing"));
        let end = outcome.stderr.lines().filter(|line| !line.contains(" WARN ")).collect::<Vec<_>>().join("\n");
        assert!(end.contains(hint), "{without}: {hint}\n{}", outcome.stderr);
        assert!(!node.java_was_started(), "{without}");
    }
    // The second start of a container finds folders that are the user's.
    let node = Node::new();
    node.start_and_stop().code(0);
    let all = "-chown,-fowner,-dac_override,-dac_read_search,-kill,-setuid,-setgid";
    let node = node.wrapped(&["setpriv", "--bounding-set", all]);
    node.run().code(78).says("log cannot be written").says("the capability DAC_OVERRIDE (");
}

#[test]
fn a_program_that_cannot_become_its_user_names_the_capability() {
    if !is_root() || !has("setpriv") {
        skip_or_fail("needs root and setpriv");
        return;
    }
    let node = Node::new().arguments(&["supervise", "--user", "4242", "--", "true"]);
    node.run().code(0);
    let without = ["setpriv", "--bounding-set", "-setuid"];
    let hook = Node::new().file("conf-overlay/pre_run.sh", "exit 0\n").wrapped(&without);
    hook.run().code(78).says("cannot set the user id").says("\nhint: give the container the capability SETUID (");
    let node = node.wrapped(&without);
    node.run()
        .code(77)
        .says("cannot set the user id: operation not permitted\nhint: give the container the capability SETUID (");
}
