//! Cassandra's own `NodeTool`, as people run it beside a node: from 4.0 on by us, on 3.11 by the release's own script, too.

use std::fs;

use crate::real::{RealNode, RealStart};
use crate::support::Outcome;

impl RealNode {
    /// What is asked of `NodeTool`, which must do it; `status` is not, as we answer that by ourselves.
    #[track_caller]
    pub fn nodetool(&self, start: &RealStart, arguments: &[&str]) {
        let port = self.jmx_port().to_string();
        let words = [&["-p", &port], arguments].concat();
        let outcome = match self.line() {
            "3.11" => self.by_its_script(start, &words),
            _ => self.command(&self.alias("nodetool"), &words),
        };
        assert_eq!(outcome.code, 0, "nodetool {arguments:?} of {}: {outcome:?}", self.line());
    }

    /// What the release's own `bin/nodetool` does, in the tree of its node.
    pub fn by_its_script(&self, start: &RealStart, words: &[&str]) -> Outcome {
        // The Java that runs the node, not that of this machine.
        let java = fs::read_link(format!("/proc/{}/exe", start.jvm())).unwrap();
        let home = format!("JAVA_HOME={}", java.ancestors().nth(2).unwrap().display());
        // Its script reads cassandra-env.sh, which wants both sizes of a heap or none.
        // A Java 8 of today takes the URL of its NodeTool only on request (CASSANDRA-17581).
        let legacy = "JVM_OPTS=-Dcom.sun.jndi.rmiURLParsing=legacy";
        let script = ["/usr/bin/env", "--unset=MAX_HEAP_SIZE", &home, legacy, "/opt/cassandra/bin/nodetool"];
        self.entered(start, &[&script[..], words].concat())
    }
}
