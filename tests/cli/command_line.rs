//! Subcommands, names that the binary is called by, exit codes.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::{Node, binary};

#[test]
fn help_and_version_go_to_standard_output() {
    Node::new().arguments(&["--version"]).run().code(0).prints("cassandra-init 0.1.0");
    Node::new().arguments(&["--help"]).run().code(0).prints("Without a subcommand");
    let render = Node::new().arguments(&["render", "--help"]).run().code(0).prints("--cassandra-version");
    assert_eq!(Node::new().arguments(&["help", "render"]).run().code(0).stdout, render.stdout);
    Node::new().arguments(&["help"]).run().code(0).prints("Without a subcommand");
    Node::new().arguments(&["help", "nonsense"]).run().code(64);
}

#[test]
fn a_wrong_command_line_is_64() {
    Node::new().arguments(&["render", "--nonsense"]).run().code(64);
    Node::new().arguments(&["probe", "rediness"]).run().code(64).says("readiness");
    Node::new().arguments(&["render", "--cassandra-version", "2.2"]).run().code(64).says("not a Cassandra version");
    Node::new().arguments(&["run", "-p", "x.pid"]).run().code(64).says("'-p' is not an argument for Cassandra");
}

#[test]
fn another_first_word_is_executed_with_signals_as_they_should_be() {
    Node::new().arguments(&["sh", "-c", "exit 7"]).run().code(7);
    let outcome = Node::new().arguments(&["cat", "/proc/self/status"]).run().code(0);
    for line in ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"] {
        assert!(outcome.stdout.contains(line), "{line}\n{}", outcome.stdout);
    }
    Node::new().arguments(&["no-such-program"]).run().code(127).says("no-such-program");
    Node::new().arguments(&["/etc/passwd"]).run().code(126).says("/etc/passwd");
}

#[test]
fn the_probes_names_reach_the_probe() {
    let node = Node::new();
    for (name, kind) in [("ready-probe.sh", "readiness"), ("liveness-probe.sh", "liveness")] {
        let link = node.path(name);
        symlink(binary(), &link).unwrap();
        let output = Command::new(link).env_clear().env("CASSANDRA_INIT_RUN_DIR", node.path("run")).output().unwrap();
        assert_eq!(output.status.code(), Some(69), "{kind}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no node runs under cassandra-init here"));
    }
}

#[test]
fn variables_lists_the_contract_in_three_forms() {
    Node::new().arguments(&["variables"]).run().code(0).prints("CASSANDRA_SEEDS");
    Node::new().arguments(&["variables", "--format", "json"]).run().code(0).prints("\"name\": \"CASSANDRA_SEEDS\"");
    let page = include_str!("../../docs/environment.md");
    assert_eq!(Node::new().arguments(&["variables", "--format", "markdown"]).run().code(0).stdout, page);
}

#[test]
fn java_command_prints_what_a_start_would_execute() {
    let node = Node::new().env("JVM_EXTRA_OPTS", "-Dextra=1 -Dmore=2");
    let outcome = Node::arguments(node, &["java-command"]).run().code(0);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert!(lines[0].ends_with("/java/bin/java"), "{}", lines[0]);
    assert_eq!(lines.last(), Some(&"org.apache.cassandra.service.CassandraDaemon"));
    assert!(lines.contains(&"-Dextra=1") && lines.contains(&"-Dmore=2"));
}

#[test]
fn every_subcommands_help_ends_with_an_example_that_the_program_understands() {
    let help = Node::new().arguments(&["--help"]).run().code(0).stdout;
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 9 && !names.contains(&"observe"), "{names:?}");
    for name in names {
        let help = Node::new().arguments(&[name, "--help"]).run().code(0).stdout;
        let examples = help.split("Example").nth(1).unwrap_or_else(|| panic!("{name} has no example"));
        assert!(
            examples.contains(&format!("cassandra-init {name}"))
                || examples.contains(&format!("[cassandra-init, {name}")),
            "{name}"
        );
    }
}

#[test]
fn completions_are_scripts_that_complete() {
    let bash = Node::new().arguments(&["completions", "bash"]).run().code(0).stdout;
    let complete = |words: &str, current: &str, previous: &str| {
        let script = format!(
            "{bash}\nfunction=$(complete -p cassandra-init | sed 's/.*-F \\([^ ]*\\).*/\\1/')\nCOMP_WORDS=(cassandra-init {words})\n\
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n$function cassandra-init '{current}' '{previous}'\necho \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("che", "che", "cassandra-init"), "check");
    assert_eq!(complete("check --str", "--str", "check"), "--strict");
    assert_eq!(complete("check --format git", "git", "--format"), "github");
    assert!(!bash.contains("export-environment"), "what is hidden is not offered");
    for (shell, sign) in [("zsh", "#compdef cassandra-init"), ("fish", "complete -c cassandra-init")] {
        Node::new().arguments(&["completions", shell]).run().code(0).prints(sign);
    }
    Node::new().arguments(&["completions", "tcsh"]).run().code(64);
}

#[test]
fn the_manual_page_is_one_that_man_can_show() {
    let page =
        Node::new().arguments(&["man"]).run().code(0).prints(".TH cassandra-init 8").prints("EXIT STATUS").stdout;
    if !crate::support::has("groff") {
        crate::support::skip_or_fail("needs groff");
        return;
    }
    let node = Node::new().file("page.8", &page);
    let output = Command::new("groff").args(["-man", "-Tascii", "-ww"]).arg(node.path("page.8")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "groff warns");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("the configuration is wrong; nothing was written or started")
    );
}

#[test]
fn the_variables_that_are_set_are_listed_without_their_secrets() {
    let node = Node::new().env("CASSANDRA_NUM_TOKENS", "16").arguments(&["variables", "--set"]);
    let outcome = node.run().code(0).prints("CASSANDRA_NUM_TOKENS=16  (cassandra.yaml: num_tokens)\n");
    assert!(!outcome.stdout.contains("CASSANDRA_SEEDS") && !outcome.stdout.contains("STANDIN"), "{}", outcome.stdout);
    Node::new().arguments(&["env"]).run().code(0).prints("STANDIN=");
}
