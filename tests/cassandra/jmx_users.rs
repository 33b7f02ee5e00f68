//! A node whose JMX server wants a password: what a drain does there.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use nix::sys::signal::Signal;

use crate::real::{RealNode, alone, signal};
use crate::support::{binary, is_root};

#[test]
fn a_node_with_jmx_users_is_drained_by_the_password_of_its_own_file() {
    if !is_root() {
        eprintln!("skipped: needs root to look at the node from inside");
        return;
    }
    let _alone = alone();
    let node = RealNode::new();
    let passwords = node.path("jmxremote.password");
    fs::write(&passwords, "monitorRole tomcat\ncontrolRole jerry\n").unwrap();
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o400)).unwrap();
    let access = node.path("jmxremote.access");
    fs::write(&access, "monitorRole readonly\ncontrolRole readwrite\n").unwrap();
    for file in [&passwords, &access] {
        chown(file, Some(4242), Some(4242)).unwrap();
    }
    let options = [("password", &passwords), ("access", &access)]
        .map(|(name, file)| format!("-Dcom.sun.management.jmxremote.{name}.file={}", file.display()));
    let node =
        node.with("LOCAL_JMX", "no").with("JVM_EXTRA_OPTS", &format!("-XX:TieredStopAtLevel=1 {}", options.join(" ")));
    let mut start = node.start("users.log");
    node.wait_ready(&mut start);
    let inside = |arguments: &[&str]| {
        let (init, binary) = (start.init().to_string(), binary().display().to_string());
        let enter = ["--target", &init, "--pid", "--mount", "--", &binary];
        node.command(Path::new("/usr/bin/nsenter"), &[&enter[..], arguments].concat())
    };
    // Not root's: it could be any file that the node would like to know.
    chown(&passwords, Some(0), Some(0)).unwrap();
    let refused = inside(&["drain", "--timeout", "60s"]);
    assert_eq!(refused.code, 77, "{refused:?}");
    chown(&passwords, Some(4242), Some(4242)).unwrap();
    let drained = inside(&["drain", "--timeout", "60s"]);
    assert_eq!(drained.code, 0, "{drained:?}");
    assert!(drained.stdout.starts_with("drained in "), "{drained:?}");
    for output in [refused, drained] {
        assert!(!format!("{output:?}").contains("jerry"), "a password is told");
    }
    let after = inside(&["probe", "readiness", "--timeout", "30s"]);
    assert_eq!(after.code, 1, "{after:?}");
    assert!(after.stdout.contains("drained"), "{after:?}");
    signal(start.init(), Signal::SIGTERM);
    assert_eq!(start.wait(), 0);
}
