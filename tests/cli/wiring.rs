//! What image/ brings for Kubernetes has nothing for `check` to find, and `check` would find it. (The variants and the schemas:
//! tests/image/wiring.py.)

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{Outcome, binary, project};

const STATEFULSET: &str = "exec-probes/cassandra.yaml";
const CONFIG_MAP: &str = "configmap.yaml";

fn text(name: &str) -> String {
    fs::read_to_string(project().join("image/kubernetes").join(name)).unwrap()
}

/// `check --strict -f` of texts in files of their own.
fn check(texts: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command.args(["check", "--strict"]).env_clear().stdin(Stdio::null());
    for (number, text) in texts.iter().enumerate() {
        let path = folder.path().join(format!("{number}.yaml"));
        fs::write(&path, text).unwrap();
        command.arg("-f").arg(path);
    }
    command.output().unwrap().into()
}

/// The text with one place of it changed, which must be there once.
#[track_caller]
fn with(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

#[test]
fn the_statefulset_has_no_findings_with_or_without_its_config_map() {
    check(&[&text(STATEFULSET)]).code(0).prints("StatefulSet cassandra, container cassandra").prints("no findings");
    let both = check(&[&text(STATEFULSET), &text(CONFIG_MAP)]).code(0);
    both.prints("pre_run.sh: the pre-run hook was not run").prints("0 errors, 0 warnings, 1 note");
    check(&[&text(CONFIG_MAP)]).code(0).prints("0 errors, 0 warnings, 1 note");
}

#[test]
fn a_grace_period_changed_in_one_of_its_two_places_is_found() {
    let shorter = with(&text(STATEFULSET), "terminationGracePeriodSeconds: 600", "terminationGracePeriodSeconds: 300");
    check(&[&shorter]).code(78).prints("less than CASSANDRA_STOP_GRACE (600 s): the kubelet kills first");
}

#[test]
fn what_is_wrong_in_the_config_map_is_found_at_its_line() {
    let map = with(&text(CONFIG_MAP), "compaction_throughput:", "compaction_throughputs:");
    let outcome = check(&[&text(STATEFULSET), &map]).code(78);
    outcome.prints("did you mean compaction_throughput?").prints("1.yaml:");
    let map = with(&text(CONFIG_MAP), "-XX:MaxGCPauseMillis=200", "-XX:+UseConcMarkSweepGC");
    check(&[&text(STATEFULSET), &map]).code(78).prints("UseConcMarkSweepGC");
}
