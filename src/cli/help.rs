//! What stands below the options in `--help` and in the manual page: examples, and what exit codes mean.

/// Of the program.
pub(super) const PROGRAM: &str = "\
Without a subcommand, or with arguments that begin with '-' (cassandra-init -Dx=y), Cassandra is run.
Any other first word is executed as it is: cassandra-init cqlsh.

Called as run.sh, docker-entrypoint.sh or cassandra it runs Cassandra, as ready-probe.sh, liveness-probe.sh or
pre_stop.sh it probes and drains, as nodetool it is nodetool.";

/// Of the manual page.
pub(super) const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "success, or a stop that was asked for"),
    ("1", "of a probe: no"),
    ("64", "the command line is wrong"),
    ("65", "a file holds bad data"),
    ("69", "a service that is needed is not there: seeds; of a probe: no node runs here"),
    ("70", "a bug of this program"),
    ("73", "a file or folder cannot be created"),
    ("74", "reading or writing failed"),
    ("75", "a passing trouble: try again"),
    ("77", "no permission"),
    ("78", "the configuration is wrong; nothing was written or started"),
    ("126", "the program to execute is not executable"),
    ("127", "the program to execute was not found"),
    ("other", "Cassandra's own, 128 + n where signal n ended it"),
];

pub(super) const RUN: &str = "\
Examples:
  cassandra-init                                          configure and run, as the image does
  cassandra-init run -Dcassandra.join_ring=false          with a property for this start
  CASSANDRA_SEEDS=cs-0.cs MAX_HEAP_SIZE=4G cassandra-init";

pub(super) const RENDER: &str = "\
Examples:
  cassandra-init render                                   the diff that the next start would write
  cassandra-init render --cassandra-version 4.1 --conf ./conf --env-file node.env
  cassandra-init render --cassandra-version 5.0 --output ./out";

pub(super) const EXPLAIN: &str = "\
On a live node it shows what that node was started with.

Examples:
  cassandra-init explain                                  every effective setting, and who set it
  cassandra-init explain num_tokens -Xmx CASSANDRA_SEEDS
  cassandra-init explain --format json client_encryption_options.enabled";

pub(super) const CHECK: &str = "\
Nothing is written, waited for or run, the pre-run hook neither; no Cassandra and no root are needed.
Ends with 78 if a finding is an error, with 65 if a manifest is no YAML.

Examples:
  cassandra-init check                                    what the next start would say
  cassandra-init check --cassandra-version 4.0.19 --conf ./conf --strict
  cassandra-init check -f statefulset.yaml -f configmap.yaml
  helm template chart | cassandra-init check -f - --format github";

pub(super) const VARIABLES: &str = "\
Examples:
  cassandra-init variables                                all that are understood
  cassandra-init variables --set                          those that are set here, and where they go
  cassandra-init variables --format json";

pub(super) const PROBE: &str = "\
Ends with 0 for yes, 1 for no, 69 if no node runs here; the reason is printed.

Examples:
  cassandra-init probe readiness
  readinessProbe: {exec: {command: [cassandra-init, probe, readiness]}}";

pub(super) const STATUS: &str = "\
Ends with 0 if it could look, with 69 if no node runs here. What cannot be known is named with the reason.

Examples:
  cassandra-init status                                   on one screen
  cassandra-init status --watch 5                         redrawn every 5 seconds, until Ctrl-C
  cassandra-init status --json | jq -r .node.mode";

pub(super) const DRAIN: &str = "\
Example:
  lifecycle: {preStop: {exec: {command: [cassandra-init, drain]}}}";

pub(super) const JCMD: &str = "\
The JVM is asked through its attach socket, as its own user; no JDK and no other JVM is needed. Ends with 1 if it refuses.

Examples:
  cassandra-init jcmd                                     the commands that this JVM has
  cassandra-init jcmd Thread.print -l > threads.txt
  cassandra-init jcmd GC.heap_info";

pub(super) const JAVA_COMMAND: &str = "\
Example:
  cassandra-init java-command | grep ^-Xmx";

pub(super) const SUPERVISE: &str = "\
Examples:
  cassandra-init supervise -- sleep infinity
  cassandra-init supervise --user 999:999 -- my-sidecar --port 80";

pub(super) const COMPLETIONS: &str = "\
Examples:
  cassandra-init completions bash > /etc/bash_completion.d/cassandra-init
  cassandra-init completions zsh > /usr/share/zsh/site-functions/_cassandra-init";

pub(super) const MAN: &str = "\
Example:
  cassandra-init man | man -l -";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_exit_codes_is_the_one_of_the_program() {
        use crate::exit::Exit;
        let codes: Vec<String> = Exit::OWN.iter().map(|exit| exit.code().to_string()).collect();
        let told: Vec<&str> = EXIT_CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(told[..told.len() - 1], codes);
        assert_eq!(told.last(), Some(&"other"));
    }
}
