//! In containers as they are made in earnest: by runc from a bundle, and by a Docker of our own.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Child, Command, Stdio};

use crate::support::{Node, Outcome, Running, binary, has, is_root, project, skip_or_fail, wait_until};
use crate::ways::{READY, Way};

/// What both need of this machine: root, and programs in /usr for a root folder that has nothing of its own.
fn can(program: &str) -> bool {
    let can = is_root() && has(program) && fs::read_link("/bin").is_ok();
    if !can {
        skip_or_fail(&format!("needs root, {program} and a merged /usr"));
    }
    can
}

/// Folders and links of a root folder in which /usr of this machine is mounted.
fn root_folder(node: &Node) -> String {
    let root = node.path("root");
    for folder in ["usr", "proc", "dev", "tmp", "etc", "sys"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    // As in every image: Cassandra loads a library from there.
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    for link in ["bin", "sbin", "lib", "lib64"] {
        symlink(format!("usr/{link}"), root.join(link)).unwrap();
    }
    root.display().to_string()
}

/// The capabilities that Docker and containerd give.
const CAPABILITIES: &[&str] = &[
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];

/// A list of JSON strings; the texts here need no escapes but those that Rust writes, too.
fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ")
}

/// The node as a container of runc; its folder is seen inside under its own name.
struct Bundle {
    node: Node,
    id: String,
}

impl Bundle {
    fn new(node: Node) -> Self {
        let folder = node.path("").display().to_string().trim_end_matches('/').to_owned();
        let root = root_folder(&node);
        let program = binary().display().to_string();
        fs::write(node.path("root/cassandra-init"), "").unwrap();
        let mut words = vec!["/cassandra-init"];
        words.extend(node.words().iter().map(String::as_str));
        let variables: Vec<_> = node.variables().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let capabilities = list(CAPABILITIES.iter().copied());
        let bind = |from: &str, to: &str, options: &str| {
            format!(r#"{{"destination": "{to}", "type": "bind", "source": "{from}", "options": ["bind", {options}]}}"#)
        };
        let config = format!(
            r#"{{"ociVersion": "1.0.2", "hostname": "node",
            "process": {{"terminal": false, "user": {{"uid": 0, "gid": 0}}, "cwd": "/", "noNewPrivileges": true,
                "args": [{}], "env": [{}],
                "capabilities": {{"bounding": [{capabilities}], "effective": [{capabilities}], "permitted": [{capabilities}]}}}},
            "root": {{"path": "{root}", "readonly": false}},
            "mounts": [{{"destination": "/proc", "type": "proc", "source": "proc"}},
                {{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}},
                {}, {}, {}],
            "linux": {{"namespaces": [{{"type": "pid"}}, {{"type": "mount"}}, {{"type": "ipc"}}, {{"type": "uts"}}]}}}}"#,
            list(words),
            list(variables.iter().map(String::as_str)),
            bind("/usr", "/usr", "\"ro\""),
            bind(&program, "/cassandra-init", "\"ro\""),
            bind(&folder, &folder, "\"rw\""),
        );
        fs::create_dir(node.path("bundle")).unwrap();
        fs::write(node.path("bundle/config.json"), config).unwrap();
        let id = format!("cassandra-init-{}", folder.rsplit('.').next().unwrap().replace('/', "-"));
        let run = format!("exec runc --root {folder}/runc run --bundle {folder}/bundle {id}");
        Self { node: node.wrapped(&["sh", "-c", &run, "sh"]), id }
    }

    fn runc(&self, words: &[&str]) -> bool {
        let mut command = Command::new("runc");
        command.arg("--root").arg(self.node.path("runc")).args(words).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    }

    /// Starts it, and waits until the container's first process runs the child.
    fn start(&self) -> Running<'_> {
        let running = self.node.start();
        assert!(self.runc(&["state", &self.id]));
        running
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        self.runc(&["delete", "--force", &self.id]);
    }
}

fn supervised(script: &str) -> Node {
    Way::Ordinary.supervise(script)
}

#[test]
fn p01_02_03_exit_codes_pass_through_runc() {
    if !can("runc") {
        return;
    }
    let run = |node: Node| -> Outcome { Bundle::new(node).node.run() };
    run(supervised("[ $PPID = 1 ] && exit 3")).code(3);
    run(supervised("kill -TERM $$")).code(143);
    run(Way::Ordinary.command(&["no-such-program"])).code(127).says("not in PATH");
}

#[test]
fn p19_20_31_32_stops_reach_a_node_under_runc() {
    if !can("runc") {
        return;
    }
    for signal in ["TERM", "INT", "37"] {
        let bundle = Bundle::new(Node::new());
        let running = bundle.start();
        assert!(bundle.runc(&["kill", &bundle.id, signal]));
        running.wait().code(0).says("as PID 1");
        assert!(bundle.node.path("standin/drained").exists(), "{signal}");
    }
    let bundle = Bundle::new(Node::new());
    let running = bundle.start();
    assert!(bundle.runc(&["exec", &bundle.id, "sh", "-c", "kill 1"]));
    running.wait().code(0).says("SIGTERM: not ready any more");
}

#[test]
fn p09_51_52_53_orphans_and_stragglers_under_runc() {
    if !can("runc") {
        return;
    }
    let bundle = Bundle::new(supervised(
        "i=0; while [ $i -lt 200 ]; do ( (exit 1) & ); i=$((i + 1)); done
         setsid sh -c 'trap \"sleep 0.3; echo > \\\"$STANDIN/saved\\\"; exit\" TERM
             echo > \"$STANDIN/straggler\"; while :; do sleep 0.01; done' &
         until [ -e \"$STANDIN/straggler\" ]; do sleep 0.01; done
         until ! grep -q '^State:.Z' /proc/[0-9]*/status 2> /dev/null; do sleep 0.01; done
         exit 3",
    ));
    bundle.node.run().code(3);
    assert!(bundle.node.path("standin/saved").exists());
}

/// A Docker of our own, with its state in the node's folder.
struct Docker {
    daemon: Child,
    host: String,
}

const IMAGE: &str = "usr";

impl Docker {
    fn new(node: &Node) -> Self {
        let host = node.path("docker-host");
        let mut daemon = Command::new(project().join("tests/support/docker"));
        daemon
            .args(["run", "sh", "-c", "echo $DOCKER_HOST > \"$1.new\" && mv \"$1.new\" \"$1\" && exec cat", "sh"])
            .arg(&host);
        daemon.env("CASSANDRA_INIT_CACHE", node.path("docker")).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut daemon = daemon.stderr(Stdio::null()).spawn().unwrap();
        wait_until("Docker", || {
            assert!(daemon.try_wait().unwrap().is_none(), "no Docker can be started");
            host.exists()
        });
        let docker = Self { daemon, host: fs::read_to_string(host).unwrap().trim().to_owned() };
        let root = root_folder(node);
        let import = format!("tar --create --directory {root} . | docker import - {IMAGE}");
        let mut importing = Command::new("sh");
        importing.args(["-c", &import]).env("DOCKER_HOST", &docker.host).stdout(Stdio::null());
        assert!(importing.status().unwrap().success());
        docker
    }

    fn docker(&self, words: &[&str]) -> Outcome {
        let mut command = Command::new("docker");
        command.args(words).env("DOCKER_HOST", &self.host).stdin(Stdio::null()).output().unwrap().into()
    }

    /// The words of `docker run` for a node, up to the image and its command.
    fn words(node: &Node, options: &[&str]) -> Vec<String> {
        let folder = node.path("").display().to_string();
        let folder = folder.trim_end_matches('/');
        let mut words = vec!["run".to_owned(), "--network=none".to_owned()];
        words.extend(options.iter().map(ToString::to_string));
        let binary = format!("{}:/cassandra-init:ro", binary().display());
        for volume in ["/usr:/usr:ro", &binary, &format!("{folder}:{folder}")] {
            words.extend(["--volume".to_owned(), volume.to_owned()]);
        }
        for (name, value) in node.variables() {
            words.extend(["--env".to_owned(), format!("{name}={value}")]);
        }
        words.extend([IMAGE.to_owned(), "/cassandra-init".to_owned()]);
        words.extend(node.words().iter().cloned());
        words
    }

    fn run(&self, node: &Node, options: &[&str]) -> Outcome {
        let words = Self::words(node, options);
        self.docker(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// How the container ended and what it said.
    fn end(&self, name: &str) -> Outcome {
        let code = self.docker(&["wait", name]).code(0).stdout.trim().parse().unwrap();
        let logs = self.docker(&["logs", name]).code(0);
        Outcome { code, ..logs }
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // The daemon goes when what it serves sees the end of its input.
        drop(self.daemon.stdin.take());
        let mut rest = Vec::new();
        let _ = self.daemon.stdout.take().map(|mut stdout| stdout.read_to_end(&mut rest));
        let _ = self.daemon.wait();
    }
}

/// One daemon for all of it, as its start takes seconds.
#[test]
fn p01_03_08_19_20_31_32_51_under_docker() {
    if !can("dockerd") || !has("docker") {
        return;
    }
    let home = Node::new();
    let docker = Docker::new(&home);
    docker.run(&supervised("exit 3"), &[]).code(3);
    docker.run(&supervised("kill -KILL $$"), &[]).code(137);
    docker.run(&Way::Ordinary.command(&["no-such-program"]), &[]).code(127).says("not in PATH");

    // `docker stop`, the stop signal that images of systemd name, and a kill from inside.
    let stops: [(&str, &[&str]); 4] = [
        ("stop", &["stop", "--time", "60", "stop"]),
        ("interrupted", &["kill", "--signal", "INT", "interrupted"]),
        ("realtime", &["kill", "--signal", "SIGRTMIN+3", "realtime"]),
        ("inside", &["exec", "inside", "sh", "-c", "kill 1"]),
    ];
    for (name, stop) in stops {
        let node = Node::new();
        docker.run(&node, &["--detach", "--name", name]).code(0);
        wait_until("the node", || node.path("standin/running").exists());
        docker.docker(stop).code(0);
        docker.end(name).code(0).says("as PID 1");
        assert!(node.path("standin/drained").exists(), "{name}");
    }

    let straggler = format!(
        "setsid sh -c 'trap \"sleep 0.3; echo > \\\"$STANDIN/saved\\\"; exit\" TERM; {READY}; while :; do sleep 0.01; done' &
         until [ -e \"$STANDIN/running\" ]; do sleep 0.01; done; exit 5"
    );
    let node = supervised(&straggler);
    docker.run(&node, &[]).code(5);
    assert!(node.path("standin/saved").exists());

    let greedy = Node::new().java("#!/bin/sh\nexec tail /dev/zero\n");
    docker.run(&greedy, &["--detach", "--name", "greedy", "--memory", "64m"]).code(0);
    docker.end("greedy").code(137).says("by the kernel for want of memory").says("limit is 64 MiB");
}
