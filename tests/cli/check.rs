//! `check`: findings with their lines, in three forms, for this container and for the pods of a manifest.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Node, Outcome, binary, project};

/// The binary with nothing of a node around it.
fn bare(arguments: &[&str]) -> Outcome {
    Command::new(binary()).args(arguments).env_clear().stdin(Stdio::null()).output().unwrap().into()
}

/// `check -f` of a text, with further arguments.
fn manifest(text: &str, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(binary());
    command.args(["check", "-f", "-"]).args(arguments).env_clear();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A pod whose container has these further lines, with these objects behind it.
fn pod(lines: &str, objects: &str) -> String {
    let lines = lines.lines().map(|line| ["      ", line, "\n"].concat()).collect::<String>();
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: cs-0}}\nspec:\n  terminationGracePeriodSeconds: 1800\n  volumes:\n  \
         - {{name: conf, configMap: {{name: conf, optional: true}}}}\n  - {{name: keys, secret: {{secretName: keys, optional: true}}}}\n  \
         containers:\n    - name: cassandra\n      image: cassandra:5.0.8\n      resources: {{limits: {{memory: 2Gi}}}}\n{lines}---\n{objects}"
    )
}

const POD_IP: &str = "- {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}";

#[test]
fn a_finding_in_a_file_shows_the_line_with_its_number() {
    let node = Node::new().file("conf/cassandra.yaml", "cluster_name: a\n\tnum_tokens: 1\n");
    let outcome = node.arguments(&["check"]).run().code(78);
    outcome.prints("error: cassandra.yaml:2: tab in indentation").prints("\n2 |  num_tokens: 1\n");
}

#[test]
fn a_variable_of_a_file_of_assignments_is_shown_where_it_stands_but_a_secret_is_not() {
    let node = Node::new().file(
        "n.env",
        "# comment\nCASSANDRA_NUM_TOKENS=many\nCASSANDRA_TRUSTSTORE_PASSWORT=abc123\nCASSANDRA_SECRET_X=abc123\n",
    );
    let path = node.path("n.env").display().to_string();
    let outcome = bare(&["check", "--cassandra-version", "5.0.8", "--env-file", &path]).code(78);
    let outcome = outcome
        .prints("error: CASSANDRA_NUM_TOKENS: 'many' is not valid")
        .prints(&format!("--> {path}:2:22\n"))
        .prints("2 | CASSANDRA_NUM_TOKENS=many\n  |                      ^\n")
        .prints(&format!("--> {path}:4:20\n"));
    assert!(!outcome.stdout.contains("CASSANDRA_SECRET_X=abc123"), "{}", outcome.stdout);
}

#[test]
fn any_release_is_checked_without_a_cassandra_and_without_a_conf_folder() {
    for (line, release) in [("3.11", "3.11.4"), ("4.0", "4.0.19"), ("4.1", "4.1.9"), ("5.0", "5.0.8"), ("6.0", "6.0")] {
        bare(&["check", "--cassandra-version", release]).code(0).prints("no findings");
        let folder = project().join("config-defaults").join(line).display().to_string();
        bare(&["check", "--cassandra-version", release, "--conf", &folder]).code(0).prints("no findings");
    }
}

#[test]
fn warnings_are_errors_when_strictness_is_asked_for() {
    let node = Node::new().env("CASSANDRA_BOADCAST_ADDRESS", "10.0.0.1").arguments(&["check"]);
    node.run().code(0).prints("warning: CASSANDRA_BOADCAST_ADDRESS").prints("0 errors, 1 warning, 0 notes");
    let node = node.arguments(&["check", "--strict"]);
    node.run().code(78).prints("error: CASSANDRA_BOADCAST_ADDRESS").prints("did you mean CASSANDRA_BROADCAST_ADDRESS?");
    node.arguments(&["check"]).env("CASSANDRA_INIT_STRICT", "true").run().code(78);
}

#[test]
fn what_cannot_be_read_has_the_code_that_says_so() {
    bare(&["check", "--cassandra-version", "5.0.8", "--conf", "/nonexistent"])
        .code(64)
        .says("there is no folder /nonexistent");
    bare(&["check", "--cassandra-version", "5.0.8", "--env-file", "/nonexistent"]).code(74).prints("/nonexistent");
    bare(&["check", "-f", "/nonexistent"]).code(74).says("/nonexistent");
    bare(&["check", "-f", "x", "--env-file", "y"]).code(64).says("cannot be used with");
    let outcome = manifest("kind: Pod\nspec: [1\na: b\n", &[]).code(65);
    outcome.prints("error: <stdin>:3:2: ").prints("3 | a: b\n");
    manifest("kind: Service\n", &[]).code(65).says("there is no container at all");
}

#[test]
fn the_hook_is_named_and_not_run() {
    let node = Node::new().file("conf-overlay/pre_run.sh", "touch \"$STANDIN/hook-ran\"\n").arguments(&["check"]);
    node.run().code(0).prints("note: ").prints("pre_run.sh: the pre-run hook was not run");
    assert!(!node.path("standin/hook-ran").exists());
}

#[test]
fn json_names_severity_place_message_and_hint() {
    let node = Node::new().env("CASSANDRA_NUM_TOKENS", "many").env("CASSANDRA_BOADCAST_ADDRESS", "x");
    let outcome = node.arguments(&["check", "--format", "json"]).run().code(78);
    let tree: serde_yaml::Value = serde_yaml::from_str(&outcome.stdout).unwrap();
    let findings = tree["findings"].as_sequence().unwrap();
    let of = |name: &str| findings.iter().find(|finding| finding["place"]["name"].as_str() == Some(name)).unwrap();
    assert_eq!(of("CASSANDRA_NUM_TOKENS")["severity"].as_str(), Some("error"));
    assert_eq!(of("CASSANDRA_NUM_TOKENS")["place"]["kind"].as_str(), Some("variable"));
    assert_eq!(of("CASSANDRA_BOADCAST_ADDRESS")["hint"].as_str(), Some("did you mean CASSANDRA_BROADCAST_ADDRESS?"));
    assert_eq!((tree["summary"]["errors"].as_u64(), tree["version"].as_u64()), (Some(1), Some(1)));
    // docs/check.md describes every field that there is.
    let page = std::fs::read_to_string(project().join("docs/check.md")).unwrap();
    let finding = |prefix: &str, value: &serde_yaml::Value| {
        let keys = value.as_mapping().unwrap().keys();
        keys.map(|key| format!("`{prefix}{}`", key.as_str().unwrap())).collect::<Vec<_>>()
    };
    let fields = [finding("findings[].", &findings[0]), finding("findings[].place.", &findings[0]["place"])].concat();
    for field in fields.into_iter().filter(|field| field != "`findings[].place`") {
        assert!(page.contains(&field), "{field}");
    }
    assert!(finding("summary.", &tree["summary"]).iter().all(|field| page.contains(field)));
}

#[test]
fn github_gets_a_command_with_file_line_and_column() {
    let text = pod("env:\n- {name: CASSANDRA_NUM_TOKENS, value: many}", "");
    let outcome = manifest(&text, &["--format", "github"]).code(78);
    let line = outcome.stdout.lines().find(|line| line.starts_with("::error")).unwrap();
    assert!(
        line.starts_with("::error file=<stdin>,line=14,col=45,title=CASSANDRA_NUM_TOKENS::'many' is not valid"),
        "{line}"
    );
}

#[test]
fn the_manifests_of_the_seeds_have_no_errors() {
    let folder = project().join("tests/seeds");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let path: &Path = &entry.path();
        let outcome = bare(&["check", "-f", path.to_str().unwrap()]).code(0);
        assert!(outcome.stdout.contains("0 errors") || outcome.stdout.contains("no findings"), "{}", outcome.stdout);
        seen += 1;
    }
    assert!(seen >= 7, "{seen}");
}

#[test]
fn a_pod_gets_its_variables_from_config_maps_secrets_and_the_downward_api() {
    let env = format!(
        "env:\n{POD_IP}\n- {{name: NS, valueFrom: {{fieldRef: {{fieldPath: metadata.namespace}}}}}}\n\
         - {{name: CASSANDRA_SEEDS, value: 'cs-0.cs.$(NS).svc.cluster.local'}}\n\
         - {{name: CASSANDRA_NUM_TOKENS, valueFrom: {{configMapKeyRef: {{name: conf, key: count}}}}}}\n\
         - {{name: MAX_HEAP_SIZE, valueFrom: {{secretKeyRef: {{name: keys, key: heap}}}}}}\n\
         - {{name: CASSANDRA_RACK, valueFrom: {{configMapKeyRef: {{name: elsewhere, key: rack}}}}}}"
    );
    let objects = "kind: ConfigMap\nmetadata: {name: conf}\ndata:\n  count: lots\n---\nkind: Secret\nmetadata: {name: keys}\n\
                   data: {heap: c2VjcmV0aGVhcA==}\n";
    let outcome = manifest(&pod(&env, objects), &[]).code(78);
    let outcome = outcome
        .prints("error: CASSANDRA_NUM_TOKENS: 'lots' is not valid")
        .prints(" count: lots\n")
        .prints("error: MAX_HEAP_SIZE: '***' is not valid")
        .prints("the ConfigMap 'elsewhere' is not among the files")
        .prints("2 errors, 0 warnings, 1 note");
    assert!(!outcome.stdout.contains("secretheap") && !outcome.stdout.contains("c2VjcmV0"), "{}", outcome.stdout);
}

#[test]
fn a_heap_is_held_against_the_containers_limit_not_this_hosts() {
    let heap =
        |size: &str| manifest(&pod(&format!("env:\n{POD_IP}\n- {{name: MAX_HEAP_SIZE, value: {size}}}"), ""), &[]);
    heap("1G").code(0).prints("no findings");
    heap("2G").code(78).prints("does not fit in the container's memory limit of 2048M");
}

#[test]
fn a_mounted_file_is_read_and_its_findings_point_into_the_config_map() {
    let mounts = |mounts: &str| format!("env:\n{POD_IP}\nvolumeMounts:\n{mounts}");
    let objects = |key: &str| {
        format!(
            "kind: ConfigMap\nmetadata: {{name: conf}}\ndata:\n  {key}: |\n    # ours\n    cluster_name: a\n    cluster_name: b\n"
        )
    };
    let cases = [
        ("- {name: conf, mountPath: /configmap}", "cassandra.yaml"),
        ("- {name: conf, mountPath: /bitnami/cassandra/conf/}", "cassandra.yaml"),
        ("- {name: conf, mountPath: /etc/cassandra/cassandra.yaml, subPath: cassandra.yaml}", "cassandra.yaml"),
        ("- {name: conf, mountPath: /opt/cassandra/conf/cassandra.yaml, subPath: own}", "own"),
    ];
    for (mount, key) in cases {
        let text = pod(&mounts(mount), &objects(key));
        let line = text.lines().position(|line| line.ends_with("cluster_name: b")).unwrap() + 1;
        let outcome = manifest(&text, &[]).code(78);
        outcome
            .prints("error: cassandra.yaml:3: ")
            .prints(&format!("--> <stdin>:{line}\n"))
            .prints("|     cluster_name: b\n");
    }
    // Mounted where nobody looks, it does not count.
    manifest(&pod(&mounts("- {name: conf, mountPath: /elsewhere}"), &objects("cassandra.yaml")), &[]).code(0);
}

#[test]
fn fragments_show_their_lines_here_and_in_a_config_map() {
    let fragment = "# ours\nclustr_name: x\n";
    let node = Node::new().file("conf-overlay/cassandra.yaml.d/10.yaml", fragment).arguments(&["check"]);
    node.run().code(78).prints("error: cassandra.yaml.d/10.yaml:2: ").prints("\n2 | clustr_name: x\n");
    let objects = "kind: ConfigMap\nmetadata: {name: m}\ndata:\n  own: |\n    # ours\n    clustr_name: x\n";
    let text = pod(&format!("env:\n{POD_IP}\nvolumeMounts:\n- {{name: conf, mountPath: /configmap}}"), objects)
        .replace("{name: conf, optional: true}", "{name: m, items: [{key: own, path: cassandra.yaml.d/10.yaml}]}");
    let outcome = manifest(&text, &[]).code(78).prints("error: cassandra.yaml.d/10.yaml:2: ");
    outcome.prints("|     clustr_name: x\n");
}

#[test]
fn a_line_of_a_yaml_in_a_variable_is_found_in_the_manifest() {
    let text = pod(&format!("env:\n{POD_IP}\n- name: CASSANDRA_YAML\n  value: |\n    a: 1\n    b: [1\n    c: 2"), "");
    let line = text.lines().position(|line| line.ends_with("c: 2")).unwrap() + 1;
    manifest(&text, &[]).code(78).prints("error: CASSANDRA_YAML:3:").prints(&format!("--> <stdin>:{line}:"));
}

#[test]
fn a_config_map_alone_is_checked_as_an_overlay() {
    let text = "kind: ConfigMap\nmetadata: {name: c}\ndata:\n  cassandra.yaml: |\n    cluster_name: [a\n";
    manifest(text, &[]).code(78).prints("ConfigMap c").prints("error: cassandra.yaml:");
    let needed = "a\n    partitioner: org.apache.cassandra.dht.Murmur3Partitioner\n    commitlog_sync: periodic\n    \
                  commitlog_sync_period: 10s\n    endpoint_snitch: SimpleSnitch";
    manifest(&text.replace("[a", needed), &[]).code(0);
}

#[test]
fn arguments_and_containers_are_those_of_the_manifest() {
    let text = pod(&format!("command: [/run.sh]\nargs: [-p, x.pid]\nenv:\n{POD_IP}"), "");
    manifest(&text, &[]).code(78).prints("'-p' is not an argument for Cassandra").prints("profile kubernetes-examples");
    let text = text.replace("[-p, x.pid]", "[-Dx=y]");
    manifest(&text, &[]).code(0);
    manifest(&text, &["--container", "cassandra"]).code(0).prints("Pod cs-0, container cassandra");
    manifest(&text, &["--container", "other"]).code(65).says("no container is called 'other'").says("cassandra");
}

#[test]
fn this_hosts_own_environment_and_folders_do_not_count_for_a_manifest() {
    let node = Node::new().env("CASSANDRA_NUM_TOKENS", "many").file("pod.yaml", &pod(&format!("env:\n{POD_IP}"), ""));
    let path = node.path("pod.yaml").display().to_string();
    node.arguments(&["check", "-f", &path]).run().code(0).prints("no findings");
}

#[test]
fn parameters_of_an_authenticator_are_secrets_in_findings_excerpts_and_lists() {
    let map = r#"{"class_name": 1, "parameters": {"users": "geheim"}"#;
    let lines = format!(
        "CASSANDRA_YAML_authenticator={map}\nCASSANDRA_YAML_role_manager__parameters__x={{geheim\nCASSANDRA_NUM_TOKENS=x\n"
    );
    let node = Node::new().file("node.env", &lines);
    let path = node.path("node.env").display().to_string();
    let told = bare(&["check", "--cassandra-version", "5.0.8", "--env-file", &path]).code(78);
    assert!(!told.stdout.contains("geheim"), "{}", told.stdout);
    told.prints("error: CASSANDRA_YAML_authenticator: '***' is not valid").prints("3 | CASSANDRA_NUM_TOKENS=x\n");
    let pod = format!(
        "kind: Pod\nspec:\n  containers:\n  - image: cassandra:5.0.3\n    env:\n    - name: CASSANDRA_YAML_authenticator\n\
         \x20     value: '{map}'\n    - name: CASSANDRA_KEYSTORE_PASSWORD\n      value: cassandra\n"
    );
    let told = manifest(&pod, &[]).code(78);
    assert!(!told.stdout.contains("geheim"), "{}", told.stdout);
    let node = Node::new().env("CASSANDRA_YAML_role_manager__parameters__x", "geheim");
    for format in ["table", "markdown", "json"] {
        let list =
            Node::new().env("CASSANDRA_YAML_authenticator", map).arguments(&["variables", "--set", "--format", format]);
        let list = list.run().code(0).prints("***").stdout;
        assert!(!list.contains("geheim"), "{format}: {list}");
    }
    let list = node.arguments(&["variables", "--set"]).run().code(0);
    assert!(!list.stdout.contains("geheim"), "{}", list.stdout);
}

#[test]
fn a_file_of_assignments_is_for_no_shell() {
    let node = Node::new().file("node.env", "CASSANDRA_NUM_TOKENS=8\nexport CASSANDRA_SEEDS=a\n");
    let path = node.path("node.env").display().to_string();
    let told = bare(&["check", "--cassandra-version", "5.0.8", "--env-file", &path]).code(65);
    told.prints("node.env:2: expected NAME=value");
}

#[test]
fn a_manifest_shows_nothing_that_lies_on_this_machine() {
    let node = Node::new().file("mine", "geheim").file("folder/cassandra.yaml", "geheim: 1\n");
    let (file, folder) = (node.path("mine").display().to_string(), node.path("folder").display().to_string());
    for up in ["", "/..", "/../..", "/../../../../..", "/x/../../.."] {
        for (name, value) in [
            ("CASSANDRA_NUM_TOKENS_FILE", &file),
            ("CASSANDRA_PRE_RUN", &file),
            ("CASSANDRA_CONFIG_OVERLAY", &folder),
            ("CASSANDRA_CONF", &folder),
        ] {
            let pod = format!(
                "kind: Pod\nspec:\n  containers:\n  - image: cassandra:5.0.3\n    env:\n    - {{name: {name}, value: {up}{value}}}\n"
            );
            let told = manifest(&pod, &[]).code(0);
            assert!(!(told.stdout + &told.stderr).contains("geheim"), "{name}={up}{value}");
        }
    }
}
