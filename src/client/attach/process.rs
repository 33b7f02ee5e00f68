//! What /proc says of a JVM before it is asked anything (proc(5)).

use std::fs;

use nix::sys::signal::Signal;

/// A process, as `/proc/<pid>/status` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// Its id in its own namespace, by which its files are named.
    pub(super) inner: i32,
    /// Its effective user and group.
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Whether SIGQUIT runs a handler of its own, where it would end it otherwise.
    pub(super) handles_quit: bool,
    /// Whether it is stopped, by a signal or a debugger.
    pub(super) is_stopped: bool,
}

impl Process {
    pub(super) fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    fn parse(status: &str) -> Option<Self> {
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        // Real, effective, saved, for files.
        let effective = |name: &str| field(name)?.split_whitespace().nth(1)?.parse().ok();
        // NSpid came with Linux 4.1; the innermost namespace is last.
        let inner = field("NSpid").or(field("Pid"))?.split_whitespace().last()?.parse().ok()?;
        let caught = u64::from_str_radix(field("SigCgt")?.trim(), 16).ok()?;
        Some(Self {
            inner,
            uid: effective("Uid")?,
            gid: effective("Gid")?,
            handles_quit: caught & (1 << (Signal::SIGQUIT as u64 - 1)) != 0,
            is_stopped: field("State")?.trim_start().starts_with(['T', 't']),
        })
    }
}

/// Where HotSpot finds options, in the order in which a later one wins; none is the command line.
const OPTIONS: [Option<&str>; 4] = [Some("JAVA_TOOL_OPTIONS"), Some("JDK_JAVA_OPTIONS"), None, Some("_JAVA_OPTIONS")];

/// Whether the JVM was told that nobody may attach to it; then SIGQUIT would only print its threads. What cannot be read,
/// says nothing.
pub(super) fn is_attach_disabled(pid: i32) -> bool {
    let read = |name: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    disables_attach(&read("cmdline"), &read("environ"))
}

fn disables_attach(command: &str, environment: &str) -> bool {
    let variable = |name: &str| environment.split('\0').find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='));
    let mut disabled = false;
    for place in OPTIONS {
        let words: Vec<&str> = match place {
            None => command.split('\0').collect(),
            Some(name) => variable(name).unwrap_or_default().split_whitespace().collect(),
        };
        for word in words {
            match word.trim_matches(['"', '\'']) {
                "-XX:+DisableAttachMechanism" => disabled = true,
                "-XX:-DisableAttachMechanism" => disabled = false,
                _ => {}
            }
        }
    }
    disabled
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tjava\nState:\tS (sleeping)\nPid:\t912\nUid:\t0\t4242\t4242\t4242\nGid:\t0\t43\t43\t43\n\
                          NSpid:\t912\t17\nSigCgt:\t0000000101005ccf\n";

    #[test]
    fn ids_are_the_effective_ones_and_the_number_is_that_of_its_own_namespace() {
        let java = Process { inner: 17, uid: 4242, gid: 43, handles_quit: true, is_stopped: false };
        assert_eq!(Process::parse(STATUS), Some(java.clone()));
        let old = STATUS.replace("NSpid:\t912\t17\n", "");
        assert_eq!(Process::parse(&old), Some(Process { inner: 912, ..java }));
    }

    #[test]
    fn a_handler_of_sigquit_is_bit_two() {
        let deaf = STATUS.replace("5ccf", "5ccb");
        assert!(!Process::parse(&deaf).unwrap().handles_quit);
        for (state, is_stopped) in [("T (stopped)", true), ("t (tracing stop)", true), ("D (disk sleep)", false)] {
            let status = STATUS.replace("S (sleeping)", state);
            assert_eq!(Process::parse(&status).unwrap().is_stopped, is_stopped, "{state}");
        }
        for missing in ["SigCgt", "Uid", "State"] {
            assert_eq!(Process::parse(&STATUS.replace(missing, "x")), None, "{missing}");
        }
    }

    #[test]
    fn the_last_word_on_attaching_counts_wherever_it_stands() {
        let (on, off) = ("-XX:+DisableAttachMechanism", "-XX:-DisableAttachMechanism");
        let command = |words: &[&str]| format!("java\0{}\0org.apache.cassandra.X\0", words.join("\0"));
        assert!(!disables_attach(&command(&["-XX:+UseG1GC"]), ""));
        assert!(disables_attach(&command(&[on]), ""));
        assert!(!disables_attach(&command(&[on, off]), ""));
        assert!(disables_attach(&command(&[]), &format!("A=1\0JAVA_TOOL_OPTIONS=-Xx {on} -y\0")));
        assert!(!disables_attach(&command(&[off]), &format!("JAVA_TOOL_OPTIONS={on}\0")));
        assert!(disables_attach(&command(&[off]), &format!("_JAVA_OPTIONS={on}\0")));
        assert!(!disables_attach(&command(&[]), &format!("NOT_JAVA_TOOL_OPTIONS={on}\0")));
    }
}
