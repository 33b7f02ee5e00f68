//! Exit status: what the child ends with is what we end with, and what cannot start has the shell's codes.

use std::fs;
use std::path::PathBuf;

use crate::support::{Node, Outcome, binary, has, is_root, skip_or_fail};
use crate::ways::Way;

#[test]
fn p01_exit_codes_pass_through() {
    for way in Way::all() {
        // One node for all: only the command line differs.
        let mut node = way.supervise("");
        for code in 0..=255 {
            node = node.arguments(&["supervise", "--", "sh", "-c", &format!("exit {code}")]);
            node.run().code(code);
        }
    }
}

#[test]
fn p02_death_by_a_signal_is_128_and_its_number() {
    for way in Way::all() {
        for (name, code) in [("TERM", 143), ("HUP", 129), ("QUIT", 131), ("KILL", 137), ("SEGV", 139), ("USR1", 138)] {
            way.supervise(&format!("ulimit -c 0; kill -{name} $$")).run().code(code);
        }
        way.supervise("kill -37 $$").run().code(165);
    }
}

#[test]
fn p03_what_cannot_be_executed_is_127_or_126_with_one_line() {
    let refused = |way: Way, path: &str, code, says: &str| {
        let outcome: Outcome = way.command(&[path]).run().code(code).says(path).says(says);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    };
    let files = Node::new()
        .file("text", "words\n")
        .mode("text", 0o755)
        .file("plain", "#!/bin/sh\n")
        .file("orphan", "#!/no/interpreter\n")
        .mode("orphan", 0o755);
    let path = |name: &str| files.path(name).display().to_string();
    for way in Way::all() {
        refused(way, "no-such-program", 127, "not in PATH");
        refused(way, "/no/such/program", 127, "no such file");
        refused(way, &path("orphan"), 127, "its interpreter");
        refused(way, &path("conf"), 126, "is a directory");
        refused(way, &path("plain"), 126, "permission denied");
        refused(way, &path("text"), 126, "exec format error");
    }
}

/// What the kernel refuses at the last moment, as it refuses file capabilities that the container lacks.
#[test]
fn p03_an_execve_that_is_not_permitted_is_126() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let node = Node::new().file("standin/program", "#!/bin/sh\n").mode("standin/program", 0o755);
    let (trace, program) =
        (node.path("trace").display().to_string(), node.path("standin/program").display().to_string());
    let strace = ["strace", "-D", "-f", "-o", &trace, "-P", &program, "-e", "inject=execve:error=EPERM"];
    node.wrapped(&strace).arguments(&["supervise", "--", &program]).run().code(126).says("operation not permitted");
}

/// Runs the binary where no process can be made: below a strace that refuses it, and, as root, below a real limit.
fn without_processes(node: Node) -> Outcome {
    let trace = node.path("trace").display().to_string();
    let refused = "inject=fork,vfork,clone,clone3:error=EAGAIN";
    node.wrapped(&["strace", "-D", "-o", &trace, "-e", "trace=fork,vfork,clone,clone3", "-e", refused]).run()
}

#[test]
fn p04_no_process_to_be_had_ends_with_75_and_a_line() {
    if !has("strace") {
        skip_or_fail("needs strace");
        return;
    }
    let says = "a limit on processes is reached";
    without_processes(Way::Ordinary.command(&["true"])).code(75).says("cannot make a process for").says(says);
    let node = Node::new();
    let java = node.path("java/bin/java");
    without_processes(node).code(75).says(&format!("cannot make a process for {}", java.display())).says(says);
}

#[test]
fn p04_a_limit_of_processes_ends_with_75_and_a_line() {
    if !is_root() || !has("setpriv") || !has("prlimit") {
        skip_or_fail("needs root, setpriv and prlimit");
        return;
    }
    let node = Way::Ordinary.command(&["true"]);
    // Root is above this limit, and another user may not reach the binary where it lies.
    let own = node.path("cassandra-init").display().to_string();
    fs::copy(binary(), &own).unwrap();
    let enter = "shift; exec setpriv --reuid=54321 --regid=54321 --clear-groups prlimit --nproc=1 \"$0\" \"$@\"";
    node.wrapped(&["sh", "-c", enter, &own]).run().code(75).says("a limit on processes is reached");
}

/// 128 is the bit of the wait status that tells of a core file.
#[test]
fn p05_a_core_file_does_not_change_the_code() {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    for way in Way::all() {
        let node = way.supervise("cd \"$STANDIN\"; ulimit -c unlimited; kill -ABRT $$");
        node.run().code(134);
        if pattern.starts_with("core") && fs::read_to_string("/proc/sys/kernel/core_uses_pid").unwrap() == "0\n" {
            assert!(node.path("standin/core").exists(), "{way:?}: the case was not the case");
        }
    }
}

/// For `supervise`: its codes are never mapped.
#[test]
fn p06_supervise_keeps_143_after_a_stop() {
    for way in Way::all() {
        let node = way.supervise("echo > \"$STANDIN/running\"; exec sleep 1000");
        way.stop(node.start()).code(143);
    }
}

/// For `run`: a 143 that nobody asked for is no success.
#[test]
fn p06_run_maps_143_only_after_a_stop() {
    for way in Way::all_for_run() {
        way.jvm("kill -TERM $$").run().code(143);
        let node = way.jvm("trap 'exit 143' TERM; echo > \"$STANDIN/running\"; while :; do sleep 0.01; done");
        way.stop(node.start()).code(0);
    }
}

/// 126 and 127 say that there was no child; above them only a child's own end is told.
#[test]
fn p07_our_own_failures_do_not_look_like_the_end_of_a_child() {
    use cassandra_init::exit::Exit;
    let own = Exit::OWN.into_iter().filter(|exit| !matches!(exit, Exit::NotExecutable | Exit::NotFound));
    for exit in own {
        assert!(exit.code() < 126, "{exit:?}");
    }
    for way in Way::all() {
        let node = |arguments: &[&str]| Node::new().wrapped(way.wrapper()).arguments(arguments);
        node(&["supervise"]).run().code(64);
        node(&["supervise", "--user", "0day", "--", "true"]).run().code(64);
        node(&["run"]).env("CASSANDRA_NUM_TOKENS", "many").run().code(78);
        node(&["run"]).env("CASSANDRA_HOME", "/nowhere").run().code(78);
    }
}

/// A memory cgroup with a limit of 64 MiB; taken away at the end.
struct Small(PathBuf);

impl Small {
    fn new() -> Option<Self> {
        let name = format!("cassandra-init-test-{}", std::process::id());
        let one = PathBuf::from("/sys/fs/cgroup/memory").join(&name);
        let two = PathBuf::from("/sys/fs/cgroup").join(&name);
        for (folder, limit) in [(one, "memory.limit_in_bytes"), (two, "memory.max")] {
            if fs::create_dir(&folder).is_ok() {
                let small = Self(folder);
                if fs::write(small.0.join(limit), "67108864").is_ok() {
                    return Some(small);
                }
            }
        }
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn p08_a_kill_for_want_of_memory_is_137_and_is_told() {
    let Some(small) = is_root().then(Small::new).flatten() else {
        skip_or_fail("needs root and a memory cgroup that can be made");
        return;
    };
    let enter = format!("echo $$ > {}/cgroup.procs; exec \"$@\"", small.0.display());
    for way in Way::all_for_run() {
        let mut wrapper = vec!["sh", "-c", &enter, "sh"];
        wrapper.extend(way.wrapper());
        // Keeps what it reads until it has seen a line.
        let outcome = way.jvm("exec tail /dev/zero").wrapped(&wrapper).run().code(137);
        outcome.says("Cassandra was killed (SIGKILL) by the kernel for want of memory").says("limit is 64 MiB");
    }
    for way in Way::all_for_run() {
        let mut wrapper = vec!["sh", "-c", &enter, "sh"];
        wrapper.extend(way.wrapper());
        let outcome = way.jvm("kill -KILL $$").wrapped(&wrapper).run().code(137);
        outcome.says("Cassandra was killed (SIGKILL) by somebody");
    }
}

/// The user that `--user` names owns the child, and the code still passes.
#[test]
fn supervise_becomes_the_user_asked_for() {
    if !is_root() {
        skip_or_fail("needs root to become another user");
        return;
    }
    for way in Way::all() {
        let script = "[ \"$(id -u):$(id -g):$(id -G)\" = 4242:4242:4242 ] && exit 6";
        let node = Node::new().wrapped(way.wrapper());
        node.arguments(&["supervise", "--user", "4242", "--", "sh", "-c", script]).run().code(6);
    }
}
