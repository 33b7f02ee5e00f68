//! How the pod calls and stops the program: what cannot work, and what will hurt.

use std::time::Duration;

use crate::manifest::document::Spot;
use crate::manifest::environment::Environment;
use crate::manifest::objects::{Container, file_name};
use crate::report::{Finding, Report};

/// What Kubernetes gives a pod that says nothing (`terminationGracePeriodSeconds` in the API reference).
const DEFAULT_GRACE: u64 = 30;
/// A drain flushes every table; below this it is often cut off.
const SHORT_GRACE: u64 = 60;
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash"];
/// The names that this program has in images, and those of the scripts that it replaces.
const SCRIPTS: &[&str] = &[
    "run.sh",
    "docker-entrypoint.sh",
    "ready-probe.sh",
    "readiness-probe.sh",
    "liveness-probe.sh",
    "pre_stop.sh",
    "cassandra-init",
];
const PROBES: &[(&str, &str)] =
    &[("startupProbe", "startup"), ("livenessProbe", "liveness"), ("readinessProbe", "readiness")];

/// Everything that is to be said about a container's wiring. `stop_grace` is CASSANDRA_STOP_GRACE.
pub fn look(container: &Container, environment: &Environment, stop_grace: Option<Duration>, report: &mut Report) {
    command(container, report);
    grace(container, stop_grace, report);
    for (field, kind) in PROBES {
        if let Some(probe) = container.spot.get(field) {
            probe_command(&probe, kind, report);
        }
    }
    same_probes(container, report);
    if let Some(words) = container.spot.at(&["lifecycle", "preStop", "exec", "command"]) {
        script_through_shell(&words, report);
    }
    if !environment.sets("POD_IP") {
        let finding =
            Finding::note(container.spot.place(), "POD_IP is not set, the address is found at the interfaces");
        report.add(
            finding.hint("env: {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}} makes it certain"),
        );
    }
    let heap_is_set = ["MAX_HEAP_SIZE", "CASSANDRA_MAX_HEAP"].iter().any(|name| environment.sets(name));
    if container.limit("memory").is_none() && !heap_is_set {
        let finding =
            Finding::note(container.spot.place(), "no memory limit, so the heap follows the memory of the node");
        report.add(finding.hint("set resources.limits.memory or MAX_HEAP_SIZE"));
    }
}

fn command(container: &Container, report: &mut Report) {
    let field = ["command", "args"].into_iter().find_map(|field| container.spot.get(field));
    let Some(words) = field else { return };
    script_through_shell(&words, report);
    let texts = texts(&words);
    let [shell, flag, script, ..] = texts.as_slice() else { return };
    let parts = script.contains([';', '&', '|', '\n']);
    if is_shell(shell) && flag.starts_with('-') && flag.contains('c') && parts && !script.contains("exec ") {
        let message = "the shell stays process 1 and does not pass SIGTERM on, so Cassandra would be killed undrained";
        report.add(Finding::warning(words.place(), message).hint("begin the last command with exec"));
    }
}

/// `bash /run.sh` makes the shell read a program as if it were a script.
fn script_through_shell(words: &Spot, report: &mut Report) {
    let texts = texts(words);
    let Some((shell, rest)) = texts.split_first() else { return };
    // Options come first, and after -c there is no script file.
    let flags = rest.iter().take_while(|word| word.starts_with('-')).count();
    let runs_text = rest.iter().take(flags).any(|flag| !flag.starts_with("--") && flag.contains('c'));
    let Some(script) = rest.get(flags).filter(|_| is_shell(shell) && !runs_text) else { return };
    if SCRIPTS.contains(&file_name(script)) {
        let message = format!("{script} is a program, not a script: {shell} cannot run it");
        let rest: Vec<String> = rest.iter().skip(flags).map(|word| format!("\"{word}\"")).collect();
        report.add(Finding::error(words.place(), message).hint(format!("write [{}]", rest.join(", "))));
    }
}

fn texts<'a>(words: &Spot<'a>) -> Vec<&'a str> {
    words.value().as_sequence().into_iter().flatten().filter_map(|word| word.as_str()).collect()
}

fn is_shell(word: &str) -> bool {
    SHELLS.contains(&file_name(word))
}

fn grace(container: &Container, stop_grace: Option<Duration>, report: &mut Report) {
    let Some(pod) = container.pod() else { return };
    let given = pod.get("terminationGracePeriodSeconds");
    let seconds = given.as_ref().map_or(Some(DEFAULT_GRACE), |given| given.value().as_u64());
    let Some(seconds) = seconds else {
        let place = given.map_or_else(|| pod.place(), |given| given.place());
        report.add(Finding::error(place, "terminationGracePeriodSeconds: expected a whole number of seconds"));
        return;
    };
    let place = given.as_ref().map_or_else(|| pod.place(), Spot::place);
    let from = if given.is_some() { "" } else { ", the default of Kubernetes" };
    let hint = "a drain flushes every table; 1800 lets a large node finish, and a node that is done sooner ends sooner";
    match stop_grace {
        Some(grace) if grace.as_secs() > seconds => {
            let message = format!(
                "terminationGracePeriodSeconds is {seconds}{from}, less than CASSANDRA_STOP_GRACE ({} s): the kubelet kills first",
                grace.as_secs()
            );
            report.add(Finding::warning(place, message).hint("give both the same time"));
        }
        _ if seconds < SHORT_GRACE => {
            let message =
                format!("terminationGracePeriodSeconds is {seconds}{from}, Cassandra may be killed while it drains");
            report.add(Finding::warning(place, message).hint(hint));
        }
        _ => {}
    }
}

fn probe_command(probe: &Spot, kind: &str, report: &mut Report) {
    let port = probe.at(&["tcpSocket", "port"]).and_then(|port| super::objects::text_of(port.value()));
    if kind == "liveness" && port.is_some_and(|port| matches!(port.as_str(), "9042" | "cql" | "9142")) {
        let message = "a node that joins or replays its commit log has no open CQL port, and would be restarted for it";
        report.add(Finding::warning(probe.place(), message).hint(native_probe(kind)));
    }
    let Some(words) = probe.at(&["exec", "command"]) else { return };
    script_through_shell(&words, report);
    if texts(&words).iter().any(|word| word.contains("nodetool")) {
        let message = "nodetool starts a JVM for every probe";
        report.add(Finding::note(words.place(), message).hint(native_probe(kind)));
    }
}

fn native_probe(kind: &str) -> String {
    format!("exec: {{command: [\"cassandra-init\", \"probe\", \"{kind}\"]}}")
}

/// A node that does not serve would be restarted for it.
fn same_probes(container: &Container, report: &mut Report) {
    let handler = |field: &str| {
        let probe = container.spot.get(field)?;
        let kind = ["exec", "tcpSocket", "httpGet", "grpc"].into_iter().find_map(|kind| probe.get(kind))?;
        Some((probe, kind.value()))
    };
    if let (Some((probe, liveness)), Some((_, readiness))) = (handler("livenessProbe"), handler("readinessProbe"))
        && liveness == readiness
    {
        let message =
            "the liveness probe asks what the readiness probe asks: a node that is alive but not ready is restarted";
        report.add(Finding::warning(probe.place(), message).hint(native_probe("liveness")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{ManifestFile, Objects};

    /// What is said about a pod whose container and pod have these further lines.
    fn findings(container: &str, pod: &str, stop_grace: Option<u64>) -> Vec<String> {
        let text = format!(
            "kind: Pod\nmetadata: {{name: c}}\nspec:\n  {pod}\n  containers:\n  - name: c\n    image: cassandra\n    \
             resources: {{limits: {{memory: 1Gi}}}}\n    env: [{{name: POD_IP, value: 10.0.0.1}}]\n    {container}\n"
        );
        let files = [ManifestFile::parse("m", &text).unwrap()];
        let objects = Objects::of(&files);
        let mut report = Report::default();
        for container in objects.containers(None) {
            let environment = Environment::of(&container, &objects, &mut report);
            look(&container, &environment, stop_grace.map(Duration::from_secs), &mut report);
        }
        report.iter().map(|finding| format!("{}: {finding}", finding.severity)).collect()
    }

    const LONG: &str = "terminationGracePeriodSeconds: 1800";

    #[track_caller]
    fn one(found: &[String], beginning: &str) {
        assert!(found.len() == 1 && found[0].starts_with(beginning), "{found:#?}");
    }

    #[test]
    fn a_pod_that_is_wired_well_gets_no_finding() {
        let probes = "readinessProbe: {exec: {command: [/bin/bash, -c, /ready-probe.sh]}}\n    \
                      lifecycle: {preStop: {exec: {command: [/bin/sh, -c, nodetool drain]}}}\n    command: [/run.sh]";
        assert_eq!(findings(probes, LONG, None), [""; 0]);
    }

    #[test]
    fn a_shell_that_is_to_read_a_program_is_an_error_with_what_to_write() {
        let found = findings("command: [bash, /run.sh, -Dx=y]", LONG, None);
        one(&found, "error: m:10:14: /run.sh is a program, not a script: bash cannot run it");
        assert!(found[0].contains("write [\"/run.sh\", \"-Dx=y\"]"), "{found:?}");
        one(
            &findings("args: [/bin/sh, -e, /docker-entrypoint.sh]", LONG, None),
            "error: m:10:11: /docker-entrypoint.sh",
        );
        assert_eq!(findings("command: [bash, -ec, /run.sh]", LONG, None), [""; 0]);
        assert_eq!(findings("command: [bash, /my-own.sh]", LONG, None), [""; 0]);
    }

    #[test]
    fn a_shell_that_stays_in_front_is_a_warning() {
        one(
            &findings("command: [sh, -c, 'sleep 5; /run.sh']", LONG, None),
            "warning: m:10:14: the shell stays process 1",
        );
        assert_eq!(findings("command: [sh, -c, 'sleep 5; exec /run.sh']", LONG, None), [""; 0]);
    }

    #[test]
    fn a_grace_period_that_cuts_the_drain_off() {
        one(
            &findings("", "hostNetwork: false", None),
            "warning: m:4:3: terminationGracePeriodSeconds is 30, the default",
        );
        one(
            &findings("", "terminationGracePeriodSeconds: 59", None),
            "warning: m:4:34: terminationGracePeriodSeconds is 59,",
        );
        let found = findings("", "terminationGracePeriodSeconds: 300", Some(600));
        one(&found, "warning: m:4:34: terminationGracePeriodSeconds is 300, less than CASSANDRA_STOP_GRACE (600 s)");
        assert_eq!(findings("", "terminationGracePeriodSeconds: 600", Some(600)), [""; 0]);
        one(&findings("", "terminationGracePeriodSeconds: long", None), "error: m:4:34:");
    }

    #[test]
    fn probes_that_cost_or_restart_too_much() {
        let nodetool = "readinessProbe: {exec: {command: [sh, -c, 'nodetool status | grep UN']}}";
        one(&findings(nodetool, LONG, None), "note: m:10:38: nodetool starts a JVM for every probe");
        let same =
            "livenessProbe: {tcpSocket: {port: 7000}, periodSeconds: 5}\n    readinessProbe: {tcpSocket: {port: 7000}}";
        one(&findings(same, LONG, None), "warning: m:10:20: the liveness probe asks what the readiness probe asks");
        let cql = "livenessProbe: {tcpSocket: {port: 9042}}";
        one(&findings(cql, LONG, None), "warning: m:10:20: a node that joins or replays");
    }
}
